"""A recorded run of a program, and questions about what follows from what in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.submission import Array, Change, Digests, Event, Place, Record, TracedProgram

NUDGE = 1e-4  # relative, by which numbers are changed to see what depends on them


@dataclass
class Trace:
    """A program, one recorded run of it, and runs with some numbers changed.

    Parameters
    ----------
    program : TracedProgram
    base : Record
    fixed : dict of Event to Change
        Changes that are made in every run, such as other starting weights.
    """

    program: TracedProgram
    base: Record
    fixed: dict[Event, Change] = field(default_factory=dict[Event, Change])

    def __post_init__(self) -> None:
        self.order, self.places = self.base.order, self.base.places
        self.at = {event: i for i, event in enumerate(self.order)}
        self.count: dict[int, int] = {}
        self.marks_at: dict[int, list[int]] = {}  # of each place, those of its turns in order
        for event in self.order:
            code, turn = event
            self.count[code] = max(self.count.get(code, 0), turn + 1)
            self.marks_at.setdefault(code, []).append(self.base.marks[event])
        self.own: dict[Event, Array] = {}  # values under the fixed changes
        self.known: dict[Event, Digests] = {}  # by the last event of the run
        self.rng = np.random.default_rng(1)

    def place(self, event: Event) -> Place:
        """Return the place of an event."""
        return self.places[event.code]

    def size(self, event: Event) -> int:
        """Return how many numbers an event has."""
        return int(np.prod(self.base.shapes[event], dtype=int))

    def has(self, event: Event) -> bool:
        """Return whether the numbers of an event are known."""
        return event in self.own or event in self.base.values

    def value(self, event: Event) -> Array:
        """Return the numbers of an event."""
        return self.own[event] if event in self.own else self.base.values[event]

    def scale(self, event: Event) -> float:
        """Return a typical size of an event's numbers."""
        found = np.abs(self.value(event))
        return float(found.max()) if found.size and found.max() > 0 else 1.0

    def run(
        self,
        changes: Mapping[Event, Change],
        until: Event,
        wanted: Iterable[Event] = (),
        *,
        digests: bool = False,
    ) -> Record:
        """Run the program with the fixed changes and some more."""
        return self.program.run(self._with_fixed(changes), until, wanted, digests=digests)

    def run_all(
        self, changes: Iterable[Mapping[Event, Change]], until: Event, wanted: Iterable[Event]
    ) -> list[Record]:
        """Run the program once with each of some changes, which takes less time than one by one."""
        return self.program.run_all([self._with_fixed(c) for c in changes], until, wanted)

    def _with_fixed(self, changes: Mapping[Event, Change]) -> dict[Event, Change]:
        """Return the fixed changes and some more."""
        both = dict(self.fixed)
        for event, change in changes.items():
            both[event] = _composed(self.fixed.get(event), change)
        return both

    def nudge(self, event: Event) -> Change:
        """Return a small change of every number of an event, each by another amount."""
        value = self.value(event)
        size = np.maximum(np.abs(value), 0.1 * max(self.scale(event), 1e-3))
        return Change(NUDGE * size * self.rng.uniform(0.5, 1.5, value.shape), add=True)

    def changed(self, changes: Mapping[Event, Change], until: Event) -> set[Event]:
        """Return the events up to one that have other numbers after some changes."""
        return self.changed_by_each([changes], until)[0]

    def changed_by_each(
        self, changes: Iterable[Mapping[Event, Change]], until: Event
    ) -> list[set[Event]]:
        """Return the events up to one that have other numbers, after each of some changes."""
        every = [self._with_fixed(c) for c in changes]
        base = self._fixed_digests(until) if self.fixed else self.base.digests
        made = self.program.run_all(every, until, digests=True)
        return [record.digests.changed_from(base) for record in made]

    def _fixed_digests(self, until: Event) -> Digests:
        """Return the marks under the fixed changes, from one run for each last event."""
        if until not in self.known:
            self.known[until] = self.digests(until)
        return self.known[until]

    def spoiled(
        self, origins: Iterable[Event], until: Event, wanted: Sequence[Event]
    ) -> set[Event]:
        """Return which events become NaN, or are not reached, if some others are NaN.

        This shows what depends on what even where a factor is 0, since 0 · NaN is NaN.
        """
        return self.spoiled_by_each([origins], until, wanted)[0]

    def spoiled_by_each(
        self, origins: Iterable[Iterable[Event]], until: Event, wanted: Sequence[Event]
    ) -> list[set[Event]]:
        """Return which events become NaN, or are not reached, for each of some origins."""
        changes = [
            {o: Change(np.full(self.value(o).shape, np.nan)) for o in together}
            for together in origins
        ]
        made = [record.values for record in self.run_all(changes, until, wanted)]
        return [
            {e for e in wanted if e not in values or not np.all(np.isfinite(values[e]))}
            for values in made
        ]

    def repeats(self, until: Event) -> bool:
        """Return whether another run computes the same numbers, up to an event."""
        made = self.digests(until)
        is_known = all(e in self.at for e in made.order)
        return bool(made.order) and is_known and not made.changed_from(self.base.digests)

    def digests(self, until: Event) -> Digests:
        """Return the marks of all events under the fixed changes."""
        return self.run({}, until, digests=True).digests


def _composed(fixed: Change | None, change: Change) -> Change:
    """Return one change that does what two do, one after the other."""
    if fixed is None:
        return change
    return Change(change.apply(fixed.values))
