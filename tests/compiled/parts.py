"""Functions that only compiled code can call, made callable from Python."""

from collections.abc import Callable
from typing import Any

import numba

from chainrule.compiled.cache import libraries

for product in libraries.PRODUCTS:  # parts call the BLAS by name
    libraries.provide(product)


def from_python(part: Any) -> Callable[..., Any]:
    """Return a Python function that calls a part of compiled code."""
    compile_: Any = numba.njit(error_model="numpy")
    return compile_(lambda *given: part(*given))  # noqa: PLW0108 (the call is what is compiled)
