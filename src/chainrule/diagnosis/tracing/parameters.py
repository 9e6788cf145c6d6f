"""Find the parameters of a program: the numbers that its updates replace.

Nothing is guessed from names. A parameter is a number that an update replaces by a new value, which
the next update takes as the old one.
"""

import re
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Array, Change, Event, Place

ADDITIVE = ("Add", "Sub")
SECONDS = 25.0  # of looking for parameters; those of most programs are found at once
AHEAD = 16  # likely origins that are tried together with one that is needed
MOST_TRIED = 60  # events that may be the origin of a parameter
MOST_LARGER = 20  # of them that have more numbers, where as many have the same one
FEW = 3  # of them that are tried one by one
KEEPS = re.compile(r"(np\.|numpy\.)?(clip|array|asarray|list|tuple|maximum|minimum)\(")
MOST_COMPARED, RESTARTS = 3000, 2  # turns that are compared, and restarts among them
STEERED = 2  # draws of numbers that may change what is compared with them
READ = ("use", "before")  # events that only read a variable


@dataclass(frozen=True)
class Update:
    """A place that replaces parameters by new values.

    Parameters
    ----------
    new, old : int
        The places of the new and of the old value.
    every : int
        How many times it is passed in one iteration; 0 if there is only one iteration.
    """

    new: int
    old: int
    every: int


@dataclass
class Parameter:
    """Numbers that the program trains, in one iteration.

    Parameters
    ----------
    name : str
        The learner's name.
    origin : Event
        Where they come from: changing it changes the forward pass and the update alike.
    index : array of int
        Their flat index among the origin's numbers, in the shape of the old value.
    before, after : Event
        The old and the new value in the update.
    """

    name: str
    origin: Event
    index: NDArray[np.int64]
    before: Event
    after: Event
    update: Update

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return self.index.size


# ---- updates ---------------------------------------------------------------------------------


def updates(trace: Trace) -> list[Update]:
    """Return the places whose new values are the old values of their next turns."""
    found: dict[tuple[int, int], Update] = {}
    for code, place in enumerate(trace.places):
        if not trace.count.get(code) or not _has_floats(trace, code):
            continue
        for old in dict.fromkeys(_old_values(trace, code, place)):
            every = _period(trace, code, old)
            if every is not None:
                found.setdefault((code, old), Update(code, old, every))
    return list(found.values())


def _has_floats(trace: Trace, code: int) -> bool:
    """Return whether a place ever computes floating-point numbers, and not only indices."""
    return any(Event(code, n) in trace.base.floats for n in range(trace.count[code]))


def _old_values(trace: Trace, code: int, place: Place) -> Iterator[int]:
    """Yield the places that may be the old value of an update: a term of a sum, or its own name."""
    if place.kind in ("value", "update") and place.op in ADDITIVE:
        yield from _terms(trace, place, depth=0)
    if place.kind == "update" and place.op in ADDITIVE:
        yield from _before_decay(trace, place)
    if place.kind == "value" and (place.op != "call" or KEEPS.match(place.text)):
        yield from (s for s in place.sources if s in trace.count)


def _before_decay(trace: Trace, place: Place) -> Iterator[int]:
    """Yield what is multiplied in place before the same variable is updated, as by weight decay."""
    for other in trace.places:
        same = (other.name, other.function, other.file) == (place.name, place.function, place.file)
        if same and other.kind == "update" and other.op == "Mult" and other.parts[0] in trace.count:
            yield other.parts[0]


def _terms(trace: Trace, place: Place, depth: int) -> Iterator[int]:
    """Yield the terms of a sum that are added, not subtracted."""
    taken = place.parts[:1] if place.op == "Sub" else place.parts
    for part in taken:
        if part < 0 or part not in trace.count:
            continue
        yield part
        inner = trace.places[part]
        if inner.op in ADDITIVE and inner.kind == "value" and depth < 6:
            yield from _terms(trace, inner, depth + 1)


def _period(trace: Trace, code: int, old: int) -> int | None:
    """Return after how many turns the new values of an update are its old ones, or None.

    0 stands for an update that happens only once.
    """
    new, was = trace.marks_at[code], trace.marks_at[old]
    are_complete = len(new) == trace.count[code] and len(was) == trace.count[old]
    if not are_complete or len(was) < len(new):  # at some turns, they are no numbers
        return None
    moved = [n for n, (a, b) in enumerate(zip(new, was, strict=False)) if a != b]
    if not moved:
        return None
    first = moved[0]
    for m in range(1, len(was) - first):
        if was[first + m] != new[first]:
            continue
        if _repeats(new, was, m):
            return m
    return 0 if _may_be_single(trace, code, old) else None


def _repeats(new: Sequence[int], was: Sequence[int], m: int) -> bool:
    """Return whether new values are the old ones m turns later, but for a few, as after a restart.

    A sum in a loop is not: each of its sums begins anew.
    """
    count = min(len(was) - m, len(new), MOST_COMPARED)
    same = [was[n + m] == new[n] for n in range(count)]
    return all(same[: 3 * m]) and same.count(False) <= RESTARTS * m


def _may_be_single(trace: Trace, code: int, old: int) -> bool:
    """Return whether an update may be one that no further iteration follows."""
    return trace.count[code] <= 64 and trace.count[code] == trace.count[old]


# ---- parameters ------------------------------------------------------------------------------


class ParameterFinder:
    """Finds where the numbers of the first updates come from.

    Parameters
    ----------
    trace : Trace
    repeated : bool, default False
        Whether the program is known to have several iterations.
    """

    def __init__(self, trace: Trace, *, repeated: bool = False) -> None:
        self.trace = trace
        self.tried: dict[Event, tuple[Array, dict[Event, Array]]] = {}
        self.has_shared = False
        self.written: dict[int, list[Event]] = {}
        for e in trace.order:
            if trace.place(e).kind not in READ:
                self.written.setdefault(trace.base.marks[e], []).append(e)
        firsts = [events[0] for events in self.written.values()]
        self.distinct = [e for e in firsts if trace.has(e) and trace.size(e) > 1]
        self.found_updates = updates(trace)
        if repeated or any(
            u.every for u in self.found_updates
        ):  # what happens once, outside of the loop, does not update
            self.found_updates = [u for u in self.found_updates if u.every]
        self.befores = [Event(u.old, n) for u in self.found_updates for n in range(self._turns(u))]
        afters = [Event(u.new, n) for u in self.found_updates for n in range(self._turns(u))]
        self.ends = [e for e in afters if e in trace.at]
        self.candidates: dict[Event, list[Event]] = {}
        self.likely = self._likeliest()
        self.end, self.is_late = time.monotonic() + SECONDS, False

    def _turns(self, update: Update) -> int:
        return update.every or self.trace.count[update.new]

    def find(self) -> list[Parameter]:
        """Return the parameters of the first iteration, each number once.

        Several may begin as one number, as with ``(ZERO,) * 3``; then `has_shared` is set. If they
        are too many to be found in the time, `is_late` is.
        """
        found: list[Parameter] = []
        taken: dict[tuple[Event, int], Update] = {}
        for update in self.found_updates:
            for turn in range(self._turns(update)):
                self.is_late = self.is_late or time.monotonic() > self.end
                made = None if self.is_late else self._parameter(update, turn)
                if made is None:
                    continue
                keys = {(made.origin, int(i)) for i in made.index.ravel()}
                others = [taken[k] for k in keys if k in taken]
                shared = bool(others) and all(u is update for u in others)
                self.has_shared |= shared
                if shared or not others:
                    found.append(made)
                    taken |= dict.fromkeys(keys, update)
        return found

    def _parameter(self, update: Update, turn: int) -> Parameter | None:
        before, after = Event(update.old, turn), Event(update.new, turn)
        trace = self.trace
        if not self._may_be_trained(before, after):
            return None
        for origin in self._moving(self._candidates(before), before):
            index = self._moves(origin, before)
            if index is None or not self._enters_step(origin, update, turn):
                continue
            only_rows = trace.places[update.new].parts[1:] == (-1,)  # what is added is not recorded
            if (update.every and not only_rows) or self._has_effect(origin, before, after):
                old = trace.places[update.old]
                name = trace.places[update.new].name or old.name or old.text  # of setattr
                return Parameter(name, origin, index, before, after, update)
        return None

    def _may_be_trained(self, before: Event, after: Event) -> bool:
        """Return whether an update has an old value, and a new one that fits it."""
        trace = self.trace
        if not (before in trace.at and after in trace.at and trace.has(before)):
            return False
        if after not in trace.base.floats:  # a counter
            return False
        return _broadcasts(trace.base.shapes[before], trace.base.shapes[after])

    def _likeliest(self) -> Iterator[Event]:
        """Yield the likeliest origin of each old value, in the order in which they are tried."""
        for update in self.found_updates:
            for turn in range(self._turns(update)):
                before, after = Event(update.old, turn), Event(update.new, turn)
                if self._may_be_trained(before, after):
                    yield from self._candidates(before)[:1]

    def _candidates(self, before: Event) -> list[Event]:
        """Return the events that may be where an old value comes from, the likeliest first."""
        if before not in self.candidates:
            self.candidates[before] = self._equal_or_larger(before)
        return self.candidates[before]

    def _equal_or_larger(self, before: Event) -> list[Event]:
        """Return the events that have all numbers of an old value, the likeliest first."""
        trace, end = self.trace, self.trace.at[before]
        mark = trace.base.marks[before]
        equal = [e for e in self.written.get(mark, []) if trace.at[e] < end and trace.has(e)]
        equal.sort(key=lambda e: self._is_unlike(e, before))
        numbers = trace.value(before)
        own = np.unique(numbers)
        larger = [
            e
            for e in self.distinct
            if trace.at[e] < end
            and trace.size(e) >= numbers.size
            and e not in equal
            and np.isin(own, trace.value(e)).all()
        ]
        if len(equal) < MOST_TRIED:
            return [*equal, *larger][:MOST_TRIED]
        # many numbers are 0; a bias that is in a list with weights comes from the list
        name = trace.place(before).name
        larger.sort(key=lambda e: not _is_part(name, trace.place(e).name))
        return [*larger[:MOST_LARGER], *equal[: MOST_TRIED - MOST_LARGER]]

    def _moving(self, candidates: Sequence[Event], before: Event) -> Iterator[Event]:
        """Yield the events on which an old value may depend; many are left out by one run."""
        if len(candidates) <= FEW or all(e in self.tried for e in candidates):
            yield from candidates
            return
        yield from candidates[:FEW]
        rest = candidates[FEW:]
        for part in (rest[: len(rest) // 2], rest[len(rest) // 2 :]):
            made = self.trace.run({e: self.trace.nudge(e) for e in part}, before, [before]).values
            if before not in made or not np.array_equal(made[before], self.trace.value(before)):
                yield from self._moving(part, before)

    def _is_unlike(self, event: Event, before: Event) -> tuple[bool, bool, bool, bool]:
        """Return what makes an event with equal numbers less likely to be the origin.

        A loop over the parameters only gives them another name, after the forward pass.
        """
        base, place = self.trace.base, self.trace.place
        is_loop = place(event).kind == "loop"
        other = base.shapes[event] != base.shapes[before], event not in base.floats
        return *other, is_loop, place(event).name != place(before).name

    def _moves(self, origin: Event, before: Event) -> NDArray[np.int64] | None:
        """Return which of an origin's numbers an old value is, if it moves exactly with them."""
        added, values = self._tried_at(origin)
        old, new = self.trace.value(before), values.get(before)
        if new is None or new.shape != old.shape:
            return None
        moved, flat = (new - old).ravel(), added.ravel()
        nearest = (
            np.abs(flat[None, :] - moved[:, None]).argmin(axis=1)
            if flat.size * moved.size < 4_000_000
            else _nearest(flat, moved)
        )
        rounding = 4e-16 * np.abs(old).ravel() + 1e-9 * np.abs(flat[nearest])
        if np.any(np.abs(moved - flat[nearest]) > rounding):
            return None
        return nearest.reshape(old.shape).astype(np.int64)

    def _enters_step(self, origin: Event, update: Update, turn: int) -> bool:
        """Return whether what is added to an old value depends on it.

        NaN shows it even where a factor is 0, since 0 · NaN is NaN. A comparison with NaN is false,
        as in the slope of relu or of a hinge loss; there, quite other numbers show it.
        """
        trace, place = self.trace, self.trace.places[update.new]
        others = [Event(c, turn) for c in place.parts if c >= 0 and c != update.old]
        others = [e for e in others if e in trace.at and trace.at[e] > trace.at[origin]]
        if place.op not in ADDITIVE or update.old not in place.parts or not others:
            return True
        until = max(others, key=lambda e: trace.at[e])
        return bool(trace.spoiled([origin], until, others)) or self._steers(origin, until, others)

    def _steers(self, origin: Event, until: Event, others: Sequence[Event]) -> bool:
        """Return whether some events change with an origin that has quite other numbers."""
        trace, shape = self.trace, self.trace.value(origin).shape
        size = max(1.0, trace.scale(origin))
        for _ in range(STEERED):
            change = Change(size * trace.rng.normal(size=shape))
            made = trace.run({origin: change}, until, others).values
            if any(e in made and not np.array_equal(made[e], trace.value(e)) for e in others):
                return True
        return False

    def _has_effect(self, origin: Event, before: Event, after: Event) -> bool:
        """Return whether the step itself depends on where the old value comes from."""
        trace, (_, values) = self.trace, self._tried_at(origin)
        if before not in values or after not in values:
            return False
        if values[after].shape != values[before].shape:
            return True
        step = values[after] - values[before]
        own = trace.value(after) - trace.value(before)
        size = max(float(np.abs(own).max()), 1e-300)
        return step.shape == own.shape and float(np.abs(step - own).max()) > 1e-9 * size

    def _tried_at(self, origin: Event) -> tuple[Array, dict[Event, Array]]:
        """Change an event, and return by how much and the old values that follow."""
        if origin not in self.tried:
            following = (o for o in self.likely if o not in self.tried)
            self._try({origin, *islice(following, AHEAD)})
        return self.tried[origin]

    def _try(self, origins: Collection[Event]) -> None:
        """Change events one by one, all in one go, which takes less time."""
        trace, each = self.trace, list(origins)
        changes = [trace.nudge(o) for o in each]
        wanted = [e for e in (*self.befores, *self.ends) if e in trace.at]
        last = max(wanted, key=lambda e: trace.at[e])
        runs = ({o: c} for o, c in zip(each, changes, strict=True))
        made = trace.run_all(runs, last, wanted)
        for o, change, record in zip(each, changes, made, strict=True):
            value = trace.value(o)
            self.tried[o] = (value + change.values) - value, record.values


def _is_part(name: str, whole: str) -> bool:
    """Return whether a name is that of an element of another one, such as w[i] of w."""
    return bool(whole) and name.startswith(f"{whole}[")


def _broadcasts(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Return whether an update keeps a shape, or changes it by broadcasting, which is a mistake."""
    try:
        return np.broadcast_shapes(old, new) == new
    except ValueError:
        return False


def _nearest(flat: Array, moved: Array) -> NDArray[np.int64]:
    """Return the index of the nearest of many numbers, for each of some others."""
    ranks = np.argsort(flat)
    at = np.clip(np.searchsorted(flat[ranks], moved), 1, max(flat.size - 1, 1))
    near = np.stack([ranks[at - 1], ranks[np.minimum(at, flat.size - 1)]])
    best = np.abs(flat[near] - moved).argmin(axis=0)
    return near[best, np.arange(moved.size)]
