"""Compare arrays of which one may be a multiple of the other, or in another layout."""

import numpy as np

from chainrule.submission import Array

EQUAL = 1e-6  # relative difference of numbers of one run that count as equal
CLOSE = 1e-5  # the same of derivatives from differences
TOLERANCE = 3e-6  # relative to the largest step of a group: of differences, far below any mistake
SAME_FACTOR = 1e-4  # relative difference of factors that count as equal
TINY = 1e-12


def shaped(g: Array, shape: tuple[int, ...]) -> list[Array]:
    """Return numbers in another shape: as they are, transposed, and with turns reversed."""
    ways = [g.reshape(shape)]
    inner = g[0] if len(g) == 1 else None
    if inner is not None and inner.ndim == 2 and min(inner.shape) > 1:
        ways.append(inner.T.reshape(shape))
    if shape[0] > 1:
        ways.append(g.reshape(shape)[::-1])
        flat = g.reshape(shape[0], -1)
        if flat.shape[0] == flat.size:
            pass
        elif flat.shape[0] != flat.shape[1] and flat.T.size == flat.size:
            ways.append(flat.T.reshape(shape))
    return ways


def ratio(b: Array, h: Array, close: float = EQUAL) -> float:
    """Return c if b = c · h, up to a relative difference, else 0."""
    total = float(np.sum(h * h))
    if not total or not np.all(np.isfinite(h)):
        return 0.0
    c = float(np.sum(b * h)) / total
    return c if c and np.abs(b - c * h).max() < close * np.abs(b).max() else 0.0


def differs_by_slope(theirs: Array, right: Array, o: Array, t: Array) -> bool:
    """Return whether deltas are the right ones times a function of the outputs that people forget.

    It must be a slope that the right deltas have, or one that they do not have. Others are those of
    other losses: (o - t) / o of outputs exp(z) is that of the Poisson loss.

    Parameters
    ----------
    theirs, right, o, t : array
        (n,) each.
    """
    if not theirs.shape == right.shape == o.shape == t.shape or theirs.size < 2:
        return False
    with np.errstate(all="ignore"):
        logistic, tanh = [o * (1 - o), o, 1 - o, o**2], [1 - o**2]
        if ratio(right, o - t):
            return any(ratio(theirs, right * f) for f in (*logistic, *tanh))
        if ratio(right, (o - t) * o * (1 - o)):
            return any(ratio(theirs, (o - t) * f) for f in (np.ones_like(o), *logistic[1:], *tanh))
        if ratio(right, (o - t) * (1 - o**2)):
            return any(ratio(theirs, (o - t) * f) for f in (np.ones_like(o), *logistic))
        if ratio(right * o * (1 - o), o - t):  # dL/do of the cross-entropy
            return bool(ratio(theirs, o - t))
    return False


def same_factor(one: float, other: float) -> bool:
    """Return whether two factors count as equal, relative to the second."""
    return abs(one - other) < SAME_FACTOR * abs(other)
