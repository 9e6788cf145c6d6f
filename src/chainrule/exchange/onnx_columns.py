"""The preparation of a table as ONNX operators, so that a graph takes the table's columns.

Each column is an input of the graph, (n, 1). Numbers are float64, with NaN for a missing one; words
are strings, with the empty string for a missing one; booleans are bool, or float64 with NaN if the
model replaces missing ones.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import BooleanColumn, CategoryColumn, NumberColumn, Preparation, Table, words_of
from chainrule.elementwise import where
from chainrule.errors import InputError
from chainrule.exchange.onnx_recording import Recorder, Value

Array: TypeAlias = NDArray[Any]

WORDS, NUMBERS, BOOLEANS = np.dtype(object), np.dtype(np.float64), np.dtype(np.bool_)


def input_dtype(column: Any) -> np.dtype[Any]:
    """Return the dtype of a column as an input of the graph; object stands for strings."""
    if isinstance(column, CategoryColumn):
        return WORDS
    is_boolean = isinstance(column, BooleanColumn) and column.fill is None
    return BOOLEANS if is_boolean else NUMBERS


def record_inputs(own: Recorder, preparation: Preparation) -> Value:
    """Add the preparation, and return the network's inputs, (n, features).

    A category that the model does not know becomes zeros, as in `Preparation.transform`. A missing
    value that the model has no replacement for becomes NaN, and so does the prediction.
    """
    parts = [record_column(own, column) for column in preparation.columns]
    joined = parts[0] if len(parts) == 1 else own.node("Concat", *parts, attributes={"axis": 1})
    return joined if own.dtype == np.float64 else own.cast(joined, own.dtype)


def record_column(own: Recorder, column: Any) -> Value:
    """Add the preparation of a column, and return its inputs, (n, inputs), in float64."""
    x = own.value(column.name)
    if isinstance(column, CategoryColumn):
        return record_categories(own, column, x)
    if isinstance(column, NumberColumn):
        known = filled(own, x, column.fill)
        return (known - double(own, column.mean)) / double(own, column.scale)
    if isinstance(column, BooleanColumn):
        return filled(own, x, column.fill) if column.fill is not None else own.cast(x, NUMBERS)
    raise InputError(f"{column!r} cannot be converted to ONNX; leave the column out")


def double(own: Recorder, number: float) -> Value:
    """Add a number of double precision, in which columns are prepared."""
    return own.constant(number, dtype=NUMBERS)


def filled(own: Recorder, x: Value, fill: float | None) -> Value:
    """Add the replacement of missing numbers."""
    return x if fill is None else where(own.node("IsNaN", x), double(own, float(fill)), x)


def record_categories(own: Recorder, column: CategoryColumn, x: Value) -> Value:
    """Add the inputs of a column of words: 1 for its category, 0 for the others."""
    empty = own.constant([[""]], dtype=WORDS)
    is_missing = own.node("Equal", x, empty)
    if column.fill is not None:
        x = own.node("Where", is_missing, own.constant([[column.fill]], dtype=WORDS), x)
    categories = own.constant([list(column.categories)], column.name, dtype=WORDS)
    found = own.cast(own.node("Equal", x, categories), NUMBERS)
    if column.fill is not None or "" in column.categories:
        return found
    return own.node("Where", is_missing, double(own, np.nan), found)


def columns_of(preparation: Preparation, table: Table) -> dict[str, Array]:
    """Return the columns of a table as the graph takes them, each (n, 1)."""
    return {
        column.name: column_array(column, table)[:, np.newaxis] for column in preparation.columns
    }


def column_array(column: Any, table: Table) -> Array:
    """Return a column as the graph takes it, (n,)."""
    values = table[column.name].values
    if isinstance(column, CategoryColumn):
        return np.array([word or "" for word in words_of(values).to_pylist()], object)
    numbers = [np.nan if value is None else float(value) for value in values.to_pylist()]
    return np.array(numbers, input_dtype(column))
