"""Prediction: the compiled forward pass, in blocks of bounded memory, for concurrent callers.

Only read-only tables are kept between calls; each call has its own workspace.
"""

from collections.abc import Callable
from threading import Event
from typing import Any, TypeAlias
from weakref import ref

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.compiled.choice import multiplications_of
from chainrule.compiled.codegen.elementwise_kernels import Dtype, link_kernel
from chainrule.compiled.kernel_loader import (
    FORWARD,
    Program,
    address_of,
    kernel,
    layer_kernels,
    write_kernels,
)
from chainrule.compiled.kernels import memory_layout as mem
from chainrule.compiled.kernels.memory_layout import LINK_AT, OWN, P_AT, RESULT_AT, ROWS_AT
from chainrule.compiled.kernels.network_table import SETTINGS, Tables, kind_of, tables
from chainrule.compiled.parallel_build import build_in_parallel
from chainrule.compiled.threads import allowed, run_together, single_blas
from chainrule.errors import InputError
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

BLOCK, LEAST = 512, 128  # samples computed at once, for narrow and for wide layers
NUMBERS = 2**20  # the largest number of entries in a block
WORTH_THREADS = 100_000_000  # multiplications in a call from which two threads are faster

POINTERS, THETA, DATA, WORK = (mem.FIELD_INDEX[name] for name in ("pointers", "theta", "x", "work"))
CALL = [THETA, DATA, ROWS_AT, LINK_AT, P_AT]  # words that differ from call to call


class Block:
    """The tables of a network for a limited number of samples, and their addresses.

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
        self.header = np.zeros(mem.HEADER_SIZE, np.int64)
        given, header = self.tables, self.header
        self.item = np.dtype(dtype).itemsize
        header[[mem.X_ROW, mem.ITEM]] = network.inputs, self.item
        header[[mem.ONES, mem.ZEROS, mem.PANEL]] = given.ones, given.zeros, given.panel
        header[mem.LAYERS] = len(given.layers)
        self.pointers = np.zeros(OWN, np.int64)
        for name in ("layers", "header", "numbers"):
            array = given.layers if name == "layers" else getattr(self, name)
            self.pointers[mem.FIELD_INDEX[name]] = address_of(array)


class Caller:
    """The memory of one call at a time: addresses, followed by the workspace.

    Parameters
    ----------
    block : Block
    """

    def __init__(self, block: Block) -> None:
        given, size = block.tables, block.item
        self.memory = np.empty(8 * OWN + given.work * size, np.uint8)
        self.words = self.memory[: 8 * OWN].view(np.int64)
        self.at = address_of(self.memory)
        self.words[:] = block.pointers
        self.words[[POINTERS, WORK]] = self.at, self.at + 8 * OWN
        zeros = slice(8 * OWN + given.zeros * size, 8 * OWN + given.panel * size)
        self.memory[zeros] = 0


class OneSample(Caller):
    """The memory of a call for a single sample: its input and its prediction as well.

    Copying these takes less time than finding the addresses of a user's arrays.

    Parameters
    ----------
    block : Block
    inputs, outputs : int
    dtype : type
    link : int
        The address of the loss's link.
    """

    def __init__(self, block: Block, inputs: int, outputs: int, dtype: Dtype, link: int) -> None:
        super().__init__(block)
        self.x, self.p = np.empty((1, inputs), dtype), np.empty((1, outputs), dtype)
        self.words[[DATA, ROWS_AT]] = address_of(self.x), 1
        self.words[[LINK_AT, P_AT]] = link, address_of(self.p)
        self.result = self.at + 8 * RESULT_AT
        self.theta: Callable[[], Array | None] = lambda: None  # a reference that keeps nothing

    def bind(self, theta: Array) -> None:
        """Use these parameters, which are contiguous, from now on."""
        self.words[THETA] = address_of(theta)
        self.theta = ref(theta)


class Predictor:
    """The compiled forward pass of a network, which any number of threads can use at once.

    Parameters
    ----------
    network : Network
    dtype : type
        float32 or float64.
    """

    def __init__(self, network: Network, dtype: Dtype) -> None:
        self.network, self.dtype = network, dtype
        kernels = layer_kernels(map(kind_of, network.layers), backward=False)
        with build_in_parallel([FORWARD, *kernels], dtype):
            self.link_kernel = link_kernel(network.loss, dtype)
        self.rows = max(LEAST, min(BLOCK, NUMBERS // sum(network.widths)))
        self.one, self.block = Block(network, dtype, 1), Block(network, dtype, self.rows)
        self.program = Program(kernel(FORWARD, dtype), 1)
        self.link = self.link_kernel.addresses[0]
        self.multiplications = multiplications_of(network)
        self.number, self.single = np.dtype(dtype), ((1, network.inputs), (network.inputs,))
        # Memory of calls for one sample that have ended: other threads take it from here.
        self.free: list[OneSample] = []

    def predict(self, theta: Array, x: ArrayLike) -> Array:
        """Return the prediction p, (n, outputs); the parameters must be valid."""
        if type(x) is np.ndarray and x.shape in self.single and x.dtype == self.number:
            return self._predict_one(theta, x)
        rows = self.network.samples(x, theta)
        if np.iscomplexobj(rows):
            raise InputError("X is complex, and predictions are real; give its real part")
        return self._run(theta, rows, self.link)

    def raw(self, theta: Array, x: Array) -> Array:
        """Return the raw output o, (n, outputs)."""
        return self._run(theta, x, 0)

    def _predict_one(self, theta: Array, x: Array) -> Array:
        """Return the prediction of one sample, in the precision of the network."""
        try:
            own = self.free.pop()
        except IndexError:  # all are in use
            given = self.network.inputs, self.network.outputs, self.dtype, self.link
            own = OneSample(self.one, *given)
        if own.theta() is not theta:
            theta = np.ascontiguousarray(theta)
            own.bind(theta)
        own.x[:] = x
        self.program.entry(own.result, 0, own.at)
        p = own.p.copy()
        self.free.append(own)
        return p

    def _run(self, theta: Array, x: Array, link: int) -> Array:
        theta = np.ascontiguousarray(theta)
        p = np.empty((len(x), self.network.outputs), self.dtype)
        if len(x) == 1:
            self._write(Caller(self.one), theta, x, link, p)
            return p
        ranks = 1 if len(x) * self.multiplications < WORTH_THREADS else allowed()
        if ranks == 1:
            self._blocks(theta, x, link, p, 0, 1, Event())
        else:
            ended = Event()
            with single_blas():
                run_together(
                    lambda rank: self._blocks(theta, x, link, p, rank, ranks, ended),
                    ranks,
                    ended.set,
                )
        return p

    def _blocks(
        self, theta: Array, x: Array, link: int, p: Array, rank: int, ranks: int, ended: Event
    ) -> int:
        """Write this thread's blocks, until `ended` is set."""
        size = min(self.rows, -(-len(x) // ranks))
        own = Caller(self.block)  # allocated once, since allocation takes longer than a block
        for start in range(rank * size, len(x), ranks * size):
            if ended.is_set():
                break
            stop = min(start + size, len(x))
            self._write(own, theta, x[start:stop], link, p[start:stop])
        return 0

    def _write(self, own: Caller, theta: Array, x: Array, link: int, p: Array) -> None:
        """Write the prediction of a block, using the caller's workspace."""
        if not (x.flags.c_contiguous and x.flags.aligned):
            x = np.array(x, order="C")  # at most one block
        own.words[CALL] = address_of(theta), address_of(x), len(x), link, address_of(p)
        self.program(own.at)
