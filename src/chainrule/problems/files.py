"""Problem files: settings written as TOML or JSON, by the command line's names.

Whatever is wrong is told with the file's name and the setting's; what settings mean is in
settings.py.
"""

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.errors import InputError, UnknownNameError
from chainrule.problems.settings import Spec, check_settings, specify
from chainrule.problems.values import read_text


def read_problem(path: str | Path) -> Spec:
    """Read a problem, and how its worked example is to be made, from a file.

    Parameters
    ----------
    path : str or Path
        A TOML or JSON file. Its keys are the long options of ``chainrule explain`` without dashes
        in front, and ``preset``, ``title`` and ``source``; with a preset, the file says what is
        changed about it. CSV files that it names lie beside it.

    Returns
    -------
    Spec

    Raises
    ------
    InputError
        If it cannot be read, or a value in it cannot be used.
    UnknownNameError
        If it has a key that is none; the message offers the nearest.
    """
    settings = read_settings(path)
    with told_of(Path(path)):
        return specify(settings)


def read_settings(path: str | Path) -> dict[str, Any]:
    """Return the settings of a problem file, each checked by itself.

    Raises
    ------
    InputError
        If it cannot be read, or a value in it is of the wrong kind.
    UnknownNameError
        If it has a key that is none.
    """
    path = Path(path)
    with told_of(path):
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            raise InputError("problem files end in .toml or .json; name one of them")
    source = read_text(path)
    with told_of(path):
        return check_settings(reader(source), path.parent)


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Name the file in errors."""
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
        raise InputError(f"this is no TOML: {error}; repair it") from None


def read_json(source: str) -> dict[str, Any]:
    """Return the object of a JSON text."""
    try:
        found = json.loads(source, object_pairs_hook=once)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"this is no JSON: {error}; repair it") from None
    if not isinstance(found, dict):
        raise InputError('there is no object in it; write {"layers": [2, 3, 1], …}')
    return found


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a dict, each key once."""
    keys = [key for key, _ in pairs]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise InputError(f"{twice[0]!r} is there twice; leave one of them out")
    return dict(pairs)


READERS: dict[str, Callable[[str], dict[str, Any]]] = {".toml": read_toml, ".json": read_json}
