"""Find numbers that a program trains, and that were not judged."""

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.diagnosis.tracing.comparing import EQUAL, ratio
from chainrule.diagnosis.tracing.judging import Judge
from chainrule.diagnosis.tracing.outputs import Iteration, other_parameters, target_changes
from chainrule.diagnosis.tracing.parameters import READ
from chainrule.submission import Array, Event


def also_trained(judge: Judge) -> str:
    """Return the name of a number that is trained but was not judged, or an empty string.

    Such a number depends on the targets of the iteration before, the outputs depend on it, and it
    does not follow from the parameters that were judged.
    """
    if len(judge.iterations) < 2:
        return ""
    first, second = judge.iterations[:2]
    found = _changed_by_training(judge, first, second)
    outputs = [p.output for p in second.pairs]
    until = max(outputs, key=lambda e: judge.trace.at[e])
    for event in reversed({e.code: e for e in found}.values()):  # what is read last
        if judge.trace.spoiled([event], until, outputs):
            return judge.trace.place(event).shown
    return ""


def _changed_by_training(judge: Judge, first: Iteration, second: Iteration) -> list[Event]:
    """Return what a forward pass reads that depends on earlier targets, by no known parameter."""
    trace = judge.trace
    start = min((p.error for p in second.pairs), key=lambda e: trace.at[e])
    moved = trace.changed(target_changes(trace, first, first.pairs), start)
    moved -= trace.changed(other_parameters(trace, second), start)  # such as a mask of relu
    read = [
        e
        for e in trace.order[second.begin : trace.at[start]]
        if e in moved and e not in second.depends and trace.place(e).kind in READ
    ]
    steps = [*_steps(judge, first, second)]
    last = {code for code in {e.code for e in read} if _are_last_steps(judge, code, read, steps)}
    return [e for e in read if e.code not in last and not _is_last_step(judge, e, steps)]


def _steps(judge: Judge, first: Iteration, second: Iteration) -> Iterator[Array]:
    """Yield the last step of each parameter."""
    for p, q in zip(first.parameters, second.parameters, strict=False):
        before, new = judge.trace.value(p.before), judge.trace.value(q.before)
        if new.shape == before.shape:
            yield (new - before).ravel()


def _is_last_step(judge: Judge, event: Event, steps: Sequence[Array]) -> bool:
    """Return whether some numbers are a multiple of a parameter's last step, as a velocity is."""
    if not judge.trace.has(event) or judge.trace.size(event) == 1:  # any multiple fits one number
        return False
    numbers = judge.trace.value(event).ravel()
    return any(numbers.shape == s.shape and bool(ratio(numbers, s)) for s in steps)


def _are_last_steps(
    judge: Judge, code: int, events: Sequence[Event], steps: Sequence[Array]
) -> bool:
    """Return whether the single numbers of a place are the same multiple of last steps."""
    trace = judge.trace
    own = [e for e in events if e.code == code]
    if any(not trace.has(e) or trace.size(e) > 1 for e in own):
        return False
    numbers = np.array([float(trace.value(e).ravel()[0]) for e in own])
    single = np.array([float(s[0]) for s in steps if len(s) == 1 and s[0]])
    for c in numbers[0] / single:
        off = np.abs(numbers[:, None] - c * single[None, :]).min(axis=1)
        if np.all(off <= EQUAL * np.abs(numbers)):
            return True
    return False
