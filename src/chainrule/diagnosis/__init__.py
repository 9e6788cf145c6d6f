"""Check: what is wrong with somebody's own backpropagation, by making known mistakes again.

``check`` makes the diagnosis, which shows itself; nothing is guessed.
"""

from chainrule.diagnosis.catalogue import MISTAKES, UNSEEN, Mistake
from chainrule.diagnosis.checking import check
from chainrule.diagnosis.findings import Comparison, Finding, Place
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
    "diagnosis_schema",
    "known_activation",
    "known_loss",
]
