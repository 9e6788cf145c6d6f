"""The penalty on large weights: its value, its gradient, and their equations.

It is added to the loss over the data. It applies to weights, and not to biases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.descriptions import Description, NonNegative
from chainrule.elementwise import Number, real, where

Array: TypeAlias = NDArray[Any]


def magnitude(w: Number) -> Number:
    """Return |w|; at 0 the complex step of it is 0, as in the gradient below."""
    return where(real(w) > 0, w, where(real(w) < 0, -w, 0 * w))


@dataclass(frozen=True)
class Penalty(Description):
    """l1 Σ|w| + l2 Σw² + alpha Σw² / 2m, where m is the sum of the batch's sample weights.

    Parameters
    ----------
    l1, l2 : float
        Factors of Σ|w| and Σw², at least 0.
    alpha : float
        As in scikit-learn's MLP: halved, and divided by the sum of the sample weights, which is the
        number of samples without them. A batch whose weights are all 0 has no alpha penalty.

    Raises
    ------
    InputError
        If one is negative, infinite or NaN.
    """

    l1: NonNegative = 0.0
    l2: NonNegative = 0.0
    alpha: NonNegative = 0.0

    def __bool__(self) -> bool:
        return any(self.constants.values())

    @property
    def constants(self) -> dict[str, float]:
        """The three factors by name."""
        return self.numbers

    def value(self, weights: Sequence[Array], total: float) -> Any:
        """Return the penalty of all weight arrays; `total` is the m of the batch."""
        absolute = sum(np.sum(magnitude(w), axis=None) for w in weights)
        square = sum(np.sum(w * w, axis=None) for w in weights)
        return self.l1 * absolute + (self.l2 + self.alpha / (2 * total)) * square

    def gradient(self, w: Array, total: float) -> Array:
        """Return the penalty's derivative by a weight array, of its shape; ``|w|`` has 0 at 0."""
        sign = where(w > 0, 1.0, where(w < 0, -1.0, 0 * w))
        return self.l1 * sign + (2 * self.l2 + self.alpha / total) * w

    def equations(self, arrays: Sequence[str]) -> dict[str, str]:
        """Return the equations of the value, for the weight arrays of these names."""
        return {
            "absolute": " + ".join(f"{name}.absolute" for name in arrays),
            "square": " + ".join(f"{name}.square" for name in arrays),
            "value": "l1 * absolute + (l2 + alpha / (2 * total)) * square",
        }

    def array_equations(self) -> dict[str, str]:
        """Return the equations of a weight array w: its sums, and dC from the loss's gradient d."""
        return {
            "absolute": "sum(where(w < 0, -w, w), axis=None)",
            "square": "sum(w * w, axis=None)",
            "sign": "where(w > 0, 1.0, where(w < 0, -1.0, 0 * w))",
            "dpenalty": "l1 * sign + (2 * l2 + alpha / total) * w",
            "dC": "d + dpenalty",
        }
