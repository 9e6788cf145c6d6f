"""Find numbers that a program uses like its parameters, and never updates."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chainrule.diagnosis.tracing.gradients import moved_by_targets
from chainrule.diagnosis.tracing.judging import Judge
from chainrule.diagnosis.tracing.parameters import READ
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Change, Event

MOST = 12  # events that are tried
DRAWN = re.compile(r"rand|normal|uniform|gauss|zeros|ones|full")  # how programs create parameters


@dataclass(frozen=True)
class Neglected:
    """Numbers that the outputs depend on, like parameters that are updated, but that never change.

    Parameters
    ----------
    event : Event
        Where they come from.
    name : str
    like : str
        The name of a parameter that is updated, or an empty string for biases.
    """

    event: Event
    name: str
    like: str


def neglected(judge: Judge, own_lines: int = 0) -> list[Neglected]:
    """Return what is never updated although the outputs depend on it.

    Parameters
    ----------
    judge : Judge
    own_lines : int, default 0
        How many lines are the program's, if lines with its data were added; then all arrays that
        its own lines draw are parameters.
    """
    trace, first = judge.trace, judge.iterations[0]
    trained = {(p.origin, int(i)) for p in judge.parameters for i in p.index.ravel()}
    found: dict[Event, Neglected] = {}
    tried = list(
        {
            e: (e, name, like)
            for e, name, like in (*_alike(judge), *_added(judge), *_drawn(judge, own_lines))
        }.values()
    )
    if not tried:
        return []
    first_event = min((e for e, *_ in tried), key=lambda e: trace.at[e])
    trace.program.restart()  # they may come from before the state that is held
    trace.program.hold(min(first_event, trace.order[first.begin], key=lambda e: trace.at[e]))
    for event, name, like in tried[:MOST]:
        own = [i for i in range(trace.size(event)) if (event, i) not in trained]
        if own and _reaches_outputs(judge, event, own):
            found[event] = Neglected(event, name, like)
    return list(found.values())


def is_meant_to_be_trained(judge: Judge, found: Neglected) -> bool:
    """Return whether a program computes something for the gradient of what it never updates.

    For biases of a layer that is trained, it does. Else this is a number of the backward pass with
    the shape of what the forward pass makes of these parameters, or one with their own shape on
    which no update depends. Without one, they may be frozen on purpose.
    """
    if not found.like:
        return True
    trace, it = judge.trace, judge.iterations[0]
    last = trace.order[it.end]
    shapes, own = _shapes_of_deltas(judge, found), trace.base.shapes[found.event]
    backward = [e for e in moved_by_targets(trace, it) if _is_computed(trace, e)]
    if any(trace.base.shapes[e] in shapes for e in backward):
        return True
    alike = {e.code: e for e in backward if trace.base.shapes[e] in (own, own[::-1])}
    afters = [p.after for p in it.parameters]
    return any(not trace.spoiled([e], last, afters) for e in [*alike.values()][:MOST])


def _shapes_of_deltas(judge: Judge, found: Neglected) -> set[tuple[int, ...]]:
    """Return the shapes of what follows from some parameters, those of other things left out."""
    trace, it = judge.trace, judge.iterations[0]
    start = trace.at[it.pairs[0].error]
    follows = trace.changed({found.event: trace.nudge(found.event)}, trace.order[it.end])
    shapes = {trace.base.shapes[e] for e in follows if trace.at[e] < start}
    others = {trace.base.shapes[p.output] for p in it.pairs}
    others |= {trace.base.shapes[e] for p in it.parameters for e in (p.before, p.after)}
    others.add(trace.base.shapes[found.event])
    return shapes - others - {shape[::-1] for shape in others}


def _is_computed(trace: Trace, event: Event) -> bool:
    return trace.place(event).kind == "value" and event in trace.base.floats and trace.has(event)


def _alike(judge: Judge) -> Iterator[tuple[Event, str, str]]:
    """Yield events made where a parameter is, or with a name that differs in a digit."""
    trace, first = judge.trace, judge.iterations[0]
    like = _Likeness(judge)
    for event in trace.order[: first.end]:
        place = trace.place(event)
        if place.kind in READ or not trace.has(event) or event not in trace.base.floats:
            continue
        if (found := like.parameter(event)) is not None:
            yield event, _shown(trace, event), found


class _Likeness:
    """What the origins of the parameters have in common with other events.

    Parameters
    ----------
    judge : Judge
    """

    def __init__(self, judge: Judge) -> None:
        self.judge, self.trace = judge, judge.trace
        place = self.trace.place
        origins = {p.origin: p.name for p in judge.parameters}
        self.origins = origins
        self.updates = {p.after.code for p in judge.parameters}
        self.codes = {o.code: name for o, name in origins.items()}
        drawn = [o for o in origins if DRAWN.search(place(o).text)]
        self.texts = {(place(o).text, place(o).function) for o in drawn}
        self.names = {_stem(place(o).name): n for o, n in origins.items() if place(o).name}

    def parameter(self, event: Event) -> str | None:
        """Return the parameter that an event is like, an empty name, or None if it is like none."""
        place = self.trace.place(event)
        if event.code in self.updates:
            return None
        if event in self.origins:
            own = sum(p.size for p in self.judge.parameters if p.origin == event)
            partly = own < self.trace.size(event) and place.kind == "value"
            return self.codes[event.code] if partly else None
        if event.code in self.codes:
            return self.codes[event.code] if place.kind == "value" else None
        if place.function and (place.text, place.function) in self.texts:
            return ""
        is_drawn = place.kind == "value" and DRAWN.search(place.text)
        free = event not in self.judge.iterations[0].depends
        return self.names.get(_stem(place.name)) if place.name and is_drawn and free else None


def _stem(name: str) -> str:
    """Return a name without its digits and indices."""
    return re.sub(r"\[[^\]]*\]|\d+", "", name)


def _shown(trace: Trace, event: Event) -> str:
    place = trace.place(event)
    return place.name or f"what {place.text} gives"


def _drawn(judge: Judge, own: int) -> Iterator[tuple[Event, str, str]]:
    """Yield the arrays that a program draws before its forward pass, and does not train."""
    trace, first = judge.trace, judge.iterations[0]
    origins = {p.origin for p in judge.parameters}
    marks = {trace.base.marks[o] for o in origins}
    begin = min((trace.at[e] for e in first.depends if e not in origins), default=0)
    for event in trace.order[:begin] if own else ():
        place = trace.place(event)
        is_drawn = place.kind == "value" and DRAWN.search(place.text) and not place.file
        several = len(trace.base.shapes[event]) == 2 and trace.has(event)
        if is_drawn and several and place.line <= own and trace.base.marks[event] not in marks:
            yield event, _shown(trace, event), ""


def _added(judge: Judge) -> Iterator[tuple[Event, str, str]]:
    """Yield what the forward pass adds to net inputs, such as biases, and does not train."""
    trace, first = judge.trace, judge.iterations[0]
    start = max(trace.at[p.error] for p in first.pairs)
    drawn = {
        trace.base.marks[e]: e
        for e in trace.order[:start]
        if trace.place(e).kind == "value" and DRAWN.search(trace.place(e).text)
    }
    for event in trace.order[first.begin : start]:
        place = trace.place(event)
        if place.op != "Add" or event not in first.depends:
            continue
        parts = [Event(c, event.turn) for c in place.parts if c >= 0]
        known = [e for e in parts if e in trace.at and e not in first.depends]
        for e in known:
            origin = drawn.get(trace.base.marks[e])
            if trace.place(e).kind == "use" and origin is not None and e in trace.base.floats:
                yield origin, trace.place(e).name, ""


def _reaches_outputs(judge: Judge, event: Event, index: list[int]) -> bool:
    """Return whether outputs become NaN with some numbers of an event."""
    trace, first = judge.trace, judge.iterations[0]
    outputs = [p.output for p in first.pairs]
    if any(p.targets == event for p in first.pairs):
        return False
    change = Change(np.full(len(index), np.nan), np.array(index))
    befores = [p.before for p in judge.parameters]
    made = trace.run({event: change}, trace.order[first.end], [*outputs, *befores]).values
    trained = any(e in made and np.isnan(made[e]).any() for e in befores)
    return not trained and any(e in made and np.isnan(made[e]).any() for e in outputs)
