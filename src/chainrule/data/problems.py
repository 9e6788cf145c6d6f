"""What is wrong with the values of a table: missing ones and unknown categories, by column."""

import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import InputError, unknown

MOST_NAMED = 5  # columns or categories in a message
ON_UNKNOWN = ("warn", "ignore", "error")


class UnknownCategoryWarning(UserWarning):
    """A category was not among the training rows; its inputs are 0."""


@dataclass
class Missing:
    """The missing values of a column.

    Parameters
    ----------
    count : int
    place : str
        What messages call the first row without a value.
    """

    count: int
    place: str


def missing_error(source: str, rows: str, found: dict[str, Missing], remedy: str) -> InputError:
    """Return the error for missing values, with the columns, their counts and the remedy."""
    named = [
        f"{name!r} in {gaps.count:,} of {rows}, first in {gaps.place}"
        for name, gaps in found.items()
    ]
    return InputError(f"{source}: values are missing: {listed(named, '; ')}. {remedy}")


def listed(parts: list[str], between: str = ", ") -> str:
    """Return the first parts of a list, and how many more there are."""
    more = len(parts) - MOST_NAMED
    return between.join(parts[:MOST_NAMED]) + (f"{between}and {more} more" if more > 0 else "")


@dataclass
class Problems:
    """What is found while a table is transformed, to be reported once at the end.

    Parameters
    ----------
    on_unknown : {"warn", "ignore", "error"}

    Raises
    ------
    UnknownNameError
        If it is none of these.
    """

    on_unknown: str = "warn"
    missing: dict[str, Missing] = field(default_factory=dict)
    unknown: dict[str, Counter[Any]] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.on_unknown not in ON_UNKNOWN:
            raise unknown("choice of unknown_categories", self.on_unknown, ON_UNKNOWN)

    def add_missing(self, name: str, count: int, place: str) -> None:
        """Note missing values of a column, of which `place` is the first of these rows."""
        known = self.missing.setdefault(name, Missing(0, place))
        known.count += count

    def add_unknown(self, name: str, values: list[Any], place: str) -> None:
        """Note unknown categories of a column."""
        self.unknown.setdefault(name, Counter()).update(values)
        self.places.setdefault(name, place)

    def report(self, source: str, rows: int) -> None:
        """Raise InputError for missing values, and warn of unknown categories."""
        if self.missing:
            raise missing_error(
                source,
                f"{rows:,} rows",
                self.missing,
                "Leave these rows out (table.without_missing), or train with impute='median'",
            )
        for name, values in self.unknown.items():
            text = self._unknown_text(source, name, values)
            if self.on_unknown == "error":
                raise InputError(f"{text}; leave these rows out, or train with them")
            if self.on_unknown == "warn":
                warnings.warn(f"{text}; its inputs are 0", UnknownCategoryWarning, stacklevel=3)

    def _unknown_text(self, source: str, name: str, values: Counter[Any]) -> str:
        """Return which categories are unknown, how often, and where the first one is."""
        named = [f"{value!r} ({count:,})" for value, count in values.most_common()]
        kinds = "categories that were" if len(values) > 1 else "a category that was"
        return (
            f"{source}: column {name!r} has {kinds} not among the training rows: {listed(named)}, "
            f"first in {self.places[name]}"
        )
