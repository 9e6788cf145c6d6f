"""Which mistakes can be told apart on the designed networks, and from none: by numbers alone.

It asks nothing of `check`; two mistakes that give the same numbers can only be named together.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.check.attempts import CONVENTIONS, Case, Numbers, told
from benchmarks.check.grounds import Ground, designed, grounds, made
from chainrule.diagnosis.hypotheses import Variant

Array: TypeAlias = NDArray[Any]
Pair2: TypeAlias = tuple[int, int]
Print: TypeAlias = tuple[tuple[tuple[str, tuple[int, ...]], ...], Array]

SAME = 1e-9  # relative: what rounding leaves between equal numbers


@cache
def on_designed_numbers(name: str) -> Ground:
    """Return a network with designed numbers, whatever its own are."""
    g = grounds()[name]
    return g if g.declared is not None else designed(g.network, None)


@cache
def prints(ground: str, optimizer: str, shown: str, *, loss: bool) -> tuple[Print | None, ...]:
    """Return the numbers of every mistake on a network, and last those of none.

    `shown` is "gradients", "updates" or "both". None stands for a mistake that cannot be made.
    """
    count = len(made(ground, optimizer))
    form = "gradients" if shown == "gradients" else "step"
    place = on_designed_numbers(ground)
    return tuple(
        numbers_of(Numbers(case, both=shown == "both"), place)
        for i in (*range(count), None)
        for case in [Case(ground, optimizer, i, form, CONVENTIONS[0], "float64", loss)]
    )


def numbers_of(numbers: Numbers, place: Ground) -> Print | None:
    """Return all numbers of two calls in a row in one vector, with their names and shapes."""
    calls = [found for found, _ in numbers.calls(place, 2)]
    shapes = [(name, array.shape) for call in calls for name, array in call.items()]
    parts = [np.ravel(array) for call in calls for array in call.values()]
    vector = np.concatenate(parts) if parts else np.array([np.nan])
    return (tuple(shapes), vector) if np.all(np.isfinite(vector)) else None


def alike(a: Print | None, b: Print | None, factors: Iterable[float] = (1.0,)) -> bool:
    """Tell whether two mistakes give the same numbers, times a factor of conventions."""
    if a is None or b is None or a[0] != b[0]:
        return False
    size = SAME * float(np.max(np.abs(b[1]), initial=0.0))
    return any(bool(np.all(np.abs(a[1] - f * b[1]) <= size * f)) for f in factors)


def factors(ground: Ground, *, updates: bool) -> tuple[float, ...]:
    """Return the factors that conventions are made of, 1 first."""
    n, k = len(ground.x), ground.network.outputs
    signs = (1.0,) if updates else (1.0, -1.0)
    parts = itertools.product((1.0, 2.0, 0.5, 1 / k, 2 / k), (1.0, float(n)), signs)
    return tuple(dict.fromkeys(a * b * c for a, b, c in parts))


@cache
def twins(case: Case) -> frozenset[str]:
    """Return the ids of other mistakes that give a case's numbers, on the designed numbers.

    A factor that is a convention tells nothing apart, unless the loss is handed in.
    """
    shown = "updates" if case.updates else "gradients"
    found = prints(case.ground, case.optimizer, shown, loss=case.loss)
    place = on_designed_numbers(case.ground)
    open_factors = (1.0,) if case.loss else ratios(factors(place, updates=case.updates))
    others = zip(made(case.ground, case.optimizer), found, strict=False)
    own = found[case.number or 0]
    return frozenset(
        v.mistake.id
        for v, numbers in others
        if v.mistake.id != case.id and alike(own, numbers, open_factors)
    )


def ratios(known: Iterable[float]) -> tuple[float, ...]:
    """Return what one factor may be of another."""
    listed = list(known)
    return tuple(dict.fromkeys(round(a / b, 12) for a in listed for b in listed))


# ---- all of them ---------------------------------------------------------------------------------

Pair: TypeAlias = tuple[str, str]  # two ids; of the truth ""
ON = ("deep", "softmax", "square", "relu", "single", "two-classes")


def inseparable(ground: str, optimizer: str = "sgd") -> dict[Pair, str]:
    """Return the pairs of mistakes with a way of making them that gives the same numbers always.

    That is the same gradients, the same loss and the same updates, two calls in a row; beside
    each pair stands an example.
    """
    prints_of = prints(ground, optimizer, "both", loss=True)
    variants = (*made(ground, optimizer), None)
    right = len(variants) - 1
    found: dict[Pair, str] = {}
    for i, j in sorted(same(prints_of)):
        first, second = sorted(_id(variants[p]) for p in (i, j))
        hidden = j != right and alike(prints_of[i], prints_of[right])  # it shows nowhere here
        if first != second and not hidden:
            example = " as ".join(told(variants[p]) or "right" for p in (i, j))
            found.setdefault((first, second), example)
    return found


def _id(variant: Variant | None) -> str:
    return "" if variant is None else variant.mistake.id


def same(found: Sequence[Print | None]) -> set[Pair2]:
    """Return the pairs of places that have the same numbers."""
    shaped: dict[object, list[int]] = {}
    for place, numbers in enumerate(found):
        if numbers is not None:
            shaped.setdefault(numbers[0], []).append(place)
    return {pair for places in shaped.values() for pair in _close(places, found)}


def _close(places: Sequence[int], found: Sequence[Print | None]) -> Iterator[Pair2]:
    """Yield the pairs of places whose numbers are the same, of those that have the same shapes."""
    vectors = np.stack([numbers[1] for i in places if (numbers := found[i]) is not None])
    sizes = np.max(np.abs(vectors), axis=1, initial=0.0)
    for i, vector in enumerate(vectors):
        equal = np.all(np.abs(vectors - vector) <= SAME * sizes[i], axis=1)
        yield from ((places[i], places[int(j)]) for j in np.flatnonzero(equal) if j > i)


def report() -> str:
    """Return what cannot be told apart, and where, a line for each pair."""
    where: dict[Pair, dict[str, str]] = {}
    rules = [(g, "sgd") for g in ON]
    rules += [(ON[0], name) for name in ("momentum", "nesterov", "rmsprop", "adam", "adamw")]
    for ground, rule in rules:
        for pair, example in inseparable(ground, rule).items():
            place = ground if rule == "sgd" else f"{ground} ({rule})"
            where.setdefault(pair, {})[place] = example
    lines = [
        f"  {a or 'nothing wrong'} = {b}: {', '.join(places)}\n      {next(iter(places.values()))}"
        for (a, b), places in sorted(where.items())
    ]
    head = "Mistakes that give the same numbers always (gradients, loss and updates), and where"
    return "\n".join([head, *lines])
