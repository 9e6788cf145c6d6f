"""Tables: named columns, each of a kind, and what was found when they were read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.data.arrow import arrow, compute
from chainrule.data.kinds import ArrowColumn, kind_of, simple_type
from chainrule.errors import InputError, unknown

Array: TypeAlias = NDArray[Any]
ArrowTable: TypeAlias = Any  # pyarrow.Table

BLOCK_ROWS = 2**16  # rows that are looked at together


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table.

    Parameters
    ----------
    name : str
    values : pyarrow.ChunkedArray (n,)
        Of type int64, double, bool, string, or a type of dates.

    Attributes
    ----------
    kind : {"number", "category", "boolean", "date", "text"}
        Words are categories if few of them are different, else text.
    missing : int
        How many values are missing. NaN counts as missing.
    """

    name: str
    values: ArrowColumn

    @cached_property
    def kind(self) -> str:
        """The kind of the column."""
        return kind_of(self.values, self.name)

    @property
    def missing(self) -> int:
        """How many values are missing."""
        return int(self.values.null_count)

    @cached_property
    def different(self) -> int:
        """How many values are different, without the missing ones."""
        return int(compute().count_distinct(self.values).as_py())

    def __len__(self) -> int:
        return len(self.values)

    def numpy(self) -> Array:
        """Return the values, (n,): int64, float64, bool, datetime64, or strings as objects.

        Missing numbers are NaN, other missing values None; whole numbers of which some are missing
        are float64.
        """
        return self.values.to_numpy()

    def first_missing(self) -> int:
        """Return the number of the first row without a value, or −1."""
        return int(compute().index(compute().is_null(self.values), True).as_py())

    def __repr__(self) -> str:
        gaps = f", {self.missing} missing" if self.missing else ""
        return f"<Column {self.name!r}: {self.kind}, {len(self)} values{gaps}>"


@dataclass(frozen=True)
class Origin:
    """Where the rows of a table come from, for messages.

    Parameters
    ----------
    source : str
        What messages call the table, such as the name of its file.
    first : int
        The number of its first row in the source.
    rows : array (n,), optional
        The number of each row in the source, if they are not consecutive.
    line : callable, optional
        Returns the line of a text file in which a row of the source begins, or None.
    notes : mapping of str to str
        Why a column is words although most of its values are numbers, by name.
    decimal : str
        The decimal mark of a text file whose numbers show it; else empty.
    """

    source: str = "the table"
    first: int = 0
    rows: Array | None = None
    line: Callable[[int], int | None] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    decimal: str = ""

    def row(self, row: int) -> int:
        """Return the number in the source of a row of the table."""
        return self.first + row if self.rows is None else int(self.rows[row])

    def place(self, row: int) -> str:
        """Return what messages call a row: its number, counted from 0, and its line in a file."""
        number = self.row(row)
        line = None if self.line is None else self.line(number)
        return f"row {number}" if line is None else f"row {number} (line {line})"

    def taken(self, rows: Array, n: int) -> "Origin":
        """Return the origin of some rows of a table of n rows."""
        known = np.arange(self.first, self.first + n) if self.rows is None else self.rows
        return replace(self, first=0, rows=known[rows])

    def sliced(self, start: int, stop: int) -> "Origin":
        """Return the origin of consecutive rows."""
        if self.rows is None:
            return replace(self, first=self.first + start)
        return replace(self, rows=self.rows[start:stop])


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of the same length, as `read` returns them.

    Parameters
    ----------
    data : pyarrow.Table
    origin : Origin
        Where the rows come from.
    found : tuple of str
        Sentences on what was found when the table was read: format, dialect, types.
    target : str, optional
        The column that a data set with a name is meant to predict.

    Attributes
    ----------
    columns : tuple of Column
    names : tuple of str
    kinds : dict of str to str
        The kind of each column: "number", "category", "boolean", "date" or "text".
    source : str
        What messages call the table.

    Examples
    --------
    >>> from chainrule import data
    >>> table = data.read({"age": [31, None, 58], "city": ["Oslo", "Rome", "Oslo"]})
    >>> table.kinds
    {'age': 'number', 'city': 'category'}
    >>> len(table), table["age"].missing, table.numpy("city").tolist()
    (3, 1, ['Oslo', 'Rome', 'Oslo'])
    """

    data: ArrowTable
    origin: Origin = field(default_factory=Origin)
    found: tuple[str, ...] = ()
    target: str | None = None

    @classmethod
    def from_arrow(
        cls,
        data: ArrowTable,
        origin: Origin | None = None,
        found: Sequence[str] = (),
        target: str | None = None,
    ) -> "Table":
        """Return a table of a pyarrow.Table, whose columns are brought into simple types.

        Raises
        ------
        InputError
            If two columns have the same name, or one holds lists, records or bytes.
        """
        names = [str(name) for name in data.column_names]
        check_names(names, "the table" if origin is None else origin.source)
        columns = [simple_type(data.column(i), name) for i, name in enumerate(names)]
        made = arrow().table(dict(zip(names, columns, strict=True)))
        return cls(made, origin or Origin(), tuple(found), target)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""
        return tuple(Column(name, self.data.column(name)) for name in self.names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.data.column_names)

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each column, by name."""
        return {column.name: column.kind for column in self.columns}

    @property
    def source(self) -> str:
        """What messages call the table."""
        return self.origin.source

    def __len__(self) -> int:
        return int(self.data.num_rows)

    def __getitem__(self, name: str) -> Column:
        """Return a column.

        Raises
        ------
        UnknownNameError
            If there is no column of this name; the message offers the nearest one.
        """
        if name not in self._places:
            self.check_name(name)
        return self.columns[self._places[name]]

    @cached_property
    def _places(self) -> dict[str, int]:
        """The place of each column, by name."""
        return {name: place for place, name in enumerate(self.names)}

    def check_name(self, name: str) -> None:
        """Raise UnknownNameError unless there is a column of this name."""
        if name not in self.names:
            raise unknown(f"column of {self.source}:", name, self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def numpy(self, name: str) -> Array:
        """Return the values of a column, (n,); see `Column.numpy`."""
        return self[name].numpy()

    # ---- parts of a table ----

    def select(self, names: Sequence[str]) -> "Table":
        """Return a table with some of the columns, in the given order."""
        for name in names:
            self.check_name(name)
        return self._with(self.data.select(list(names)), self.origin)

    def drop(self, names: Sequence[str]) -> "Table":
        """Return a table without some of the columns."""
        for name in names:
            self.check_name(name)
        return self.select([name for name in self.names if name not in names])

    def take(self, rows: ArrayLike) -> "Table":
        """Return some of the rows; messages keep their numbers in the source.

        Parameters
        ----------
        rows : array (m,) of int, or array (n,) of bool
        """
        chosen = np.asarray(rows)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        taken = self.data.take(arrow().array(chosen))
        return self._with(taken, self.origin.taken(chosen, len(self)))

    def slice(self, start: int, stop: int) -> "Table":
        """Return consecutive rows, without a copy."""
        stop = min(stop, len(self))
        return self._with(self.data.slice(start, stop - start), self.origin.sliced(start, stop))

    def split(self, fraction: float = 0.1, seed: int = 0) -> tuple["Table", "Table"]:
        """Return the table without some rows, drawn at random, and these rows.

        Parameters
        ----------
        fraction : float
            The share of rows in the second table.
        seed : int

        Raises
        ------
        InputError
            If one of the two would be empty.
        """
        held = held_out(len(self), fraction, seed)
        out = np.zeros(len(self), np.bool_)
        out[held] = True
        return self.take(~out), self.take(out)

    def without_missing(self, *names: str) -> "Table":
        """Return the rows that have a value in each of some columns, or in all of them."""
        present = [compute().is_valid(self[name].values) for name in names or self.names]
        rows = np.logical_and.reduce([valid.to_numpy() for valid in present])
        return self.take(rows)

    def blocks(self, rows: int = BLOCK_ROWS) -> Iterator["Table"]:
        """Yield the table in consecutive parts of so many rows; the last may be shorter."""
        for start in range(0, len(self), rows):
            yield self.slice(start, start + rows)

    def _with(self, data: ArrowTable, origin: Origin) -> "Table":
        """Return a table with other data."""
        target = self.target if self.target in data.column_names else None
        return Table(data, origin, self.found, target)

    # ---- conversion and display ----

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export the table through the Arrow PyCapsule interface."""
        return self.data.__arrow_c_stream__(requested_schema)

    def to_arrow(self) -> ArrowTable:
        """Return the columns as a pyarrow.Table."""
        return self.data

    def place(self, row: int) -> str:
        """Return what messages call a row: its number in the source, and its line in a file."""
        return self.origin.place(row)

    def describe(self) -> str:
        """Return what was found, and a line for each column."""
        width = max((len(name) for name in self.names), default=0)
        lines = [f"  {column.name:{width}}  {summary(column)}" for column in self.columns]
        return "\n".join(
            [f"{self.source}: {len(self):,} row{'s' * (len(self) != 1)}", *self.found, *lines]
        )

    def __repr__(self) -> str:
        return f"<Table {self.source!r}: {len(self)} rows, {len(self.names)} columns>"


def held_out(n: int, fraction: float, seed: int) -> Array:
    """Return which of n rows are held out, at least one and not all.

    Raises
    ------
    InputError
        If there is no such number of rows.
    """
    count = round(n * fraction)
    if not 0 < count < n:
        raise InputError(
            f"a share of {fraction} of {n} rows is {count}; at least one row has to be in each "
            "part: give more rows, or another share between 0 and 1"
        )
    return np.random.default_rng(seed).permutation(n)[:count]


def check_names(names: Sequence[str], source: str) -> None:
    """Raise InputError if two columns have the same name."""
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        places = [i + 1 for i, name in enumerate(names) if name == twice[0]]
        raise InputError(
            f"{source}: columns {places[0]} and {places[1]} are both called {twice[0]!r}; give "
            "each a name of its own"
        )


def summary(column: Column) -> str:
    """Return in words what a column holds."""
    gaps = f", {column.missing:,} missing" if column.missing else ""
    if column.kind in ("category", "text"):
        several = "s" * (column.different != 1)
        return f"{column.kind}: {column.different:,} different value{several}{gaps}"
    if column.kind == "boolean" or column.missing == len(column):
        return f"{column.kind}{gaps}"
    ends = compute().min_max(column.values).as_py()
    low, high = (f"{v:g}" if isinstance(v, float) else str(v) for v in ends.values())
    return f"{column.kind}: {low} to {high}{gaps}"
