"""Compiled elementwise kernels: the loops of activations, losses and optimizer rules, by address.

The larger kernels are compiled once for each precision and call these by address, so that a new
activation compiles in a moment. Numba is imported only to compile a loop (``loops``) that is not
in the cache, and to translate a user's own functions.
"""

import sys
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from chainrule.activations import Activation
from chainrule.compiled.cache import sources
from chainrule.compiled.cache.import_lock import IMPORT_LOCK, uninterrupted
from chainrule.compiled.cache.machine_code import Built, Loaded
from chainrule.compiled.cache.object_cache import compiled
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


Key: TypeAlias = Hashable  # a name or hash equal in all processes, or the translated function


@dataclass(frozen=True)
class Loop:
    """A loop of ``loops`` around functions, not yet compiled.

    Attributes
    ----------
    name : str
        The loop's name in ``loops``.
    dtype : type
    functions : tuple
        The keys of the functions.
    details : tuple
        Further arguments of its builder.
    own : tuple of (str, callable or None)
        The functions, by the names of the builder's parameters.
    """

    name: str
    dtype: Dtype
    functions: tuple[Key, ...]
    details: tuple[Hashable, ...] = ()
    own: tuple[tuple[str, Function | None], ...] = ()

    @property
    def key(self) -> str | None:
        """What identifies the loop in all processes, None if nothing does."""
        if not all(isinstance(key, str) for key in self.functions):
            return None
        return repr((self.name, np.dtype(self.dtype).name, self.functions, self.details))

    def build(self) -> Built:
        """Compile the loop.

        Raises
        ------
        InputError
            If Numba cannot compile a user's function.
        """
        from numba.core.errors import NumbaError

        from chainrule.compiled.codegen import loops

        given = [function for _, function in self.own if function is not None]
        try:
            return getattr(loops, f"built_{self.name}")(self.dtype, *self.details, **dict(self.own))
        except NumbaError as error:
            if all(map(own_name, given)):
                raise  # functions of the package must compile
            names = ", ".join(getattr(f, "__name__", "?") for f in given)
            raise InputError(
                f"Numba cannot compile {names}; use only the functions of chainrule.elementwise"
            ) from error


@lru_cache(500)
def loaded(loop: Loop) -> Loaded:
    """Return a loop as machine code in memory."""
    return compiled(loop.name, loop.key, loop.build)


def kernel_of(loops: Iterable[Loop]) -> ElementwiseKernel:
    """Return loops as a compiled kernel."""
    owners = tuple(map(loaded, loops))
    return ElementwiseKernel(tuple(owner.address for owner in owners), owners)


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
    """Return the compiled loops of an activation; the errors of `activation_loops`."""
    return kernel_of(activation_loops(f, dtype))


def activation_loops(f: Activation, dtype: Dtype) -> tuple[Loop, ...]:
    """Return the loops of an activation: forward, backward.

    Raises
    ------
    InputError
        If its source is not available, or it calls a function outside the vocabulary.
    """
    details = (len(f.constants),)
    slope = key_of_slope(f.f, dtype) if f.df is None else key_of(f.df, dtype)
    return (
        Loop("activate", dtype, (key_of(f.f, dtype),), details, (("f", f.f),)),
        Loop("derive", dtype, (slope,), details, (("f", f.f), ("df", f.df))),
    )


# ---- losses -------------------------------------------------------------------------------------


def loss_kernel(loss: Loss, dtype: Dtype) -> ElementwiseKernel:
    """Return the compiled loops of a loss; the errors of `loss_loops`."""
    return kernel_of(loss_loops(loss, dtype))


def loss_loops(loss: Loss, dtype: Dtype) -> tuple[Loop, ...]:
    """Return the loops of a loss: samples as rows, samples as columns.

    Raises
    ------
    InputError
        If its source is not available, or it calls a function outside the vocabulary.
    """
    if isinstance(loss, SoftmaxCrossEntropy | SoftmaxSquaredError):
        squared = isinstance(loss, SoftmaxSquaredError)
        by_rows, by_columns = (squared, True), (squared, False)
        return tuple(Loop("softmax", dtype, ("softmax",), each) for each in (by_rows, by_columns))
    f, df = (loss.term, loss.dterm) if isinstance(loss, CustomLoss) else (loss.f, loss.df)
    slope = key_of_slope(f, dtype) if df is None else key_of(df, dtype)
    keys, details = (key_of(f, dtype), slope), (len(loss.constants),)
    return (Loop("terms", dtype, keys, details, (("f", f), ("df", df))),) * 2


def link_kernel(loss: Loss, dtype: Dtype) -> ElementwiseKernel:
    """Return the compiled loop of a loss's link, with the parameters of an activation's loop."""
    return kernel_of([link_loop(loss, dtype)])


def link_loop(loss: Loss, dtype: Dtype) -> Loop:
    """Return the loop of a loss's link."""
    if isinstance(loss, SoftmaxCrossEntropy | SoftmaxSquaredError):
        return Loop("softmax_link", dtype, ("softmax",))
    link = LINKS[loss.link["p"]]
    return Loop("activate", dtype, (link.__name__,), (0,), (("f", link),))


# ---- optimizers ---------------------------------------------------------------------------------


@cache
def update_kernel(optimizer: type[Optimizer], dtype: Dtype) -> ElementwiseKernel:
    """Return the compiled loop of an optimizer's rule."""
    return kernel_of([update_loop(optimizer, dtype)])


def update_loop(optimizer: type[Optimizer], dtype: Dtype) -> Loop:
    """Return the loop of an optimizer's rule."""
    details = len(optimizer().constants(1, 1.0)), len(optimizer.slots)
    key, own = key_of(optimizer.rule, dtype), (("rule", optimizer.rule),)
    return Loop("update", dtype, (key,), details, own)
