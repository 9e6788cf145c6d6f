"""Array formats: how a submission stores weights, biases, samples and targets.

A question's arrays are converted from the standard layout to a submission's format here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.submission.questions import Array
from chainrule.submission.values import is_list

OUT_IN, IN_OUT = "(out, in)", "(in, out)"


@dataclass(frozen=True)
class ArrayFormat:
    """Shapes and types of the arrays that a submission takes.

    Parameters
    ----------
    weights : {"(out, in)", "(in, out)"}
    bias : {"separate", "first", "last", "none"}
        An array of its own, or the first or last input of the weights.
    bias_shape : {"flat", "row", "column"}
        b as (out,), (1, out) or (out, 1).
    samples : {"rows", "columns", "one", "one row", "one column"}
        The last three are a single sample: as (d,), (1, d) or (d, 1).
    array_type : {"arrays", "lists", "tuples", "numbers"}
        The last one for networks of single units, whose arrays are passed as numbers.
    targets : {"rows", "flat", "classes"}
        t as it is, as (n,), or as class numbers.
    """

    weights: str = OUT_IN
    bias: str = "separate"
    bias_shape: str = "flat"
    samples: str = "rows"
    array_type: str = "arrays"
    targets: str = "rows"

    @property
    def takes_one_sample(self) -> bool:
        """Whether samples are passed one at a time."""
        return self.samples.startswith("one")


def to_array_type(array: Array, array_type: str) -> Any:
    """Return a fresh copy of `array`: as an array, nested lists or nested tuples."""
    if array_type == "numbers":
        return float(array.reshape(-1)[0])
    if array_type == "arrays":
        return array.astype(float, order="C", copy=True)
    nested: Any = array.astype(float).tolist()
    return _to_tuples(nested) if array_type == "tuples" else nested


def _to_tuples(nested: Any) -> Any:
    """Return nested lists as nested tuples."""
    return tuple(_to_tuples(part) for part in nested) if is_list(nested) else nested


def format_weights(W: Array, b: Array, array_format: ArrayFormat) -> Any:
    """Return a layer's fresh weight matrix in a format, with b in it if the format says so."""
    match array_format.bias:
        case "first":
            matrix = np.column_stack([b, W])
        case "last":
            matrix = np.column_stack([W, b])
        case _:
            matrix = W
    oriented = matrix if array_format.weights == OUT_IN else matrix.T
    return to_array_type(oriented, array_format.array_type)


def shape_of_weights(W: Array, array_format: ArrayFormat) -> tuple[int, ...]:
    """Return the shape of a layer's weight matrix in a format."""
    outputs, inputs = W.shape
    inputs += array_format.bias in {"first", "last"}
    return (outputs, inputs) if array_format.weights == OUT_IN else (inputs, outputs)


def format_biases(b: Array, array_format: ArrayFormat) -> Any:
    """Return a layer's fresh biases in a format."""
    shapes = {"flat": b, "row": b[None, :], "column": b[:, None]}
    return to_array_type(shapes[array_format.bias_shape], array_format.array_type)


def format_samples(rows: Array, array_format: ArrayFormat) -> Array:
    """Return samples in a format; only the first one for formats of a single sample."""
    match array_format.samples:
        case "one":
            return rows[0]
        case "one row":
            return rows[:1]
        case "one column":
            return rows[:1].T
        case "columns":
            return rows.T
        case _:
            return rows


def format_targets(t: Array, array_format: ArrayFormat) -> Any:
    """Return fresh targets in a format; class numbers are integers."""
    one = array_format.takes_one_sample
    if array_format.targets == "classes":
        classes = np.argmax(t, axis=1)
        as_list = array_format.array_type != "arrays" or one
        found = classes[0] if one else classes
        return found.tolist() if as_list else np.array(found)
    if array_format.targets == "flat":
        flat = t.reshape(-1)[0] if one else t.reshape(-1)
        return to_array_type(np.asarray(flat), array_format.array_type)
    return to_array_type(format_samples(t, array_format), array_format.array_type)


def to_sequence(parts: Sequence[Any], array_format: ArrayFormat) -> Any:
    """Return a list, or a tuple if the format uses tuples."""
    return tuple(parts) if array_format.array_type == "tuples" else list(parts)
