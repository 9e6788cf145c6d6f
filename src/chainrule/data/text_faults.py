"""Finds the row and line of a text file that cannot be read, by reading it slowly."""

import csv
import io
from collections.abc import Iterator
from functools import lru_cache

from chainrule.data.dialects import Dialect
from chainrule.data.locations import Location
from chainrule.errors import InputError

SHORT = 60  # characters of a row in a message
csv.field_size_limit(2**30)  # a quotation mark left open takes in the rest of the file


class TextFaultError(InputError):
    """A text file cannot be read; the message names the row, its line, and the remedy."""


def rows_of(location: Location, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty with the line it begins in, the header among them.

    Bytes that are no text are surrogates.
    """
    with location.open() as stream:
        text = io.TextIOWrapper(
            stream, encoding=dialect.encoding, errors="surrogateescape", newline=""
        )
        reader = csv.reader(text, delimiter=dialect.delimiter)
        line = 1
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1


@lru_cache(maxsize=64)
def line_of(location: Location, dialect: Dialect, row: int) -> int | None:
    """Return the line in which a row begins, counted from 1; None if it cannot be found."""
    for place, (line, _) in enumerate(rows_of(location, dialect), -int(dialect.header)):
        if place == row:
            return line
    return None


def find_fault(location: Location, dialect: Dialect) -> InputError | None:
    """Return the error for the first row that cannot be read, or None if there is none."""
    names, start, line = dialect.names, -int(dialect.header), 1
    for place, (line, row) in enumerate(rows_of(location, dialect), start):
        where = f"{location.name}, row {place} (line {line})"
        bad = next((i for i, cell in enumerate(row) if undecoded(cell)), None)
        if bad is not None:
            byte = undecoded(row[bad])
            called = names[bad] if bad < len(names) else bad + 1
            return TextFaultError(
                f"{where}, column {called!r}: the byte 0x{byte:02x} is not {dialect.encoding}; "
                "give the file's encoding, such as encoding='windows-1252'"
            )
        if len(row) != len(names) and any("\n" in cell for cell in row):
            return TextFaultError(
                f"{where}: a quotation mark is opened that is not closed; close or remove it"
            )
        if len(row) != len(names):
            return TextFaultError(ragged(where, dialect, row))
    return None


def undecoded(cell: str) -> int:
    """Return the first byte of a cell that is not text, or 0."""
    return next((ord(c) & 0xFF for c in cell if "\udc80" <= c <= "\udcff"), 0)


def ragged(where: str, dialect: Dialect, row: list[str]) -> str:
    """Return the message for a row with too few or too many values."""
    names, text = dialect.names, dialect.delimiter.join(row)
    short = text if len(text) <= SHORT else text[: SHORT - 1] + "…"
    expected = "the header has names for" if dialect.header else "the first row has"
    hint = "complete it"
    if len(row) > len(names):
        hint = f"put values that hold {dialect.delimiter!r} in quotation marks, or remove the rest"
    return (
        f"{where}: {len(row)} value{'s' * (len(row) != 1)}, but {expected} {len(names)}: "
        f"{short!r}; {hint}, or give another delimiter"
    )
