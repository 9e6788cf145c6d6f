"""Formulas in machine code: an activation, a loss, an optimizer's rule, each behind an address.

The engine's kernels are compiled once for a precision and call these by address, so a new
activation compiles in a moment. How they are compiled stands in ``formulas``; Numba is imported
only for what has not been compiled before, and for a user's own functions.
"""

import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from chainrule.activations import Activation, identity, logistic
from chainrule.compiled.cache import sources
from chainrule.compiled.cache.import_lock import LOADING
from chainrule.compiled.cache.object_cache import Built, Loaded, compiled
from chainrule.elementwise import exp, log
from chainrule.errors import InputError
from chainrule.losses import CustomLoss, Loss, SoftmaxCrossEntropy, SoftmaxSquaredError
from chainrule.optimizers import Optimizer

Dtype = type[np.floating[Any]]
Function: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class Piece:
    """Compiled loops by address, and what keeps them alive.

    Attributes
    ----------
    addresses : tuple of int
    owners : tuple of Loaded
    """

    addresses: tuple[int, ...]
    owners: tuple[Loaded, ...]


def piece_of(*loops: Loaded) -> Piece:
    """Return loops as a piece."""
    return Piece(tuple(loop.address for loop in loops), loops)


Key: TypeAlias = Hashable  # a name or a hash, the same in other processes; or what was translated


@lru_cache(500)
def made(
    loop: str, dtype: Dtype, functions: tuple[Key, ...], *details: Hashable, **own: Any
) -> Loaded:
    """Return a loop of ``formulas`` around functions, known by their keys, in machine code."""
    known = all(isinstance(key, str) for key in functions)
    key = repr((loop, np.dtype(dtype).name, functions, details)) if known else None

    def build() -> Built:
        from numba.core.errors import NumbaError

        from chainrule.compiled.codegen import loops

        try:
            return getattr(loops, f"built_{loop}")(dtype, *details, **own)
        except NumbaError as error:
            if all(own_name(function) for function in own.values() if function is not None):
                raise  # ours must compile
            names = ", ".join(getattr(f, "__name__", "?") for f in own.values() if f is not None)
            raise InputError(
                f"{names}: Numba cannot compile this; use the functions of chainrule.elementwise"
            ) from error

    return compiled(loop, key, build)


# ---- keys ---------------------------------------------------------------------------------------


def key_of(function: Function, dtype: Dtype) -> Key:
    """Return what tells a function, with the numbers that it names, from all others.

    Raises
    ------
    InputError
        If it has no text, or calls what the vocabulary has not.
    """
    if name := own_name(function):
        return name
    with LOADING:
        from chainrule.compiled.codegen.translation import translate

        translation = translate(function, dtype)
    return translation.key or translation.compiled


def key_of_slope(function: Function, dtype: Dtype) -> Key:
    """Return the same for the derivative of a function, which is made of its text."""
    if name := own_name(function):
        return f"slope of {name}"
    with LOADING:
        from chainrule.compiled.codegen.translation import translate_slope

        translation = translate_slope(function, dtype)
    return f"slope of {translation.key}" if translation.key else translation.compiled


def own_name(function: Function) -> str | None:
    """Return the name of one of the engine's functions, whose sources every key has."""
    code, name = getattr(function, "__code__", None), getattr(function, "__name__", "")
    module = sys.modules.get(function.__module__)
    ours = code is not None and Path(code.co_filename) in sources.FORMULAS
    return f"{function.__module__}.{name}" if ours and vars(module).get(name) is function else None


# ---- activations --------------------------------------------------------------------------------


def activation_piece(f: Activation, dtype: Dtype) -> Piece:
    """Return the loops of an activation: forward, backward.

    Raises
    ------
    InputError
        If it has no text, or calls what the vocabulary has not.
    """
    count = len(f.constants)
    slope = key_of_slope(f.f, dtype) if f.df is None else key_of(f.df, dtype)
    return piece_of(
        made("activate", dtype, (key_of(f.f, dtype),), count, f=f.f),
        made("derive", dtype, (slope,), count, f=f.f, df=f.df),
    )


# ---- losses -------------------------------------------------------------------------------------


def loss_piece(loss: Loss, dtype: Dtype) -> Piece:
    """Return the loops of a loss: samples as rows, samples as columns.

    Raises
    ------
    InputError
        If it has no text, or calls what the vocabulary has not.
    """
    if isinstance(loss, SoftmaxCrossEntropy | SoftmaxSquaredError):
        squared = isinstance(loss, SoftmaxSquaredError)
        both = (made("softmax", dtype, ("softmax",), squared, by_rows) for by_rows in (True, False))
        return piece_of(*both)
    f, df = (loss.term, loss.dterm) if isinstance(loss, CustomLoss) else (loss.f, loss.df)
    slope = key_of_slope(f, dtype) if df is None else key_of(df, dtype)
    keys, count = (key_of(f, dtype), slope), len(loss.constants)
    one = made("terms", dtype, keys, count, f=f, df=df)
    return piece_of(one, one)


def exponential(x: Any) -> Any:
    """Return e^x, as a text to translate."""
    return exp(x)


def logarithm(x: Any) -> Any:
    """Return log x, as a text to translate."""
    return log(x)


# The links of losses, by their equation of p.
LINKS: dict[str, Function] = {
    "o": identity,
    "exp(o)": exponential,
    "logistic(o)": logistic,
}


def link_piece(loss: Loss, dtype: Dtype) -> Piece:
    """Return the loop of a loss's link, with the parameters of an activation's."""
    if isinstance(loss, SoftmaxCrossEntropy | SoftmaxSquaredError):
        return piece_of(made("softmax_link", dtype, ("softmax",)))
    link = LINKS[loss.link["p"]]
    return piece_of(made("activate", dtype, (link.__name__,), 0, f=link))


# ---- optimizers ---------------------------------------------------------------------------------


@cache
def rule_piece(optimizer: type[Optimizer], dtype: Dtype) -> Piece:
    """Return the loop of an optimizer's rule."""
    count, slots = len(optimizer().constants(1, 1.0)), len(optimizer.slots)
    key = key_of(optimizer.rule, dtype)
    return piece_of(made("update", dtype, (key,), count, slots, rule=optimizer.rule))
