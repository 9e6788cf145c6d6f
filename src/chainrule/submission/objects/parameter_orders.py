"""Lone numbers as the parameters of a network: the orders in which people write them down.

These are only possibilities; which of them holds is proven by running, in proofs.py.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.submission.arrays import OUT_IN
from chainrule.submission.objects.graph import Bound, Path, Place, walk
from chainrule.submission.values import is_array, is_number

SPARE = 2  # numbers beside the parameters that may stand anywhere among them
FARTHER = 8  # those that may stand before or after all of them
MOST = 60  # parameters that anybody writes down one by one

Spot: TypeAlias = tuple[int, int, int]  # layer, unit, input; input −1 is the bias
Pattern: TypeAlias = list[Spot]


def lone_numbers(root: Any) -> list[Path]:
    """Return the ways to all lone numbers of an object that may be parameters, in its order."""
    return [node.path for node in walk(root) if _may_be_parameter(node.value)]


def _may_be_parameter(value: Any) -> bool:
    """Return whether a value is one fraction, or a whole 0 that stands for one."""
    if is_array(value):
        return value.shape == () and value.dtype.kind == "f"
    return is_number(value) and (isinstance(value, (float, np.floating)) or value == 0)


def arranged(root: Any, widths: Sequence[int]) -> list[Bound]:
    """Return the ways in which lone numbers can be a network of these widths.

    Parameters
    ----------
    root : object
    widths : sequence of int

    Returns
    -------
    list of Bound
        Those with biases first, and those whose parameters stand in a row before others.
    """
    pool = lone_numbers(root)
    found: dict[Bound, None] = {}
    for biases in (True, False):
        for pattern in patterns(widths, biases=biases):
            for paths in _selections(pool, len(pattern)):
                found[_bound(dict(zip(pattern, paths, strict=True)), widths, biases=biases)] = None
    return list(found)


def _selections(pool: list[Path], count: int) -> Iterator[tuple[Path, ...]]:
    """Yield so many numbers in their order: in a row first, then with others among them."""
    spare = len(pool) - count
    if not 0 <= spare <= FARTHER or not 1 < count <= MOST:
        return
    yield from (tuple(pool[first : first + count]) for first in range(spare + 1))
    if 0 < spare <= SPARE:
        yield from itertools.combinations(pool, count)


def patterns(widths: Sequence[int], *, biases: bool) -> list[Pattern]:
    """Return the orders in which the parameters of a network may stand.

    Parameters
    ----------
    widths : sequence of int
    biases : bool

    Returns
    -------
    list of pattern
        By neuron, by layer, or all weights apart from all biases; biases first or last.
    """
    depth = range(len(widths) - 1)
    found: list[Pattern] = []
    for weights in (_by_unit, _by_input):
        ws = [weights(widths, layer) for layer in depth]
        bs = [
            [(layer, j, -1) for j in range(widths[layer + 1])] if biases else [] for layer in depth
        ]
        if weights is _by_unit and biases:
            found += [_neurons(widths, last=True), _neurons(widths, last=False)]
        found += [_chained(itertools.chain(*zip(ws, bs, strict=True))), _chained(ws + bs)]
        found += [_chained(itertools.chain(*zip(bs, ws, strict=True))), _chained(bs + ws)]
    return [pattern for i, pattern in enumerate(found) if pattern not in found[:i]]


def _chained(parts: Iterable[Pattern]) -> Pattern:
    """Return parts one after the other."""
    return list(itertools.chain.from_iterable(parts))


def _by_unit(widths: Sequence[int], layer: int) -> Pattern:
    """Return the weights of a layer, those into the first unit first."""
    units, inputs = range(widths[layer + 1]), range(widths[layer])
    return [(layer, j, i) for j in units for i in inputs]


def _by_input(widths: Sequence[int], layer: int) -> Pattern:
    """Return the weights of a layer, those from the first input first."""
    units, inputs = range(widths[layer + 1]), range(widths[layer])
    return [(layer, j, i) for i in inputs for j in units]


def _neurons(widths: Sequence[int], *, last: bool) -> Pattern:
    """Return all parameters neuron by neuron, with the bias last or first."""
    found: Pattern = []
    for layer, (ins, outs) in enumerate(itertools.pairwise(widths)):
        for j in range(outs):
            weights, bias = [(layer, j, i) for i in range(ins)], [(layer, j, -1)]
            found += weights + bias if last else bias + weights
    return found


def _bound(paths: dict[Spot, Path], widths: Sequence[int], *, biases: bool) -> Bound:
    """Return numbers that are told by layer, unit and input as the parameters of a network."""
    depth = range(len(widths) - 1)
    W = tuple(
        Place(tuple(paths[spot] for spot in _by_unit(widths, k)), (widths[k + 1], widths[k]))
        for k in depth
    )
    if not biases:
        return Bound(OUT_IN, "none", W, (None,) * len(depth))
    units = [tuple(paths[k, j, -1] for j in range(widths[k + 1])) for k in depth]
    return Bound(OUT_IN, "separate", W, tuple(Place(each, (len(each),)) for each in units))
