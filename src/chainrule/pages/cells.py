"""How the entries of tables and matrices are written, and what is left out of large ones.

A matrix too large for a page shows its corners.
"""

import math
from decimal import Decimal

import numpy as np

from chainrule.pages.digits import Digits, write_number
from chainrule.pages.items import Listing
from chainrule.pages.quantities import Matrix, Table

SHORT = Digits(4)
CORNER = 6  # rows and columns of a large matrix that are shown, half of them from each end
MOST_ROWS, MOST_COLUMNS = 12, 10


def listing(table: Table, digits: Digits) -> Listing:
    """Return a table with its cells as they are printed."""
    return Listing(table, tuple(tuple(cell(v, digits) for v in row) for row in table.rows))


def corners(matrix: Matrix, digits: Digits) -> tuple[tuple[str | None, ...], ...]:
    """Return the rows of a matrix; of a large one its corners, with None for what is omitted."""
    array = np.atleast_2d(matrix.shown)
    rows = _ends(array.shape[0], MOST_ROWS)
    columns = _ends(array.shape[1], MOST_COLUMNS)
    return tuple(
        tuple(None if None in (i, k) else cell(float(array[i, k]), digits) for k in columns)
        for i in rows
    )


def _ends(size: int, most: int) -> list[int | None]:
    if size <= most:
        return list(range(size))
    half = CORNER // 2
    return [*range(half), None, *range(size - half, size)]


def plain_number(value: float, digits: int = 9) -> str:
    """Return significant digits without an exponent, as publications print them."""
    text = write_number(float(value), digits)
    return f"{Decimal(text):f}" if 1e-7 <= abs(value) < 1e12 or not value else text


def four_digits(value: float) -> str:
    """Return four significant digits, zeros among them; an exponent only for unusual sizes."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    if not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3e}"
    return f"{value:,.{max(0, 3 - math.floor(math.log10(abs(value))))}f}"


def cell(value: str | float, digits: Digits = SHORT) -> str:
    """Return a cell of a table: few digits; whole numbers and words are unchanged."""
    return str(value) if isinstance(value, str | int) else digits.result(value)
