"""The kinds of columns: number, category, boolean, date and text."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data.arrow import arrow, compute
from chainrule.errors import InputError

ArrowType: TypeAlias = Any  # pyarrow.DataType
ArrowColumn: TypeAlias = Any  # pyarrow.ChunkedArray

KINDS = ("number", "category", "boolean", "date", "text")
FEW_VALUES = 20  # words with so few different values are categories, however few rows there are
MOST_CATEGORIES = 1000  # of a column: each becomes an input of the network
TEXT_SHARE = 0.5  # words of which more than this share are different are text


def for_arrow(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array (n,) with a type and a byte order that pyarrow takes."""
    if array.dtype.kind == "S":
        array = array.astype(np.str_)
    if array.dtype.kind == "f" and array.dtype.itemsize > np.dtype(np.float64).itemsize:
        array = array.astype(np.float64)
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))


def kind_of_type(of: ArrowType, name: str) -> str | None:
    """Return the kind that a type decides, or None for words, which are categories or text.

    Raises
    ------
    InputError
        If it is the type of lists, records or bytes.
    """
    types = arrow("pyarrow.types")
    if types.is_boolean(of):
        return "boolean"
    if types.is_integer(of) or types.is_floating(of) or types.is_decimal(of):
        return "number"
    if types.is_temporal(of):
        return "date"
    if types.is_dictionary(of):
        return kind_of_type(of.value_type, name) and "category"
    if is_words(of) or types.is_null(of):
        return None
    raise InputError(
        f"column {name!r} has the type {of}, which is neither a number nor a word; make columns of "
        "its parts, or leave it out"
    )


def is_words(of: ArrowType) -> bool:
    """Return whether a type is that of strings."""
    types = arrow("pyarrow.types")
    return bool(types.is_string(of) or types.is_large_string(of) or types.is_string_view(of))


def kind_of_words(different: int, present: int) -> str:
    """Return whether words are categories or text.

    Parameters
    ----------
    different, present : int
        The number of different words, and of those that are not missing.
    """
    if not present or different <= FEW_VALUES:
        return "category" if present else "text"
    return "text" if different > TEXT_SHARE * present else "category"


def kind_of(values: ArrowColumn, name: str) -> str:
    """Return the kind of a column."""
    kind = kind_of_type(values.type, name)
    if kind is not None:
        return kind
    present = len(values) - values.null_count
    return kind_of_words(compute().count_distinct(values).as_py(), present)


def simple_type(values: ArrowColumn, name: str) -> ArrowColumn:
    """Return a column in one of few types: int64, double, bool, string, or a date's own.

    NaN is null; numbers that int64 cannot hold are doubles.
    """
    pa, pc, types = arrow(), compute(), arrow("pyarrow.types")
    of = values.type
    kind = kind_of_type(of, name)  # which refuses lists and bytes
    if types.is_dictionary(of):
        plain = pa.string() if is_words(of.value_type) else of.value_type
        decoded = [chunk.dictionary.cast(plain).take(chunk.indices) for chunk in values.chunks]
        return simple_type(pa.chunked_array(decoded, plain), name)
    if types.is_uint64(of) or types.is_decimal(of) or types.is_floating(of):
        values = values.cast(pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    if kind == "number":
        return values.cast(pa.int64())
    return values.cast(pa.string()) if kind is None else values
