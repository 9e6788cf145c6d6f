"""Find the numbers of a program that may be the loss that it computes, in each of its iterations.

They depend on the outputs, and no update depends on them. A program may compute its loss before the
update or after it, add it up in a loop, and find the targets by their class numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from chainrule.diagnosis.tracing.comparing import CLOSE, ratio
from chainrule.diagnosis.tracing.outputs import Iteration, Pair, target_changes
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Array, Event, Record

TRIED = 16  # numbers before and after the last error that may be the program's own loss
LONGER, SPARE = 2, 200  # lengths of an iteration, and events, after it in which its loss may be
Gradients: TypeAlias = Mapping[int, Array]  # by the group
COMPUTED = ("value", "update")  # kinds of places


@dataclass(frozen=True)
class OwnLoss:
    """A number that may be the loss that a program computes.

    Parameters
    ----------
    event : Event
        In the first iteration.
    has_targets : bool
        Whether it was seen to depend on the targets. Else these may be class numbers, and it must
        be shown that it is one of the known losses.
    """

    event: Event
    has_targets: bool


def own_losses(trace: Trace, it: Iteration) -> list[OwnLoss]:
    """Return the numbers that may be the loss of an iteration, in program order."""
    end = _end(trace, it)
    until = trace.order[end]
    origins = {p.origin for p in it.parameters}
    free = trace.changed({o: trace.nudge(o) for o in origins}, until)
    free -= trace.changed({p.after: trace.nudge(p.after) for p in it.parameters}, until)
    by_targets = trace.changed(target_changes(trace, it, it.pairs), until) & free
    outputs = {first_of(trace, it, p) for p in it.pairs}
    by_outputs = trace.changed({o: trace.nudge(o) for o in outputs}, until) & free
    found: dict[int, OwnLoss] = {}
    for event in sorted(by_targets | by_outputs, key=lambda e: trace.at[e]):
        if event not in outputs and _is_single(trace, it, event):
            found.setdefault(trace.base.marks[event], OwnLoss(event, event in by_targets))
    start = max(trace.at[p.error] for p in it.pairs)
    before = [one for one in found.values() if trace.at[one.event] < start]
    after = [one for one in found.values() if trace.at[one.event] >= start]
    candidates = [*before[-TRIED:], *after[:TRIED]]
    used = _used(trace, it, [one.event for one in candidates])
    return [one for one in candidates if one.event not in used]


def first_of(trace: Trace, it: Iteration, pair: Pair) -> Event:
    """Return where the forward pass computed an output, which the backward pass may have copied."""
    output = pair.output
    mark, shape = trace.base.marks[output], trace.base.shapes[output]
    for event in trace.order[it.begin : trace.at[output]]:
        same = event in it.depends and trace.base.marks[event] == mark
        if same and trace.base.shapes[event] == shape and trace.place(event).kind == "value":
            return event
    return output


def output_name(trace: Trace, it: Iteration, pair: Pair) -> str:
    """Return what the program calls an output.

    A backward pass may give another name to it, as in ``delta = p.copy()``. The first name is meant
    that the same function has for it.
    """
    output, place = pair.output, trace.place(pair.output)
    mark, shape = trace.base.marks[output], trace.base.shapes[output]
    for event in trace.order[it.begin : trace.at[output]]:
        if trace.base.marks[event] != mark or trace.base.shapes[event] != shape:
            continue
        other = trace.place(event)
        same = other.function == place.function and other.file == place.file
        if other.name and same and event in it.depends:
            return other.name
    return place.shown


def same_place(trace: Trace, event: Event, one: Iteration, other: Iteration) -> Event | None:
    """Return the event of a place in another iteration, as late there as it is in the first."""
    if one is other:
        return event
    turns = [
        sum(trace.at[Event(event.code, n)] <= it.end for n in range(trace.count[event.code]))
        for it in (one, other)
    ]
    found = Event(event.code, event.turn - turns[0] + turns[1])
    known = found != event and found in trace.at and other.begin < trace.at[found]
    return found if known and trace.at[found] <= _end(trace, other) else None


def is_like(own: Gradients, known: Gradients, w: Gradients) -> bool:
    """Return whether gradients are those of a known loss, or of it and a penalty of the weights."""
    first, second = (np.concatenate([g[k] for k in own]) for g in (own, known))
    return bool(ratio(first, second, CLOSE)) or penalty_shares(own, known, w) is not None


def penalty_shares(own: Gradients, known: Gradients, w: Gradients) -> dict[int, float] | None:
    """Return s of each group if own = c · (known + s · w), and None if they are not so.

    Parameters
    ----------
    own, known, w : mapping of int to array
        The gradients of both losses, and the parameters, by the group.
    """
    factors = [ratio(own[k], known[k], CLOSE) for k in own if len(own[k]) > 1]
    factors += [c for k in own if (c := _factor_beside(own[k], known[k], w[k]))]
    for c in dict.fromkeys(filter(None, factors)):
        rest = {k: own[k] - c * known[k] for k in own}
        if all(_is_multiple(rest[k], w[k], own[k]) for k in own):
            return {k: _share(rest[k], w[k]) / c for k in own}
    return None


def _factor_beside(own: Array, known: Array, w: Array) -> float:
    """Return c if own = c · known + d · w, else 0."""
    basis = np.stack([known, w], axis=1)
    if len(own) < 3 or not (np.all(np.isfinite(basis)) and np.all(np.isfinite(own))):
        return 0.0
    (c, _), *_ = np.linalg.lstsq(basis, own, rcond=None)
    return float(c)


def _share(rest: Array, w: Array) -> float:
    return float(rest @ w) / max(float(w @ w), 1e-300)


def _is_multiple(rest: Array, w: Array, own: Array) -> bool:
    """Return whether what a gradient has in addition is nothing, or a multiple of the weights."""
    size = CLOSE * max(float(np.abs(own).max()), 1e-300)
    every = np.all(np.isfinite(rest))
    return bool(every and np.abs(rest - _share(rest, w) * w).max() <= size)


def _end(trace: Trace, it: Iteration) -> int:
    """Return the last position at which the loss of an iteration may be computed."""
    p = it.parameters[0]
    following = Event(p.after.code, p.after.turn + p.update.every)
    most = it.end + LONGER * (it.end - it.begin) + SPARE
    if p.update.every and following in trace.at:
        most = min(most, trace.at[following])
    return min(most, len(trace.order) - 1)


def _is_single(trace: Trace, it: Iteration, event: Event) -> bool:
    """Return whether an event computes one number, and not a part of an update."""
    place = trace.place(event)
    lines = {trace.place(p.after).line for p in it.parameters}
    computed = place.kind in COMPUTED and event in trace.base.floats and place.line not in lines
    return computed and trace.size(event) == 1 and trace.has(event)


def _used(trace: Trace, it: Iteration, events: Sequence[Event]) -> set[Event]:
    """Return the numbers on which the updates depend; they do not on the value of a loss."""
    earlier = [e for e in events if trace.at[e] <= it.end]
    afters = [p.after for p in it.parameters if trace.has(p.after)]
    changes = ({e: trace.nudge(e)} for e in earlier)
    runs = zip(earlier, trace.run_all(changes, trace.order[it.end], afters), strict=True)
    return {e for e, made in runs if not all(_is_kept(trace, made, a) for a in afters)}


def _is_kept(trace: Trace, made: Record, event: Event) -> bool:
    return event in made.values and np.array_equal(made.values[event], trace.value(event))


def gradients_by_group(parts: Sequence[tuple[int, Array]]) -> dict[int, Array]:
    """Return arrays of several iterations as one for each group."""
    groups = dict.fromkeys(k for k, _ in parts)
    return {k: np.concatenate([a for j, a in parts if j == k]) for k in groups}
