"""The memory of the first layer for sparse samples, and θ with its W as (in, out).

``kernels.sparse_rows`` computes with it.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.compiled.kernels import memory_layout as mem
from chainrule.loops import State
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.sparse_samples import SparseSamples

Array: TypeAlias = NDArray[Any]

MOST_UPDATES = 16  # that a call makes, even if it then takes longer than it should
COLUMNS = 512  # that are transposed at once: rows and columns stay in the cache


class SparseLayer:
    """The first layer of a run with sparse samples.

    Parameters
    ----------
    network : Network
        Its first layer is Dense.
    optimizer : Optimizer
    samples : SparseSamples
    size : int
        Samples in a batch.
    ranks : int
        Threads.
    whole : bool
        Whether updates need the whole gradient at once, so that none can be put off.

    Attributes
    ----------
    lazy : bool
        Whether updates of weights are put off while their inputs are 0.
    least : int
        How many updates a call makes at least, if they are put off.
    idle : bool
        Whether weights stay as they are without a gradient, once their averages are 0.
    arrays : dict of str to array
        What stays the same from call to call.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        samples: SparseSamples,
        size: int,
        ranks: int,
        *,
        whole: bool,
    ) -> None:
        self.samples, self.ranks, self.inputs = samples, ranks, network.inputs
        self.block = network.layout.blocks[0]
        self.slots = len(optimizer.slots)
        self.idle = not network.penalty and rests_without_gradient(optimizer)
        always = self.idle and not self.slots
        self.lazy = self.block.trains and not whole and not always
        self.most = most_entries(samples, size)
        # Making all updates at the end of a call takes as long as an update with an entry in each
        # column, or longer; a call should consist of more than that.
        self.least = min(MOST_UPDATES, 1 + 2 * self.inputs // max(1, self.most))
        self.arrays = self._arrays()

    def _arrays(self) -> dict[str, Array]:
        """Return the samples' structure, and the memory of a batch's entries."""
        x, listing = self.samples, 1 + self.inputs + 2 * min(self.most, self.inputs) + 1 + self.most
        return {
            "columns": np.ascontiguousarray(x.columns, np.int32),
            "bounds": np.ascontiguousarray(x.bounds, np.int64),
            "x": np.ascontiguousarray(x.values),
            "listing": np.zeros(listing, np.int64),
            "listed": np.zeros(self.most, x.dtype),
            "done": np.zeros(self.ranks * self.inputs * self.lazy, np.int64),
        }

    @property
    def launched(self) -> dict[int, bool]:
        """Which of the kernels for sparse samples are launched, by their numbers."""
        lazy = dict.fromkeys((mem.CATCH_UP, mem.ADD_PENALTIES), self.lazy)
        return {mem.LIST_ENTRIES: True, mem.SPARSE_CHANGE: True, **lazy}

    def write_header(self, h: NDArray[np.int64]) -> None:
        """Write what the kernels have to know."""
        columns = min(self.most, self.inputs)
        h[[mem.SPARSE, mem.LAZY, mem.IDLE]] = 1, self.lazy, self.slots if self.idle else 0
        h[mem.COUNTS] = 1
        h[mem.LISTED] = 1 + self.inputs
        h[mem.STARTS] = 1 + self.inputs + columns
        h[mem.ENTRIES] = 1 + self.inputs + 2 * columns + 1

    def prepare(self, count: int) -> dict[str, Array]:
        """Return the arrays of a call with `count` updates."""
        self.arrays["done"][:] = 0
        return {"penalties": np.zeros(count * (1 + 2 * self.ranks))}

    # ---- θ and averages with W as (in, out) ----

    def copies(self, state: State, dtype: type[np.floating[Any]]) -> tuple[Array, list[Array]]:
        """Return copies of θ and the averages, with the first layer's W as (in, out)."""
        units, inputs = self.block.shape

        def turned(vector: Array) -> Array:
            return turn(vector, np.empty(len(vector), dtype), self.block.start, units, inputs)

        return turned(state.theta), [turned(slot) for slot in state.slots]

    def returned(self, theta: Array, slots: Sequence[Array]) -> tuple[Array, list[Array]]:
        """Return θ and the averages with W as (out, in), written over the arrays given.

        So only one further array is needed: each is written to the memory of the one before.
        """
        units, inputs = self.block.shape
        free, turned = np.empty_like(theta), list[Array]()
        for vector in (theta, *slots):
            turned.append(turn(vector, free, self.block.start, inputs, units))
            free = vector
        return turned[0], turned[1:]


def turn(vector: Array, to: Array, start: int, rows: int, columns: int) -> Array:
    """Write a vector to another, with the (rows, columns) at `start` transposed; return it."""
    stop = start + rows * columns
    to[:start], to[stop:] = vector[:start], vector[stop:]
    source, turned = (
        vector[start:stop].reshape(rows, columns),
        to[start:stop].reshape(columns, rows),
    )
    if rows < columns:
        for k in range(0, columns, COLUMNS):
            turned[k : k + COLUMNS] = source[:, k : k + COLUMNS].T
    else:
        for k in range(0, rows, COLUMNS):
            turned[:, k : k + COLUMNS] = source[k : k + COLUMNS].T
    return to


def most_entries(samples: SparseSamples, size: int) -> int:
    """Return how many entries a batch can have: those of the samples that have the most."""
    counts = np.diff(samples.bounds)
    return int(np.sort(counts)[-size:].sum())


def rests_without_gradient(optimizer: Optimizer) -> bool:
    """Return whether the rule leaves a weight as it is if its gradient and its averages are 0."""
    constants = {**optimizer.constants(1, 1.0), "learning_rate": 1.0}
    one, zeros = np.ones(1), [np.zeros(1) for _ in optimizer.slots]
    after = optimizer.rule(one, np.zeros(1), *zeros, *constants.values())
    return all(np.array_equal(new, old) for new, old in zip(after, (one, *zeros), strict=True))
