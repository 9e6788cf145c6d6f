"""Which rows of a table are held out for validation."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Stream, Table
from chainrule.errors import InputError

Rows: TypeAlias = NDArray[np.intp]

FEWEST = 20  # rows of a table from which some are held out
FEW = 20  # classes, or different numbers, up to which each keeps its share exactly


class Parts(NamedTuple):
    """A table in two parts.

    Attributes
    ----------
    training : Table or Stream
    validation : Table or None
    """

    training: Table | Stream
    validation: Table | None


def hold_out(table: Table, target: str, share: float, seed: int) -> Parts:
    """Hold out a share of the rows, and of the rows of each class.

    Parameters
    ----------
    table : Table
    target : str
    share : float
        Below 1; 0 holds out nothing.
    seed : int

    Returns
    -------
    Parts
        Without validation if the table has fewer than 20 rows, or nothing is held out.

    Raises
    ------
    InputError
        If the share is not from 0 to below 1.
    """
    check_share(share)
    if not share or len(table) < FEWEST:
        return Parts(table, None)
    held = held_rows(strata(table, target), share, seed)
    if not held.any():
        return Parts(table, None)
    return Parts(table.take(~held), table.take(held))


def check_share(share: float) -> None:
    """Raise InputError unless a share of rows to hold out is from 0 to below 1."""
    if not 0 <= share < 1:
        raise InputError(f"validation={share}: give the share of rows to hold out, such as 0.2")


def strata(table: Table, target: str) -> Rows:
    """Return a number for the class of each row, (n,); all 0 if the targets are quantities."""
    column = table[target]
    if column.kind == "number" and column.different > FEW:
        return np.zeros(len(table), np.intp)
    values: Any = column.values.combine_chunks().dictionary_encode()
    return np.asarray(values.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.intp)


def held_rows(classes: Rows, share: float, seed: int) -> NDArray[np.bool_]:
    """Return which rows are held out, (n,): the share of each class, but never all of one.

    Of many classes, which may be small, each has about its share, so that the sum of all is right.
    """
    held = np.zeros(len(classes), np.bool_)
    order = np.random.default_rng(seed).permutation(len(classes))
    found = np.unique(classes)
    wanted = 0.0
    for one in found:
        members = order[classes[order] == one]
        wanted += share * len(members)
        due = wanted - held.sum() if len(found) > FEW else share * len(members)
        held[members[: min(round(due), len(members) - 1)]] = True
    return held
