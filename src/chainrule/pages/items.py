"""What a page consists of: headings, sentences, numbers with their lines, tables, a drawing.

Every renderer takes a `Page` and shows its items in order.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chainrule.pages.drawing import Drawing
from chainrule.pages.quantities import Line, Matrix, Quantity, Table

Mark: TypeAlias = Literal["", "right", "wrong", "unclear", "stopped"]
SIGNS: dict[Mark, str] = {"": "", "right": "✓", "wrong": "✗", "unclear": "≠", "stopped": "!"}


@dataclass(frozen=True)
class Heading:
    """The beginning of a part; `anchor` names it for links."""

    text: str
    depth: int
    anchor: str


@dataclass(frozen=True)
class Paragraph:
    """A sentence or two."""

    text: str


@dataclass(frozen=True)
class Given:
    """The numbers of one given array."""

    quantities: tuple[Quantity, ...]


@dataclass(frozen=True)
class Worked:
    """A number with the lines that are shown of it, and a note on its numerical derivative."""

    quantity: Quantity
    lines: tuple[Line, ...]
    anchor: str


@dataclass(frozen=True)
class Grid:
    """An array with its equation; only the corners of a large one."""

    matrix: Matrix
    rows: tuple[tuple[str | None, ...], ...]  # None where something is left out
    anchor: str
    first: int = 0  # the number of the first row and column


@dataclass(frozen=True)
class Listing:
    """A table, with its cells as they are printed."""

    table: Table
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Outcome:
    """The error before and after a step."""

    before: str
    after: str


@dataclass(frozen=True)
class Correction:
    """A published figure and the correct one, as texts."""

    place: str
    published: str | None
    right: str
    mistaken: str
    cause: str


@dataclass(frozen=True)
class Note:
    """A sentence or two with a label."""

    label: str
    text: str


@dataclass(frozen=True)
class Points:
    """A list of sentences, with a mark before each."""

    texts: tuple[str, ...]
    mark: Mark = ""


@dataclass(frozen=True)
class Versus:
    """A wrong formula and the right one, as texts."""

    wrong: str
    right: str


@dataclass(frozen=True)
class Working:
    """The calculation of a number, as texts, with a mark and a label for whose it is."""

    name: str
    formula: str
    substituted: str  # empty if there are no numbers to substitute
    result: str
    mark: Mark
    label: str


@dataclass(frozen=True)
class Excerpt:
    """Lines of a program with their line numbers; some have a mark."""

    lines: tuple[tuple[str, str, Mark], ...]  # number, source, mark


Item: TypeAlias = (
    Heading
    | Excerpt
    | Paragraph
    | Drawing
    | Given
    | Worked
    | Grid
    | Listing
    | Outcome
    | Correction
    | Note
    | Points
    | Versus
    | Working
)


@dataclass(frozen=True, eq=False)
class Page:
    """A title and items.

    Parameters
    ----------
    title : str
    items : tuple of Item
    mark : {"", "right", "wrong", "unclear", "stopped"}
        A sign before the title.
    about : str
        A sentence or two for the foot of the page, in formats that have one.
    keys : bool, default True
        Whether names are keys, such as ``dW1[0,1]``, instead of names in a notation.
    """

    title: str
    items: tuple[Item, ...]
    mark: Mark = ""
    about: str = ""
    keys: bool = True


def slug(text: str) -> str:
    """Return a text as a part of an anchor: ``"dW2[0,1]"`` -> ``"dW2-0-1"``."""
    letters = "".join(c if c.isalnum() or c == "_" else "-" for c in text)
    return "-".join(part for part in letters.split("-") if part)


def lines_of(items: Iterable[Item]) -> Iterator[tuple[Worked, Line]]:
    """Yield each line that a page shows, with the number that it belongs to."""
    for item in items:
        if isinstance(item, Worked):
            yield from ((item, line) for line in item.lines)
