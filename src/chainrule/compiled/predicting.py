"""Prediction: the forward pass alone, in blocks of bounded memory, for any number of callers.

Nothing is kept between calls but tables, so callers share no memory; ``batches`` trains.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.compiled import fields as b
from chainrule.compiled.choice import products_of
from chainrule.compiled.fields import OWN, Memory
from chainrule.compiled.helper import built_beside
from chainrule.compiled.kernels import (
    FORWARD,
    Program,
    address_of,
    kernel,
    layer_kernels,
    write_kernels,
)  # fmt: skip
from chainrule.compiled.pieces import Dtype, link_piece
from chainrule.compiled.tables import SETTINGS, Tables, kind_of, tables
from chainrule.compiled.threads import allowed, single_blas, together
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

BLOCK = 128  # samples computed at once: more take memory, and no less time each
WORTH_THREADS = 4_000_000  # products of a call from which two threads are faster than one


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
            self.places[b.FIELDS[name]] = address_of(array)
        self.places[b.FIELDS["places"]] = self.at = address_of(self.places)
        self.words = OWN + -(-given.work * np.dtype(dtype).itemsize // 8)  # of a caller's memory


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
        kernels = layer_kernels(map(kind_of, network.layers), backward=False)
        with built_beside([FORWARD, *kernels], dtype):
            self.piece = link_piece(network.objective, dtype)
        self.one, self.block = Block(network, dtype, 1), Block(network, dtype, BLOCK)
        self.program = Program(kernel(FORWARD, dtype), 7)
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
        """Write the prediction of a block."""
        x = np.ascontiguousarray(x)  # copies a block at most
        own = np.empty(block.words, np.int64)
        arrays = address_of(theta), address_of(x), len(x), link, address_of(p), address_of(own)
        self.program(block.at, *arrays)
