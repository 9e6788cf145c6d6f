"""Takes numbers that were handed in out of mappings, JSON and CSV, as key and value.

Digits stay as they were typed; what a key means, and whether a value is a number, is not asked.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.errors import InputError

MOST_BYTES = 64 * 2**20
SCHEMA = "chainrule.example/1"
INDICES = ("sample", "to", "from", "unit", "unit2")
HEADINGS = {"key", "name", "quantity", "layer", "value", "step", *INDICES}


class Token(str):
    """A number in JSON, as it was typed."""

    __slots__ = ()


class One(NamedTuple):
    """A key and a value.

    Attributes
    ----------
    key : str
    value : object
    step : int
    where : str
        For messages.
    comma : bool
        Whether it may have a decimal comma.
    """

    key: str
    value: Any
    step: int
    where: str
    comma: bool = False


class Given(NamedTuple):
    """All that was handed in.

    Attributes
    ----------
    numbers : list of One
    exact : bool
        Whether a program of ours wrote it, with all digits.
    """

    numbers: list[One]
    exact: bool = False


# ---- files and texts ----------------------------------------------------------------------------


def from_path(path: Path) -> Given:
    """Return the numbers of a file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if path.is_dir():
        raise InputError(f"{path.name} is a folder; name a file of numbers in it")
    if not path.exists():
        raise InputError(f"there is no file {str(path)!r}; check its name and folder")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path.name} is larger than {MOST_BYTES:,} bytes; hand in fewer")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}") from None
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return _from_text(data.decode(encoding))
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is no text in UTF-8; save it as CSV UTF-8") from None


def from_str(text: str) -> Given:
    """Return the numbers of a text, or of the file that it names."""
    if not text.strip() or "\n" in text or text.lstrip()[0] in "{[":
        return _from_text(text)
    try:
        named = Path(text).exists()
    except (OSError, ValueError):
        named = False
    return _from_text(text) if not named and re.search(r"[,;\t]", text) else from_path(Path(text))


def _from_text(text: str) -> Given:
    """Return the numbers of JSON or, failing that, lines."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InputError("it is empty; give for instance a line dW1[0,0],0.0821")
    if text.lstrip()[0] not in "{[":
        return Given(list(_lines(text)))
    try:
        loaded = json.loads(
            text,
            parse_float=Token,
            parse_int=Token,
            parse_constant=Token,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise InputError(f"line {error.lineno}, column {error.colno}: {error.msg} (JSON)") from None
    except RecursionError:
        raise InputError("it is nested too deeply (JSON)") from None
    return _from_json(loaded)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"key {twice!r} is given twice; remove one of them")
    return made


# ---- mappings, documents, rows ------------------------------------------------------------------


def _from_json(loaded: Any) -> Given:
    if isinstance(loaded, dict):
        return from_mapping(loaded)  # pyright: ignore[reportUnknownArgumentType]
    return Given(list(_of_list(loaded)))


def from_mapping(mapping: Mapping[Any, Any]) -> Given:
    """Return the numbers of a mapping: keys and values, or a worked example.

    Raises
    ------
    InputError
        If it is a document of another kind, or a key is no text.
    """
    if mapping.get("schema", SCHEMA) != SCHEMA:
        raise InputError(f"schema {mapping['schema']!r}: give {SCHEMA!r}, or a mapping of keys")
    if isinstance(mapping.get("steps"), list):
        steps = [one for step in mapping["steps"] for one in _of_step(step)]
        return Given(steps, exact="schema" in mapping)
    if isinstance(mapping.get("quantities"), list):
        return Given(list(_of_step(mapping)))
    return Given(list(_of_mapping(mapping, 1)))


def _of_list(rows: list[Any]) -> Iterator[One]:
    """Yield the numbers of a list: rows, or a mapping for each step."""
    for place, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise InputError(f"item {place} is no row; write {{'key': 'dW1[0,0]', 'value': …}}")
        if {"key", "quantity", "name"} & row.keys():
            yield _row(row, 1, f"row {place}")  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield from _of_mapping(row, place)  # pyright: ignore[reportUnknownArgumentType]


def _of_step(step: Any) -> Iterator[One]:
    """Yield the numbers of one step of a worked example."""
    if not isinstance(step, Mapping):
        raise InputError("a step of the worked example is no object; give the document unchanged")
    known: Mapping[str, Any] = step  # pyright: ignore[reportUnknownVariableType]
    number = _step_number(known.get("step", 1), "a step")
    for name in ("quantities", "matrices"):
        for place, row in enumerate(known.get(name) or [], start=1):
            yield _row(row, number, f"step {number}, {name}, row {place}")


def _of_mapping(mapping: Mapping[Any, Any], step: int) -> Iterator[One]:
    """Yield keys and values; a mapping inside has an array's single entries."""
    step = _step_number(mapping.get("step", step), "key 'step'")
    for key, value in mapping.items():
        if not isinstance(key, str):
            raise InputError(f"key {key!r} is no text; write it as 'dW1' or 'dW1[0,1]'")
        if isinstance(value, Mapping):
            inner: Mapping[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
            yield from (_inner(key, place, number, step) for place, number in inner.items())
        elif key not in ("step", "schema"):
            yield One(key, value, step, f"key {key!r}")


def _inner(key: str, place: Any, value: Any, step: int) -> One:
    """Return an entry that stands in a mapping of its own under its array's name."""
    name = ",".join(map(str, place)) if isinstance(place, tuple) else str(place)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    name = f"[{name}]" if re.fullmatch(r"[\d,\s]+", name) else name
    whole = key + name if name.startswith("[") else name
    return One(whole, value, step, f"key {whole!r}")


def _row(row: Any, step: int, where: str, *, comma: bool = False) -> One:
    """Return the number of a row, by its key or by what it says of its place."""
    if not isinstance(row, Mapping):
        raise InputError(f"{where} is no row; write {{'key': 'dW1[0,0]', 'value': …}}")
    cells: dict[str, Any] = {k: v for k, v in row.items() if v is not None and v != ""}  # pyright: ignore[reportUnknownVariableType]
    if "value" not in row:
        raise InputError(f"{where} has no value; write it as 'value'")
    key = cells.get("key") or _key(cells, where) or cells.get("name")
    if not isinstance(key, str):
        raise InputError(f"{where} does not say what it is; give key or quantity")
    number = _step_number(cells.get("step", step), where)
    return One(key, cells.get("value"), number, f"{where} ({key})", comma)


def _key(cells: dict[str, Any], where: str) -> str:
    """Return the key that a row's quantity, layer and indices make."""
    quantity, layer = str(cells.get("quantity", "")), str(cells.get("layer", ""))
    name = quantity + layer
    if layer and not layer.isdigit():
        name = f"{quantity}_{layer}"
    elif layer and quantity.endswith("_new"):
        name = f"{quantity.removesuffix('_new')}{layer}_new"
    places = [str(cells[name]).strip() for name in INDICES if name in cells]
    if not all(place.isdigit() for place in places):
        raise InputError(f"{where}: sample, unit, to and from are whole numbers from 0")
    return f"{name}[{','.join(places)}]" if places and name else name


def _step_number(value: Any, where: str) -> int:
    text = str(value).strip()
    if not re.fullmatch(r"\d{1,7}", text) or int(text) < 1:
        raise InputError(f"{where}: step {text!r} must be a whole number from 1")
    return int(text)


# ---- lines --------------------------------------------------------------------------------------


def _lines(text: str) -> Iterator[One]:
    """Yield the numbers of CSV, with a header or without."""
    lines = [
        (n, line)
        for n, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise InputError("it has no lines with numbers; give for instance dW1[0,0],0.0821")
    mark = next((m for m in ("\t", ";") if m in lines[0][1]), ",")
    header = [cell.strip().casefold() for cell in _cells(lines[0][1], mark)]
    if "value" not in header:
        header = ["key", "value"]
    else:
        lines = lines[1:]
        if unclear := set(header) - HEADINGS and not {"key", "name", "quantity"} & set(header):
            raise InputError(f"line 1: no column says what a value is ({unclear}); name one key")
    for number, line in lines:
        yield _line(line, number, header, mark)


def _line(line: str, number: int, header: list[str], mark: str) -> One:
    where = f"line {number}"
    cells = _pair(line, mark) if len(header) == 2 else _cells(line, mark)
    if len(cells) != len(header):
        raise InputError(
            f"{where} has {len(cells)} columns instead of {len(header)} "
            f"({', '.join(header)}): {line.strip()[:60]}"
        )
    row = dict(zip(header, cells, strict=True))
    if not row["value"]:
        row["value"] = " "  # given, and left blank
    return _row(row, 1, where, comma=mark == ";")


def _pair(line: str, mark: str) -> list[str]:
    """Return the two columns of a line; a key may have the mark in it, as dW1[0,1] has."""
    if mark != ",":
        return _cells(line, mark)
    head, found, tail = line.rpartition(mark)
    return [head.strip().strip('"'), tail.strip().strip('"')] if found else [line.strip()]


def _cells(line: str, mark: str) -> list[str]:
    """Return the columns of a line; a mark between brackets is none."""
    safe = re.sub(r"\[[\d,\s]*\]", lambda m: m[0].replace(",", "\0"), line)
    row = next(csv.reader([safe], delimiter=mark, skipinitialspace=True))
    return [cell.strip().replace("\0", ",") for cell in row]
