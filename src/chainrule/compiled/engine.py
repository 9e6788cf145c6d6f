"""The training loop of the compiled engine: many updates in each compiled call.

It prepares the memory, limits the duration of a call, and returns the same states as the reference
loop. The computation is in ``kernels.batches`` and ``kernels.tiny``.
"""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule import loops
from chainrule.batch import Batch
from chainrule.compiled.cache.object_cache import Loaded
from chainrule.compiled.codegen.elementwise_kernels import Dtype, loss_kernel, update_kernel
from chainrule.compiled.kernel_loader import (
    BATCHES,
    LAUNCHED,
    SPARSE_FORWARD,
    TINY,
    Program,
    address_of,
    kernel,
    layer_kernels,
    write_kernels,
)
from chainrule.compiled.kernels import memory_layout as mem
from chainrule.compiled.kernels.memory_layout import Memory
from chainrule.compiled.kernels.network_table import (
    LINE,
    RUN_FORWARD,
    SETTINGS,
    Tables,
    kind_of,
    rounded,
    tables,
)
from chainrule.compiled.parallel_build import build_in_parallel
from chainrule.compiled.sample_layout import rows_of
from chainrule.compiled.sparse_layer import SparseLayer
from chainrule.compiled.threads import run_together, single_blas
from chainrule.errors import DivergenceError
from chainrule.layers import LayerNorm
from chainrule.layout import LARGE_SPARSE
from chainrule.loops import Batches, State
from chainrule.network import Network
from chainrule.optimizers import SGD, ClipNorm, ClipValue, Momentum, Optimizer
from chainrule.schedules import Schedule, rate_at
from chainrule.sparse_samples import SparseSamples

Array: TypeAlias = NDArray[Any]

CHUNK = 0.1  # approximate seconds of one compiled call, which delays Ctrl-C
# Seconds after which a run's state is copied, as a state to return to: the maximum, and the time
# for each parameter, so that copying takes about 1 % of the time.
KEEP, KEEP_EACH = 1.0, 1e-6
# … and for a large θ, which is copied as seldom as possible: Ctrl-C then repeats an epoch.
KEEP_LARGE = 600.0
CHUNK_LAZY = 0.5  # … in which updates of the first layer are put off: each call ends by making them
GUESS = 3e8  # assumed parameters times samples per second before the first call: a slow speed
NEVER = 2**62  # a count of arrivals that ends every wait
ORDERS = 2**16  # number of samples whose order is drawn at once, at least one epoch's
CALL_HEADER = [mem.FIRST, mem.COUNT, mem.STEP, mem.SEED, mem.ORDERS, mem.ENDS]
UNKNOWN = 2**40  # samples of an epoch whose end is not in sight
PANEL_BYTES = 2**20  # of a thread's gradients: a compromise between long products and the cache


# ---- the parts of a run -------------------------------------------------------------------------


def names_of(optimizer: Optimizer) -> list[str]:
    """Return the names of a rule's parameters after its slots, in order."""
    return list(optimizer.constants(1, 1.0))


def clipping(optimizer: Optimizer) -> tuple[float, float]:
    """Return the limits of entries and of the norm; 0 means no limit."""
    clip = optimizer.clip
    return (
        clip.limit if isinstance(clip, ClipValue) else 0.0,
        clip.limit if isinstance(clip, ClipNorm) else 0.0,
    )


def mode_of(network: Network, optimizer: Optimizer) -> int:
    """Return how θ is updated: for SGD and momentum in the matrix product, if possible."""
    if isinstance(optimizer.clip, ClipNorm):
        return mem.WHOLE
    if network.penalty or optimizer.clip is not None:
        return mem.BY_PANELS
    inside = {SGD: mem.INSIDE_SGD, Momentum: mem.INSIDE_MOMENTUM}
    return inside.get(type(optimizer), mem.BY_PANELS)


def panel_of(widths: Sequence[int], ranks: int, most: int) -> int:
    """Return the length of a thread's panel: the gradients of its units of a layer, or less."""
    sizes = itertools.pairwise(widths)
    largest = max((d * rounded(-(-width // ranks)) for d, width in sizes), default=0)
    return rounded(max(min(most, largest), *widths, LINE))


def settings(network: Network, optimizer: Optimizer, data: Batch) -> list[float]:
    """Return the settings of penalty, clipping and rule, in the order of ``memory_layout``."""
    penalty, (value, norm) = network.penalty, clipping(optimizer)
    momentum = float(getattr(optimizer, "momentum", 0.0))
    decay = float(getattr(optimizer, "decay", 0.0))
    unit = data.total / len(data.x)
    return [penalty.l1, penalty.l2, penalty.alpha, value, norm, momentum, decay, unit]


class Kernel:
    """The memory and the kernels of a compiled run, except θ and its moving averages.

    Parameters
    ----------
    network : Network
    optimizer : Optimizer
    data : Batch
        All samples.
    batches : Batches
    ranks : int
        Threads.
    tiny : bool
        Whether to use the program for small networks, with one thread and only Dense layers.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        data: Batch,
        batches: Batches,
        ranks: int,
        *,
        tiny: bool = False,
    ) -> None:
        self.network, self.optimizer, self.data, self.batches = network, optimizer, data, batches
        self.ranks, self.n, self.first = ranks, len(data.x), 0  # the first batch in the data
        self.dtype: Dtype = data.x.dtype.type
        self.itemsize = np.dtype(self.dtype).itemsize
        self.size = min(batches.size or self.n, self.n)
        self.tiny = tiny
        self.mode = mode_of(network, optimizer)
        self.sparse = self._sparse_layer()
        widths = network.widths[self.sparse is not None :]
        self.panel = panel_of(widths, ranks, PANEL_BYTES // self.itemsize)
        launched = () if tiny else self._kernels_to_launch()
        with build_in_parallel(self._kernels(launched), self.dtype):
            self.tables = self._tables()
            self.loss = loss_kernel(network.loss, self.dtype)
            self.rule = update_kernel(type(optimizer), self.dtype)
        self.run = Program(kernel(TINY if tiny else BATCHES, self.dtype), 3)
        self.kernels = self._write_kernels()
        self.launched = {k: kernel(LAUNCHED[k], self.dtype) for k in launched}
        self.rows = rows_of(data.x)
        self.fixed = self._fixed()
        self.header = self._header()
        self.pointers = np.zeros(len(Memory._fields), np.int64)
        self.at = address_of(self.pointers)
        self._write_pointers({**self.fixed, "pointers": self.pointers, "header": self.header})

    def _tables(self) -> Tables:
        """Return the tables of the network, for batches of this run's size."""
        rows = rounded(self.size) if self.tiny else self.size  # to whole vectors
        panels, sparse = self.panel * self.ranks, self.sparse is not None
        given = self.network, self.dtype, rows, panels
        return tables(*given, unit_by_unit=self.tiny, sparse=sparse)

    def _write_kernels(self) -> list[Loaded]:
        """Store the addresses of the layers' kernels in the table; return their owners."""
        if self.tiny:
            return []
        owners = write_kernels(self.tables.layers, self.dtype, backward=True)
        if self.sparse is not None:
            owners.append(kernel(SPARSE_FORWARD, self.dtype))
            self.tables.layers[0, RUN_FORWARD] = owners[-1].address
        return owners

    def _kernels_to_launch(self) -> list[int]:
        """Return the numbers of the kernels that this run launches by number."""
        whole, kinds = self.mode == mem.WHOLE, {type(layer) for layer in self.network.layers}
        sparse = {} if self.sparse is None else self.sparse.launched
        needed = {
            **dict.fromkeys(mem.FOR_SPARSE, False),
            **sparse,
            mem.SUMS: LayerNorm in kinds,
            mem.NORM_PART: whole,
            mem.CHANGE_WHOLE: whole,
            mem.PENALTY_SUMS: bool(self.network.penalty),
        }
        return [k for k in range(len(LAUNCHED)) if needed.get(k, True)]

    def _kernels(self, launched: Sequence[int]) -> list[str]:
        """Return the names of all kernels that this run needs."""
        if self.tiny:
            return [TINY]
        kinds = map(kind_of, self.network.layers)
        first = [] if self.sparse is None else [SPARSE_FORWARD]
        return [
            BATCHES,
            *first,
            *layer_kernels(kinds, backward=True),
            *(LAUNCHED[k] for k in launched),
        ]

    def _sparse_layer(self) -> SparseLayer | None:
        """Return the first layer's part of sparse samples."""
        x: Any = self.data.x
        if not isinstance(x, SparseSamples):
            return None
        whole = self.mode == mem.WHOLE
        return SparseLayer(self.network, self.optimizer, x, self.size, self.ranks, whole=whole)

    def _fixed(self) -> dict[str, Array]:
        """Return the arrays that stay the same from call to call."""
        t, weight = np.ascontiguousarray(self.data.t).reshape(-1), self.data.weight
        work = aligned(self.tables.work, self.dtype)
        work[self.tables.ones : self.tables.zeros] = 1
        work[self.tables.zeros : self.tables.panel] = 0
        constants = [*self.tables.constants, *self.network.loss.constants.values()]
        numbers = [*settings(self.network, self.optimizer, self.data), *constants]
        layout = self.network.layout
        blocks = [(k.start, k.stop, k.decays) for k in layout.blocks if k.trains]
        if self.tiny and layout.trainable.all() and "decay" not in names_of(self.optimizer):
            blocks = [(0, layout.size, False)]  # all entries are treated alike
        whole = layout.size if self.tiny or self.mode == mem.WHOLE else 0
        return {
            "layers": self.tables.layers.reshape(-1),
            "numbers": np.array(numbers),
            "rule": np.zeros(self.ranks * 16),
            "x": self.rows.x,
            "t": t,
            "weight": np.zeros(0, self.dtype) if weight is None else weight,
            "work": work,
            "sums": np.zeros(self.ranks * 16),
            "barrier": np.zeros(8, np.int64),
            "blocks": np.array(blocks, np.int64).reshape(-1),
            "gradient": np.zeros(whole, self.dtype),
            **({} if self.sparse is None else self.sparse.arrays),
        }

    def _header(self) -> NDArray[np.int64]:
        """Return sizes, offsets and addresses that stay the same from call to call."""
        h = np.zeros(mem.HEADER_SIZE, np.int64)
        self._write_data_layout(h)
        self._write_program(h)
        return h

    def _write_data_layout(self, h: NDArray[np.int64]) -> None:
        """Write the sizes of data and batches, and the offsets of arrays."""
        given, n, rows = self.tables, self.n, self.rows
        h[[mem.SAMPLES, mem.SIZE, mem.BATCHES]] = n, self.size, self.batches.count(n)
        h[[mem.X_ROW, mem.X_COLUMN]] = rows.row, rows.column
        h[[mem.BATCH_X, mem.BATCH_T, mem.BATCH_WEIGHT]] = (
            given.batch_x,
            given.batch_t,
            given.batch_weight,
        )
        h[[mem.ONES, mem.ZEROS, mem.PANEL]] = given.ones, given.zeros, given.panel
        h[mem.PANEL_SIZE] = self.panel
        h[mem.SCRAP] = given.panel
        h[mem.ITEM] = self.itemsize
        h[[mem.LAYERS, mem.BLOCKS]] = len(given.layers), len(self.fixed["blocks"]) // 3
        h[mem.WEIGHTED] = self.data.weight is not None
        shuffled = self.batches.shuffle and self.size < n
        h[mem.DIRECT] = rows.column == 1 and rows.row >= self.network.inputs and not shuffled
        if self.sparse is not None:
            h[mem.DIRECT] = 1  # no dense samples are copied
            self.sparse.write_header(h)

    def _write_program(self, h: NDArray[np.int64]) -> None:
        """Write the kernels' addresses and the settings of loss, penalty and rule."""
        loss_constants = SETTINGS + len(self.tables.constants)
        h[[mem.LOSS, mem.LOSS_K]] = self.loss.addresses[self.tiny], loss_constants
        h[[mem.MODE, mem.DROPS]] = self.mode, self.network.has_dropout
        h[mem.PENALIZED] = bool(self.network.penalty)
        for k, launched in self.launched.items():
            h[mem.KERNELS + k] = launched.address
        places = {name: place for place, name in enumerate(names_of(self.optimizer))}
        h[mem.RULE] = self.rule.addresses[0]
        for column, name in (
            (mem.RATE_AT, "learning_rate"),
            (mem.K_AT, "k"),
            (mem.DECAY_AT, "decay"),
        ):
            h[column] = places.get(name, -1)

    def load(self, data: Batch, first: int, n: int | None) -> None:
        """Replace the data by consecutive rows of an epoch, in the order of training.

        Parameters
        ----------
        data : Batch
            Rows from the beginning of a batch, of the shape and precision of those before, and
            without weights.
        first : int
            The number of their first batch in the epoch.
        n : int or None
            How many samples the epoch has, if these are its last ones.
        """
        self.data, self.first, self.n = data, first, UNKNOWN if n is None else n
        self.rows = rows_of(data.x)
        self.fixed |= {"x": self.rows.x, "t": np.ascontiguousarray(data.t).reshape(-1)}
        self._write_data_layout(self.header)
        self._write_pointers({name: self.fixed[name] for name in ("x", "t")})
        # A batch's rows are found by its number in the epoch, so both begin before the data.
        item, before = data.x.itemsize, first * self.size
        self.pointers[mem.FIELD_INDEX["x"]] -= before * self.rows.row * item
        self.pointers[mem.FIELD_INDEX["t"]] -= before * data.t.shape[1] * item

    def batch_at(self, state: State) -> Batch:
        """Return the batch that comes next."""
        order = self.batches.order(len(self.data.x), state.seed, state.epoch)
        return self.batches.take(self.data, order, state.batch - self.first)

    def prepare(
        self, theta: Array, slots: Sequence[Array], orders: Array, state: State, count: int
    ) -> dict[str, Array]:
        """Prepare the next `count` updates; return the arrays of this call."""
        ends = (state.batch + count) // self.batches.count(self.n)
        losses, rates = np.zeros(ends + 1), np.zeros(count)
        losses[-1] = state.loss_sum if state.batch else 0.0
        constants = list(self.optimizer.constants(state.step + 1, 1.0).values())
        self.fixed["rule"].reshape(self.ranks, 16)[:, : len(constants)] = constants
        rates[:] = rates_of(self.optimizer, state.step, count)
        seed = state.seed % 2**64
        self.header[CALL_HEADER] = (
            state.batch,
            count,
            state.step,
            seed - 2**64 * (seed >= 2**63),
            len(orders),
            ends,
        )
        self.fixed["barrier"][:] = 0
        slot, slot2 = ([*slots, theta, theta])[:2]
        made = {"theta": theta, "slot": slot, "slot2": slot2, "orders": orders}
        made |= {"losses": losses, "rates": rates}
        if self.sparse is not None:
            made |= self.sparse.prepare(count)
        self._write_pointers(made)
        return made

    def _write_pointers(self, arrays: dict[str, Array]) -> None:
        """Store the addresses of arrays; the caller keeps the arrays alive."""
        for name, array in arrays.items():
            self.pointers[mem.FIELD_INDEX[name]] = address_of(array)


def rates_of(optimizer: Optimizer, step: int, count: int) -> Array | float:
    """Return the learning rates of the next updates."""
    if not isinstance(optimizer.learning_rate, Schedule):
        return optimizer.learning_rate
    return np.array(
        [rate_at(optimizer.learning_rate, k) for k in range(step + 1, step + count + 1)]
    )


def aligned(count: int, dtype: Dtype) -> Array:
    """Return zeros that begin on a cache line."""
    size = np.dtype(dtype).itemsize
    memory = np.zeros(count + 64 // size, dtype)
    skip = -memory.ctypes.data % 64 // size
    return memory[skip : skip + count]


# ---- the run ------------------------------------------------------------------------------------


class Training:
    """Epochs on the compiled engine, from state to state.

    Parameters
    ----------
    kernel : Kernel
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.speed = 0.0  # measured samples per second
        self.ordered = 0, np.zeros((0, kernel.n), np.int64)  # an epoch, and the orders from it on

    def epochs(self, state: State, last: int) -> Iterator[tuple[State, list[float]]]:
        """Yield states up to the end of epoch `last`, at least once a second, and losses.

        Yields
        ------
        state : State
            Its arrays are not modified later.
        losses : list of float
            The loss of each epoch that has ended since the previous state.

        Raises
        ------
        DivergenceError
            If a loss, gradient or new θ is not finite; the last state yielded is valid.
        """
        while state.epoch < last:
            theta, slots = self._copies(state)
            after, losses, done = self._stretch(state, theta, slots, last)
            if done >= 0 or not np.isfinite(theta).all():
                sound, losses, error = self._find_fault(state, after.step - state.step + done + 1)
                yield sound, losses
                raise error
            state = self._with_arrays(after, theta, slots)
            del after, theta, slots  # it refers to the θ at its start
            yield state, losses

    def updates(self, state: State, count: int) -> Iterator[State]:
        """Yield the state after so many updates with the rows that were loaded.

        Raises
        ------
        DivergenceError
            If a loss, gradient or new θ is not finite; the last state yielded is valid.
        """
        theta, slots = self._copies(state)
        after, target = state, state.step + count
        while after.step < target:
            after, _, done = self._chunk(after, theta, slots, target - after.step)
            if done >= 0 or not np.isfinite(theta).all():
                sound, _, error = self._find_fault(state, after.step - state.step + done + 1)
                yield sound
                raise error
        yield self._with_arrays(after, theta, slots)

    def _copies(self, state: State) -> tuple[Array, list[Array]]:
        """Return copies of θ and the slots, in the precision of the data."""
        dtype, count = self.kernel.dtype, len(state.slots)
        if self.kernel.sparse is not None:
            return self.kernel.sparse.copies(state, dtype)
        slots = np.empty((count, len(state.theta)), dtype)
        for to, slot in zip(slots, state.slots, strict=True):
            to[:] = slot
        return np.array(state.theta, dtype), list(slots)

    def _stretch(
        self, state: State, theta: Array, slots: Sequence[Array], last: int
    ) -> tuple[State, list[float], int]:
        """Train for up to a second; return the state, losses, and the faulty update or −1."""
        began, losses = time.perf_counter(), []
        keep = self._seconds_kept(len(theta))
        while state.epoch < last and time.perf_counter() - began < keep:
            left = (last - state.epoch) * self.kernel.batches.count(self.kernel.n) - state.batch
            state, ended, done = self._chunk(state, theta, slots, left)
            losses += ended
            if done >= 0:
                return state, losses, done
        return state, losses, -1

    def _chunk(
        self, state: State, theta: Array, slots: Sequence[Array], left: int
    ) -> tuple[State, list[float], int]:
        """Make one compiled call of at most `left` updates."""
        kernel = self.kernel
        orders, count = self._orders(state, min(left, self._pace()))
        made = kernel.prepare(theta, slots, orders, state, count)
        began = time.perf_counter()
        with nullcontext() if kernel.tiny else single_blas():
            done = run_together(
                lambda rank: kernel.run(kernel.at, rank, kernel.ranks),
                kernel.ranks,
                lambda: kernel.fixed["barrier"].fill(NEVER),
            )
        seconds = max(time.perf_counter() - began, 1e-6)
        if done < count:
            return state, [], done
        self.speed = self._samples(state.batch, count) / seconds
        epochs, batch = divmod(state.batch + count, kernel.batches.count(kernel.n))
        sums = made["losses"]
        after = state._replace(
            step=state.step + count,
            epoch=state.epoch + epochs,
            batch=batch,
            loss_sum=float(sums[-1] if batch else sums[-2]),
        )
        return after, (sums[:-1] / kernel.n).tolist(), -1

    def _pace(self) -> int:
        """Return the number of updates in a chunk."""
        size = self.kernel.size
        speed = self.speed or size * GUESS / (size * self.kernel.network.layout.size + 100)
        if self.kernel.sparse is not None and self.kernel.sparse.lazy:
            return max(self.kernel.sparse.least, int(speed * CHUNK_LAZY / size))
        return max(1, int(speed * CHUNK / size))

    def _seconds_kept(self, parameters: int) -> float:
        """Return the seconds between the states to return to."""
        if self.kernel.sparse is not None and parameters >= LARGE_SPARSE:
            return KEEP_LARGE
        return min(KEEP, max(CHUNK, KEEP_EACH * parameters))

    def _samples(self, batch: int, count: int) -> int:
        """Return the number of samples in these updates; an epoch's last batch may be short."""
        size, n, batches = self.kernel.size, self.kernel.n, self.kernel.batches.count(self.kernel.n)
        ends = (batch + count) // batches
        return count * size - ends * (batches * size - n)

    def _orders(self, state: State, updates: int) -> tuple[Array, int]:
        """Return the orders of the next epochs, and how many of the updates they suffice for."""
        batches, n = self.kernel.batches, self.kernel.n
        if not batches.shuffle or self.kernel.size >= n:
            return np.zeros(0, np.int64), updates
        count, (first, orders) = batches.count(n), self.ordered
        if not first <= state.epoch < first + len(orders):
            epochs = min(-(-(state.batch + updates) // count), max(1, ORDERS // n))
            first = state.epoch
            orders = np.array([batches.order(n, state.seed, first + e) for e in range(epochs)])
            self.ordered = first, orders
        left = orders[state.epoch - first :]
        return left.reshape(-1), min(updates, len(left) * count - state.batch)

    # ---- divergence --------

    def _find_fault(self, sound: State, reach: int) -> tuple[State, list[float], DivergenceError]:
        """Find the last finite update by bisection; the reference engine then names the fault.

        Within `reach` updates, a loss or θ is not finite; the last θ is in no loss so far.
        """
        losses: list[float] = []
        while reach > 1:
            after, ended = self._advanced(sound, reach // 2)
            if after is None:
                reach //= 2
            else:
                sound, losses, reach = after, losses + ended, reach - reach // 2
        try:
            for _ in range(2):  # if rounding decides, the next update fails
                after = self._reference_update(sound)
                if after.epoch > sound.epoch:
                    losses.append(after.loss_sum / self.kernel.n)
                sound = after
        except DivergenceError as error:
            return sound, losses, error
        error = DivergenceError(
            f"the loss is not finite in epoch {sound.epoch + 1}, batch {sound.batch + 1}, computed "
            f"in {np.dtype(self.kernel.dtype)} by the compiled engine; lower the learning rate, "
            "bring inputs and targets to a common scale, or use float64; the last finite theta is "
            "kept"
        )
        return sound, losses, error

    def _advanced(self, state: State, count: int) -> tuple[State | None, list[float]]:
        """Return the state after some updates, or None if it is not finite, and the losses."""
        theta, slots = self._copies(state)
        target, losses = state.step + count, []
        while state.step < target:
            state, ended, done = self._chunk(state, theta, slots, target - state.step)
            losses += ended
            if done >= 0:
                return None, losses
        if not np.isfinite(theta).all():
            return None, losses
        return self._with_arrays(state, theta, slots), losses

    def _with_arrays(self, state: State, theta: Array, slots: Sequence[Array]) -> State:
        """Return a state of this engine with other arrays, which must not be used any more."""
        if self.kernel.sparse is not None:
            theta, slots = self.kernel.sparse.returned(theta, slots)
        return state._replace(theta=theta, slots=tuple(slots), engine="compiled")

    def _reference_update(self, state: State) -> State:
        """Make one update with the reference loop."""
        kernel = self.kernel
        state = loops.update(kernel.network, kernel.optimizer, kernel.batch_at(state), state)
        if state.batch == kernel.batches.count(kernel.n):
            return state._replace(epoch=state.epoch + 1, batch=0)
        return state
