"""Time limits of searches: for how a submission is called, and for the mistakes that explain it."""

import time
from dataclasses import dataclass, field

import numpy as np


def now() -> float:
    """Return the time in seconds; the tests replace this clock."""
    return time.monotonic()


@dataclass(frozen=True)
class TimeLimit:
    """A time limit that starts when it is created.

    Parameters
    ----------
    seconds : float, default inf
    started : float
        When it started, on the clock `now`.
    """

    seconds: float = np.inf
    started: float = field(default_factory=lambda: now())  # noqa: PLW0108 (the tests replace now)

    @property
    def is_over(self) -> bool:
        """Whether the time is used up."""
        return now() - self.started > self.seconds
