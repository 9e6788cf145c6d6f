# pyright: strict
"""The range in which a run's loss moves, from the targets and the loss function alone.

Its upper end is the loss of the best constant prediction, its lower end the least possible loss.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.elementwise import where
from chainrule.losses import (
    AbsoluteError,
    Huber,
    LogisticCrossEntropy,
    Loss,
    Poisson,
    Quantile,
    SoftmaxCrossEntropy,
    SoftmaxSquaredError,
    SquaredError,
)

Array: TypeAlias = NDArray[Any]

MAX_OUTPUT = 40.0  # stands for infinity: e^−40 is below the rounding error of a probability
# Losses whose slope is p − t, so that the mean of the targets is the best constant prediction.
MEAN_IS_BEST = (SquaredError, LogisticCrossEntropy, Poisson)
BISECTIONS = 60  # halvings of an interval: more than the digits of a float64


class LossBounds(NamedTuple):
    """Two losses, without the penalty.

    Attributes
    ----------
    constant : float
        The loss of the best prediction that is the same for all samples.
    least : float
        The loss of a prediction that equals every target.
    """

    constant: float
    least: float

    @property
    def differ(self) -> bool:
        """Whether the bounds differ, so that there is something to learn."""
        return self.constant - self.least > 1e-9 * max(abs(self.constant), 1e-300)


def loss_bounds(loss: Loss, batch: Batch) -> LossBounds | None:
    """Return both losses; None for a user-defined loss, whose minimum is unknown."""
    if type(loss) not in IDEALS:
        return None
    constant, ideal = constant_output(loss, batch), ideal_output(loss, batch.t)
    values = [loss.value(o, batch.t, batch.weight) for o in (constant, ideal)]
    return LossBounds(float(values[0]), float(values[1]))


def share_left(loss: Loss, batch: Batch, value: float) -> float:
    """Return which share of the best constant prediction's error a loss leaves.

    Parameters
    ----------
    loss : Loss
    batch : Batch
        Samples, of which the targets and weights count; `Network.batch` makes them.
    value : float
        The loss over these samples, without the penalty.

    Returns
    -------
    float
        0 if every target is predicted, 1 for the best constant prediction; NaN for a user-defined
        loss, and if all targets are equal.
    """
    found = loss_bounds(loss, batch)
    if found is None or not found.differ:
        return math.nan
    return (value - found.least) / (found.constant - found.least)


def ideal_output(loss: Loss, t: Array) -> Array:
    """Return the raw output (n, k) that gives every target; ±40 where it would be infinite."""
    return IDEALS[type(loss)](t)


def constant_output(loss: Loss, batch: Batch) -> Array:
    """Return the best raw output that is the same for all samples, (n, k)."""
    t, weight = batch.t, batch.weight
    if loss.classes or isinstance(loss, MEAN_IS_BEST):
        return np.broadcast_to(ideal_output(loss, np.average(t, 0, weight)[None, :]), t.shape)
    ideal = ideal_output(loss, t)  # (n, k); the loss is convex, so the best lies between these
    low, high = ideal.min(axis=0), ideal.max(axis=0)  # (k,)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2  # (k,)
        slopes = loss.gradient(np.broadcast_to(middle, t.shape), t, weight)  # (n, k)
        falls: Array = np.sum(slopes, axis=0) < 0  # (k,)
        low, high = where(falls, middle, low), where(falls, high, middle)
    return np.broadcast_to((low + high) / 2, t.shape)


def nearest_output(loss: Loss, t: Array, low: float, high: float) -> Array:
    """Return the raw output (n, k) between two limits that is nearest to every target."""
    if loss.classes:
        low, high = max(low, -MAX_OUTPUT), min(high, MAX_OUTPUT)
        return low + (high - low) * t
    return np.clip(ideal_output(loss, t), low, high)


def log_output(t: Array) -> Array:
    return np.maximum(np.log(t), -MAX_OUTPUT)


def logit_output(t: Array) -> Array:
    return np.clip(np.log(t) - np.log1p(-t), -MAX_OUTPUT, MAX_OUTPUT)


def identity_output(t: Array) -> Array:
    return t


IDEALS: dict[type[Loss], Callable[[Array], Array]] = {
    SquaredError: identity_output,
    AbsoluteError: identity_output,
    Huber: identity_output,
    Quantile: identity_output,
    Poisson: log_output,
    LogisticCrossEntropy: logit_output,
    SoftmaxCrossEntropy: log_output,
    SoftmaxSquaredError: log_output,
}
