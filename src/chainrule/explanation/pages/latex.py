"""The worked example as a LaTeX document that pdflatex sets in one run and without a warning.

It reads the page's outline and nothing else; how an expression is set is ``tex``'s business.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, pairwise, takewhile

from chainrule.explanation.example import WorkedExample
from chainrule.explanation.pages.outline import (
    Correction,
    Given,
    Grid,
    Heading,
    Item,
    Listing,
    Outcome,
    Paragraph,
    Picture,
    Worked,
    outline,
)
from chainrule.explanation.pages.picture import Picture as Drawing
from chainrule.explanation.pages.picture import picture
from chainrule.explanation.pages.tex_math import NUMBER, Tex, length
from chainrule.explanation.pages.tex_rows import ANOTHER_WAY, CARRIED, Row, levels, rows
from chainrule.explanation.pages.tex_words import words
from chainrule.explanation.pages.tikz import STYLES, UNIT, tikz
from chainrule.explanation.typeset import formula

LINE = 470  # points, the width of the text
ROWS = 40  # of a table, on one page
CANDIDATES = 5  # for the widest name
FULL = 84  # signs of a row
NOTE = 22  # signs of a numerical derivative, which are small

# Every line of numbers is a paragraph, since math in a paragraph breaks at its signs and displayed
# math does not. Bookmarks are pdfTeX's own: those of a package need a second run.
PREAMBLE = r"""\documentclass[10pt,a4paper]{article}
\usepackage[margin=22mm]{geometry}
\usepackage{amsmath,amssymb,booktabs,tikz}
%STYLES%
\ifdefined\pdfinfoomitdate \pdfinfoomitdate=1 \pdftrailerid{}\pdfsuppressptexinfo=-1 \fi
\ifdefined\pdfgentounicode \input{glyphtounicode}\pdfgentounicode=1 \fi
\raggedright\raggedbottom
\setlength\parindent{0pt}
\setlength\parskip{2pt plus 1pt}
\setlength\lineskip{3pt}
\setlength\lineskiplimit{2pt}
\binoppenalty=50
\let\dotsign\cdot \renewcommand\cdot{\dotsign\penalty900 } % a sum breaks between its terms
\newcommand\lt{<}
\newcommand\gt{>}
\newlength\names
\newsavebox\held
\newcommand\within[3]{\sbox\held{#3}%
  \ifdim\wd\held>#1\relax \sbox\held{\resizebox{#1}{!}{\usebox\held}}\fi
  \ifdim\dimexpr\ht\held+\dp\held\relax>#2\relax \resizebox{!}{#2}{\usebox\held}%
  \else\usebox\held\fi}
\newcommand\fit[1]{\par\noindent\within{\linewidth}{.85\textheight}{#1}\par}
\newcommand\bookmark[3]{#1\ifdefined\pdfoutline
  \raisebox{\baselineskip}[0pt][0pt]{\pdfdest name{#2} xyz}%
  \pdfoutline goto name{#2} count #3 {#1}\fi}
\newcommand\widen[1]{\sbox\held{$\displaystyle#1$}%
  \ifdim\wd\held>\names \setlength\names{\wd\held}\fi
  \ifdim\names>.3\linewidth \setlength\names{.3\linewidth}\fi}
\newcommand\equationrow[2]{\noindent\hangindent\dimexpr\names+1.7em\relax\sbox\held{$\displaystyle#1$}%
  \ifdim\wd\held>\names \usebox\held\hfil\break\mbox{}\hspace{-1.7em}%
  \else\makebox[\names][r]{\usebox\held}\fi\ $\displaystyle=\nobreak#2$}
\makeatletter
\newcommand\defines[2]{\par\if@nobreak\else\pagebreak[2]\vspace{4pt plus 2pt}\fi
  \equationrow{#1}{#2}}
\makeatother
\newcommand\formula[1]{\par\nopagebreak\equationrow{}{#1}}
\newcommand\numbers[1]{\par\nopagebreak\equationrow{}{#1}}
\newcommand\result[1]{\par\nopagebreak\equationrow{}{\mathbf{#1}}}
\newcommand\gives[1]{ \mbox{$\displaystyle=\mathbf{#1}$}}
\newcommand\beside[1]{\quad\mbox{\small\color{muted}#1}}
\newcommand\below[1]{{\par\nopagebreak\leftskip\dimexpr\names+1.7em\relax
  \noindent\small\itshape #1\par}}
\newcommand\given[2]{\mbox{$#1 = #2$}\quad{} }
\newcommand\about[1]{{\small\color{muted}#1\par}}
"""


def render(example: WorkedExample) -> str:
    """Return a worked example as a complete document.

    Parameters
    ----------
    example : WorkedExample

    Returns
    -------
    str
        ASCII, the same for the same example; pdflatex needs what Debian's texlive-latex-base,
        texlive-latex-recommended and texlive-pictures bring, and no second run.
    """
    page = _Page(example)
    preamble = PREAMBLE.replace("%STYLES%", STYLES)
    title = words(example.title)
    return "\n".join(
        [
            preamble + r"\begin{document}",
            rf"{{\Large\bfseries {title}\par}}\medskip",
            *page.parts(),
            r"\end{document}",
            "",
        ]
    )


class _Page:
    """The items of one example, set one after the other."""

    def __init__(self, example: WorkedExample) -> None:
        self.example = example
        self.tex = Tex(keys=not example.notation.patterns)
        self.items = outline(example)
        self.levels = levels(self.items)
        self.left = 0  # signs of the names beside the lines

    def parts(self) -> Iterator[str]:
        """Yield the page's parts in order."""
        place = 0
        for kind, group in groupby(self.items, type):
            items = list(group)
            if kind is Worked:
                yield r"\setlength\names{0pt}"
                widest = self._widest(items)
                self.left = length(widest[-1])
                yield from (rf"\widen{{{name}}}" for name in widest)
            for item in items:
                heading = self._heading(item, place) if isinstance(item, Heading) else None
                yield "\n".join(heading or self._item(item))
                place += 1

    def _item(self, item: Item) -> Iterator[str]:
        match item:
            case Paragraph(text):
                yield rf"\about{{{words(text)}}}"
            case Picture(step):
                drawing = picture(self.example, step)
                yield self._picture(drawing)
                yield rf"\about{{{words(drawing.legend)}}}"
            case Given(quantities):
                pairs = ((self.tex.name(q.markup), self.tex.number(q.shown)) for q in quantities)
                yield from (rf"\given{{{name}}}{{{number}}}" for name, number in pairs)
                yield r"\par"
            case Worked():
                yield from self._worked(item)
            case Grid():
                yield from self._grid(item)
            case Listing():
                yield from _table(item)
            case Outcome(before, after):
                yield rf"Error: ${before} \to \mathbf{{{after}}}$\par"
            case _:
                yield _erratum(item) if isinstance(item, Correction) else ""

    def _picture(self, drawing: Drawing) -> str:
        """Return the picture, turned on a page of its own where it is too wide for the others."""
        inner = tikz(drawing, self.tex)
        if drawing.width * UNIT <= 1.3 * LINE:
            return rf"\medskip\fit{{{inner}}}\medskip"
        turned = rf"\rotatebox{{90}}{{\within{{.95\textheight}}{{\linewidth}}{{{inner}}}}}"
        return (
            r"\about{The picture of the network has a page of its own.}"
            rf"\begin{{figure}}[p]\centering{turned}\end{{figure}}"
        )

    # ---- headings -------------------------------------------------------------------------------

    def _heading(self, heading: Heading, place: int) -> Iterator[str]:
        """Yield a heading, with a bookmark that knows how many are below it."""
        level = self.levels[heading.anchor]
        later = [self.levels[i.anchor] for i in self.items[place + 1 :] if isinstance(i, Heading)]
        below = [other for other in takewhile(lambda o: o > level, later) if other == level + 1]
        command = {1: "section", 2: "subsection"}.get(level, "subsubsection")
        text = words(heading.text)
        yield rf"\{command}*{{\bookmark{{{text}}}{{{heading.anchor}}}{{-{len(below)}}}}}"

    # ---- lines of numbers -----------------------------------------------------------------------

    def _widest(self, items: list[Item]) -> list[str]:
        """Return the longest names, of which LaTeX finds the widest."""
        names = [self.tex.name(item.quantity.markup) for item in items if isinstance(item, Worked)]
        return sorted(dict.fromkeys(names), key=length)[-CANDIDATES:]

    def _worked(self, item: Worked) -> Iterator[str]:
        name = self.tex.name(item.quantity.markup)
        first, *others = _opened(rows(item, self.tex))
        yield rf"\defines{{{name}}}{{{first.tex}}}" + _beside(first)
        for before, row in pairwise((first, *others)):
            if row.sort == "another":
                yield rf"\below{{{ANOTHER_WAY}}}"
            else:
                yield rf"\{self._command(before, row)}{{{row.tex}}}" + _beside(row)
        if item.quantity.remark:
            yield rf"\below{{{words(item.quantity.remark)}}}"

    def _command(self, before: Row, row: Row) -> str:
        """Return how a row begins: a result stands behind short numbers, else on its own line."""
        size = self.left + length(before.tex) + length(row.tex) + NOTE * bool(row.numerical)
        behind = before.sort == "numbers" and size <= FULL and not before.carried
        return "gives" if row.sort == "result" and behind else row.sort

    # ---- arrays ---------------------------------------------------------------------------------

    def _grid(self, grid: Grid) -> Iterator[str]:
        matrix = grid.matrix
        name = self.tex.name(matrix.markup)
        sizes = r" \times ".join(map(str, matrix.array.shape))
        shape = {0: "one number", 1: f"length ${sizes}$"}.get(matrix.array.ndim, f"${sizes}$")
        yield rf"\medskip\setlength\names{{0pt}}\widen{{{name}}}"
        if matrix.tree:
            yield rf"\defines{{{name}}}{{{formula(matrix.tree, self.tex)}}}"
            name = rf"\phantom{{{name}}}"
        body = _entries(grid, self.tex)
        yield rf"\nopagebreak\fit{{$\displaystyle {name} = {body}$\beside{{{shape}}}}}"
        if matrix.remark:
            yield rf"\below{{{words(matrix.remark)}}}"


def _opened(found: list[Row]) -> list[Row]:
    """Return rows whose first has the result in it, where there is nothing to put in."""
    place = next(i for i, row in enumerate(found) if row.sort == "result")
    if place > 1:
        return found
    result, names = found[place], [row.tex for row in found[:place]]
    tex = " = ".join([*names, rf"\mathbf{{{result.tex}}}"])
    return [replace(result, tex=tex), *found[place + 1 :]]


def _beside(row: Row) -> str:
    """Return what stands behind a row."""
    if row.carried:
        return rf"\beside{{{CARRIED}}}"
    if not row.numerical:
        return ""
    mark = r"\checkmark" if row.good else r"\mathbf{\ne}"
    return rf"\beside{{numerically ${row.numerical}\;{mark}$}}"


def _entries(grid: Grid, tex: Tex) -> str:
    """Return an array in parentheses, with dots where something is left out."""
    if grid.matrix.array.ndim == 0:
        return tex.number(grid.rows[0][0] or "0")
    lines = [
        " & ".join(_entry(grid, i, k, tex) for k in range(len(grid.rows[i])))
        for i in range(len(grid.rows))
    ]
    columns = "r" * len(grid.rows[0])
    body = " \\\\\n".join(lines)
    return rf"\left(\begin{{array}}{{@{{}}{columns}@{{}}}}" + f"\n{body}\n" + r"\end{array}\right)"


def _entry(grid: Grid, row: int, column: int, tex: Tex) -> str:
    value = grid.rows[row][column]
    if value is not None:
        return tex.number(value)
    across = all(line[column] is None for line in grid.rows)
    down = all(v is None for v in grid.rows[row])
    return r"\ddots" if across and down else r"\cdots" if across else r"\vdots"


# ---- tables and errata ---------------------------------------------------------------------------


def _table(listing: Listing) -> Iterator[str]:
    """Yield a table, in pieces that fit on a page each."""
    table, texts = listing.table, listing.rows
    columns = [_column([row[k] for row in texts]) for k in range(len(table.header))]
    head = " & ".join(rf"\textbf{{{words(text)}}}" for text in table.header)
    for start in range(0, len(texts), ROWS):
        body = [" & ".join(map(figure, row)) for row in texts[start : start + ROWS]]
        yield "\n".join(
            [
                rf"\fit{{\begin{{tabular}}{{@{{}}{''.join(columns)}@{{}}}}\toprule",
                head + r" \\\midrule",
                *(row + r" \\" for row in body),
                r"\bottomrule\end{tabular}}",
            ]
        )
    if table.remark:
        yield rf"\about{{{words(table.remark)}}}"


def figure(text: str) -> str:
    """Return a cell of a table: a number as math, anything else as words."""
    return f"${Tex(keys=True).number(text)}$" if NUMBER.fullmatch(text) else words(text)


def _column(texts: list[str]) -> str:
    return "r" if all(NUMBER.fullmatch(text) or not text for text in texts) else "l"


def _erratum(figures: Correction) -> str:
    """Return what was published, what is right, and what gives the wrong figure."""
    place, right, mistaken = words(figures.place), figure(figures.right), figure(figures.mistaken)
    if figures.published is None:
        return rf"{place}: {right}; with the mistake of the published figure {mistaken}.\par"
    return (
        rf"\textbf{{{place}}}: published {figure(figures.published)}, right {right}. "
        rf"Cause: {words(figures.cause)}. Recomputed so: {mistaken}.\par"
    )
