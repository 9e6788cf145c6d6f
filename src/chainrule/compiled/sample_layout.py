"""The samples of a run in their original memory layout, as compiled code reads them."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.sparse_samples import SparseSamples

Array: TypeAlias = NDArray[Any]


class Rows(NamedTuple):
    """Samples in their original memory layout, without a copy.

    Attributes
    ----------
    x : array (n, d), or the entries of sparse samples
    row, column : int
        The strides of rows and columns, in entries; 0 for sparse samples.
    """

    x: Array
    row: int
    column: int


def rows_of(x: Array | SparseSamples) -> Rows:
    """Return x (n, d) in its memory layout; it is copied only if its entries are not aligned."""
    if isinstance(x, SparseSamples):
        return Rows(x.values, 0, 0)
    size = x.itemsize
    if any(step % size for step in x.strides) or not x.flags.aligned:
        x = np.array(x, order="C")
    return Rows(x, *(step // size for step in x.strides))
