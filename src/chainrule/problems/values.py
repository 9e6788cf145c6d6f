"""Conversion of settings, which are text or values of TOML and JSON, to checked Python values."""

import ast
import csv
import json
import math
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeAlias

from chainrule.activations import Activation, activation
from chainrule.descriptions import check_float
from chainrule.errors import InputError, system_reason, unknown
from chainrule.names import canonical

Nested: TypeAlias = Any  # a number, or a tuple of such

DEEPEST = 3  # layers, rows, columns
LIST = (list, tuple)


def text(value: Any) -> str:
    """Return text."""
    if not isinstance(value, str):
        raise InputError(f"must be text, not {value!r}; write it in quotation marks")
    return value


def flag(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise InputError(f"must be true or false, not {value!r}")
    return value


def number(interval: str) -> Callable[[Any], float]:
    """Return the check of a number in an interval such as ``"[0, 1)"``."""
    return lambda value: check_float(value, f"{value!r}", interval)


def count(least: int) -> Callable[[Any], int]:
    """Return the check of a whole number of at least `least`."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"must be a whole number from {least}, not {value!r}")
        return value

    return check


def name_or_file(names: Collection[str], what: str) -> Callable[[Any], str]:
    """Return the check of a name that must be one of some, or the path of a JSON or TOML file."""

    def check(value: Any) -> str:
        path = isinstance(value, str) and value.lower().endswith((".json", ".toml"))
        return value if path else one_of(names, what)(value)

    return check


def one_of(names: Collection[Any], what: str) -> Callable[[Any], Any]:
    """Return the check of a name that must be one of `names`, or an alias."""

    def check(value: Any) -> Any:
        if isinstance(value, str):
            return canonical(what, value, names)
        if isinstance(value, bool) or value not in names:
            raise unknown(what, value, map(str, names))
        return value

    return check


def counts(value: Any) -> tuple[int, ...]:
    """Return positive whole numbers from a list, or from text such as ``"2,3,1"``."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, LIST) or not parts:
        raise InputError(f"must be a list of whole numbers such as 2,3,1, not {value!r}")
    return tuple(_count(part, value) for part in parts)


def _count(part: Any, value: Any) -> int:
    known = int(part) if isinstance(part, str) and part.strip().isdecimal() else part
    if isinstance(known, bool) or not isinstance(known, int) or known < 1:
        raise InputError(f"{part!r} in {value!r} must be a whole number from 1, as in 2,3,1")
    return known


def activations(value: Any) -> Activation | tuple[Activation, ...]:
    """Return one activation for all layers, or one for each, such as ``"tanh,logistic"``."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, LIST) or not parts:
        raise InputError(f"must be a name or a list of names such as tanh,logistic, not {value!r}")
    chosen = tuple(activation(text(part).strip()) for part in parts)
    return chosen[0] if isinstance(value, str) and len(chosen) == 1 else chosen


# ---- numbers ------------------------------------------------------------------------------------


def numbers(value: Any, folder: Path | None = None) -> Nested:
    """Return finite numbers as nested tuples.

    Parameters
    ----------
    value : number, list or str
        Text is ``".05, .10; .2, .3"`` with semicolons between rows, a list in the syntax of JSON or
        Python, or the path of a CSV file.
    folder : Path, optional
        The folder of CSV files; if None, they are not accepted.
    """
    held = _nested(_of_text(value, folder) if isinstance(value, str) else value, DEEPEST)
    if not held or not isinstance(held, tuple):
        raise InputError(f"must be a list of numbers such as [0.05, 0.1], not {value!r}")
    return held


def table(folder: Path) -> Callable[[Any], Nested]:
    """Return the reader of rows, which may be in a CSV file of a folder."""
    return lambda value: numbers(value, folder)


def optional(value: Any) -> Nested:
    """Return numbers, or an empty tuple for ``"none"`` and an empty list."""
    return () if value in ("none", [], ()) else numbers(value)


def _nested(value: Any, depth: int) -> Nested:
    if isinstance(value, LIST) and depth:
        return tuple(_nested(part, depth - 1) for part in value)
    if isinstance(value, LIST):
        raise InputError(f"the lists are nested more than {DEEPEST} deep; remove brackets")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{value!r} must be a number; write numbers and lists of them")
    return _finite(value)


def _finite(value: float) -> float:
    try:
        held = float(value)
    except OverflowError:
        held = math.inf
    if not math.isfinite(held):
        raise InputError(f"{held} is not finite; replace it")
    return held


def _of_text(text: str, folder: Path | None) -> Any:
    """Return the list or the rows of numbers that a text contains, or those of a file."""
    if text.lstrip().startswith(("[", "(")):
        return _literal(text)
    try:
        rows = [
            [float(part) for part in re.split(r"[,\s]+", row.strip())]
            for row in text.strip().rstrip(";").split(";")
        ]
    except ValueError:
        return _of_file(text, folder)
    return rows if ";" in text else rows[0]


def _literal(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):  # the second accepts .05, the first is faster
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    raise InputError(
        f"must be a list of numbers such as [[0.05, 0.1], [0.2, 0.3]], not {_short(text)}"
    )


def _of_file(text: str, folder: Path | None) -> list[list[float]]:
    if folder is None or not (text.endswith(".csv") or (folder / text).is_file()):
        file = "" if folder is None else ", or name a CSV file"
        raise InputError(
            f"cannot read numbers from {_short(text)}; write them as '.05, .10; .2, .3'{file}"
        )
    return read_csv(folder / text)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


# ---- CSV ----------------------------------------------------------------------------------------


def read_csv(path: Path) -> list[list[float]]:
    """Return the rows of a CSV file, without a header line of names.

    Raises
    ------
    InputError
        If it cannot be read, or an entry is not a finite number.
    """
    lines = read_text(path).splitlines()
    comma = next((mark for mark in "\t;" if lines and mark in lines[0]), ",")
    rows = [(place, row) for place, row in enumerate(csv.reader(lines, delimiter=comma), 1) if row]
    if rows and not any(map(is_number, rows[0][1])):
        rows = rows[1:]
    if not rows:
        raise InputError(f"{path} has no rows; write one sample on each line")
    return [[_entry(part, path, place) for part in row] for place, row in rows]


def is_number(part: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(part)
    except ValueError:
        return False
    return True


def _entry(part: str, path: Path, place: int) -> float:
    if not is_number(part) or not math.isfinite(float(part)):
        raise InputError(f"{path}, line {place}: {_short(part)} is not a finite number; replace it")
    return float(part)


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    InputError
        If it does not exist, cannot be read, or is not UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        fault = f"cannot read {path}: {system_reason(error)}"
    except ValueError:
        fault = f"cannot read {path}: it is not UTF-8 text"
    raise InputError(f"{fault}; choose another file")
