"""What is handed in: samples, targets and weights, brought to one shape and checked.

It looks at arrays and at the loss's domain; which values are wise is not its business.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.errors import InputError
from chainrule.losses import Loss, one_hot

Array: TypeAlias = NDArray[Any]


class Batch(NamedTuple):
    """Samples in the network's shape and dtype.

    Attributes
    ----------
    x : array (n, inputs)
    t : array (n, outputs)
    weight : array (n,), optional
        Sample weights of mean 1 over the data.
    total : float
        The sum of the sample weights as given; n without them. A batch whose weights are all 0 has
        infinity here, so that it pays no alpha.
    """

    x: Array
    t: Array
    weight: Array | None
    total: float

    def take(self, rows: slice | NDArray[np.intp]) -> "Batch":
        """Return some of the samples; the sum of their weights as given goes with them."""
        x, weight = self.x[rows], None if self.weight is None else self.weight[rows]
        total = len(x) if weight is None else float(weight.sum()) * self.total / len(self.x)
        return Batch(x, self.t[rows], weight, float(total) or np.inf)

    def head(self, rows: int) -> "Batch":
        """Return the first `rows` samples."""
        return self if rows >= len(self.x) else self.take(slice(rows))


def as_samples(x: ArrayLike, inputs: int, dtype: DTypeLike) -> Array:
    """Return x as (n, inputs) of a dtype; a one-dimensional x is one sample.

    Raises
    ------
    InputError
        If it has another shape, no rows, or no numbers.
    """
    rows = as_numeric(x, "x")
    rows = rows[None, :] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] != inputs:
        raise InputError(
            f"x has shape {np.shape(x)}, but this network takes (n, {inputs}); rows are samples"
            f"{_hint(rows, inputs)}"
        )
    if not len(rows):
        raise InputError("x has no samples; a batch needs at least one row")
    return rows if rows.dtype.kind == "c" else rows.astype(dtype, copy=False)


def as_targets(t: ArrayLike, n: int, outputs: int, loss: Loss, *, one: bool = False) -> Array:
    """Return targets as (n, outputs) of the loss's domain, class numbers as one-hot rows.

    Parameters
    ----------
    t : array
        (n, outputs); (n,) for one output or for class numbers; (outputs,) for one sample.
    n, outputs : int
    loss : Loss
    one : bool
        Whether x was a single sample without a batch axis.

    Raises
    ------
    InputError
        If the shape fits none of these, or a target is not finite or outside the loss's domain.
    """
    rows = check_finite(as_numeric(t, "t"), "t")
    row = one and rows.shape == (outputs,)
    if loss.classes and outputs > 1 and not row and rows.shape in ((n,), (n, 1), ()):
        rows = one_hot(rows.reshape(-1), outputs)
    elif rows.ndim < 2:
        rows = rows.reshape((1, -1) if one else (-1, 1))
    if rows.shape != (n, outputs):
        classes = ", or class numbers (n,)" if loss.classes else ""
        raise InputError(
            f"t has shape {np.shape(t)} for {n} samples, but this network needs ({n}, {outputs}): "
            f"a row for each sample, a column for each output{classes}"
        )
    loss.check_targets(rows)
    return rows


def as_numeric(values: ArrayLike, what: str) -> Array:
    """Return an array of real or complex numbers, or raise InputError."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        fault = f"{what} is no rectangular array: {error}"
        raise InputError(f"{fault}; give rows of one length") from None
    if array.dtype.kind not in "buifc" or array.dtype.char in "gG":  # g, G: long double
        raise InputError(
            f"{what} has dtype {array.dtype}; give numbers, such as {what}.astype('float64')"
        )
    return array


def check_finite(
    array: Array, what: str, remedy: str = "repair or leave out those samples"
) -> Array:
    """Return the array, or raise InputError: complex, or where its first NaN or infinity is."""
    if array.dtype.kind == "c":
        raise InputError(f"{what} has dtype {array.dtype}; give real numbers, such as {what}.real")
    if not array.size or (np.isfinite(array.min()) and np.isfinite(array.max())):
        return array  # without an array of signs as long as it
    bad = np.argwhere(~np.isfinite(array))
    place, value = ", ".join(map(str, bad[0])), array[tuple(bad[0])]
    raise InputError(f"{what}[{place}] is {value}, one of {len(bad)} that are not finite; {remedy}")


def normalize_weights(
    sample_weight: ArrayLike | None, n: int, dtype: DTypeLike
) -> tuple[Array | None, float]:
    """Return sample weights (n,) of mean 1, and their sum as given.

    Raises
    ------
    InputError
        If there is not one for each sample, or they are negative, all 0 or not finite.
    """
    if sample_weight is None:
        return None, float(n)
    w = as_numeric(sample_weight, "sample_weight")
    if w.dtype.kind == "c":
        raise InputError(f"sample_weight has dtype {w.dtype}; give real numbers")
    w = w.astype(np.float64)
    if w.shape != (n,):
        raise InputError(
            f"sample_weight has shape {w.shape} for {n} samples; give one number for each"
        )
    with np.errstate(over="ignore"):
        total = float(w.sum())
    if not ((w >= 0).all() and 0 < total < np.inf):
        raise InputError(
            "sample_weight must be at least 0, not all 0, and finite, as must be their sum; "
            f"they range from {w.min()} to {w.max()}"
        )
    return (w / w.mean()).astype(dtype), total


def _hint(rows: Array, inputs: int) -> str:
    if inputs == 1 and len(rows) == 1:
        return "; for samples of one feature give x[:, None]"
    return "; transpose it" if rows.ndim == 2 and rows.shape[0] == inputs else ""
