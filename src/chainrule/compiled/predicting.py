"""Prediction: the compiled forward pass, in blocks of bounded memory, for concurrent callers.

Only read-only tables are kept between calls; each call has its own workspace.
"""

from collections.abc import Callable
from contextlib import nullcontext
from threading import Event
from typing import Any, TypeAlias
from weakref import ref

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.compiled.choice import multiplications_of
from chainrule.compiled.codegen.elementwise_kernels import Dtype, link_kernel
from chainrule.compiled.kernel_loader import (
    FORWARD,
    TURNED,
    Program,
    address_of,
    kernel,
    layer_kernels,
    write_kernels,
)
from chainrule.compiled.kernels import memory_layout as mem
from chainrule.compiled.kernels.memory_layout import LINK_AT, OWN, P_AT, RESULT_AT, ROWS_AT
from chainrule.compiled.kernels.network_table import RUN_FORWARD, SETTINGS, Tables, kind_of, tables
from chainrule.compiled.parallel_build import build_in_parallel
from chainrule.compiled.threads import allowed, run_together, single_blas
from chainrule.errors import InputError
from chainrule.layers import Dense
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

# Samples computed at once: few enough for the cache; more where the BLAS has to pack a large W.
BLOCK, WIDE_BLOCK, LEAST_WIDE = 128, 512, 128
NUMBERS = 2**20  # the largest number of entries in a wide block, and of x in a call
MANY = 256  # samples from which on turning W takes less time than it saves
LANES = 16  # units from which on a turned W is faster: with fewer, vectors are not full
NEAR_BYTES = 2**21  # of a W from which on the BLAS is faster, which packs it
KEPT_BYTES = 2**22  # of a call's memory, up to which it is kept for the next call
CALL_WORK = 2**29  # multiplications of a compiled call (10 ms), which delays Ctrl-C
PARTS = 8  # calls for the threads to share, so that a slow one delays the others little
WORTH_THREADS = 20_000_000  # multiplications in all from which two threads are faster


POINTERS, THETA, DATA, WORK = (mem.FIELD_INDEX[name] for name in ("pointers", "theta", "x", "work"))


class Block:
    """The tables of a network for a limited number of samples, and their addresses.

    Parameters
    ----------
    network : Network
    dtype : type
    rows : int
    turned : tuple of int
        The positions of layers whose W is stored by inputs.
    """

    def __init__(
        self, network: Network, dtype: Dtype, rows: int, turned: tuple[int, ...] = ()
    ) -> None:
        self.rows, self.turned = rows, turned
        # Memory of calls that have ended: the next calls, of any thread, take it from here.
        self.free: list[Caller] = []
        self.tables: Tables = tables(network, dtype, rows, 0)
        self.kernels = write_kernels(self.tables.layers, dtype, backward=False)
        for place in turned:
            self.kernels.append(kernel(TURNED, dtype))
            self.tables.layers[place, RUN_FORWARD] = self.kernels[-1].address
        self.numbers = np.array([0.0] * SETTINGS + list(self.tables.constants))
        self.header = np.zeros(mem.HEADER_SIZE, np.int64)
        given, header = self.tables, self.header
        self.item = np.dtype(dtype).itemsize
        header[[mem.X_ROW, mem.ITEM]] = network.inputs, self.item
        header[[mem.ONES, mem.ZEROS, mem.PANEL]] = given.ones, given.zeros, given.panel
        header[[mem.LAYERS, mem.SIZE]] = len(given.layers), rows
        self.pointers = np.zeros(OWN, np.int64)
        for name in ("layers", "header", "numbers"):
            array = given.layers if name == "layers" else getattr(self, name)
            self.pointers[mem.FIELD_INDEX[name]] = address_of(array)

    def take(self) -> "Caller":
        """Return memory for a call, which no other call uses."""
        try:
            return self.free.pop()
        except IndexError:  # all are in use
            return Caller(self)

    def give_back(self, own: "Caller") -> None:
        """Keep the memory of a call that has ended, unless it is large."""
        if own.memory.size <= KEPT_BYTES:
            self.free.append(own)


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
        turned = turned_layers(network, dtype)
        kernels = layer_kernels(map(kind_of, network.layers), backward=False)
        with build_in_parallel([FORWARD, *kernels, *([TURNED] if turned else [])], dtype):
            self.link_kernel = link_kernel(network.loss, dtype)
        rows = block_rows(network, dtype)
        self.one, self.few = Block(network, dtype, 1), Block(network, dtype, rows)
        self.many = Block(network, dtype, rows, turned) if turned else self.few
        self.program = Program(kernel(FORWARD, dtype), 1)
        self.link = self.link_kernel.addresses[0]
        self.multiplications = multiplications_of(network)
        self.number, self.single = np.dtype(dtype), ((1, network.inputs), (network.inputs,))
        self.free: list[OneSample] = []  # as in a block

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
        block = self.few if len(x) < MANY else self.many
        theta = turned_theta(self.network, np.ascontiguousarray(theta), block.turned)
        p = np.empty((len(x), self.network.outputs), self.dtype)
        if len(x) <= block.rows:
            own = block.take()
            self._write(own, theta, x, link, p)
            block.give_back(own)
            return p
        size = self._rows_of_call(block.rows, len(x))
        work = len(x) * self.multiplications
        ranks = 1 if work < WORTH_THREADS else min(allowed(), -(-len(x) // size))
        starts, ended = iter(range(0, len(x), size)), Event()  # shared by all threads

        def write_some(_: int) -> int:
            own = block.take()
            for start in starts:
                if ended.is_set():
                    break
                part = slice(start, start + size)
                self._write(own, theta, x[part], link, p[part])
            block.give_back(own)
            return 0

        with nullcontext() if ranks == 1 else single_blas():
            run_together(write_some, ranks, ended.set)
        return p

    def _rows_of_call(self, rows: int, n: int) -> int:
        """Return how many of n samples one compiled call predicts: whole blocks."""
        most = min(CALL_WORK // self.multiplications, NUMBERS // self.network.inputs)
        return rows * max(1, min(most // rows, -(-n // (rows * PARTS))))

    def _write(self, own: Caller, theta: Array, x: Array, link: int, p: Array) -> None:
        """Write the prediction of some samples, using the caller's workspace."""
        if not (x.flags.c_contiguous and x.flags.aligned):
            x = np.array(x, order="C")  # at most those of one call
        words = own.words
        words[THETA], words[DATA], words[ROWS_AT] = address_of(theta), address_of(x), len(x)
        words[LINK_AT], words[P_AT] = link, address_of(p)
        self.program(own.at)


# ---- turned weights -----------------------------------------------------------------------------


def turned_layers(network: Network, dtype: Dtype) -> tuple[int, ...]:
    """Return the positions of the layers whose product is faster with W stored by inputs."""
    size = np.dtype(dtype).itemsize
    return tuple(
        b.layer
        for b in network.layout.blocks
        if isinstance(network.layers[b.layer], Dense) and b.param == "W"
        if b.shape[0] >= LANES and b.size * size <= NEAR_BYTES
    )


def block_rows(network: Network, dtype: Dtype) -> int:
    """Return how many samples of a network are computed at once."""
    largest = max((b.size for b in network.layout.blocks), default=0)
    if largest * np.dtype(dtype).itemsize <= NEAR_BYTES:
        return BLOCK
    return max(LEAST_WIDE, min(WIDE_BLOCK, NUMBERS // sum(network.widths)))


def turned_theta(network: Network, theta: Array, turned: tuple[int, ...]) -> Array:
    """Return θ with the W of some layers stored by inputs, (in, out) in the place of (out, in)."""
    if not turned:
        return theta
    made = theta.copy()
    for b in network.layout.blocks:
        if b.layer in turned and b.param == "W":
            made[b.start : b.stop].reshape(b.shape[::-1])[...] = b.view(theta).T
    return made
