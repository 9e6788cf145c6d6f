"""Walk through what a learner's object holds, and read and write values inside it."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from chainrule.submission.attempts import is_own_class, is_own_object
from chainrule.submission.questions import Array
from chainrule.submission.values import (
    is_array,
    is_data,
    is_dict,
    is_list,
    is_sequence,
    is_tuple,
)

Step: TypeAlias = tuple[str, Any]  # ("attr", name) or ("item", key)
ObjectPath: TypeAlias = tuple[Step, ...]
DEEPEST = 7  # steps of a path
MOST_NODES = 4000
LONGEST_LIST = 512  # longer lists hold data


@dataclass(frozen=True, eq=False)
class Node:
    """A value inside an object, and the path to it."""

    path: ObjectPath
    value: Any

    @property
    def family(self) -> str:
        """The path without numbers: arrays with the same family belong together."""
        return "".join(_without_number(step) for step in self.path)

    @property
    def exact(self) -> str:
        """The path without list indices, but with the numbers in names."""
        return "".join("[]" if _is_number(k) else f".{k}" for _, k in self.path)

    @property
    def tail(self) -> str:
        """The last name on the path, without numbers."""
        names = [_without_number(step) for step in self.path if not _is_number(step[1])]
        indices = "[]" * (len(self.path) - _position_of_last_name(self.path) - 1)
        return (names[-1] if names else "") + indices


def _position_of_last_name(path: ObjectPath) -> int:
    return max((i for i, step in enumerate(path) if not _is_number(step[1])), default=-1)


def _is_number(key: Any) -> bool:
    return isinstance(key, int) and not isinstance(key, bool)


def _without_number(step: Step) -> str:
    """Return a step of a path without its index or the numbers in its name."""
    return "[]" if _is_number(step[1]) else "." + re.sub(r"\d+", "", str(step[1])).casefold()


# --- Walking -------------------------------------------------------------------------------------


def walk(root: Any) -> list[Node]:
    """Return everything that `root` holds, in the order of definition and each value once.

    Parameters
    ----------
    root : object

    Returns
    -------
    list of Node
    """
    return list(itertools.islice(_walk(root, (), {id(root)}), MOST_NODES))


def _walk(value: Any, path: ObjectPath, seen: set[int]) -> Iterator[Node]:
    """Yield the parts of `value` that were not seen yet, and their parts."""
    if len(path) >= DEEPEST:
        return
    for step, part in _parts(value):
        if id(part) in seen and not isinstance(part, (int, float)):
            continue
        if not isinstance(part, (int, float, str, bytes, type(None))):
            seen.add(id(part))
        yield Node((*path, step), part)
        if not is_array(part) or part.dtype == object:
            yield from _walk(part, (*path, step), seen)


def _parts(value: Any) -> list[tuple[Step, Any]]:
    """Return what a container or a learner's object holds, with the steps of its path."""
    if is_dict(value):
        return [(("item", k), v) for k, v in value.items() if isinstance(k, (int, str))]
    if is_sequence(value) or (is_array(value) and value.dtype == object):
        return _items(list(value))
    is_function = callable(value) and not hasattr(value, "__dict__")
    if isinstance(value, type) or not is_own_object(value) or is_function:
        return []
    return [(("attr", name), part) for name, part in attributes(value).items()]


def _items(values: list[Any]) -> list[tuple[Step, Any]]:
    """Return the items of a list; none of a list of numbers, which is an array itself."""
    if all(isinstance(v, (int, float, np.number)) for v in values) or len(values) > LONGEST_LIST:
        return []
    return [(("item", i), v) for i, v in enumerate(values)]


def attributes(thing: Any) -> dict[str, Any]:
    """Return the attributes of an object, including data attributes of its class."""
    found: dict[str, Any] = {}
    for cls in reversed(type(thing).__mro__):
        if is_own_class(cls):
            shared = {k: v for k, v in vars(cls).items() if not k.startswith("__")}
            found.update({k: v for k, v in shared.items() if is_data(v) and v is not None})
            slots = [s for s in _slots(cls) if hasattr(thing, s)]
            found.update({s: getattr(thing, s) for s in slots})
    found.update(getattr(thing, "__dict__", {}))
    return found


def _slots(cls: type) -> list[str]:
    slots: Any = vars(cls).get("__slots__", ())
    return [slots] if isinstance(slots, str) else list(slots)


# --- Reading and writing -------------------------------------------------------------------------


def get_value(root: Any, path: ObjectPath) -> Any:
    """Return the value at `path`."""
    for kind, key in path:
        root = getattr(root, key) if kind == "attr" else root[key]
    return root


def set_value(root: Any, path: ObjectPath, array: Array) -> None:
    """Write numbers at `path`, in place if possible, so that other references see them."""
    old = get_value(root, path)
    if not _fill(old, array):
        _replace(root, path, _convert_like(old, array))


def _replace(root: Any, path: ObjectPath, value: Any) -> None:
    """Replace the value at `path`; tuples on the way are replaced too."""
    owner, (kind, key) = get_value(root, path[:-1]), path[-1]
    if kind == "attr":
        setattr(owner, key, value)
    elif is_tuple(owner):
        parts = list(owner)
        _replace(root, path[:-1], (*parts[:key], value, *parts[key + 1 :]))
    else:
        owner[key] = value


def _fill(old: Any, array: Array) -> bool:
    """Fill an array or nested lists in place; return whether that was possible."""
    if is_array(old) and old.dtype.kind == "f" and old.shape == array.shape and old.ndim:
        if not old.flags.writeable:
            return False
        old[...] = array
        return True
    if not is_list(old) or array.ndim == 0 or len(old) != len(array):
        return False
    for i, part in enumerate(array):
        if not _fill(old[i], part):
            old[i] = _convert_like(old[i], part)
    return True


def _convert_like(old: Any, array: Array) -> Any:
    """Return numbers in the same type of container as `old`."""
    if is_array(old):
        return np.array(array, dtype=old.dtype if old.dtype.kind == "f" else float)
    if is_tuple(old):
        return tuple(_convert_like(o, a) for o, a in zip(old, array, strict=True))
    if array.ndim:
        return array.tolist()
    return float(array) if isinstance(old, (float, int)) else type(old)(array)
