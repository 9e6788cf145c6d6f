"""How much the predictions of an exported model differ from those of the model."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.exchange.parts import LABEL, PROBABILITIES

Array: TypeAlias = NDArray[Any]

# The largest difference that rounding explains, by the precision of the network: relative to the
# largest number that is predicted.
TOLERANCES = {np.dtype(np.float64): 1e-11, np.dtype(np.float32): 1e-4}


class Difference(NamedTuple):
    """The result of a comparison.

    Attributes
    ----------
    program : str
        What computed the exported model, such as ``"onnxruntime 1.20.0"``.
    output : str
    largest : float
        The largest difference of a number.
    rows : int
    """

    program: str
    output: str
    largest: float
    rows: int

    def __str__(self) -> str:
        what = self.output.replace("_", " ")
        return (
            f"Compared with {self.program} on {self.rows:,} rows: the largest difference of the "
            f"{what} is {self.largest:.2g}."
        )


def compare(
    program: str, expected: Mapping[str, Array], found: Mapping[str, Array], dtype: Any
) -> Difference:
    """Return the largest difference of the numbers that two programs predict.

    Parameters
    ----------
    program : str
    expected, found : mapping of str to array
        The outputs of the model and of the exported model, by name.
    dtype : dtype
        The precision of the network.

    Raises
    ------
    InputError
        If it is larger than rounding explains, or a label differs.
    """
    name = next(one for one in expected if one != LABEL)
    right, other = np.asarray(expected[name]), np.asarray(found[name])
    largest = float(np.abs(right - other).max(initial=0.0))
    scale = max(1.0, float(np.abs(right).max(initial=0.0)))
    allowed = TOLERANCES[np.dtype(dtype)] * scale
    if right.shape != other.shape or not largest <= allowed:
        raise InputError(
            f"the {name} of the exported model, computed by {program}, differ from the model's by "
            f"{largest:.2g}, which is more than rounding ({allowed:.2g}); nothing was written, "
            "please report this"
        )
    if LABEL in expected:
        check_labels(program, expected, found, allowed)
    return Difference(program, name, largest, len(right))


def check_labels(
    program: str, expected: Mapping[str, Array], found: Mapping[str, Array], allowed: float
) -> None:
    """Raise InputError if a label differs whose probability is clearly the largest."""
    p = np.asarray(expected[PROBABILITIES], np.float64)
    right, other = np.asarray(expected[LABEL]), np.asarray(found[LABEL])
    first = np.sort(p, axis=1)[:, ::-1]
    tied = first[:, 0] - first[:, 1] <= 2 * allowed if p.shape[1] > 1 else np.zeros(len(p), bool)
    differs = (right.astype(str) != other.astype(str)).reshape(len(p), -1)
    differs &= ~tied[:, np.newaxis] if right.ndim == 1 else np.abs(p - 0.5) > allowed
    if differs.any():
        row = int(np.flatnonzero(differs.any(axis=1))[0])
        raise InputError(
            f"the exported model predicts {other[row]!r} instead of {right[row]!r} for row {row}, "
            f"computed by {program}; nothing was written, please report this"
        )
