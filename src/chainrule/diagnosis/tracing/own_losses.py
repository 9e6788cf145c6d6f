"""Find the numbers of a program that may be the loss that it computes, in each of its iterations.

They depend on the outputs, and no update depends on them. A program may compute its loss before the
update or after it, add it up in a loop, and find the targets by their class numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from chainrule.diagnosis.tracing.comparing import CLOSE, ratio
from chainrule.diagnosis.tracing.outputs import Iteration, Pair, target_changes
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import MINIMIZERS, Array, Event

TRIED = 16  # places before, between and after the errors that may compute the own loss
NEARLY_ZERO = 1e-8  # relative to the largest gradient
ROOTS = 3  # last numbers of a forward pass that may be it
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
    alone : bool, default True
        Whether no update depends on any number of its place. The last number of an automatic
        derivative's forward pass is made by an operation that has made others before; then it must
        be shown that it is one of the known losses.
    """

    event: Event
    has_targets: bool
    alone: bool = True


def own_losses(trace: Trace, it: Iteration) -> list[OwnLoss]:
    """Return the numbers that may be the loss of an iteration, in program order."""
    if it.pairs[0].is_loss:
        return [OwnLoss(it.pairs[0].output, has_targets=True)]
    by_targets, singles = _singles(trace, it)
    first, last = (f(trace.at[p.error] for p in it.pairs) for f in (min, max))
    forward = [e for e in singles if trace.at[e] < first]
    between = _last_turns(e for e in singles if first <= trace.at[e] < last)
    later = [e for e in singles if trace.at[e] >= last]
    by_place = [*_last_turns(forward)[-TRIED:], *between[-TRIED:], *_last_turns(later)[:TRIED]]
    passed = trace.order[it.begin : it.end + 1]
    turns = [[e for e in passed if e.code == event.code] for event in by_place]
    single = [*forward[-ROOTS:], *later[:TRIED]]  # of operations that have made others before
    used = _used(trace, it, [*turns, *([e] for e in single)])
    tried = [*((e, True) for e in by_place), *((e, False) for e in single)]
    kept = [each for each, is_used in zip(tried, used, strict=True) if not is_used]
    found = {trace.base.marks[e]: OwnLoss(e, e in by_targets, alone) for e, alone in reversed(kept)}
    if (value := minimized(trace, it)) is not None and value in singles:
        found.setdefault(trace.base.marks[value], OwnLoss(value, has_targets=True))
    return sorted(found.values(), key=lambda one: trace.at[one.event])


def minimized(trace: Trace, it: Iteration) -> Event | None:
    """Return the cost of an iteration that the program has SciPy minimize, or None."""
    places = enumerate(trace.places)
    codes = {c for c, p in places if p.file == MINIMIZERS and p.name == "value"}
    events = trace.order[it.begin : it.end] if codes else ()
    return next((e for e in events if e.code in codes), None)


def _singles(trace: Trace, it: Iteration) -> tuple[set[Event], list[Event]]:
    """Return what the targets move, and the single numbers that depend on the parameters.

    The latter are in program order, without those that depend on the updates.
    """
    until = trace.order[_end(trace, it)]
    origins = {p.origin for p in it.parameters}
    free = trace.changed({o: trace.nudge(o) for o in origins}, until)
    free -= trace.changed({p.after: trace.nudge(p.after) for p in it.parameters}, until)
    by_targets = trace.changed(target_changes(trace, it, it.pairs), until) & free
    outputs = {first_of(trace, it, p) for p in it.pairs}
    singles = [e for e in free - outputs if _is_single(trace, it, e)]
    return by_targets, sorted(singles, key=lambda e: trace.at[e])


def _last_turns(events: Iterable[Event]) -> list[Event]:
    """Return the last event of each place: a loss may be added up there."""
    return list({e.code: e for e in events}.values())


def first_of(trace: Trace, it: Iteration, pair: Pair) -> Event:
    """Return where the forward pass computed an output, which the backward pass may have copied."""
    output = pair.output
    mark, shape = trace.base.marks[output], trace.base.shapes[output]
    for event in trace.order[it.begin : trace.at[output]]:
        same = event in it.depends and trace.base.marks[event] == mark
        if same and trace.base.shapes[event] == shape and trace.place(event).kind in COMPUTED:
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
    whole = max(float(np.abs(g).max()) for g in own.values())
    factors = [ratio(own[k], known[k], CLOSE) for k in own if len(own[k]) > 1]
    factors += [c for k in own if (c := _factor_with_penalty(own[k], known[k], w[k]))]
    for c in dict.fromkeys(filter(None, factors)):
        shares = {k: _share(own[k], own[k] - c * known[k], w[k], whole) for k in own}
        if None not in shares.values():
            return {k: s / c for k, s in shares.items() if s is not None}
    return None


def _factor_with_penalty(own: Array, known: Array, w: Array) -> float:
    """Return c if own = c · known + d · w, else 0."""
    basis = np.stack([known, w], axis=1)
    if len(own) < 3 or not (np.all(np.isfinite(basis)) and np.all(np.isfinite(own))):
        return 0.0
    (c, _), *_ = np.linalg.lstsq(basis, own, rcond=None)
    return float(c)


def _share(own: Array, rest: Array, w: Array, whole: float) -> float | None:
    """Return s if what a gradient has in addition is s · w, up to errors, else None.

    A gradient that is nearly zero, as of a bias before a normalization, has only errors.
    """
    close = max(CLOSE * float(np.abs(own).max()), NEARLY_ZERO * whole, 1e-300)
    if not np.all(np.isfinite(rest)):
        return None
    if np.abs(rest).max() <= close:
        return 0.0
    share = float(rest @ w) / max(float(w @ w), 1e-300)
    return share if np.abs(rest - share * w).max() <= close else None


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


def _used(trace: Trace, it: Iteration, places: Sequence[Sequence[Event]]) -> list[bool]:
    """Return of the events of each place whether the updates depend on them.

    They do not on the value of a loss. NaN shows what they depend on, even where a factor is 0. A
    velocity, of which an update takes what earlier ones have made, has a place of which it does.
    """
    earlier = [[e for e in events if trace.at[e] <= it.end and trace.has(e)] for events in places]
    afters = [p.after for p in it.parameters if trace.has(p.after)]
    tried = [events for events in earlier if events]
    spoiled = iter(trace.spoiled_by_each(tried, trace.order[it.end], afters))
    return [bool(events and next(spoiled)) for events in earlier]


def gradients_by_group(parts: Sequence[tuple[int, Array]]) -> dict[int, Array]:
    """Return arrays of several iterations as one for each group."""
    groups = dict.fromkeys(k for k, _ in parts)
    return {k: np.concatenate([a for j, a in parts if j == k]) for k in groups}
