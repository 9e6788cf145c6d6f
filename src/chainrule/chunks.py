"""Training on samples that come in parts, of which only a few are in memory at a time.

The numbers are those of a run with all samples in memory, in the same order.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np

from chainrule import loops
from chainrule.batch import Batch
from chainrule.compiled import EngineChoice, training
from chainrule.errors import InputError
from chainrule.loops import Batches, State
from chainrule.network import Network
from chainrule.optimizers import Optimizer

if TYPE_CHECKING:
    from chainrule.compiled import Training


class Chunks(Protocol):
    """Samples that come in parts, in every epoch again."""

    def epoch(self, seed: int, epoch: int) -> Iterable[Batch]:
        """Return the samples of an epoch in parts, in the order in which they are trained on.

        Parameters
        ----------
        seed : int
        epoch : int
            Counted from 0.
        """
        ...


class ChunkTraining:
    """Epochs over samples that come in parts, on either engine.

    Parameters
    ----------
    network : Network
    optimizer : Optimizer
    chunks : Chunks
    size : int
        Samples in a batch. Batches reach from one part into the next, so that only the last one of
        an epoch may be smaller.
    choice : EngineChoice

    Attributes
    ----------
    samples : int
        How many samples the epoch had so far.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        chunks: Chunks,
        size: int,
        choice: EngineChoice,
    ) -> None:
        self.network, self.optimizer, self.chunks = network, optimizer, chunks
        self.batches, self.choice = Batches(size, shuffle=False), choice
        self.samples = 0
        self._compiled: Training | None = None

    def epoch(self, state: State) -> Iterator[State]:
        """Yield the state after each part of the rest of an epoch.

        A state within an epoch is continued: the samples before it are read, and passed over.

        Raises
        ------
        DivergenceError
            If a loss, gradient or new θ is not finite; the last state yielded is valid.
        InputError
            If there are no samples.
        """
        if state.batch == 0:
            state = state._replace(loss_sum=0.0)
        self.samples = 0
        parts = whole_batches(self.chunks.epoch(state.seed, state.epoch), self._size)
        for part, is_last in with_last(parts):
            first = self.samples // self._size
            self.samples += len(part.x)
            if state.batch >= self.batches.count(self.samples):
                continue  # it is from before the state
            for after in self._train(part, first, state, is_last=is_last):
                state = after
                yield state
        if not self.samples:
            raise InputError("the chunks have no samples; give at least one")

    @property
    def _size(self) -> int:
        """The number of samples in a batch."""
        return self.batches.size or 1

    def _train(self, part: Batch, first: int, state: State, *, is_last: bool) -> Iterator[State]:
        """Make the updates of a part, of which `first` is the number of the first batch."""
        if self.choice.engine != "compiled":
            yield from self._train_slowly(part, first, state, is_last=is_last)
            return
        if self._compiled is None:
            self._compiled = training(self.network, self.optimizer, part, self.batches, self.choice)
        self._compiled.kernel.load(part, first, self.samples if is_last else None)
        count = self.batches.count(self.samples) - state.batch
        yield from self._compiled.updates(state, count)

    def _train_slowly(
        self, part: Batch, first: int, state: State, *, is_last: bool
    ) -> Iterator[State]:
        """Make the updates of a part with the reference loop."""
        order = np.arange(len(part.x))
        for place in range(state.batch - first, self.batches.count(len(part.x))):
            batch = self.batches.take(part, order, place)
            state = loops.update(self.network, self.optimizer, batch, state)
            if is_last and (place + 1) * self._size >= len(part.x):
                state = state._replace(epoch=state.epoch + 1, batch=0)
            yield state


def whole_batches(parts: Iterable[Batch], size: int) -> Iterator[Batch]:
    """Yield the same samples in parts of whole batches; only the last batch may be smaller."""
    rest: Batch | None = None
    for part in parts:
        left = part
        if rest is not None:
            lacking = size - len(rest.x)
            rest, left = joined(rest, left.head(lacking)), left.take(slice(lacking, None))
            if len(rest.x) < size:
                continue
            yield rest
            rest = None
        whole = len(left.x) // size * size
        if whole:
            yield left.head(whole)
        if whole < len(left.x):
            rest = left.take(slice(whole, None))
    if rest is not None:
        yield rest


def joined(one: Batch, other: Batch) -> Batch:
    """Return the samples of two batches without weights."""
    x, t = np.concatenate([one.x, other.x]), np.concatenate([one.t, other.t])
    return Batch(x, t, None, float(len(x)))


def with_last(parts: Iterable[Batch]) -> Iterator[tuple[Batch, bool]]:
    """Yield each part, and whether it is the last one."""
    before: Batch | None = None
    for part in parts:
        if before is not None:
            yield before, False
        before = part
    if before is not None:
        yield before, True
