"""Renders pages as plain or colored text, wrapped to the width of the terminal."""

import re
from collections.abc import Iterator
from io import StringIO
from itertools import groupby
from typing import Literal, TypeAlias

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Rows
from rich.text import Text

from chainrule.pages.drawing import Drawing
from chainrule.pages.items import (
    SIGNS,
    Correction,
    Excerpt,
    Given,
    Grid,
    Heading,
    Item,
    Listing,
    Mark,
    Note,
    Outcome,
    Page,
    Paragraph,
    Points,
    Versus,
    Worked,
    Working,
)
from chainrule.pages.markup import plain_name
from chainrule.pages.quantities import Line, Quantity, numerical_note

Side: TypeAlias = Literal["left", "right"]

INDENT = 2
LEAST = 20  # columns that remain for right-hand sides, however long the names are
NARROWEST = 24  # columns that a folded column of a table has at least
NARROW = 60  # columns below which a note's label has a line of its own
OTHER_DERIVATION = "another derivation, not used by the program:"
SEPARATED: set[type[Item]] = {
    Excerpt,
    Note,
    Points,
    Versus,
    Working,
}  # with an empty line between them
COLORS: dict[Mark, str] = {
    "": "",
    "right": "green",
    "wrong": "red",
    "unclear": "red",
    "stopped": "yellow",
}


def render(page: Page, console: Console, *, compact: bool = False) -> None:
    """Print a worked example, or a page.

    Parameters
    ----------
    page : Page
    console : rich.console.Console
    compact : bool
        One line for each number instead of three.
    """
    console.print(_marked(page.mark, page.title, "bold"))
    before: type[Item] = Heading
    for kind, items in groupby(page.items, type):
        if before is not Heading and kind is not Heading and SEPARATED & {before, kind}:
            console.print()
        before = kind
        if kind is Worked:
            _lines([i for i in items if isinstance(i, Worked)], console, compact=compact)
        elif kind is Note:
            _notes([i for i in items if isinstance(i, Note)], console)
        elif kind is Working:
            _workings([i for i in items if isinstance(i, Working)], console)
        else:
            for item in items:
                _print(item, console)
    console.print()


def as_text(page: Page, width: int, *, compact: bool = False, color: bool = False) -> str:
    """Return a document as plain text, or in colors, without spaces at the ends of lines."""
    text = StringIO()
    colors = "standard" if color else None
    console = Console(
        file=text,
        width=width,
        height=100,  # any, so that the terminal's is not asked for at each line
        color_system=colors,
        force_terminal=color,
        no_color=not color,
        highlight=False,
        emoji=False,
    )
    render(page, console, compact=compact)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().rstrip().split("\n"))


def _print(item: Item, console: Console) -> None:
    match item:
        case Heading():
            _heading(console, item)
        case Paragraph(text):
            console.print(Text(text, style="dim"))
        case Drawing():
            pass  # not shown as text
        case _:
            console.print(Padding(_shown(item, console.width - INDENT), (0, 0, 0, 2)))


def _shown(item: Item, width: int) -> RenderableType:
    match item:
        case Given(quantities):
            return _Packed([Text(f"{q.name} = {q.shown}") for q in quantities])
        case Grid():
            return _grid(item, width)
        case Listing():
            return _table(item, width)
        case Outcome(before, after):
            return Text.assemble("error ", (before, "bold"), " → ", (after, "bold green"))
        case Correction():
            return _erratum(item)
        case Points(texts, mark):
            return _points(texts, mark)
        case Excerpt(lines):
            return _excerpt(lines)
        case Versus(wrong, right):
            return _pairs([(_marked("wrong", "wrong"), wrong), (_marked("right", "right"), right)])
        case _:
            return Text()


class _Packed:
    """Short texts next to each other, as many on each line as fit, none wrapped."""

    def __init__(self, texts: list[Text]) -> None:
        self.texts = texts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = self.texts[0]
        for text in self.texts[1:]:
            if line.cell_len + text.cell_len + 3 > options.max_width:
                yield line
                line = text
            else:
                line = Text("   ").join([line, text])
        yield line


def _heading(console: Console, heading: Heading) -> None:
    console.print()
    if heading.anchor.startswith("step") and heading.depth == 2:
        console.print(Text(heading.text, style="bold reverse"))
        return
    if heading.depth == 4:
        console.print(Text(f"  {heading.text}", style="cyan"))
        return
    text = Text(heading.text, style="bold cyan")
    if text.cell_len + 4 > console.width:  # a rule would truncate it
        console.print(text)
        return
    console.print(Rule(text, align="left", style="cyan", characters="─"))


# ---- lines of numbers ---------------------------------------------------------------------------


def _lines(items: list[Worked], console: Console, *, compact: bool) -> None:
    """Print numbers: names in one column, right-hand sides wrapped in another."""
    column = max(len(item.quantity.name) for item in items) + INDENT
    lines: list[Text] = []
    blank_line = False
    for item in items:
        q = item.quantity
        parts = _short(item) if compact else [p for p in _parts(item) if p.plain]
        if item is not items[0] and (blank_line or len(parts) > 1):
            lines.append(Text())
        blank_line = len(parts) > 1 or bool(q.remark and not compact)
        for first, part in zip([q.name, *[""] * len(parts)], parts, strict=False):
            sign = " " if part.plain.startswith(OTHER_DERIVATION) else "="
            head = Text.assemble((first.rjust(column), "bold"), f" {sign} ")
            lines += _folded(head, part, console)
        if not compact and q.remark:
            remark = Text(q.remark, style="italic yellow")
            lines += _folded(Text(" " * (column + 3)), remark, console)
    console.print(Text("\n").join(lines), soft_wrap=True)  # at once: a call is slow


def _folded(head: Text, body: Text, console: Console) -> Iterator[Text]:
    """Yield a text's lines after a head, wrapped with the head's width as indentation."""
    room = max(console.width - head.cell_len, LEAST)
    for line in _terms(body, room):
        for part in line.wrap(console, room) if line.cell_len > room else [line]:
            part.rstrip()
            yield head + part
            head = Text(" " * head.cell_len)


def _terms(body: Text, room: int) -> Iterator[Text]:
    """Yield a text in lines broken before the signs of sums, with as many terms on each as fit."""
    places = [found.start() for found in re.finditer(r" (?=[+-] )", body.plain)]
    begin, fits = 0, 0
    for place in [*places, len(body)]:
        if fits > begin and place - begin > room:
            yield body[begin:fits]
            begin = fits + 1
        fits = place
    yield body[begin:]


def _parts(item: Worked) -> list[Text]:
    """Return the right-hand sides of a number's lines: formulas, substituted numbers, result."""
    q = item.quantity
    if all(line.substituted is None for line in item.lines):
        return _short(item)
    parts: list[Text] = []
    for line in item.lines:
        if line.kind != "derivation":
            parts += [Text(pretty(line.formula)), _numbers(line)]
    parts.append(Text(q.shown, style="green") + _numerical(q))
    for line in item.lines:
        if line.kind == "derivation":
            other = [Text(OTHER_DERIVATION, style="dim")] if len(item.lines) > 1 else []
            before = parts if len(item.lines) > 1 else []
            lines = [Text(pretty(line.formula)), _numbers(line)]
            parts = [*before, *other, *lines, *([] if other else parts)]
    return parts


def _numbers(line: Line) -> Text:
    text = Text(pretty(line.substituted or ""))
    if line.substituted is not None and not line.exact:
        text.append("   (full precision carried)", style="dim")
    return text


def _short(item: Worked) -> list[Text]:
    """Return one line: the last formula that ran, the substituted numbers, and the result."""
    result = Text(item.quantity.shown, style="green") + _numerical(item.quantity, tick=True)
    if not item.lines:
        return [result]
    line = next((n for n in reversed(item.lines) if n.kind != "derivation"), item.lines[0])
    text = _numbers(line) if line.substituted is not None else Text(pretty(line.formula))
    return [text + Text(" = ") + result]


def _numerical(q: Quantity, *, tick: bool = False) -> Text:
    note = numerical_note(q)
    if note is None:
        return Text()
    number, good = note
    mark, style = (" ✓", "dim green") if good else (" ≠", "bold red")
    return Text(f"   numerically{'' if tick and good else ' ' + number}{mark}", style=style)


def pretty(line: str) -> str:
    """Return a line with · for products and ² for squares."""
    line = re.sub(r"\*\*2\b", "²", line)
    line = line.replace("½*(", "½(")
    return line.replace("**", "^").replace("*", " · ")


# ---- notes, and arithmetic in ready texts --------------------------------------------------------


def _marked(mark: Mark, text: str, style: str = "") -> Text:
    """Return a text after its mark, in the mark's color."""
    return Text(f"{SIGNS[mark]} {text}" if mark else text, style=f"{style} {COLORS[mark]}".strip())


def _notes(notes: list[Note], console: Console) -> None:
    """Print notes, with their labels in a column if there is room."""
    if console.width < NARROW:
        for note in notes:
            console.print(Padding(Text(note.label, style="bold"), (0, 0, 0, 2)))
            console.print(Padding(Text(note.text), (0, 0, 0, 4)))
        return
    rows = _pairs([(Text(note.label, style="bold"), note.text) for note in notes])
    console.print(Padding(rows, (0, 0, 0, 2)))


def _pairs(pairs: list[tuple[Text, str]]) -> RenderableType:
    """Return texts with labels in a column before them."""
    table = Rows.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in pairs:
        table.add_row(label, Text(text))
    return table


def _points(texts: tuple[str, ...], mark: Mark) -> RenderableType:
    sign = SIGNS[mark] or "·"
    return _pairs([(Text(sign, style=COLORS[mark]), text) for text in texts])


def _excerpt(lines: tuple[tuple[str, str, Mark], ...]) -> RenderableType:
    """Return lines of a program, the marked ones in the color of their mark."""
    rows = Text()
    for number, text, mark in lines:
        sign = SIGNS[mark] or " "
        rows.append(f"{sign} {number}  {text}\n", style=COLORS[mark] or "dim")
    rows.rstrip()
    return rows


def _workings(items: list[Working], console: Console) -> None:
    """Print calculations below each other, after their names."""
    column = max(len(item.name) for item in items) + INDENT
    lines: list[Text] = []
    for item in items:
        result = Text(f"{item.result}   ") + _marked(item.mark, item.label)
        result.stylize(COLORS[item.mark])
        texts = [Text(pretty(text)) for text in (item.formula, item.substituted) if text]
        head = Text(item.name.rjust(column), style="bold")
        for text in (*texts, result):
            lines += _folded(Text.assemble(head, " = "), text, console)
            head = Text(" " * column)
        if item is not items[-1]:
            lines.append(Text())
    console.print(Text("\n").join(lines), soft_wrap=True)


# ---- arrays, tables, errata ---------------------------------------------------------------------


def _grid(grid: Grid, width: int) -> RenderableType:
    """Return an array below its equation; columns that do not fit are left out."""
    name = plain_name(grid.matrix.markup)
    shape = "×".join(map(str, grid.matrix.array.shape)) or "one number"
    formula = f" = {pretty(grid.matrix.formula)}" if grid.matrix.formula else ""
    rows = [["…" if cell is None else cell for cell in row] for row in grid.rows]
    lines = [Text(f"  {line}", no_wrap=True, overflow="ignore") for line in fitted(rows, width - 2)]
    remark = [Text(grid.matrix.remark, style="italic yellow")] if grid.matrix.remark else []
    head = Text.assemble((name, "bold"), formula, (f"   ({shape})", "dim"))
    return Group(head, *lines, *remark, Text())


def fitted(rows: list[list[str]], width: int) -> list[str]:
    """Return rows as lines of aligned columns, the middle ones replaced by "…" where too wide.

    Parameters
    ----------
    rows : list of list of str
        All of one length; a column of ``"…"`` may stand for columns left out before.
    width : int
        The longest that a line may be, if two columns and the dots fit.

    Returns
    -------
    list of str
    """
    columns = list(zip(*rows, strict=True))
    dots = ("…",) * len(rows)
    if dots not in columns and _width(columns) <= width:
        return _aligned(columns)
    kept = [column for column in columns if column != dots]
    left, right = kept[: (len(kept) + 1) // 2], kept[(len(kept) + 1) // 2 :]
    while _width([*left, dots, *right]) > width and len(left) + len(right) > 2:
        (left.pop() if len(left) > len(right) else right.pop(0))
    return _aligned([*left, dots, *right])


def _width(columns: list[tuple[str, ...]]) -> int:
    return sum(2 + max(map(len, column)) for column in columns) - 2


def _aligned(columns: list[tuple[str, ...]]) -> list[str]:
    """Return the lines of columns that are aligned at their right."""
    padded = [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    return ["  ".join(row) for row in zip(*padded, strict=True)]


def _table(listing: Listing, width: int) -> RenderableType:
    columns = [*zip(listing.table.header, *listing.rows, strict=True)]
    widths = _column_widths(columns, width)
    if not widths:
        return Group(*_records(listing))
    table = Rows.grid(padding=(0, 2))
    sides: list[Side] = ["left" if i == 0 or w else "right" for i, w in enumerate(widths)]
    for side, most in zip(sides, widths, strict=True):
        table.add_column(justify=side, width=most, no_wrap=most is None)
    table.add_row(*(Text(heading, style="bold") for heading in listing.table.header))
    for cells in listing.rows:
        table.add_row(*map(Text, cells))
    if not listing.table.remark:
        return table
    outer = Rows.grid()
    outer.add_row(table)
    outer.add_row(Text(listing.table.remark, style="italic yellow"))
    return outer


def _column_widths(columns: list[tuple[str, ...]], width: int) -> list[int | None]:
    """Return the width of each column that must be folded, None for others; [] if none helps.

    Only the widest column may be folded, and only if it has words.
    """
    full = [max(map(len, column)) for column in columns]
    room = width - 2 * len(full) - sum(full) + max(full)
    if room >= max(full):
        return [None] * len(full)
    widest = full.index(max(full))
    if room < NARROWEST or not any(" " in cell for cell in columns[widest][1:]):
        return []
    return [room if i == widest else None for i in range(len(full))]


def _records(listing: Listing) -> Iterator[RenderableType]:
    """Yield the rows of a table that is too wide, each as numbers with their headings."""
    for row in listing.rows:
        pairs = zip(listing.table.header, row, strict=True)
        yield _Packed([Text(f"{heading} {text}") for heading, text in pairs if text])
    if listing.table.remark:
        yield Text(listing.table.remark, style="italic yellow")


def _erratum(figure: Correction) -> Text:
    """Return the published figure, the correct one, and the cause of the mistake."""
    if figure.published is None:
        wrong = f"{figure.place}: {figure.right}; with the mistake of the published figure "
        return Text(wrong + figure.mistaken)
    return Text.assemble(
        f"{figure.place}: published ",
        (figure.published, "red"),
        ", right ",
        (figure.right, "green"),
        f". Cause: {figure.cause}. Recomputed so: {figure.mistaken}.",
    )
