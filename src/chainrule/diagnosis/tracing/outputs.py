"""Find the iterations of a program, its outputs and its targets.

The targets are where what depends on the parameters first meets what does not, and the updates are
linear in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.diagnosis.tracing.parameters import Parameter
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Array, Change, Event

SMALL, LITTLE = 2e-3, 1e-6  # relative changes; the second where labels are compared with outputs
MOST_TARGETS = 40  # pairs of operands that may be an output and its targets


@dataclass(frozen=True)
class Pair:
    """An output and its targets, and where they first meet.

    Parameters
    ----------
    error, output, targets : Event
    one_hot : bool
        Whether the targets are indices, as in ``p[rows, classes] -= 1``; then `targets` is the
        array after the subtraction.
    is_loss : bool
        Whether all three are the number that the program calls its loss, since no output was found.
    """

    error: Event
    output: Event
    targets: Event
    one_hot: bool = False
    is_loss: bool = False


@dataclass
class Iteration:
    """One forward pass, backward pass and update.

    Parameters
    ----------
    number : int
    parameters : list of Parameter
    begin, end : int
        Its first and last event, as positions in the program's order.
    depends : set of Event
        What depends on the parameters.
    steered : set of Event
        What depends on the parameters, also by comparisons.
    pairs : list of Pair
        Its outputs and targets.
    omitted : bool
        Whether there were sums or products, too, in which an output may meet its targets. They are
        rather parts of a backward pass, of a penalty for example.
    unused : bool
        Whether the same output meets other targets, too, in errors that no update depends on.
    """

    number: int
    parameters: list[Parameter]
    begin: int
    end: int
    depends: set[Event] = field(default_factory=set[Event])
    steered: set[Event] = field(default_factory=set[Event])
    pairs: list[Pair] = field(default_factory=list[Pair])
    omitted: bool = False
    unused: bool = False

    def with_only(self, parameters: list[Parameter]) -> "Iteration":
        """Return the same iteration with fewer parameters."""
        return Iteration(self.number, parameters, self.begin, self.end)


# ---- iterations ------------------------------------------------------------------------------


def iteration(trace: Trace, first: list[Parameter], number: int) -> Iteration | None:
    """Return an iteration's parameters, or None if it was not recorded entirely."""
    made: list[Parameter] = []
    for p in first:
        shift = number * p.update.every
        if number and not p.update.every:
            return None
        before = Event(p.before.code, p.before.turn + shift)
        after = Event(p.after.code, p.after.turn + shift)
        if after not in trace.at or before not in trace.at:
            return None
        if number and trace.base.shapes[after] != trace.base.shapes[p.before]:
            return None
        origin, index = p.origin, p.index
        if number:
            origin = Event(p.after.code, p.after.turn + shift - p.update.every)
            index = np.arange(p.index.size).reshape(p.index.shape)
        made.append(Parameter(p.name, origin, index, before, after, p.update))
    end = max(trace.at[p.after] for p in made)
    begin = (
        max(trace.at[p.origin] for p in made) if number else min(trace.at[p.origin] for p in made)
    )
    return Iteration(number, made, begin, end)


def dependents(trace: Trace, it: Iteration) -> set[Event]:
    """Return the events of an iteration that depend on its parameters."""
    origins = {p.origin for p in it.parameters}
    changes = {o: trace.nudge(o) for o in origins}
    return trace.changed(changes, trace.order[it.end])


def pairs(trace: Trace, it: Iteration) -> list[Pair]:
    """Return the outputs and targets of an iteration: where what is trained meets what is not.

    What depends on targets that were found is part of the backward pass, and is left out. If the
    updates are not linear in anything, by a mistake, a difference that they depend on is accepted.
    Numbers that no update depends on, such as a loss or a margin that is only compared with 0, come
    after all others.
    """
    it.steered = trace.changed(other_parameters(trace, it), trace.order[it.end])
    found = (
        _pairs(trace, it, linear=True)
        or _pairs(trace, it, linear=True, compared=True)
        or _pairs(trace, it, linear=False)
    )
    clear = [p for p in found if _is_clear(trace, p.error)]
    if found and not clear:  # a dropout mask that only the forward pass has looks like targets
        later = _pairs(trace, it, linear=True, only_clear=True)
        if all(_enters_outputs(trace, it, p, later) for p in found):
            return later
    it.omitted = bool(clear) and any(
        not _enters_outputs(trace, it, p, clear) for p in found if p not in clear
    )
    return clear or found


def _is_clear(trace: Trace, error: Event) -> bool:
    """Return whether a place computes a difference, as an output and its targets have one."""
    return trace.place(error).op in ("Sub", "OneHot")


def other_parameters(trace: Trace, it: Iteration) -> dict[Event, Change]:
    """Return changes to quite other parameters: what is compared with 0 then has other signs."""
    sizes = {o: trace.scale(o) for o in {p.origin for p in it.parameters}}
    return {o: Change(s * trace.rng.normal(size=trace.value(o).shape)) for o, s in sizes.items()}


def _enters_outputs(trace: Trace, it: Iteration, pair: Pair, clear: Sequence[Pair]) -> bool:
    """Return whether some outputs depend on what may be targets, as on a dropout mask."""
    moved = trace.changed(target_changes(trace, it, [pair]), trace.order[it.end])
    return any(p.output in moved for p in clear)


def _pairs(
    trace: Trace,
    it: Iteration,
    *,
    linear: bool,
    compared: bool = False,
    only_clear: bool = False,
) -> list[Pair]:
    found: list[Pair] = []
    moved: set[Event] = set()
    tried: set[tuple[int, int]] = set()
    own = {code for p in it.parameters for code in (p.after.code, p.before.code)}
    lines = {(trace.places[code].line, trace.places[code].file) for code in own}
    for event in trace.order[: it.end + 1]:
        if event not in it.depends or event.code in own or len(tried) > MOST_TARGETS:
            continue
        place = trace.place(event)
        is_of_rows = place.kind == "update" and (place.line, place.file) in lines
        if is_of_rows or (only_clear and not _is_clear(trace, event)):
            continue
        for pair in _operands(trace, it, event):
            key = pair.output.code, pair.targets.code
            inner = event in moved and _is_same_output(trace, pair, found)  # in this call
            if inner or key in tried or not moved.isdisjoint((pair.output, pair.targets)):
                continue
            tried.add(key)
            turns = _turns_of_output(trace, it, pair)
            if not turns or not _is_target(trace, it, turns[-1], linear=linear, compared=compared):
                continue
            used = used_turns(trace, it, turns)
            it.unused |= _have_other_targets(trace, turns[: len(turns) - len(used)], used)
            turns = _before_errors(trace, it, merged(trace, used))
            new = [p for p in turns if p.output not in moved and p.targets not in moved]
            found += new
            moved |= trace.changed(target_changes(trace, it, found), trace.order[it.end])
            moved |= {p.targets for p in new}
            break
    return found


def _is_constant(trace: Trace, it: Iteration, pair: Pair) -> bool:
    """Return whether a single number is part of the forward pass, as the scale of an activation.

    The slope of A tanh(z) may be written as (A - y) (A + y) / A.
    """
    if trace.size(pair.targets) > 1 or not trace.place(pair.targets).name.isidentifier():
        return False  # of objects, many have one name
    turns = (Event(pair.targets.code, n) for n in range(trace.count[pair.targets.code]))
    marks = {trace.base.marks.get(e) for e in turns}  # an input that is a target, too, changes
    return len(marks) == 1 and _enters_outputs(trace, it, pair, [pair])


def _is_same_output(trace: Trace, pair: Pair, found: Sequence[Pair]) -> bool:
    """Return whether the output of a pair is that of another one."""
    return trace.base.marks[pair.output] in {trace.base.marks[p.output] for p in found}


def _before_errors(trace: Trace, it: Iteration, turns: list[Pair]) -> list[Pair]:
    """Return the turns whose output does not depend on the error of another one.

    Errors that are added up, beginning with 0, pass the place of the errors themselves if every
    addition is a call of one method.
    """
    changes = {p.targets: _small(trace, p.targets) for p in turns if not p.one_hot}
    if len(turns) < 2 or not changes:
        return turns
    moved = trace.changed(changes, trace.order[it.end])
    return [p for p in turns if p.output not in moved] or turns


def _parameters_among(trace: Trace, it: Iteration, events: Iterable[Event]) -> set[Event]:
    """Return the events that only read parameters, and are no outputs."""
    old = np.concatenate([trace.value(p.before).ravel() for p in it.parameters])
    equal = [
        e
        for e in events
        if trace.place(e).kind == "use" and trace.has(e) and np.isin(trace.value(e), old).all()
    ]
    if not equal:
        return set()
    changes = {o: trace.nudge(o) for o in {p.origin for p in it.parameters}}
    befores = [p.before for p in it.parameters]
    made = trace.run(changes, trace.order[it.end], [*equal, *befores]).values
    moved = np.concatenate([made[b].ravel() for b in befores if b in made] or [np.empty(0)])
    return {e for e in equal if e in made and np.isin(made[e], moved).all()}


def target_changes(trace: Trace, it: Iteration, found: list[Pair]) -> dict[Event, Change]:
    """Return small changes of everything that has the targets' numbers and is only read."""
    named = [p.targets for p in found if not p.one_hot]
    known = {(trace.base.marks[e], "" if trace.size(e) > 1 else trace.place(e).name) for e in named}
    uses = {
        e
        for e in trace.order[it.begin : it.end + 1]
        if e not in it.depends and _is_use(trace, e, known)
    }
    uses |= set(named)
    uses = {e for e in uses if trace.has(e)}
    one_hot = {p.error for p in found if p.one_hot}
    return {e: _small(trace, e) for e in uses | one_hot}


def _is_use(trace: Trace, event: Event, known: set[tuple[int, str]]) -> bool:
    """Return whether an event reads known targets; single numbers must have the same name."""
    name = "" if trace.size(event) > 1 else trace.place(event).name
    return trace.place(event).kind == "use" and (trace.base.marks[event], name) in known


def _small(trace: Trace, event: Event) -> Change:
    size = 0.01 * max(trace.scale(event), 0.1)
    return Change(size * trace.rng.uniform(0.5, 1.5, trace.value(event).shape), add=True)


def _operands(trace: Trace, it: Iteration, event: Event) -> Iterator[Pair]:
    """Yield operands of an event: one that depends on the parameters, and one that does not."""
    place = trace.place(event)
    if place.op == "OneHot":
        before = Event(place.parts[0], event.turn)
        if before in it.depends and trace.has(before) and trace.has(event):
            yield Pair(event, before, event, one_hot=True)
        return
    parts = [Event(c, event.turn) for c in place.parts if c >= 0]
    parts = [e for e in parts if e in trace.at and trace.has(e)]
    outputs = [e for e in parts if e in it.depends]
    data = [e for e in parts if e not in it.depends and e not in it.steered]
    if len(outputs) != 1:
        return
    is_sum = place.kind == "update" and place.op == "Add"  # then what is added to is not a target
    for targets in data:
        if is_sum and targets.code == place.parts[0]:
            continue
        if trace.size(targets) == trace.size(outputs[0]) <= max(trace.size(event), 1):
            yield Pair(event, outputs[0], targets)


def _is_target(trace: Trace, it: Iteration, pair: Pair, *, linear: bool, compared: bool) -> bool:
    """Return whether what may be gradients is linear in an event, and more than scaled by it.

    If no update depends on the event, as on a label in a margin that is compared with 0, all that
    reads the same numbers is changed if `compared`.
    """
    if pair.one_hot:
        return True
    judged = _like_gradients(trace, it, pair)
    one, two = _with_other_targets(trace, it, [pair.targets], judged)
    if not _all_reached(it, one, two):
        return False
    if not _moved(trace, it, one):
        same = [e for e in target_changes(trace, it, [pair]) if e != pair.targets]
        if not compared or not same or trace.size(pair.targets) == 1:
            return False
        one, two = _with_other_targets(trace, it, [pair.targets, *same], judged, size=LITTLE)
        if not _all_reached(it, one, two) or not _moved(trace, it, one):
            return False
    if not linear:
        return trace.place(pair.error).op == "Sub"
    ratios = _all_ratios(trace, it, judged, (one, two))
    if not ratios:
        return trace.place(pair.error).op == "Sub" and _is_linear_in_turn(trace, it, pair, judged)
    every = np.array(ratios)
    scaled = bool(np.all(np.isfinite(every)) and np.ptp(every) < 1e-5 * np.abs(every).max())
    return not scaled or trace.place(pair.error).op == "Sub"


def _with_other_targets(
    trace: Trace,
    it: Iteration,
    targets: list[Event],
    judged: list[Event],
    pins: Iterable[Event] = (),
    size: float = SMALL,
) -> tuple[dict[Event, Array], dict[Event, Array]]:
    """Return some events after a small change of the targets, and after twice that change."""
    value, until = trace.value(targets[0]), trace.order[it.end]
    way = size * max(trace.scale(targets[0]), 1e-3) * trace.rng.uniform(0.5, 1.5, value.size)
    kept = {e: Change(trace.value(e)) for e in pins}
    changes = (
        {**kept, **{e: Change(k * way.reshape(trace.value(e).shape), add=True) for e in targets}}
        for k in (1, 2)
    )
    one, two = trace.run_all(changes, until, judged)
    return one.values, two.values


def _all_reached(it: Iteration, one: dict[Event, Array], two: dict[Event, Array]) -> bool:
    return all(p.after in one and p.after in two for p in it.parameters)


def _moved(trace: Trace, it: Iteration, made: dict[Event, Array]) -> bool:
    """Return whether some update has changed."""
    return any(_has_moved(trace, p, made) for p in it.parameters)


def _has_moved(trace: Trace, p: Parameter, made: dict[Event, Array]) -> bool:
    """Return whether the update of a parameter has changed."""
    return not np.array_equal(made[p.after], trace.value(p.after))


def _is_linear_in_turn(trace: Trace, it: Iteration, pair: Pair, judged: list[Event]) -> bool:
    """Return whether every update is linear in an event after those before it have been pinned.

    By a mistake, a program may compute with parameters that it has updated just before.
    """
    left = sorted(it.parameters, key=lambda p: trace.at[p.after])
    pinned: list[Event] = []
    while left:
        one, two = _with_other_targets(trace, it, [pair.targets], judged, pinned)
        if not _all_reached(it, one, two):
            return False
        bent = (
            k
            for k, p in enumerate(left)
            if _has_moved(trace, p, one) and not _ratios_of(trace, p, judged, (one, two))
        )
        first = next(bent, len(left))
        if not first:
            return False
        pinned += [p.after for p in left[:first]]
        left = left[first:]
    return True


def _all_ratios(
    trace: Trace,
    it: Iteration,
    judged: list[Event],
    made: tuple[dict[Event, Array], dict[Event, Array]],
) -> list[float]:
    """Return the relative changes of what each update is made of, or nothing if one is not linear.

    What a backward pass computes is linear in the targets; the rule of an update need not be. Then
    the gradient of a single number is not found by its shape, and those of arrays suffice.
    """
    ratios: list[float] = []
    arrays = left_out = False
    for p in it.parameters:
        if not _has_moved(trace, p, made[0]):
            continue
        first = _ratios_of(trace, p, judged, made)
        if not first and p.size > 1:
            return []
        ratios += first
        arrays |= p.size > 1
        left_out |= not first
    return ratios if arrays or not left_out else []


def _ratios_of(
    trace: Trace,
    p: Parameter,
    judged: list[Event],
    made: tuple[dict[Event, Array], dict[Event, Array]],
) -> list[float]:
    """Return the relative changes of what one update is made of, or nothing if not linear."""
    one, two = made
    same = (e for e in judged if trace.base.shapes[e] in (p.index.shape, p.index.shape[::-1]))
    alike = [p.after, *(e for e in same if p.size > 1 and e in one and e in two)]
    found = (_linear_ratios(trace.value(e), one[e], two[e]) for e in alike)
    return next(filter(None, found), list[float]())


def _like_gradients(trace: Trace, it: Iteration, pair: Pair) -> list[Event]:
    """Return the new parameters, and events after an error with as many numbers as one of them."""
    sizes = {p.size for p in it.parameters}
    later = trace.order[trace.at[pair.error] : it.end + 1]
    alike = [e for e in later if trace.size(e) in sizes and trace.has(e) and e in it.depends]
    afters = [p.after for p in it.parameters]
    return [*afters, *[e for e in alike if trace.place(e).kind in ("value", "use")][:300]]


def _linear_ratios(base: Array, one: Array, two: Array) -> list[float]:
    """Return relative changes of numbers that are linear in what was changed, else nothing."""
    if one.shape != base.shape or two.shape != base.shape:
        return []
    first, second = (one - base).ravel(), (two - base).ravel()
    size, old = float(np.abs(first).max()), base.ravel()
    noise = 1e-15 * float(np.abs(old).max())
    if size < 1e-14 or np.abs(second - 2 * first).max() > 1e-6 * size + 10 * noise:
        return []
    large = np.abs(old) > 1e-12 * max(float(np.abs(old).max()), 1e-300)
    at_zero = np.abs(first[~large]) > 1e-10 * size
    return [*(first[large] / old[large]), *([np.inf] * int(np.sum(at_zero)))]


def _turns_of_output(trace: Trace, it: Iteration, pair: Pair) -> list[Pair]:
    """Return the same pair at every turn at which it has an output, the last one near updates.

    There is none if what may be the target is a constant of the forward pass.
    """
    if _is_constant(trace, it, pair):
        return []
    turns = _all_turns(trace, it, pair)
    read = _parameters_among(trace, it, [pair.output, *(p.output for p in turns)])
    return [p for p in turns if p.output not in read]


def _all_turns(trace: Trace, it: Iteration, first: Pair) -> list[Pair]:
    """Return the same pair of places at every turn in the iteration."""
    found: list[Pair] = []
    for turn in range(trace.count[first.error.code]):
        pair = Pair(
            Event(first.error.code, turn),
            Event(first.output.code, turn),
            Event(first.targets.code, turn),
            first.one_hot,
        )
        known = all(e in trace.at for e in (pair.error, pair.output, pair.targets))
        if not known or pair.output not in it.depends or trace.at[pair.error] > it.end:
            continue
        if pair.one_hot or pair.targets not in it.depends:
            found.append(pair)
    return found


def _have_other_targets(trace: Trace, unused: Sequence[Pair], used: Sequence[Pair]) -> bool:
    """Return whether errors that are not used are those of an output that is, with other targets.

    So it is if the error of every context word is computed, and only the last one is kept.
    """
    marks = trace.base.marks
    both = ((one, two) for one in unused for two in used if not (one.one_hot or two.one_hot))
    return any(
        marks[one.output] == marks[two.output] and marks[one.targets] != marks[two.targets]
        for one, two in both
    )


def used_turns(trace: Trace, it: Iteration, turns: list[Pair]) -> list[Pair]:
    """Return the turns from the first on which an update depends.

    Before an update, a program may compute errors that it does not use, as for a numerical check.
    """
    low, high = 0, len(turns) - 1  # the last one is used
    while low < high:
        middle = (low + high) // 2
        if _reach_updates(trace, it, [p.error for p in turns[: middle + 1]]):
            high = middle
        else:
            low = middle + 1
    return turns[low:]


def _reach_updates(trace: Trace, it: Iteration, events: list[Event]) -> bool:
    """Return whether some update becomes NaN if some events are NaN."""
    afters = [p.after for p in it.parameters]
    return bool(trace.spoiled(filter(trace.has, events), trace.order[it.end], afters))


def merged(trace: Trace, found: list[Pair]) -> list[Pair]:
    """Return pairs, with one for several subtractions of 1 from one array."""
    kept: list[Pair] = []
    for pair in found:
        last = kept[-1] if kept else None
        marks = trace.base.marks
        if last and pair.one_hot and marks[last.targets] == marks[pair.output]:
            kept[-1] = Pair(pair.error, last.output, pair.targets, one_hot=True)
        else:
            kept.append(pair)
    return kept
