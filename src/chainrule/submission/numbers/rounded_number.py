"""Numbers with the rounding error of the digits that were typed.

A number agrees with a computed one if they differ by at most half a unit of its last digit.
"""

import math
import re
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FULL = 15  # significant digits with which a number counts as unrounded
FEWEST = 4  # significant digits that an integer, or a float from Python, counts as at least
EXACT = 1e-12  # relative error of float64 computations
SINGLE, SINGLE_OF_LARGEST = 2.4e-6, 2.4e-7  # the same for float32: of a number, of the largest
ZERO = 5e-5  # half a unit of 0, which counts as 0.0000
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?")


class RoundedNumber(NamedTuple):
    """A number and its possible rounding error.

    Attributes
    ----------
    value : float
    half_unit : float
        Half a unit of the last digit.
    digits : int
        The number of significant digits that were typed.
    """

    value: float
    half_unit: float
    digits: int


class NotANumberError(ValueError):
    """A text is not a number; the message says why, and what to write instead."""


def from_text(text: str, *, comma: bool = False) -> RoundedNumber:
    """Return the number in a string; ``".1498"`` is .1498 ± .00005.

    Parameters
    ----------
    text : str
    comma : bool
        Whether a decimal comma is allowed.

    Raises
    ------
    NotANumberError
        If it is not a number, or not finite.
    """
    plain = text.strip().replace("−", "-")
    if comma and "." not in plain:
        plain = plain.replace(",", ".", 1)
    if not NUMBER.fullmatch(plain):
        raise NotANumberError(_why_not_a_number(text.strip()))
    value = float(plain)
    if not math.isfinite(value):
        raise NotANumberError(f"{text.strip()} is too large for a float64; write a smaller number")
    return _with_half_unit(value, Decimal(plain), integers_only=True)


def _why_not_a_number(text: str) -> str:
    """Return why a text is not a number, and what to write instead."""
    if re.fullmatch(r"[+-]?(nan|inf(inity)?)", text, re.IGNORECASE):
        return f"{text} is not a finite number; leave it out, or submit the program itself"
    if re.fullmatch(r"[+-]?[\d.]*,[\d]+", text):
        return f"{text!r} has a decimal comma; write a point, or separate columns by semicolons"
    if found := NUMBER.match(text):
        return f"{text!r} has other characters after the number {found[0]}; remove them"
    return f"{text[:60]!r} is not a number; write it as 0.1498 or 1.498e-1"


def from_float(value: float) -> RoundedNumber:
    """Return a Python float; with few digits it counts as rounded, to at least 4 digits.

    Raises
    ------
    NotANumberError
        If it is not finite.
    """
    number = float(value)
    if not math.isfinite(number):
        raise NotANumberError(_why_not_a_number(str(number)))
    return _with_half_unit(number, Decimal(repr(number)), integers_only=False)


def _with_half_unit(value: float, typed: Decimal, *, integers_only: bool) -> RoundedNumber:
    """Return a number with half a unit of its last digit.

    With `integers_only`, only integers count as having at least `FEWEST` digits; else all numbers.
    """
    _, digits, exponent = typed.as_tuple()
    unit, count = int(exponent), len(digits)
    if not value:
        return RoundedNumber(value, ZERO if unit >= -1 else _half_unit(unit), 0)
    if count >= FULL:
        return RoundedNumber(value, EXACT * abs(value), count)
    least = typed.adjusted() - FEWEST + 1
    if not integers_only or (unit >= -1 and typed == typed.to_integral_value()):
        unit = min(unit, least)
    return RoundedNumber(value, _half_unit(unit), count)


def _half_unit(unit: int) -> float:
    return float(Decimal(5).scaleb(unit - 1))


def unrounded_errors(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the possible errors of numbers that have all their digits.

    Parameters
    ----------
    values : array
        If all of them are float32 numbers, they count as computed in float32.
    """
    finite = values[np.isfinite(values)]
    with np.errstate(over="ignore"):
        single = bool(np.all(finite.astype(np.float32) == finite))
    if values.dtype.name == "float32" or single:
        largest = float(np.max(np.abs(finite), initial=0.0))
        return SINGLE * np.abs(values).astype(np.float64) + SINGLE_OF_LARGEST * largest
    return EXACT * np.abs(values).astype(np.float64)


def from_array(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an array and half a unit of the last digit of each of its entries.

    Parameters
    ----------
    values : array of real numbers

    Raises
    ------
    NotANumberError
        If an entry is not finite.
    """
    wide = values.astype(np.float64)
    if bad := next((v for v in wide.ravel().tolist() if not math.isfinite(v)), None):
        raise NotANumberError(_why_not_a_number(str(bad)))
    if values.dtype.name in ("float32", "float16"):
        return wide, unrounded_errors(wide.astype(np.float32))
    each = [from_float(v) for v in wide.ravel().tolist()]
    if any(number.digits >= FULL for number in each):
        return wide, unrounded_errors(wide)
    half_units = np.array([n.half_unit for n in each])  # each number may have lost final zeros
    return wide, half_units.reshape(wide.shape)
