"""Find numbers that a program trains, and that were not judged."""

from chainrule.diagnosis.tracing.comparing import ratio
from chainrule.diagnosis.tracing.judging import Judge
from chainrule.diagnosis.tracing.outputs import Iteration, other_parameters, target_changes
from chainrule.diagnosis.tracing.parameters import READ
from chainrule.submission import Event


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
    return [
        e
        for e in trace.order[second.begin : trace.at[start]]
        if e in moved
        and e not in second.depends
        and trace.place(e).kind in READ
        and not _is_last_step(judge, first, second, e)
    ]


def _is_last_step(judge: Judge, first: Iteration, second: Iteration, event: Event) -> bool:
    """Return whether numbers are a multiple of a parameter's last step, as a velocity is."""
    trace = judge.trace
    if not trace.has(event):
        return False
    numbers = trace.value(event).ravel()
    both = zip(first.parameters, second.parameters, strict=False)
    old = ((trace.value(p.before), trace.value(q.before)) for p, q in both)
    steps = ((new - before).ravel() for before, new in old if new.shape == before.shape)
    return any(numbers.shape == s.shape and bool(ratio(numbers, s)) for s in steps)
