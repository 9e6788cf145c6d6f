"""Read keys and values from mappings, JSON and CSV.

Numbers stay strings with the digits that were typed; `reported_numbers` converts them.
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

NOT_A_ROW = "{} is not a row; write {{'key': 'dW1[0,0]', 'value': …}}"


class JsonNumber(str):
    """A number in JSON, with the digits that were typed."""

    __slots__ = ()


class KeyValue(NamedTuple):
    """A key and its value.

    Attributes
    ----------
    key : str
    value : object
    step : int
    where : str
        Where it was read, such as ``"line 3"``, for messages.
    comma : bool
        Whether a decimal comma is allowed.
    """

    key: str
    value: Any
    step: int
    where: str
    comma: bool = False


class ParsedNumbers(NamedTuple):
    """The keys and values of a file or mapping.

    Attributes
    ----------
    numbers : list of KeyValue
    exact : bool
        Whether chainrule wrote the numbers, so that they have all their digits.
    """

    numbers: list[KeyValue]
    exact: bool = False


# ---- files and texts ----------------------------------------------------------------------------


def from_path(path: Path) -> ParsedNumbers:
    """Return the numbers of a file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if path.is_dir():
        raise InputError(f"{path.name} is a folder; give the path of a file of numbers in it")
    if not path.exists():
        raise InputError(f"the file {str(path)!r} does not exist; check its name and folder")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(
                f"{path.name} is larger than {MOST_BYTES:,} bytes; submit fewer numbers"
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}") from None
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return _from_text(data.decode(encoding))
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is not a text file in UTF-8; save it as CSV UTF-8") from None


def from_str(text: str) -> ParsedNumbers:
    """Return the numbers of a string, or of the file that it names."""
    if not text.strip() or "\n" in text or text.lstrip()[0] in "{[":
        return _from_text(text)
    try:
        named = Path(text).exists()
    except (OSError, ValueError):
        named = False
    return _from_text(text) if not named and re.search(r"[,;\t]", text) else from_path(Path(text))


def _from_text(text: str) -> ParsedNumbers:
    """Return the numbers of a JSON document, or else of lines."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InputError("the file is empty; write for instance a line dW1[0,0],0.0821")
    if text.lstrip()[0] not in "{[":
        return ParsedNumbers(list(_lines(text)))
    try:
        loaded = json.loads(
            text,
            parse_float=JsonNumber,
            parse_int=JsonNumber,
            parse_constant=JsonNumber,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise InputError(
            f"invalid JSON in line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except RecursionError:
        raise InputError(
            "the JSON is nested too deeply; use a list of rows or a mapping of keys"
        ) from None
    return _from_json(loaded)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"key {twice!r} is given twice; remove one of them")
    return made


# ---- mappings, worked examples, rows ------------------------------------------------------------


def _from_json(loaded: Any) -> ParsedNumbers:
    if isinstance(loaded, dict):
        return from_mapping(loaded)  # pyright: ignore[reportUnknownArgumentType]
    return ParsedNumbers(list(_of_list(loaded)))


def from_mapping(mapping: Mapping[Any, Any]) -> ParsedNumbers:
    """Return the numbers of a mapping: keys and values, or a worked example.

    Raises
    ------
    InputError
        If it is a document of another kind, or a key is not a string.
    """
    if mapping.get("schema", SCHEMA) != SCHEMA:
        raise InputError(
            f"unknown schema {mapping['schema']!r}; use {SCHEMA!r}, or a mapping of keys to numbers"
        )
    if isinstance(mapping.get("steps"), list):
        steps = [number for step in mapping["steps"] for number in _of_step(step)]
        return ParsedNumbers(steps, exact="schema" in mapping)
    if isinstance(mapping.get("quantities"), list):
        return ParsedNumbers(list(_of_step(mapping)))
    return ParsedNumbers(list(_of_mapping(mapping, 1)))


def _of_list(rows: list[Any]) -> Iterator[KeyValue]:
    """Yield the numbers of a list: rows, or a mapping for each step."""
    for place, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise InputError(NOT_A_ROW.format(f"item {place}"))
        if {"key", "quantity", "name"} & row.keys():
            yield _row(row, 1, f"row {place}")  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield from _of_mapping(row, place)  # pyright: ignore[reportUnknownArgumentType]


def _of_step(step: Any) -> Iterator[KeyValue]:
    """Yield the numbers of one step of a worked example."""
    if not isinstance(step, Mapping):
        raise InputError(
            "a step of the worked example is not an object; submit the document as it was saved"
        )
    known: Mapping[str, Any] = step  # pyright: ignore[reportUnknownVariableType]
    number = _step_number(known.get("step", 1), "a step")
    for name in ("quantities", "matrices"):
        for place, row in enumerate(known.get(name) or [], start=1):
            yield _row(row, number, f"step {number}, {name}, row {place}")


def _of_mapping(mapping: Mapping[Any, Any], step: int) -> Iterator[KeyValue]:
    """Yield keys and values; an inner mapping has the single entries of an array."""
    step = _step_number(mapping.get("step", step), "key 'step'")
    for key, value in mapping.items():
        if not isinstance(key, str):
            raise InputError(f"key {key!r} is not a string; write it as 'dW1' or 'dW1[0,1]'")
        if isinstance(value, Mapping):
            inner: Mapping[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
            yield from (_inner(key, place, number, step) for place, number in inner.items())
        elif key not in ("step", "schema"):
            yield KeyValue(key, value, step, f"key {key!r}")


def _inner(key: str, place: Any, value: Any, step: int) -> KeyValue:
    """Return an entry of an inner mapping, with the array's name in its key."""
    name = ",".join(map(str, place)) if isinstance(place, tuple) else str(place)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    name = f"[{name}]" if re.fullmatch(r"[\d,\s]+", name) else name
    whole = key + name if name.startswith("[") else name
    return KeyValue(whole, value, step, f"key {whole!r}")


def _row(row: Any, step: int, where: str, *, comma: bool = False) -> KeyValue:
    """Return the number of a row; its key may be divided into quantity, layer and indices."""
    if not isinstance(row, Mapping):
        raise InputError(NOT_A_ROW.format(where))
    cells: dict[str, Any] = {k: v for k, v in row.items() if v is not None and v != ""}  # pyright: ignore[reportUnknownVariableType]
    if "value" not in row:
        raise InputError(f"{where} has no value; add a field 'value'")
    key = cells.get("key") or _key(cells, where) or cells.get("name")
    if not isinstance(key, str):
        raise InputError(f"{where} does not name a quantity; add a field 'key' or 'quantity'")
    number = _step_number(cells.get("step", step), where)
    return KeyValue(key, cells.get("value"), number, f"{where} ({key})", comma)


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
        raise InputError(f"{where}: sample, unit, to and from must be integers from 0")
    return f"{name}[{','.join(places)}]" if places and name else name


def _step_number(value: Any, where: str) -> int:
    text = str(value).strip()
    if not re.fullmatch(r"\d{1,7}", text) or int(text) < 1:
        raise InputError(f"{where}: step {text!r} must be an integer from 1")
    return int(text)


# ---- lines --------------------------------------------------------------------------------------


def _lines(text: str) -> Iterator[KeyValue]:
    """Yield the numbers of CSV, with a header or without."""
    lines = [
        (n, line)
        for n, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise InputError("the file has no lines with numbers; write for instance dW1[0,0],0.0821")
    separator = next((m for m in ("\t", ";") if m in lines[0][1]), ",")
    header = [cell.strip().casefold() for cell in _cells(lines[0][1], separator)]
    if "value" not in header:
        header = ["key", "value"]
    else:
        lines = lines[1:]
        unknown = set(header) - HEADINGS
        if unknown and not {"key", "name", "quantity"} & set(header):
            raise InputError(
                "line 1: no column names the quantities (found "
                f"{', '.join(sorted(unknown))}); name one column 'key'"
            )
    for number, line in lines:
        yield _line(line, number, header, separator)


def _line(line: str, number: int, header: list[str], separator: str) -> KeyValue:
    where = f"line {number}"
    cells = _pair(line, separator) if len(header) == 2 else _cells(line, separator)
    if len(cells) != len(header):
        raise InputError(
            f"{where} has {len(cells)} columns instead of {len(header)} "
            f"({', '.join(header)}): {line.strip()[:60]}; correct the line"
        )
    row = dict(zip(header, cells, strict=True))
    if not row["value"]:
        row["value"] = " "  # a blank value is skipped, a missing one is an error
    return _row(row, 1, where, comma=separator == ";")


def _pair(line: str, separator: str) -> list[str]:
    """Return the two columns of a line; a key such as dW1[0,1] may contain the separator."""
    if separator != ",":
        return _cells(line, separator)
    head, found, tail = line.rpartition(separator)
    return [head.strip().strip('"'), tail.strip().strip('"')] if found else [line.strip()]


def _cells(line: str, separator: str) -> list[str]:
    """Return the columns of a line; separators inside brackets belong to keys."""
    safe = re.sub(r"\[[\d,\s]*\]", lambda m: m[0].replace(",", "\0"), line)
    row = next(csv.reader([safe], delimiter=separator, skipinitialspace=True))
    return [cell.strip().replace("\0", ",") for cell in row]
