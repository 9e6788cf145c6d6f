"""The memory of a run as kernels see it: pointers, a table of layers, and a head of whole numbers.

Kernels are compiled once for a precision and call each other by address, so that each compiles by
itself and in a moment. What they compute is not known here.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numba
import numpy as np
from numba import types, uint64

from chainrule.compiled.cache import OPTIONS, REORDERED, compile_address
from chainrule.compiled.native import address, call, number, pointer, shifted
from chainrule.compiled.tables import COLUMNS, SETTINGS

Pointer: TypeAlias = Any

carray: Any = vars(numba)["carray"]

# Called from compiled code only: without entries from Python they compile faster.
compiled: Any = numba.njit
njit = compiled(**OPTIONS, fastmath=REORDERED, no_cpython_wrapper=True, no_cfunc_wrapper=True)

# ---- the head: sizes, offsets, addresses --------------------------------------------------------

SAMPLES, SIZE, BATCHES, FIRST, COUNT, STEP, SEED = range(7)  # of data, a batch, an epoch, this call
X0, X_ROW, X_COLUMN = range(7, 10)  # where x begins, and how far apart rows and columns lie
BATCH_X, BATCH_T, BATCH_WEIGHT, ONES, ZEROS, PANEL, PANEL_SIZE = range(10, 17)
LOSS, LOSS_K, RULE, RATE_AT, K_AT, DECAY_AT = range(17, 23)
MODE, DROPS, ORDERS, WEIGHTED, PENALISED = range(23, 28)
DIRECT, ITEM = range(28, 30)  # whether batches lie in x as they are wanted; bytes of a number
LAYERS, BLOCKS, ENDS = range(30, 33)  # of tables; epochs that end in this call
SCRAP, WORK_SIZE = range(33, 35)  # in the workspace: written to, never read; and its length
KERNELS = 35  # here begin the addresses of kernels that are launched by number
HEAD = 64

# Those kernels, in the order of ``batches.LAUNCHED``.
PRODUCT, SUMS, GATHER, DERIVE, CHANGE, PENALTY_SUMS, NORM_PART, CHANGE_WHOLE = range(8)

# How θ changes: inside the product, by the rule panel by panel, or from the whole gradient.
INSIDE_SGD, INSIDE_MOMENTUM, BY_PANELS, WHOLE = range(4)

# Parts of the sums over threads.
DATA, ABSOLUTE, SQUARE, NORM_SQUARE, WEIGHTS = range(5)
PARTS = 5

# The first numbers: penalty, clipping, what rules take.
L1, L2, ALPHA, CLIP_VALUE, CLIP_NORM, MOMENTUM, DECAY, UNIT_WEIGHT = range(SETTINGS)

ALPHA_AT, BETA_AT = 14, 15  # in a thread's row of the rule's constants


class Memory(NamedTuple):
    """All arrays of a run, as pointers: what every thread reads and writes.

    Attributes
    ----------
    places : int64
        The addresses of these fields, this one included.
    layers : int64, a row of COLUMNS for each layer
    head : int64
        Sizes, offsets and addresses: see ``batches``.
    numbers : float64
        Settings, then constants of activations and of the loss.
    rule : float64, a row of 16 for each thread
        The constants of the optimiser's rule; behind them alpha and beta of a product.
    theta, slot, slot2 : the parameters, and the optimiser's moving averages
    gradient : as long as θ, where it is wanted whole
    x : the memory of all samples, in whatever order it lies
    t : all targets, row after row
    weight : one for each sample, where they have any
    orders : int64
        The orders of samples, one epoch after the other.
    work : the workspace
    sums : float64, two rows of 8 for each thread
        Parts of sums over threads, by turns.
    meeting : int64
        Counts arrivals.
    blocks : int64, three for each array of θ that trains
        First and last entry, and whether it decays.
    rates : float64
        The rate of each update.
    losses : float64
        Of each epoch that ends; the last is that of the epoch begun.
    """

    places: Pointer
    layers: Pointer
    head: Pointer
    numbers: Pointer
    rule: Pointer
    theta: Pointer
    slot: Pointer
    slot2: Pointer
    gradient: Pointer
    x: Pointer
    t: Pointer
    weight: Pointer
    orders: Pointer
    work: Pointer
    sums: Pointer
    meeting: Pointer
    blocks: Pointer
    rates: Pointer
    losses: Pointer


FIELDS = {name: place for place, name in enumerate(Memory._fields)}


@njit
def memory_of(places: Pointer, like: Any) -> Memory:
    """Return the pointers that addresses stand for; `like` is the precision."""
    return Memory(
        pointer(places[0], np.int64),  # places
        pointer(places[1], np.int64),  # layers
        pointer(places[2], np.int64),  # head
        pointer(places[3], np.float64),  # numbers
        pointer(places[4], np.float64),  # rule
        pointer(places[5], like),  # theta
        pointer(places[6], like),  # slot
        pointer(places[7], like),  # slot2
        pointer(places[8], like),  # gradient
        pointer(places[9], like),  # x
        pointer(places[10], like),  # t
        pointer(places[11], like),  # weight
        pointer(places[12], np.int64),  # orders
        pointer(places[13], like),  # work
        pointer(places[14], np.float64),  # sums
        pointer(places[15], np.int64),  # meeting
        pointer(places[16], np.int64),  # blocks
        pointer(places[17], np.float64),  # rates
        pointer(places[18], np.float64),  # losses
    )


@njit
def layer(m: Memory, place: int) -> Pointer:
    """Return a layer's row of the table."""
    return shifted(m.layers, place * COLUMNS)


@njit
def thread_sums(m: Memory, turn: int, rank: int) -> Pointer:
    """Return a thread's parts of sums."""
    return shifted(m.sums, 8 * (2 * rank + turn))


@njit
def setting(m: Memory, which: int) -> Any:
    """Return one of the first numbers, in the precision of θ."""
    return number(m.theta, m.numbers[which])


@njit
def own_panel(m: Memory, rank: int) -> int:
    """Return where in the workspace a thread's gradients lie."""
    return m.head[PANEL] + rank * m.head[PANEL_SIZE]


@njit
def array(place: Pointer) -> Any:
    """Return memory as an array whose end nobody looks at."""
    return carray(place, 2**62)


@njit
def share(count: int, unit: int, rank: int, ranks: int) -> tuple[int, int]:
    """Return the part of `count` things that one of the threads owns, in multiples of `unit`."""
    parts = (count + unit - 1) // unit
    return min(count, parts * rank // ranks * unit), min(count, parts * (rank + 1) // ranks * unit)


# ---- kernels by address -------------------------------------------------------------------------


@njit
def launch(m: Memory, kernel: int, words: Any) -> None:
    """Run a kernel on the memory, with whole numbers."""
    call(uint64(m.head[KERNELS + kernel]), (address(m.places, 0), *words))


def entry_of(function: Callable[..., Any], dtype: Any) -> Callable[..., None]:
    """Return a kernel as others call it: with the address of the memory's addresses, and words."""
    names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
    text = (
        f"def {function.__name__}(places, {', '.join(names)}):\n"
        f"    function(memory_of(pointer(places, int64), like), {', '.join(names)})"
    )
    scope: dict[str, Any] = {
        "function": njit(function), "memory_of": memory_of, "pointer": pointer, "int64": np.int64,
        "like": dtype, "__name__": __name__,  # without a module Numba writes it, but cannot read it
    }  # fmt: skip
    exec(text, scope)  # noqa: S102 (the text above: Numba wants every parameter by name)
    return scope[function.__name__]


@cache
def compiled_kernel(function: Callable[..., Any], dtype: Any) -> Any:
    """Return a kernel compiled for a precision; it has an ``address``."""
    entry = entry_of(function, dtype)
    count = function.__code__.co_argcount  # the memory, and words
    signature = types.void(*[types.int64] * count)
    key = f"{function.__module__}.{function.__qualname__}.{np.dtype(dtype)}"
    return compile_address(entry, signature, key, fastmath=REORDERED)
