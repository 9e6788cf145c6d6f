"""The arrays in a value, and which gradient belongs to which parameter."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.submission.attempts import is_own_class
from chainrule.submission.values import is_dict, is_list, is_number, is_sequence

Array: TypeAlias = NDArray[Any]
DEEPEST = 4
SHIFT = 0.013
INSIDE = re.compile(r"^\w+")  # the name of the variable before an index
MARKS = re.compile(
    r"^(d|g|grads?|gradients?|delta|nabla|del|db?l?_?d)_?(?=\w)|_?(grads?|gradients?|delta)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Leaf:
    """An array or a number in a value.

    Parameters
    ----------
    text : str
        Where it is, as Python, such as ``params["W1"]``.
    name : str
        Its own name: the last key or attribute, or that of the variable.
    array : array
    is_list : bool
        Whether it consists of lists.
    """

    text: str
    name: str
    array: Array
    is_list: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.array.shape

    @property
    def shifted(self) -> str:
        """A line that moves it, to see what depends on it."""
        if self.is_list:
            return f"{self.text} = (np.array({self.text}) + {SHIFT}).tolist()"
        return shifted(self.text) if self.array.ndim else f"{self.text} += {SHIFT}"


def shifted(text: str) -> str:
    """Return a line that moves each number of an array by another amount.

    Equal amounts would have no effect before a softmax.
    """
    return f"{text}[...] += {SHIFT} * np.cos(np.arange({text}.size)).reshape({text}.shape)"


def leaves(value: Any, text: str, name: str = "", depth: int = 0) -> Iterator[Leaf]:
    """Yield the arrays of floating-point numbers in a value.

    Parameters
    ----------
    value : object
    text : str
        Where it is, as Python.
    name : str
        By default the text.
    """
    name = name or text
    if depth > DEEPEST or isinstance(value, (str, bool)):
        return
    numbers = _numbers(value)
    if numbers is not None:
        yield Leaf(text, name, numbers, is_list=is_list(value))
        return
    for inner, own, item in _items(value, text, name):
        yield from leaves(item, inner, own, depth + 1)


def _numbers(value: Any) -> Array | None:
    """Return an array, a number or lists of numbers as an array, or None."""
    if isinstance(value, np.ndarray):
        return np.array(value) if value.dtype.kind == "f" and value.size else None
    if is_number(value):
        return np.array(float(value))
    return _nested(value) if is_list(value) else None


def _items(value: Any, text: str, name: str) -> Iterator[tuple[str, str, Any]]:
    """Yield where the items of a container or object are, their names, and the items."""
    if is_dict(value):
        yield from ((f"{text}[{key!r}]", str(key), item) for key, item in value.items())
    elif is_sequence(value):
        yield from ((f"{text}[{i}]", f"{name}{i}", item) for i, item in enumerate(value))
    elif is_own_class(type(value)) and hasattr(value, "__dict__"):
        yield from ((f"{text}.{key}", key, item) for key, item in vars(value).items())


def _nested(value: Any) -> Array | None:
    """Return lists of numbers as an array, or None."""
    if any(isinstance(item, np.ndarray) for item in value):
        return None
    try:
        found = np.array(value)
    except (ValueError, TypeError):
        return None
    return found.astype(float) if found.dtype.kind == "f" and found.size else None


def as_numbers(value: Any) -> Array | None:
    """Return an array, a number, or lists of numbers as an array."""
    found = next(leaves(value, "value"), None)
    return found.array if found is not None and found.text == "value" else None


def arrays(value: Any, text: str) -> list[Leaf]:
    """Return the arrays in a value that have several numbers, or an axis."""
    return [leaf for leaf in leaves(value, text) if leaf.array.ndim]


def plain(name: str) -> str:
    """Return the name of the parameter to which a gradient of some name belongs."""
    return MARKS.sub("", name).replace("_", "")


def matched(params: Sequence[Leaf], grads: Sequence[Leaf]) -> list[tuple[Leaf, Leaf]]:
    """Return each parameter with its gradient: by name, else by shape, else by order.

    Parameters
    ----------
    params, grads : sequence of Leaf

    Returns
    -------
    list of tuple of Leaf
        Empty if they cannot be matched.
    """
    for way in (_by_path, _by_name, _by_shape, _in_order):
        if found := way(params, grads):
            return found
    return []


def _by_path(params: Sequence[Leaf], grads: Sequence[Leaf]) -> list[tuple[Leaf, Leaf]]:
    """Match arrays that are at the same place in containers."""
    by_path = {path: g for g in grads if (path := INSIDE.sub("", g.text))}
    found = [(p, by_path[path]) for p in params if (path := INSIDE.sub("", p.text)) in by_path]
    alike = sum(p.shape == g.shape for p, g in found)
    return found if len(found) == len(params) and 2 * alike >= len(params) else []


def _by_name(params: Sequence[Leaf], grads: Sequence[Leaf]) -> list[tuple[Leaf, Leaf]]:
    marked = [g for g in grads if MARKS.search(g.name)] or list(grads)
    for case in (str, str.lower):
        names = {case(plain(g.name)): g for g in marked}
        keys = [case(p.name.replace("_", "")) for p in params]
        if len(set(keys)) == len(keys) and all(key in names for key in keys):
            return [(p, names[key]) for p, key in zip(params, keys, strict=True)]
    return []


def _by_shape(params: Sequence[Leaf], grads: Sequence[Leaf]) -> list[tuple[Leaf, Leaf]]:
    found: list[tuple[Leaf, Leaf]] = []
    for p in params:
        alike = [g for g in grads if g.shape == p.shape]
        twins = [q for q in params if q.shape == p.shape]
        if len(alike) != 1 or len(twins) != 1:
            return []
        found.append((p, alike[0]))
    return found


def _in_order(params: Sequence[Leaf], grads: Sequence[Leaf]) -> list[tuple[Leaf, Leaf]]:
    if len(grads) < len(params):
        return []
    options = [grads[: len(params)], grads[-len(params) :], grads[::-1][: len(params)]]
    found = [list(zip(params, option, strict=True)) for option in options]
    best = max(found, key=fitting)
    enough = len(params) if len(grads) > len(params) else (len(params) + 1) // 2
    return best if fitting(best) >= enough else []


def fitting(pairs: Sequence[tuple[Leaf, Leaf]]) -> int:
    """Return how many gradients have the shape of their parameter."""
    return sum(p.shape == g.shape for p, g in pairs)
