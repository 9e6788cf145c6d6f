"""Numerical derivatives: the complex step, and central differences with an error bar.

Gradient checks compare analytic gradients with them, and they check functions that users write.
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
STEP = 1e-30  # of the complex step; it has no subtraction that would lose digits
LEVELS = 8  # steps tried by a central difference
SHRINK = 2.0  # ratio of one step to the next
# Where functions of users are checked: not at round numbers, which may be kinks.
PROBES = np.array([-2.9, -1.7, -0.83, -0.31, 0.27, 0.71, 1.3, 2.3])
PROBES.setflags(write=False)  # the same array for every check


# ---- the complex step: Im f(x + ih) / h ---------------------------------------------------------


def elementwise_derivative(f: Callable[[Number], Number], z: Number) -> Number:
    """Return f'(z) of an elementwise function by the complex step Im f(z + ih) / h.

    Parameters
    ----------
    f : callable
        Elementwise and analytic; it must accept complex arrays.
    z : array, real

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
        Takes a complex128 vector like `theta` and returns a number.
    theta : array (parameters,)
        The point of differentiation.
    entries : iterable of int, optional
        The indices of the entries; all of them by default.

    Returns
    -------
    array (entries,), float64

    References
    ----------
    Squire, Trapp: Using complex variables to estimate derivatives of real functions,
    SIAM Rev. 1998.
    """
    point = np.array(theta, dtype=np.complex128)  # a copy, which is changed below
    derivatives: list[float] = []
    for i in range(len(point)) if entries is None else entries:
        kept, point[i] = point[i], point[i] + 1j * STEP  # one entry at a time
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
        Its error bar: the last change in the extrapolation, and the rounding of f.
    step : float
        The h with the smallest error bar.
    kink : bool
        Whether f has a kink within the step, and so no single slope there.
    """

    value: float
    error: float
    step: float
    kink: bool


def central_difference(
    f: Callable[[float], float], x: float, scale: float = 1.0, noise: float = 2.0**-52
) -> Difference:
    """Return f'(x) with an error bar, by central differences with several steps.

    Parameters
    ----------
    f : callable
        Takes and returns a float.
    x : float
    scale : float
        The first step is 0.1 × scale; each of the seven that follow is half as long.
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
    """Extrapolate h → 0; return the value with the smallest error bar, the error bar, and h.

    The error of a central difference is c₁h² + c₂h⁴ + …; column k of the table is free of the first
    k terms (Neville's scheme).
    """
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
    """Return whether there is a kink within the best step.

    `jumps` are the differences of the slopes right and left of x for each step. For a smooth
    function they are c₁h + c₃h³ + c₅h⁵ + …; without the first two terms they shrink 32-fold when
    the step is halved. At a kink they stay the same size.
    """
    without_h = [2 * fine - coarse for coarse, fine in pairwise(jumps)]
    left = [abs(8 * fine - coarse) / 7 for coarse, fine in pairwise(without_h)]  # without h³ too
    stays = [
        fine > max(0.3 * coarse, floor)
        for (coarse, fine), floor in zip(pairwise(left), floors[3:], strict=True)
    ]
    return any(sum(stays[i : i + 3]) >= 2 for i in range(max(best - 5, 0), len(stays) - 2))


# ---- a user's own function ----------------------------------------------------------------------


def check_name(name: object) -> None:
    """Raise InputError unless `name` can be the name of a user's function in formulas."""
    well_formed = isinstance(name, str) and re.fullmatch(r"[A-Za-z][\w-]*", name)
    if not well_formed or keyword.iskeyword(str(name)) or str(name) in TAKEN:
        raise InputError(
            f"name={name!r}: a function of your own needs a name of letters, digits, - and _ that "
            "no other function has, such as 'cube'"
        )


def check_derivative(
    name: str, f: Callable[[Number], Number], df: Callable[[Number, Number], Number]
) -> None:
    """Check that df is the derivative of a user's elementwise function f, at eight points.

    Raises
    ------
    InputError
        If f is not elementwise, real and finite there, or if df is not its derivative.
    """
    try:
        with np.errstate(all="ignore"):  # values that are not finite are reported below
            a = np.asarray(f(PROBES))
            slopes = np.asarray(df(PROBES, a))
    except Exception as error:
        raise InputError(
            f"{name}: f or its derivative fails on an array ({error}); write them with NumPy or "
            "chainrule.elementwise, and give df where f takes no complex numbers"
        ) from error
    _check_array(name, "f", a)
    _check_array(name, "the derivative", slopes)

    def alone(z: float) -> float:  # f of one number, without the others in the array
        return float(np.asarray(f(np.array([z])))[0])

    for z, value, slope in zip(PROBES.tolist(), a.tolist(), slopes.tolist(), strict=True):
        if not math.isclose(alone(z), value, rel_tol=1e-9, abs_tol=1e-9):
            raise InputError(
                f"{name}: f({z}) is {value:.9g} among other numbers, but {alone(z):.9g} alone; "
                "compute each number without the others, as an elementwise function does"
            )
        there = central_difference(alone, z)
        if abs(there.value - slope) > 2 * there.error + 1e-9 * (1 + abs(slope)) and not there.kink:
            raise InputError(
                f"{name}: the derivative at z = {z} is {slope:.9g}, but f rises by "
                f"{there.value:.9g} ± {there.error:.1g} there; correct df, or without df branch "
                "with where(real(z) > 0, …) in place of abs, maximum or sign"
            )


def _check_array(name: str, what: str, values: NDArray[np.float64]) -> None:
    """Raise InputError unless there is one finite real number for each of the eight points."""
    if values.shape != PROBES.shape or values.dtype.kind != "f" or not np.isfinite(values).all():
        raise InputError(
            f"{name}: {what} of {len(PROBES)} real numbers, {PROBES[0]} to {PROBES[-1]}, is "
            f"{values!r}; it must be finite real numbers, one for each of them: keep a "
            "logarithm or root in its domain with where(real(z) > 1e-7, z, 1e-7)"
        )
