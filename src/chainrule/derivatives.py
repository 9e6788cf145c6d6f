"""Numerical derivatives: the complex step, and central differences with an error bar.

They know a function only by calling it, and so they can contradict an analytic gradient; judging
the two is the work of ``gradcheck``.
"""

import keyword
import math
import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.elementwise import VOCABULARY, Number
from chainrule.errors import InputError

TAKEN = {*VOCABULARY, "abs", "max", "sum", "mean", "concat"}  # names that formulas use already
STEP = 1e-30  # of the complex step: no difference is formed, so it can be this small
LEVELS = 8  # of Richardson's table
SHRINK = 2.0  # from one level to the next
PROBES = np.array([-2.9, -1.7, -0.83, -0.31, 0.27, 0.71, 1.3, 2.3])  # no kinks at round numbers
PROBES.setflags(write=False)  # a user's function may not change its argument


# ---- the complex step: Im f(x + ih) / h ---------------------------------------------------------


def elementwise_derivative(f: Callable[[Number], Number], z: Number) -> Number:
    """Return f'(z) of an elementwise function by the complex step.

    Parameters
    ----------
    f : callable
        Elementwise and analytic; it must accept complex arrays.
    z : array, real
        Where.

    Returns
    -------
    array
        Of the shape and dtype of `z`.
    """
    z = np.asarray(z)
    return (np.imag(f(z + 1j * STEP)) / STEP).astype(z.dtype)


def complex_step(
    value: Callable[[NDArray[np.complex128]], complex],
    theta: NDArray[np.float64],
    entries: Iterable[int] | None = None,
) -> NDArray[np.float64]:
    """Return ∂value/∂θ for some entries of θ by the complex step.

    Parameters
    ----------
    value : callable
        Takes a complex128 vector like `theta`, returns a number.
    theta : array (parameters,)
        Where.
    entries : iterable of int, optional
        Which entries; all of them by default.

    Returns
    -------
    array (entries,), float64

    References
    ----------
    Squire, Trapp: Using complex variables to estimate derivatives of real functions,
    SIAM Rev. 1998.
    """
    point = np.array(theta, dtype=np.complex128)  # ours to change
    derivatives: list[float] = []
    for i in range(len(point)) if entries is None else entries:
        kept, point[i] = point[i], point[i] + 1j * STEP
        derivatives.append(np.imag(value(point)) / STEP)
        point[i] = kept
    return np.array(derivatives, dtype=np.float64)


# ---- central differences ------------------------------------------------------------------------


class Difference(NamedTuple):
    """A derivative by central differences.

    Attributes
    ----------
    value : float
        Richardson's extrapolation of (f(x + h) − f(x − h)) / 2h.
    error : float
        Its error bar: what the extrapolation still changed, and the rounding of f.
    step : float
        The h of the best level.
    kink : bool
        Whether f bends sharply within the step, so that it has no single slope there.
    """

    value: float
    error: float
    step: float
    kink: bool


def central_difference(
    f: Callable[[float], float], x: float, scale: float = 1.0, noise: float = 2.0**-52
) -> Difference:
    """Return f'(x) with an error bar and the step that fitted best.

    Parameters
    ----------
    f : callable
        Takes and returns a float.
    x : float
        Where.
    scale : float
        The first step is 0.1 × scale; each of the 8 levels halves it.
    noise : float
        Relative rounding error of `f`: 2⁻⁵² for float64.

    Returns
    -------
    Difference

    References
    ----------
    Ridders: Accurate computation of F'(x) and F'(x)F''(x), Adv. Eng. Softw. 1982.
    """
    steps = [0.1 * scale / SHRINK**i for i in range(LEVELS)]
    pairs = [(float(f(x + h)), float(f(x - h))) for h in steps]
    center, finest = float(f(x)), abs(pairs[-1][0] - pairs[-1][1]) / (2 * steps[-1])
    finite = [abs(v) for pair in pairs for v in pair if math.isfinite(v)]
    rounding = noise * (max(finite, default=0.0) + abs(x) * finest)
    value, error, best = _richardson(steps, pairs, rounding)
    jumps = [(up - 2 * center + down) / h for h, (up, down) in zip(steps, pairs, strict=True)]
    floors = [1e-7 * abs(value) + 100 * rounding / h for h in steps]
    return Difference(value, error, best, _bends(jumps, floors, steps.index(best)))


def _richardson(
    steps: list[float], pairs: list[tuple[float, float]], rounding: float
) -> tuple[float, float, float]:
    """Extrapolate h → 0 in Neville's table; keep the entry with the smallest error bar."""
    best = (math.nan, math.inf, steps[0])
    previous: list[float] = []
    for h, (up, down) in zip(steps, pairs, strict=True):
        row = [(up - down) / (2 * h)]
        for order, left in enumerate(previous):
            row.append(row[-1] + (row[-1] - left) / (SHRINK ** (2 * order + 2) - 1))
            error = max(abs(row[-1] - row[-2]), abs(row[-1] - left)) + 4 * rounding / h
            if error < best[1]:
                best = (row[-1], error, h)
        previous = row
    return best


def _bends(jumps: list[float], floors: list[float], best: int) -> bool:
    """Tell a kink, at the best step or below, from how far the slopes on both sides part there.

    A smooth function's jumps are c₁h + c₃h³ + …; without these two terms they shrink 32-fold from
    level to level, but a kink's stay.
    """
    without_h = [2 * fine - coarse for coarse, fine in pairwise(jumps)]
    left = [abs(8 * fine - coarse) / 7 for coarse, fine in pairwise(without_h)]
    stays = [
        fine > max(0.3 * coarse, floor)
        for (coarse, fine), floor in zip(pairwise(left), floors[3:], strict=True)
    ]
    return any(sum(stays[i : i + 3]) >= 2 for i in range(max(best - 5, 0), len(stays) - 2))


# ---- a user's own function ----------------------------------------------------------------------


def check_name(name: object) -> None:
    """Raise InputError unless a user's function has a name that formulas can be written with."""
    plain = isinstance(name, str) and re.fullmatch(r"[A-Za-z][\w-]*", name)
    if not plain or keyword.iskeyword(str(name)) or str(name) in TAKEN:
        raise InputError(
            f"name={name!r}: a function of your own needs a name of letters, digits, - and _ that "
            "no other function has, such as 'cube'"
        )


def check_derivative(
    name: str, f: Callable[[Number], Number], df: Callable[[Number, Number], Number]
) -> None:
    """Hold a user's elementwise f and f' against each other on the real line.

    Raises
    ------
    InputError
        If f is not elementwise, real and finite there, or if f' is not its derivative.
    """
    try:
        with np.errstate(all="ignore"):  # the values are looked at below
            a = np.asarray(f(PROBES))
            slopes = np.asarray(df(PROBES, a))
    except Exception as error:
        raise InputError(
            f"{name}: f or its derivative fails on an array ({error}); write them with NumPy or "
            "chainrule.elementwise, and give df where f takes no complex numbers"
        ) from error
    _check_array(name, "f", a)
    _check_array(name, "the derivative", slopes)

    def alone(z: float) -> float:
        return float(np.asarray(f(np.array([z])))[0])

    for z, value, slope in zip(PROBES.tolist(), a.tolist(), slopes.tolist(), strict=True):
        if not math.isclose(alone(z), value, rel_tol=1e-9, abs_tol=1e-9):
            raise InputError(
                f"{name}: f({z}) is {value:.9g} among other numbers, but {alone(z):.9g} alone; "
                "write it so that every number is looked at by itself"
            )
        there = central_difference(alone, z)
        if abs(there.value - slope) > 2 * there.error + 1e-9 * (1 + abs(slope)) and not there.kink:
            raise InputError(
                f"{name}: the derivative at z = {z} is {slope:.9g}, but f rises by "
                f"{there.value:.9g} ± {there.error:.1g} there; correct df, or without df branch "
                "with where(real(z) > 0, …) in place of abs, maximum or sign"
            )


def _check_array(name: str, what: str, values: NDArray[np.float64]) -> None:
    if values.shape != PROBES.shape or values.dtype.kind != "f" or not np.isfinite(values).all():
        raise InputError(
            f"{name}: {what} of {len(PROBES)} real numbers, {PROBES[0]} to {PROBES[-1]}, is "
            f"{values!r}; it must be as many finite real numbers, one for each: keep a logarithm "
            "or root in its domain with where(real(z) > 1e-7, z, 1e-7)"
        )
