"""Loading kernels by name: machine code of the package or from the cache, or compiled now.

Numba and the kernels' modules are imported only if a kernel has to be compiled.
"""

import ctypes
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.compiled.cache.machine_code import Built, Loaded
from chainrule.compiled.cache.object_cache import compiled
from chainrule.compiled.codegen.elementwise_kernels import Dtype
from chainrule.compiled.kernels.network_table import KIND, RUN_BACKWARD, RUN_FORWARD

# Forward and backward kernels, in the order of ``network_table.KINDS``.
LAYER_KERNELS = (
    ("layer_kernels.dense_forward", "layer_kernels.dense_backward"),
    ("layer_kernels.norm_forward", "layer_kernels.norm_backward"),
    ("layer_kernels.activate_forward", "layer_kernels.activate_backward"),
    ("layer_kernels.dropout_forward", "layer_kernels.dropout_backward"),
)

# The kernels launched by number, in the order of the numbers in ``memory_layout``.
LAUNCHED = (
    "layer_kernels.dense_weights",
    "layer_kernels.norm_sums",
    "layer_kernels.gather",
    "layer_kernels.dense_derive",
    "updates.change",
    "updates.penalty_sums",
    "updates.norm_part",
    "updates.change_whole",
    "sparse_rows.list_entries",
    "sparse_rows.sparse_change",
    "sparse_rows.catch_up_all",
    "sparse_rows.add_penalties",
)

SPARSE_FORWARD = "sparse_rows.sparse_forward"  # of the first layer, for sparse samples
BATCHES, TINY, FORWARD = "batches.run_batches", "tiny.run_tiny", "prediction_blocks.run_forward"
TURNED = "layer_kernels.dense_turned"  # in place of dense_forward, for predictions of many samples

EVERY = (
    *(name for pair in LAYER_KERNELS for name in pair),
    *LAUNCHED,
    *(BATCHES, TINY, FORWARD, TURNED, SPARSE_FORWARD),
)

IN_MEMORY: dict[tuple[str, Dtype], Loaded] = {}


def kernel(name: str, dtype: Dtype) -> Loaded:
    """Return a kernel's machine code.

    Parameters
    ----------
    name : str
        The kernel's module and function, separated by a dot.
    dtype : type
    """
    if (name, dtype) not in IN_MEMORY:
        made = compiled(*key_of_kernel(name, dtype), lambda: built(name, dtype))
        IN_MEMORY[name, dtype] = made
    return IN_MEMORY[name, dtype]


def key_of_kernel(name: str, dtype: Dtype) -> tuple[str, str]:
    """Return the beginning of a kernel's file name, and the key that identifies the kernel."""
    return name.partition(".")[2], f"{name}.{np.dtype(dtype)}"


def built(name: str, dtype: Dtype) -> Built:
    """Compile a kernel and return it."""
    from chainrule.compiled.kernels.memory import built_kernel

    module, _, function = name.partition(".")
    return built_kernel(
        getattr(import_module(f"chainrule.compiled.kernels.{module}"), function), dtype
    )


def layer_kernels(kinds: Iterable[int], *, backward: bool) -> list[str]:
    """Return the names of the kernels of layers."""
    return [name for kind in kinds for name in LAYER_KERNELS[kind][: 1 + backward]]


def write_kernels(layers: NDArray[np.int64], dtype: Any, *, backward: bool) -> list[Loaded]:
    """Store the addresses of each layer's kernels in the table; return their owners."""
    columns = (RUN_FORWARD, RUN_BACKWARD) if backward else (RUN_FORWARD,)
    made: list[Loaded] = []
    for row in layers:
        for column, name in zip(columns, LAYER_KERNELS[row[KIND]], strict=False):
            made.append(kernel(name, dtype))
            row[column] = made[-1].address
    return made


# ---- calls from Python --------------------------------------------------------------------------


NOTHING = ctypes.c_char * 0


class Program:
    """A kernel that Python calls with integers; it releases the GIL.

    Parameters
    ----------
    loaded : Loaded
    count : int
        The number of the kernel's arguments.
    """

    def __init__(self, loaded: Loaded, count: int) -> None:
        self.loaded = loaded
        words = [ctypes.c_int64] * (2 + count)  # a result's address and an exception's come first
        self.entry = ctypes.CFUNCTYPE(ctypes.c_int32, *words)(loaded.address)

    def __call__(self, *words: int) -> int:
        """Call the kernel and return its result."""
        result = ctypes.c_int64()
        self.entry(ctypes.addressof(result), 0, *words)
        return result.value


def address_of(array: Any) -> int:
    """Return the address of an array's first entry; the caller keeps the array alive."""
    try:
        # Four times as fast as array.__array_interface__.
        return ctypes.addressof(NOTHING.from_buffer(array))
    except (TypeError, ValueError):  # not contiguous, or read-only
        return array.__array_interface__["data"][0]
