r"""Renders a page as GitHub-flavored Markdown, with lines of numbers as math between dollar signs.

The output must survive several viewers. GitHub's Markdown parser runs before its math renderer: it
strips a backslash in front of a punctuation mark, and reads underscores as emphasis and ``<b`` as
HTML. So rows end with ``\cr`` instead of two backslashes, an underscore is placed between letters
or after a space, where it cannot close an emphasis, and ``\lt`` is written for <. Dollar signs are
the only delimiters that JupyterLab supports. No viewer wraps a displayed line, so long ones are
broken here. The drawing is an image with the SVG in its address, which JupyterLab and VS Code show;
GitHub shows neither that nor inline SVG, so there the alternative text describes the drawing.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import ceil

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
    Note,
    Outcome,
    Page,
    Paragraph,
    Points,
    Versus,
    Worked,
    Working,
)
from chainrule.pages.parse_expression import parse_expression
from chainrule.pages.quantities import Quantity
from chainrule.pages.svg import svg
from chainrule.pages.tex_math import NUMBER, Tex, length
from chainrule.pages.tex_rows import CARRIED, OTHER_DERIVATION, Row, levels, rows
from chainrule.pages.typeset import in_symbols

FULL = 66  # characters in a row
WIDTH = 100  # characters in a table of given numbers
SPECIAL = {
    "\\": "&#92;",
    "$": "<span>&#36;</span>",
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    **{sign: f"\\{sign}" for sign in "`*_[]#|~"},
}
SIGN = re.compile(r" (?:[+-]|\\cdot) ")


def render(page: Page) -> str:
    """Return a page as Markdown.

    Parameters
    ----------
    page : Page

    Returns
    -------
    str
    """
    title = f"# {SIGNS[page.mark]} {words(page.title)}" if page.mark else f"# {words(page.title)}"
    return "\n\n".join([title, *_Page(page).parts()]) + "\n"


def words(text: str) -> str:
    """Return a text with Markdown's special characters escaped."""
    line = "".join(SPECIAL.get(sign, sign) for sign in " ".join(text.split()))
    return re.sub(r"^(\d*)([-+.)])(?= |$)", r"\1\\\2", line)  # no list


class _Page:
    """Typesets the items of one page in order."""

    def __init__(self, page: Page) -> None:
        self.tex = Tex(keys=page.keys, markdown=True)
        self.items = page.items
        self.levels = levels(self.items)

    def parts(self) -> Iterator[str]:
        """Yield the page's parts in order."""
        for kind, group in groupby(self.items, type):
            items = list(group)
            if kind is Given:
                yield from self._given([item for item in items if isinstance(item, Given)])
            elif kind is Correction:
                yield _errata([item for item in items if isinstance(item, Correction)])
            else:
                for item in items:
                    yield from self._item(item)

    def _item(self, item: Item) -> Iterator[str]:
        match item:
            case Heading(text, _, anchor):
                yield f"{'#' * (self.levels[anchor] + 1)} {words(text)}"
            case Paragraph(text):
                yield words(text)
            case Drawing():
                data = b64encode(svg(item).encode()).decode()
                alt = words(f"{item.title}. {item.description}")
                yield f"![{alt}](data:image/svg+xml;base64,{data})"
            case Worked():
                yield from self._worked(item)
            case Grid():
                yield from self._grid(item)
            case Listing():
                yield from _listing(item)
            case Outcome(before, after):
                yield f"Error: {before} → **{after}**"
            case Working():
                yield self._working(item)
            case _:
                yield from _said(item)

    # ---- lines of numbers -----------------------------------------------------------------------

    def _worked(self, item: Worked) -> Iterator[str]:
        name = self.tex.name(item.quantity.markup)
        lines: list[str] = []
        start, room = f"{name} &= ", FULL - length(name)
        before: Row | None = None
        for row in rows(item, self.tex):
            if before and _goes_on(before, row, room):
                lines[-1] += rf" = \mathbf{{{row.tex}}}" + _note(row)
            else:
                lines += _set(row, start, room)
            before, start = row, "&= "
        yield block(lines)
        if item.quantity.remark:
            yield f"*{words(item.quantity.remark)}*"

    def _working(self, item: Working) -> str:
        """Return a calculation as math, or as text if it cannot be parsed."""
        texts = [text for text in (item.formula, item.substituted) if text]
        trees = [tree for text in texts if (tree := parse_expression(text))]
        if len(trees) < len(texts):
            return fenced([f"{item.name} = {' = '.join(texts)}", f"= {item.result} {_whose(item)}"])
        name = self.tex.name(item.name)
        lines, start, room = list[str](), f"{name} &= ", FULL - length(name)
        for tree in trees:
            lines += folded(in_symbols(tree, self.tex), start, room)
            start = "&= "
        number = self.tex.number(item.result)
        result = rf"\mathbf{{{number}}} \quad \text{{{_whose(item)}}}"
        return block([*lines, start + result])

    # ---- arrays ---------------------------------------------------------------------------------

    def _grid(self, grid: Grid) -> Iterator[str]:
        matrix = grid.matrix
        start = f"{self.tex.name(matrix.markup)} &= "
        lines: list[str] = []
        if matrix.tree:
            lines = folded(in_symbols(matrix.tree, self.tex), start, FULL)
            start = "&= "
        sizes = r" \times ".join(map(str, matrix.array.shape))
        shape = rf"\qquad {sizes}" if sizes else ""
        yield block([*lines, start + self._entries(grid) + shape])
        if matrix.remark:
            yield f"*{words(matrix.remark)}*"

    def _entries(self, grid: Grid) -> str:
        """Return an array in parentheses, with dots where something is left out."""
        if grid.matrix.array.ndim == 0:
            return self._number(grid.rows[0][0])
        lines = [" & ".join(map(self._number, row)) for row in grid.rows]
        begin = rf"\left(\begin{{array}}{{{'r' * len(grid.rows[0])}}}"
        return begin + "\n" + " \\cr\n".join(lines) + "\n" + r"\end{array}\right)"

    def _number(self, value: str | None) -> str:
        return r"\cdots" if value is None else self.tex.number(value)

    # ---- given numbers ---------------------------------------------------------------------------

    def _given(self, items: list[Given]) -> Iterator[str]:
        """Yield a table for each array, and one for all scalars."""
        for alone, group in groupby(items, lambda item: len(item.quantities) == 1):
            arrays = [item.quantities for item in group]
            several = [tuple(q for array in arrays for q in array)] if alone else arrays
            for quantities in several:
                columns = self._columns(quantities)
                for start in range(0, len(quantities), columns):
                    yield self._pairs(quantities[start : start + columns])

    def _columns(self, quantities: Sequence[Quantity]) -> int:
        """Return how many numbers a table has, about the same for all tables of an array."""
        sizes = [max(length(self.tex.name(q.markup)), len(q.shown)) + 3 for q in quantities]
        tables = ceil(len(quantities) * max(sizes) / WIDTH)
        return ceil(len(quantities) / tables)

    def _pairs(self, quantities: Sequence[Quantity]) -> str:
        names = [f"${self.tex.name(q.markup)}$" for q in quantities]
        return table(names, [[q.shown for q in quantities]])


def _said(item: Item) -> Iterator[str]:
    """Yield an item that consists of words only."""
    match item:
        case Note(label, text):
            yield f"**{words(label)}.** {words(text)}"
        case Points(texts, mark):
            sign = f"{SIGNS[mark]} " if mark else ""
            yield "\n".join(f"- {sign}{words(text)}" for text in texts)
        case Excerpt(lines):
            rows = (f"{SIGNS[mark] or ' '} {number}  {text}" for number, text, mark in lines)
            yield fenced([row.rstrip() for row in rows], exact=True)
        case Versus(wrong, right):
            yield fenced([f"- {wrong}", f"+ {right}"], "diff")
        case _:
            pass


def _goes_on(before: Row, row: Row, room: int) -> bool:
    """Return whether a result is on the same line as the substituted numbers."""
    size = length(before.tex) + length(row.tex) + len(row.numerical)
    return row.kind == "result" and not before.carried and size <= room


def _set(row: Row, start: str, room: int) -> list[str]:
    """Return a row in lines that are short enough."""
    if row.kind == "another":
        return [rf"&\text{{{OTHER_DERIVATION}}}"]
    tex = rf"\mathbf{{{row.tex}}}" if row.kind == "result" else row.tex
    lines = folded(tex, start, room)
    lines[-1] += _note(row)
    return lines


def _note(row: Row) -> str:
    """Return the text after a row."""
    if row.carried:
        return rf" \quad \text{{{CARRIED}}}"
    if not row.numerical:
        return ""
    mark = r"\checkmark" if row.good else r"\ne"
    return rf" \quad \text{{numerically }} {row.numerical} \enspace {mark}"


def _whose(item: Working) -> str:
    return f"{SIGNS[item.mark]} {item.label}".strip()


def fenced(lines: list[str], language: str = "text", *, exact: bool = False) -> str:
    """Return lines as a code block, with fences longer than any in the lines.

    Spaces are kept if it is `exact`, as for a program, in which they have a meaning.
    """
    longest = max(map(len, re.findall("`+", "\n".join(lines))), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join(
        [fence + language, *(line if exact else " ".join(line.split()) for line in lines), fence]
    )


def block(lines: list[str]) -> str:
    """Return displayed math with aligned rows."""
    return "$$\n\\begin{aligned}\n" + " \\cr\n".join(lines) + "\n\\end{aligned}\n$$"


def folded(tex: str, start: str, room: int) -> list[str]:
    r"""Return math in lines, broken before operators outside braces.

    Parameters
    ----------
    tex : str
    start : str
        The beginning of the first line.
    room : int
        The approximate number of characters of a line.

    Returns
    -------
    list of str
        Further lines are indented, and begin with the operator.
    """
    lines, now = [start], ""
    for piece in _pieces(tex):
        if now and length(now) + length(piece) > room:
            lines[-1] += now
            lines.append(r"&\quad{}")
            now = ""
        now += piece
    lines[-1] += now
    return lines


def _pieces(tex: str) -> Iterator[str]:
    """Yield the terms of sums, and the factors of terms that are too long for a line."""
    begin = 0
    for found in SIGN.finditer(tex):
        before = tex[: found.start()]
        inside = before.count("{") > before.count("}")
        factor = "cdot" in found[0] and length(tex[begin : found.start()]) < FULL // 2
        if not inside and not factor:
            yield tex[begin : found.start()]
            begin = found.start()
    yield tex[begin:]


# ---- tables and errata ---------------------------------------------------------------------------


def _listing(listing: Listing) -> Iterator[str]:
    body = [list(map(words, row)) for row in listing.rows]
    yield table([words(text) for text in listing.table.header], body)
    if listing.table.remark:
        yield f"*{words(listing.table.remark)}*"


def table(header: list[str], body: list[list[str]]) -> str:
    """Return a table with right-aligned columns of numbers."""
    columns = zip(*body, strict=True)
    rules = [
        "--:" if all(NUMBER.fullmatch(c) or not c for c in column) else "---" for column in columns
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rules, *body))


def _errata(figures: list[Correction]) -> str:
    header = ["figure", "published", "right", "with the mistake", "cause"]
    body = [
        [words(f.place), words(f.published or ""), f.right, f.mistaken, words(f.cause)]
        for f in figures
    ]
    return table(header, body)
