"""Sparse samples: rows of which only some entries are stored, and their products with arrays.

They come from SciPy's sparse matrices, whose products compute; SciPy itself is not imported.
"""

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]


class SparseSamples:
    """Samples (n, inputs) in compressed rows (CSR); entries that are not stored are 0.

    It has what the passes need of an array. Entries that are stored twice are added up, in any
    order of the columns. Nothing is modified or copied.

    Parameters
    ----------
    matrix : SciPy's CSR matrix or array (n, inputs)
    """

    __array_ufunc__ = None  # so that ``array @ samples`` calls __rmatmul__
    ndim = 2

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def __repr__(self) -> str:
        return f"<{self.values.size} entries of samples {self.shape}, {self.dtype}>"

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of samples and of inputs."""
        n, inputs = self.matrix.shape
        return int(n), int(inputs)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the entries."""
        return self.matrix.dtype

    @property
    def bounds(self) -> Array:
        """Where each sample's entries begin, and where the last one's end, (n + 1,)."""
        return self.matrix.indptr

    @property
    def columns(self) -> Array:
        """The column of each entry."""
        return self.matrix.indices[: self.bounds[-1]]

    @property
    def values(self) -> Array:
        """The entries that are stored."""
        return self.matrix.data[: self.bounds[-1]]

    def __getitem__(self, rows: Any) -> "SparseSamples":
        """Return some of the samples: a slice, or indices (k,)."""
        return SparseSamples(self.matrix[rows])

    def astype(self, dtype: DTypeLike, *, copy: bool = True) -> "SparseSamples":
        """Return the samples in another precision; without `copy`, themselves if they have it."""
        if not copy and self.dtype == dtype:
            return self
        return SparseSamples(self.matrix.astype(dtype))

    def sum(self) -> float:
        """Return the sum of all entries."""
        return float(self.values.sum())

    def dense(self) -> Array:
        """Return the samples as an array (n, inputs)."""
        return self.matrix.toarray()

    def row_of_entry(self, entry: int) -> int:
        """Return in which sample an entry is."""
        return int(np.searchsorted(self.bounds, entry, side="right")) - 1

    # ---- products ----

    def __matmul__(self, b: Array) -> Array:
        """Return x b, (n, out), for b (inputs, out), of which only the stored columns' rows count.

        b is the transpose of a C-contiguous W here: its columns are contiguous.
        """
        if self.values.size < b.shape[0]:
            columns, places = np.unique(self.columns, return_inverse=True)
            rows = np.ascontiguousarray(b[columns])  # (columns, out)
            return self._with_columns(places, len(columns)) @ rows
        result = np.empty((len(self), b.shape[1]), np.result_type(self.dtype, b.dtype))
        for j in range(b.shape[1]):  # SciPy's product with all of b would copy b
            result[:, j] = self.matrix @ b[:, j]
        return result

    def __rmatmul__(self, a: Array) -> Array:
        """Return a x, (out, inputs), for a (out, n): 0 in columns that have no entry."""
        result = np.empty((len(a), self.shape[1]), np.result_type(a.dtype, self.dtype))
        turned = self.matrix.T
        for j in range(len(a)):
            result[j] = turned @ a[j]
        return result

    def _with_columns(self, places: Array, count: int) -> Any:
        """Return the matrix with other numbers of its columns."""
        shape = len(self), count
        return type(self.matrix)((self.values, places.reshape(-1), self.bounds), shape=shape)


class SparseMatrix(Protocol):
    """One of SciPy's sparse matrices or arrays, in any format."""

    def tocsr(self) -> Any:
        """Return it in compressed rows."""
        ...


SamplesLike: TypeAlias = ArrayLike | SparseMatrix | SparseSamples


def stored_arrays(x: Any) -> tuple[Array, ...]:
    """Return the arrays that samples consist of: themselves, or values, columns and bounds."""
    return (x.values, x.columns, x.bounds) if isinstance(x, SparseSamples) else (np.asarray(x),)


def is_sparse(x: Any) -> bool:
    """Return whether x is one of SciPy's sparse matrices or arrays, in any format."""
    return hasattr(x, "tocsr")


def holds_sparse(x: Any) -> bool:
    """Return whether x is sparse: one of SciPy's matrices, or samples made from one."""
    return isinstance(x, SparseSamples) or is_sparse(x)


def sparse_rows(x: Any, what: str) -> SparseSamples:
    """Return a sparse matrix of any format as samples; a CSR matrix is not copied.

    Raises
    ------
    InputError
        If it has another number of dimensions, entries that are not numbers, or indices of its
        entries outside of it, where compiled code would read any memory.
    """
    if len(x.shape) != 2:
        raise InputError(
            f"{what} is a sparse array of shape {tuple(x.shape)}; samples are rows, so give one "
            "sample as (1, features), as with X.reshape(1, -1)"
        )
    if x.dtype.kind not in "buifc" or x.dtype.char in "gG":  # g, G: long double
        raise InputError(
            f"{what} has dtype {x.dtype}; give numbers, such as {what}.astype('float64')"
        )
    rows = SparseSamples(x.tocsr())
    check_places(rows, what)
    return rows


def check_places(x: SparseSamples, what: str) -> None:
    """Raise InputError if bounds or columns of entries are outside the arrays or the matrix."""
    (n, inputs), bounds, stored = x.shape, np.asarray(x.bounds), len(x.matrix.data)
    fault = ""
    if len(bounds) != n + 1 or bounds[0] != 0 or (np.diff(bounds) < 0).any():
        fault = f"indptr has {len(bounds)} entries for {n} rows, or they do not ascend from 0"
    elif bounds[-1] > min(stored, len(x.matrix.indices)):
        fault = f"indptr ends at {bounds[-1]}, beyond the {stored} entries that are stored"
    elif x.columns.size and not 0 <= x.columns.min() <= x.columns.max() < inputs:
        outside = x.columns.min() if x.columns.min() < 0 else x.columns.max()
        fault = f"indices contains {outside}, but there are only {inputs} columns"
    if fault:
        raise InputError(
            f"{what} is not a valid sparse matrix: its {fault}; build it anew, as with "
            "scipy.sparse.csr_array(dense)"
        )


def check_stored(x: SparseSamples, what: str, remedy: str) -> None:
    """Raise InputError if a stored entry is NaN or infinite."""
    finite = np.isfinite(x.values)
    if finite.all():
        return
    entry = int(np.argmin(finite))
    raise InputError(
        f"{what}[{x.row_of_entry(entry)}, {x.columns[entry]}] is {x.values[entry]}, one of "
        f"{int((~finite).sum())} that are not finite; {remedy}"
    )


def stored_entries(x: "Array | SparseSamples") -> Array:
    """Return all entries of an array, or those that sparse samples store."""
    return x.values if isinstance(x, SparseSamples) else x


def as_dense(x: "Array | SparseSamples") -> Array:
    """Return samples as an array."""
    return x.dense() if isinstance(x, SparseSamples) else x
