"""What training has brought so far, from fit to fit: the state to go on from, and its curves.

It is data; whoever trains writes to it.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from numpy.typing import NDArray

from chainrule.estimators.stopping import Wait
from chainrule.loops import State
from chainrule.optimizers import LBFGS, Optimizer

Array: TypeAlias = NDArray[Any]


class Reached(NamedTuple):
    """How far training has come: values that belong together and change together.

    Attributes
    ----------
    state : State
        After the last update.
    wait : Wait
        Early stopping's: how long nothing has improved.
    best_theta : array (parameters,), optional
        Of the best validation score.
    samples : int
        Seen so far.
    epochs : int
        Of the last fit.
    """

    state: State
    wait: Wait = Wait()
    best_theta: Array | None = None
    samples: int = 0
    epochs: int = 0


@dataclass
class Course:
    """The course of an estimator's training.

    Parameters
    ----------
    reached : Reached
    optimizer : Optimizer or LBFGS
        That its state belongs to.
    rate : float, optional
        What an adaptive rate has fallen to.
    reason : str
        Why the last fit ended.
    losses, validation_losses, scores : list of float
        One for each epoch.
    """

    reached: Reached
    optimizer: Optimizer | LBFGS
    learning_rate: float | None = None
    reason: str = ""
    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    @property
    def state(self) -> State:
        """The state after the last update."""
        return self.reached.state

    @property
    def wait(self) -> Wait:
        """How long nothing has improved."""
        return self.reached.wait

    @property
    def best_theta(self) -> Array | None:
        """The parameters of the best validation score, (parameters,)."""
        return self.reached.best_theta

    @property
    def samples(self) -> int:
        """The samples seen so far."""
        return self.reached.samples

    @property
    def epochs(self) -> int:
        """The epochs of the last fit."""
        return self.reached.epochs

    def write(
        self, reached: Reached, losses: list[float], validation: list[float], scores: list[float]
    ) -> None:
        """Note some epochs and what they have reached.

        An interruption arrives between lines, or after a call; here it finds everything stored,
        or nothing.

        Parameters
        ----------
        reached : Reached
            After these epochs.
        losses, validation, scores : list of float
            Of these epochs; of validation data if there are any.
        """
        i, j, k = len(self.losses), len(self.validation_losses), len(self.scores)
        new = losses, validation, scores, reached
        self.losses[i:], self.validation_losses[j:], self.scores[k:], self.reached = new
