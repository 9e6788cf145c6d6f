"""Streams: tables too large for memory, which are read again in every epoch, in another order."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from chainrule.data.arrow import arrow
from chainrule.data.csv_files import TextFile, TextOptions, reject_options
from chainrule.data.folders import is_folder, open_groups
from chainrule.data.locations import STANDARD_INPUT, Location
from chainrule.data.preparation import Preparation
from chainrule.data.reading import read, typed
from chainrule.data.row_groups import GROUPS, RowGroups, TableGroups, TextGroups
from chainrule.data.shards import Piece, order_of_groups, pieces_of
from chainrule.data.table import BLOCK_ROWS, ArrowTable, Table, held_out
from chainrule.descriptions import check_int
from chainrule.errors import unknown

Array: TypeAlias = NDArray[Any]

BUFFER_ROWS = 2**18  # in memory at once, as they are in the file
GROUPS_AT_ONCE = 4  # row groups that a buffer is filled from
CHUNK_BYTES = 2**22  # of prepared inputs
FIRST_ROWS = 1000  # in which the kinds of columns are looked up
EXAMPLE_ROWS = 100  # that represent all


class Part(NamedTuple):
    """Some rows, and their numbers in the source.

    Attributes
    ----------
    data : pyarrow.Table
    rows : array (n,)
    """

    data: ArrowTable
    rows: Array


class Buffer(NamedTuple):
    """Rows in memory, and the order in which they are trained on.

    Attributes
    ----------
    table : Table
    order : array (n,)
    """

    table: Table
    order: Array


@dataclass(frozen=True)
class Stream:
    """A table that is read again in every epoch, because it may not fit into memory.

    `Preparation.learn` takes a stream, and `chunks` gives an estimator what it is fitted to.
    `open_stream` makes one.

    Parameters
    ----------
    groups : RowGroups
        The row groups of the source.
    buffer_rows : int
        How many rows are shuffled together. If they are all rows, the order is that of a fit in
        memory, and so are the results, byte for byte.
    kept : array (n,) of bool, optional
        Which rows of the source belong to the stream; all by default.

    Attributes
    ----------
    rows : int
        The number of rows.
    """

    groups: RowGroups
    buffer_rows: int = BUFFER_ROWS
    kept: Array | None = None

    @cached_property
    def rows(self) -> int:
        """The number of rows."""
        return sum(self.groups.counts) if self.kept is None else int(self.kept.sum())

    @property
    def found(self) -> tuple[str, ...]:
        """Sentences on what was found when the source was opened."""
        return self.groups.found

    @property
    def source(self) -> str:
        """What messages call the stream."""
        return self.groups.origin.source

    def __len__(self) -> int:
        return self.rows

    def __repr__(self) -> str:
        return f"<Stream {self.source!r}: {self.rows} rows, {self.buffer_rows} in memory>"

    # ---- rows in order ----

    def blocks(self, rows: int = BLOCK_ROWS) -> Iterator[Table]:
        """Yield the rows in the order of the source, in tables of so many; the last may be shorter.

        Parameters
        ----------
        rows : int
        """
        parts = self._read(range(len(self.groups.counts)), None)
        for part in collected(parts, rows):
            yield self._table(part)

    def between(self, first: int, end: int, rows: int = BLOCK_ROWS) -> Iterator[Table]:
        """Yield consecutive rows in tables of so many; the last may be shorter.

        Only the row groups that have them are read.

        Parameters
        ----------
        first, end : int
            Rows of the stream, counted from 0.
        rows : int
        """
        order, sizes = np.arange(len(self.groups.counts)), [first, end - first]
        pieces = pieces_of(self._group_rows, order, sizes, 1)
        parts = (part for piece in pieces for part in self._piece(piece, None))
        for part in collected(parts, rows):
            yield self._table(part)

    def _read(self, groups: Iterable[int], columns: Sequence[str] | None) -> Iterator[Part]:
        """Yield the rows of some groups, in small parts."""
        starts = np.concatenate([[0], np.cumsum(self.groups.counts)])
        for group in groups:
            first = int(starts[group])
            for data in self.groups.read(group, columns):
                rows = np.arange(first, first + data.num_rows)
                first += data.num_rows
                part = Part(data, rows)
                yield part if self.kept is None else taken(part, np.flatnonzero(self.kept[rows]))

    def _table(self, part: Part) -> Table:
        """Return rows as a table whose messages have their numbers in the source."""
        origin = self.groups.origin
        rows = part.rows + origin.first if origin.rows is None else origin.rows[part.rows]
        numbered = replace(origin, first=0, rows=rows)
        return Table.from_arrow(part.data, numbered, self.found)

    def head(self, rows: int) -> Table:
        """Return the first rows, without those that `split` has taken away."""
        return next(self.blocks(rows))

    def sample(self, seed: int) -> Table:
        """Return some rows, at most as many as are shuffled together, or all of them."""
        return next(self.buffers(None, seed, 0, shuffle=True)).table

    # ---- what it has ----

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The kind of each column, by name, in the first rows."""
        return self.head(FIRST_ROWS).kinds

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.kinds)

    @property
    def target(self) -> str | None:
        """The column that a data set with a name is meant to predict."""
        return self.groups.table.target if isinstance(self.groups, TableGroups) else None

    def check_name(self, name: str) -> None:
        """Raise UnknownNameError unless there is a column of this name."""
        if name not in self.kinds:
            raise unknown(f"column of {self.source}:", name, self.names)

    def describe(self) -> str:
        """Return what was found, and a line for each column."""
        width = max(map(len, self.names), default=0)
        lines = [f"  {name:{width}}  {kind}" for name, kind in self.kinds.items()]
        return "\n".join([f"{self.source}: {self.rows:,} rows", *self.found, *lines])

    # ---- parts of a stream ----

    def split(self, fraction: float = 0.1, seed: int = 0) -> tuple["Stream", Table]:
        """Return a stream without some rows, drawn at random, and these rows as a table.

        `Table.split` draws the same rows.

        Parameters
        ----------
        fraction : float
            The share of rows in the table, which has to fit into memory.
        seed : int

        Raises
        ------
        InputError
            If one of the two would be empty.
        """
        rest, held = self.parts(fraction, seed)
        return rest, held.head(held.rows)

    def parts(self, fraction: float = 0.1, seed: int = 0) -> tuple["Stream", "Stream"]:
        """Return the parts of `split` as streams, without reading them."""
        kept = np.ones(self.rows, np.bool_) if self.kept is None else self.kept
        out = np.zeros_like(kept)
        out[np.flatnonzero(kept)[held_out(self.rows, fraction, seed)]] = True
        return replace(self, kept=kept & ~out), replace(self, kept=out)

    # ---- epochs ----

    def chunks(
        self, preparation: Preparation, *, chunk_rows: int | None = None
    ) -> "PreparedChunks":
        """Return the stream as chunks of prepared samples, for `fit` and `partial_fit`.

        Parameters
        ----------
        preparation : Preparation
            With a target.
        chunk_rows : int, optional
            How many samples are prepared at once; by default as many as fill 4 MiB.
        """
        width = max(1, preparation.width) * np.dtype(preparation.dtype).itemsize
        default = max(1, CHUNK_BYTES // width)
        rows = default if chunk_rows is None else check_int(chunk_rows, "chunk_rows")
        return PreparedChunks(self, preparation, rows)

    def buffers(
        self, columns: Sequence[str] | None, seed: int, epoch: int, *, shuffle: bool
    ) -> Iterator[Buffer]:
        """Yield the rows of an epoch, a buffer at a time.

        Parameters
        ----------
        columns : sequence of str or None
        seed, epoch : int
            The order is drawn from them.
        shuffle : bool
            If False, the order is that of the source.
        """
        count = len(self.groups.counts)
        if not shuffle or self.rows <= self.buffer_rows:
            parts = self._read(range(count), columns)
        else:
            order = order_of_groups(count, seed, epoch, shuffle=True)
            parts = self._mixed(order.tolist(), columns)
        for place, part in enumerate(collected(parts, self.buffer_rows)):
            n = len(part.rows)
            # [seed, epoch, 0] gives the numbers of [seed, epoch], so the order of a fit in memory.
            generator = np.random.default_rng([seed, epoch, place])
            order = generator.permutation(n) if shuffle else np.arange(n)
            yield Buffer(self._table(part), order)

    def shard(
        self,
        columns: Sequence[str] | None,
        seed: int,
        epoch: int,
        sizes: Sequence[int],
        shard: int,
        *,
        shuffle: bool,
    ) -> Iterator[Buffer]:
        """Yield the rows of one of an epoch's shards, a buffer at a time.

        All shards together have as many rows in memory as one stream. Only row groups of the shard
        are read.

        Parameters
        ----------
        columns : sequence of str or None
        seed, epoch : int
            The order is drawn from them.
        sizes : sequence of int
            The rows of each shard.
        shard : int
        shuffle : bool
        """
        order = order_of_groups(len(self.groups.counts), seed, epoch, shuffle=shuffle)
        pieces = pieces_of(self._group_rows, order, sizes, shard)
        parts = (part for piece in pieces for part in self._piece(piece, columns))
        rows = max(1, self.buffer_rows // len(sizes))
        for place, part in enumerate(collected(parts, rows)):
            n = len(part.rows)
            generator = np.random.default_rng([seed, epoch, place, shard, 2])
            yield Buffer(self._table(part), generator.permutation(n) if shuffle else np.arange(n))

    def _piece(self, piece: Piece, columns: Sequence[str] | None) -> Iterator[Part]:
        """Yield consecutive rows of a group."""
        first = 0
        for part in self._read([piece.group], columns):
            end = first + len(part.rows)
            start, stop = max(piece.first, first), min(piece.end, end)
            if start < stop:
                yield sliced(part, start - first, stop - first)
            if end >= piece.end:
                return
            first = end

    @cached_property
    def _group_rows(self) -> list[int]:
        """The rows of the stream in each group."""
        counts = list(self.groups.counts)
        if self.kept is None:
            return counts
        ends = np.concatenate([[0], np.cumsum(self.kept)])[np.cumsum([0, *counts])]
        return np.diff(ends).tolist()

    def _mixed(self, order: list[int], columns: Sequence[str] | None) -> Iterator[Part]:
        """Yield parts of several row groups in turn."""
        waiting = iter(order)
        active = [self._read([group], columns) for group in islice(waiting, GROUPS_AT_ONCE)]
        while active:
            turn = active.pop(0)
            part = next(turn, None)
            if part is not None:
                active.append(turn)
                yield part
            elif (group := next(waiting, None)) is not None:
                active.insert(0, self._read([group], columns))


@dataclass(frozen=True)
class PreparedChunks:
    """A stream as chunks of prepared samples, which `fit` makes in a thread of their own.

    Parameters
    ----------
    stream : Stream
    preparation : Preparation
    chunk_rows : int
        How many samples a chunk has; the last one of a buffer may have fewer.
    repeats, in_thread : bool
        That there can be many epochs, and that chunks can be made in another thread.
    """

    stream: Stream
    preparation: Preparation
    chunk_rows: int
    repeats: bool = True
    in_thread: bool = True

    @property
    def rows(self) -> int:
        """The number of samples of an epoch."""
        return self.stream.rows

    @property
    def classes(self) -> Array | None:
        """The classes of the target; None for a regression."""
        classes = self.preparation.known_target.classes
        return np.array(classes) if classes else None

    def epoch(self, seed: int, epoch: int, *, shuffle: bool) -> Iterator[tuple[Array, Array]]:
        """Yield samples (n, features) and targets (n,) of an epoch.

        Parameters
        ----------
        seed, epoch : int
            The order is drawn from them.
        shuffle : bool
            If False, the order is that of the source.
        """
        buffers = self.stream.buffers(self._names, seed, epoch, shuffle=shuffle)
        yield from self._prepared(buffers, self.chunk_rows)

    def shards(
        self, seed: int, epoch: int, sizes: Sequence[int], own: range, *, shuffle: bool
    ) -> list[Iterator[tuple[Array, Array]]]:
        """Return the samples of some of an epoch's shards, each in parts of few rows.

        Parameters
        ----------
        seed, epoch : int
            The order is drawn from them.
        sizes : sequence of int
            The number of samples in each shard.
        own : range
            The shards that are read.
        shuffle : bool
        """
        rows = max(1, self.chunk_rows // len(sizes))
        given = self._names, seed, epoch, sizes
        return [
            self._prepared(self.stream.shard(*given, one, shuffle=shuffle), rows) for one in own
        ]

    def example(self) -> tuple[Array, Array]:
        """Return the samples and targets of some rows at the beginning."""
        rows = self.stream.head(EXAMPLE_ROWS)
        return self.preparation.transform(rows), self.preparation.targets(rows)

    def fingerprint(self) -> Array:
        """Return numbers that differ if the rows or their preparation do, for all that is known."""
        counts = np.array(self.stream.groups.counts, np.int64)
        kept = 0 if self.stream.kept is None else crc32(np.packbits(self.stream.kept).data)
        prepared = json.dumps([self.preparation.to_dict(), self.stream.buffer_rows], default=str)
        return np.array([*counts, kept, crc32(prepared.encode())], np.int64)

    @property
    def _names(self) -> list[str]:
        """The columns that are needed."""
        names = [column.name for column in self.preparation.columns]
        return [*names, self.preparation.known_target.column]

    def _prepared(
        self, buffers: Iterable[Buffer], chunk_rows: int
    ) -> Iterator[tuple[Array, Array]]:
        """Yield the samples and targets of buffers, in their order."""
        for table, order in buffers:
            for start in range(0, len(order), chunk_rows):
                rows = table.take(order[start : start + chunk_rows])
                yield self.preparation.transform(rows), self.preparation.targets(rows)


# ---- parts --------------------------------------------------------------------------------------


def taken(part: Part, rows: Array) -> Part:
    """Return some rows of a part."""
    return Part(part.data.take(arrow().array(rows)), part.rows[rows])


def collected(parts: Iterable[Part], rows: int) -> Iterator[Part]:
    """Yield the same rows in parts of exactly so many; the last may have fewer."""
    waiting, count = list[Part](), 0
    for part in parts:
        left = part
        while count + len(left.rows) >= rows:
            head = sliced(left, 0, rows - count)
            left = sliced(left, rows - count, len(left.rows))
            yield joined([*waiting, head])
            waiting, count = [], 0
        if len(left.rows):
            waiting.append(left)
            count += len(left.rows)
    if waiting:
        yield joined(waiting)


def sliced(part: Part, start: int, stop: int) -> Part:
    """Return consecutive rows of a part."""
    return Part(part.data.slice(start, stop - start), part.rows[start:stop])


def joined(parts: list[Part]) -> Part:
    """Return the rows of several parts, whose columns are contiguous in memory."""
    data = arrow().concat_tables([part.data for part in parts]).combine_chunks()
    return Part(data, np.concatenate([part.rows for part in parts]))


# ---- opening ------------------------------------------------------------------------------------


def open_stream(
    source: Any,
    *,
    buffer_rows: int = BUFFER_ROWS,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    decimal: str | None = None,
    missing: Sequence[str] = (),
    like: Preparation | None = None,
) -> Stream:
    """Open a table that is read again in every epoch, instead of being kept in memory.

    Parquet and Arrow files are shuffled by row groups, several of which fill a buffer, whose rows
    are shuffled; a text file is read from its beginning, so that only the rows of a buffer are
    shuffled. Of a folder or an address, the files are shuffled, too. Everything else that `read`
    takes is kept in memory, and gives the same chunks.

    Parameters
    ----------
    source : str, Path, data frame, mapping or array
        As for `read`.
    buffer_rows : int
        How many rows are in memory and shuffled together.
    delimiter, encoding, header, decimal, missing, like
        As for `read`.

    Returns
    -------
    Stream

    Raises
    ------
    InputError
        If it cannot be read; see `read`.

    Examples
    --------
    >>> from chainrule import MLPClassifier, data
    >>> stream = data.open_stream("iris", buffer_rows=150)
    >>> preparation = data.Preparation.learn(stream, target="species")
    >>> model = MLPClassifier((8,), batch_size=16, learning_rate_init=0.05, random_state=0)
    >>> model = model.set_params(max_iter=20).fit(stream.chunks(preparation))
    >>> iris = data.read("iris")
    >>> model.score(preparation.transform(iris), preparation.targets(iris)) > 0.9
    True
    """
    rows = check_int(buffer_rows, "buffer_rows")
    options = TextOptions(delimiter, encoding, header, decimal, tuple(missing))
    of_text = options if like is None else typed(options, like)
    is_path = isinstance(source, str | Path) and source != STANDARD_INPUT
    if is_path and is_folder(source):
        return Stream(open_groups(source, options, of_text), rows)
    if is_path and Path(source).is_file():
        location = Location.of(source)
        if location.format == "text":
            return Stream(TextGroups(TextFile(location, of_text)), rows)
        if location.format in GROUPS and location.compression is None:
            reject_options(options, location.name)
            return Stream(GROUPS[location.format](location), rows)
    table = read(
        source,
        delimiter=delimiter,
        encoding=encoding,
        header=header,
        decimal=decimal,
        missing=missing,
        like=like,
    )
    return Stream(TableGroups(table), rows)
