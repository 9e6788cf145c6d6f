"""Recognize values in a learner's program: arrays, containers, numbers and random generators."""

import random
from typing import Any, TypeGuard

import numpy as np

from chainrule.submission.questions import Array

# Larger ones are data sets, which are neither parameters nor state; copying them would be slow.
LARGE_ARRAY, LARGE_LIST = 100_000, 10_000


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
    """Return whether `value` is a single number of Python or NumPy, but not a bool."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def is_count(value: Any) -> TypeGuard[int]:
    """Return whether `value` is an integer above 1, such as a number of epochs or a batch size."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 1


def is_random_generator(value: Any) -> bool:
    """Return whether `value` is a random number generator of Python or NumPy."""
    return isinstance(value, (random.Random, np.random.Generator, np.random.RandomState))


def is_data(value: Any) -> bool:
    """Return whether `value` is data that a call may modify, and small enough to be copied."""
    if is_array(value):
        return value.size < LARGE_ARRAY
    if is_list(value) or is_dict(value) or isinstance(value, set):
        return len(value) < LARGE_LIST  # pyright: ignore[reportUnknownArgumentType]
    return value is None or isinstance(value, (bool, int, float))
