# pyright: strict
"""Examinations of the loss: not finite, increasing, or stuck at that of a constant prediction.

They use the records and the present loss; other examinations look for the reasons.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.findings import Finding
from chainrule.health.formatting import format_number, format_percent, layer_name, pluralize
from chainrule.health.snapshot import DIVERGENCE_RATIO, STUCK, RunSnapshot
from chainrule.loops import first_nonfinite
from chainrule.optimizers import Adam, AdamW, Optimizer
from chainrule.schedules import rate_at

Array: TypeAlias = NDArray[Any]

MAX_FINITE = float(np.finfo(np.float64).max)
# Share of the constant prediction's error by which the second half of the records must lower the
# loss: a run that still learns is slow, not stuck.
MIN_CHANGE = 0.01


def not_finite(run: RunSnapshot) -> Iterator[Finding]:
    """Find a NaN or infinity in the parameters, in one of the passes, or in the records."""
    bad = [b for b in run.network.layout.blocks if not np.isfinite(b.view(run.theta)).all()]
    losses = np.array([record.loss for record in run.history])
    if bad:
        count = int(np.sum(~np.isfinite(run.theta)))
        label = run.network.labels[bad[0].layer]
        sentence = (
            f"{layer_name(label)}: {bad[0].name} is not finite; {count} of {len(run.theta):,} "
            "parameters are NaN or infinite (limit: 0)"
        )
        remedy = f"start again and {stabilize(run)}"
        yield Finding("not-finite", label, sentence, float(count), 0.0, remedy)
    elif not run.finite:
        loss, place = float(run.trace.value), first_nonfinite(run.network, run.trace)
        n = len(run.batch.x)
        sentence = f"loss: {format_number(loss)} on {n:,} samples; first not finite at {place}"
        yield Finding("not-finite", None, sentence, loss, MAX_FINITE, stabilize(run))
    elif not np.isfinite(losses).all():
        first = run.history[int(np.argmin(np.isfinite(losses)))]
        sentence = f"loss: {format_number(first.loss)} at epoch {first.epoch}; it must be finite"
        yield Finding("not-finite", None, sentence, first.loss, MAX_FINITE, stabilize(run))


def stabilize(run: RunSnapshot) -> str:
    """Return the remedy for numbers that grow without bound, with a learning rate to try."""
    rate = rate_at(run.optimizer.learning_rate, 1) if isinstance(run.optimizer, Optimizer) else 0.0
    lower = f" to {format_number(rate / 10)}" if rate else ""
    return f"lower the learning rate{lower}, or clip gradients (clip=ClipNorm(1.0))"


def diverging_loss(run: RunSnapshot) -> Iterator[Finding]:
    """Find that the loss ends far above its first record."""
    ratio = 1 - run.decrease
    if ratio > DIVERGENCE_RATIO:
        first, last = run.history[0], run.history[-1]
        sentence = (
            f"loss: {format_number(first.loss)} at epoch {first.epoch}, {format_number(last.loss)} "
            f"at epoch {last.epoch}; relative to the least possible loss, that is "
            f"{format_number(ratio)} times as much (limit: {format_number(DIVERGENCE_RATIO)})"
        )
        yield Finding("diverging-loss", None, sentence, ratio, DIVERGENCE_RATIO, stabilize(run))


def stuck_loss(run: RunSnapshot) -> Iterator[Finding]:
    """Find a run that is no better than a constant prediction, and no longer improves."""
    known = run.bounds
    if known is None or not run.stuck:
        return
    half = run.excess[(len(run.excess) - 1) // 2 :]  # (records,), the second half
    if len(half) > 1 and half[0] - half[-1] < MIN_CHANGE * (known.constant - known.least):
        updates = pluralize(run.history[-1].step, "update")
        sentence = (
            f"loss: {format_number(float(run.trace.data_loss))} after {updates}, without any "
            f"penalty; the best constant prediction has {format_number(known.constant)}, so that "
            f"{format_percent(run.left)} of its error is left (limit: {format_percent(STUCK)})"
        )
        other = run.optimizer is not None and not isinstance(run.optimizer, Adam | AdamW)
        remedy = (
            f"check that the rows of X and y belong together{', or try the adam optimizer' * other}"
        )
        yield Finding("stuck-loss", None, sentence, run.left, STUCK, remedy)
