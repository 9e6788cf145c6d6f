"""How numbers are written: results with 9 digits, numbers put in with as many as are needed.

A line of numbers is right when a reader who recomputes it gets the printed result; here that is
tried, and guard digits are added until it holds.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.descriptions import check_int
from chainrule.errors import InputError

EXACT = 17  # significant digits tell every float64 from its neighbors
COMMON = ("exp", "expm1", "log", "log1p", "sqrt", "tanh", "erf", "erfc")


def sgn(x: float) -> float:
    """Return 1, −1 or 0."""
    return float(x > 0) - float(x < 0)


READERS: dict[str, Callable[..., Any]] = {  # what a reader's calculator has
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
        Digits behind the point, instead.

    Raises
    ------
    InputError
        If a count is out of range.
    """

    significant: int = 9
    decimals: int | None = None

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
            return _trim(f"{value:.{self.decimals}f}")
        return write_number(value, self.significant)

    def needed(self, value: float) -> int:
        """Return the significant digits that a result of this size has."""
        if self.decimals is None:
            return self.significant
        size = math.floor(math.log10(abs(value))) + 1 if value and math.isfinite(value) else 0
        return min(max(self.decimals + size, 1), EXACT)


def write_number(value: float, digits: int) -> str:
    """Write a number with so many significant digits, trailing zeros dropped."""
    if isinstance(value, int) or not math.isfinite(value):
        return str(value)
    if value and not 1e-5 <= abs(value) < 1e9:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{_trim(mantissa)}e{int(exponent)}"
    places = digits - 1 - (math.floor(math.log10(abs(value))) if value else 0)
    return _trim(f"{round(value, places):.{max(places, 0)}f}")


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
    """Tell whether a line of numbers, computed as it stands, gives the printed result."""
    try:
        value = eval(text, {"__builtins__": {}}, {**READERS, **functions})  # noqa: S307 (our own line)
    except (ArithmeticError, ValueError):
        return False
    return digits.result(float(value)) == wanted
