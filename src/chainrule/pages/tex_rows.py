"""Typesets the lines of one number as math: formula, substituted numbers, result and notes.

LaTeX and Markdown both map these rows; what a row looks like on the page is theirs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from chainrule.pages.digits import write_number
from chainrule.pages.items import Heading, Item, Worked
from chainrule.pages.quantities import Line, numerical_note
from chainrule.pages.tex_math import Tex
from chainrule.pages.typeset import in_numbers, in_symbols

OTHER_DERIVATION = "another derivation, not used by the program:"
CARRIED = "(full precision carried)"


@dataclass(frozen=True)
class Row:
    """The text after one equals sign.

    Parameters
    ----------
    kind : {"formula", "numbers", "result", "another"}
        The last begins another derivation of the number, and has no math.
    tex : str
    carried : bool
        Whether the numbers have all their digits, since with fewer they do not recompute.
    numerical : str
        The numerical derivative that is printed after a result.
    good : bool
        Whether it bears the result out.
    """

    kind: Literal["formula", "numbers", "result", "another"]
    tex: str = ""
    carried: bool = False
    numerical: str = ""
    good: bool = True


def rows(item: Worked, tex: Tex) -> list[Row]:
    """Return the rows of a number, in order.

    Parameters
    ----------
    item : Worked
    tex : Tex

    Returns
    -------
    list of Row
        Another derivation follows the result, unless it is the only line.
    """
    first = [line for line in item.lines if line.kind != "derivation"]
    later = [line for line in item.lines if line.kind == "derivation"] if first else []
    found = [row for line in first or item.lines for row in _line(line, tex)]
    found.append(_result(item, tex))
    for line in later:
        found += [Row("another"), *_line(line, tex)]
    return found


def levels(items: Iterable[Item]) -> dict[str, int]:
    """Return each heading's level by its anchor, from 1, without one left out."""
    found: dict[str, int] = {}
    above: list[int] = []
    for item in items:
        if isinstance(item, Heading):
            above = [*(depth for depth in above if depth < item.depth), item.depth]
            found[item.anchor] = len(above)
    return found


def _line(line: Line, tex: Tex) -> Iterator[Row]:
    yield Row("formula", in_symbols(line.tree, tex))
    if line.substituted is not None:
        put_in = in_numbers(line.tree, lambda value: write_number(value, line.count), tex)
        yield Row("numbers", put_in, carried=not line.exact)


def _result(item: Worked, tex: Tex) -> Row:
    number = tex.number(item.quantity.shown)
    note = numerical_note(item.quantity)
    if note is None:
        return Row("result", number)
    return Row("result", number, numerical=tex.number(note[0]), good=note[1])
