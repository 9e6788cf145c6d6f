"""Mistakes in layers whose equations are known: affine with ReLU, normalization, softmax, others.

A layer belongs to a family if the family's equations give its output.
"""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from chainrule.diagnosis.layers.calling import call
from chainrule.diagnosis.layers.judging import Judgment
from chainrule.diagnosis.layers.matching import Match
from chainrule.diagnosis.layers.mistakes import Found, mistake
from chainrule.diagnosis.layers.values import Array, as_array, leaves


def family_mistakes(judgment: Judgment, match: Match) -> Iterator[Found]:
    """Yield the gradients that mistakes of known layers give.

    Parameters
    ----------
    judgment : Judgment
    match : Match
        A wrong gradient.

    Yields
    ------
    tuple of array and callable
        The numbers, and the mistake that gives them.
    """
    layer = judgment.layer
    out = layer.output(call(layer.forward, layer.inputs), 0)
    dout = layer.binding.upstream[0]
    values = {v.name: v.array for v in layer.variables if v.array is not None}
    for family in (_masked, _affine_relu, _normalized, _softmax, _attention):
        for id_, numbers, words in family(match, values, out, dout):
            entry = mistake(id_, **({"g": match.label, "x": match.variable} | words))
            yield numbers, lambda m=entry: m
    whole = [
        leaf.array
        for name, value in layer.inputs.items()
        for leaf in leaves(value, name)
        if leaf.array is not None and leaf.array.dtype.kind in "iu" and leaf.array.ndim
    ]
    for id_, numbers in (*_labels(match, values, whole), *_embedding(match, whole, dout)):
        entry = mistake(id_, g=match.label, x=match.variable)
        yield numbers, lambda m=entry: m


Numbers = Iterator[tuple[str, Array, dict[str, str]]]
Values = dict[str, Array]


def _masked(match: Match, values: Values, out: Array, dout: Array) -> Numbers:
    """Yield the upstream gradient itself, where the right gradient is zero in some places."""
    if out.shape != match.right.shape or out.shape != dout.shape:
        return
    if (match.right == 0).any():
        yield "mask-missing", dout, {}
        yield "mask-of-upstream", dout * (dout > 0), {}


def _affine_relu(match: Match, values: Values, out: Array, dout: Array) -> Numbers:
    """Yield gradients of ReLU(x w + b) whose mask is missing or of the upstream gradient."""
    for (left, a), (right, b) in permutations(values.items(), 2):
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
            continue
        for bias in values.values():
            try:
                z = a @ b + bias
            except ValueError:
                continue
            if z.shape != out.shape or not np.allclose(np.maximum(z, 0), out, atol=1e-12):
                continue
            for id_, dz in (("mask-missing", dout), ("mask-of-upstream", dout * (dout > 0))):
                found = {left: dz @ b.T, right: a.T @ dz}
                yield id_, found.get(match.variable, _summed(dz, bias, match.numbers)), {}


def _summed(dz: Array, bias: Array, like: Array) -> Array:
    """Return the sum of dz over the axes along which a bias is broadcast."""
    shape = (1,) * (dz.ndim - bias.ndim) + bias.shape
    axes = tuple(i for i, n in enumerate(shape) if n != dz.shape[i])
    total = dz.sum(axis=axes)
    return total.reshape(like.shape) if total.size == like.size else total


def _normalized(match: Match, values: Values, out: Array, dout: Array) -> Numbers:
    """Yield gradients of a normalization whose mean or variance is treated as constant."""
    x = next((v for v in values.values() if v.shape == out.shape and v.ndim > 1), None)
    if x is None:
        return
    rest = [v for v in values.values() if v is not x]
    for axes in ((0,), (1,), (-1,), (0, 2, 3), (0, 1, 2), (1, 2, 3)):
        if max(axes) >= x.ndim:
            continue
        centered = x - x.mean(axis=axes, keepdims=True)
        variance = x.var(axis=axes, keepdims=True)
        for gamma, beta in (*permutations(rest, 2), (np.ones(1), np.zeros(1))):
            std = _deviation(out, gamma, beta, centered, variance, axes)
            if std is not None:
                yield from _of_normalization(match, x, centered / std, std, gamma, out, dout, axes)


def _deviation(
    out: Array,
    gamma: Array,
    beta: Array,
    centered: Array,
    variance: Array,
    axes: tuple[int, ...],
) -> Array | None:
    """Return the standard deviation in out = γ (x − mean) / std + β, or None if that is not so."""
    try:
        normalized = (out - beta) / gamma
    except ValueError:
        return None
    if normalized.shape != centered.shape:
        return None
    squares = (normalized**2).sum(axis=axes, keepdims=True)
    if not squares.all():
        return None
    std = (centered * normalized).sum(axis=axes, keepdims=True) / squares
    fits = np.allclose(normalized * std, centered, rtol=1e-6, atol=1e-9)
    return std if fits and np.allclose(std**2, variance, rtol=0.02) else None


def _of_normalization(
    match: Match,
    x: Array,
    xhat: Array,
    std: Array,
    gamma: Array,
    out: Array,
    dout: Array,
    axes: tuple[int, ...],
) -> Numbers:
    def mean(values: Array) -> Array:
        return values.mean(axis=axes, keepdims=True)

    d = dout * gamma
    if match.right.shape == x.shape:
        yield "statistics-constant", d / std, {}
        yield "variance-constant", (d - mean(d)) / std, {}
        yield "mean-constant", (d - xhat * mean(d * xhat)) / std, {}
        yield "scale-left-out", (dout - mean(dout) - xhat * mean(dout * xhat)) / std, {}
        for i in set(range(x.ndim)) - set(axes):
            means = d.mean(axis=i, keepdims=True), (d * xhat).mean(axis=i, keepdims=True)
            words = {"axis": str(i), "other": ", ".join(map(str, axes))}
            yield "normalized-over-wrong-axis", (d - means[0] - xhat * means[1]) / std, words
    shape = match.numbers.shape
    for values, text in ((x, "x"), (out, "the output"), (x - mean(x), "x - mean")):
        total = dout * values
        summed = tuple(i for i in range(x.ndim) if _size(match, i, x) == 1)
        found = total.sum(axis=summed)
        if found.size == np.prod(shape):
            yield "not-normalized", found.reshape(shape), {"theirs": text}


def _size(match: Match, axis: int, x: Array) -> int:
    """Return the length of an axis of an input that is broadcast to x."""
    shape = (1,) * (x.ndim - match.right.ndim) + match.right.shape
    return shape[axis]


def softmax(x: Array, axis: int) -> Array:
    """Return the softmax along an axis."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _softmax(match: Match, values: Values, out: Array, dout: Array) -> Numbers:
    """Yield gradients of a softmax of which only the diagonal is used."""
    x = values.get(match.variable)
    if x is None or x.shape != out.shape:
        return
    for axis in range(x.ndim):
        p = softmax(x, axis)
        if np.allclose(p, out, atol=1e-10):
            yield "softmax-diagonal", dout * p * (1 - p), {}


def _attention(match: Match, values: Values, out: Array, dout: Array) -> Numbers:
    """Yield gradients of softmax(q kᵀ / √d) v with only the diagonal of the softmax."""
    alike = [(name, v) for name, v in values.items() if v.ndim >= 2 and v.shape == out.shape]
    for (q_name, q), (k_name, k), (_, v) in permutations(alike, 3):
        scale = 1 / np.sqrt(q.shape[-1])
        p = softmax(scale * q @ k.swapaxes(-1, -2), -1)
        if np.allclose(p @ v, out, atol=1e-10):
            ds = scale * (dout @ v.swapaxes(-1, -2)) * p * (1 - p)
            found = {q_name: ds @ k, k_name: ds.swapaxes(-1, -2) @ q}
            if match.variable in found:
                yield "softmax-diagonal", found[match.variable], {}


def _labels(match: Match, values: Values, whole: list[Array]) -> Iterator[tuple[str, Array]]:
    """Yield gradients of a softmax or hinge loss that leave out the right class."""
    x, shape = values.get(match.variable), match.numbers.shape
    if x is None or x.ndim != 2 or x.shape != shape:
        return
    for y in whole:
        if y.shape != x.shape[:1] or y.max() >= x.shape[1]:
            continue
        margins = x - x[np.arange(len(x)), y][:, None] + 1
        violated = (margins > 0).astype(float)
        violated[np.arange(len(x)), y] = 0
        for n in (1, len(x)):
            yield "target-not-subtracted", softmax(x, 1) / n
            yield "right-class-left-out", violated / n


def _embedding(match: Match, whole: list[Array], dout: Array) -> Iterator[tuple[str, Array]]:
    """Yield the gradient of an embedding that keeps only the last use of each word."""
    for index in whole:
        if dout.shape == (*index.shape, *match.right.shape[1:]) and match.right.ndim == 2:
            kept = np.zeros(match.right.shape)
            if index.max() < len(kept):
                kept[index] = as_array(dout)
                yield "repeated-index-overwritten", kept
