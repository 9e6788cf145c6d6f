"""The dialect of a text file: encoding, delimiter and header, found in its first rows."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.data.locations import Location
from chainrule.data.text_patterns import DATE, NUMBER, is_missing
from chainrule.errors import InputError

SAMPLE = 2**18  # bytes in which the dialect is looked for
ROWS = 200  # rows that are looked at
DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "vertical bar", ",": "comma", " ": "space"}
MOST_ROWS = 0.5  # the share of rows that a delimiter has to divide into as many values
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
VALUE = re.compile(f"{NUMBER}|{DATE}|true|false", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How the rows of a text file are written.

    Parameters
    ----------
    encoding : str
        As Python calls it.
    delimiter : str
    header : bool
        Whether the first row has the names of the columns.
    names : tuple of str
    blank : int
        Empty lines before the first row.
    found : tuple of str
        Sentences on what was found.
    """

    encoding: str
    delimiter: str
    header: bool
    names: tuple[str, ...]
    blank: int = 0
    found: tuple[str, ...] = ()


def find_dialect(
    location: Location,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Dialect:
    """Return the dialect of a text file; what is given is not looked for.

    Raises
    ------
    InputError
        If the file is not text, or has no rows.
    """
    sample = location.read(SAMPLE)
    chosen = encoding or find_encoding(sample, location.name)
    text = decode(sample, chosen, location.name)
    rows = parse(text, delimiter, complete=len(sample) < SAMPLE)
    cut = find_delimiter(rows) if delimiter is None else delimiter
    table = [row for row in rows[cut] if row]
    if not table:
        raise InputError(f"{location.name} is empty; give a file with a header and rows")
    named = has_header(table) if header is None else header
    blank = next(i for i, row in enumerate(rows[cut]) if row)
    names = column_names(table[0], named=named)
    first = "the first row has the names" if named else f"no header, so {names[0]!r} and so on"
    words = DELIMITERS.get(cut, repr(cut))
    said = f"text: {chosen}, {words if len(names) > 1 else 'one column'}, {first}"
    if named and len(table) == 1 and len(sample) < SAMPLE:
        raise InputError(
            f"{location.name} has a header, but no rows; give at least one, or header=False if "
            f"{','.join(table[0])!r} is a row"
        )
    return Dialect(chosen, cut, named, names, blank, (said,))


# ---- encoding -----------------------------------------------------------------------------------


def find_encoding(sample: bytes, name: str) -> str:
    """Return the encoding of the first bytes of a file."""
    for mark, encoding in MARKS.items():
        if sample.startswith(mark):
            return encoding
    if b"\0" in sample:
        raise InputError(
            f"{name} has bytes of value 0, so it is not a text file; if it is UTF-16 without a "
            "byte order mark, give encoding='utf-16-le'"
        )
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)  # the last character may be cut off
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"


def decode(sample: bytes, encoding: str, name: str) -> str:
    """Return the first bytes of a file as text; bytes that are none are replaced."""
    try:
        return codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    except LookupError:
        raise InputError(
            f"{name}: unknown encoding {encoding!r}; give one of Python's, such as 'utf-8' or "
            "'windows-1252'"
        ) from None


# ---- delimiter ----------------------------------------------------------------------------------


def parse(text: str, delimiter: str | None, *, complete: bool) -> dict[str, list[list[str]]]:
    """Return the first rows as each delimiter divides them."""
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\n\r'):
        raise InputError(f"delimiter={delimiter!r}; give a single character, such as ';' or '\\t'")
    parsed = {}
    for cut in DELIMITERS if delimiter is None else (delimiter,):
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=cut))
        except csv.Error:  # a value of more than 128 KiB, as behind a quotation mark left open
            rows = [line.split(cut) for line in text.splitlines()]
        parsed[cut] = rows[: ROWS if complete or len(rows) < 2 else min(ROWS, len(rows) - 1)]
    return parsed


def find_delimiter(parsed: dict[str, list[list[str]]]) -> str:
    """Return the delimiter that divides most rows into the same number of values.

    Of several that do so equally well, the comma is the last choice: it is also a decimal mark.
    Spaces count only between numbers: words have spaces.
    """
    best, chosen = MOST_ROWS, ","
    for delimiter, rows in parsed.items():
        if delimiter == " " and (chosen != "," or best > MOST_ROWS or not all_numbers(rows)):
            continue
        widths = Counter(len(row) for row in rows if row)
        width, count = max(widths.items(), key=lambda item: item[1], default=(0, 0))
        share = count / max(1, widths.total())
        if width > 1 and share > best:
            best, chosen = share, delimiter
    return chosen


def all_numbers(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether all values below the first row are numbers."""
    cells = [cell for row in rows[1:] for cell in row]
    return bool(cells) and all(VALUE.fullmatch(cell) for cell in cells)


# ---- header -------------------------------------------------------------------------------------


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row holds names.

    It does not if one of its values is a number, a date, a boolean or a missing one. It does if it
    is above a column most of which are such values. It does not if at least half of its values
    occur again in their columns.
    """
    first, rest = rows[0], rows[1:]
    if any(is_value(cell) for cell in first):
        return False
    columns = [[row[i] for row in rest if i < len(row)] for i in range(len(first))]
    if any(2 * sum(map(is_value, column)) > len(column) for column in columns):
        return True
    again = sum(
        bool(cell.strip()) and any(cell == row[i] for row in rest if i < len(row))
        for i, cell in enumerate(first)
    )
    return 2 * again < len(first) or not rest


def is_value(cell: str) -> bool:
    """Return whether a value is a number, a date, a boolean, or stands for a missing one."""
    word = cell.strip()
    return bool(word) and (is_missing(word) or VALUE.fullmatch(word) is not None)


def column_names(first: Sequence[str], *, named: bool) -> tuple[str, ...]:
    """Return the names of the columns; those without one are called by their place."""
    cells = [cell.strip() for cell in first] if named else [""] * len(first)
    return tuple(cell or name_of(i) for i, cell in enumerate(cells))


def name_of(place: int) -> str:
    """Return the name of a column without one, by its place, counted from 0."""
    return f"column{place + 1}"
