"""Tables from objects in memory: data frames, columns by name, and arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.data.arrow import arrow
from chainrule.data.kinds import ArrowColumn, for_arrow
from chainrule.data.table import ArrowTable, Origin, Table
from chainrule.errors import InputError

STREAMS = "__arrow_c_stream__"
ACCEPTED = (
    "a path, '-' for standard input, the name of a data set, a data frame of pandas, polars or "
    "Arrow, a mapping of names to columns, or an array (n, columns)"
)


def from_object(source: Any) -> Table | None:
    """Return the table in an object, or None if it is nothing that holds columns.

    Raises
    ------
    InputError
        If a column holds values of several types, or columns have several lengths.
    """
    if isinstance(source, Table):
        return source
    origin = Origin("the data frame")
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        return Table.from_arrow(from_pandas(source), origin)
    if hasattr(source, STREAMS):
        return Table.from_arrow(from_stream(source), origin)
    if isinstance(source, Mapping):
        columns = {str(k): column_of(str(k), v) for k, v in source.items()}
        return Table.from_arrow(equal_lengths(columns), Origin("the mapping"))
    if isinstance(source, np.ndarray):
        return Table.from_arrow(from_array(source), Origin("the array"))
    return None


def from_pandas(frame: Any) -> ArrowTable:
    """Return a pandas frame without its index."""
    names = [str(name) for name in frame.columns]
    columns = [column_of(name, frame.iloc[:, i]) for i, name in enumerate(names)]
    return arrow().Table.from_arrays(columns, names)


def from_stream(frame: Any) -> ArrowTable:
    """Return what an object exports through the Arrow PyCapsule interface."""
    return arrow().RecordBatchReader.from_stream(frame).read_all()


def from_array(array: Any) -> ArrowTable:
    """Return the columns of an array (n, columns) or (n,)."""
    if array.ndim > 2 or array.ndim == 0:
        raise InputError(
            f"the array has shape {array.shape}; give one of shape (n, columns), with samples as "
            "rows"
        )
    columns = array[:, None] if array.ndim == 1 else array
    named = {f"x{i + 1}": column_of(f"x{i + 1}", c) for i, c in enumerate(columns.T)}
    return arrow().table(named)


def column_of(name: str, values: Any) -> ArrowColumn:
    """Return a column, or raise InputError for values of several types.

    Masked values are missing.
    """
    pa = arrow()
    if np.ndim(values) == 0 and not hasattr(values, "__len__"):
        raise InputError(f"column {name!r} is {values!r}; give a list of values, one for each row")
    try:
        given = for_arrow(values) if isinstance(values, np.ndarray) else values
        mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
        made = pa.array(given, mask=mask, from_pandas=True)
        return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ValueError) as error:
        raise InputError(mixed(name, values, error)) from None


def mixed(name: str, values: Any, error: Exception) -> str:
    """Return the message for a column whose values have several types."""
    first: type | None = None
    for row, value in enumerate(values):
        missing = value is None or (isinstance(value, float) and np.isnan(value))
        kind = float if isinstance(value, int) and not isinstance(value, bool) else type(value)
        if missing or kind is first:
            continue
        if first is not None:
            return (
                f"column {name!r}, row {row}, is {value!r}, but the values before it are of type "
                f"{first.__name__}; give the column one type"
            )
        first = kind
    return f"column {name!r} cannot be read: {error}; give numbers, words, booleans or dates"


def equal_lengths(columns: Mapping[str, ArrowColumn]) -> ArrowTable:
    """Return a table of columns, or raise InputError if they have several lengths."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(
            f"the columns have several lengths: {lengths}; give one value for each row"
        )
    return arrow().table(dict(columns))
