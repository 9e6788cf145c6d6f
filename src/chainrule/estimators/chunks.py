"""Chunks: training data that come in parts, each a pair of samples and targets.

They are checked and converted part by part, in every epoch again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from chainrule.background import in_background
from chainrule.batch import Batch
from chainrule.errors import InputError
from chainrule.estimators.data import check_precision, checked_pair

Array: TypeAlias = NDArray[Any]
Pair: TypeAlias = tuple[Any, Any]

SAMPLE_ROWS = 2000  # that represent all chunks, in the check of what was learned
ROWS_OF_CHUNK = 100  # of them from one chunk
GIVE = "give pairs (X, y) of samples and targets"


class EpochChunks(Protocol):
    """Chunks of one or many epochs.

    Attributes
    ----------
    in_thread : bool
        Whether chunks may be made in another thread, while the network is trained.
    """

    @property
    def in_thread(self) -> bool: ...

    def epoch(self, seed: int, epoch: int, *, shuffle: bool) -> Iterator[Pair]:
        """Yield the parts of an epoch, in the order in which they are trained on."""
        ...


@runtime_checkable
class ChunkSource(EpochChunks, Protocol):
    """Training data in parts, such as a stream of `chainrule.data`.

    Attributes
    ----------
    rows : int or None
        How many samples an epoch has, if that is known.
    classes : array (classes,) or None
        All classes, if they are known.
    repeats : bool
        Whether there can be more than one epoch.
    """

    @property
    def rows(self) -> int | None: ...
    @property
    def classes(self) -> Any: ...
    @property
    def repeats(self) -> bool: ...


@runtime_checkable
class ShardSource(ChunkSource, Protocol):
    """Training data of which each process can read a part, such as a stream of `chainrule.data`."""

    def shards(
        self, seed: int, epoch: int, sizes: Sequence[int], own: range, *, shuffle: bool
    ) -> list[Iterator[Pair]]:
        """Return the samples of some of an epoch's shards; see `chainrule.distributed.Shards`."""
        ...

    def example(self) -> Pair:
        """Return some samples and targets, the same in every process."""
        ...

    def fingerprint(self) -> Array:
        """Return numbers that differ if the data do."""
        ...


def chunk_source(X: Any, y: Any) -> ChunkSource | None:
    """Return what is given instead of arrays as chunks, or None for anything else.

    Parameters
    ----------
    X : ChunkSource, iterable of pairs, iterator of pairs, or callable that returns either
    y : None
        For chunks, which have targets of their own.
    """
    if y is not None:
        return None
    if isinstance(X, ChunkSource):
        return X
    if isinstance(X, list | tuple) and not X:
        raise InputError("the chunks have no samples; give at least one pair (X, y)")
    if callable(X) and not hasattr(X, "__array__"):
        begin: Callable[[], Any] = X
        return RepeatedChunks(begin)
    if isinstance(X, Iterator):
        return RepeatedChunks(lambda: X, repeats=False)
    array_like = hasattr(X, "__array__") or hasattr(X, "shape") or isinstance(X, str | bytes)
    if array_like or not isinstance(X, Iterable):
        return None
    first = next(iter(X), None)
    is_pair = isinstance(first, tuple | list) and len(first) == 2 and np.ndim(first[0]) == 2
    return RepeatedChunks(lambda: X) if is_pair else None


@dataclass
class RepeatedChunks:
    """Chunks of a user's iterable: their order is the user's, their rows are shuffled.

    Parameters
    ----------
    begin : callable
        Returns an iterable of pairs (X, y), a new one for each epoch.
    repeats : bool
    """

    begin: Callable[[], Any]
    repeats: bool = True
    rows: int | None = None
    classes: Any = None
    in_thread: bool = False  # what a user's code does in a thread is not known

    def epoch(self, seed: int, epoch: int, *, shuffle: bool) -> Iterator[Pair]:
        """Yield the chunks, each with its rows in an order drawn from (seed, epoch, chunk)."""
        chunks = self.begin()
        if isinstance(chunks, str) or not isinstance(chunks, Iterable):
            raise InputError(f"the callable returned {chunks!r}; it has to return chunks: {GIVE}")
        for place, chunk in enumerate(chunks):
            if not (isinstance(chunk, tuple | list) and len(chunk) == 2):
                raise InputError(f"chunk {place} is a {type(chunk).__name__}; {GIVE}")
            X, y = chunk
            # With [seed, epoch] alone for the first chunk: the order of the same rows in memory.
            yield (*shuffled(X, y, [seed, epoch, place]),) if shuffle else (X, y)


def shuffled(X: Any, y: Any, seeds: list[int]) -> Pair:
    """Return samples and targets in another order."""
    n = _num_samples(X)
    if n != _num_samples(y):
        return X, y  # which is an error elsewhere
    order = np.random.default_rng(seeds).permutation(n)
    return _safe_indexing(X, order), _safe_indexing(y, order)


class Summary(NamedTuple):
    """What is known of all chunks before training.

    Attributes
    ----------
    rows : int or None
    classes : array or None
    X, y : array
        Some of the samples, from many chunks.
    """

    rows: int | None
    classes: Any
    X: Array
    y: Array


def summarize(estimator: Any, source: ChunkSource, seed: int, *, reset: bool) -> Summary:
    """Read the chunks for what has to be known before training.

    Parameters
    ----------
    estimator : estimator
        Its number and names of features are set, or compared.
    source : ChunkSource
    seed : int
    reset : bool
        Whether the first chunk says what the features are.

    Raises
    ------
    InputError
        If a chunk is invalid, or there is none.
    """
    numeric = estimator._numeric  # noqa: SLF001 (a part of the estimator)
    reject_numbers(estimator, source)
    rows, classes, some = 0, source.classes, list[Pair]()
    for place, (X, y) in enumerate(source.epoch(seed, 0, shuffle=False)):
        samples, targets = checked_chunk(estimator, X, y, place, reset=reset and not place)
        rows += len(samples)
        some.append(example(samples, targets))
        if not numeric:
            found = np.unique(targets)
            classes = found if classes is None else np.union1d(classes, found)
    if not some:
        raise InputError("the chunks have no samples; give at least one")
    X, y = (np.concatenate(part)[:SAMPLE_ROWS] for part in zip(*some, strict=True))
    return Summary(rows, classes, X, y)


def reject_numbers(estimator: Any, source: ChunkSource) -> None:
    """Raise InputError if a stream of numbers is to train a classifier."""
    own = source if not isinstance(source, RepeatedChunks) else None
    if own is not None and own.classes is None and not estimator._numeric:  # noqa: SLF001
        raise InputError(
            "the target of these chunks is a number, and an MLPClassifier predicts classes; use "
            "MLPRegressor, or learn the preparation with task='classification'"
        )


def knows_all(estimator: Any, source: ChunkSource) -> bool:
    """Return whether a source knows what else has to be found by reading all chunks."""
    numeric = estimator._numeric  # noqa: SLF001
    return source.rows is not None and (numeric or source.classes is not None)


def example(X: Array, y: Array) -> Pair:
    """Return some samples of a chunk, from all over it."""
    step = max(1, len(X) // ROWS_OF_CHUNK)
    return X[::step], y[::step]


def checked_chunk(estimator: Any, X: Any, y: Any, place: int, *, reset: bool) -> Pair:
    """Return samples (n, features) and targets (n,) or (n, outputs) of a chunk.

    Raises
    ------
    InputError
        If they are invalid; the message names the chunk, the row and the column.
    """
    try:
        samples, targets = checked_pair(
            estimator,
            X,
            y,
            reset=reset,
            numeric=estimator._numeric,  # noqa: SLF001
        )
    except (InputError, TypeError) as error:
        raise type(error)(f"chunk {place}: {error}") from None
    if targets.ndim > 1 and not estimator._numeric:  # noqa: SLF001
        raise InputError(
            f"chunk {place}: y has shape {targets.shape}; classifiers take one column of labels in "
            "chunks: give (n,)"
        )
    return samples, targets


@dataclass
class NetworkChunks:
    """Chunks as a network takes them.

    Parameters
    ----------
    estimator : estimator
    source : EpochChunks
    dtype : type
        float32 or float64, in which they are computed.
    shuffle : bool
    """

    estimator: Any
    source: EpochChunks
    dtype: Any
    shuffle: bool

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """Return the parts of an epoch."""
        batches = self._batches(seed, epoch)
        return in_background(batches) if self.source.in_thread else batches

    def _batches(self, seed: int, epoch: int) -> Iterator[Batch]:
        """Return the parts of an epoch."""
        return self._converted(self.source.epoch(seed, epoch, shuffle=self.shuffle))

    def _converted(self, chunks: Iterable[Pair]) -> Iterator[Batch]:
        """Yield chunks as the network takes them."""
        for place, (X, y) in enumerate(chunks):
            samples, targets = checked_chunk(self.estimator, X, y, place, reset=False)
            yield self.batch(samples, targets, f"chunk {place}: y")

    def batch(self, X: Array, y: Array, what: str = "y") -> Batch:
        """Return samples and targets as the network takes them."""
        estimator = self.estimator
        network = estimator.network_
        t = estimator._targets(y, network.loss, what)  # noqa: SLF001
        check_precision(t, self.dtype, what)
        theta = np.zeros(network.layout.size, self.dtype)
        return network.batch(theta, X.astype(self.dtype, copy=False), t, None)


@dataclass
class NetworkShards(NetworkChunks):
    """Chunks as a network takes them, of which each process reads a part.

    Parameters
    ----------
    shard_source : ShardSource
        The same source.
    """

    shard_source: ShardSource

    @property
    def rows(self) -> int:
        """The number of samples of an epoch."""
        return self.shard_source.rows or 0

    def shards(
        self, seed: int, epoch: int, sizes: Sequence[int], own: range
    ) -> list[Iterator[Batch]]:
        """Return the samples of some of an epoch's shards, in parts."""
        found = self.shard_source.shards(seed, epoch, sizes, own, shuffle=self.shuffle)
        return [self._converted(one) for one in found]

    def fingerprint(self) -> Array:
        """Return numbers that differ if the data do."""
        return self.shard_source.fingerprint()
