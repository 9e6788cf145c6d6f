"""``chainrule cv``: how good a model would be, by cross-validation."""

import inspect
from typing import Annotated, Any, get_type_hints

import typer

from chainrule.cli import table_options as given
from chainrule.cli.parsers import whole_number
from chainrule.cli.requirements import require_files
from chainrule.cli.train import train
from chainrule.cli.train_rules import (
    DEFAULTS,
    TRAIN_UNUSED,
    options_of,
    reject_schedule,
    rule_of,
)
from chainrule.cli.unused_options import reject_unused_options

EXAMPLES = """\b
Examples:
  chainrule cv customers.csv --target renewal --impute median
  chainrule cv iris --folds 10 --hidden 20"""

OF_FILES = (
    "resume",
    "output",
    "run",
    "overwrite",
    "checkpoint_every",
    "plot",
    "distributed",
    "blocks",
    "exact",
)  # which cv has none of
MOST_FOLDS = 1000

Folds = Annotated[
    int | None,
    given.option(
        "The number of folds (default: 5).", parser=whole_number(2, MOST_FOLDS), metavar="N"
    ),
]


def cv(context: typer.Context, **_: Any) -> None:
    """Train and evaluate models on parts of a table.

    The rows are divided into folds. For each, a model is trained on the other folds and evaluated
    on it. The options are those of train.
    """
    options = options_of(context)
    if "data" not in options:
        raise typer.BadParameter("DATA is missing; add the table to train on")
    reject_unused_options(options, rule_of(options), TRAIN_UNUSED)
    reject_schedule(options)
    require_files("chainrule cv")
    from chainrule.cli.cross_validating import run

    run(options, {**DEFAULTS, "folds": 5, **options})


def with_options_of_train() -> None:
    """Give the command the options of train, without those of files, and the number of folds."""
    signature, hints = inspect.signature(train), get_type_hints(train, include_extras=True)
    kept = [p for name, p in signature.parameters.items() if name not in OF_FILES]
    folds = inspect.Parameter(
        "folds", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Folds
    )
    typed = [p.replace(annotation=hints.get(p.name, p.annotation)) for p in kept]
    command: Any = cv
    command.__signature__ = signature.replace(parameters=[*typed, folds])
    command.__annotations__ = {p.name: p.annotation for p in [*typed, folds]} | {"return": None}


with_options_of_train()
