"""Check an implementation of backpropagation by making known mistakes again.

`check` returns a `Diagnosis`; `MISTAKES` is the catalogue of the known mistakes.
"""

from chainrule.diagnosis.catalogue import MISTAKES, UNSEEN, Mistake
from chainrule.diagnosis.checking import check
from chainrule.diagnosis.findings import Comparison, Finding, Place
from chainrule.diagnosis.layers import check_gradient_function, check_layer, check_update
from chainrule.diagnosis.networks import known_activation, known_loss
from chainrule.diagnosis.report import Diagnosis, diagnosis_schema

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
