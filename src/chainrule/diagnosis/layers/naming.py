"""Name the mistake that explains a wrong gradient, if plain equations give the same numbers."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from chainrule.diagnosis.catalogue import Mistake
from chainrule.diagnosis.layers.families import family_mistakes
from chainrule.diagnosis.layers.judging import DIVIDED, Judgment
from chainrule.diagnosis.layers.matching import Match
from chainrule.diagnosis.layers.mistakes import Found, mistake
from chainrule.diagnosis.layers.slopes import slope_mistakes
from chainrule.diagnosis.layers.values import Array

EQUAL = 1e-7  # relative: so close are the numbers of a mistake that is named


def same(a: Array, b: Array, tolerance: float = EQUAL) -> bool:
    """Return whether two arrays are equal within rounding."""
    if a.shape != b.shape:
        return False
    scale = float(np.max(np.abs(b), initial=0.0))
    return bool(scale > 0 and (np.abs(a - b) <= tolerance * scale).all())


def explain(judgment: Judgment, match: Match) -> Mistake | None:
    """Return the mistake that explains a wrong gradient, or None.

    Parameters
    ----------
    judgment : Judgment
    match : Match
        One of its wrong gradients.

    Returns
    -------
    Mistake or None
    """
    words = {"g": match.label, "x": match.variable}
    if match.theirs is None:
        return mistake("nothing-computed", **words)
    if not match.variable or not np.isfinite(match.theirs).all():
        return None
    if not match.theirs.any():
        return mistake("zero-gradient", **words)
    found = _explain(judgment, match)
    n = judgment.samples
    if judgment.convention == DIVIDED or (found is None and n > 1 and n not in match.right.shape):
        times = replace(match, theirs=match.theirs * n)  # where all parameters are divided by m
        return _explain(judgment, times) or found
    return found


def _explain(judgment: Judgment, match: Match) -> Mistake | None:
    """Return the mistake that gives the numbers of a match, or None."""
    tolerance = max(EQUAL, 10 * _error(judgment, match))
    for found in _mistakes(judgment, match):
        numbers, entry = found
        if same(match.numbers, numbers, tolerance):
            return entry()
    return _of_factor(judgment, match, tolerance)


def _error(judgment: Judgment, match: Match) -> float:
    """Return the relative error of the right gradient."""
    largest = float(np.max(np.abs(match.right), initial=0.0))
    errors = judgment.truth.errors[match.variable]
    return float(np.max(errors, initial=0.0)) / largest if largest else 0.0


def _mistakes(judgment: Judgment, match: Match) -> Iterator[Found]:
    """Yield the numbers that mistakes give, the plainest mistakes first."""
    words = {"g": match.label, "x": match.variable, "shape": match.right.shape}
    yield -match.right, lambda: mistake("layer-sign", **words)
    yield from _of_scale(judgment, match, words)
    yield from _of_shape(match, words)
    yield from _of_sums(judgment, match, words)
    yield from family_mistakes(judgment, match)
    yield from slope_mistakes(judgment, match)
    yield from _of_square_weights(judgment, match, words)
    yield from _of_others(judgment, match, words)


def _of_scale(judgment: Judgment, match: Match, words: dict[str, Any]) -> Iterator[Found]:
    n = judgment.samples
    if n < 2:
        return
    loss = all(w.size == 1 for w in judgment.layer.binding.upstream)
    if loss:
        yield match.right * n, lambda: mistake("sum-not-mean", **words)
        opposite = mistake("layer-sign", **words)
        for length in match.right.shape:  # of a sum over samples
            yield -length * match.right, lambda: opposite
    yield match.right / n, lambda: mistake("mean-not-sum", **words)


def _of_shape(match: Match, words: dict[str, Any]) -> Iterator[Found]:
    """Yield a transposed array, and one that is turned around."""
    shape = match.numbers.shape
    right = match.right
    if right.ndim == 2:
        yield right.T, lambda: mistake("layer-transposed", **words, theirs=shape)
    if right.ndim == 4:
        yield right[..., ::-1, ::-1], lambda: mistake("flipped", **words)
        yield right[::-1, ::-1], lambda: mistake("flipped", **words)


def _of_sums(judgment: Judgment, match: Match, words: dict[str, Any]) -> Iterator[Found]:
    """Yield sums over other axes than those along which an input is broadcast."""
    theirs, right = match.numbers, match.right
    for axes in _axis_sets(theirs.ndim):
        total = theirs.sum(axis=axes)
        axis: Any = axes[0] if len(axes) == 1 else axes
        if same(total.reshape(-1), right.reshape(-1)) and total.size < theirs.size:
            entry = mistake("not-summed", **words, axis=axis)
            yield theirs, lambda m=entry: m
    for dout in judgment.layer.binding.upstream:
        yield from _of_upstream_sums(dout, match, words)


def _of_upstream_sums(dout: Array, match: Match, words: dict[str, Any]) -> Iterator[Found]:
    """Yield sums of the upstream gradient over axes, where the right sum is over others."""
    theirs, right = match.numbers, match.right.reshape(-1)
    sums = {axes: dout.sum(axis=axes) for axes in _axis_sets(dout.ndim)}
    good = [axes for axes, total in sums.items() if same(total.reshape(-1), right)]
    if not good or right.size == 1:
        return
    axis = good[0][0] if len(good[0]) == 1 else good[0]
    yield (
        np.full(theirs.shape, dout.sum()),
        lambda: mistake("summed-over-everything", **words, axis=axis),
    )
    for axes, total in sums.items():
        if total.size == theirs.size and total.size != right.size:
            text = axes[0] if len(axes) == 1 else axes
            found = mistake(
                "summed-over-wrong-axis", **words, axis=text, other=axis, theirs=theirs.shape
            )
            yield total.reshape(theirs.shape), lambda m=found: m
    mean = right / (dout.size / right.size)
    if mean.size == theirs.size:
        yield (
            mean.reshape(theirs.shape),
            lambda: mistake("mean-over-broadcast-axis", **words, axis=axis),
        )


def _axis_sets(ndim: int) -> Iterator[tuple[int, ...]]:
    for count in range(1, ndim + 1):
        yield from combinations(range(ndim), count)


def _of_others(judgment: Judgment, match: Match, words: dict[str, Any]) -> Iterator[Found]:
    """Yield the input itself, and the gradients of the other inputs."""
    for leaf in judgment.layer.variables:
        if leaf.array is not None and leaf.name == match.variable:
            yield leaf.array, lambda: mistake("input-returned", **words)
    for name, gradient in judgment.truth.gradients.items():
        if name != match.variable:
            found = mistake("gradient-of-another-input", **words, other=name)
            yield gradient, lambda m=found: m


def _of_square_weights(judgment: Judgment, match: Match, words: dict[str, Any]) -> Iterator[Found]:
    """Yield gradients that multiply by a square matrix where its transpose is right."""
    for leaf in judgment.layer.variables:
        W = leaf.array
        if W is None or W.ndim != 2 or len(set(W.shape)) != 1 or leaf.name == match.variable:
            continue
        entry = mistake("weight-not-transposed", **words, other=leaf.name)
        if match.right.ndim == 2 and match.right.shape[1] == len(W):
            yield match.right @ np.linalg.pinv(W.T) @ W, lambda m=entry: m
        if match.right.ndim == 2 and match.right.shape[0] == len(W):
            yield W @ np.linalg.pinv(W.T) @ match.right, lambda m=entry: m


def _of_factor(judgment: Judgment, match: Match, tolerance: float) -> Mistake | None:
    """Return a constant factor, or a multiple of the input itself, as the explanation."""
    words = {"g": match.label, "x": match.variable}
    if not match.same_shape:
        return None
    theirs = match.numbers.reshape(match.right.shape)
    factor = _ratio(theirs, match.right)
    if factor and same(theirs, factor * match.right, tolerance) and match.right.size > 1:
        if judgment.convention != DIVIDED and match.status == "right":
            return None
        return mistake("layer-factor", **words, factor=_factor_text(factor))
    for leaf in judgment.layer.variables:
        if leaf.name == match.variable and leaf.array is not None:
            rest = theirs - match.right
            factor = _ratio(rest, leaf.array)
            if factor and leaf.array.size > 2 and same(rest, factor * leaf.array, 1e-6):
                return mistake("penalty-left-out", **words, factor=f"{factor:.6g}")
    return None


def _ratio(a: Array, b: Array) -> float:
    total = float(np.sum(b * b))
    return float(np.sum(a * b)) / total if total else 0.0


def _factor_text(factor: float) -> str:
    """Return a factor, as a root or a fraction if it is one."""
    for n in range(2, 30):
        for value, text in ((n, f"{n}"), (1 / n, f"1/{n}"), (math.sqrt(n), f"√{n}")):
            if math.isclose(abs(factor), value, rel_tol=1e-6):
                return f"{'−' * (factor < 0)}{text}"
    return f"{factor:.6g}"
