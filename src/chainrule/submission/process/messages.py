"""Messages between a sandbox and its child: lines of JSON, checked when they are received.

Nothing is pickled or evaluated. The messages of a child are not trusted, because the learner's
program may have written them.
"""

import base64
import json
import math
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar, cast, get_args

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.submission.questions import (
    Array,
    Failure,
    Fault,
    Kind,
    Layout,
    Question,
    Reading,
)
from chainrule.visible import visible

T = TypeVar("T")
Json: TypeAlias = Any

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)
MOST_BYTES = 256 * 2**20  # of an array, and of a line
MOST_TEXT = 20_000
MOST_ITEMS = 100_000
MOST_AXES = 8
PLAIN = (str, int, float, bool, type(None))


class MessageError(ChainruleError, ValueError):
    """A message is not valid."""


# ---- a line -------------------------------------------------------------------------------------


def pack(message: Json) -> bytes:
    """Return a message as one line."""
    return json.dumps(message).encode() + b"\n"


def unpack(line: bytes) -> Json:
    """Return the message of a line.

    Raises
    ------
    MessageError
        If it is not valid.
    """
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"not JSON: {error}") from None


def expect(value: Json, kind: type[T] | tuple[type[Any], ...], what: str) -> Any:
    """Return `value` if it has one of the given types; bool does not count as a number.

    Raises
    ------
    MessageError
        If it has another type.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise MessageError(f"{what} is {type(value).__name__}")
    return value


def text(value: Json, what: str = "a text") -> str:
    """Return a string, shortened, with characters that manipulate a terminal as their numbers."""
    shown: str = expect(value, str, what)
    return visible(shown[:MOST_TEXT])


def texts(value: Json, what: str = "texts") -> tuple[str, ...]:
    """Return a list of strings as a tuple."""
    return tuple(text(v, what) for v in _items(value, what))


def number(value: Json, what: str = "a number") -> float:
    """Return a number, which may be NaN or infinite."""
    try:
        return float(expect(value, (int, float), what))
    except OverflowError:
        return math.inf


def _items(value: Json, what: str) -> list[Json]:
    items: list[Json] = expect(value, list, what)
    if len(items) > MOST_ITEMS:
        raise MessageError(f"{what}: too many items ({len(items)})")
    return items


def fields(value: Json, names: tuple[str, ...], what: str) -> list[Json]:
    """Return the fields of an object that has exactly these fields."""
    found: dict[str, Json] = expect(value, dict, what)
    if found.keys() != set(names):
        raise MessageError(f"{what} has the fields {sorted(found)[:20]}")
    return [found[name] for name in names]


def optional(value: Json, read: Callable[[Json], T]) -> T | None:
    """Return None for None, and the result of `read` for any other value."""
    return None if value is None else read(value)


# ---- arrays and plain values --------------------------------------------------------------------


def from_array(array: Array) -> Json:
    """Return an array as an object of shape, dtype and data.

    Raises
    ------
    MessageError
        If it does not consist of numbers.
    """
    array = np.asarray(array)
    if array.dtype.name not in DTYPES:
        array = _as_float(array)
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    data = base64.b64encode(little.tobytes()).decode()
    return {"shape": list(array.shape), "dtype": array.dtype.name, "data": data}


def _as_float(array: Array) -> Array:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise MessageError(f"an array of {array.dtype}: {error}") from None


def to_array(value: Json) -> Array:
    """Return the array of an object; its size is checked before memory is allocated.

    Raises
    ------
    MessageError
        If shape, dtype or data are not valid or do not fit together.
    """
    shape, dtype, data = fields(value, ("shape", "dtype", "data"), "an array")
    if expect(dtype, str, "a dtype") not in DTYPES:
        raise MessageError(f"an array of {text(dtype)[:40]}")
    axes = [expect(n, int, "a shape") for n in _items(shape, "a shape")]
    if len(axes) > MOST_AXES or any(not 0 <= n <= MOST_BYTES for n in axes):
        raise MessageError(f"an array of shape {axes[:20]}")
    kind = np.dtype(dtype).newbyteorder("<")
    size = math.prod(axes) * kind.itemsize
    if size > MOST_BYTES:
        raise MessageError(f"an array of {size} bytes")
    try:
        raw = base64.b64decode(expect(data, str, "data"), validate=True)
    except (Base64Error, ValueError) as error:
        raise MessageError(f"data: {error}") from None
    if len(raw) != size:
        raise MessageError(f"{len(raw)} bytes for an array of shape {axes}")
    return np.frombuffer(raw, kind).reshape(axes).astype(np.dtype(dtype))


def from_plain(value: Any) -> Json:
    """Return a value of strings, numbers, None, lists, tuples, dicts and arrays as JSON.

    Raises
    ------
    MessageError
        If it contains anything else.
    """
    if isinstance(value, np.ndarray):
        return {"array": from_array(cast("Array", value))}
    if isinstance(value, np.generic):
        return from_plain(cast("Any", value).item())
    if isinstance(value, Mapping):
        return {"dict": _pairs(cast("Any", value))}
    if isinstance(value, tuple):
        return {"tuple": [from_plain(v) for v in value]}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list):
        return [from_plain(v) for v in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, PLAIN):
        raise MessageError(f"{type(value).__name__} is not a plain value")
    return value


def _pairs(value: Mapping[Any, Any]) -> list[Json]:
    return [[from_plain(key), from_plain(held)] for key, held in value.items()]


def to_plain(value: Json) -> Any:
    """Return the plain value that a JSON value stands for.

    Raises
    ------
    MessageError
        If it is not valid.
    """
    if isinstance(value, list):
        return [to_plain(v) for v in _items(value, "a list")]
    if isinstance(value, str):
        return text(value)
    if not isinstance(value, dict):
        return expect(value, PLAIN, "a plain value")
    return _to_special(value)  # pyright: ignore[reportUnknownArgumentType]


def _to_special(value: dict[str, Json]) -> Any:
    """Return the array, tuple or dict of an object."""
    inner = next(iter(value.values()), None)
    match list(value):
        case ["array"]:
            return to_array(inner)
        case ["tuple"]:
            return tuple(to_plain(v) for v in _items(inner, "a tuple"))
        case ["dict"]:
            return dict(_pair(pair) for pair in _items(inner, "a dict"))
        case _:
            raise MessageError("an object does not stand for a plain value")


def _pair(pair: Json) -> tuple[Any, Any]:
    items = _items(pair, "an entry of a dict")
    key: Any = to_plain(items[0]) if len(items) == 2 else []
    try:
        hash(key)
    except TypeError:
        raise MessageError("an entry of a dict is not a pair of a key and a value") from None
    return key, to_plain(items[1])


# ---- questions, layouts, readings, failures -----------------------------------------------------


def from_question(q: Question) -> Json:
    """Return a question as JSON."""
    return {
        "W": [from_array(a) for a in q.W],
        "b": [from_array(a) for a in q.b],
        "x": from_array(q.x),
        "t": from_array(q.t),
        "rate": float(q.rate),
        "calls": int(q.calls),
    }


def to_question(value: Json) -> Question:
    """Return the question that a JSON value stands for."""
    W, b, x, t, rate, calls = fields(value, ("W", "b", "x", "t", "rate", "calls"), "a question")
    weights, biases = (tuple(to_array(a) for a in _items(part, "arrays")) for part in (W, b))
    return Question(
        weights, biases, to_array(x), to_array(t), number(rate), expect(calls, int, "calls")
    )


LAYOUT = ("form", "arguments", "weights", "samples", "bias", "lists", "dtype", "classes", "details")


def from_layout(layout: Layout) -> Json:
    """Return a layout as JSON."""
    return {name: from_plain(getattr(layout, name)) for name in LAYOUT}


def to_layout(value: Json) -> Layout:
    """Return the layout that a JSON value stands for."""
    form, arguments, weights, samples, bias, lists, dtype, classes, details = fields(
        value, LAYOUT, "a layout"
    )
    return Layout(
        *(text(part) for part in (form, arguments, weights, samples, bias)),
        lists=expect(lists, bool, "lists"),
        dtype=text(dtype),
        classes=expect(classes, bool, "classes"),
        details=with_string_keys(to_plain(details), "details"),
    )


def with_string_keys(value: Any, what: str) -> dict[str, Any]:
    """Return a dictionary whose keys are strings."""
    found: dict[Any, Any] = expect(value, dict, what)
    return {expect(k, str, f"a name in {what}"): v for k, v in found.items()}


READING = ("kind", "layout", "answers", "rate", "own", "changed", "remarks")


def from_reading(reading: Reading) -> Json:
    """Return a reading as JSON."""
    return {
        "kind": reading.kind,
        "layout": from_layout(reading.layout),
        "answers": [{k: from_array(a) for k, a in c.items()} for c in reading.answers],
        "rate": None if reading.rate is None else float(reading.rate),
        "own": {k: float(v) for k, v in reading.own.items()},
        "changed": list(reading.changed),
        "remarks": list(reading.remarks),
    }


def to_reading(value: Json) -> Reading:
    """Return the reading that a JSON value stands for."""
    kind, layout, answers, rate, own, changed, remarks = fields(value, READING, "a reading")
    return Reading(
        one_of(kind, get_args(Kind), "kind"),
        to_layout(layout),
        tuple(_arrays(call) for call in _items(answers, "answers")),
        optional(rate, number),
        {text(k): number(v) for k, v in expect(own, dict, "own").items()},
        texts(changed),
        texts(remarks),
    )


def _arrays(value: Json) -> dict[str, Array]:
    return {text(k): to_array(v) for k, v in expect(value, dict, "an answer").items()}


def to_readings(value: Json) -> list[Reading]:
    """Return the readings that a JSON value stands for."""
    return [to_reading(v) for v in _items(value, "readings")]


def one_of(value: Json, choices: tuple[Any, ...], what: str) -> Any:
    """Return `value` if it is one of the choices."""
    if value not in choices:
        raise MessageError(f"{what} is {str(value)[:40]!r}")
    return value


def from_failure(failure: Failure) -> Json:
    """Return a failure as JSON."""
    return {"fault": failure.fault, "text": failure.text, "detail": failure.detail}


def to_failure(value: Json) -> Failure:
    """Return the failure that a JSON value stands for."""
    fault, message, detail = fields(value, ("fault", "text", "detail"), "a failure")
    return Failure(one_of(fault, get_args(Fault), "fault"), text(message), text(detail))


def to_widths(value: Json) -> tuple[int, ...] | None:
    """Return the widths that a JSON value stands for."""
    return optional(value, lambda v: tuple(_count(n) for n in _items(v, "widths")))


def to_layers(value: Json) -> int | None:
    """Return the number of layers that a JSON value stands for."""
    return optional(value, _count)


def _count(value: Json) -> int:
    count: int = expect(value, int, "a count")
    if not 0 < count <= MOST_BYTES:
        raise MessageError(f"a count of {count}")
    return count
