"""Find arrays shaped like a network's parameters in what a submission returns.

Only shapes and order matter here, so the arrays may be new parameters or gradients.
"""

import itertools
from dataclasses import dataclass
from typing import Any, TypeAlias

from chainrule.submission.arrays.containers import (
    as_numeric_array,
    can_hold_arrays,
    children,
    without,
)
from chainrule.submission.arrays.formats import OUT_IN, ArrayFormat, shape_of_weights
from chainrule.submission.arrays.keyed import keyed_parameters
from chainrule.submission.questions import Array, Question
from chainrule.submission.values import is_dict

MOST_PAIRS = 400  # pairs of parts of a result that are tried as (weights, biases)


@dataclass(frozen=True, eq=False)
class ParameterArrays:
    """Arrays found in a result by name, ``"W1"``, ``"b1"``, in the standard layout.

    Parameters
    ----------
    arrays : dict of str to array
    matching : tuple of int
        How many W and how many b have the expected shapes.
    rest : tuple
        The other parts of the result.
    transposed : bool
        Whether all weights were returned transposed, compared with the arguments.
    """

    arrays: dict[str, Array]
    matching: tuple[int, int]
    rest: tuple[Any, ...] = ()
    transposed: bool = False

    @property
    def loss(self) -> float | None:
        """The single number returned with the arrays, if there is exactly one."""
        numbers = [a for a in map(as_numeric_array, self.rest) if a is not None and a.size == 1]
        return float(numbers[0].reshape(())) if len(numbers) == 1 else None


@dataclass(frozen=True, eq=False)
class ExpectedArray:
    """An array that is searched for, and the shape that it has in the submission's format.

    Parameters
    ----------
    name : str
    shape : tuple of int
    any_shape : bool, default False
        Whether arrays of other shapes are accepted too.
    is_weight : bool, default True
    """

    name: str
    shape: tuple[int, ...]
    any_shape: bool = False
    is_weight: bool = True

    def accept(self, node: Any) -> Array | None:
        """Return `node` as an array if it can be the expected one."""
        array = as_numeric_array(node)
        if array is None:
            return None
        if self.is_weight:
            if array.size == 1 and set(self.shape) == {1}:  # a number for a matrix of one entry
                return array.reshape(self.shape)
            accepted = self.any_shape and array.ndim >= 1 and array.size > 1
            return array if array.shape == self.shape or accepted else None
        if has_bias_shape(array, self.shape[0]):
            return array.reshape(-1)
        return array if self.any_shape else None


Expected: TypeAlias = list[ExpectedArray]
Arrays: TypeAlias = dict[str, Array]
Found: TypeAlias = tuple[Arrays, list[Any]]  # the arrays by name, and the rest of the result


def has_bias_shape(array: Array, units: int) -> bool:
    """Return whether `array` has the shape of a layer's b: (out,), (1, out) or (out, 1)."""
    return array.size == units and (array.ndim <= 1 or array.shape in {(1, units), (units, 1)})


def _expected_weights(
    question: Question, array_format: ArrayFormat, *, any_shape: bool, transposed: bool
) -> Expected:
    shapes = [shape_of_weights(W, array_format) for W in question.W]
    return [
        ExpectedArray(f"W{layer}", shape[::-1] if transposed else shape, any_shape)
        for layer, shape in enumerate(shapes, 1)
    ]


def _expected_biases(question: Question, *, any_shape: bool) -> Expected:
    return [
        ExpectedArray(f"b{layer}", (len(b),), any_shape, is_weight=False)
        for layer, b in enumerate(question.b, 1)
    ]


def find_parameter_arrays(
    result: Any, question: Question, array_format: ArrayFormat
) -> ParameterArrays | None:
    """Find one array of weights for each layer in a result, and biases if there are any.

    Parameters
    ----------
    result : object
        What the submission returned: any nesting of tuples, lists, dictionaries and arrays.
    question : Question
    array_format : ArrayFormat

    Returns
    -------
    ParameterArrays or None
        None if no array has the shape of a layer's weights.
    """
    keyed = _find_by_keys(result, question, array_format)
    if keyed is not None:
        return keyed if keyed.matching[0] else None
    parts = children(result)
    if not parts and len(question.W) > 1:
        return None
    square = all(W.shape[0] == W.shape[1] for W in question.W)
    for any_shape, transposed in ((False, False), (False, True), (True, False)):
        if transposed and square:
            continue
        ws = _expected_weights(question, array_format, any_shape=any_shape, transposed=transposed)
        found = _find_with_biases(result, question, ws, array_format)
        found = found or _find_weights_only(result, parts, ws)
        if found is not None:
            standard = _to_standard(found, question, array_format, transposed=transposed)
            if standard.matching[0]:
                return standard
    return None


def _find_by_keys(
    result: Any, question: Question, array_format: ArrayFormat
) -> ParameterArrays | None:
    """Return the arrays that the keys of a dictionary name, whatever their shapes are."""
    has_biases = array_format.bias == "separate"
    keyed = keyed_parameters(result, len(question.W), biases=has_biases)
    if keyed is None:
        return None
    shapes = [
        each.shape
        for each in _expected_weights(question, array_format, any_shape=True, transposed=True)
    ]
    given = {name: as_numeric_array(value) for name, value in keyed.items()}
    arrays = {name: array for name, array in given.items() if array is not None}
    if len(arrays) < len(given):
        return None
    for layer, b in enumerate(question.b, 1):
        if has_biases and has_bias_shape(arrays[f"b{layer}"], len(b)):
            arrays[f"b{layer}"] = arrays[f"b{layer}"].reshape(-1)
    is_square = all(W.shape[0] == W.shape[1] for W in question.W)
    weights = [arrays[f"W{layer}"].shape for layer in range(1, len(shapes) + 1)]
    rest = [part for part in children(result) or [] if not can_hold_arrays(part)]
    rest = rest if not is_dict(result) else [v for v in rest if not _is_any(v, keyed)]
    transposed = weights == shapes and not is_square
    return _to_standard((arrays, rest), question, array_format, transposed=transposed)


def _is_any(value: Any, keyed: dict[str, Any]) -> bool:
    return any(value is other for other in keyed.values())


def _find_with_biases(
    result: Any, question: Question, ws: Expected, array_format: ArrayFormat
) -> Found | None:
    """Return weights and separate biases, preferably biases of the expected shapes."""
    if array_format.bias != "separate":
        return None
    found = _find_in(result, ws, _expected_biases(question, any_shape=False))
    return found or _find_in(result, ws, _expected_biases(question, any_shape=True))


def _to_standard(
    found: Found, question: Question, array_format: ArrayFormat, *, transposed: bool
) -> ParameterArrays:
    """Convert arrays that were found to the standard layout."""
    given, rest = found
    arrays: Arrays = {}
    weights = biases = 0
    for layer, (W, b) in enumerate(zip(question.W, question.b, strict=True), 1):
        matrix = given[f"W{layer}"]
        expected = shape_of_weights(W, array_format)
        if matrix.shape == (expected[::-1] if transposed else expected):
            weights += 1
            arrays.update(_split(matrix.T if transposed else matrix, layer, array_format))
        else:
            arrays[f"W{layer}"] = matrix
        if f"b{layer}" in given:
            arrays[f"b{layer}"] = given[f"b{layer}"]
            biases += has_bias_shape(given[f"b{layer}"], len(b))
        elif f"b{layer}" in arrays:
            biases += 1
    return ParameterArrays(arrays, (weights, biases), tuple(rest), transposed)


def _split(matrix: Array, layer: int, array_format: ArrayFormat) -> Arrays:
    """Return a matrix of a submission as W, and b if it is a part of it."""
    W = matrix if array_format.weights == OUT_IN else matrix.T
    if array_format.bias == "first":
        return {f"W{layer}": W[:, 1:].copy(), f"b{layer}": W[:, 0].copy()}
    if array_format.bias == "last":
        return {f"W{layer}": W[:, :-1].copy(), f"b{layer}": W[:, -1].copy()}
    return {f"W{layer}": W.copy()}


# --- The search through a result -----------------------------------------------------------------


def _find_in(result: Any, ws: Expected, bs: Expected) -> Found | None:
    """Return the arrays in `result` and the rest, in the first arrangement that fits."""
    parts = children(result)
    if not parts:
        return None
    for arrangement in (_as_two_groups, _in_a_row, _by_layer):
        found = arrangement(parts, ws, bs)
        if found is not None:
            return found
    for i, part in enumerate(parts):
        found = _find_in(part, ws, bs) if can_hold_arrays(part) else None
        if found is not None:
            return found[0], [*found[1], *without(parts, i)]
    return None


def _find_weights_only(result: Any, parts: list[Any] | None, ws: Expected) -> Found | None:
    """Return weights without biases: the whole result, consecutive parts, or inside one part."""
    whole = _match_group(result, ws)
    if whole is not None:
        return whole, []
    if ws[0].any_shape:
        return None
    parts = parts or []
    for first in range(len(parts) - len(ws) + 1):
        arrays = _match_in_order(parts[first : first + len(ws)], ws)
        if arrays is not None:
            return arrays, parts[:first] + parts[first + len(ws) :]
    for i, part in enumerate(parts):
        found = _find_weights_only(part, children(part), ws) if can_hold_arrays(part) else None
        if found is not None:
            return found[0], [*found[1], *without(parts, i)]
    return None


def _accept_all(parts: list[Any], expected: Expected) -> Arrays | None:
    """Return the parts by the names of the expected arrays, if every part can be its array."""
    arrays = [each.accept(part) for each, part in zip(expected, parts, strict=True)]
    named = zip(expected, arrays, strict=True)
    return (
        {each.name: array for each, array in named if array is not None}
        if all(array is not None for array in arrays)
        else None
    )


def _match_in_order(parts: list[Any], expected: Expected) -> Arrays | None:
    """Return `parts` as the expected arrays, from first to last or else from last to first."""
    if len(parts) != len(expected):
        return None
    for order in (expected, expected[::-1]):
        arrays = _accept_all(parts, order)
        if arrays is not None:
            return arrays
    return None


def _match_group(node: Any, expected: Expected) -> Arrays | None:
    """Return the parts of `node` as the expected arrays; a single one may be `node` itself."""
    parts = children(node)
    found = _match_in_order(parts, expected) if parts is not None else None
    return found if found is not None or len(expected) > 1 else _match_in_order([node], expected)


def _as_two_groups(parts: list[Any], ws: Expected, bs: Expected) -> Found | None:
    """Return (weights, biases), in either order, with any other parts."""
    pairs = itertools.permutations(range(len(parts)), 2)
    ordered = sorted(pairs, key=lambda pair: (pair[0] > pair[1], pair))
    for i, j in ordered[:MOST_PAIRS]:
        weights = _match_group(parts[i], ws)
        biases = _match_group(parts[j], bs) if weights is not None else None
        if weights is not None and biases is not None:
            return {**weights, **biases}, without(parts, i, j)
    return None


def _interleaved(first: Expected, second: Expected) -> Expected:
    return [each for pair in zip(first, second, strict=True) for each in pair]


def _in_a_row(parts: list[Any], ws: Expected, bs: Expected) -> Found | None:
    """Return W1 b1 W2 b2 …, or W1 W2 … b1 b2 …, as consecutive parts."""
    count = 2 * len(ws)
    orders = (
        *(_interleaved(ws, bs), ws + bs, _interleaved(ws[::-1], bs[::-1]), ws[::-1] + bs[::-1]),
        *(_interleaved(bs, ws), bs + ws),
    )
    searched = not ws[0].any_shape or len(parts) <= count + 1
    starts = range(len(parts) - count + 1) if searched else ()
    for order, first in itertools.product(orders, starts):
        arrays = _accept_all(parts[first : first + count], order)
        if arrays is not None:
            return arrays, parts[:first] + parts[first + count :]
    return None


def _by_layer(parts: list[Any], ws: Expected, bs: Expected) -> Found | None:
    """Return a list of (W, b) for each layer, from the first to the last or the other way."""
    if len(parts) != len(ws):
        return None
    for step in (1, -1):
        found: Arrays = {}
        for part, W, b in zip(parts, ws[::step], bs[::step], strict=True):
            inner = children(part) if can_hold_arrays(part) else None
            pair = _in_a_row(inner, [W], [b]) if inner else None
            found.update(pair[0] if pair else {})
        if len(found) == 2 * len(ws):
            return found, []
    return None
