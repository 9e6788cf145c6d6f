"""The formats in which a TableModel is handed on, by the ending of the file."""

from collections.abc import Callable
from typing import Any, TypeAlias

from chainrule.data import Preparation
from chainrule.models.numpy_program import numpy_program

Exporter: TypeAlias = Callable[[Preparation, Any, str], bytes]


def as_numpy(preparation: Preparation, estimator: Any, name: str) -> bytes:
    """Return the NumPy program of a model."""
    return numpy_program(preparation, estimator, name).encode()


# What writes a model, by the ending of the file. Packages above this one may add more.
EXPORTS: dict[str, Exporter] = {".py": as_numpy}
