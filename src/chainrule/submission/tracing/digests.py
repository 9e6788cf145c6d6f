"""The marks of all events of a run, and which of them differ from those of another run."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chainrule.submission.tracing.places import Event


@dataclass(frozen=True, eq=False)
class Digests:
    """Marks of events, which are equal for equal numbers.

    They stay arrays, because most runs pass the same events in the same order.

    Parameters
    ----------
    rows : array of int, shape (events, 2)
        The places and turns of the events, in program order.
    marks : array of int, shape (events,)
    """

    rows: NDArray[np.int64]
    marks: NDArray[np.int64]

    @cached_property
    def order(self) -> list[Event]:
        """The events in program order."""
        return [Event(code, turn) for code, turn in self.rows.tolist()]

    @cached_property
    def by_event(self) -> dict[Event, int]:
        """The mark of each event."""
        return dict(zip(self.order, self.marks.tolist(), strict=True))

    def changed_from(self, base: "Digests") -> set[Event]:
        """Return the events with another mark than in another run; those that it lacks are not.

        Parameters
        ----------
        base : Digests
        """
        if not len(self.rows):
            return set()
        first = np.flatnonzero((base.rows == self.rows[0]).all(axis=1))
        start = int(first[0]) if first.size else len(base.rows)
        same = slice(start, start + len(self.rows))
        if np.array_equal(base.rows[same], self.rows):
            other = np.flatnonzero(self.marks != base.marks[same])
            return {base.order[start + i] for i in other.tolist()}
        known = base.by_event
        return {e for e, mark in self.by_event.items() if known.get(e, mark) != mark}
