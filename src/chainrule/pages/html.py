"""A page as one HTML file, or as the output of a notebook's cell.

It maps the page's items to elements and computes nothing; how they look is page.css.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.metadata import version
from importlib.resources import files
from itertools import groupby

from chainrule.pages.cells import MOST_COLUMNS, MOST_ROWS
from chainrule.pages.digits import write_number
from chainrule.pages.drawing import Drawing
from chainrule.pages.folding import Samples, by_array, folded, is_long
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
from chainrule.pages.live import ID, Live, policy
from chainrule.pages.markup import plain_name
from chainrule.pages.mathml import MATHML, flow, inline, widest
from chainrule.pages.parse_expression import parse_expression
from chainrule.pages.quantities import Line, Quantity, Table, numerical_note
from chainrule.pages.svg import STYLE, svg, width_limits
from chainrule.pages.typeset import in_numbers, in_symbols

WIDE = 34  # characters that fit a narrow screen; wider elements scroll
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
# The script of a live page fills this element and shows it.
INSTRUMENT = f'<section id="{ID}" aria-label="Live page" hidden="hidden"></section>'
# A choice that only the style sheet reads, so that it works without a script.
COLUMNS = (
    '<p class="choice"><input type="checkbox" id="two-columns" />'
    '<label for="two-columns">Print in two columns, in a small font.</label></p>'
)
OTHER_DERIVATION = "another derivation, not used by the program:"
CARRIED = "full precision carried"
SPOKEN: dict[Mark, str] = {  # marks in words, for screen readers
    "": "",
    "right": "Right: ",
    "wrong": "Wrong: ",
    "unclear": "Not right: ",
    "stopped": "Not checked: ",
}


def render(page: Page, live: Live | None = None) -> str:
    """Return a page as one HTML file without external resources.

    Parameters
    ----------
    page : Page
    live : Live, optional
        What makes the page live; without it, the page has no script.

    Returns
    -------
    str
    """
    title, made = escape(page.title), escape(f"chainrule {version('chainrule')}")
    about = f"<p>{escape(page.about)}</p>" if page.about else ""
    style = f"\n{_style(page)}\n{live.style if live else ''}"
    scripts = live.scripts if live else ()
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>',
            '<meta charset="utf-8" />',
            f'<meta http-equiv="Content-Security-Policy" content="{policy([style], scripts)}" />',
            '<meta name="viewport" content="width=device-width, initial-scale=1" />',
            '<meta name="color-scheme" content="light dark" />',
            f'<meta name="generator" content="{made}" />',
            f"<title>{title}</title>",
            f"<style>{style}</style>",
            f'</head>\n<body class="chainrule chainrule-page{" long" * is_long(page.items)}">',
            '<a class="skip" href="#content">Skip to the content</a>',
            f"<header><h1>{_mark(page.mark)}{title}</h1></header>",
            *([INSTRUMENT] if live else []),
            _contents(page.items),
            '<main id="content" tabindex="-1">',
            *_Body(page.items, page=True).parts(),
            "</main>",
            f"<footer>{about}{COLUMNS}<p>Made by {made}.</p></footer>",
            *(live.elements() if live else ()),
            "</body>\n</html>\n",
        ]
    )


def fragment(page: Page) -> str:
    """Return a document for the output of a notebook's cell: no head, no ids, its own styles.

    Parameters
    ----------
    page : Page

    Returns
    -------
    str
    """
    return "\n".join(
        [
            f'<div class="chainrule chainrule-cell"><style>\n{_style(page)}\n</style>',
            f'<p class="title">{_mark(page.mark)}{escape(page.title)}</p>',
            *_Body(page.items, page=False).parts(),
            "</div>\n",
        ]
    )


def _style(page: Page) -> str:
    sheet = files("chainrule.pages").joinpath("page.css").read_text(encoding="utf-8")
    limits = {width_limits(item) for item in page.items if isinstance(item, Drawing)}
    return "\n".join([sheet.strip(), STYLE, *sorted(limits)])


def _contents(items: Iterable[Item]) -> str:
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


class _Body:
    """The elements between the title and the end, the same on a page and in a notebook.

    Parameters
    ----------
    items : sequence of Item
    page : bool
        Whether there is a page around it: then it has anchors, and text to copy in place of math.
    """

    def __init__(self, items: Sequence[Item], *, page: bool) -> None:
        self.items, self.page = items, page
        self.used: Counter[str] = Counter()
        steps = any(isinstance(i, Heading) and i.depth == 2 for i in items[: _second(items)])
        self.up = 0 if steps else 1  # a single step has no heading above its parts
        self.long = is_long(items)

    def parts(self) -> Iterator[str]:
        """Yield the elements in order."""
        for kind, items in groupby(folded(self.items) if self.long else self.items, type):
            several = list(items)
            if kind is Samples:
                yield from (self._samples(i) for i in several if isinstance(i, Samples))
            else:
                yield from self._run(kind, [i for i in several if not isinstance(i, Samples)])

    def _run(self, kind: type, items: list[Item]) -> Iterator[str]:
        """Yield a run of items of one kind."""
        if kind is Paragraph:
            texts = (f"<p>{escape(i.text)}</p>" for i in items if isinstance(i, Paragraph))
            yield f'<div class="introduction">{"".join(texts)}</div>'
        elif kind is Given:
            yield self._given([i for i in items if isinstance(i, Given)])
        elif kind is Worked:
            yield self._calculations([i for i in items if isinstance(i, Worked)])
        elif kind is Grid:
            arrays = (self._grid(i) for i in items if isinstance(i, Grid))
            yield f'<div class="arrays">{"".join(arrays)}</div>'
        elif kind is Note:
            rows = (_noted(i) for i in items if isinstance(i, Note))
            yield f'<dl class="given notes">{"".join(rows)}</dl>'
        elif kind is Working:
            blocks = (self._working(i) for i in items if isinstance(i, Working))
            yield f'<div class="worked">{"".join(blocks)}</div>'
        elif kind is Correction:
            yield self._errata([i for i in items if isinstance(i, Correction)])
        else:
            yield from map(self._one, items)

    def _one(self, item: Item) -> str:
        match item:
            case Heading():
                return self._heading(item)
            case Drawing():
                drawn = svg(item, standalone=False)
                label = "The network, a picture that scrolls"
                return (
                    f'<figure tabindex="0" role="group" aria-label="{label}">{drawn}</figure>'
                    f'<p class="reading" aria-hidden="true">{escape(item.legend)}</p>'
                )
            case Listing():
                return self._table(item)
            case Points(texts, mark):
                points = "".join(f"<li>{_mark(mark)}{escape(text)}</li>" for text in texts)
                return f'<ul class="points{" marked" * bool(mark)}">{points}</ul>'
            case Excerpt(lines):
                rows = "".join(map(_source_line, lines))
                return f'<pre class="excerpt" tabindex="0"><code>{rows}</code></pre>'
            case Versus(wrong, right):
                return f'<dl class="versus">{_side("wrong", wrong)}{_side("right", right)}</dl>'
            case Outcome(before, after):
                return (
                    '<p class="outcome">The error was '
                    f"{self._number(before)} and is now <strong>{self._number(after)}</strong>.</p>"
                )
            case _:
                return ""

    def _heading(self, heading: Heading) -> str:
        level = max(2, heading.depth - self.up) + (0 if self.page else 1)
        return f"<h{level}{self._id(heading.anchor)}>{escape(heading.text)}</h{level}>"

    def _id(self, anchor: str) -> str:
        """Return an anchor that no other element has."""
        if not self.page:
            return ""
        self.used[anchor] += 1
        again = f"-{self.used[anchor]}" if self.used[anchor] > 1 else ""
        return f' id="{escape(anchor + again)}"'

    # ---- texts with a plain version for copying -------------------------------------------------

    def _seen(self, shown: str, text: str) -> str:
        """Return an element with its plain text, which is copied instead of it."""
        if not self.page:
            return shown
        copied = f'<span class="copy" aria-hidden="true">{escape(text)}</span>'
        return f'<span class="seen">{shown}{copied}</span>'

    def _number(self, text: str) -> str:
        """Return a number with a minus sign (U+2212), and with powers of ten as superscripts."""
        if "e" in text:
            return self._seen(inline(MATHML.number(text)), text)
        signed = escape(text).replace("-", "−")
        return signed if signed == text else self._seen(signed, text)

    def _name(self, markup: str) -> str:
        return self._seen(inline(MATHML.name(markup)), plain_name(markup))

    def _line(self, shown: str, text: str, kind: str, note: str = "") -> str:
        """Return one right-hand side after its equals sign."""
        reach = ' tabindex="0" role="group" aria-label="A long line, which scrolls"'
        sort, wide = ("set wide", reach) if widest(shown) > WIDE else ("set", "")
        seen = self._seen(flow(shown), text)
        return (
            f'<div class="line {kind}"><span class="eq">=</span>'
            f'<span class="{sort}"{wide}>{seen}{note}</span></div>'
        )

    # ---- numbers --------------------------------------------------------------------------------

    def _given(self, items: list[Given]) -> str:
        """Return the given numbers: one row for each array, and one for all scalars."""
        rows: list[str] = []
        for what, group in groupby(items, lambda item: _array(item.quantities[0])):
            several = [q for item in group for q in item.quantities]
            values = "".join(
                f"<li>{self._name(q.markup)} = {self._number(q.shown)}</li>" for q in several
            )
            remarks = "".join(map(_remark, several))
            rows.append(f"<dt>{what}</dt><dd><ul>{values}</ul>{remarks}</dd>")
        return f'<dl class="given">{"".join(rows)}</dl>'

    def _worked(self, item: Worked) -> str:
        q = item.quantity
        who = f'role="group" aria-label="{escape(q.name)}"{self._id(item.anchor)}'
        return (
            f'<div class="quantity" {who}><div class="name">{self._name(q.markup)}</div>'
            f'<div class="lines">{"".join(self._lines(item))}</div>{_remark(q)}</div>'
        )

    def _lines(self, item: Worked) -> Iterator[str]:
        """Yield formulas, substituted numbers and the result, then other derivations."""
        if all(line.substituted is None for line in item.lines):  # only another name
            yield self._result(item.quantity, item.lines[:1])
            return
        main = [line for line in item.lines if line.kind != "derivation"]
        others = [line for line in item.lines if line.kind == "derivation"]
        for line in main or others:
            yield from self._way(line)
        yield self._result(item.quantity)
        if main and others:
            yield f'<p class="another">{OTHER_DERIVATION}</p>'
            for line in others:
                yield from self._way(line)

    def _way(self, line: Line) -> Iterator[str]:
        """Yield one line of a number, in symbols and in numbers."""
        yield self._line(in_symbols(line.tree, MATHML), line.formula, f"symbols {line.kind}")
        if line.substituted is not None:
            note = "" if line.exact else f' <span class="note">({CARRIED})</span>'
            shown = in_numbers(line.tree, lambda value: write_number(value, line.count), MATHML)
            yield self._line(shown, line.substituted, f"numbers {line.kind}", note)

    def _result(self, q: Quantity, names: tuple[Line, ...] = ()) -> str:
        """Return the result, after another name for it if the number has no other line."""
        same = (self._seen(flow(in_symbols(n.tree, MATHML)), n.formula) for n in names)
        before = "".join(f'{other} <span class="eq">=</span> ' for other in same)
        annotation = ""
        if note := numerical_note(q):
            number, good = note
            sort, mark, words = ("good", "✓", "agrees") if good else ("bad", "≠", "differs")
            annotation = (
                f' <span class="annotation">numerically <span class="whole">{self._number(number)} '
                f'<span class="{sort}"><span aria-hidden="true">{mark}</span>'
                f'<span class="hidden"> {words}</span></span></span></span>'
            )
        strong = f"<strong>{self._number(q.shown)}</strong>"
        return (
            f'<div class="line result"><span class="eq">=</span><span class="set">{before}'
            f"{strong}{annotation}</span></div>"
        )

    def _working(self, item: Working) -> str:
        """Return a calculation, typeset as math where it can be parsed."""
        lines = self._typed(item.formula, "symbols") if item.formula else ""
        lines += self._typed(item.substituted, "numbers") if item.substituted else ""
        whose = (
            f'<span class="annotation">{_mark(item.mark, spoken=False)}{escape(item.label)}</span>'
        )
        who = f"{item.name}, {item.label}"
        return (
            f'<div class="quantity {item.mark}" role="group" aria-label="{escape(who)}">'
            f'<div class="name">{self._name(item.name)}</div><div class="lines">{lines}'
            '<div class="line result"><span class="eq">=</span><span class="set">'
            f"<strong>{self._number(item.result)}</strong> {whose}</span></div></div></div>"
        )

    def _typed(self, text: str, kind: str) -> str:
        tree = parse_expression(text)
        if tree is not None:
            return self._line(in_symbols(tree, MATHML), text, kind)
        return (
            f'<div class="line {kind}"><span class="eq">=</span>'
            f'<span class="set"><code>{escape(text)}</code></span></div>'
        )

    # ---- long pages -----------------------------------------------------------------------------

    def _calculations(self, items: Sequence[Worked]) -> str:
        """Return calculations; on a long page, one of each array, and the others folded."""
        if self.long:
            blocks = (self._worked(s.model) + self._others(s.others) for s in by_array(items))
        else:
            blocks = map(self._worked, items)
        return f'<div class="worked">{"".join(blocks)}</div>'

    def _others(self, items: Sequence[Worked]) -> str:
        """Return the other numbers of an array: one line of results, which unfolds."""
        if not items:
            return ""
        results = "".join(f"<li>{self._in_one_line(item)}</li>" for item in items)
        blocks = "".join(map(self._worked, items))
        return (
            f'<details class="others"><summary><ul>{results}</ul></summary>'
            f'<div class="worked">{blocks}</div></details>'
        )

    def _in_one_line(self, item: Worked) -> str:
        q = item.quantity
        note = numerical_note(q)
        mark = "" if note is None or note[1] else ' <span class="bad">≠</span>'
        return f"{self._name(q.markup)} = {self._number(q.shown)}{mark}"

    def _samples(self, several: Samples) -> str:
        """Return the first sample's calculations, a table of all, and the others folded."""
        first, *others = zip(several.headings, several.samples, strict=True)
        rest = "".join(self._unfolding(heading, items) for heading, items in others)
        return (
            f"{self._heading(first[0])}{self._calculations(first[1])}"
            f'<div class="samples">{self._columns(several)}{rest}</div>'
        )

    def _unfolding(self, heading: Heading, items: Sequence[Worked]) -> str:
        """Return the calculations of one sample, folded."""
        title = f"{escape(heading.text)}, every line"
        return (
            f'<details class="sample"{self._id(heading.anchor)}><summary>{title}</summary>'
            f"{self._calculations(items)}</details>"
        )

    def _columns(self, several: Samples) -> str:
        """Return the results of all samples as a table with a column for each."""
        titles = [heading.text for heading in several.headings]
        head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
        rows = "".join(
            f'<tr><th scope="row">{self._name(row[0].quantity.markup)}</th>'
            + "".join(f"<td>{self._number(item.quantity.shown)}</td>" for item in row)
            + "</tr>"
            for row in zip(*several.samples, strict=False)
        )
        label = "All samples, as a table"
        table = (
            f'<table class="columns"><caption class="hidden">{label}</caption>'
            f"<thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )
        return (
            f'<details class="sample"><summary>{label}</summary>'
            f"{_scrolling(table, label, WIDE_COLUMNS)}</details>"
        )

    # ---- arrays, tables, errata -----------------------------------------------------------------

    def _grid(self, grid: Grid) -> str:
        """Return an array with its equation and its numbers."""
        matrix = grid.matrix
        name, shape = plain_name(matrix.markup), matrix.array.shape
        lines = ""
        if matrix.tree is not None:
            lines = self._line(in_symbols(matrix.tree, MATHML), matrix.formula, "symbols")
        if not shape:
            number = self._number(grid.rows[0][0] or "")
            lines += f'<div class="line result"><span class="eq">=</span>{number}</div>'
        size, table = "", ""
        if shape:
            size = f'<div class="shape">{" × ".join(map(str, shape))}</div>'
            table = self._matrix(grid, name)
        sort = "known" if matrix.tree is None else "computed"
        return (
            f'<div class="array {sort}" role="group" aria-label="{escape(name)}"'
            f'{self._id(grid.anchor)}><div class="name">{self._name(matrix.markup)}</div>'
            f'<div class="lines">{lines}</div>{size}{table}{_reading(matrix.remark)}</div>'
        )

    def _matrix(self, grid: Grid, name: str) -> str:
        """Return the numbers of an array, which scroll if they are wide."""
        first = grid.first
        single = grid.matrix.array.ndim == 1
        places = [""] if single else _numbered(grid, 0, first)
        body = "".join(self._row(row, i) for row, i in zip(grid.rows, places, strict=True))
        columns = "".join(f'<th scope="col">{i}</th>' for i in _numbered(grid, 1, first))
        caption = f'<caption class="hidden">{escape(name)}</caption>'
        head = f"<thead><tr><td></td>{columns}</tr></thead>"
        table = f'<table class="matrix">{caption}{head}<tbody>{body}</tbody></table>'
        return _scrolling(table, f"Numbers of {name}", len(grid.rows[0]))

    def _row(self, row: tuple[str | None, ...], index: str) -> str:
        cells = "".join(f"<td>{'…' if v is None else self._number(v)}</td>" for v in row)
        head = f'<th scope="row">{index}</th>' if index else "<td></td>"
        return f"<tr>{head}{cells}</tr>"

    def _table(self, listing: Listing) -> str:
        """Return a table; the first column has the headings of the rows."""
        table = listing.table
        texts = [i for i, _ in enumerate(table.header) if _of_words(table, i)]
        caption = f'<caption class="hidden">{escape(table.title or "The error")}</caption>'
        head = "".join(
            f'<th scope="col"{_words(i in texts)}>{_heading_of(h)}</th>'
            for i, h in enumerate(table.header)
        )
        rows = "".join(f"<tr>{''.join(self._cells(row, texts))}</tr>" for row in listing.rows)
        inner = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        box = _scrolling(inner, table.title or "The error", len(table.header))
        return box + _reading(table.remark)

    def _cells(self, row: tuple[str, ...], texts: list[int]) -> Iterator[str]:
        for place, value in enumerate(row):
            text = escape(value) if place in texts else self._number(value)
            inner = f"<td{_words(place in texts)}>{text}</td>"
            yield inner if place else f'<th scope="row">{text}</th>'

    def _errata(self, figures: list[Correction]) -> str:
        """Return the published figures with the correct ones."""
        names = ("figure", "published", "right", "cause", "recomputed with it")
        head = "".join(f'<th scope="col"{_words(n == "cause")}>{n}</th>' for n in names)
        rows = "".join(map(self._erratum, figures))
        caption = '<caption class="hidden">Published figures and the right ones</caption>'
        table = (
            f'<table class="errata">{caption}<thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )
        return _scrolling(table, "Errata", len(names))

    def _erratum(self, figure: Correction) -> str:
        published = (
            "" if figure.published is None else f"<del>{self._number(figure.published)}</del>"
        )
        return (
            f'<tr><th scope="row">{escape(figure.place)}</th><td>{published}</td>'
            f"<td><strong>{self._number(figure.right)}</strong></td>"
            f'<td class="words">{escape(figure.cause)}</td>'
            f"<td>{self._number(figure.mistaken)}</td></tr>"
        )


# ---- functions of single elements ---------------------------------------------------------------


def _second(items: Sequence[Item]) -> int:
    """Return the place after the first heading."""
    places = (i for i, item in enumerate(items, 1) if isinstance(item, Heading))
    return next(places, 0)


def _source_line(line: tuple[str, str, Mark]) -> str:
    """Return a line of a program with its number; a marked one is emphasized."""
    number, text, mark = line
    shown = f'<span class="number">{_mark(mark)}{escape(number)}</span> {escape(text)}\n'
    return f'<mark class="{mark}">{shown}</mark>' if mark else f"<span>{shown}</span>"


def _mark(mark: Mark, *, spoken: bool = True) -> str:
    """Return a mark, with its meaning in words for screen readers."""
    if not mark:
        return ""
    words = f'<span class="hidden">{SPOKEN[mark]}</span>' if spoken else ""
    return f'<span class="mark {mark}" aria-hidden="true">{SIGNS[mark]}</span>{words} '


def _side(mark: Mark, text: str) -> str:
    """Return one of two formulas shown side by side."""
    sign = _mark(mark, spoken=False)
    return f'<div class="{mark}"><dt>{sign}{mark}</dt><dd><code>{escape(text)}</code></dd></div>'


def _noted(note: Note) -> str:
    return f"<dt>{escape(note.label)}</dt><dd>{escape(note.text)}</dd>"


def _array(q: Quantity) -> str:
    """Return the description of a given array."""
    if not q.ref.index:
        return "constants"
    what = ARRAYS.get(q.ref.quantity) or escape(q.ref.quantity.partition("_")[0])
    return f"{what}, layer {escape(q.ref.layer)}" if q.ref.layer else what


def _remark(q: Quantity) -> str:
    return f'<p class="remark" role="note">{escape(q.remark)}</p>' if q.remark else ""


def _reading(text: str) -> str:
    """Return a sentence that explains the element above it."""
    return f'<p class="reading" role="note">{escape(text)}</p>' if text else ""


def _of_words(table: Table, place: int) -> bool:
    """Return whether a column contains words."""
    cells = [row[place] for row in table.rows if row[place] != ""]
    return bool(cells) and all(isinstance(c, str) for c in cells)


def _words(words: bool) -> str:  # noqa: FBT001 (its name says it)
    return ' class="words"' if words else ""


def _heading_of(text: str) -> str:
    return escape(text) or '<span class="hidden">remark</span>'


def _numbered(grid: Grid, axis: int, first: int) -> list[str]:
    """Return the numbers of the rows or columns that are shown."""
    size = (1, *grid.matrix.array.shape)[-2:][axis]
    shown = len(grid.rows) if axis == 0 else len(grid.rows[0])
    if size <= (MOST_ROWS, MOST_COLUMNS)[axis]:
        return [str(i + first) for i in range(size)]
    half = shown // 2
    begin, end = range(half), range(size - half, size)
    return [*(str(i + first) for i in begin), "…", *(str(i + first) for i in end)]


def _scrolling(table: str, label: str, columns: int) -> str:
    """Return a table in a box, which can be scrolled by keyboard if it may be too wide."""
    reach = f' tabindex="0" role="group" aria-label="{escape(label)}"'
    return f'<div class="box"{reach if columns >= WIDE_COLUMNS else ""}>{table}</div>'
