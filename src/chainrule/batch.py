"""Samples, targets and sample weights: conversion to the network's shapes, and checks.

Networks and estimators convert the arrays that users pass with it, so that the passes need no
checks.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.errors import InputError
from chainrule.losses import Loss, one_hot
from chainrule.sparse_samples import (
    SamplesLike,
    SparseSamples,
    check_stored,
    holds_sparse,
    sparse_rows,
)

Array: TypeAlias = NDArray[Any]


class Batch(NamedTuple):
    """Samples, targets and weights in the network's shapes and dtype.

    Attributes
    ----------
    x : array (n, inputs), or SparseSamples, which the passes use like an array
    t : array (n, outputs)
    weight : array (n,) or (n, outputs), optional
        Weights of samples, or of each of their outputs, of mean 1 over the data.
    total : float
        The sum of the sample weights as the user gave them; n without weights. Weights of outputs
        count by their mean over a sample's outputs. It is infinite for
        a batch whose weights are all 0, so that this batch has no alpha penalty.
    """

    x: Array
    t: Array
    weight: Array | None
    total: float

    def take(self, rows: slice | NDArray[np.intp]) -> "Batch":
        """Return some of the samples, with the sum of their weights as the user gave them."""
        x, weight = self.x[rows], None if self.weight is None else self.weight[rows]
        # The weights here have mean 1 over all samples; total / n converts them back.
        given = len(x) if weight is None else float(weight.sum())
        if weight is not None and weight.ndim == 2:
            given /= weight.shape[1]
        total = len(x) if weight is None else given * self.total / len(self.x)
        return Batch(x, self.t[rows], weight, float(total) or np.inf)

    def head(self, rows: int) -> "Batch":
        """Return the first `rows` samples."""
        return self if rows >= len(self.x) else self.take(slice(rows))


def as_samples(x: SamplesLike, inputs: int, dtype: DTypeLike) -> Array:
    """Return x as (n, inputs) of a dtype; a one-dimensional x is one sample.

    Raises
    ------
    InputError
        If it has another shape, no rows, or entries that are not numbers.
    """
    given: Any = x
    if holds_sparse(x):
        return as_sparse_samples(x, inputs, dtype)
    rows = as_numeric(given, "x")
    rows = rows[None, :] if rows.ndim == 1 else rows  # (n, inputs)
    if rows.ndim != 2 or rows.shape[1] != inputs:
        raise InputError(
            f"x has shape {np.shape(given)}, but this network takes (n, {inputs}); rows are samples"
            f"{_hint(rows, inputs)}"
        )
    if not len(rows):
        raise InputError("x has no samples; a batch needs at least one row")
    # The complex step passes complex x, which must stay complex.
    return rows if rows.dtype.kind == "c" else rows.astype(dtype, copy=False)


def is_single(x: Any) -> bool:
    """Return whether x is one sample without a batch axis."""
    return np.ndim(x) == 1


def as_sparse_samples(x: Any, inputs: int, dtype: DTypeLike) -> Any:
    """Return a sparse matrix of any format as SparseSamples (n, inputs), not as an array.

    Raises
    ------
    InputError
        If it has another shape, no rows, or entries that are not numbers or not in their place.
    """
    rows = x if isinstance(x, SparseSamples) else sparse_rows(x, "x")
    if rows.shape[1] != inputs:
        turned = "; transpose it" if len(rows) == inputs else ""
        raise InputError(
            f"x has shape {rows.shape}, but this network takes (n, {inputs}); rows are samples"
            f"{turned}"
        )
    if not len(rows):
        raise InputError("x has no samples; a batch needs at least one row")
    return rows if rows.dtype.kind == "c" else rows.astype(dtype, copy=False)


def as_targets(t: ArrayLike, n: int, outputs: int, loss: Loss, *, single: bool = False) -> Array:
    """Return targets as (n, outputs) of the loss's domain, class numbers as one-hot rows.

    Parameters
    ----------
    t : array
        (n, outputs); (n,) for one output or for class numbers; (outputs,) for one sample.
    n, outputs : int
    loss : Loss
    single : bool
        Whether x was a single sample without a batch axis.

    Raises
    ------
    InputError
        If the shape is none of these, or a target is not finite or outside the loss's domain.
    """
    rows = check_finite(as_numeric(t, "t"), "t")
    row = single and rows.shape == (outputs,)  # the targets of one sample, not class numbers
    if loss.classes and outputs > 1 and not row and rows.shape in ((n,), (n, 1), ()):
        rows = one_hot(rows.reshape(-1), outputs)
    elif rows.ndim < 2:
        rows = rows.reshape((1, -1) if single else (-1, 1))
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
        fault = f"{what} is not a rectangular array: {error}"
        raise InputError(f"{fault}; give rows of equal length") from None
    if array.dtype.kind not in "buifc" or array.dtype.char in "gG":  # g, G: long double
        raise InputError(
            f"{what} has dtype {array.dtype}; give numbers, such as {what}.astype('float64')"
        )
    return array


def check_finite(array: Array, what: str, remedy: str = "correct or remove those samples") -> Array:
    """Return the array, or raise InputError if it is complex, or has a NaN or an infinity."""
    if array.dtype.kind == "c":
        raise InputError(f"{what} has dtype {array.dtype}; give real numbers, such as {what}.real")
    if isinstance(array, SparseSamples):
        check_stored(array, what, remedy)
        return array
    if not array.size or (np.isfinite(array.min()) and np.isfinite(array.max())):
        return array  # minimum and maximum need no second array as large as this one
    bad = np.argwhere(~np.isfinite(array))
    place, value = ", ".join(map(str, bad[0])), array[tuple(bad[0])]
    raise InputError(f"{what}[{place}] is {value}, one of {len(bad)} that are not finite; {remedy}")


def normalize_weights(
    sample_weight: ArrayLike | None, n: int, dtype: DTypeLike, outputs: int | None = None
) -> tuple[Array | None, float]:
    """Return weights (n,) or (n, outputs) of mean 1, and their sum over samples before that.

    Without `outputs`, weights of each output are refused.

    Raises
    ------
    InputError
        If their number is not that of the samples, or they are negative, all 0 or not finite.
    """
    if sample_weight is None:
        return None, float(n)
    w = as_numeric(sample_weight, "sample_weight")
    if w.dtype.kind == "c":
        raise InputError(f"sample_weight has dtype {w.dtype}; give real numbers")
    w = w.astype(np.float64)
    if w.shape not in ((n,), (n, outputs)):
        each = "" if outputs is None else f", or ({n}, {outputs}) for each output"
        raise InputError(
            f"sample_weight has shape {w.shape} for {n} samples; give one number for each{each}"
        )
    with np.errstate(over="ignore"):
        total = float(w.sum()) if w.ndim == 1 else float(w.sum()) / w.shape[1]
    if not ((w >= 0).all() and 0 < total < np.inf):
        raise InputError(
            "sample_weight must be at least 0, not all 0, and finite, as must be their sum; "
            f"they range from {w.min()} to {w.max()}"
        )
    return (w / w.mean()).astype(dtype), total


def _hint(rows: Array, inputs: int) -> str:
    """Return advice for an x of the wrong shape; empty if none is likely to help."""
    if inputs == 1 and len(rows) == 1:
        return "; for samples of one feature give x[:, None]"
    return "; transpose it" if rows.ndim == 2 and rows.shape[0] == inputs else ""
