"""A page as a LaTeX document that pdflatex compiles in one run and without a warning."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, pairwise, takewhile

from chainrule.pages.drawing import Drawing
from chainrule.pages.items import (
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
from chainrule.pages.parse_expression import parse_expression
from chainrule.pages.tex_math import NUMBER, Tex, length
from chainrule.pages.tex_rows import CARRIED, OTHER_DERIVATION, Row, levels, rows
from chainrule.pages.tex_words import words
from chainrule.pages.tikz import STYLES, UNIT, tikz
from chainrule.pages.typeset import in_symbols

LINE = 470  # points, the width of the text
ROWS = 40  # of a table on one page
CANDIDATES = 5  # for the widest name
FULL = 84  # characters in a row
NOTE = 22  # characters of a numerical derivative, in small type

MARKS: dict[Mark, str] = {
    "": "",
    "right": r"\textcolor{plus}{$\checkmark$}",
    "wrong": r"\textcolor{minus}{$\boldsymbol{\times}$}",
    "unclear": r"\textcolor{minus}{$\boldsymbol{\ne}$}",
    "stopped": r"\textbf{!}",
}

# Every line of numbers is a paragraph, because math in a paragraph can break at operators and
# displayed math cannot. Bookmarks use pdfTeX directly: those of a package need a second run.
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
\newcommand\annotation[1]{\quad\mbox{\small\color{muted}#1}}
\newcommand\below[1]{{\par\nopagebreak\leftskip\dimexpr\names+1.7em\relax
  \noindent\small\itshape #1\par}}
\newcommand\given[2]{\mbox{$#1 = #2$}\quad{} }
\newcommand\about[1]{{\small\color{muted}#1\par}}
\newcommand\note[2]{\par{\hangindent1.5em\noindent\textbf{#1.} #2\par}}
\newcommand\source[2]{\par{\hangindent3em\noindent\makebox[3em][r]{#1\quad}\texttt{#2}\par}}
\newcommand\point[2]{\par{\hangindent1.5em\noindent\makebox[1.5em][l]{#1}#2\par}}
\newcommand\side[2]{\par{\hangindent5em\noindent\makebox[5em][l]{#1}\texttt{#2}\par}}
"""


def render(page: Page) -> str:
    """Return a page as a complete document.

    Parameters
    ----------
    page : Page

    Returns
    -------
    str
        ASCII; the same page gives the same text. pdflatex needs one run, and the packages of
        Debian's texlive-latex-base, texlive-latex-recommended and texlive-pictures.
    """
    preamble = PREAMBLE.replace("%STYLES%", STYLES)
    title = f"{_marked(page.mark)}{words(page.title)}"
    return "\n".join(
        [
            preamble + r"\begin{document}",
            rf"{{\Large\bfseries {title}\par}}\medskip",
            *_Page(page).parts(),
            r"\end{document}",
            "",
        ]
    )


class _Page:
    """Typesets the items of one page in order."""

    def __init__(self, page: Page) -> None:
        self.tex = Tex(keys=page.keys)
        self.items = page.items
        self.levels = levels(self.items)
        self.left = 0  # the width in characters of the names to the left of the lines

    def parts(self) -> Iterator[str]:
        """Yield the page's parts in order."""
        place = 0
        for kind, group in groupby(self.items, type):
            items = list(group)
            if kind in (Worked, Working):
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
            case Drawing():
                yield self._picture(item)
                yield rf"\about{{{words(item.legend)}}}"
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
            case Working():
                yield from self._working(item)
            case Correction():
                yield _erratum(item)
            case _:
                yield from _in_words(item)

    def _picture(self, drawing: Drawing) -> str:
        """Return the picture, rotated on a page of its own if it is too wide."""
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
        """Yield a heading, with a bookmark that counts the headings below it."""
        level = self.levels[heading.anchor]
        later = [self.levels[i.anchor] for i in self.items[place + 1 :] if isinstance(i, Heading)]
        below = [other for other in takewhile(lambda o: o > level, later) if other == level + 1]
        command = {1: "section", 2: "subsection"}.get(level, "subsubsection")
        text = words(heading.text)
        yield rf"\{command}*{{\bookmark{{{text}}}{{{heading.anchor}}}{{-{len(below)}}}}}"

    # ---- lines of numbers -----------------------------------------------------------------------

    def _widest(self, items: list[Item]) -> list[str]:
        """Return the longest names; LaTeX determines the widest of them."""
        names = [
            self.tex.name(item.quantity.markup if isinstance(item, Worked) else item.name)
            for item in items
            if isinstance(item, Worked | Working)
        ]
        return sorted(dict.fromkeys(names), key=length)[-CANDIDATES:]

    def _worked(self, item: Worked) -> Iterator[str]:
        name = self.tex.name(item.quantity.markup)
        first, *others = _opened(rows(item, self.tex))
        yield rf"\defines{{{name}}}{{{first.tex}}}" + _annotation(first)
        for before, row in pairwise((first, *others)):
            if row.kind == "another":
                yield rf"\below{{{OTHER_DERIVATION}}}"
            else:
                yield rf"\{self._command(before, row)}{{{row.tex}}}" + _annotation(row)
        if item.quantity.remark:
            yield rf"\below{{{words(item.quantity.remark)}}}"

    def _command(self, before: Row, row: Row) -> str:
        """Return the beginning of a row; the result has its own line after long numbers."""
        size = self.left + length(before.tex) + length(row.tex) + NOTE * bool(row.numerical)
        behind = before.kind == "numbers" and size <= FULL and not before.carried
        return "gives" if row.kind == "result" and behind else row.kind

    def _working(self, item: Working) -> Iterator[str]:
        """Yield a calculation as math, or as text if it cannot be parsed."""
        texts = [self._arithmetic(text) for text in (item.formula, item.substituted) if text]
        first, *others = [*texts, rf"\mathbf{{{self.tex.number(item.result)}}}"]
        yield rf"\defines{{{self.tex.name(item.name)}}}{{{first}}}"
        yield from (rf"\formula{{{other}}}" for other in others)
        yield rf"\annotation{{{_marked(item.mark)}{words(item.label)}}}"

    def _arithmetic(self, text: str) -> str:
        tree = parse_expression(text)
        return in_symbols(tree, self.tex) if tree else rf"\text{{\texttt{{{words(text)}}}}}"

    # ---- arrays ---------------------------------------------------------------------------------

    def _grid(self, grid: Grid) -> Iterator[str]:
        matrix = grid.matrix
        name = self.tex.name(matrix.markup)
        sizes = r" \times ".join(map(str, matrix.array.shape))
        shape = {0: "one number", 1: f"length ${sizes}$"}.get(matrix.array.ndim, f"${sizes}$")
        yield rf"\medskip\setlength\names{{0pt}}\widen{{{name}}}"
        if matrix.tree:
            yield rf"\defines{{{name}}}{{{in_symbols(matrix.tree, self.tex)}}}"
            name = rf"\phantom{{{name}}}"
        body = _entries(grid, self.tex)
        yield rf"\nopagebreak\fit{{$\displaystyle {name} = {body}$\annotation{{{shape}}}}}"
        if matrix.remark:
            yield rf"\below{{{words(matrix.remark)}}}"


def _marked(mark: Mark) -> str:
    """Return a mark followed by a space, or an empty string."""
    return f"{MARKS[mark]} " if mark else ""


def source(text: str) -> str:
    """Return a line of a program, with its indentation."""
    inner = text.lstrip(" ")
    return "~" * (len(text) - len(inner)) + words(inner)


def _in_words(item: Item) -> Iterator[str]:
    """Yield an item that consists of words only."""
    match item:
        case Note(label, text):
            yield rf"\note{{{words(label)}}}{{{words(text)}}}"
        case Points(texts, mark):
            sign = MARKS[mark] or r"\textbullet"
            yield from (rf"\point{{{sign}}}{{{words(text)}}}" for text in texts)
        case Excerpt(lines):
            for number, text, mark in lines:
                yield rf"\source{{{_marked(mark)}{number}}}{{{source(text)}}}"
        case Versus(wrong, right):
            yield rf"\side{{{_marked('wrong')}wrong}}{{{words(wrong)}}}"
            yield rf"\side{{{_marked('right')}right}}{{{words(right)}}}"
        case _:
            pass


def _opened(found: list[Row]) -> list[Row]:
    """Return the rows; the first includes the result if no numbers are substituted."""
    place = next(i for i, row in enumerate(found) if row.kind == "result")
    if place > 1:
        return found
    result, names = found[place], [row.tex for row in found[:place]]
    tex = " = ".join([*names, rf"\mathbf{{{result.tex}}}"])
    return [replace(result, tex=tex), *found[place + 1 :]]


def _annotation(row: Row) -> str:
    """Return the text after a row."""
    if row.carried:
        return rf"\annotation{{{CARRIED}}}"
    if not row.numerical:
        return ""
    mark = r"\checkmark" if row.good else r"\mathbf{\ne}"
    return rf"\annotation{{numerically ${row.numerical}\;{mark}$}}"


def _entries(grid: Grid, tex: Tex) -> str:
    """Return an array in parentheses, with dots for omitted entries."""
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
    """Yield a table in parts that fit on one page each."""
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
    """Return the published figure, the correct one, and the cause of the mistake."""
    place, right, mistaken = words(figures.place), figure(figures.right), figure(figures.mistaken)
    if figures.published is None:
        return rf"{place}: {right}; with the mistake of the published figure {mistaken}.\par"
    return (
        rf"\textbf{{{place}}}: published {figure(figures.published)}, right {right}. "
        rf"Cause: {words(figures.cause)}. Recomputed so: {mistaken}.\par"
    )
