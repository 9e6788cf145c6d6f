"""scikit-learn's "invscaling": a rate that falls once an epoch, by the samples seen so far.

It is a description like chainrule's own schedules; those fall at every update.
"""

from dataclasses import dataclass

from chainrule.descriptions import Count, NonNegative, Positive
from chainrule.schedules import Schedule


@dataclass(frozen=True)
class SampleScaling(Schedule):
    """rate / (samples seen before the epoch + 1)^power, for all updates of an epoch.

    Parameters
    ----------
    rate : float
    power : float
    samples : int
        Of an epoch.
    every : int
        Updates of an epoch.
    seen, done : int
        Samples seen and updates made before.
    """

    learning_rate: Positive
    power: NonNegative
    samples: Count
    every: Count
    seen: int = 0
    done: int = 0

    def __call__(self, k: int) -> float:
        epoch = (k - 1 - self.done) // self.every
        return self.learning_rate / (self.seen + epoch * self.samples + 1) ** self.power
