"""Checks of the numbers that descriptions are made of: the same words for the same fault.

Arrays are checked where they come in; here are single numbers only.
"""

import math
from collections.abc import Iterable
from types import UnionType
from typing import Any

import numpy as np

from chainrule.errors import InputError

REAL: UnionType = int | float | np.floating | np.integer
WHOLE: UnionType = int | np.integer


def real_fields(description: object, interval: str, *names: str) -> None:
    """Make fields of a frozen dataclass Python floats, and hold them to an interval.

    Parameters
    ----------
    description : dataclass instance
    interval : str
        As mathematicians write it, such as ``"[0, 1)"`` or ``"(0, inf)"``.
    *names : str
        The fields.

    Raises
    ------
    InputError
        If a field is no number of the interval.
    """
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    for name in names:
        value = getattr(description, name)
        real = isinstance(value, REAL)
        number = float(value) if real and not isinstance(value, bool) else math.nan
        above = number > low or (interval[0] == "[" and number == low)
        below = number < high or (interval[-1] == "]" and number == high)
        if not (above and below):
            kind = type(description).__name__
            raise InputError(f"{kind}({name}={value!r}): must be a number in {interval}")
        object.__setattr__(description, name, number)


def whole(value: Any, what: str, low: int = 1) -> int:
    """Return a whole number from `low`, or raise InputError."""
    if isinstance(value, bool) or not isinstance(value, WHOLE) or value < low:
        raise InputError(f"{what} = {value!r}: must be a whole number from {low}")
    return int(value)


def whole_fields(description: object, low: int, *names: str) -> None:
    """Make fields of a frozen dataclass Python ints from `low`."""
    for name in names:
        what = f"{type(description).__name__}: {name}"
        object.__setattr__(description, name, whole(getattr(description, name), what, low))


def of_kind(value: Any, kinds: type | UnionType, what: str, remedy: str) -> None:
    """Raise InputError if a value is not of the right class."""
    if not isinstance(value, kinds):
        raise InputError(f"{what}={value!r}: {remedy}")


def some_of(names: Iterable[str], *, trainable: bool | tuple[str, ...]) -> None:
    """Raise InputError if `trainable` is no bool, and no tuple of some of `names`."""
    of_kind(trainable, bool | tuple, "trainable", "give True, False or a tuple such as ('W',)")
    known = tuple(names)
    wrong = sorted(set(trainable) - set(known)) if isinstance(trainable, tuple) else []
    if wrong:
        raise InputError(
            f"trainable={trainable!r}: {wrong[0]!r} is no parameter of this layer; "
            f"name some of {', '.join(known)}, or give True or False"
        )
