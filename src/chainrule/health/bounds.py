# pyright: strict
"""Between which losses a run moves: the best constant prediction's, and the least there can be.

They follow from targets and loss alone; the network has no part in them.
"""

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

FAR = 40.0  # a raw output as good as infinite: e^−40 is below the rounding of a probability
HALVINGS = 60  # of an interval: beyond the digits of a float64


class Bounds(NamedTuple):
    """Two losses, penalty left out.

    Attributes
    ----------
    constant : float
        Of the best prediction that is the same for all samples.
    least : float
        Of a prediction that meets every target.
    """

    constant: float
    least: float

    @property
    def apart(self) -> bool:
        """Whether there is anything to learn: targets that differ."""
        return self.constant - self.least > 1e-9 * max(abs(self.constant), 1e-300)


def bounds(loss: Loss, batch: Batch) -> Bounds | None:
    """Return both losses; None for a loss of the user's own, whose minimum nobody knows."""
    if type(loss) not in IDEALS:
        return None
    constant, ideal = constant_output(loss, batch), ideal_output(loss, batch.t)
    values = [loss.value(o, batch.t, batch.weight) for o in (constant, ideal)]
    return Bounds(float(values[0]), float(values[1]))


def ideal_output(loss: Loss, t: Array) -> Array:
    """Return the raw output (n, k) that meets every target, within ±40 where it is infinite."""
    return IDEALS[type(loss)](t)


def constant_output(loss: Loss, batch: Batch) -> Array:
    """Return the best raw output that is the same for all samples, (n, k)."""
    t, weight = batch.t, batch.weight
    if loss.classes:
        return np.broadcast_to(ideal_output(loss, np.average(t, 0, weight)[None, :]), t.shape)
    ideal = ideal_output(loss, t)  # (n, k); the loss is convex, so the best lies between these
    low, high = ideal.min(axis=0), ideal.max(axis=0)  # (k,)
    for _ in range(HALVINGS):
        middle = (low + high) / 2  # (k,)
        slopes = loss.gradient(np.broadcast_to(middle, t.shape), t, weight)  # (n, k)
        falls: Array = np.sum(slopes, axis=0) < 0  # (k,)
        low, high = where(falls, middle, low), where(falls, high, middle)
    return np.broadcast_to((low + high) / 2, t.shape)


def nearest_output(loss: Loss, t: Array, low: float, high: float) -> Array:
    """Return the raw output (n, k) between two bounds that comes nearest to every target."""
    if loss.classes:
        low, high = max(low, -FAR), min(high, FAR)
        return low + (high - low) * t
    return np.clip(ideal_output(loss, t), low, high)


def logs(t: Array) -> Array:
    return np.maximum(np.log(t), -FAR)


def logits(t: Array) -> Array:
    return np.clip(np.log(t) - np.log1p(-t), -FAR, FAR)


def same(t: Array) -> Array:
    return t


IDEALS: dict[type[Loss], Callable[[Array], Array]] = {
    SquaredError: same,
    AbsoluteError: same,
    Huber: same,
    Quantile: same,
    Poisson: logs,
    LogisticCrossEntropy: logits,
    SoftmaxCrossEntropy: logs,
    SoftmaxSquaredError: logs,
}
