"""Import this package's modules before a program runs, so that it cannot replace one of them."""

import pkgutil
from contextlib import suppress
from functools import cache
from importlib import import_module

# training and what it writes: they import large libraries, which takes seconds
NOT_FOR_CHECKS = (
    *("compiled", "estimators", "explorer", "models", "__main__"),
    "submission.tracing.gradient_descent",  # it is read as a text
    *("cli.cross_validating", "cli.predicting", "cli.summary", "cli.training"),
)


@cache
def import_own_modules() -> None:
    """Import all modules that a check may need."""
    package = __name__.partition(".")[0]
    _import_below(package)


def _import_below(package: str) -> None:
    for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        if module.name.partition(".")[2] in NOT_FOR_CHECKS:
            continue
        with suppress(ImportError):  # something optional is not installed
            import_module(module.name)
            if module.ispkg:
                _import_below(module.name)
