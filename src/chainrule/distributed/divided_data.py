"""How a batch is divided into blocks: of samples in memory, or of shards that ranks read."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from chainrule.background import in_background
from chainrule.batch import Batch
from chainrule.distributed.settings import DataParallel
from chainrule.distributed.tree_sum import range_of
from chainrule.errors import InputError
from chainrule.loops import Batches, State

Array: TypeAlias = NDArray[Any]
Numbers: TypeAlias = NDArray[np.int64]

ROWS_AT_ONCE = 4096  # of a rank, which are read while it computes those before


class DividedBatch(NamedTuple):
    """A batch, and where this rank finds the samples of its blocks.

    Attributes
    ----------
    size : int
        The number of samples, over all ranks.
    blocks : int
        The number of blocks.
    samples : mapping of int to array
        By block, the numbers of its samples in the data of this rank. In memory, every rank has all
        blocks.
    rows : array (n,)
        The numbers of the samples that this rank has.
    """

    size: int
    blocks: int
    samples: Mapping[int, Numbers]
    rows: Numbers

    def first(self, block: int) -> int:
        """Return the place in the batch of a block's first sample."""
        return range_of(self.size, block, self.blocks)[0]


class DividedData(Protocol):
    """The samples of a run, as ranks compute them.

    Attributes
    ----------
    data : Batch
        In which `DividedBatch` counts samples.
    n : int
        Samples of an epoch, over all ranks.
    largest : int
        The largest number of samples in a block.
    """

    @property
    def data(self) -> Batch: ...
    @property
    def n(self) -> int: ...
    @property
    def largest(self) -> int: ...

    def at(self, state: State) -> DividedBatch:
        """Return the batch that comes after a state."""
        ...

    def same(self) -> Mapping[str, Array | None]:
        """Return what has to be the same on all ranks, by what messages call it."""
        ...


def count_of_blocks(parallel: DataParallel) -> int:
    """Return the number of blocks of a batch; without exact sums, one for each rank."""
    return parallel.blocks if parallel.exact else parallel.communicator.size


def sizes_of(rows: int, blocks: int) -> Numbers:
    """Return the number of samples in each block of a batch."""
    return np.diff([range_of(rows, block, blocks)[0] for block in range(blocks + 1)])


# ---- in memory ----------------------------------------------------------------------------------


class InMemory:
    """Samples that are in the memory of every rank.

    Parameters
    ----------
    data : Batch
    batches : Batches
    parallel : DataParallel
    """

    def __init__(self, data: Batch, batches: Batches, parallel: DataParallel) -> None:
        self.data, self.n = data, len(data.x)
        self.batches, self.parallel = batches, parallel
        self._drawn: tuple[tuple[int, int], Numbers] | None = None

    @property
    def largest(self) -> int:
        """The largest number of samples in a block."""
        size = min(self.batches.size or self.n, self.n)
        return int(sizes_of(size, self._blocks(size)).max())

    def same(self) -> Mapping[str, Array | None]:
        """Return the samples, targets and weights."""
        return {"X": self.data.x, "y": self.data.t, "sample_weight": self.data.weight}

    def at(self, state: State) -> DividedBatch:
        """Return the batch that comes after a state."""
        size, order = self.batches.size or self.n, self._order(state.seed, state.epoch)
        return self._divided(order[state.batch * size : (state.batch + 1) * size])

    def whole(self) -> DividedBatch:
        """Return all samples as one batch."""
        return self._divided(np.arange(self.n, dtype=np.int64))

    def _divided(self, rows: Numbers) -> DividedBatch:
        """Return samples as a batch."""
        blocks = self._blocks(len(rows))
        ends = [range_of(len(rows), block, blocks) for block in range(blocks)]
        samples = {block: rows[first:end] for block, (first, end) in enumerate(ends)}
        return DividedBatch(len(rows), blocks, samples, rows)

    def _blocks(self, size: int) -> int:
        """Return the number of blocks of a batch: without exact sums, some may be empty."""
        count = count_of_blocks(self.parallel)
        return min(count, size) if self.parallel.exact else count

    def _order(self, seed: int, epoch: int) -> Numbers:
        """Return the order of the samples in an epoch."""
        if self._drawn is None or self._drawn[0] != (seed, epoch):
            order = self.batches.order(self.n, seed, epoch)
            self._drawn = (seed, epoch), np.ascontiguousarray(order, np.int64)
        return self._drawn[1]


# ---- shards -------------------------------------------------------------------------------------


@runtime_checkable
class Shards(Protocol):
    """Samples of which each rank reads a part.

    An epoch is divided into shards of given sizes, which do not depend on the number of ranks:
    block k of every batch consists of the next samples of shard k.

    Attributes
    ----------
    rows : int
        The number of samples of an epoch.
    """

    @property
    def rows(self) -> int: ...

    def shards(
        self, seed: int, epoch: int, sizes: Sequence[int], own: range
    ) -> list[Iterator[Batch]]:
        """Return the samples of some of an epoch's shards, in parts.

        Parameters
        ----------
        seed, epoch : int
            The order is drawn from them.
        sizes : sequence of int
            The number of samples in each shard, whose sum is `rows`.
        own : range
            The shards that are read.
        """
        ...

    def fingerprint(self) -> Array:
        """Return numbers that differ if the source does."""
        ...


class Sharded:
    """Samples of which each rank reads the shards whose blocks it computes.

    Parameters
    ----------
    shards : Shards
    sample : Batch
        Some of the samples, for their shape and precision.
    batches : Batches
    parallel : DataParallel

    Raises
    ------
    InputError
        If there are no samples.
    """

    def __init__(
        self, shards: Shards, sample: Batch, batches: Batches, parallel: DataParallel
    ) -> None:
        self.shards, self.n = shards, shards.rows
        if not self.n:
            raise InputError("the chunks have no samples; give at least one")
        self.size, self.blocks = min(batches.size or self.n, self.n), count_of_blocks(parallel)
        ranks = parallel.communicator
        self.own = range(*range_of(self.blocks, ranks.rank, ranks.size))
        full = sizes_of(self.size, self.blocks)
        self.largest = max(1, int(full.max()))
        self.span = max(1, ROWS_AT_ONCE // max(1, int(full[self.own].sum())))  # batches at once
        rows = max(1, self.span * int(full[self.own].sum()) + len(self.own))
        x, t = (np.zeros((rows, one.shape[1]), one.dtype) for one in (sample.x, sample.t))
        self.data = Batch(x, t, None, float(rows))
        self._batches: Iterator[DividedBatch] = iter(())
        self._next: tuple[int, int, int] | None = None

    def same(self) -> Mapping[str, Array | None]:
        """Return what tells the source from others."""
        return {"training data": self.shards.fingerprint()}

    def at(self, state: State) -> DividedBatch:
        """Return the batch that comes after a state; its samples are then in the data."""
        place = state.seed, state.epoch, state.batch
        if place != self._next:
            batches = self._epoch(state.seed, state.epoch)
            self._batches = islice(batches, state.batch, None)
        self._next = state.seed, state.epoch, state.batch + 1
        return next(self._batches)

    def _epoch(self, seed: int, epoch: int) -> Iterator[DividedBatch]:
        """Yield the batches of an epoch."""
        starts = range(0, self.n, self.size)
        counts = [min(self.size, self.n - start) for start in starts]
        sizes = np.array([sizes_of(one, self.blocks) for one in dict.fromkeys(counts)])
        table = sizes[[int(one != counts[0]) for one in counts]]  # (batches, blocks)
        spans = [table[start : start + self.span] for start in range(0, len(table), self.span)]
        for span, part in zip(spans, in_background(self._read(seed, epoch, table)), strict=True):
            self.data.x[: len(part.x)], self.data.t[: len(part.t)] = part.x, part.t
            yield from self._divided(span)

    def _read(self, seed: int, epoch: int, table: Numbers) -> Iterator[Batch]:
        """Yield this rank's samples of several batches at a time, shard after shard."""
        totals = table.sum(axis=0).tolist()
        taken = [Taken(parts) for parts in self.shards.shards(seed, epoch, totals, self.own)]
        for start in range(0, len(table), self.span):
            counts = table[start : start + self.span, self.own].sum(axis=0).tolist()
            found = [shard.take(count) for shard, count in zip(taken, counts, strict=True)]
            parts = [part for one in found for part in one]
            x = joined([part.x for part in parts], self.data.x)
            yield Batch(x, joined([part.t for part in parts], self.data.t), None, float(len(x)))

    def _divided(self, span: Numbers) -> Iterator[DividedBatch]:
        """Yield batches whose samples are in the data."""
        own = span[:, self.own]  # (batches, shards)
        before = np.cumsum(own.sum(axis=0)) - own.sum(axis=0)  # samples of the shards before
        firsts = before + np.cumsum(own, axis=0) - own  # (batches, shards)
        for sizes, starts, whole in zip(own, firsts, span, strict=True):
            ends = zip(self.own, starts, starts + sizes, strict=True)
            samples = {block: np.arange(first, end) for block, first, end in ends}
            rows = np.concatenate(list(samples.values())) if samples else np.arange(0)
            yield DividedBatch(int(whole.sum()), self.blocks, samples, rows)


class Taken:
    """Takes samples from parts, as many as asked for.

    Parameters
    ----------
    parts : iterator of Batch
    """

    def __init__(self, parts: Iterator[Batch]) -> None:
        self.parts, self.rest = parts, list[Batch]()

    def take(self, count: int) -> list[Batch]:
        """Return the next samples, in parts.

        Raises
        ------
        InputError
            If there are fewer of them.
        """
        found = list[Batch]()
        while count:
            part = self.rest.pop() if self.rest else next(self.parts, None)
            if part is None:
                raise InputError(
                    "the training data have fewer rows than when they were opened; do not change "
                    "files while they are read"
                )
            found.append(part.head(count))
            if len(part.x) > count:
                self.rest.append(part.take(slice(count, None)))
            count -= len(found[-1].x)
        return found


def joined(parts: Sequence[Array], like: Array) -> Array:
    """Return arrays as one; without any, an empty one."""
    return np.concatenate(parts) if parts else like[:0]
