"""What a learner's value is: an array, a container, a number, dice.

Only the kind of a value is told here, never what it stands for.
"""

import random
from typing import Any, TypeGuard

import numpy as np

from chainrule.submission.questions import Array

LARGE_ARRAY, LARGE_LIST = 100_000, 10_000  # what is larger is no parameter and no state


def is_array(value: Any) -> TypeGuard[Array]:
    """Return whether `value` is a NumPy array."""
    return isinstance(value, np.ndarray)


def is_sequence(value: Any) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Return whether `value` is a list or a tuple."""
    return isinstance(value, (list, tuple))


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Return whether `value` is a list."""
    return isinstance(value, list)


def is_tuple(value: Any) -> TypeGuard[tuple[Any, ...]]:
    """Return whether `value` is a tuple."""
    return isinstance(value, tuple)


def is_dict(value: Any) -> TypeGuard[dict[Any, Any]]:
    """Return whether `value` is a dictionary."""
    return isinstance(value, dict)


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether `value` is one number, Python's or NumPy's, and no truth value."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def is_whole(value: Any) -> TypeGuard[int]:
    """Return whether `value` is a whole number above 1: of rounds, or of samples."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 1


def is_dice(value: Any) -> bool:
    """Return whether `value` is a generator of random numbers."""
    return isinstance(value, (random.Random, np.random.Generator, np.random.RandomState))


def is_data(value: Any) -> bool:
    """Return whether `value` is plain data that a call may change."""
    if is_array(value):
        return value.size < LARGE_ARRAY
    if is_list(value) or is_dict(value) or isinstance(value, set):
        return len(value) < LARGE_LIST  # pyright: ignore[reportUnknownArgumentType]
    return value is None or isinstance(value, (bool, int, float))
