"""Scales: by what factor somebody's gradients differ, and which convention or mistake it is.

The factor is solved by ratio; it is a convention only if it is made of those that textbooks use.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scale:
    """What a factor is made of.

    Parameters
    ----------
    factor : float
    words : dict of str to str
        What to say of it, by aspect: ``"scale"``, ``"sign"``, ``"learning rate"``.
    mistakes : tuple of str
        The ids of the mistakes that it is made of; none for a convention.
    """

    factor: float
    words: dict[str, str]
    mistakes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """What factors may be made of.

    Parameters
    ----------
    samples, outputs : int
    rate : float or None
        The learning rate, where it is known.
    step : bool
        Whether there is an update, whose sign and rate are not open.
    strict : bool
        Whether the loss's factor and the mean over samples are as declared.
    loss : float or None
        The factor of a loss value that was handed in, which the gradient must have too.
    """

    samples: int
    outputs: int
    rate: float | None
    step: bool
    strict: bool = False
    loss: float | None = None


def ratio(seen: Array, right: Array, half: Any, tolerance: float) -> float | None:
    """Return the one factor between two arrays, or None if there is none.

    Parameters
    ----------
    seen, right : array
        Of one shape; NaN where nothing was handed in.
    half : array or float
        The rounding of what was handed in.
    tolerance : float
        Relative to the largest entry.
    """
    if seen.shape != right.shape:
        return None
    known = np.isfinite(seen) & np.isfinite(right)
    a, b = seen[known], right[known]
    if not np.any(a) or not np.any(b):
        return None
    slack = half[known] if np.shape(half) else half
    large, size = float(np.max(np.abs(a))), float(np.max(np.abs(b)))
    loose = slack + 10 * tolerance * large + 1e-300
    weight = (np.min(loose) / loose) ** 2  # entries with more digits say more
    unit = b / size  # whose squares are finite, however large a diverging step is
    factor = large / size * float(np.sum(weight * (a / large) * unit) / np.sum(weight * unit**2))
    # the factor has taken up a share of the rounding, so that single entries may be off by more
    return factor if fits(a, factor * b, 3 * slack, 10 * tolerance) and factor else None


def fits(seen: Array, right: Array, half: Any, tolerance: float, floor: float = 0.0) -> bool:
    """Tell whether an array is right within its rounding; NaN entries of `right` never are."""
    if seen.shape != right.shape:  # (1, n) and (n,) are the same numbers
        seen, right = np.squeeze(seen), np.squeeze(right)
    if seen.shape != right.shape or not right.size:
        return False
    size = float(np.max(np.abs(right)))
    return bool(
        np.all(np.abs(seen - right) <= half * (1 + 1e-6) + tolerance * size + floor + 1e-300)
    )


@cache
def scales(context: Context) -> tuple[Scale, ...]:
    """Return every factor that has a name, those without a mistake first."""
    found = _combinations(context)
    return tuple(sorted(found, key=lambda s: (len(s.mistakes), len(s.words))))


def near(factor: float, context: Context, rounding: float) -> list[Scale]:
    """Return what a factor may be within its rounding, that with the fewest mistakes first."""
    return [s for s in scales(context) if abs(factor - s.factor) <= rounding * abs(s.factor)]


def _combinations(c: Context) -> Iterator[Scale]:
    for parts in product(_loss(c), _samples(c), _sign(c), _rate(c)):
        factor, words, mistakes = 1.0, dict[str, str](), list[str]()
        for value, aspect, text, mistake in parts:
            factor *= value
            mistakes += [mistake] if mistake else []
            if text:
                words[aspect] = f"{words[aspect]}; {text}" if aspect in words else text
        yield Scale(factor, words, tuple(mistakes))


Part: TypeAlias = tuple[float, str, str, str]  # factor, aspect, words, mistake


def _loss(c: Context) -> list[Part]:
    """Return the factors of the loss: ½, 1, 2, and the mean over outputs."""
    named = {
        1.0: "",
        2.0: "the loss has no ½",
        0.5: "the loss has another ½",
    }
    if c.outputs > 1:
        named.setdefault(1 / c.outputs, "the mean over the outputs")
        named.setdefault(2 / c.outputs, "the mean over the outputs, without ½")
    if c.loss is not None:
        named = {c.loss: "as the loss handed in", **named}
        allowed = c.loss
    else:
        allowed = 1.0 if c.strict else None
    return [
        (f, "scale", text, "" if allowed is None or f == allowed else "lost-factor")
        for f, text in named.items()
    ]


def _samples(c: Context) -> list[Part]:
    """Return the factors of the batch: mean, sum, and the mean taken twice."""
    if c.samples == 1:
        return [(1.0, "", "", "")]
    wrong = "sum-for-mean" if c.strict or c.loss is not None else ""
    n = float(c.samples)
    return [
        (1.0, "", "", ""),
        (n, "scale", "the sum over the samples", wrong),
        (1 / n, "scale", "the mean over the samples twice", "mean-twice"),
    ]


def _sign(c: Context) -> list[Part]:
    text = "uphill" if c.step else "minus the gradient"
    return [(1.0, "", "", ""), (-1.0, "sign", text, "sign" if c.step else "")]


def _rate(c: Context) -> list[Part]:
    if c.rate is None:
        return [(1.0, "", "", "")]
    text = "the learning rate twice" if c.step else "the learning rate is in the gradients already"
    return [(1.0, "", "", ""), (c.rate, "learning rate", text, "rate-twice" if c.step else "")]
