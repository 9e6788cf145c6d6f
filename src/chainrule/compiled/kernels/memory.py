"""Access to a run's memory from compiled code, and compiling kernels that take that memory.

Each kernel is compiled once for each precision and called by its address.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types, uint64

from chainrule.compiled.cache import building
from chainrule.compiled.cache.building import OPTIONS, REORDERED, build
from chainrule.compiled.cache.machine_code import Built
from chainrule.compiled.kernels.memory_layout import KERNELS, PANEL, PANEL_SIZE, Memory, Pointer
from chainrule.compiled.kernels.native import address, call, number, pointer, shifted
from chainrule.compiled.kernels.network_table import COLUMNS

carray: Any = vars(numba)["carray"]

njit = building.njit(**OPTIONS, fastmath=REORDERED)

# ---- reading ------------------------------------------------------------------------------------


@njit
def memory_of(pointers: Pointer, like: Any) -> Memory:
    """Return addresses as typed pointers; `like` has the precision."""
    return Memory(
        pointer(pointers[0], np.int64),  # pointers
        pointer(pointers[1], np.int64),  # layers
        pointer(pointers[2], np.int64),  # header
        pointer(pointers[3], np.float64),  # numbers
        pointer(pointers[4], np.float64),  # rule
        pointer(pointers[5], like),  # theta
        pointer(pointers[6], like),  # slot
        pointer(pointers[7], like),  # slot2
        pointer(pointers[8], like),  # gradient
        pointer(pointers[9], like),  # x
        pointer(pointers[10], like),  # t
        pointer(pointers[11], like),  # weight
        pointer(pointers[12], np.int64),  # orders
        pointer(pointers[13], like),  # work
        pointer(pointers[14], np.float64),  # sums
        pointer(pointers[15], np.int64),  # barrier
        pointer(pointers[16], np.int64),  # blocks
        pointer(pointers[17], np.float64),  # rates
        pointer(pointers[18], np.float64),  # losses
        pointer(pointers[19], np.int32),  # columns
        pointer(pointers[20], np.int64),  # bounds
        pointer(pointers[21], np.int64),  # listing
        pointer(pointers[22], like),  # listed
        pointer(pointers[23], np.int64),  # done
        pointer(pointers[24], np.float64),  # penalties
    )


@njit
def layer(m: Memory, place: int) -> Pointer:
    """Return a layer's row of the table."""
    return shifted(m.layers, place * COLUMNS)


@njit
def thread_sums(m: Memory, turn: int, rank: int) -> Pointer:
    """Return a thread's partial sums."""
    return shifted(m.sums, 8 * (2 * rank + turn))


@njit
def setting(m: Memory, which: int) -> Any:
    """Return one of the settings, in the precision of θ."""
    return number(m.theta, m.numbers[which])


@njit
def own_panel(m: Memory, rank: int) -> int:
    """Return the offset of a thread's gradients in the workspace."""
    return m.header[PANEL] + rank * m.header[PANEL_SIZE]


@njit
def array(place: Pointer) -> Any:
    """View memory as an array without a bounds-checked length."""
    return carray(place, 2**62)


@njit
def share(count: int, unit: int, rank: int, ranks: int) -> tuple[int, int]:
    """Return (first, end) of a thread's part of `count` items, in multiples of `unit`."""
    parts = (count + unit - 1) // unit
    return min(count, parts * rank // ranks * unit), min(count, parts * (rank + 1) // ranks * unit)


# ---- kernels by address -------------------------------------------------------------------------


@njit
def launch(m: Memory, kernel: int, words: Any) -> None:
    """Call a kernel with the memory and integers."""
    call(uint64(m.header[KERNELS + kernel]), (address(m.pointers, 0), *words))


def entry_of(function: Callable[..., Any], dtype: Any) -> Callable[..., None]:
    """Return a kernel's entry point, which takes the address of the pointers, and integers."""
    names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
    text = (
        f"def {function.__name__}(pointers, {', '.join(names)}):\n"
        f"    return function(memory_of(pointer(pointers, int64), like), {', '.join(names)})"
    )
    scope: dict[str, Any] = {
        "function": njit(function),
        "memory_of": memory_of,
        "pointer": pointer,
        "int64": np.int64,
        "like": dtype,
        "__name__": __name__,
    }
    exec(text, scope)  # noqa: S102 (the text above: Numba requires named parameters)
    return scope[function.__name__]


def built_kernel(function: Callable[..., Any], dtype: Any) -> Built:
    """Compile a kernel for a precision."""
    count = function.__code__.co_argcount  # the memory, and integers
    result = types.int64 if function.__annotations__["return"] is int else types.void
    return build(entry_of(function, dtype), result(*[types.int64] * count), fastmath=REORDERED)
