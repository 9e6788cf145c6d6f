"""A number as it was typed: its value, and half a unit of the last digit that was typed.

Nothing is compared here; how close is close enough follows from these two.
"""

import math
import re
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FULL = 15  # significant digits from which on a number counts as all that a float64 has
FEWEST = 4  # significant digits that a whole number, or a float of a program, counts as
EXACT = 1e-12  # relative: what rounding does to a float64 on the way
SINGLE, SINGLE_OF_LARGEST = 2.4e-6, 2.4e-7  # the same of a float32, and beside larger ones
ZERO = 5e-5  # a 0 counts as 0.0000
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?")


class Typed(NamedTuple):
    """A number, and how far it may be from what was rounded to it.

    Attributes
    ----------
    value, half : float
    digits : int
        The significant digits that were typed.
    """

    value: float
    half: float
    digits: int


class NoNumberError(ValueError):
    """A text that is no number; says why, and the remedy."""


def from_text(text: str, *, comma: bool = False) -> Typed:
    """Return the number of a text, such as ``".1498"``: .1498 ± .00005.

    Parameters
    ----------
    text : str
    comma : bool
        Whether a decimal comma is understood.

    Raises
    ------
    NoNumberError
        If it is none, or not finite.
    """
    plain = text.strip().replace("−", "-")
    if comma and "." not in plain:
        plain = plain.replace(",", ".", 1)
    if not NUMBER.fullmatch(plain):
        raise NoNumberError(_why(text.strip()))
    value = float(plain)
    if not math.isfinite(value):
        raise NoNumberError(f"{text.strip()} is too large for a float64")
    return _measured(value, Decimal(plain), whole=True)


def _why(text: str) -> str:
    """Say why a text is no number."""
    if re.fullmatch(r"[+-]?(nan|inf(inity)?)", text, re.IGNORECASE):
        return f"{text} is no finite number; leave it out, or hand in the program itself"
    if re.fullmatch(r"[+-]?[\d.]*,[\d]+", text):
        return f"{text!r} has a decimal comma; write a point, or separate columns by semicolons"
    if found := NUMBER.match(text):
        return f"{text!r} has more behind the number than {found[0]}; remove it"
    return f"{text[:60]!r} is no number; write it as 0.1498 or 1.498e-1"


def from_float(value: float) -> Typed:
    """Return a float of a program: with few digits it counts as typed, to 4 digits at least.

    Raises
    ------
    NoNumberError
        If it is not finite.
    """
    number = float(value)
    if not math.isfinite(number):
        raise NoNumberError(_why(str(number)))
    return _measured(number, Decimal(repr(number)), whole=False)


def _measured(value: float, typed: Decimal, *, whole: bool) -> Typed:
    """Return a number with the half of its last digit.

    `whole` is whether only whole numbers count as having 4 digits; otherwise all do.
    """
    _, digits, exponent = typed.as_tuple()
    unit, count = int(exponent), len(digits)
    if not value:
        return Typed(value, ZERO if unit >= -1 else _half(unit), 0)
    if count >= FULL:
        return Typed(value, EXACT * abs(value), count)
    least = typed.adjusted() - FEWEST + 1
    if not whole or (unit >= -1 and typed == typed.to_integral_value()):
        unit = min(unit, least)
    return Typed(value, _half(unit), count)


def _half(unit: int) -> float:
    return float(Decimal(5).scaleb(unit - 1))


def full(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the halves of numbers that a program wrote with all their digits.

    Parameters
    ----------
    values : array
        Those that are all exactly float32 numbers count as such.
    """
    given = values[np.isfinite(values)]
    with np.errstate(over="ignore"):
        single = bool(np.all(given.astype(np.float32) == given))
    if values.dtype.name == "float32" or single:
        largest = float(np.max(np.abs(given), initial=0.0))
        return SINGLE * np.abs(values).astype(np.float64) + SINGLE_OF_LARGEST * largest
    return EXACT * np.abs(values).astype(np.float64)


def from_array(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a program's array and its halves, by the digits of each entry.

    Parameters
    ----------
    values : array of real numbers

    Raises
    ------
    NoNumberError
        If an entry is not finite.
    """
    wide = values.astype(np.float64)
    if bad := next((v for v in wide.ravel().tolist() if not math.isfinite(v)), None):
        raise NoNumberError(_why(str(bad)))
    if values.dtype.name in ("float32", "float16"):
        return wide, full(wide.astype(np.float32))
    each = [from_float(v) for v in wide.ravel().tolist()]
    if any(number.digits >= FULL for number in each):
        return wide, full(wide)
    halves = np.array([n.half for n in each])  # each by its own digits: zeros at the end get lost
    return wide, halves.reshape(wide.shape)
