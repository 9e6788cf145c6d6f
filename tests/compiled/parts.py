"""Functions that only compiled code can call, made callable from Python."""

from collections.abc import Callable
from typing import Any

import numba


def from_python(part: Any) -> Callable[..., Any]:
    """Return a Python function that calls a part of compiled code."""
    compile_: Any = numba.njit(error_model="numpy")
    return compile_(lambda *given: part(*given))  # noqa: PLW0108 (the call is what is compiled)
