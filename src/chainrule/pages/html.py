"""A page as one HTML file, or as the output of a notebook's cell.

It maps the page's items to elements and computes nothing; how they look is page.css.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from importlib.metadata import version
from importlib.resources import files
from itertools import groupby

from chainrule.pages.digits import write_number
from chainrule.pages.drawing import Drawing
from chainrule.pages.folding import Samples, by_array, by_layer, by_unit, folded, is_long
from chainrule.pages.html_elements import (
    WIDE_COLUMNS,
    array_title,
    contents,
    has_words,
    heading_of,
    marked,
    noted,
    numbered,
    reading,
    remark,
    scrolling,
    side,
    source_line,
    words_class,
)
from chainrule.pages.items import (
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
from chainrule.pages.live import ID, Live, policy
from chainrule.pages.markup import plain_name
from chainrule.pages.mathml import MATHML, flow, inline, widest
from chainrule.pages.parse_expression import parse_expression
from chainrule.pages.quantities import Line, Quantity, numerical_note
from chainrule.pages.svg import STYLE, svg, width_limits
from chainrule.pages.typeset import in_numbers, in_symbols

WIDE = 34  # characters that fit a narrow screen; wider elements scroll
# The script of a live page fills this element and shows it.
INSTRUMENT = f'<section id="{ID}" aria-label="Live page" hidden="hidden"></section>'
# Choices that only the style sheet reads, so that they work without a script.
COLUMNS = (
    '<p class="choice"><label><input type="checkbox" class="two-columns" /> '
    "Print in two columns, in a small font.</label></p>"
)
EXPAND = (
    '<p class="choice expand"><label><input type="checkbox" class="expand-all" /> '
    "Expand all calculations.</label></p>"
)
OTHER_DERIVATION = "another derivation, not used by the program:"
CARRIED = "full precision carried"


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
    long = is_long(page.items)
    style = f"\n{_style(page)}\n"
    styles = [style, live.style] if live else [style]
    scripts = live.scripts if live else ()
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>',
            '<meta charset="utf-8" />',
            f'<meta http-equiv="Content-Security-Policy" content="{policy(styles, scripts)}" />',
            '<meta name="viewport" content="width=device-width, initial-scale=1" />',
            '<meta name="color-scheme" content="light dark" />',
            f'<meta name="generator" content="{made}" />',
            f"<title>{title}</title>",
            f"<style>{style}</style>",
            f'</head>\n<body class="chainrule chainrule-page{" long" * long}">',
            '<a class="skip" href="#content">Skip to the content</a>',
            f"<header><h1>{marked(page.mark)}{title}</h1></header>",
            *([INSTRUMENT] if live else []),
            contents(page.items),
            '<main id="content" tabindex="-1">',
            *_Body(page.items, page=True).parts(),
            "</main>",
            f"<footer>{about}{COLUMNS * (not long)}<p>Made by {made}.</p></footer>",
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
            f'<p class="title">{marked(page.mark)}{escape(page.title)}</p>',
            *_Body(page.items, page=False).parts(),
            "</div>\n",
        ]
    )


def _style(page: Page) -> str:
    sheet = files("chainrule.pages").joinpath("page.css").read_text(encoding="utf-8")
    limits = {width_limits(item) for item in page.items if isinstance(item, Drawing)}
    return "\n".join([sheet.strip(), STYLE, *sorted(limits)])


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
        self.level = 1  # of the heading above

    def parts(self) -> Iterator[str]:
        """Yield the elements in order."""
        if self.long:
            yield f'<div class="choices">{EXPAND}{COLUMNS if self.page else ""}</div>'
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
            rows = (noted(i) for i in items if isinstance(i, Note))
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
                    f'<div class="drawn"><figure tabindex="0" role="group" aria-label="{label}">'
                    f'{drawn}</figure><p class="reading" aria-hidden="true">{escape(item.legend)}'
                    "</p></div>"
                )
            case Listing():
                return self._table(item)
            case Points(texts, mark):
                points = "".join(f"<li>{marked(mark)}{escape(text)}</li>" for text in texts)
                return f'<ul class="points{" marked" * bool(mark)}">{points}</ul>'
            case Excerpt(lines):
                rows = "".join(map(source_line, lines))
                return f'<pre class="excerpt" tabindex="0"><code>{rows}</code></pre>'
            case Versus(wrong, right):
                return f'<dl class="versus">{side("wrong", wrong)}{side("right", right)}</dl>'
            case Outcome(before, after):
                return (
                    '<p class="outcome">The error was '
                    f"{self._number(before)} and is now <strong>{self._number(after)}</strong>.</p>"
                )
            case _:
                return ""

    def _heading(self, heading: Heading) -> str:
        level = self.level = max(2, heading.depth - self.up) + (0 if self.page else 1)
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
        for what, group in groupby(items, lambda item: array_title(item.quantities[0])):
            several = [q for item in group for q in item.quantities]
            values = "".join(
                f"<li>{self._name(q.markup)} = {self._number(q.shown)}</li>" for q in several
            )
            remarks = "".join(map(remark, several))
            rows.append(f"<dt>{what}</dt><dd><ul>{values}</ul>{remarks}</dd>")
        return f'<dl class="given">{"".join(rows)}</dl>'

    def _worked(self, item: Worked) -> str:
        q = item.quantity
        who = f'role="group" aria-label="{escape(q.name)}"{self._id(item.anchor)}'
        return (
            f'<div class="quantity" {who}><div class="name">{self._name(q.markup)}</div>'
            f'<div class="lines">{"".join(self._lines(item))}</div>{remark(q)}</div>'
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
            f'<span class="annotation">{marked(item.mark, spoken=False)}{escape(item.label)}</span>'
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
        """Return calculations; on a long page by layer, and only one of each array open."""
        if self.long:
            layers = list(by_layer(items))
            blocks = (self._layer(*layer, titled=len(layers) > 1) for layer in layers)
        else:
            blocks = map(self._worked, items)
        return f'<div class="worked">{"".join(blocks)}</div>'

    def _layer(self, name: str, items: Sequence[Worked], *, titled: bool) -> str:
        """Return the calculations of one layer."""
        level = self.level + 1
        title = f'<h{level} class="layer">Layer {escape(name)}</h{level}>' * (titled and name != "")
        arrays = (self._worked(s.model) + self._others(s.others) for s in by_array(items))
        return title + "".join(arrays)

    def _others(self, items: Sequence[Worked]) -> str:
        """Return the other numbers of an array: the results of each unit, which unfold."""
        units = "".join(map(self._of_unit, by_unit(items)))
        return f'<div class="units">{units}</div>' if units else ""

    def _of_unit(self, items: Sequence[Worked]) -> str:
        results = "".join(f'<span class="one">{self._in_one_line(item)}</span> ' for item in items)
        blocks = "".join(map(self._worked, items))
        return (
            f'<details class="others"><summary>{results}</summary>'
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
        model = f"{self._heading(first[0])}{self._calculations(first[1])}"
        rest = "".join(self._unfolding(heading, items) for heading, items in others)
        return f'{model}<div class="samples">{self._columns(several)}{rest}</div>'

    def _unfolding(self, heading: Heading, items: Sequence[Worked]) -> str:
        """Return the calculations of one sample, folded."""
        title, blocks = self._heading(heading), self._calculations(items)
        return f'<details class="sample"><summary>{title}</summary>{blocks}</details>'

    def _columns(self, several: Samples) -> str:
        """Return the results of all samples as a table with a column for each."""
        titles = [f"as in {several.headings[0].text}", *(h.text for h in several.headings)]
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
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )
        return (
            f'<details class="sample"><summary>{label}</summary>'
            f"{scrolling(table, label, WIDE_COLUMNS)}</details>"
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
            f'<div class="lines">{lines}</div>{size}{table}{reading(matrix.remark)}</div>'
        )

    def _matrix(self, grid: Grid, name: str) -> str:
        """Return the numbers of an array, which scroll if they are wide."""
        first = grid.first
        single = grid.matrix.array.ndim == 1
        places = [""] if single else numbered(grid, 0, first)
        body = "".join(self._row(row, i) for row, i in zip(grid.rows, places, strict=True))
        columns = "".join(f'<th scope="col">{i}</th>' for i in numbered(grid, 1, first))
        caption = f'<caption class="hidden">{escape(name)}</caption>'
        head = f"<thead><tr><td></td>{columns}</tr></thead>"
        table = f'<table class="matrix">{caption}{head}<tbody>{body}</tbody></table>'
        return scrolling(table, f"Numbers of {name}", len(grid.rows[0]))

    def _row(self, row: tuple[str | None, ...], index: str) -> str:
        cells = "".join(f"<td>{'…' if v is None else self._number(v)}</td>" for v in row)
        head = f'<th scope="row">{index}</th>' if index else "<td></td>"
        return f"<tr>{head}{cells}</tr>"

    def _table(self, listing: Listing) -> str:
        """Return a table; the first column has the headings of the rows."""
        table = listing.table
        texts = [i for i, _ in enumerate(table.header) if has_words(table, i)]
        caption = f'<caption class="hidden">{escape(table.title or "The error")}</caption>'
        head = "".join(
            f'<th scope="col"{words_class(i in texts)}>{heading_of(h)}</th>'
            for i, h in enumerate(table.header)
        )
        rows = "".join(f"<tr>{''.join(self._cells(row, texts))}</tr>" for row in listing.rows)
        inner = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        box = scrolling(inner, table.title or "The error", len(table.header))
        return box + reading(table.remark)

    def _cells(self, row: tuple[str, ...], texts: list[int]) -> Iterator[str]:
        for place, value in enumerate(row):
            text = escape(value) if place in texts else self._number(value)
            inner = f"<td{words_class(place in texts)}>{text}</td>"
            yield inner if place else f'<th scope="row">{text}</th>'

    def _errata(self, figures: list[Correction]) -> str:
        """Return the published figures with the correct ones."""
        names = ("figure", "published", "right", "cause", "recomputed with it")
        head = "".join(f'<th scope="col"{words_class(n == "cause")}>{n}</th>' for n in names)
        rows = "".join(map(self._erratum, figures))
        caption = '<caption class="hidden">Published figures and the right ones</caption>'
        table = (
            f'<table class="errata">{caption}<thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )
        return scrolling(table, "Errata", len(names))

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


def _second(items: Sequence[Item]) -> int:
    """Return the place after the first heading."""
    places = (i for i, item in enumerate(items, 1) if isinstance(item, Heading))
    return next(places, 0)
