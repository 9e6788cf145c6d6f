"""Compare the decay in the updates with the penalty of a cost that is only computed now and then.

Many a program computes its cost after an epoch, over all its data. Which loss that is is not known,
but a sum of squares of all weights that is added to it is a penalty.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chainrule.diagnosis.tracing.comparing import same_factor
from chainrule.diagnosis.tracing.judging import Judge
from chainrule.diagnosis.tracing.reporting import Verdict, shown_in
from chainrule.submission import Change, Event, Source

CLOSE = 1e-6  # relative, of a sum of squares after some weights have changed
BEFORE = 60  # events before a cost, among which the outputs of all its samples are
MOST_SUMS = 20
OTHER = (
    "the updates have {:.6g} · {} as the derivative of a penalty, and {} has one with the "
    "derivative {:.6g} · {}; if that is the loss that they should reduce, they are wrong, and else "
    "right"
)


@dataclass(frozen=True)
class LatePenalty:
    """A penalty on the weights in a number that is computed after some updates.

    Parameters
    ----------
    event : Event
        The penalty.
    derivative : float
        By what the weights are multiplied in its derivative.
    sizes : set of float
        How many times as large as the outputs of an update the arrays are that it is computed with.
    """

    event: Event
    derivative: float
    sizes: set[float]


def with_other_late_penalty(verdict: Verdict, source: Source) -> str:
    """Return that updates decay otherwise than a cost says that is computed after an epoch.

    The derivative may be that of a penalty that is divided by the number of samples, which differs
    between all data and a batch.
    """
    judge, rule = verdict.judge, verdict.rule
    decay = rule.constants.get("decay") if rule is not None else None
    if rule is None or not decay or "decay" not in rule.rule.equations.get("g", ""):
        return ""
    found = next(_late_penalties(judge), None)
    if found is None:
        return ""
    # as the program writes its gradients, and as those of a mean over its samples
    counts = judge.trace.value(judge.iterations[0].pairs[0].output).shape
    taken = [decay, *(decay / (rule.share * n) for n in counts)]
    if any(same_factor(one, found.derivative * c) for one in taken for c in found.sizes):
        return ""
    name = next(g.name for g in judge.groups if np.any(judge.old_values(0, judge.groups.index(g))))
    shown = shown_in(judge, found.event, source)
    return OTHER.format(decay, name, shown, found.derivative, name)


def _late_penalties(judge: Judge) -> Iterator[LatePenalty]:
    """Yield the penalties that are added to something after the iterations that are judged."""
    trace = judge.trace
    after = {e.code: e for e in reversed(trace.order[judge.iterations[-1].end :])}
    added = [e for e in after.values() if trace.place(e).op == "Add" and _is_number(judge, e)]
    for event in added[:MOST_SUMS]:
        parts = [Event(code, event.turn) for code in trace.place(event).parts]
        if not all(_is_number(judge, e) for e in parts):
            continue
        found = [(part, _squares(judge, part)) for part in parts]
        known = [(part, c) for part, c in found if c is not None]
        if len(known) == 1:  # else both are parts of a penalty
            yield LatePenalty(known[0][0], 2 * known[0][1], _sizes(judge, event))


def _is_number(judge: Judge, event: Event) -> bool:
    """Return whether an event was recorded, with one number."""
    return event in judge.trace.at and judge.trace.has(event) and judge.trace.size(event) == 1


def _squares(judge: Judge, part: Event) -> float | None:
    """Return c if a number is c times the sum of the squares of some parameters, else None."""
    trace, value = judge.trace, float(judge.trace.value(part).reshape(-1)[0])
    present = [e for e in _present(judge, part) if np.any(trace.value(e))]
    changes = [{e: Change(0.1 * trace.value(e), add=True)} for e in present]
    rises: list[float] = []
    squares: list[float] = []
    for e, run in zip(present, trace.run_all(changes, part, [part]), strict=True):
        after = run.values.get(part)
        if after is not None and float(after.reshape(-1)[0]) != value:
            rises.append(float(after.reshape(-1)[0]) - value)
            squares.append(float(np.sum(trace.value(e) ** 2)))
    c = value / sum(squares) if squares else 0.0
    expected = [(1.1**2 - 1) * c * total for total in squares]
    return c if c > 0 and np.allclose(rises, expected, rtol=CLOSE, atol=0) else None


def _present(judge: Judge, event: Event) -> list[Event]:
    """Return the parameters' last values before an event."""
    trace = judge.trace
    found: list[Event] = []
    for p in judge.iterations[0].parameters:
        turns = range(p.after.turn, trace.count[p.after.code], max(p.update.every, 1))
        made = [Event(p.after.code, turn) for turn in turns]
        before = [e for e in made if trace.at[e] < trace.at[event] and trace.has(e)]
        found += before[-1:]
    return found


def _sizes(judge: Judge, event: Event) -> set[float]:
    """Return how many times as large as an output of an update the arrays before an event are."""
    trace, output = judge.trace, judge.iterations[0].pairs[0].output
    before = trace.order[max(0, trace.at[event] - BEFORE) : trace.at[event]]
    return {1.0, *(trace.size(e) / trace.size(output) for e in before)}
