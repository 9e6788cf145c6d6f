"""Single numbers as a network's parameters: the orders in which programs define them.

All possible orders are listed here; `probes` finds out which of them is right.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.submission.arrays.formats import OUT_IN
from chainrule.submission.objects.graph import ObjectPath, walk
from chainrule.submission.objects.parameter_locations import ArrayLocation, ParameterLocations
from chainrule.submission.values import is_array, is_number

OTHERS_BETWEEN = 2  # numbers that are not parameters, anywhere among them
OTHERS_AROUND = 8  # numbers that are not parameters, before or after all of them
MOST = 60  # parameters that a program defines one by one

Position: TypeAlias = tuple[int, int, int]  # layer, unit, input; input −1 is the bias
Order: TypeAlias = list[Position]


def paths_of_numbers(root: Any) -> list[ObjectPath]:
    """Return the paths of all single numbers of an object that may be parameters, in order."""
    return [node.path for node in walk(root) if _may_be_parameter(node.value)]


def _may_be_parameter(value: Any) -> bool:
    """Return whether a value is a float, or an integer 0."""
    if is_array(value):
        return value.shape == () and value.dtype.kind == "f"
    return is_number(value) and (isinstance(value, (float, np.floating)) or value == 0)


def find_single_numbers(root: Any, widths: Sequence[int]) -> list[ParameterLocations]:
    """Return the ways in which single numbers can be the parameters of a network.

    Parameters
    ----------
    root : object
    widths : sequence of int

    Returns
    -------
    list of ParameterLocations
        Those with biases first, and consecutive numbers before others.
    """
    available = paths_of_numbers(root)
    found: dict[ParameterLocations, None] = {}
    for biases in (True, False):
        for order in parameter_orders(widths, biases=biases):
            for paths in _selections(available, len(order)):
                by_position = dict(zip(order, paths, strict=True))
                found[_locations(by_position, widths, biases=biases)] = None
    return list(found)


def _selections(available: list[ObjectPath], count: int) -> Iterator[tuple[ObjectPath, ...]]:
    """Yield `count` numbers in their order: consecutive ones first, then any."""
    others = len(available) - count
    if not 0 <= others <= OTHERS_AROUND or not 1 < count <= MOST:
        return
    yield from (tuple(available[first : first + count]) for first in range(others + 1))
    if 0 < others <= OTHERS_BETWEEN:
        yield from itertools.combinations(available, count)


def parameter_orders(widths: Sequence[int], *, biases: bool) -> list[Order]:
    """Return the orders in which a program may define a network's parameters.

    Parameters
    ----------
    widths : sequence of int
    biases : bool

    Returns
    -------
    list of order
        By unit, by layer, or all weights and all biases; with biases first or last.
    """
    depth = range(len(widths) - 1)
    found: list[Order] = []
    for weights in (_by_unit, _by_input):
        ws = [weights(widths, layer) for layer in depth]
        bs = [
            [(layer, j, -1) for j in range(widths[layer + 1])] if biases else [] for layer in depth
        ]
        if weights is _by_unit and biases:
            found += [_all_by_unit(widths, last=True), _all_by_unit(widths, last=False)]
        found += [_concatenated(itertools.chain(*zip(ws, bs, strict=True))), _concatenated(ws + bs)]
        found += [_concatenated(itertools.chain(*zip(bs, ws, strict=True))), _concatenated(bs + ws)]
    return [order for i, order in enumerate(found) if order not in found[:i]]


def _concatenated(parts: Iterable[Order]) -> Order:
    """Return the parts of an order one after the other."""
    return list(itertools.chain.from_iterable(parts))


def _by_unit(widths: Sequence[int], layer: int) -> Order:
    """Return the weights of a layer, all of the first unit first."""
    units, inputs = range(widths[layer + 1]), range(widths[layer])
    return [(layer, j, i) for j in units for i in inputs]


def _by_input(widths: Sequence[int], layer: int) -> Order:
    """Return the weights of a layer, all from the first input first."""
    units, inputs = range(widths[layer + 1]), range(widths[layer])
    return [(layer, j, i) for i in inputs for j in units]


def _all_by_unit(widths: Sequence[int], *, last: bool) -> Order:
    """Return all parameters unit by unit, with the bias last or first."""
    found: Order = []
    for layer, (ins, outs) in enumerate(itertools.pairwise(widths)):
        for j in range(outs):
            weights, bias = [(layer, j, i) for i in range(ins)], [(layer, j, -1)]
            found += weights + bias if last else bias + weights
    return found


def _locations(
    paths: dict[Position, ObjectPath], widths: Sequence[int], *, biases: bool
) -> ParameterLocations:
    """Return the locations of a network's parameters from the paths of single numbers."""
    depth = range(len(widths) - 1)
    W = tuple(
        ArrayLocation(
            tuple(paths[position] for position in _by_unit(widths, k)), (widths[k + 1], widths[k])
        )
        for k in depth
    )
    if not biases:
        return ParameterLocations(OUT_IN, "none", W, (None,) * len(depth))
    units = [tuple(paths[k, j, -1] for j in range(widths[k + 1])) for k in depth]
    b = tuple(ArrayLocation(each, (len(each),)) for each in units)
    return ParameterLocations(OUT_IN, "separate", W, b)
