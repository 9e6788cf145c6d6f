"""Judge a program again with other starting weights, since its own may hide a mistake."""

from dataclasses import replace

import numpy as np

from chainrule.diagnosis.tracing.gradients import Differences, Group, sample
from chainrule.diagnosis.tracing.judging import Judge
from chainrule.diagnosis.tracing.outputs import Iteration
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Array, Change, Event


def redrawn(judge: Judge, seed: int) -> dict[Event, Change]:
    """Return changes that give a program other starting weights, some of them negative."""
    rng = np.random.default_rng(seed)
    trace = judge.trace
    found: dict[Event, Array] = {}
    for p in judge.parameters:
        value = found.setdefault(p.origin, trace.value(p.origin).copy())
        size = min(1.0, 2.0 / np.sqrt(max(p.index.shape, default=1))) if p.index.ndim > 1 else 0.8
        drawn = rng.uniform(0.2, 1.0, p.index.shape) * rng.choice([-1.0, 1.0], p.index.shape)
        value.reshape(-1)[p.index.ravel()] = size * drawn.ravel()
    return {origin: Change(value) for origin, value in found.items()}


def on_other_weights(judge: Judge, seed: int, most: int | None = None) -> Judge | None:
    """Return a judge of the same program that starts with other weights, or None if it fails.

    Parameters
    ----------
    judge : Judge
    seed : int
    most : int or None
        How many numbers of each group are judged; those of the given judge by default.
    """
    trace = judge.trace
    fixed = redrawn(judge, seed)
    first = judge.iterations[0]
    scalars = judge.scalars_of(first)
    wanted = {*trace.order[: first.end + 1], *scalars.values()}
    last = max([trace.order[first.end], *scalars.values()], key=lambda e: trace.at[e])
    made = trace.program.run(fixed, last, wanted)
    if made.error or trace.order[first.end] not in made.values:
        return None
    if any(
        made.values.get(e, np.zeros(0)).shape != trace.base.shapes[e]
        for e in trace.order[: first.end + 1]
        if e in first.depends
    ):
        return None
    other = Trace(trace.program, trace.base, fixed)
    other.own = made.values
    again = Judge(other)
    again.parameters, again.groups = judge.parameters, judge.groups
    if most is not None:
        again.groups = [_sampled(trace, first, g, most) for g in judge.groups]
    again.top, again.scalars, again.computing = judge.top, judge.scalars, judge.computing
    differences = Differences(other, first, scalars)
    again.gradients = None if judge.gradients is None else judge.gradients[:1]
    again.sign, again.skipped = judge.sign, judge.skipped
    again.iterations, again.differences = [first], [differences]
    again.truth = [[Judge.truths(differences, first, g) for g in again.groups]]
    return again


def _sampled(trace: Trace, it: Iteration, group: Group, most: int) -> Group:
    """Return a group with fewer entries if it is one array; single numbers belong together."""
    several = len({e.parameter for e in group.entries}) > 1
    if several or len(group.entries) <= most:
        return group
    return replace(group, entries=sample(trace, it, group.entries, most))
