"""Look into what a submission returns: arrays, and lists, dictionaries or objects of arrays."""

import contextlib
import re
from typing import Any

import numpy as np

from chainrule.submission.questions import Array
from chainrule.submission.values import is_array, is_dict, is_sequence


def as_numeric_array(node: Any) -> Array | None:
    """Return `node` as an array if it consists of numbers only, else None."""
    if is_array(node) and node.dtype.kind in "fiu":
        return node if type(node) is np.ndarray else np.asarray(node)  # such as np.matrix
    if isinstance(node, (bool, np.bool_, str, bytes)) or node is None:
        return None
    if isinstance(node, (int, float, np.number)):
        return np.asarray(node)
    if is_sequence(node) or is_array(node):
        return _from_nested(node)
    return None


def _from_nested(node: Any) -> Array | None:
    """Return nested lists as an array, or None if they are ragged or hold anything but numbers."""
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        array = np.asarray(node)
        if array.dtype == object and array.size:
            array = np.asarray(array.tolist(), dtype=float)
        if array.dtype.kind in "fiu" and array.size:
            return array
    return None


def children(node: Any) -> list[Any] | None:
    """Return the parts of a container in order, or None if `node` is not a container.

    A dictionary's values are ordered by the numbers in its keys.
    """
    if is_dict(node):
        return [node[key] for key in sorted(node, key=_number_in_key)]
    if is_sequence(node):
        return [part for part in node if part is not None]
    if is_array(node) and (node.ndim > 1 or node.dtype == object):
        return list(node)
    if hasattr(node, "__dict__") and not callable(node) and not is_array(node):
        return list(vars(node).values())
    return None


def _number_in_key(key: Any) -> float:
    """Return the number in a key such as ``"W2"``, or 0 if there is none."""
    if isinstance(key, (int, float)):
        return key
    found = re.findall(r"\d+", str(key))
    return int(found[-1]) if found else 0


def can_hold_arrays(node: Any) -> bool:
    """Return whether `node` is a list, tuple, dictionary or array of objects."""
    return is_sequence(node) or is_dict(node) or (is_array(node) and node.dtype == object)


def without(parts: list[Any], *positions: int) -> list[Any]:
    """Return `parts` without those at some positions."""
    return [part for i, part in enumerate(parts) if i not in positions]
