"""Streams: tables too large for memory, which are read again in every epoch, in another order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data.arrow import arrow
from chainrule.data.csv_files import TextFile, TextOptions
from chainrule.data.locations import STANDARD_INPUT, Location
from chainrule.data.preparation import Preparation
from chainrule.data.reading import read, reject_options
from chainrule.data.row_groups import ArrowGroups, ParquetGroups, RowGroups, TableGroups, TextGroups
from chainrule.data.table import BLOCK_ROWS, ArrowTable, Table, held_out
from chainrule.descriptions import check_int

Array: TypeAlias = NDArray[Any]

BUFFER_ROWS = 2**18  # in memory at once, as they are in the file
GROUPS_AT_ONCE = 4  # row groups that a buffer is filled from
CHUNK_BYTES = 2**22  # of prepared inputs


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
        kept = np.ones(self.rows, np.bool_) if self.kept is None else self.kept
        out = np.zeros_like(kept)
        out[np.flatnonzero(kept)[held_out(self.rows, fraction, seed)]] = True
        held = replace(self, kept=out)
        return replace(self, kept=kept & ~out), next(held.blocks(held.rows))

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
            order = np.random.default_rng([seed, epoch, 0, 1]).permutation(count)
            parts = self._mixed(order.tolist(), columns)
        for place, part in enumerate(collected(parts, self.buffer_rows)):
            n = len(part.rows)
            # [seed, epoch, 0] gives the numbers of [seed, epoch], so the order of a fit in memory.
            generator = np.random.default_rng([seed, epoch, place])
            order = generator.permutation(n) if shuffle else np.arange(n)
            yield Buffer(self._table(part), order)

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
        names = [column.name for column in self.preparation.columns]
        names.append(self.preparation.known_target.column)
        for table, order in self.stream.buffers(names, seed, epoch, shuffle=shuffle):
            for start in range(0, len(order), self.chunk_rows):
                rows = table.take(order[start : start + self.chunk_rows])
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
) -> Stream:
    """Open a table that is read again in every epoch, instead of being kept in memory.

    Parquet and Arrow files are shuffled by row groups, several of which fill a buffer, whose rows
    are shuffled; a text file is read from its beginning, so that only the rows of a buffer are
    shuffled. Everything else that `read` takes is kept in memory, and gives the same chunks.

    Parameters
    ----------
    source : str, Path, data frame, mapping or array
        As for `read`.
    buffer_rows : int
        How many rows are in memory and shuffled together.
    delimiter, encoding, header, decimal, missing
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
    is_path = isinstance(source, str | Path) and source != STANDARD_INPUT
    if is_path and Path(source).is_file():
        location = Location.of(source)
        if location.format == "text":
            return Stream(TextGroups(TextFile(location, options)), rows)
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
    )
    return Stream(TableGroups(table), rows)


GROUPS = {"parquet": ParquetGroups, "arrow": ArrowGroups}
