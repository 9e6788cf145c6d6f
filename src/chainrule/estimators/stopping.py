"""scikit-learn's rule for when training has come to a standstill.

It looks at one number an epoch, of which more is better; what the number is, others say.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple


class Wait(NamedTuple):
    """How long nothing has improved.

    Attributes
    ----------
    epochs : int
        In a row, without an improvement by more than the tolerance.
    best : float
        The best number so far.
    """

    epochs: int = 0
    best: float = -math.inf


class Rule(NamedTuple):
    """Stop after more than `patience` epochs in a row that improve on the best by less than `tol`.

    Attributes
    ----------
    tol : float
    patience : float
        Infinite for a run that nothing stops.
    """

    tol: float
    patience: float

    def after(self, wait: Wait, score: float) -> Wait:
        """Return what is known after an epoch with this score; a NaN is no standstill."""
        epochs = wait.epochs + 1 if score < wait.best + self.tol else 0
        return Wait(epochs, max(wait.best, score))

    def fires(self, wait: Wait) -> bool:
        """Tell whether it is time to stop."""
        return wait.epochs > self.patience

    def first(self, wait: Wait, scores: Iterable[float]) -> int | None:
        """Return after how many epochs with these scores it fires, None if it does not."""
        for epochs, score in enumerate(scores, 1):
            wait = self.after(wait, score)
            if self.fires(wait):
                return epochs
        return None

    def safe(self, wait: Wait, left: int) -> int:
        """Return after how many of the epochs left it can fire at the earliest, at least 1."""
        return int(max(1, min(left, self.patience + 1 - wait.epochs)))
