"""Find the arrays in an object that can be a network's weights and biases.

Parameters are recognized by shape and order; names show only which arrays belong together.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.submission.arrays.containers import as_numeric_array
from chainrule.submission.arrays.formats import IN_OUT, OUT_IN
from chainrule.submission.arrays.parameters import has_bias_shape
from chainrule.submission.objects.graph import Node, ObjectPath, walk
from chainrule.submission.objects.parameter_locations import ArrayLocation, ParameterLocations
from chainrule.submission.questions import Array

GROUPINGS = ("family", "tail", "exact")  # node attributes by which similar arrays are grouped
MOST_CHOICES = 24  # ways to choose parameters that are kept
MOST_CANDIDATES = 6  # arrays for one layer's weights, if names show no groups
MOST_BIASES = 8  # ways to choose biases
MOST_BIAS_CANDIDATES = 4  # arrays for one layer's biases, if names show no groups

Member: TypeAlias = tuple[Node, Array]
Weights: TypeAlias = tuple[ArrayLocation, ...]
Biases: TypeAlias = tuple[ArrayLocation | None, ...]
Shapes: TypeAlias = list[tuple[int, int]]


def find_parameters(root: Any, widths: Sequence[int]) -> list[ParameterLocations]:
    """Return where an object may hold a network of these widths, the likeliest first.

    Parameters
    ----------
    root : object
    widths : sequence of int

    Returns
    -------
    list of ParameterLocations
    """
    nodes = walk(root)
    found: list[tuple[int, ParameterLocations]] = []
    for bias, weights in itertools.product(("separate", "last", "first"), (OUT_IN, IN_OUT)):
        for base_rank, W in _find_weights(nodes, widths, weights, with_bias=bias != "separate"):
            rank = base_rank + 10 * sum(_is_zero(root, location) for location in W)
            if bias != "separate":
                found.append((rank, ParameterLocations(weights, bias, W)))
                continue
            for more, b in _find_biases(nodes, W, widths):
                kind = "separate" if any(b) else "none"
                found.append((rank + more, ParameterLocations(weights, kind, W, b)))
    unique = {locations: rank for rank, locations in reversed(found)}
    return sorted(unique, key=lambda locations: unique[locations])[:MOST_CHOICES]


def _is_zero(root: Any, location: ArrayLocation) -> bool:
    """Return whether all numbers are 0: weights are initialized at random, buffers with 0."""
    array = location.get_values(root)
    return array is None or not np.any(array)


def group_by_name(arrays: list[Member], grouping: str) -> dict[str, list[Member]]:
    """Return arrays grouped by a node attribute, in the order of the numbers in their names."""
    found: dict[str, list[Member]] = {}
    for node, array in arrays:
        found.setdefault(getattr(node, grouping), []).append((node, array))
    return {
        name: sorted(members, key=lambda member: _numbers_in_names(member[0].path))
        for name, members in found.items()
    }


def _numbers_in_names(path: ObjectPath) -> tuple[int, ...]:
    digits = (re.findall(r"\d+", key) for _, key in path if isinstance(key, str))
    return tuple(int(number) for found in digits for number in found)


# --- Weights -------------------------------------------------------------------------------------


def _find_weights(
    nodes: list[Node], widths: Sequence[int], weights: str, *, with_bias: bool
) -> Iterator[tuple[int, Weights]]:
    """Yield what may be all weights, with ranks: matrices, rows, numbers, or unrelated arrays."""
    pairs = [(out, ins + with_bias) for ins, out in itertools.pairwise(widths)]
    shapes: Shapes = pairs if weights == OUT_IN else [(ins, out) for out, ins in pairs]
    arrays = [(node, a) for node in nodes if (a := as_numeric_array(node.value)) is not None]
    matrices = [member for member in arrays if member[1].ndim == 2]
    for rank, grouping in enumerate(GROUPINGS):
        groups = group_by_name(matrices, grouping)
        yield from ((rank, W) for W in _as_matrices(groups, shapes))
    for rank, grouping in enumerate(GROUPINGS):
        groups = group_by_name(arrays, grouping)
        if weights == OUT_IN:
            yield from ((rank + 2, W) for W in _as_rows(groups, shapes))
        yield from ((rank + 3, W) for W in _as_numbers(groups, shapes))
    yield from ((5 + i, W) for i, W in enumerate(_from_any_arrays(arrays, shapes)))


def _as_matrices(groups: dict[str, list[Member]], shapes: Shapes) -> Iterator[Weights]:
    """Yield weights that are one matrix for each layer."""
    for members in groups.values():
        if [array.shape for _, array in members] == shapes:
            pairs = zip(members, shapes, strict=True)
            yield tuple(ArrayLocation((node.path,), shape) for (node, _), shape in pairs)


def _as_rows(groups: dict[str, list[Member]], shapes: Shapes) -> Iterator[Weights]:
    """Yield weights that are one vector for each unit."""
    lengths = [ins for out, ins in shapes for _ in range(out)]
    for members in groups.values():
        if [array.shape for _, array in members] == [(length,) for length in lengths]:
            yield _divide(members, [out for out, _ in shapes], shapes)


def _as_numbers(groups: dict[str, list[Member]], shapes: Shapes) -> Iterator[Weights]:
    """Yield weights that are single numbers, such as w1, w2 and so on."""
    sizes = [out * ins for out, ins in shapes]
    for members in groups.values():
        if len(members) == sum(sizes) > 1 and all(a.shape == () for _, a in members):
            yield _divide(members, sizes, shapes)


def _divide(members: list[Member], sizes: list[int], shapes: Sequence[tuple[int, ...]]) -> Weights:
    """Return the members of a group divided into layers."""
    paths = iter([node.path for node, _ in members])
    pairs = zip(sizes, shapes, strict=True)
    return tuple(
        ArrayLocation(tuple(itertools.islice(paths, size)), shape) for size, shape in pairs
    )


def _from_any_arrays(arrays: list[Member], shapes: Shapes) -> Iterator[Weights]:
    """Yield weights from arrays whose names are unrelated, in their order, nonzero ones first."""
    unlikely = {i for i, (_, array) in enumerate(arrays) if array.ndim < 2 or not np.any(array)}
    options = [
        sorted(
            ((i, node) for i, (node, a) in enumerate(arrays) if _has_weight_shape(a, shape)),
            key=lambda option: option[0] in unlikely,
        )[:MOST_CANDIDATES]
        for shape in shapes
    ]
    in_order = (
        choice
        for choice in itertools.product(*options)
        if all(one[0] < other[0] for one, other in itertools.pairwise(choice))
    )
    for choice in itertools.islice(in_order, MOST_CHOICES):
        pairs = zip(choice, shapes, strict=True)
        yield tuple(ArrayLocation((node.path,), shape) for (_, node), shape in pairs)


def _has_weight_shape(array: Array, shape: tuple[int, int]) -> bool:
    """Return whether an array can be a layer's weights; those of one unit may be a vector."""
    if array.shape == shape:
        return True
    return 1 in shape and array.ndim == 1 and array.size == max(shape) and array.size > 1


# --- Biases --------------------------------------------------------------------------------------


def _find_biases(
    nodes: list[Node], weights: Weights, widths: Sequence[int]
) -> Iterator[tuple[int, Biases]]:
    """Yield what may be all biases for these weights, with ranks; no biases come last."""
    used = {path for location in weights for path in location.paths}
    arrays = _other_arrays(nodes, used)
    outs = list(widths[1:])
    found: list[tuple[int, Biases]] = []
    for rank, grouping in enumerate(GROUPINGS):
        for members in group_by_name(arrays, grouping).values():
            found += [(rank, b) for b in _as_biases(members, outs)]
    if not any(_is_complete(b, outs) for _, b in found):
        found += [(4, b) for b in _biases_from_any_arrays(arrays, outs)]
    ordered = _sort_biases(found, weights, arrays)
    complete = [b for b in ordered if _is_complete(b, outs)]
    yield from enumerate(complete[:MOST_BIASES])
    if not complete:
        yield from ((20 + i, b) for i, b in enumerate(ordered[:MOST_BIASES]))
        yield 19, (None,) * len(outs)


def _sort_biases(
    found: list[tuple[int, Biases]], weights: Weights, arrays: list[Member]
) -> list[Biases]:
    """Sort biases by rank, then those near the weights first, then those that are not 0."""
    near = _nearness(weights)
    values = {node.path: array for node, array in arrays}
    ranked = sorted(
        found, key=lambda pair: (pair[0], not near(pair[1]), _are_zero(pair[1], values))
    )
    return [b for _, b in ranked]


def _is_complete(b: Biases, outs: list[int]) -> bool:
    """Return whether each layer has biases of its own width."""
    pairs = zip(b, outs, strict=True)
    return all(location is not None and location.shape == (out,) for location, out in pairs)


def _paths(b: Biases) -> list[ObjectPath]:
    return [path for location in b if location is not None for path in location.paths]


def _are_zero(b: Biases, values: dict[ObjectPath, Array]) -> bool:
    return not any(np.any(values[path]) for path in _paths(b))


def _other_arrays(nodes: list[Node], used: set[ObjectPath]) -> list[Member]:
    """Return the arrays and numbers that are neither weights nor parts of weights."""
    found: list[Member] = []
    for node in nodes:
        is_used = any(node.path[: len(path)] == path for path in used)
        array = None if is_used else as_numeric_array(node.value)
        if array is not None and (
            array.ndim or isinstance(node.value, (float, np.floating)) or node.value == 0
        ):
            found.append((node, array))
    return found


def _nearness(weights: Weights) -> Callable[[Biases], bool]:
    """Return a test of whether biases lie in the same containers as the weights."""
    paths = [path for location in weights for path in location.paths]
    owners = {path[:-1] for path in paths}
    outer_owners = {path[:-2] for path in paths if len(path) > 1}

    def is_near(b: Biases) -> bool:
        found = _paths(b)
        if all(path[:-1] in owners for path in found):
            return True
        return all(path[:-2] in outer_owners for path in found if len(path) > 1)

    return is_near


def _as_biases(members: list[Member], outs: list[int]) -> Iterator[Biases]:
    """Yield a group as biases: a vector for each layer, or a number for each layer or unit."""
    numbers_only = all(array.size == 1 for _, array in members)
    if len(members) == len(outs):
        pairs = list(zip(members, outs, strict=True))
        if all(has_bias_shape(array, out) for (_, array), out in pairs):
            yield tuple(ArrayLocation((node.path,), (out,)) for (node, _), out in pairs)
        elif numbers_only:
            yield tuple(
                ArrayLocation((node.path,), () if out > 1 else (1,)) for (node, _), out in pairs
            )
    if len(members) == sum(outs) and numbers_only:
        yield _divide(members, outs, [(out,) for out in outs])


def _biases_from_any_arrays(arrays: list[Member], outs: list[int]) -> Iterator[Biases]:
    """Yield biases layer by layer, from arrays whose names are unrelated."""
    options: list[list[Node | None]] = []
    for out in outs:
        fitting = [node for node, array in arrays if has_bias_shape(array, out)]
        options.append([*fitting[:MOST_BIAS_CANDIDATES]] or [None])
    for choice in itertools.islice(itertools.product(*options), MOST_CHOICES):
        paths = [node.path for node in choice if node is not None]
        if len(set(paths)) == len(paths) and paths:
            yield tuple(
                None if node is None else ArrayLocation((node.path,), (out,))
                for node, out in zip(choice, outs, strict=True)
            )
