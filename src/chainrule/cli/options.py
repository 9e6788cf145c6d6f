"""Checks of what is given on the command line: each returns a value, or says what would be right.

Typer's own for ranges and choices are told in every line of the help; these speak when asked.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import TypeVar

import typer

from chainrule.errors import unknown

MOST_SEEDS = 2**32 - 1

Count = TypeVar("Count", int, int | None)


def one_of(names: Sequence[str], what: str) -> Callable[[str], str]:
    """Return the check of a name that must be one of some."""

    def check(name: str) -> str:
        if name not in names:
            raise typer.BadParameter(str(unknown(what, name, names)))
        return name

    return check


def whole(least: int, most: int) -> Callable[[Count], Count]:
    """Return the check of a whole number; None stays None."""

    def check(count: Count) -> Count:
        if count is not None and not least <= count <= most:
            raise typer.BadParameter(f"{count:,} is out of range; choose from {least} to {most:,}")
        return count

    return check


def positive(rate: float | None) -> float | None:
    """Return a learning rate, if it is a number above 0 or None."""
    if rate is not None and not 0 < rate < inf:
        raise typer.BadParameter(f"{rate:g} is no rate; choose one above 0, such as 0.5")
    return rate


def seconds(limit: float | None) -> float | None:
    """Return a limit of time, if it is a number above 0 or None."""
    if limit is not None and not 0 < limit < inf:
        raise typer.BadParameter(f"{limit:g} is no time; choose seconds above 0, such as 60")
    return limit
