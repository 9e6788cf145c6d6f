"""Reads text files of rows: CSV, TSV and their relatives."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeAlias

from chainrule.data.arrow import arrow, compute
from chainrule.data.dialects import Dialect, find_dialect, name_of
from chainrule.data.locations import Location
from chainrule.data.table import ArrowTable, Origin, Table, check_names
from chainrule.data.text_faults import TextFaultError, find_fault, line_of
from chainrule.data.text_patterns import MISSING
from chainrule.data.text_types import (
    NOTHING,
    TextFacts,
    convert,
    decide_styles,
    mixed_remark,
    type_remark,
)
from chainrule.errors import InputError, unknown

ArrowColumn: TypeAlias = Any

BLOCK_BYTES = 2**22  # read at once


@dataclass(frozen=True)
class TextOptions:
    """What a user says about a text file; None is looked for.

    Parameters
    ----------
    delimiter, encoding : str, optional
    header : bool, optional
    decimal : {".", ","}, optional
    missing : sequence of str, optional
        What stands for a missing value, besides the usual words such as NA.
    words : sequence of str, optional
        Columns that are words, whatever their values look like.
    """

    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    decimal: str | None = None
    missing: Sequence[str] = ()
    words: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.decimal not in (None, ".", ","):
            raise unknown("decimal mark", self.decimal, (".", ","))


@dataclass(frozen=True)
class TextFile:
    """A text file of rows, whose types are found by reading it once.

    Parameters
    ----------
    location : Location
    options : TextOptions
    """

    location: Location
    options: TextOptions = TextOptions()

    @cached_property
    def dialect(self) -> Dialect:
        """The encoding, the delimiter and the header."""
        o = self.options
        found = find_dialect(
            self.location, encoding=o.encoding, delimiter=o.delimiter, header=o.header
        )
        check_names(found.names, self.location.name)
        return found

    def words(self) -> Iterator[ArrowTable]:
        """Yield the rows in order, as columns of strings without outer spaces.

        Raises
        ------
        InputError
            If a row has too few or too many values, or bytes are no text; the message names the
            row, its line, and the remedy.
        """
        pa = arrow()
        try:
            with self.location.open() as stream, self._reader(stream) as reader:
                for batch in reader:
                    yield self._cleaned(pa.table(batch))
        except (pa.ArrowInvalid, UnicodeError, OSError) as error:
            found = find_fault(self.location, self.dialect)
            raise found or TextFaultError(
                f"{self.location.name}: cannot be read: {error}"
            ) from None

    def _reader(self, stream: Any) -> Any:
        """Return pyarrow's reader of the file."""
        csv, dialect = arrow("pyarrow.csv"), self.dialect
        utf8 = dialect.encoding in ("utf-8", "utf-8-sig")
        return csv.open_csv(
            stream,
            csv.ReadOptions(
                block_size=BLOCK_BYTES,
                column_names=list(dialect.names),
                skip_rows=dialect.blank,
                skip_rows_after_names=int(dialect.header),
                encoding="utf8" if utf8 else dialect.encoding,
            ),
            csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True),
            csv.ConvertOptions(
                column_types=dict.fromkeys(dialect.names, arrow().string()),
                strings_can_be_null=False,
            ),
        )

    def _cleaned(self, table: ArrowTable) -> ArrowTable:
        """Return rows without outer spaces, and None for what stands for a missing value."""
        pa, pc = arrow(), compute()
        gaps = pa.array([*MISSING, *self.options.missing], pa.string())
        columns = {}
        for name in table.column_names:
            words = pc.utf8_trim_whitespace(table.column(name))
            columns[name] = pc.if_else(pc.is_in(words, gaps), pa.scalar(None, pa.string()), words)
        return pa.table(columns)

    def learn_types(self, parts: Iterable[ArrowTable]) -> "Types":
        """Return the types of the columns, found in all rows."""
        facts = [TextFacts(name) for name in self.dialect.names]
        first = 0
        for part in parts:
            for known in facts:
                known.add(part.column(known.name), first)
            first += part.num_rows
        if not first:
            raise InputError(f"{self.location.name} has no rows; give at least one")
        styles = decide_styles(facts, self.location.name, self.options.decimal)
        for place, known in enumerate(facts):
            if known.name in self.options.words:
                styles[place] = "words"
            if not known.present and self._is_nameless(place):
                styles[place] = NOTHING
        pairs = list(zip(facts, styles, strict=True))
        remarks = [f"{known.name}: {r}" for known, s in pairs if (r := type_remark(known, s))]
        notes = {known.name: note for known, s in pairs if (note := mixed_remark(known, s))}
        return Types(tuple(styles), (*self.dialect.found, *remarks), first, notes)

    def _is_nameless(self, place: int) -> bool:
        """Return whether the header has no name for a column, as after a last delimiter."""
        return self.dialect.header and self.dialect.names[place] == name_of(place)

    def origin(self, types: "Types") -> Origin:
        """Return where the rows come from."""
        line = partial(line_of, self.location, self.dialect)
        return Origin(self.location.name, 0, None, line, types.notes, types.decimal)


@dataclass(frozen=True)
class Types:
    """The types of the columns of a text file.

    Parameters
    ----------
    styles : tuple of str
        How the values of each column are written.
    found : tuple of str
        Sentences on what was found.
    rows : int
        How many rows the file has.
    notes : mapping of str to str
        Why a column is words although most of its values are numbers.
    """

    styles: tuple[str, ...]
    found: tuple[str, ...]
    rows: int
    notes: Mapping[str, str]

    @property
    def decimal(self) -> str:
        """The decimal mark, if a column of numbers shows it; else an empty string."""
        marks = {"decimal comma": ",", "thousands comma": "."}
        return next((mark for style, mark in marks.items() if style in self.styles), "")

    def convert(self, part: ArrowTable, columns: Sequence[str] | None = None) -> ArrowTable:
        """Return columns of strings in their types, or some of them."""
        styles = dict(zip(part.column_names, self.styles, strict=True))
        names = [name for name, style in styles.items() if style != NOTHING]
        names = names if columns is None else columns
        return arrow().table({name: convert(part.column(name), styles[name]) for name in names})


def read_text(location: Location, options: TextOptions) -> Table:
    """Return the table in a text file.

    Raises
    ------
    InputError
        If it cannot be read; the message names the row, its line, and the remedy.
    """
    file = TextFile(location, options)
    parts = list(file.words())
    types = file.learn_types(parts)
    made = arrow().concat_tables([types.convert(part) for part in parts])
    return Table.from_arrow(made.combine_chunks(), file.origin(types), types.found)
