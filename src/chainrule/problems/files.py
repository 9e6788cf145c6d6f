"""Problem files: settings as TOML or JSON, with the names of the command line's options."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.errors import InputError, UnknownNameError
from chainrule.problems.settings import Spec, check_settings, specify
from chainrule.problems.values import read_text


def read_problem(path: str | Path) -> Spec:
    """Read a problem, and the options of its worked example, from a file.

    Parameters
    ----------
    path : str or Path
        A TOML or JSON file. Its keys are the long options of ``chainrule explain`` without the
        leading dashes, and ``preset``, ``title`` and ``source``. With a preset, the other keys
        change it. Paths of CSV files are relative to the file.

    Returns
    -------
    Spec

    Raises
    ------
    InputError
        If it cannot be read, or a value in it cannot be used.
    UnknownNameError
        If a key is unknown; the message suggests the nearest.
    """
    settings = read_settings(path)
    with error_context(Path(path)):
        return specify(settings)


def read_settings(path: str | Path) -> dict[str, Any]:
    """Return the settings of a problem file, each checked on its own.

    Raises
    ------
    InputError
        If it cannot be read, or a value has the wrong type.
    UnknownNameError
        If a key is unknown.
    """
    path = Path(path)
    with error_context(path):
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            raise InputError("a problem file must end in .toml or .json; rename it")
    source = read_text(path)
    with error_context(path):
        return check_settings(reader(source), path.parent)


@contextmanager
def error_context(path: Path) -> Iterator[None]:
    """Put the name of the file in front of errors."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except UnknownNameError as error:
        raise UnknownNameError(f"{path}: {error}") from None


def read_toml(source: str) -> dict[str, Any]:
    """Return the table of a TOML text."""
    try:
        return tomllib.loads(source)
    except (ValueError, RecursionError) as error:
        place = re.search(r"\(at (.+)\)", str(error))
        where = f" at {place[1]}" if place else ""
        raise InputError(
            f"not valid TOML{where}; check the brackets, quotes and repeated keys there"
        ) from None


def read_json(source: str) -> dict[str, Any]:
    """Return the object of a JSON text."""
    try:
        found = json.loads(source, object_pairs_hook=unique_keys)
    except InputError:
        raise
    except json.JSONDecodeError as error:
        raise InputError(
            f"not valid JSON at line {error.lineno}, column {error.colno}; check the brackets, "
            "quotes and commas there"
        ) from None
    except (ValueError, RecursionError):  # a number, or brackets, too large to convert
        raise InputError("not valid JSON; its brackets are nested too deeply") from None
    if not isinstance(found, dict):
        raise InputError('the file must contain an object, such as {"layers": [2, 3, 1], …}')
    return found


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a dict, and refuse a repeated key."""
    keys = [key for key, _ in pairs]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise InputError(f"the key {twice[0]!r} is repeated; remove one of the two")
    return dict(pairs)


READERS: dict[str, Callable[[str], dict[str, Any]]] = {".toml": read_toml, ".json": read_json}
