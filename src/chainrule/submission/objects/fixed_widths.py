"""Find the layer widths of a class that takes no sizes, from the arrays that its objects hold."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.submission.arrays.containers import as_numeric_array
from chainrule.submission.attempts import Attempt
from chainrule.submission.calls import CallError
from chainrule.submission.objects.factory import (
    DATA_ARGUMENTS,
    EXISTING_OBJECT,
    NO_ARGUMENTS,
    ObjectFactory,
)
from chainrule.submission.objects.graph import walk
from chainrule.submission.objects.parameter_matching import find_parameters, group_by_name
from chainrule.submission.objects.search import ObjectSearch
from chainrule.submission.questions import Array, Question
from chainrule.submission.snapshots import ModuleSnapshot

TRIED_WIDTHS = ((3, 4, 2), (4, 3, 2), (3, 4, 5, 2), (3, 4, 1), (3, 4, 5, 1), (1, 4, 1), (3, 2))
WITHOUT_SIZES = (NO_ARGUMENTS, DATA_ARGUMENTS, EXISTING_OBJECT)
SMALL_WIDTHS = range(1, 7)  # of networks whose parameters are single numbers
Widths = tuple[int, ...]


def fixed_widths(attempt: Attempt, seconds: float = 2.0) -> Widths | None:
    """Return the widths that a class has fixed, or None if its constructor takes them."""
    factory = ObjectFactory(attempt, ModuleSnapshot(attempt), seconds)
    try:
        for widths in TRIED_WIDTHS:
            if _takes_widths(factory, widths):
                return None if widths[-1] > 1 or len(widths) == 2 else widths
        return _widths_of_default_object(factory)
    finally:
        factory.snapshot.restore(0)


def _takes_widths(factory: ObjectFactory, widths: Widths) -> bool:
    """Return whether objects of a class can be created with these widths."""
    search = ObjectSearch(factory, _blank_question(widths), None)
    return any(each.arguments not in WITHOUT_SIZES for each in search.constructions())


def _blank_question(widths: Widths) -> Question:
    """Return a question with these widths; its numbers are arbitrary."""
    W = tuple(np.full((out, ins), 0.5) for ins, out in itertools.pairwise(widths))
    b = tuple(np.full(out, 0.5) for out in widths[1:])
    return Question(W, b, np.full((4, widths[0]), 0.5), np.full((4, widths[-1]), 0.5), 0.5)


def _widths_of_default_object(factory: ObjectFactory) -> Widths | None:
    """Return the widths of an object that is created without sizes."""
    blank = _blank_question((2, 2, 1))
    for arguments in WITHOUT_SIZES:
        with contextlib.suppress(CallError):
            factory.snapshot.restore(0)
            thing = factory.create(arguments, blank)
            data = (blank.x, blank.t) if arguments == DATA_ARGUMENTS else ()
            found = _widths_of_arrays(thing, data) or _widths_of_numbers(thing)
            if found:
                return found
    return None


def _widths_of_arrays(thing: Any, data: Sequence[Array]) -> Widths | None:
    """Return the first widths that an object's arrays fit; `data` are not parameters."""
    candidates = _candidate_widths(thing, data)
    return next((widths for widths in candidates if find_parameters(thing, widths)), None)


def _widths_of_numbers(thing: Any) -> Widths | None:
    """Return the widths of the largest network that an object holds with all biases."""
    all_widths = itertools.product(SMALL_WIDTHS, repeat=3)
    fitting = [widths for widths in all_widths if _holds_network(thing, widths)]
    return max(fitting, key=_parameter_count, default=None)


def _candidate_widths(thing: Any, data: Sequence[Array]) -> Iterator[Widths]:
    """Yield the widths that an object's matrices may have, except those that are its data."""
    nodes = [(n, a) for n in walk(thing) if (a := as_numeric_array(n.value)) is not None]
    matrices = [
        (node, array)
        for node, array in nodes
        if array.ndim == 2
        and np.any(array)
        and not any(np.array_equal(array, each) for each in data)
    ]
    for grouping in ("family", "tail"):
        for members in group_by_name(matrices, grouping).values():
            yield from _chained_widths([array.shape for _, array in members])
    yield from _chained_widths([array.shape for _, array in matrices])


def _holds_network(thing: Any, widths: Widths) -> bool:
    """Return whether an object holds a network of these widths, with all biases."""
    found = find_parameters(thing, widths)[:1]
    return any(
        [location and location.shape for location in each.b] == [(n,) for n in widths[1:]]
        for each in found
    )


def _parameter_count(widths: Widths) -> int:
    return sum((ins + 1) * out for ins, out in itertools.pairwise(widths))


def _chained_widths(shapes: list[tuple[int, ...]]) -> Iterator[Widths]:
    """Yield the widths of matrices of consecutive layers, with separate or included biases."""
    for is_in_out, with_bias in itertools.product((False, True), (0, 1)):
        pairs = [shape if is_in_out else shape[::-1] for shape in shapes]  # (in, out)
        widths = [(ins - with_bias, out) for ins, out in pairs]
        are_chained = all(one[1] == other[0] for one, other in itertools.pairwise(widths))
        if widths and are_chained and all(ins > 0 for ins, _ in widths):
            yield (widths[0][0], *(out for _, out in widths))
