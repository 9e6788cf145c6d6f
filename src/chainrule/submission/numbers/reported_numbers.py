"""Read numbers that are submitted without a program, with the rounding of their digits.

They come from Python, JSON or CSV. `names` finds out which quantities of a network they are.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.submission.numbers.files import (
    JsonNumber,
    KeyValue,
    ParsedNumbers,
    from_mapping,
    from_path,
    from_str,
)
from chainrule.submission.numbers.rounded_number import (
    FULL,
    NotANumberError,
    RoundedNumber,
    from_array,
    from_float,
    from_text,
    unrounded_errors,
)

Array: TypeAlias = NDArray[np.float64]
MOST_NUMBERS = 5_000_000
ROUNDED = "numbers with few digits were taken as rounded to those digits, to at least 4 digits"


@dataclass(frozen=True, eq=False)
class ReportedArray:
    """The reported entries of one array.

    Parameters
    ----------
    name : str
        The key of the whole array, such as ``"dW1"`` or ``"W1_new"``.
    values : array
        NaN for entries that were not reported.
    half_unit : array
        Half a unit of the last digit of each entry; for numbers with all their digits, the
        rounding error of computations. NaN for entries that were not reported.
    step : int, default 1
    """

    name: str
    values: Array
    half_unit: Array
    step: int = 1

    @property
    def is_given(self) -> NDArray[np.bool_]:
        """True for entries that were reported."""
        return ~np.isnan(self.values)


class ReportedEntry(NamedTuple):
    """One number or array, as it was submitted.

    Attributes
    ----------
    name : str
        The key without its indices, or another name.
    index : tuple of int or None
        The indices of a single entry; None for a whole array.
    values, half_unit : array
    digits : int
        The largest number of significant digits of its numbers.
    is_text : bool
        Whether the numbers were strings, whose digits are exactly those that were typed.
    step : int
    where : str
        Such as ``"line 3"`` or ``"key 'dW1'"``, for messages.
    """

    name: str
    index: tuple[int, ...] | None  # pyright: ignore[reportIncompatibleMethodOverride] (a tuple's method)
    values: Array
    half_unit: Array
    digits: int
    is_text: bool
    step: int
    where: str

    @property
    def key(self) -> str:
        """The name with its indices."""
        return self.name if self.index is None else f"{self.name}[{','.join(map(str, self.index))}]"


@dataclass(frozen=True, eq=False)
class ReportedNumbers:
    """Numbers that were submitted without a program.

    Parameters
    ----------
    steps : mapping of int to mapping of str to ReportedArray
        The quantities of each step by name.
    entries : tuple of ReportedEntry
        The same in the order of the submission.
    remarks : tuple of str
    weights : str, default "(out, in)"
        Or ``"(in, out)"``, if whole matrices fit only in this way; `ReportedArray.values` is always
        (out, in).
    samples : str, default "rows"
        Or ``"columns"``, in the same way.
    """

    steps: Mapping[int, Mapping[str, ReportedArray]]
    entries: tuple[ReportedEntry, ...]
    remarks: tuple[str, ...] = ()
    weights: str = "(out, in)"
    samples: str = "rows"

    @property
    def quantities(self) -> Mapping[str, ReportedArray]:
        """The quantities of the first step, by name."""
        return self.steps[min(self.steps)]


def read_numbers(source: Mapping[Any, Any] | str | Path, *, exact: bool = False) -> ReportedNumbers:
    """Read numbers from a mapping, a file, or the text of a file.

    Parameters
    ----------
    source : mapping, str or Path
        A mapping of keys to numbers, texts or (nested lists of) arrays: ``{"dW1": …}``,
        ``{"dW1[0,1]": ".0821"}``. A path to JSON or CSV, or such a text itself: a mapping, a
        document ``chainrule.example/1``, a list of its rows; lines ``key,value``, or with a header.
    exact : bool, default False
        Whether the numbers are known to have all their digits, even if they look rounded.

    Returns
    -------
    ReportedNumbers
        Each array is as large as its entries require; `resolve_names` fits it to a network.

    Raises
    ------
    InputError
        If a value is not a finite number, is given twice, or has an invalid shape.
    """
    parsed = _parse(source)
    found = [_entry(each, exact=exact or parsed.exact) for each in parsed.numbers]
    entries = [entry for entry in found if entry is not None]
    if not entries:
        raise InputError("the submission has no numbers; write for instance dW1[0,0],0.0821")
    if sum(entry.values.size for entry in entries) > MOST_NUMBERS:
        raise InputError(
            f"the submission has more than {MOST_NUMBERS:,} numbers; submit fewer of them"
        )
    entries = recognize_unrounded(entries)
    looks_rounded = any(0 < entry.digits < FULL for entry in entries if not entry.is_text)
    remarks = (ROUNDED,) if isinstance(source, Mapping) and looks_rounded else ()
    return ReportedNumbers(assemble(entries), tuple(entries), remarks)


def _parse(source: Any) -> ParsedNumbers:
    """Return the keys and values of a submission."""
    match source:
        case Mapping():
            return from_mapping(source)  # pyright: ignore[reportUnknownArgumentType]
        case Path():
            return from_path(source)
        case str():
            return from_str(source)
        case _:
            raise InputError(
                f"numbers cannot be read from {type(source).__name__}; submit a mapping such as "
                '{"dW1": …}, or a path to JSON or CSV'
            )


def _entry(given: KeyValue, *, exact: bool) -> ReportedEntry | None:
    """Return a key and its value as an entry, None for a blank value."""
    value, where = given.value, given.where
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    name, index = split_key(given.key)
    try:
        values, half_unit, digits = _numbers(value, comma=given.comma)
    except NotANumberError as error:
        raise InputError(f"{where}: {error}") from None
    if index is not None and values.shape:
        raise InputError(
            f"{where}: an array of shape {values.shape} was given for a single entry; give one "
            "number"
        )
    return ReportedEntry(
        name=name,
        index=index,
        values=values,
        half_unit=half_unit,
        digits=FULL if exact else digits,
        is_text=_is_text(value),
        step=given.step,
        where=where,
    )


def _is_text(value: Any) -> bool:
    """Return whether a value is a string, not a number in JSON."""
    return isinstance(value, str) and not isinstance(value, JsonNumber)


def split_key(key: str) -> tuple[str, tuple[int, ...] | None]:
    """Return a key's name and its indices; ``"dW2[0][1]"`` is ``"dW2[0,1]"``."""
    found = re.fullmatch(r"(.*?)\s*((?:\[\s*\d+\s*(?:,\s*\d+\s*)*\])+)", key.strip())
    if not found:
        return key.strip(), None
    return found[1], tuple(int(digits) for digits in re.findall(r"\d+", found[2]))


# ---- numbers ------------------------------------------------------------------------------------


def _numbers(value: Any, *, comma: bool) -> tuple[Array, Array, int]:
    """Return a value's numbers, half a unit of their last digits, and the most digits of one."""
    if isinstance(value, str):
        return _arrays([from_text(value, comma=comma)], ())
    if isinstance(value, list | tuple):
        return _listed(value)  # pyright: ignore[reportUnknownArgumentType]
    array = _as_array(value)
    if not array.shape:
        return _arrays([from_float(array.item())], ())
    values, half_unit = from_array(array)
    rounded = [from_float(v) for v in values.ravel().tolist()]
    return values, half_unit, max((n.digits for n in rounded), default=0)


def _as_array(value: Any) -> NDArray[Any]:
    """Return a number or array from Python as an array."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        array = np.asarray(None)
    if array.dtype.kind not in "fiu":
        raise NotANumberError(f"{type(value).__name__} is not a number; give real numbers")
    return array


def _arrays(rounded: list[RoundedNumber], shape: tuple[int, ...]) -> tuple[Array, Array, int]:
    values = np.array([n.value for n in rounded]).reshape(shape)
    half_unit = np.array([n.half_unit for n in rounded]).reshape(shape)
    return values, half_unit, max((n.digits for n in rounded), default=0)


NOT_GIVEN = RoundedNumber(np.nan, np.nan, 0)


def _listed(value: list[Any] | tuple[Any, ...]) -> tuple[Array, Array, int]:
    """Return the numbers of nested lists."""
    leaves, shape = _flat(value)
    if not leaves:
        raise NotANumberError("the list is empty; leave it out")
    if all(isinstance(leaf, float | int | np.number) for leaf in leaves):
        return _numbers(np.array([_as_array(v).item() for v in leaves]).reshape(shape), comma=False)
    rounded = [_leaf(leaf) for leaf in leaves]
    values, half_unit, digits = _arrays(rounded, shape)
    return values, half_unit, 0 if any(map(_is_text, leaves)) else digits


def _leaf(leaf: Any) -> RoundedNumber:
    if leaf is None:
        return NOT_GIVEN
    return from_text(leaf) if isinstance(leaf, str) else from_float(_as_array(leaf).item())


def _flat(value: Any) -> tuple[list[Any], tuple[int, ...]]:
    """Return the leaves of nested lists and their shape."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        return [value], ()
    parts = [_flat(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    shapes = {shape for _, shape in parts}
    if len(shapes) > 1:
        raise NotANumberError("the rows have different lengths; write null for missing entries")
    inner = shapes.pop() if shapes else ()
    return [leaf for leaves, _ in parts for leaf in leaves], (len(parts), *inner)


def _by_array(entries: Iterable[ReportedEntry]) -> dict[tuple[int, str], list[ReportedEntry]]:
    """Return entries grouped by step and name."""
    groups: dict[tuple[int, str], list[ReportedEntry]] = {}
    for entry in entries:
        groups.setdefault((entry.step, entry.name), []).append(entry)
    return groups


def recognize_unrounded(entries: list[ReportedEntry]) -> list[ReportedEntry]:
    """Return entries, those of an array as unrounded if one of its numbers has all its digits."""
    groups = _by_array(entries)
    errors = {
        group: _unrounded_errors(members)
        for group, members in groups.items()
        if any(entry.digits >= FULL for entry in members)
    }
    return [
        entry._replace(half_unit=next(errors[entry.step, entry.name]))
        if (entry.step, entry.name) in errors and not entry.is_text
        else entry
        for entry in entries
    ]


def _unrounded_errors(members: list[ReportedEntry]) -> Iterator[Any]:
    """Yield the possible errors of an array's entries that are not strings."""
    numbers = [entry for entry in members if not entry.is_text]
    errors = unrounded_errors(np.concatenate([entry.values.ravel() for entry in numbers]))
    start = 0
    for entry in numbers:
        yield errors[start : start + entry.values.size].reshape(entry.values.shape)
        start += entry.values.size


# ---- whole arrays -------------------------------------------------------------------------------


def assemble(
    entries: Iterable[ReportedEntry], shapes: Mapping[str, tuple[int, ...]] | None = None
) -> dict[int, dict[str, ReportedArray]]:
    """Return entries combined to whole arrays, by step and name.

    Parameters
    ----------
    entries : iterable of ReportedEntry
    shapes : mapping of str to tuple of int, optional
        The shape of each array; by default as large as its entries require.

    Raises
    ------
    InputError
        If an entry is given twice, or the entries of an array do not fit together.
    """
    groups = _by_array(entries)
    steps: dict[int, dict[str, ReportedArray]] = {}
    for (step, name), members in sorted(groups.items(), key=lambda group: group[0][0]):
        shape = _smallest_shape(members) if shapes is None else shapes[name]
        steps.setdefault(step, {})[name] = _combine(name, step, members, shape)
    return steps


def _smallest_shape(members: list[ReportedEntry]) -> tuple[int, ...]:
    """Return the smallest shape that holds all entries of an array."""
    sizes = [e.values.shape if e.index is None else tuple(n + 1 for n in e.index) for e in members]
    if len({len(size) for size in sizes}) > 1:
        last = members[-1]
        raise InputError(
            f"{last.where}: {last.key} has another number of indices than the other entries of "
            f"{last.name}; give them all in the same way"
        )
    shape = tuple(max(axis) for axis in zip(*sizes, strict=True))
    if np.prod(shape, dtype=float) > MOST_NUMBERS:
        first = members[0]
        raise InputError(f"{first.where}: an index of {first.name} is too large; correct it")
    return shape


def _combine(
    name: str, step: int, members: list[ReportedEntry], shape: tuple[int, ...]
) -> ReportedArray:
    """Return an array with all its entries."""
    values, half_unit = np.full(shape, np.nan), np.full(shape, np.nan)
    is_given = np.zeros(shape, bool)
    for entry in members:
        where = ... if entry.index is None else entry.index
        new = ~np.isnan(entry.values)
        if np.any(is_given[where] & new):
            raise InputError(f"{entry.where}: {entry.key} is given twice; remove one of the values")
        values[where] = np.where(new, entry.values, values[where])
        half_unit[where] = np.where(new, entry.half_unit, half_unit[where])
        is_given[where] |= new
    return ReportedArray(name, values, half_unit, step)
