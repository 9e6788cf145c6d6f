"""Nested values that a learner's function takes or returns, as a list of arrays with names."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


class Leaf(NamedTuple):
    """An array in a nested value.

    Attributes
    ----------
    path : tuple
        The keys and indices that lead to it.
    name : str
        Its last key, or the name of the whole value.
    array : array or None
    """

    path: tuple[Any, ...]
    name: str
    array: Array | None


def leaves(value: Any, name: str, path: tuple[Any, ...] = ()) -> Iterator[Leaf]:
    """Yield the arrays and numbers in a nested value, and None where it is None."""
    if isinstance(value, Mapping):
        for key, part in cast("Mapping[Any, Any]", value).items():
            yield from leaves(part, str(key), (*path, key))
    elif isinstance(value, tuple | list) and not _is_numeric(cast("list[Any]", value)):
        for index, part in enumerate(cast("list[Any]", value)):
            yield from leaves(part, f"{name}[{index}]", (*path, index))
    elif value is None:
        yield Leaf(path, name, None)
    elif (array := as_array(value)) is not None:
        yield Leaf(path, name, array)


def _is_numeric(value: list[Any] | tuple[Any, ...]) -> bool:
    """Return whether a list holds the numbers of one array, as lists of lists do."""
    if not isinstance(value, list):
        return False
    array = as_array(value)
    return array is not None and not any(isinstance(part, np.ndarray) for part in value)


def as_array(value: Any) -> Array | None:
    """Return numbers as an array, or None if they are something else."""
    if isinstance(value, str | bytes | type) or callable(value):
        return None
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        return None
    return array if array.dtype.kind in "fciub" else None


def replaced(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """Return a copy of a nested value with the part at a path changed."""
    if not path:
        return change(value)
    key, rest = path[0], path[1:]
    if isinstance(value, tuple):
        parts = list(cast("tuple[Any, ...]", value))
        parts[key] = replaced(parts[key], rest, change)
        return tuple(parts)
    new: Any = copy.copy(value)
    new[key] = replaced(value[key], rest, change)
    return new
