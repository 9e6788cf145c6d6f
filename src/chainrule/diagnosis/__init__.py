"""Check an implementation of backpropagation by making known mistakes again.

`check` returns a `Diagnosis`; `MISTAKES` is the catalogue of the known mistakes.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.diagnosis.catalogue import MISTAKES, UNSEEN, Mistake
    from chainrule.diagnosis.checking import check
    from chainrule.diagnosis.findings import Comparison, Finding, Place
    from chainrule.diagnosis.layers import check_gradient_function, check_layer, check_update
    from chainrule.diagnosis.networks import known_activation, known_loss
    from chainrule.diagnosis.report import Diagnosis, diagnosis_schema

_MODULE_OF = {
    "MISTAKES": "catalogue",
    "UNSEEN": "catalogue",
    "Mistake": "catalogue",
    "check": "checking",
    "Comparison": "findings",
    "Finding": "findings",
    "Place": "findings",
    "check_gradient_function": "layers",
    "check_layer": "layers",
    "check_update": "layers",
    "known_activation": "networks",
    "known_loss": "networks",
    "Diagnosis": "report",
    "diagnosis_schema": "report",
}

__all__ = [
    "MISTAKES",
    "UNSEEN",
    "Comparison",
    "Diagnosis",
    "Finding",
    "Mistake",
    "Place",
    "check",
    "check_gradient_function",
    "check_layer",
    "check_update",
    "diagnosis_schema",
    "known_activation",
    "known_loss",
]


def __getattr__(name: str) -> object:
    """Load a name when it is first used, so that the catalogue can be read without the rest."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
