"""Record the numbers that a program computes, or change some of them, while it runs."""

import itertools
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.submission.tracing.places import Event, Place

Array: TypeAlias = NDArray[np.float64]
# Turns that each place keeps at least; beyond them, it has one of so many shares of the bytes.
KEPT, PLACES = 4, 16
LARGEST = 4_000_000  # numbers of an array that is recorded
LONGEST = 20_000  # items of a list that is recorded
SENT = 100_000  # numbers of an array whose values are sent without being asked for
MOST_NAMED, LONGEST_KEY = 64, 30  # turns of a place that are named, and characters of a key
FLOATS, INTEGERS = "f", "iu"
DOUBLES = (float, np.float64)
SCALARS, NUMERIC = (*DOUBLES, int), (np.ndarray, np.number)
NUMBERS = (*DOUBLES, np.ndarray)  # that a loss may be kept as
DOUBLE = np.dtype(np.float64)
WRITING = os.O_WRONLY | os.O_RDWR
SERIAL = "_serial_"  # the attribute of an object with its number
SERIALS = itertools.count()


@dataclass(frozen=True)
class Change:
    """What is done to the numbers of an event: other numbers, or an addition.

    Parameters
    ----------
    values : array
    index : array of int or None
        The numbers that are changed, by their flat index; all of them by default.
    add : bool
        Whether the values are added.
    """

    values: Array
    index: NDArray[np.int64] | None = None
    add: bool = False

    def apply(self, old: Array) -> Array:
        """Return the changed numbers of an event."""
        if self.index is None:
            return old + self.values.reshape(old.shape) if self.add else self.values.copy()
        new = old.copy()
        flat = new.reshape(-1)
        flat[self.index] = self.values + (flat[self.index] if self.add else 0.0)
        return new


@dataclass
class Recorder:
    """The function that every number of a rewritten program passes through.

    Parameters
    ----------
    places : sequence of Place
    end : callable
        Called when the recording is over; it does not return.
    """

    places: list[Place]
    end: Callable[["Recorder"], None]
    everything: bool = False  # record every event, not only the wanted ones
    digests: bool = False
    changes: Mapping[Event, Change] = field(default_factory=dict[Event, Change])
    wanted: frozenset[Event] = frozenset()
    codes: frozenset[int] | None = None  # the places that matter; others are not even counted
    until: Event | None = None
    before: bool = False  # end before the last event rather than after it
    most_events: int = 10**9
    most_bytes: int = 10**9
    turns: dict[int, int] = field(default_factory=dict[int, int])
    order: list[Event] = field(default_factory=list[Event])
    shapes: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    marks: list[int] = field(default_factory=list[int])
    is_float: list[bool] = field(default_factory=list[bool])
    values: dict[Event, Array] = field(default_factory=dict[Event, Array])
    names: dict[Event, str] = field(default_factory=dict[Event, str])  # of elements of containers
    held: int = 0
    held_by: dict[int, int] = field(default_factory=dict[int, int])  # bytes of each place
    count: int = 0
    error: str = ""
    line: int = 0
    reason: str = ""  # why the recording ended before the program did
    writes: bool = False  # whether the program has opened a file to write to it
    ending: bool = False  # whether what was recorded is being sent

    def __call__(self, code: int, value: Any) -> Any:
        """Record a value, and return it or what it is changed to."""
        if self.codes is not None and code not in self.codes:
            return value
        turn = self.turns.get(code, 0)
        self.turns[code] = turn + 1
        event = Event(code, turn)
        if event == self.until and self.before:
            self.end(self)
        if self.everything or self.digests or event in self.wanted or event in self.changes:
            value = self.record(event, value)
        if event == self.until and not self.before:
            self.end(self)
        return value

    def restrict(self, *, last: bool) -> None:
        """Leave out the places without a wanted or changed event, in the last run of a process.

        What goes on later with other events needs the turns of all places.
        """
        some = last and not self.everything and not self.digests
        events = (*self.wanted, *self.changes, *([self.until] if self.until else []))
        self.codes = frozenset(e.code for e in events) if some else None

    def notice_writing(self, action: str, details: tuple[Any, ...]) -> None:
        """Notice that a file is opened to be written; called for whatever Python audits."""
        if action == "open" and isinstance(details[-1], int) and details[-1] & WRITING:
            self.writes = True

    @staticmethod
    def serial_hash(thing: Any) -> int:
        """Return how many objects were hashed before one, as its hash.

        The usual hash is the object's address, which is another one in every run, and sets would
        have another order.
        """
        own = vars(thing)
        if SERIAL not in own:
            own[SERIAL] = next(SERIALS)
        return own[SERIAL]

    def written(self, code: int, text: str, keys: tuple[Any, ...]) -> None:
        """Record the name of the element of a container that was assigned last at a place."""
        turn = self.turns.get(code, 0) - 1
        simple = all(isinstance(k, str | int | np.integer) for k in keys)
        if self.everything and 0 <= turn < MOST_NAMED and simple:
            shown = (repr(k if isinstance(k, str) else int(k))[:LONGEST_KEY] for k in keys)
            self.names[Event(code, turn)] = text.format(*shown)

    def rows(self, code: int, array: Any, part: Any) -> None:
        """Record an array of which some rows are updated; single numbers are recorded alone."""
        if isinstance(array, np.ndarray) and 1 < np.size(part) < array.size:
            self(code, array)

    def repeated(self, code: int, index: Any) -> None:
        """Record the rows in which an index names elements twice, if there are any."""
        rows = repeated_rows(index if isinstance(index, tuple) else (index,))
        if rows.size:
            self(code, rows)

    def seed(self, code: int, thing: Any, gradient: str) -> None:
        """Record the number of an object whose gradient is set to 1, if it has one number."""
        slots = getattr(type(thing), "__slots__", ())
        names = [*getattr(thing, "__dict__", {}), *([slots] if isinstance(slots, str) else slots)]
        values = (getattr(thing, name, None) for name in names if name != gradient)
        value = next((v for v in values if isinstance(v, NUMBERS) and np.size(v) == 1), None)
        if value is not None:
            self(code, value)

    def record(self, event: Event, value: Any) -> Any:
        """Record the numbers of an event, if it has any."""
        array = as_array(value)
        if array is None:
            return value
        if event in self.changes:
            changed = self.changes[event].apply(array)
            kind = self.places[event.code].kind
            value = put(value, changed, in_place=kind in ("before", "update", "container"))
            array = as_array(value)
            if array is None:
                return value
        if event in self.wanted:
            self.values[event] = array
        if self.everything or self.digests:
            self._note(event, array, value)
        return value

    def _note(self, event: Event, array: Array, value: Any) -> None:
        self.count += 1
        mark = mark_of(array)
        self.order.append(event)
        self.shapes.append(array.shape)
        self.marks.append(mark)
        if self.everything:
            self.is_float.append(type(value) in DOUBLES or _has_floats(value))
            if array.size <= SENT and self._has_room(event, 8 * array.size):
                self.values[event] = array
        if self.count >= self.most_events:
            self.reason = "events"
            self.end(self)

    def _has_room(self, event: Event, size: int) -> bool:
        """Return whether the bytes of an event can be kept, and count them.

        A loop that fills a large array must not leave none for the training that comes after it.
        """
        own = self.held_by.get(event.code, 0)
        fits = event.turn < KEPT or own + size < self.most_bytes / PLACES
        if not fits or self.held + size >= self.most_bytes:
            return False
        self.held_by[event.code] = own + size
        self.held += size
        return True


def repeated_rows(index: tuple[Any, ...]) -> NDArray[np.int64]:
    """Return the first indices of the elements that an index names more than once."""
    lists = [i for i in index if not (i is None or i is Ellipsis or isinstance(i, slice))]
    none = np.zeros(0, np.int64)
    if not any(isinstance(i, np.ndarray | list) for i in lists):
        return none
    try:
        arrays = [np.asarray(i) for i in lists]
        named = np.stack(np.broadcast_arrays(*arrays)).reshape(len(arrays), -1)
    except ValueError:  # the program itself will fail at it
        return none
    if any(a.dtype.kind not in INTEGERS for a in arrays):
        return none
    elements, times = np.unique(named, axis=1, return_counts=True)
    return np.unique(elements[0, times > 1]).astype(np.int64)


def mark_of(array: Array) -> int:
    """Return a number that is equal for equal arrays, and hardly ever for others."""
    data = array.tobytes()
    return zlib.crc32(data) | (zlib.adler32(data) & 0x7FFFFFFF) << 32


def _has_floats(value: Any) -> bool:
    """Return whether a value consists of floating-point numbers."""
    if isinstance(value, list):
        return _has_floats(value[0]) if value else False
    return isinstance(value, float) or np.asarray(value).dtype.kind == FLOATS


def as_array(value: Any) -> Array | None:
    """Return the numbers of a value as a new array, or None if it is not made of numbers."""
    kind = type(value)
    if kind in SCALARS:
        return np.array(value, float) if -1e300 < value < 1e300 else _extreme(value)
    if kind is np.ndarray and value.dtype == DOUBLE:  # most arrays: without further questions
        return value.copy() if 0 < value.size <= LARGEST else None
    if isinstance(value, NUMERIC):
        found = np.asarray(cast("Any", value))
        is_number = found.dtype.kind in FLOATS + INTEGERS and 0 < found.size <= LARGEST
        return np.array(found, float) if is_number else None
    if kind is list and value and len(value) <= LONGEST:
        return _list_as_array(value)
    return None


def _extreme(value: float) -> Array | None:
    try:
        return np.array(float(value))
    except OverflowError:
        return None


def _list_as_array(value: list[Any]) -> Array | None:
    """Return a list of numbers, or of lists of numbers of equal length, as an array."""
    kinds = {type(v) for v in value}
    if not kinds <= {float, int, np.float64, list}:
        return None
    if list in kinds and (kinds != {list} or len({len(v) for v in value}) > 1):
        return None
    try:
        found = np.array(value)
    except (ValueError, TypeError):
        return None
    return found.astype(float) if found.dtype.kind in FLOATS + INTEGERS and found.size else None


def put(value: Any, new: Array, *, in_place: bool) -> Any:
    """Return a value with other numbers; a list always keeps its identity."""
    if isinstance(value, list):
        for i, item in enumerate(cast("list[Any]", value)):
            value[i] = put(item, new[i], in_place=True) if isinstance(item, list) else float(new[i])
        return cast("Any", value)
    if isinstance(value, np.ndarray):
        return _put_array(cast("Any", value), new, in_place=in_place)
    return np.float64(new) if isinstance(value, np.number) else float(new)


def _put_array(value: NDArray[Any], new: Array, *, in_place: bool) -> NDArray[Any]:
    fits = new.shape == value.shape
    if in_place and fits and value.dtype.kind == FLOATS and value.flags.writeable:
        value[...] = new
        return value
    made = np.array(new, value.dtype if value.dtype.kind == FLOATS else float)
    made = made.reshape(value.shape) if made.size == value.size else made
    return made.view(type(value)) if isinstance(value, np.matrix) else made


def arm(seconds: float, recorder: Recorder) -> None:
    """End the recording after `seconds` of processor time, whatever the program does then."""
    import signal

    def over(*_: object) -> None:
        if not recorder.ending:  # else there would be two answers
            recorder.reason = "time"
            recorder.end(recorder)

    signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
