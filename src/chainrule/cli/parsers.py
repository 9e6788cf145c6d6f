"""Parsers of option values: each returns a value, or raises an error that says what is accepted."""

from collections.abc import Callable, Iterable
from math import inf

import typer

from chainrule.errors import UnknownNameError
from chainrule.names import canonical

MOST_SEEDS = 2**32 - 1

NameCheck = Callable[[str | None], str | None]


def name_of(kind: str, choices: Iterable[str]) -> NameCheck:
    """Return the check of a name or alias, which returns the registered name; None stays None."""

    def check(name: str | None) -> str | None:
        if name is None:
            return None
        try:
            return canonical(kind, name, choices)
        except UnknownNameError as error:
            raise typer.BadParameter(str(error)) from None

    return check


def names_of(kind: str, choices: Iterable[str]) -> NameCheck:
    """Return the check of names between commas, which returns their registered names."""
    check = name_of(kind, choices)

    def check_all(text: str | None) -> str | None:
        return (
            None if text is None else ",".join(str(check(part.strip())) for part in text.split(","))
        )

    return check_all


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return the parser of a whole number in a range."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise typer.BadParameter(
                f"must be a whole number from {least:,} to {most:,}, not {str(text)!r}"
            )
        return number

    return parse


def number(text: str) -> float:
    """Parse a finite number."""
    return parsed_number(text, -inf, "a number, such as 0.5")


def positive_number(text: str) -> float:
    """Parse a finite number above 0."""
    return parsed_number(text, 0, "a number above 0, such as 0.5")


def parsed_number(text: str, low: float, accepted: str) -> float:
    """Return a finite number above a bound."""
    try:
        value = float(text)
    except ValueError:
        value = inf
    if not low < value < inf:
        raise typer.BadParameter(f"must be {accepted}, not {str(text)!r}")
    return value
