"""How numbers are written: results rounded, substituted numbers with as many digits as needed.

Halves are rounded as at school, away from zero, after float64's noise is removed: the number
0.39249999999999996, which every calculator shows as 0.3925, is 0.393 with three digits. A line of
numbers gets as many digits as a reader needs to recompute the printed result from it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any

from chainrule.descriptions import check_int
from chainrule.errors import InputError

EXACT = 17  # significant digits distinguish every float64 from its neighbors
CLEAN = 15  # significant digits of a decimal survive a conversion to float64 and back
WIDE = Context(prec=400)  # room for every float64 with decimal places
COMMON = ("exp", "expm1", "log", "log1p", "sqrt", "tanh", "erf", "erfc")


def sgn(x: float) -> float:
    """Return 1, −1 or 0."""
    return float(x > 0) - float(x < 0)


READERS: dict[str, Callable[..., Any]] = {  # the functions of a reader's calculator
    "abs": abs,
    "sgn": sgn,
    "max": max,
    **{name: getattr(math, name) for name in COMMON},
}


@dataclass(frozen=True)
class Digits:
    """How many digits a result has.

    Parameters
    ----------
    significant : int, default 9
        Significant digits.
    decimals : int, optional
        Decimal places instead.
    padded : bool, default False
        Whether decimal places keep their trailing zeros.

    Raises
    ------
    InputError
        If a count is out of range.
    """

    significant: int = 9
    decimals: int | None = None
    padded: bool = False

    def __post_init__(self) -> None:
        check_int(self.significant, "digits", 0)
        check_int(0 if self.decimals is None else self.decimals, "decimals", 0)
        if not 1 <= self.significant <= EXACT:
            raise InputError(f"digits={self.significant}: must be from 1 to {EXACT}")
        if self.decimals is not None and not 0 <= self.decimals <= EXACT:
            raise InputError(f"decimals={self.decimals}: must be from 0 to {EXACT}")

    def result(self, value: float) -> str:
        """Write a result."""
        if self.decimals is not None and math.isfinite(value):
            text = f"{_rounded(value, -self.decimals):.{self.decimals}f}"
            return _unsigned_zero(text) if self.padded else _trim(text)
        return write_number(value, self.significant)

    def needed(self, value: float) -> int:
        """Return the significant digits that a result of this size has."""
        if self.decimals is None:
            return self.significant
        size = math.floor(math.log10(abs(value))) + 1 if value and math.isfinite(value) else 0
        return min(max(self.decimals + size, 1), EXACT)


@lru_cache(maxsize=2**16)  # the same number occurs in many lines
def write_number(value: float, digits: int) -> str:
    """Return a number with a count of significant digits, without trailing zeros."""
    if isinstance(value, int) or not math.isfinite(value):
        return str(value)
    if not value:
        return "0"
    rounded = _rounded(value, _clean(value).adjusted() - digits + 1)
    if 1e-5 <= abs(value) < 1e9:
        return _trim(f"{rounded:f}")
    mantissa, exponent = f"{rounded:.{digits - 1}e}".split("e")
    return f"{_trim(mantissa)}e{int(exponent)}"


def _clean(value: float) -> Decimal:
    """Return a number without the digits that come from rounding in float64."""
    return Decimal(f"{value:.{CLEAN - 1}e}")


def _rounded(value: float, place: int) -> Decimal:
    """Return a number rounded to a power of ten, halves away from zero."""
    unit, clean = Decimal(1).scaleb(place), _clean(value)
    if clean.adjusted() - place >= CLEAN:  # more digits than are clean: those of the float64
        return Decimal(value).quantize(unit, context=WIDE)
    return clean.quantize(unit, ROUND_HALF_UP, WIDE)


def _unsigned_zero(text: str) -> str:
    return text.removeprefix("-") if not float(text) else text


def _trim(text: str) -> str:
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def choose_digits(
    line: Callable[[int], str], value: float, digits: Digits, functions: Mapping[str, Any]
) -> tuple[int, bool]:
    """Return how many digits to put into a line, so that it recomputes to the result.

    Parameters
    ----------
    line : callable
        The line for a number of significant digits.
    value : float
        The result.
    digits : Digits
    functions : mapping of str to callable
        Those that a reader needs beyond `READERS`.

    Returns
    -------
    (int, bool)
        Significant digits, and whether the line then recomputes; if not, it carries all.
    """
    wanted = digits.result(value)
    first = digits.needed(value) + 2
    for count in range(min(first, EXACT), EXACT + 1):
        if recomputes(line(count), wanted, digits, functions):
            return count, True
    return EXACT, False


def recomputes(text: str, wanted: str, digits: Digits, functions: Mapping[str, Any]) -> bool:
    """Return whether a line of numbers, computed as printed, gives the printed result."""
    try:
        value = eval(text, {"__builtins__": {}}, {**READERS, **functions})  # noqa: S307 (our own line)
    except (ArithmeticError, ValueError):
        return False
    return digits.result(float(value)) == wanted
