"""Find iterations after those that were judged in which a program does something new.

An update may be right until a branch of the program is taken for the first time, a last batch is
smaller, or an index array names a row twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.diagnosis.tracing.comparing import TOLERANCE
from chainrule.diagnosis.tracing.gradients import MOST_ENTRIES, OWN, Differences, row_of, sample
from chainrule.diagnosis.tracing.judging import Judge, Judgment
from chainrule.diagnosis.tracing.outputs import Iteration
from chainrule.diagnosis.tracing.rules import gradient_factors
from chainrule.submission import Event

MOST_LATER = 2  # iterations that are judged
MOST_TRIED = 6  # of which it is tried whether their updates depend on what is new
FEW_ENTRIES = 12  # numbers of a group that are judged in a later iteration
REPEATED = "an index of {} names an element twice, which counts once"
BRANCH = "{} is computed"
SHAPE = "the batch has another shape"


@dataclass(frozen=True)
class Later:
    """An iteration in which something happens for the first time.

    Parameters
    ----------
    it : Iteration
    why : str
        What happens, in words; empty if it is not known.
    """

    it: Iteration
    why: str = ""


def later_iterations(judge: Judge) -> list[Later]:
    """Return the first iterations that differ in kind from those that were judged.

    Parameters
    ----------
    judge : Judge
        It has judged the first iterations, and the program is held before them.
    """
    found: list[Later] = []
    places = judge.trace.places
    first, *others = [_codes(judge, it).keys() for it in judge.iterations]
    seen = set(first).union(*others)
    seen -= {c for c in seen - first if places[c].kind == "repeated"}  # in rows that were not seen
    shapes = {_shapes(judge, it) for it in judge.iterations}
    tried = 0
    for it in _following(judge):
        new = _codes(judge, it).keys() - seen
        known = _shapes(judge, it) in shapes
        seen |= new
        shapes.add(_shapes(judge, it))
        if (not new and known) or tried >= MOST_TRIED:
            continue
        tried += 1
        if (made := _later(judge, it, new, known=known)) is not None:
            found.append(made)
        if len(found) == MOST_LATER:
            break
    return found


def focused(judge: Judge, it: Iteration, entries: int = MOST_ENTRIES) -> Judge | None:
    """Return a judge of one later iteration only, before which the program is held, or None.

    Parameters
    ----------
    judge : Judge
    it : Iteration
    entries : int
        How many numbers of each group are judged.
    """
    trace = judge.trace
    trace.program.restart()
    judge.hold_before(it)
    judge.with_pairs_of_first(it)
    if not it.pairs:
        return None
    made = Judge(trace)
    made.parameters, made.sources, made.top = it.parameters, judge.sources, judge.top
    rows = _repeated_rows(judge, it)
    made.groups = [
        replace(g, entries=sample(trace, it, g.every, min(len(g.entries), entries), rows))
        for g in judge.groups
    ]
    own = judge.scalars_of(it)
    pairs = zip(judge.scalars, own.values(), strict=False)
    every = len(own) == len(judge.scalars)
    made.scalars = [replace(one, event=event) for one, event in pairs] if every else []
    differences = Differences(trace, it, own if every else {})
    made.iterations, made.differences = [it], [differences]
    made.truth = [[Judge.truths(differences, it, g) for g in made.groups]]
    return made


def hold_before(judge: Judge) -> None:
    """Hold the program before the first iteration that was judged."""
    judge.trace.program.restart()
    judge.hold_before(judge.iterations[0])


def is_right_alone(judge: Judge, alone: Judge, own: Judgment) -> bool:
    """Return whether a later iteration is right by itself, under the loss of the first ones.

    Its learning rate may be another one. If the updates follow another rule, its gradients must
    occur as such.
    """
    loss = own.loss
    if loss.startswith(OWN) and not alone.scalars:
        loss = (judge.usual_loss(loss) or ("",))[0]
    if not loss:
        return False
    if own.rule:
        return bool(gradient_factors(alone, 0, loss))
    found = alone.compare(loss)
    return all(r.right and (r.factor < 0 or not r.evidence) for r in found)


def _following(judge: Judge) -> Iterator[Iteration]:
    """Yield the iterations after the first one that was judged."""
    number = judge.iterations[0].number + 1
    while (it := judge.iteration(number)) is not None:
        yield it
        number += 1


def _codes(judge: Judge, it: Iteration) -> Mapping[int, Event]:
    """Return the places that are passed in an iteration, with the first event of each."""
    events = judge.trace.order[it.begin : it.end + 1]
    return {e.code: e for e in reversed(events)}


def _shapes(judge: Judge, it: Iteration) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return the shapes of the outputs of an iteration."""
    trace = judge.trace
    codes = {p.output.code for p in judge.iterations[0].pairs}
    events = (e for e in trace.order[it.begin : it.end + 1] if e.code in codes)
    return tuple(sorted({(e.code, trace.base.shapes[e]) for e in events}))


def what_repeats(judge: Judge, it: Iteration) -> Later:
    """Return an iteration, and whether some elements are updated twice in it."""
    found = _repeated(judge, it)
    why = REPEATED.format(judge.trace.place(found[0]).name) if found else ""
    return Later(it, why)


def counted_once(judge: Judge, own: Judgment) -> Event | None:
    """Return where the first iteration names elements twice if only those are wrong, or None."""
    found = _repeated(judge, judge.iterations[0])
    wrong = _wrong_rows(judge, own) if found else set[int]()
    for event in found:
        if wrong and wrong <= {int(n) for n in judge.trace.value(event).ravel()}:
            return event
    return None


def _wrong_rows(judge: Judge, own: Judgment) -> set[int]:
    """Return the rows in which the steps of the first iteration are not those of the gradient."""
    it, found = judge.iterations[0], set[int]()
    for k, group in enumerate(judge.groups):
        slopes = judge.truth[0][k]
        g, e = slopes.values[own.loss], slopes.errors[own.loss]
        s, noise = judge.steps(it, group)
        c = own.factor or 0.0
        off = np.abs(s - c * g) > TOLERANCE * np.abs(s).max() + noise + abs(c) * e
        wrong = [x for x, is_off in zip(group.entries, off, strict=True) if is_off]
        found |= {row_of(it.parameters[x.parameter], x.index) for x in wrong}
    return found


def _repeated(judge: Judge, it: Iteration) -> list[Event]:
    """Return the events of an iteration at which an index names some elements twice."""
    trace = judge.trace
    return [e for e in trace.order[it.begin : it.end + 1] if trace.place(e).kind == "repeated"]


def _repeated_rows(judge: Judge, it: Iteration) -> set[int]:
    """Return the rows of these elements."""
    rows = [judge.trace.value(e).ravel() for e in _repeated(judge, it)]
    return {int(n) for row in rows for n in row}


def _later(judge: Judge, it: Iteration, new: set[int], *, known: bool) -> Later | None:
    """Return what is new in an iteration if its updates depend on it, or None."""
    trace, first = judge.trace, _codes(judge, it)
    events = sorted((first[c] for c in new), key=lambda e: trace.at[e])
    if any(trace.place(e).kind == "repeated" for e in events):
        return what_repeats(judge, it)
    if not known:
        return Later(it, SHAPE)
    used = _used(judge, it, [e for e in events if e in trace.base.floats and trace.has(e)])
    return None if used is None else Later(it, BRANCH.format(trace.place(used).shown))


def _used(judge: Judge, it: Iteration, events: Sequence[Event]) -> Event | None:
    """Return the first of some events if updates depend on them, or None."""
    trace, afters = judge.trace, [p.after for p in it.parameters]
    if events and trace.spoiled(events, trace.order[it.end], afters):
        return events[0]
    return None
