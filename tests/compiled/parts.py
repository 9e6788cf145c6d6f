"""Parts of compiled code, as Python can call them; they have no entry of their own."""

from collections.abc import Callable
from typing import Any

import numba


def from_python(part: Any) -> Callable[..., Any]:
    """Return a function that calls a part."""
    compile_: Any = numba.njit(error_model="numpy")
    return compile_(lambda *given: part(*given))  # noqa: PLW0108 (the call is what is compiled)
