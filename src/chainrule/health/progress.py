# pyright: strict
"""How the loss goes: not finite, rising, or stuck at what a constant prediction has.

Records and the loss now are all that is looked at; why it is so, the others may find.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.case import DIVERGED, STUCK, Case
from chainrule.health.findings import Finding
from chainrule.health.words import counted, named, number, percent
from chainrule.loops import first_nonfinite
from chainrule.optimizers import Adam, AdamW, Optimizer
from chainrule.schedules import rate_at

Array: TypeAlias = NDArray[Any]

LARGEST = float(np.finfo(np.float64).max)  # beyond it there is infinity
# Of the best constant's error, in the second half of the records: who is still learning is slow,
# and not stuck.
MOVED = 0.01


def not_finite(case: Case) -> Iterator[Finding]:
    """Find a NaN or infinity in the parameters, in both passes or in the records."""
    bad = [b for b in case.network.layout.blocks if not np.isfinite(b.view(case.theta)).all()]
    losses = np.array([record.loss for record in case.history])
    if bad:
        count = int(np.sum(~np.isfinite(case.theta)))
        label = case.network.labels[bad[0].layer]
        sentence = (
            f"{named(label)}: {bad[0].name} is not finite; {count} of {len(case.theta):,} "
            "parameters are NaN or infinite, none may be"
        )
        remedy = f"begin anew and {calmer(case)}"
        yield Finding("not-finite", label, sentence, float(count), 0.0, remedy)
    elif not case.finite:
        loss, place = float(case.trace.value), first_nonfinite(case.network, case.trace)
        n = len(case.batch.x)
        sentence = f"loss: {number(loss)} on {n:,} samples; first not finite at {place}"
        yield Finding("not-finite", None, sentence, loss, LARGEST, calmer(case))
    elif not np.isfinite(losses).all():
        first = case.history[int(np.argmin(np.isfinite(losses)))]
        sentence = f"loss: {number(first.loss)} at epoch {first.epoch}, it must be finite"
        yield Finding("not-finite", None, sentence, first.loss, LARGEST, calmer(case))


def calmer(case: Case) -> str:
    """Return how to keep numbers finite; the rate to try if there is one now."""
    rate = (
        rate_at(case.optimizer.learning_rate, 1) if isinstance(case.optimizer, Optimizer) else 0.0
    )
    lower = f" to {number(rate / 10)}" if rate else ""
    return f"lower the learning rate{lower}, or clip gradients (clip=ClipNorm(1.0))"


def diverging_loss(case: Case) -> Iterator[Finding]:
    """Find that the loss ends far above where it began."""
    ratio = 1 - case.fallen
    if ratio > DIVERGED:
        first, last = case.history[0], case.history[-1]
        sentence = (
            f"loss: {number(first.loss)} at epoch {first.epoch}, {number(last.loss)} at epoch "
            f"{last.epoch}; above the least there can be, that is {number(ratio)} times as much, "
            f"the limit is {number(DIVERGED)}"
        )
        yield Finding("diverging-loss", None, sentence, ratio, DIVERGED, calmer(case))


def stuck_loss(case: Case) -> Iterator[Finding]:
    """Find a run that is no better than a constant, and no longer moves."""
    known = case.bounds
    if known is None or not case.stuck:
        return
    half = case.excess[(len(case.excess) - 1) // 2 :]  # (records,), the second half
    if len(half) > 1 and half[0] - half[-1] < MOVED * (known.constant - known.least):
        updates = counted(case.history[-1].step, "update")
        sentence = (
            f"loss: {number(float(case.trace.data_loss))} after {updates}, "
            f"any penalty left out; the best constant prediction has {number(known.constant)}, so "
            f"that {percent(case.left)} of its error is left, the limit is {percent(STUCK)}"
        )
        other = case.optimizer is not None and not isinstance(case.optimizer, Adam | AdamW)
        remedy = f"see that the rows of X and y belong together{', or try adam' * other}"
        yield Finding("stuck-loss", None, sentence, case.left, STUCK, remedy)
