"""Find the mistakes whose numbers are equal on the designed networks, or equal to the right ones.

`check` cannot distinguish such mistakes; it can only name them together.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.check.attempts import CONVENTIONS, Case, Numbers, equations_of
from benchmarks.check.setups import Setup, designed, mistakes_on, setups
from chainrule.diagnosis.hypotheses import Variant

Array: TypeAlias = NDArray[Any]
Pair2: TypeAlias = tuple[int, int]
Fingerprint: TypeAlias = tuple[tuple[tuple[str, tuple[int, ...]], ...], Array]

SAME = 1e-9  # relative: what rounding leaves between equal numbers


@cache
def on_designed_numbers(name: str) -> Setup:
    """Return a setup's network with designed numbers instead of its own."""
    g = setups()[name]
    return g if g.declared is not None else designed(g.network, None)


@cache
def fingerprints(
    setup_name: str, optimizer: str, shown: str, *, loss: bool
) -> tuple[Fingerprint | None, ...]:
    """Return the numbers of every mistake on a network, and at the end the right ones.

    `shown` is "gradients", "updates" or "both". None means that a mistake cannot be computed.
    """
    count = len(mistakes_on(setup_name, optimizer))
    form = "gradients" if shown == "gradients" else "step"
    setup = on_designed_numbers(setup_name)
    return tuple(
        numbers_of(Numbers(case, both=shown == "both"), setup)
        for i in (*range(count), None)
        for case in [Case(setup_name, optimizer, i, form, CONVENTIONS[0], "float64", loss)]
    )


def numbers_of(numbers: Numbers, setup: Setup) -> Fingerprint | None:
    """Return all numbers of two successive calls in one vector, with their names and shapes."""
    calls = [found for found, _ in numbers.calls(setup, 2)]
    shapes = [(name, array.shape) for call in calls for name, array in call.items()]
    parts = [np.ravel(array) for call in calls for array in call.values()]
    vector = np.concatenate(parts) if parts else np.array([np.nan])
    return (tuple(shapes), vector) if np.all(np.isfinite(vector)) else None


def are_equal(
    a: Fingerprint | None, b: Fingerprint | None, factors: Iterable[float] = (1.0,)
) -> bool:
    """Return whether two mistakes give the same numbers, up to a factor of conventions."""
    if a is None or b is None or a[0] != b[0]:
        return False
    size = SAME * float(np.max(np.abs(b[1]), initial=0.0))
    return any(bool(np.all(np.abs(a[1] - f * b[1]) <= size * f)) for f in factors)


def factors(setup: Setup, *, updates: bool) -> tuple[float, ...]:
    """Return the factors by which conventions differ, 1 first."""
    n, k = len(setup.x), setup.network.outputs
    signs = (1.0,) if updates else (1.0, -1.0)
    parts = itertools.product((1.0, 2.0, 0.5, 1 / k, 2 / k), (1.0, float(n)), signs)
    return tuple(dict.fromkeys(a * b * c for a, b, c in parts))


@cache
def equal_mistakes(case: Case) -> frozenset[str]:
    """Return the ids of other mistakes that give a case's numbers, on the designed numbers.

    Up to a factor that is a convention, unless the loss is submitted, too.
    """
    shown = "updates" if case.updates else "gradients"
    found = fingerprints(case.setup_name, case.optimizer, shown, loss=case.loss)
    setup = on_designed_numbers(case.setup_name)
    open_factors = (1.0,) if case.loss else ratios(factors(setup, updates=case.updates))
    others = zip(mistakes_on(case.setup_name, case.optimizer), found, strict=False)
    own = found[case.number or 0]
    return frozenset(
        v.mistake.id
        for v, numbers in others
        if v.mistake.id != case.id and are_equal(own, numbers, open_factors)
    )


def ratios(known: Iterable[float]) -> tuple[float, ...]:
    """Return the ratios of all pairs of factors."""
    listed = list(known)
    return tuple(dict.fromkeys(round(a / b, 12) for a in listed for b in listed))


# ---- all mistakes --------------------------------------------------------------------------------

Pair: TypeAlias = tuple[str, str]  # two ids; "" for the right numbers
ON = ("deep", "softmax", "square", "relu", "single", "two-classes")


def inseparable(setup_name: str, optimizer: str = "sgd") -> dict[Pair, str]:
    """Return the pairs of mistakes that have forms with always the same numbers, with an example.

    That is, the same gradients, loss and updates in two successive calls.
    """
    numbers = fingerprints(setup_name, optimizer, "both", loss=True)
    variants = (*mistakes_on(setup_name, optimizer), None)
    right = len(variants) - 1
    found: dict[Pair, str] = {}
    for i, j in sorted(same(numbers)):
        first, second = sorted(_id(variants[p]) for p in (i, j))
        hidden = j != right and are_equal(numbers[i], numbers[right])  # it has no effect here
        if first != second and not hidden:
            example = " as ".join(equations_of(variants[p]) or "right" for p in (i, j))
            found.setdefault((first, second), example)
    return found


def _id(variant: Variant | None) -> str:
    return "" if variant is None else variant.mistake.id


def same(found: Sequence[Fingerprint | None]) -> set[Pair2]:
    """Return the pairs of positions that have the same numbers."""
    shaped: dict[object, list[int]] = {}
    for place, numbers in enumerate(found):
        if numbers is not None:
            shaped.setdefault(numbers[0], []).append(place)
    return {pair for places in shaped.values() for pair in _close(places, found)}


def _close(places: Sequence[int], found: Sequence[Fingerprint | None]) -> Iterator[Pair2]:
    """Yield the pairs of positions with the same numbers, given positions with the same shapes."""
    vectors = np.stack([numbers[1] for i in places if (numbers := found[i]) is not None])
    sizes = np.max(np.abs(vectors), axis=1, initial=0.0)
    for i, vector in enumerate(vectors):
        equal = np.all(np.abs(vectors - vector) <= SAME * sizes[i], axis=1)
        yield from ((places[i], places[int(j)]) for j in np.flatnonzero(equal) if j > i)


def report() -> str:
    """Return which mistakes cannot be distinguished, and where, as one entry for each pair."""
    where: dict[Pair, dict[str, str]] = {}
    rules = [(g, "sgd") for g in ON]
    rules += [(ON[0], name) for name in ("momentum", "nesterov", "rmsprop", "adam", "adamw")]
    for setup_name, rule in rules:
        for pair, example in inseparable(setup_name, rule).items():
            key = setup_name if rule == "sgd" else f"{setup_name} ({rule})"
            where.setdefault(pair, {})[key] = example
    lines = [
        f"  {a or 'nothing wrong'} = {b}: {', '.join(places)}\n      {next(iter(places.values()))}"
        for (a, b), places in sorted(where.items())
    ]
    head = "Mistakes that always give the same numbers (gradients, loss and updates), and where"
    return "\n".join([head, *lines])
