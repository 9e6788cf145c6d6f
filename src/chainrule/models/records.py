"""Records of a trained model: its epochs, its data and its scores."""

from dataclasses import dataclass
from typing import NamedTuple

from chainrule.health import Health
from chainrule.models.scores import Scores


class Epoch(NamedTuple):
    """The results of an epoch.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    loss : float
        The mean training loss, with the penalty.
    validation_loss, score : float or None
        On the rows held out; the score is the accuracy or R², unless ``scoring`` says otherwise.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    score: float | None


@dataclass(frozen=True)
class TrainingReport:
    """On what a model was trained, and how well it predicts.

    Parameters
    ----------
    source : str
        What messages call the table.
    seconds : float
        How long training took.
    training, validation : Scores or None
        On the rows trained on, and on those held out.
    health : Health or None
    """

    source: str = ""
    seconds: float = 0.0
    training: Scores | None = None
    validation: Scores | None = None
    health: Health | None = None
