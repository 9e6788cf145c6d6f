"""The elements of an HTML page that depend on nothing but their own content."""

from collections.abc import Iterable, Iterator
from html import escape

from chainrule.pages.cells import MOST_COLUMNS, MOST_ROWS
from chainrule.pages.items import SIGNS, Grid, Heading, Item, Mark, Note
from chainrule.pages.quantities import Quantity, Table

WIDE_COLUMNS = 4
DEPTH = 3  # of headings in the table of contents
ARRAYS = {
    "x": "inputs",
    "t": "targets",
    "W": "weights",
    "b": "biases",
    "weight": "sample weights",
    "z": "net inputs",
    "a": "activations",
    "o": "outputs",
    "p": "predictions",
    "delta": "δ",
}
SPOKEN: dict[Mark, str] = {  # marks in words, for screen readers
    "": "",
    "right": "Right: ",
    "wrong": "Wrong: ",
    "unclear": "Not right: ",
    "stopped": "Not checked: ",
}


def contents(items: Iterable[Item]) -> str:
    """Return the table of contents; steps have their parts below them."""
    headings = [i for i in items if isinstance(i, Heading) and i.depth <= DEPTH]
    entries: list[str] = []
    for first, below in _nested(headings):
        inner = "".join(f"<li>{_link(h)}</li>" for h in below)
        entries.append(f"<li>{_link(first)}{f'<ol>{inner}</ol>' if inner else ''}</li>")
    return f'<nav aria-label="Contents"><ol>{"".join(entries)}</ol></nav>' if entries else ""


def _nested(headings: list[Heading]) -> Iterator[tuple[Heading, list[Heading]]]:
    """Yield each top-level heading with the headings below it."""
    place = 0
    while place < len(headings):
        end = place + 1
        while end < len(headings) and headings[end].depth > headings[place].depth:
            end += 1
        yield headings[place], headings[place + 1 : end]
        place = end


def _link(heading: Heading) -> str:
    return f'<a href="#{escape(heading.anchor)}">{escape(heading.text)}</a>'


def source_line(line: tuple[str, str, Mark]) -> str:
    """Return a line of a program with its number; a marked one is emphasized."""
    number, text, mark = line
    shown = f'<span class="number">{marked(mark)}{escape(number)}</span> {escape(text)}\n'
    return f'<mark class="{mark}">{shown}</mark>' if mark else f"<span>{shown}</span>"


def marked(mark: Mark, *, spoken: bool = True) -> str:
    """Return a mark, with its meaning in words for screen readers."""
    if not mark:
        return ""
    words = f'<span class="hidden">{SPOKEN[mark]}</span>' if spoken else ""
    return f'<span class="mark {mark}" aria-hidden="true">{SIGNS[mark]}</span>{words} '


def side(mark: Mark, text: str) -> str:
    """Return one of two formulas shown side by side."""
    sign = marked(mark, spoken=False)
    return f'<div class="{mark}"><dt>{sign}{mark}</dt><dd><code>{escape(text)}</code></dd></div>'


def noted(note: Note) -> str:
    return f"<dt>{escape(note.label)}</dt><dd>{escape(note.text)}</dd>"


def array_title(q: Quantity) -> str:
    """Return the description of a given array."""
    if not q.ref.index:
        return "constants"
    what = ARRAYS.get(q.ref.quantity) or escape(q.ref.quantity.partition("_")[0])
    return f"{what}, layer {escape(q.ref.layer)}" if q.ref.layer else what


def remark(q: Quantity) -> str:
    return f'<p class="remark" role="note">{escape(q.remark)}</p>' if q.remark else ""


def reading(text: str) -> str:
    """Return a sentence that explains the element above it."""
    return f'<p class="reading" role="note">{escape(text)}</p>' if text else ""


def has_words(table: Table, place: int) -> bool:
    """Return whether a column contains words."""
    cells = [row[place] for row in table.rows if row[place] != ""]
    return bool(cells) and all(isinstance(c, str) for c in cells)


def words_class(words: bool) -> str:  # noqa: FBT001 (its name says it)
    return ' class="words"' if words else ""


def heading_of(text: str) -> str:
    return escape(text) or '<span class="hidden">remark</span>'


def numbered(grid: Grid, axis: int, first: int) -> list[str]:
    """Return the numbers of the rows or columns that are shown."""
    size = (1, *grid.matrix.array.shape)[-2:][axis]
    shown = len(grid.rows) if axis == 0 else len(grid.rows[0])
    if size <= (MOST_ROWS, MOST_COLUMNS)[axis]:
        return [str(i + first) for i in range(size)]
    half = shown // 2
    begin, end = range(half), range(size - half, size)
    return [*(str(i + first) for i in begin), "…", *(str(i + first) for i in end)]


def scrolling(table: str, label: str, columns: int) -> str:
    """Return a table in a box, which can be scrolled by keyboard if it may be too wide."""
    reach = f' tabindex="0" role="group" aria-label="{escape(label)}"'
    return f'<div class="box"{reach if columns >= WIDE_COLUMNS else ""}>{table}</div>'
