"""Checks of the numbers that descriptions are made of, so that each says the same of the same fault.

Arrays are checked where they come in; here are single numbers only.
"""

import math
from collections.abc import Iterable

import numpy as np

from chainrule.errors import InputError


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
        number = float(value) if isinstance(value, int | float | np.number) else math.nan
        above = number > low or (interval[0] == "[" and number == low)
        below = number < high or (interval[-1] == "]" and number == high)
        if not (above and below):
            kind = type(description).__name__
            raise InputError(f"{kind}({name}={value!r}): must be a number in {interval}")
        object.__setattr__(description, name, number)


def whole(value: object, what: str, low: int = 1) -> int:
    """Return a whole number from `low`, or raise InputError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise InputError(f"{what} = {value!r}: must be a whole number from {low}")
    return int(value)


def whole_fields(description: object, low: int, *names: str) -> None:
    """Make fields of a frozen dataclass Python ints from `low`."""
    for name in names:
        what = f"{type(description).__name__}: {name}"
        object.__setattr__(description, name, whole(getattr(description, name), what, low))


def some_of(choice: bool | tuple[str, ...], names: Iterable[str]) -> None:
    """Raise InputError if a tuple names something that is not among `names`."""
    known = tuple(names)
    wrong = sorted(set(choice) - set(known)) if isinstance(choice, tuple) else []
    if wrong:
        raise InputError(
            f"trainable={choice!r}: {wrong[0]!r} is no parameter of this layer; "
            f"name some of {', '.join(known)}, or give True or False"
        )
