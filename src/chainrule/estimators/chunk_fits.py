"""Fits on chunks: what `fit` and `partial_fit` do if the data come in parts."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.estimators.checkpointing import fit_checkpoints
from chainrule.estimators.chunks import (
    ChunkSource,
    EpochChunks,
    NetworkChunks,
    NetworkShards,
    Pair,
    ShardSource,
    Summary,
    checked_chunk,
    example,
    knows_all,
    summarize,
)
from chainrule.estimators.fitting import FitLoop
from chainrule.estimators.history import (
    TrainingHistory,
    batch_size,
    make_chunk_run,
    resume_history,
)
from chainrule.estimators.hyperparameters import checkpoints_of
from chainrule.estimators.solvers import is_lbfgs

Array: TypeAlias = NDArray[Any]

UNKNOWN = sys.maxsize  # samples of an epoch whose chunks have not been counted


@dataclass
class BegunChunks:
    """Chunks of which the first one of an epoch was looked at before.

    Parameters
    ----------
    source : ChunkSource
    begun : tuple of int
        The seed and the number of this epoch.
    first : pair
    rest : iterator of pairs, optional
        None once they were used.
    """

    source: ChunkSource
    begun: tuple[int, int]
    first: Pair
    rest: Iterator[Pair] | None

    @property
    def in_thread(self) -> bool:
        """Whether chunks may be made in another thread."""
        return self.source.in_thread

    def epoch(self, seed: int, epoch: int, *, shuffle: bool) -> Iterator[Pair]:
        """Return the chunks of an epoch."""
        rest, self.rest = self.rest, None
        if rest is None or (seed, epoch) != self.begun:
            return self.source.epoch(seed, epoch, shuffle=shuffle)
        return chain([self.first], rest)


class ChunkFits:
    """The part of an estimator that fits chunks."""

    def _prepare_chunks(
        self: Any,
        source: ChunkSource,
        given: Any,
        held: Any,
        epochs: int,
        *,
        fresh: bool,
        classes: Any,
        part: bool,
    ) -> FitLoop:
        """Check what can be checked before training, and return the training loop of a fit."""
        check_chunk_options(self, source, given, held, part=part)
        seed, checkpoints = self._seed(fresh=fresh), fit_checkpoints(self, part=part)
        if checkpoints is not None and fresh:
            seed = checkpoints.seed(seed)
        chunks: EpochChunks = source
        if self.communicator is not None:
            known = example_of(self, source, reset=fresh)
        elif part or knows_all(self, source):
            chunks, known = self._begin_epoch(source, seed, fresh=fresh)
        else:
            known = summarize(self, source, seed, reset=fresh)
        if fresh:
            self._learn_targets(known.y, known.classes if classes is None else classes)
        elif not part:
            self._check_warm_start(known.y if known.classes is None else known.classes)
        self._make_network(fresh=fresh)
        n, dtype = known.rows or UNKNOWN, known.X.dtype
        validation = None if held.X is None else self._validate_given(held, dtype)
        history = self._chunk_history(n, dtype, seed, fresh=fresh, part=part)
        converted = network_chunks(self, chunks, dtype, shuffle=self._shuffles_chunks(n))
        sample = converted.batch(known.X, known.y)
        make = partial(make_chunk_run, self, self.network_, converted, sample, n)
        loop = self._fit_loop(make(epochs, history), history, validation, epochs, given)
        return self._continue(loop, checkpoints, identity_of_chunks(source), validation, make)

    def _begin_epoch(
        self: Any, source: ChunkSource, seed: int, *, fresh: bool
    ) -> tuple[BegunChunks, Summary]:
        """Return the chunks of the next epoch, and what its first one says."""
        epoch = 0 if fresh else self._history.state.epoch
        shuffle = self._shuffles_chunks(source.rows or UNKNOWN)
        rest = iter(source.epoch(seed, epoch, shuffle=shuffle))
        first = next(rest, None)
        if first is None:
            raise InputError("the chunks have no samples; give at least one")
        X, y = checked_chunk(self, *first, 0, reset=fresh)
        known = Summary(source.rows, source.classes, *example(X, y))
        return BegunChunks(source, (seed, epoch), first, rest), known

    def _shuffles_chunks(self: Any, n: int) -> bool:
        """Return whether the samples are shuffled; those of a single batch need not be."""
        return bool(self.shuffle) and n > batch_size(self, n)

    def _chunk_history(
        self: Any, n: int, dtype: Any, seed: int, *, fresh: bool, part: bool
    ) -> TrainingHistory:
        """Return the history of a fit, which knows nothing of its data."""
        if fresh:
            history = self._start(n, dtype, seed, keep=part or bool(self.warm_start))
        else:
            history = resume_history(self, self.network_, n, self._theta, self._history)
        if part and not fresh:
            state = history.state._replace(batch=0, loss_sum=0.0)
            history.checkpoint = history.checkpoint._replace(state=state)
        history.fingerprint = history.memory = None  # of other data
        return history


def example_of(estimator: Any, source: ChunkSource, *, reset: bool) -> Summary:
    """Return what a stream says of its samples, the same in every process.

    Raises
    ------
    InputError
        If it does not know its rows and classes.
    """
    if not isinstance(source, ShardSource) or not knows_all(estimator, source):
        raise InputError(
            "chunks for several processes have to know their rows and classes; give a stream of "
            "chainrule.data"
        )
    X, y = checked_chunk(estimator, *source.example(), 0, reset=reset)
    return Summary(source.rows, source.classes, X, y)


def network_chunks(
    estimator: Any, chunks: EpochChunks, dtype: Any, *, shuffle: bool
) -> NetworkChunks:
    """Return chunks as a network takes them; those of a stream can be divided."""
    if isinstance(chunks, ShardSource):
        return NetworkShards(estimator, chunks, dtype, shuffle, chunks)
    return NetworkChunks(estimator, chunks, dtype, shuffle)


def identity_of_chunks(source: ChunkSource) -> dict[str, Array]:
    """Return what tells a stream from others."""
    return {"training data": source.fingerprint()} if isinstance(source, ShardSource) else {}


def require_stream(estimator: Any) -> None:
    """Raise InputError for what chunks other than a stream cannot have."""
    if checkpoints_of(estimator) is not None:
        raise InputError(
            "chunks other than a stream have no Checkpoints; save(path) after a fit of fewer "
            "epochs, continue it with warm_start=True, and leave Checkpoints out of callbacks"
        )
    if estimator.communicator is not None:
        raise InputError(
            "these chunks cannot be divided among processes; give a stream of chainrule.data "
            "(open_stream), or X and y as arrays, or set communicator=None"
        )


def check_chunk_options(
    estimator: Any, source: ChunkSource, given: Any, held: Any, *, part: bool
) -> None:
    """Raise InputError for what needs all data at once, and for chunks that can be read once."""
    if is_lbfgs(estimator):
        raise InputError("solver='lbfgs' needs all data at once; choose 'adam' or 'sgd' for chunks")
    if not part and not source.repeats:
        raise InputError(
            "X is an iterator, which can be read only once, but fit reads its chunks in every "
            "epoch; give a list, a stream or a function that returns a new iterator, or call "
            "partial_fit, which trains for one epoch"
        )
    if not isinstance(source, ShardSource):
        require_stream(estimator)
    for name, value in (("sample_weight", given.weight), ("groups", given.groups)):
        if value is not None:
            raise InputError(f"{name} is given for chunks, which have none; leave it out")
    if getattr(estimator, "class_weight", None) is not None:
        raise InputError(
            f"class_weight={estimator.class_weight!r} needs all data at once; leave it out for "
            "chunks"
        )
    if estimator.early_stopping and held.X is None:
        raise InputError(
            "early_stopping=True holds out rows of X, which chunks do not allow; give X_val and "
            "y_val"
        )
