"""Find updates that change nothing, because every gradient of a program is zero."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from chainrule.diagnosis.degenerate import LEARNS_NOTHING
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.tracing.parameters import ADDITIVE, READ
from chainrule.diagnosis.tracing.source_faults import fault_at
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Change, Event, Source

FEWEST_TURNS, FEWEST_ARRAYS = 2, 2
DRAWS = 2  # of other weights, with which the updates must be zero, too


def zero_diagnosis(trace: Trace, source: Source) -> Diagnosis | None:
    """Return the diagnosis of a program whose updates are all zero, or None.

    Parameters
    ----------
    trace : Trace
        Of a program of which no update was found that changes anything.
    source : Source

    Returns
    -------
    Diagnosis or None
    """
    updates = [code for code in range(len(trace.places)) if _adds_zero(trace, code)]
    if len(updates) < FEWEST_ARRAYS or not all(_stays(trace, updates, n) for n in range(DRAWS)):
        return None
    places = [trace.places[code] for code in updates]
    faults = tuple(
        fault_at(source, p, name=p.name, theirs="the same after the update") for p in places
    )
    names = ", ".join(dict.fromkeys(p.name for p in places))
    return Diagnosis(
        "unknown",
        f"Not right: every update is 0, of {names} ({faults[0].where}), {LEARNS_NOTHING}",
        faults=faults,
    )


def _adds_zero(trace: Trace, code: int) -> bool:
    """Return whether a place adds arrays of zeros to a variable, every time.

    A parameter keeps its numbers then. A gradient to which a penalty of zero is added does not.
    """
    place, turns = trace.places[code], trace.count.get(code, 0)
    known = len(place.parts) == 2 and min(place.parts) >= 0 and place.op in ADDITIVE
    if not known or turns < FEWEST_TURNS or place.name != trace.places[place.parts[0]].name:
        return False
    old = [trace.base.marks.get(Event(place.parts[0], n)) for n in range(turns)]
    if min(Counter(old).values()) < FEWEST_TURNS:
        return False
    steps = [Event(place.parts[1], n) for n in range(turns)]
    return all(
        trace.has(e) and trace.size(e) > 1 and not trace.value(e).any() for e in steps
    ) and all(e in trace.base.floats for e in steps)


def _stays(trace: Trace, updates: list[int], draw: int) -> bool:
    """Return whether the first steps are zero with other weights, too."""
    rng = np.random.default_rng(draw)
    changes: dict[Event, Change] = {}
    steps = [Event(trace.places[code].parts[1], 0) for code in updates]
    for code in updates:
        for origin in _origins(trace, Event(trace.places[code].parts[0], 0)):
            changes[origin] = Change(rng.uniform(-1, 1, trace.value(origin).shape))
    until = max(steps, key=lambda e: trace.at[e])
    made = trace.run(changes, until, steps).values
    return bool(changes) and all(e in made and not made[e].any() for e in steps)


def _origins(trace: Trace, before: Event) -> Iterator[Event]:
    """Yield the first event that has the numbers of an old value."""
    mark = trace.base.marks.get(before)
    for event in trace.order:
        if trace.base.marks[event] == mark and trace.place(event).kind not in READ:
            if trace.has(event):
                yield event
            return
