"""Compiled elementwise kernels: the loops of activations, losses and optimizer rules, by address.

The larger kernels are compiled once for each precision and call these by address, so that a new
activation compiles in a moment. Numba is imported only to compile a loop (``loops``) that is not
in the cache, and to translate a user's own functions.
"""

import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from chainrule.activations import Activation
from chainrule.compiled.cache import sources
from chainrule.compiled.cache.import_lock import IMPORT_LOCK, uninterrupted
from chainrule.compiled.cache.object_cache import Built, Loaded, compiled
from chainrule.compiled.codegen.links import LINKS
from chainrule.errors import InputError
from chainrule.losses import CustomLoss, Loss, SoftmaxCrossEntropy, SoftmaxSquaredError
from chainrule.optimizers import Optimizer

Dtype = type[np.floating[Any]]
Function: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class ElementwiseKernel:
    """The compiled loops of one formula: their addresses, and the objects that keep them alive.

    Attributes
    ----------
    addresses : tuple of int
    owners : tuple of Loaded
    """

    addresses: tuple[int, ...]
    owners: tuple[Loaded, ...]


def kernel_of(*loops: Loaded) -> ElementwiseKernel:
    """Return compiled loops as a kernel."""
    return ElementwiseKernel(tuple(loop.address for loop in loops), loops)


Key: TypeAlias = Hashable  # a name or hash equal in all processes, or the translated function


@lru_cache(500)
def compiled_loop(
    loop: str, dtype: Dtype, functions: tuple[Key, ...], *details: Hashable, **own: Any
) -> Loaded:
    """Return a loop of ``loops`` around functions, identified by their keys, as machine code."""
    known = all(isinstance(key, str) for key in functions)
    key = repr((loop, np.dtype(dtype).name, functions, details)) if known else None

    def build() -> Built:
        from numba.core.errors import NumbaError

        from chainrule.compiled.codegen import loops

        try:
            return getattr(loops, f"built_{loop}")(dtype, *details, **own)
        except NumbaError as error:
            if all(own_name(function) for function in own.values() if function is not None):
                raise  # functions of the package must compile
            names = ", ".join(getattr(f, "__name__", "?") for f in own.values() if f is not None)
            raise InputError(
                f"Numba cannot compile {names}; use only the functions of chainrule.elementwise"
            ) from error

    return compiled(loop, key, build)


# ---- keys ---------------------------------------------------------------------------------------


def key_of(function: Function, dtype: Dtype) -> Key:
    """Return a key that identifies a function and the numbers that it uses.

    Raises
    ------
    InputError
        If its source is not available, or it calls a function outside the vocabulary.
    """
    if name := own_name(function):
        return name
    with IMPORT_LOCK, uninterrupted():
        from chainrule.compiled.codegen.translation import translate

        translation = translate(function, dtype)
    return translation.key or translation.compiled


def key_of_slope(function: Function, dtype: Dtype) -> Key:
    """Return the key of a function's derivative, which is derived from its source."""
    if name := own_name(function):
        return f"slope of {name}"
    with IMPORT_LOCK, uninterrupted():
        from chainrule.compiled.codegen.translation import translate_slope

        translation = translate_slope(function, dtype)
    return f"slope of {translation.key}" if translation.key else translation.compiled


def own_name(function: Function) -> str | None:
    """Return the name of a function of the engine, None for others; every key hashes its source."""
    code, name = getattr(function, "__code__", None), getattr(function, "__name__", "")
    module = sys.modules.get(function.__module__)
    ours = code is not None and Path(code.co_filename) in sources.FORMULAS
    return f"{function.__module__}.{name}" if ours and vars(module).get(name) is function else None


# ---- activations --------------------------------------------------------------------------------


def activation_kernel(f: Activation, dtype: Dtype) -> ElementwiseKernel:
    """Return the loops of an activation: forward, backward.

    Raises
    ------
    InputError
        If its source is not available, or it calls a function outside the vocabulary.
    """
    count = len(f.constants)
    slope = key_of_slope(f.f, dtype) if f.df is None else key_of(f.df, dtype)
    return kernel_of(
        compiled_loop("activate", dtype, (key_of(f.f, dtype),), count, f=f.f),
        compiled_loop("derive", dtype, (slope,), count, f=f.f, df=f.df),
    )


# ---- losses -------------------------------------------------------------------------------------


def loss_kernel(loss: Loss, dtype: Dtype) -> ElementwiseKernel:
    """Return the loops of a loss: samples as rows, samples as columns.

    Raises
    ------
    InputError
        If its source is not available, or it calls a function outside the vocabulary.
    """
    if isinstance(loss, SoftmaxCrossEntropy | SoftmaxSquaredError):
        squared = isinstance(loss, SoftmaxSquaredError)
        both = (
            compiled_loop("softmax", dtype, ("softmax",), squared, by_rows)
            for by_rows in (True, False)
        )
        return kernel_of(*both)
    f, df = (loss.term, loss.dterm) if isinstance(loss, CustomLoss) else (loss.f, loss.df)
    slope = key_of_slope(f, dtype) if df is None else key_of(df, dtype)
    keys, count = (key_of(f, dtype), slope), len(loss.constants)
    one = compiled_loop("terms", dtype, keys, count, f=f, df=df)
    return kernel_of(one, one)


def link_kernel(loss: Loss, dtype: Dtype) -> ElementwiseKernel:
    """Return the loop of a loss's link, with the parameters of an activation's loop."""
    if isinstance(loss, SoftmaxCrossEntropy | SoftmaxSquaredError):
        return kernel_of(compiled_loop("softmax_link", dtype, ("softmax",)))
    link = LINKS[loss.link["p"]]
    return kernel_of(compiled_loop("activate", dtype, (link.__name__,), 0, f=link))


# ---- optimizers ---------------------------------------------------------------------------------


@cache
def update_kernel(optimizer: type[Optimizer], dtype: Dtype) -> ElementwiseKernel:
    """Return the loop of an optimizer's rule."""
    count, slots = len(optimizer().constants(1, 1.0)), len(optimizer.slots)
    key = key_of(optimizer.rule, dtype)
    return kernel_of(compiled_loop("update", dtype, (key,), count, slots, rule=optimizer.rule))
