"""Identify the factor between an attempt's gradients and the right ones: a convention or a mistake.

A factor is a convention only if it is a product of factors that textbooks use.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

# Parts of a convention in words.
MINUS = "minus the gradient"
OUTPUTS_MEAN, SAMPLES_SUM = "the mean over the outputs", "the sum over the samples"


@dataclass(frozen=True, eq=False)
class Scale:
    """A factor of all gradients, and what it consists of.

    Parameters
    ----------
    factor : float
    words : dict of str to str
        Its description by aspect: ``"scale"``, ``"sign"``, ``"learning rate"``.
    mistakes : tuple of str
        The ids of the mistakes that it consists of; empty for a convention.
    determined : bool
        Whether an array showed it; otherwise the factor is 1.
    """

    factor: float
    words: dict[str, str]
    mistakes: tuple[str, ...] = ()
    determined: bool = True


@dataclass(frozen=True)
class ScaleContext:
    """What the possible factors depend on.

    Parameters
    ----------
    samples, outputs : int
    rate : float or None
        The learning rate, if it is known.
    step : bool
        Whether the numbers are updates, whose sign and learning rate are not a convention.
    strict : bool
        Whether the loss's factor and the mean over samples must be as declared.
    loss : float or None
        The factor of a reported loss value, which the gradient must have too.
    """

    samples: int
    outputs: int
    rate: float | None
    step: bool
    strict: bool = False
    loss: float | None = None


def common_factor(seen: Array, right: Array, half: Any, tolerance: float) -> float | None:
    """Return the factor by which one array is a multiple of another, or None if it is not.

    Parameters
    ----------
    seen, right : array
        Of the same shape; NaN for entries that were not reported.
    half : array or float
        The rounding of `seen`.
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
    weight = (np.min(loose) / loose) ** 2  # entries with more digits weigh more
    unit = b / size  # its squares stay finite, however large a diverging step is
    factor = large / size * float(np.sum(weight * (a / large) * unit) / np.sum(weight * unit**2))
    # the estimate of the factor is affected by rounding, so single entries may be off by more
    agrees = within_rounding(a, factor * b, 3 * slack, 10 * tolerance)
    return factor if agrees and factor else None


def within_rounding(
    seen: Array, right: Array, half: Any, tolerance: float, floor: float = 0.0
) -> bool:
    """Return whether an array is right within its rounding; a NaN in `right` never agrees."""
    if seen.shape != right.shape:  # (1, n) and (n,) are the same numbers
        seen, right = np.squeeze(seen), np.squeeze(right)
    if seen.shape != right.shape or not right.size:
        return False
    size = float(np.max(np.abs(right)))
    return bool(
        np.all(np.abs(seen - right) <= half * (1 + 1e-6) + tolerance * size + floor + 1e-300)
    )


@cache
def named_scales(context: ScaleContext) -> tuple[Scale, ...]:
    """Return every known factor, those without a mistake first."""
    found = _combinations(context)
    return tuple(sorted(found, key=lambda s: (len(s.mistakes), len(s.words))))


def matching_scales(factor: float, context: ScaleContext, rounding: float) -> list[Scale]:
    """Return the known factors that equal a factor within its rounding, fewest mistakes first."""
    known = named_scales(context)
    return [s for s in known if abs(factor - s.factor) <= rounding * abs(s.factor)]


class Part(NamedTuple):
    """One factor of a scale, such as the sum over the samples."""

    factor: float = 1.0
    aspect: str = ""
    words: str = ""
    mistake: str = ""  # its id; empty for a convention


def _combinations(c: ScaleContext) -> Iterator[Scale]:
    """Yield every product of the factors of the loss, the samples, the sign and the rate."""
    for parts in product(_loss_parts(c), _sample_parts(c), _sign_parts(c), _rate_parts(c)):
        words: dict[str, str] = {}
        for part in parts:
            if part.words:
                known = words.get(part.aspect)
                words[part.aspect] = f"{known}; {part.words}" if known else part.words
        mistakes = tuple(part.mistake for part in parts if part.mistake)
        yield Scale(math.prod(part.factor for part in parts), words, mistakes)


def _loss_parts(c: ScaleContext) -> list[Part]:
    """Return the factors of the loss: ½, 1, 2, and the mean over outputs."""
    named = {
        1.0: "",
        2.0: "the loss has no ½",
        0.5: "the loss has another ½",
    }
    if c.outputs > 1:
        named.setdefault(1 / c.outputs, OUTPUTS_MEAN)
        named.setdefault(2 / c.outputs, "the mean over the outputs, without ½")
    if c.loss is not None:
        named = {c.loss: "as in the reported loss", **named}
        allowed = c.loss
    else:
        allowed = 1.0 if c.strict else None
    return [
        Part(f, "scale", text, "" if allowed is None or f == allowed else "lost-factor")
        for f, text in named.items()
    ]


def _sample_parts(c: ScaleContext) -> list[Part]:
    """Return the factors of the batch: mean, sum, and the mean taken twice."""
    if c.samples == 1:
        return [Part()]
    wrong = "sum-for-mean" if c.strict or c.loss is not None else ""
    n = float(c.samples)
    return [
        Part(),
        Part(n, "scale", SAMPLES_SUM, wrong),
        Part(1 / n, "scale", "the mean over the samples twice", "mean-twice"),
    ]


def _sign_parts(c: ScaleContext) -> list[Part]:
    if c.step:
        return [Part(), Part(-1.0, "sign", "gradient ascent", "sign")]
    return [Part(), Part(-1.0, "sign", MINUS, "sign" if c.strict else "")]


def _rate_parts(c: ScaleContext) -> list[Part]:
    if c.rate is None:
        return [Part()]
    if c.step:
        return [Part(), Part(c.rate, "learning rate", "the learning rate twice", "rate-twice")]
    return [Part(), Part(c.rate, "learning rate", "the gradients include the learning rate")]
