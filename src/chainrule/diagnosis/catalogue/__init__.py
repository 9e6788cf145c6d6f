"""The catalogue of classic mistakes in backpropagation, each with the equations that make it.

`check` searches `MISTAKES` for an explanation of wrong numbers; every entry has a page in the
documentation. There is one file per stage of a training step.
"""

from chainrule.diagnosis.catalogue.deltas import DELTAS
from chainrule.diagnosis.catalogue.forward import FORWARD
from chainrule.diagnosis.catalogue.gradients import GRADIENTS
from chainrule.diagnosis.catalogue.losses import LOSSES
from chainrule.diagnosis.catalogue.model import Form, Mistake
from chainrule.diagnosis.catalogue.slopes import SLOPES
from chainrule.diagnosis.catalogue.updates import UPDATES

__all__ = ["MISTAKES", "UNSEEN", "Form", "Mistake"]

STAGES = (*FORWARD, *LOSSES, *SLOPES, *DELTAS, *GRADIENTS, *UPDATES)
MISTAKES: dict[str, Mistake] = {mistake.id: mistake for mistake in STAGES}

# Numbers of classic mistakes that no computed number can reveal, with the reason.
UNSEEN: dict[int, str] = {
    34: "weights that are all equal or zero: the gradients are right, and so are the numbers",
    39: "unscaled inputs and saturated units: a problem of the data, not of the arithmetic",
    40: "targets outside the output's range: the numbers still follow the formula",
    41: "mistakes in a gradient check: the checking code is not part of the submission",
    42: "trusting a falling loss: no number shows what the author believes",
}
