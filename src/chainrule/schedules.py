"""Schedules: the learning rate of each update, as a function of the number of the update.

Updates are counted from 1, over the whole run. To give a number of epochs instead, multiply it by
the number of batches in an epoch.
"""

import math
from dataclasses import dataclass
from typing import Annotated

from chainrule.descriptions import Count, Description, Fraction, NonNegative, Positive


class Schedule(Description):
    """The learning rate as a function of the update k = 1, 2, …; every subclass is frozen."""

    def __call__(self, k: int) -> float:
        """Return the learning rate of update k."""
        raise NotImplementedError  # abstract


@dataclass(frozen=True)
class ConstantRate(Schedule):
    """The same learning rate for all updates.

    Parameters
    ----------
    learning_rate : float
    """

    learning_rate: Positive

    def __call__(self, k: int) -> float:
        return self.learning_rate


@dataclass(frozen=True)
class StepDecay(Schedule):
    """learning_rate · factor^⌊(k − 1) / every⌋: multiplied by `factor` after every `every` updates.

    Parameters
    ----------
    learning_rate : float
    factor : float
        Above 0, at most 1.
    every : int
        Number of updates between two changes.
    """

    learning_rate: Positive
    factor: Fraction = 0.1
    every: Count = 1000

    def __call__(self, k: int) -> float:
        return self.learning_rate * self.factor ** ((k - 1) // self.every)


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """learning_rate · factor^(k − 1).

    Parameters
    ----------
    learning_rate : float
    factor : float
        Above 0, at most 1.
    """

    learning_rate: Positive
    factor: Fraction = 0.999

    def __call__(self, k: int) -> float:
        return self.learning_rate * self.factor ** (k - 1)


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """learning_rate / k^power.

    Parameters
    ----------
    learning_rate, power : float
    """

    learning_rate: Positive
    power: Positive = 0.5

    def __call__(self, k: int) -> float:
        return self.learning_rate / k**self.power


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Half a cosine from `learning_rate` at update 1 to `final` at update `steps`, then `final`.

    Parameters
    ----------
    learning_rate : float
    steps : int
        At least 2 updates.
    final : float, default 0
    """

    learning_rate: Positive
    steps: Annotated[int, 2]
    final: NonNegative = 0.0

    def __call__(self, k: int) -> float:
        part = min((k - 1) / (self.steps - 1), 1.0)  # from 0 at k = 1 to 1 at k = steps
        return self.final + (self.learning_rate - self.final) * (1 + math.cos(math.pi * part)) / 2


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A linear increase over `steps` updates, followed by another schedule.

    Parameters
    ----------
    steps : int
        The number of updates of the increase.
    then : Schedule or float
        What follows; its updates are counted from the end of the increase, which goes up to the
        learning rate of its first update.
    """

    steps: Count
    then: Schedule | float

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "then", schedule(self.then))

    def __call__(self, k: int) -> float:
        then = schedule(self.then)
        return then(1) * k / self.steps if k <= self.steps else then(k - self.steps)


def rate_at(learning_rate: Schedule | float, k: int) -> float:
    """Return the learning rate of update k of a schedule or a constant."""
    return learning_rate(k) if isinstance(learning_rate, Schedule) else learning_rate


def schedule(choice: Schedule | float) -> Schedule:
    """Return the schedule, or that of a constant learning rate."""
    return choice if isinstance(choice, Schedule) else ConstantRate(choice)


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": ConstantRate,
    "step": StepDecay,
    "exponential": ExponentialDecay,
    "inverse-scaling": InverseScaling,
    "cosine": CosineDecay,
    "warm-up": WarmUp,
}
