"""What training has brought so far, from fit to fit: the state to go on from, and its curves.

It is data; whoever trains writes to it.
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from numpy.typing import NDArray

from chainrule.estimators.stopping import Wait
from chainrule.loops import State
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.training import Record

Array: TypeAlias = NDArray[Any]


@dataclass
class Course:
    """The course of an estimator's training.

    Parameters
    ----------
    state : State
        Of the last update.
    optimizer : Optimizer or LBFGS
        That it belongs to.
    wait : Wait
        Early stopping's: how long nothing has improved.
    rate : float, optional
        What an adaptive rate has fallen to.
    best_theta : array (parameters,), optional
        Of the best validation score.
    samples : int
        Seen so far.
    epochs : int
        Of the last fit.
    reason : str
        Why it ended.
    losses, validation_losses, scores : list of float
        One for each epoch.
    """

    state: State
    optimizer: Optimizer | LBFGS
    wait: Wait = field(default_factory=Wait)
    learning_rate: float | None = None
    best_theta: Array | None = None
    samples: int = 0
    epochs: int = 0
    reason: str = ""
    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def write(self, record: Record, samples: int) -> None:
        """Note an epoch over so many samples."""
        self.losses.append(float(record.loss))
        self.samples += samples
        self.epochs += 1
