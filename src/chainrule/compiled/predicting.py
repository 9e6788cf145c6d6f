"""Prediction: the forward pass alone, in blocks of bounded memory, for any number of callers.

Nothing is kept between calls but tables, so callers share no memory; ``batches`` trains.
"""

from functools import cache
from typing import Any, TypeAlias

import numba
import numpy as np
from numba import uint64
from numpy.typing import ArrayLike, NDArray

from chainrule.compiled import memory as b
from chainrule.compiled.batches import forward
from chainrule.compiled.cache import REORDERED, compile_kernel
from chainrule.compiled.choice import products_of
from chainrule.compiled.memory import Memory, layer, memory_of
from chainrule.compiled.native import address, call, pointer
from chainrule.compiled.passes import write_kernels
from chainrule.compiled.pieces import Dtype, link_piece
from chainrule.compiled.tables import (
    SETTINGS,
    WIDTH,
    A,
    Tables,
    tables,
)  # fmt: skip
from chainrule.compiled.threads import allowed, single_blas, together
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

BLOCK = 128  # samples computed at once: more take memory, and no less time each
WORTH_THREADS = 4_000_000  # products of a call from which two threads are faster than one
PLACES, HEAD, THETA, DATA, WORK = map(b.FIELDS.get, ("places", "head", "theta", "x", "work"))


def run_forward(places: Any, theta: int, x: int, n: int, link: int, p: Any) -> None:
    """Write the prediction of up to a block of samples, or the raw output where `link` is 0.

    Parameters
    ----------
    places : array of int64
        The addresses of the fields of `Memory`; those that callers do not share are left out.
    theta, x : int
        The addresses of the parameters, and of samples that lie row after row.
    n : int
    link : int
        The address of the loss's link.
    p : array (n, outputs)
    """
    own, head = places.copy(), pointer(places[HEAD], np.int64)
    work = np.empty(head[b.WORK_SIZE], p.dtype)
    own[PLACES], own[THETA], own[DATA], own[WORK] = own.ctypes.data, theta, x, work.ctypes.data
    m = memory_of(pointer(own.ctypes.data, np.int64), p)
    for i in range(m.head[b.ZEROS], m.head[b.PANEL]):
        m.work[i] = 0
    forward(m, 0, n, 0, 0, 1, 0)
    row = layer(m, m.head[b.LAYERS] - 1)
    k = row[WIDTH]
    if link == 0:
        for i in range(n * k):
            p[i // k, i % k] = m.work[row[A] + i]
        return
    call(
        uint64(link),
        (
            address(m.work, row[A]), uint64(p.ctypes.data), address(m.work, m.head[b.ZEROS]),
            uint64(n), uint64(k), uint64(k), address(m.numbers, 0),
        ),
    )  # fmt: skip


@cache
def program(dtype: Dtype) -> Any:
    """Return the forward pass, compiled for a precision."""
    places, p = numba.types.int64[::1], numba.from_dtype(np.dtype(dtype))[:, ::1]
    whole = numba.int64
    signature = numba.void(places, whole, whole, whole, whole, p)
    return compile_kernel(run_forward, signature, fastmath=REORDERED)


class Block:
    """The tables of a network for up to so many samples, and where they lie.

    Parameters
    ----------
    network : Network
    dtype : type
    rows : int
    """

    def __init__(self, network: Network, dtype: Dtype, rows: int) -> None:
        self.tables: Tables = tables(network, dtype, rows, 0)
        self.kernels = write_kernels(self.tables.layers, dtype, backward=False)
        self.numbers = np.array([0.0] * SETTINGS + list(self.tables.constants))
        self.head = np.zeros(b.HEAD, np.int64)
        given, head = self.tables, self.head
        head[[b.WORK_SIZE, b.X_ROW, b.ITEM]] = given.work, network.inputs, np.dtype(dtype).itemsize
        head[[b.ONES, b.ZEROS, b.PANEL]] = given.ones, given.zeros, given.panel
        head[b.LAYERS] = len(given.layers)
        self.places = np.zeros(len(Memory._fields), np.int64)
        for name in ("layers", "head", "numbers"):
            array = given.layers if name == "layers" else getattr(self, name)
            self.places[b.FIELDS[name]] = array.ctypes.data


class Predictor:
    """A network's forward pass, compiled; one object serves any number of threads at once.

    Parameters
    ----------
    network : Network
    dtype : type
        float32 or float64.
    """

    def __init__(self, network: Network, dtype: Dtype) -> None:
        self.network, self.dtype = network, dtype
        self.one, self.block = Block(network, dtype, 1), Block(network, dtype, BLOCK)
        self.program = program(dtype)
        self.piece = link_piece(network.objective, dtype)
        self.link = self.piece.addresses[0]
        self.products = products_of(network)

    def predict(self, theta: Array, x: ArrayLike) -> Array:
        """Return the prediction p, (n, outputs), of checked parameters."""
        return self._run(theta, self.network.samples(x, theta), self.link)

    def raw(self, theta: Array, x: Array) -> Array:
        """Return the raw output o, (n, outputs)."""
        return self._run(theta, x, 0)

    def _run(self, theta: Array, x: Array, link: int) -> Array:
        theta = np.ascontiguousarray(theta)
        p = np.empty((len(x), self.network.outputs), self.dtype)
        if len(x) == 1:
            self._write(self.one, theta, x, link, p)
            return p
        ranks = 1 if len(x) * self.products < WORTH_THREADS else allowed()
        if ranks == 1:
            self._blocks(theta, x, link, p, 0, 1)
        else:
            with single_blas():
                together(
                    lambda rank: self._blocks(theta, x, link, p, rank, ranks), ranks, lambda: None
                )
        return p

    def _blocks(self, theta: Array, x: Array, link: int, p: Array, rank: int, ranks: int) -> int:
        """Write every block whose turn it is."""
        size = min(BLOCK, -(-len(x) // ranks))
        for start in range(rank * size, len(x), ranks * size):
            stop = min(start + size, len(x))
            self._write(self.block, theta, x[start:stop], link, p[start:stop])
        return 0

    def _write(self, block: Block, theta: Array, x: Array, link: int, p: Array) -> None:
        x = np.ascontiguousarray(x)  # copies a block at most
        at = theta.__array_interface__["data"][0], x.__array_interface__["data"][0]
        self.program(block.places, *at, len(x), link, p)
