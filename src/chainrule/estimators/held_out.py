"""Validation data: handed in beside the training data, or held out of them.

It computes their loss; which score they have is the estimator's or a scorer's business.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from chainrule.batch import Batch
from chainrule.errors import InputError
from chainrule.estimators.forward import Forward

Array: TypeAlias = NDArray[Any]


class HeldOut(NamedTuple):
    """Validation data.

    Attributes
    ----------
    batch : Batch
        As the network takes them.
    X, y : array-like
        As they were handed in, for scorers.
    weight : array (n,), optional
    """

    batch: Batch
    X: Any
    y: Array
    weight: Array | None

    def loss(self, forward: Forward, theta: Array) -> float:
        """Return the loss over these data, without penalty and dropout."""
        with np.errstate(over="ignore", invalid="ignore"):  # whoever asks looks at the number
            o = forward.raw(theta, self.batch.x)  # (n, outputs)
            return float(forward.network.loss.value(o, self.batch.t, self.batch.weight))


def split(
    n: int, fraction: float, seed: int, classes: Array | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows to train on, and those held out.

    Parameters
    ----------
    n : int
        Samples.
    fraction : float
        How many of them are held out.
    seed : int
    classes : array (n,), optional
        Of which both parts get their share, where there are enough of each.

    Raises
    ------
    InputError
        If too few would be held out.
    """
    held = int(np.ceil(fraction * n))
    if held < 2 or held >= n:
        raise InputError(
            f"The validation set is too small, {held} of {n} samples, or leaves none to train on. "
            "Change 'validation_fraction' or the size of your dataset, or give X_val and y_val."
        )
    even = classes if classes is not None and divides(classes, n - held, held) else None
    parts: Any = train_test_split(
        np.arange(n), test_size=fraction, random_state=seed % 2**32, stratify=even
    )
    return parts[0], parts[1]


def divides(classes: Array, trained: int, held: int) -> bool:
    """Tell whether each class can have its share of both parts."""
    counts = np.unique(classes, return_counts=True)[1]
    return counts.min() >= 2 and min(trained, held) >= len(counts)
