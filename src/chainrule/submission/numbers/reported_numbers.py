"""Numbers that are handed in without a program: what was given, and to how many digits.

They are read here, from Python, JSON or CSV; which quantity of a network a name means is found
out in figure_names.py, and whether they are right is not asked.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.submission.numbers.files import Given, Token, from_mapping, from_path, from_str
from chainrule.submission.numbers.rounded_number import (
    FULL,
    NoNumberError,
    Typed,
    from_array,
    from_float,
    from_text,
    full,
)

Array: TypeAlias = NDArray[np.float64]
MOST_NUMBERS = 5_000_000


@dataclass(frozen=True, eq=False)
class ReportedArray:
    """One quantity, as far as it was handed in.

    Parameters
    ----------
    name : str
        The key of the whole array, such as ``"dW1"`` or ``"W1_new"``.
    values : array
        NaN where an entry was not given.
    half : array
        Half a unit of the last digit that was typed, of each entry; of a number with all its
        digits 1e-12 of it. NaN where an entry was not given.
    step : int, default 1
    """

    name: str
    values: Array
    half: Array
    step: int = 1

    @property
    def given(self) -> NDArray[np.bool_]:
        """True where an entry was given."""
        return ~np.isnan(self.values)


class Item(NamedTuple):
    """One number or array, as it was handed in.

    Attributes
    ----------
    name : str
        The key without its indices, or another name.
    index : tuple of int or None
        Of a single entry; None where there was none.
    values, half : array
    digits : int
        The most significant digits that one of its numbers has.
    quoted : bool
        Whether the digits are a text's, so that they are taken as they stand.
    step : int
    where : str
        Such as ``"line 3"`` or ``"key 'dW1'"``, for messages.
    """

    name: str
    index: tuple[int, ...] | None  # pyright: ignore[reportIncompatibleMethodOverride] (no search)
    values: Array
    half: Array
    digits: int
    quoted: bool
    step: int
    where: str

    @property
    def key(self) -> str:
        """The name with its indices."""
        return self.name if self.index is None else f"{self.name}[{','.join(map(str, self.index))}]"


@dataclass(frozen=True, eq=False)
class ReportedNumbers:
    """Numbers that were handed in.

    Parameters
    ----------
    steps : mapping of int to mapping of str to ReportedArray
        Of each step the quantities by name.
    items : tuple of Item
        The same one by one, as they came.
    remarks : tuple of str
    weights : str, default "(out, in)"
        Or ``"(in, out)"``, where whole matrices only fit so; `ReportedArray.values` is always
        (out, in).
    samples : str, default "rows"
        Or ``"columns"``, in the same way.
    """

    steps: Mapping[int, Mapping[str, ReportedArray]]
    items: tuple[Item, ...]
    remarks: tuple[str, ...] = ()
    weights: str = "(out, in)"
    samples: str = "rows"

    @property
    def quantities(self) -> Mapping[str, ReportedArray]:
        """The quantities of the first step, by name."""
        return self.steps[min(self.steps)]


def read_numbers(source: Mapping[Any, Any] | str | Path, *, exact: bool = False) -> ReportedNumbers:
    """Read numbers from a mapping, a file, or the text of one.

    Parameters
    ----------
    source : mapping, str or Path
        A mapping of keys to numbers, texts or (nested lists of) arrays: ``{"dW1": …}``,
        ``{"dW1[0,1]": ".0821"}``. A path to JSON or CSV, or such a text itself: a mapping, a
        document ``chainrule.example/1``, a list of its rows; lines ``key,value``, or with a header.
    exact : bool, default False
        Whether the numbers are known to have all their digits, however few are needed to say them.

    Returns
    -------
    ReportedNumbers
        Shapes are those that hold what was given; `resolve_names` fits them to a network.

    Raises
    ------
    InputError
        If something is no number, not finite, given twice, or of no shape.
    """
    given = _given(source)
    items = [
        item for one in given.numbers if (item := _item(one, exact or given.exact)) is not None
    ]
    if not items:
        raise InputError("there are no numbers in it; give for instance dW1[0,0],0.0821")
    if sum(item.values.size for item in items) > MOST_NUMBERS:
        raise InputError(f"there are more than {MOST_NUMBERS:,} numbers in it; hand in fewer")
    items = sharpened(items)
    rounded = isinstance(source, Mapping) and any(
        0 < i.digits < FULL for i in items if not i.quoted
    )
    remark = "numbers with few digits were taken as rounded to them (to 4 digits at least)"
    return ReportedNumbers(assemble(items), tuple(items), (remark,) if rounded else ())


def _given(source: Any) -> Given:
    """Return the numbers of whatever was handed in."""
    match source:
        case Mapping():
            return from_mapping(source)  # pyright: ignore[reportUnknownArgumentType]
        case Path():
            return from_path(source)
        case str():
            return from_str(source)
        case _:
            raise InputError(
                f"{type(source).__name__} is nothing to read numbers from; give a mapping such as "
                '{"dW1": …}, or a path to JSON or CSV'
            )


def _item(one: Any, exact: bool) -> Item | None:  # noqa: FBT001 (private)
    """Return a number that was given as an item, None for a blank."""
    if one.value is None or (isinstance(one.value, str) and not one.value.strip()):
        return None
    name, index = split_key(one.key)
    try:
        values, half, digits = _numbers(one.value, comma=one.comma)
    except NoNumberError as error:
        raise InputError(f"{one.where}: {error}") from None
    if index is not None and values.shape:
        raise InputError(f"{one.where}: an entry is one number, and this is {values.shape}")
    quoted = isinstance(one.value, str) and not isinstance(one.value, Token)
    digits = FULL if exact else digits
    return Item(name, index, values, half, digits, quoted, one.step, one.where)


def split_key(key: str) -> tuple[str, tuple[int, ...] | None]:
    """Return a key's name and its indices; ``"dW2[0][1]"`` is ``"dW2[0,1]"``."""
    found = re.fullmatch(r"(.*?)\s*((?:\[\s*\d+\s*(?:,\s*\d+\s*)*\])+)", key.strip())
    if not found:
        return key.strip(), None
    return found[1], tuple(int(digits) for digits in re.findall(r"\d+", found[2]))


# ---- numbers ------------------------------------------------------------------------------------


def _numbers(value: Any, *, comma: bool) -> tuple[Array, Array, int]:
    """Return the numbers of a value, their halves, and the most digits among them."""
    if isinstance(value, str):
        return _arrays([from_text(value, comma=comma)], ())
    if isinstance(value, list | tuple):
        return _listed(value)  # pyright: ignore[reportUnknownArgumentType]
    array = _as_array(value)
    if not array.shape:
        return _arrays([from_float(array.item())], ())
    values, half = from_array(array)
    typed = [from_float(v) for v in values.ravel().tolist()]
    return values, half, max((n.digits for n in typed), default=0)


def _as_array(value: Any) -> NDArray[Any]:
    """Return a number or array of a program as an array."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        array = np.asarray(None)
    if array.dtype.kind not in "fiu":
        raise NoNumberError(f"{type(value).__name__} is no number; give real numbers")
    return array


def _arrays(typed: list[Typed], shape: tuple[int, ...]) -> tuple[Array, Array, int]:
    values = np.array([n.value for n in typed]).reshape(shape)
    half = np.array([n.half for n in typed]).reshape(shape)
    return values, half, max((n.digits for n in typed), default=0)


NOTHING = Typed(np.nan, np.nan, 0)  # an entry that was not given


def _listed(value: list[Any] | tuple[Any, ...]) -> tuple[Array, Array, int]:
    """Return the numbers of nested lists."""
    leaves, shape = _flat(value)
    if not leaves:
        raise NoNumberError("an empty list; leave it out")
    if all(isinstance(leaf, float | int | np.number) for leaf in leaves):
        return _numbers(np.array([_as_array(v).item() for v in leaves]).reshape(shape), comma=False)
    typed = [_leaf(leaf) for leaf in leaves]
    if any(isinstance(leaf, str) and not isinstance(leaf, Token) for leaf in leaves):
        return *_arrays(typed, shape)[:2], 0  # texts are taken as they stand
    return _arrays(typed, shape)


def _leaf(leaf: Any) -> Typed:
    if leaf is None:
        return NOTHING
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
        raise NoNumberError("its rows are of different lengths; write null where nothing is given")
    inner = shapes.pop() if shapes else ()
    return [leaf for leaves, _ in parts for leaf in leaves], (len(parts), *inner)


def sharpened(items: list[Item]) -> list[Item]:
    """Return items with all digits believed, wherever a number of the same array has them all."""
    groups: dict[tuple[int, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.step, item.name), []).append(item)
    exact = {group for group, members in groups.items() if any(i.digits >= FULL for i in members)}
    halves = {group: _exact(groups[group]) for group in exact}
    return [
        item._replace(half=next(halves[item.step, item.name]))
        if (item.step, item.name) in exact and not item.quoted
        else item
        for item in items
    ]


def _exact(members: list[Item]) -> Iterator[Any]:
    """Yield the halves of items that a program wrote with all their digits."""
    loose = [item for item in members if not item.quoted]
    flat = np.concatenate([item.values.ravel() for item in loose])
    halves = full(flat)
    start = 0
    for item in loose:
        yield halves[start : start + item.values.size].reshape(item.values.shape)
        start += item.values.size


# ---- together -----------------------------------------------------------------------------------


def assemble(
    items: Iterable[Item], shapes: Mapping[str, tuple[int, ...]] | None = None
) -> dict[int, dict[str, ReportedArray]]:
    """Return items put together to whole arrays, by step and name.

    Parameters
    ----------
    items : iterable of Item
    shapes : mapping of str to tuple of int, optional
        Of each array; by default as large as what was given.

    Raises
    ------
    InputError
        If an entry is given twice, or does not lie in its array.
    """
    groups: dict[tuple[int, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.step, item.name), []).append(item)
    steps: dict[int, dict[str, ReportedArray]] = {}
    for (step, name), members in sorted(groups.items(), key=lambda group: group[0][0]):
        shape = _smallest(members) if shapes is None else shapes[name]
        steps.setdefault(step, {})[name] = _figure(name, step, members, shape)
    return steps


def _smallest(members: list[Item]) -> tuple[int, ...]:
    """Return the smallest shape that holds some items of one array."""
    ranks = {len(i.index) if i.index is not None else i.values.ndim for i in members}
    if len(ranks) > 1:
        last = members[-1]
        raise InputError(f"{last.where}: {last.key} has not as many indices as other entries of it")
    sizes = [i.values.shape if i.index is None else tuple(n + 1 for n in i.index) for i in members]
    shape = tuple(max(axis) for axis in zip(*sizes, strict=True))
    if np.prod(shape, dtype=float) > MOST_NUMBERS:
        raise InputError(f"{members[0].where}: {members[0].key} has an absurd index")
    return shape


def _figure(name: str, step: int, members: list[Item], shape: tuple[int, ...]) -> ReportedArray:
    values, half = np.full(shape, np.nan), np.full(shape, np.nan)
    taken = np.zeros(shape, bool)
    for item in members:
        place = ... if item.index is None else item.index
        new = ~np.isnan(item.values)
        if np.any(taken[place] & new):
            raise InputError(f"{item.where}: {item.key} is given twice; remove one of them")
        values[place] = np.where(new, item.values, values[place])
        half[place] = np.where(new, item.half, half[place])
        taken[place] |= new
    return ReportedArray(name, values, half, step)
