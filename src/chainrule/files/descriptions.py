"""Layers, losses, optimizers, states and other records as plain dictionaries, and back.

Pickled estimators and model files both contain these dictionaries. What comes from a file is
checked against the annotations of the type, field by field.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import numpy as np

from chainrule.descriptions import Converted, Description
from chainrule.errors import DamagedFileError
from chainrule.files.values import TYPE, shown
from chainrule.lbfgs_search import CurvatureMemory
from chainrule.loops import State
from chainrule.network import Network

Types: TypeAlias = Mapping[str, type[Any]]  # by name

RECORDS = (CurvatureMemory, Network, State)
NUMBERS: dict[Any, tuple[type, ...]] = {
    bool: (bool, np.bool_),
    int: (int, np.integer),
    float: (int, float, np.integer, np.floating),
}  # what a field with such an annotation may contain; bool is excluded from int and float below


def engine_types() -> dict[str, type[Any]]:
    """Return the engine's types that are saved as dictionaries, by name."""
    described = {cls.__name__: cls for cls in _subclasses(Description) if _is_ours(cls)}
    return {**described, **{cls.__name__: cls for cls in RECORDS}}


def _subclasses(cls: type) -> Iterator[type]:
    for child in cls.__subclasses__():
        yield child
        yield from _subclasses(child)


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith("chainrule.")


def to_plain(value: Any, types: Types) -> Any:
    """Return a value in which objects of `types` are dictionaries; other objects are kept."""
    cls = type(value)
    if cls in (list, tuple):
        return cls(to_plain(item, types) for item in value)
    if cls is dict:
        return {key: to_plain(item, types) for key, item in value.items()}
    if types.get(cls.__name__) is not cls:
        return value
    named = {name: to_plain(getattr(value, name), types) for name in field_names(cls)}
    return {TYPE: cls.__name__, **named}


def from_plain(value: Any, types: Types, *, check: bool = False) -> Any:
    """Return a value with objects of `types` in the place of dictionaries.

    Parameters
    ----------
    value : object
        As `to_plain` returned it.
    types : mapping of str to type
    check : bool, default False
        Whether the fields of each object are compared with the annotations of its type.

    Raises
    ------
    DamagedFileError
        If an object has other fields, or one of them has a wrong type.
    """
    cls = type(value)
    if cls in (list, tuple):
        return cls(from_plain(item, types, check=check) for item in value)
    if cls is not dict:
        return value
    read = {key: from_plain(item, types, check=check) for key, item in value.items()}
    if TYPE not in read:
        return read
    name = read.pop(TYPE)
    if check:
        _check_fields(name, read, types)
    return types[name](**read)


def _check_fields(name: str, given: Mapping[str, Any], types: Types) -> None:
    """Raise DamagedFileError unless these are the fields of a type, with values of their types."""
    if name not in types:
        raise DamagedFileError(f"{shown(name)} is not a type that a file may contain")
    hints = field_types(types[name])
    if given.keys() != hints.keys():
        wrong = sorted(given.keys() ^ hints.keys())
        raise DamagedFileError(f"{name} has the fields {', '.join(hints)}; check {shown(wrong)}")
    for field, hint in hints.items():
        if not conforms(given[field], hint):
            raise DamagedFileError(f"{name}.{field} is {shown(given[field])}, of a wrong type")


def field_names(cls: type) -> tuple[str, ...]:
    """Return the names of the arguments that make an object, which are its attributes, too."""
    if is_dataclass(cls):
        return tuple(field.name for field in fields(cls) if field.init)
    own: Any = cls  # a named tuple, or a class that lists them in the same way
    return own._fields


@cache
def field_types(cls: type) -> dict[str, Any]:
    """Return the annotation of each field of a type."""
    hints = get_type_hints(cls)
    return {name: hints[name] for name in field_names(cls)}


def conforms(value: Any, hint: Any) -> bool:
    """Return whether a value is of an annotated type, including what a container contains."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Converted:  # accepts more than it stores
        return conforms(value, args[1])
    if origin in (Union, UnionType):
        return any(conforms(value, arg) for arg in args)
    if origin is Literal:
        return type(value) is str and value in args
    if origin is Callable:
        return callable(value)
    if origin in _CONTAINERS:
        return type(value) is origin and _all_conform(value, args)
    return _is_of(value, NoneType if hint is None else origin or hint)


_CONTAINERS = (list, tuple, dict)


def _all_conform(value: Any, args: tuple[Any, ...]) -> bool:
    """Return whether the entries of a container are of its types."""
    if isinstance(value, dict):
        return all(conforms(k, args[0]) and conforms(v, args[1]) for k, v in value.items())
    if isinstance(value, tuple) and args[-1] is not ...:
        return len(value) == len(args) and all(map(conforms, value, args))
    return all(conforms(one, args[0]) for one in value)


def _is_of(value: Any, kind: type) -> bool:
    """Return whether a value is an instance of a class; True is not a number."""
    if kind in (int, float) and isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, NUMBERS.get(kind, kind))
