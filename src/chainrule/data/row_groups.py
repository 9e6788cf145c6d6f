"""Row groups: the parts of a file that can be read in any order, and again in every epoch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from chainrule.data.arrow import arrow
from chainrule.data.csv_files import TextFile, Types
from chainrule.data.locations import Location, readable
from chainrule.data.table import ArrowTable, Origin, Table

BATCH_ROWS = 2**15  # read at once


class RowGroups(Protocol):
    """A table whose rows are read in groups.

    Attributes
    ----------
    counts : sequence of int
        The rows of each group.
    found : tuple of str
        Sentences on what was found.
    origin : Origin
        Where the rows come from.
    """

    @property
    def counts(self) -> Sequence[int]: ...
    @property
    def found(self) -> tuple[str, ...]: ...
    @property
    def origin(self) -> Origin: ...

    def read(self, group: int, columns: Sequence[str] | None) -> Iterator[ArrowTable]:
        """Yield the rows of a group in order, in small parts.

        Parameters
        ----------
        group : int
        columns : sequence of str, optional
            Those that are needed; all by default.
        """
        ...


@dataclass(frozen=True)
class ParquetGroups:
    """The row groups of a Parquet file.

    Parameters
    ----------
    location : Location
    """

    location: Location

    @cached_property
    def file(self) -> Any:
        """The open file."""
        with readable(self.location, "Parquet"):
            return arrow("pyarrow.parquet").ParquetFile(self.location.open_mapped())

    @property
    def schema(self) -> Any:
        """The types of the columns."""
        return self.file.schema_arrow

    @cached_property
    def counts(self) -> Sequence[int]:
        """The rows of each group."""
        metadata = self.file.metadata
        return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]

    @property
    def found(self) -> tuple[str, ...]:
        """Sentences on what was found."""
        return (f"Parquet, {len(self.counts)} row groups, read in every epoch",)

    @property
    def origin(self) -> Origin:
        """Where the rows come from."""
        return Origin(self.location.name)

    def read(self, group: int, columns: Sequence[str] | None) -> Iterator[ArrowTable]:
        """Yield the rows of a group in order, in small parts."""
        named = None if columns is None else list(columns)
        batches = self.file.iter_batches(BATCH_ROWS, row_groups=[group], columns=named)
        for batch in batches:
            yield arrow().table(batch)


@dataclass(frozen=True)
class ArrowGroups:
    """The batches of an Arrow file.

    Parameters
    ----------
    location : Location
    """

    location: Location

    @cached_property
    def file(self) -> Any:
        """The open file."""
        with readable(self.location, "Arrow"):
            return arrow("pyarrow.ipc").open_file(self.location.open_mapped())

    @property
    def schema(self) -> Any:
        """The types of the columns."""
        return self.file.schema

    @cached_property
    def counts(self) -> Sequence[int]:
        """The rows of each batch."""
        return [self.file.get_batch(i).num_rows for i in range(self.file.num_record_batches)]

    @property
    def found(self) -> tuple[str, ...]:
        """Sentences on what was found."""
        return (f"Arrow file, {len(self.counts)} batches, read in every epoch",)

    @property
    def origin(self) -> Origin:
        """Where the rows come from."""
        return Origin(self.location.name)

    def read(self, group: int, columns: Sequence[str] | None) -> Iterator[ArrowTable]:
        """Yield the rows of a batch in order, in small parts."""
        table = arrow().table(self.file.get_batch(group))
        named = table if columns is None else table.select(list(columns))
        for start in range(0, table.num_rows, BATCH_ROWS):
            yield named.slice(start, BATCH_ROWS)


@dataclass(frozen=True)
class TextGroups:
    """A text file as one group, which can only be read from its beginning.

    Parameters
    ----------
    file : TextFile
    """

    file: TextFile

    @cached_property
    def types(self) -> Types:
        """The types of the columns, for which the whole file is read."""
        return self.file.learn_types(self.file.words())

    @property
    def counts(self) -> Sequence[int]:
        """The rows of the file."""
        return [self.types.rows]

    @property
    def found(self) -> tuple[str, ...]:
        """Sentences on what was found."""
        return (*self.types.found, "read in every epoch")

    @property
    def origin(self) -> Origin:
        """Where the rows come from."""
        return self.file.origin(self.types)

    def read(self, group: int, columns: Sequence[str] | None) -> Iterator[ArrowTable]:
        """Yield the rows in order, in small parts."""
        for part in self.file.words():
            yield self.types.convert(part, columns)


@dataclass(frozen=True)
class TableGroups:
    """A table in memory, in groups of consecutive rows.

    Parameters
    ----------
    table : Table
    """

    table: Table

    @property
    def counts(self) -> Sequence[int]:
        """The rows of each group."""
        n = len(self.table)
        return [min(BATCH_ROWS, n - start) for start in range(0, n, BATCH_ROWS)]

    @property
    def found(self) -> tuple[str, ...]:
        """Sentences on what was found."""
        return self.table.found

    @property
    def origin(self) -> Origin:
        """Where the rows come from."""
        return self.table.origin

    def read(self, group: int, columns: Sequence[str] | None) -> Iterator[ArrowTable]:
        """Yield the rows of a group."""
        data = self.table.data
        named = data if columns is None else data.select(list(columns))
        yield named.slice(group * BATCH_ROWS, BATCH_ROWS)


GROUPS = {"parquet": ParquetGroups, "arrow": ArrowGroups}  # by format
