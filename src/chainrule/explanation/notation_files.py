"""Notations by name, or from a JSON or TOML file that follows the schema chainrule.notation/1."""

import json
import tomllib
from dataclasses import fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from chainrule.errors import InputError, UnknownNameError, unknown
from chainrule.explanation.notation import NOTATIONS, Notation
from chainrule.names import canonical

ENDINGS = (".json", ".toml")
OPTIONS = tuple(field.name.replace("_", "-") for field in fields(Notation) if field.name != "name")
KEYS = ("schema", "name", "base", *OPTIONS)
SCHEMA = "chainrule.notation/1"


def choose_notation(choice: str | Path | Notation) -> Notation:
    """Return a notation by its name or from its file; a `Notation` is returned as it is.

    Parameters
    ----------
    choice : str, Path or Notation
        A path ends with ``.json`` or ``.toml``.

    Raises
    ------
    UnknownNameError
        If there is no such notation.
    InputError
        If the file cannot be read or is malformed.
    """
    if isinstance(choice, Notation):
        return choice
    if str(choice).lower().endswith(ENDINGS):
        return read_notation(Path(choice))
    return NOTATIONS[canonical("notation", choice, NOTATIONS)]


def read_notation(path: Path) -> Notation:
    """Return the notation of a file.

    A file may name a ``base``, whose patterns and options it changes. Its other keys are those of
    `Notation`, with hyphens: ``patterns``, ``residual``, ``half``, ``count-from``, ``first-layer``,
    ``negated``, ``about``.
    """
    try:
        return _notation(_parse(path), path.stem)
    except (InputError, UnknownNameError) as error:
        raise type(error)(f"{path}: {error}") from None


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}); give the path of a file") from None
    except ValueError as error:  # of JSON, TOML and UTF-8
        raise InputError(f"is not valid {path.suffix[1:].upper()}: {error}") from None
    if not isinstance(found, dict):
        raise InputError("must be an object with the keys " + ", ".join(KEYS))
    return found  # pyright: ignore[reportUnknownVariableType] (checked key by key)


def _notation(found: dict[str, Any], name: str) -> Notation:
    """Return the notation that a file describes, checked key by key."""
    for key in found:
        if key not in KEYS:
            raise unknown("key of a notation", key, KEYS)
    if found.get("schema", SCHEMA) != SCHEMA:
        raise InputError(f"schema={found['schema']!r}: must be {SCHEMA!r}")
    base = canonical("notation", found.get("base", "plain"), NOTATIONS)
    options = {key.replace("-", "_"): value for key, value in found.items() if key in OPTIONS}
    patterns: Any = options.get("patterns", {})
    if not isinstance(patterns, dict):  # its contents are checked by Notation
        raise InputError(f"patterns={patterns!r}: give an object with a pattern for each quantity")
    own = cast("dict[str, str]", patterns)
    options["patterns"] = {**NOTATIONS[base].patterns, **own}
    if isinstance(negated := options.get("negated"), list):
        options["negated"] = tuple(cast("list[Any]", negated))
    return replace(NOTATIONS[base], **{"about": "", **options}, name=found.get("name", name))


def notation_schema() -> str:
    """Return the JSON Schema of ``chainrule.notation/1``, as text."""
    schema = files("chainrule.explanation").joinpath("notation.schema.json")
    return schema.read_text(encoding="utf-8")
