# pyright: strict
"""Examinations of a trained network's outputs: one class, or one value, for all samples.

They apply after enough updates: every untrained network has nearly constant outputs.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.findings import Finding
from chainrule.health.formatting import format_number, format_percent
from chainrule.health.snapshot import RunSnapshot

Array: TypeAlias = NDArray[Any]

# Share of the constant prediction's error that must be left: if one class is by far the largest, a
# network that always predicts it may still have learned its probability.
MIN_ERROR_LEFT = 0.9
# Standard deviation of the outputs over that of the targets: even weak inputs, which explain 1% of
# the variance, give a tenth.
MIN_SPREAD = 0.01


def one_class(run: RunSnapshot) -> Iterator[Finding]:
    """Find that all samples get the same class, while the data have several."""
    t = run.batch.t
    if not (run.trained and run.left >= MIN_ERROR_LEFT and are_classes(t)):
        return
    predicted, true = class_numbers(run.trace.p), class_numbers(t)
    if np.ptp(predicted) == 0 and np.ptp(true) > 0:
        correct: Array = true == predicted[0]  # (n,)
        label = run.names.label(int(predicted[0]))
        sentence = (
            f"output: class {label} for all {len(t):,} samples, which is correct for "
            f"{format_percent(float(correct.mean()))}; the data have {len(np.unique(true))} "
            f"classes, and {format_percent(run.left)} of the error of the best constant prediction "
            f"is left (limit: {format_percent(MIN_ERROR_LEFT)})"
        )
        remedy = "if one class is by far the largest, increase the sample weights of the others"
        yield Finding("one-class", None, sentence, run.left, MIN_ERROR_LEFT, remedy)


def are_classes(t: Array) -> bool:
    """Return whether targets are classes: zeros and ones, with a single 1 in rows of several."""
    zeros_and_ones = bool(np.all((t == 0) | (t == 1)))
    return zeros_and_ones and (t.shape[1] == 1 or bool(np.all(t.sum(axis=1) == 1)))


def class_numbers(p: Array) -> Array:
    """Return class numbers, (n,), of outputs or targets (n, outputs)."""
    return np.argmax(p, axis=1) if p.shape[1] > 1 else (p[:, 0] > 0.5).astype(int)


def one_value(run: RunSnapshot) -> Iterator[Finding]:
    """Find that all samples get nearly the same value, while the targets differ."""
    t, p = run.batch.t, run.trace.p
    spread = float(np.sqrt(np.sum(t.var(axis=0))))
    if not (run.trained and run.left >= MIN_ERROR_LEFT and spread > 0) or are_classes(t):
        return
    ratio = float(np.sqrt(np.sum(p.var(axis=0)))) / spread
    if ratio < MIN_SPREAD:
        sentence = (
            "output: nearly the same for all samples; its standard deviation is "
            f"{format_number(ratio)} times that of the targets (minimum: {MIN_SPREAD})"
        )
        remedy = "scale inputs and targets to mean 0 and standard deviation 1, and train for longer"
        yield Finding("constant-output", None, sentence, ratio, MIN_SPREAD, remedy)
