"""Check an implementation of backpropagation by making known mistakes again.

`check` returns a `Diagnosis`; `MISTAKES` is the catalogue of the known mistakes.
"""

from typing import TYPE_CHECKING

from chainrule.lazy_names import lazy_names

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

# Loaded when first used, so that the catalogue can be read without the rest.
__getattr__ = lazy_names(__name__, _MODULE_OF)
