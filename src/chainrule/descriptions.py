"""Descriptions: the base class of layers, losses, optimizers and the like, and its checks.

A description is a frozen dataclass without arrays, whose numbers are checked when it is created.
Arrays are checked by the functions that take them.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, overload

import numpy as np

from chainrule.errors import InputError
from chainrule.names import canonical, unknown_name

Real: TypeAlias = Annotated[float, "(-inf, inf)"]
Positive: TypeAlias = Annotated[float, "(0, inf)"]
NonNegative: TypeAlias = Annotated[float, "[0, inf)"]
Share: TypeAlias = Annotated[float, "[0, 1)"]
Fraction: TypeAlias = Annotated[float, "(0, 1]"]
Count: TypeAlias = Annotated[int, 1]  # an integer of at least 1

T = TypeVar("T")
G = TypeVar("G")
NUMBER: UnionType = int | float | np.floating | np.integer
INTEGER: UnionType = int | np.integer


class Description:
    """A frozen dataclass whose numbers must lie in the intervals of their annotations."""

    def __init_subclass__(cls) -> None:
        # Description -> a base class such as Activation -> its subclasses, which are final.
        if Description in cls.__mro__[3:]:
            raise TypeError(f"{cls.__mro__[1].__name__} is final: wrap it, do not subclass it")

    def __post_init__(self) -> None:
        for field in fields(self):  # pyright: ignore[reportArgumentType] (subclasses are dataclasses)
            for limit in getattr(field.type, "__metadata__", ()):
                self._validate(field.name, limit)

    def _validate(self, name: str, limit: Any) -> None:
        """Convert a field to a float in an interval, or to an int of at least `limit`."""
        value, kind = getattr(self, name), type(self).__name__
        if isinstance(limit, str):
            checked = check_float(value, f"{kind}({name}={value!r})", limit)
        else:
            checked = check_int(value, f"{kind}: {name}", limit)
        object.__setattr__(self, name, checked)  # the dataclass is frozen

    @cached_property
    def numbers(self) -> dict[str, float]:
        """The fields that are floats, by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, float)}


class Converted(Generic[G, T]):
    """A dataclass field that stores a T and accepts whatever `convert` makes one of.

    ``activation: Converted[str | Activation, Activation] = Converted(activation)`` accepts a name
    and stores the activation, so that reading the field needs no look-up and no cast.

    Parameters
    ----------
    convert : callable
        Returns the stored value; raises what a wrong value deserves.
    default : T, optional
        Without one, the field is required.
    """

    def __init__(self, convert: Callable[[G], T], *default: T) -> None:
        self.convert, self.default = convert, default

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> T: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> T:
        if instance is not None:
            return instance.__dict__[self.name]
        if not self.default:  # how a dataclass learns that a field is required
            raise AttributeError(self.name)
        return self.default[0]

    def __set__(self, instance: object, value: G) -> None:
        instance.__dict__[self.name] = self.convert(value)


def check_float(value: Any, what: str, interval: str) -> float:
    """Return a float in an interval such as ``"[0, 1)"``, or raise InputError."""
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    fits = isinstance(value, NUMBER) and not isinstance(value, bool)
    number = float(value) if fits else math.nan
    above = number > low or (interval[0] == "[" and number == low)  # False for NaN
    below = number < high or (interval[-1] == "]" and number == high)
    if not (above and below):
        raise InputError(f"{what}: must be a number in {interval}")
    return number


def check_int(value: Any, what: str, low: int = 1) -> int:
    """Return an int of at least `low`, or raise InputError."""
    if isinstance(value, bool) or not isinstance(value, INTEGER) or value < low:
        raise InputError(f"{what} = {value!r}: must be an integer of at least {low}")
    return int(value)


def check_type(value: Any, kinds: type | UnionType, what: str, remedy: str) -> None:
    """Raise InputError unless a value is an instance of `kinds`."""
    if not isinstance(value, kinds):
        raise InputError(f"{what}={value!r}: {remedy}")


def check_subset(names: Iterable[str], *, trainable: bool | tuple[str, ...]) -> None:
    """Raise InputError unless `trainable` is a bool or a tuple of some of `names`."""
    check_type(trainable, bool | tuple, "trainable", "give True, False or a tuple such as ('W',)")
    known = tuple(names)
    wrong = sorted(set(trainable) - set(known)) if isinstance(trainable, tuple) else []
    if wrong:
        raise InputError(
            f"trainable={trainable!r}: this layer has no parameter {wrong[0]!r}; "
            f"name some of {', '.join(known)}, or give True or False"
        )


def lookup(choice: T | str, kind: type[Any] | UnionType, table: Mapping[str, T], what: str) -> T:
    """Return the description with a name or alias, or the argument itself if it is one.

    Raises
    ------
    UnknownNameError
        If the table has no such name.
    """
    if isinstance(choice, str):
        return table[canonical(what, choice, table)]
    if not isinstance(choice, kind):
        raise unknown_name(what, choice, table)
    return choice


def registered(classes: Iterable[type[T]], names: Iterable[str]) -> dict[str, T]:
    """Return the default of each class whose ``name`` is among `names`, by name, in their order.

    The tables in names.py decide what is registered: a class with a ``name`` needs one entry there.

    Raises
    ------
    TypeError
        If a name has no class.
    """
    by_name: dict[str, Any] = {vars(one).get("name", ""): one for one in classes}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise TypeError(f"names.py lists {missing[0]!r}, but no class has that name; write it")
    return {name: by_name[name]() for name in names}
