# pyright: strict
"""The outputs of a run that went on long enough: one class for all, or one value for all.

Before, every network looks like that; an untrained one is not judged.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.case import Case
from chainrule.health.findings import Finding
from chainrule.health.words import number, percent

Array: TypeAlias = NDArray[Any]

# Share of the best constant's error that must be left: where one class is by far the largest, a
# network that says nothing else may still have learned how sure to be.
LEFT = 0.9
# Standard deviation of the outputs over that of the targets: even weak inputs, which explain 1 % of
# the variance, move them by a tenth.
STILL = 0.01


def one_class(case: Case) -> Iterator[Finding]:
    """Find that all samples are given the same class, while the data have several."""
    t = case.batch.t
    if not (case.trained and case.left >= LEFT and yes_or_no(t)):
        return
    said, right = classes(case.trace.p), classes(t)
    if np.ptp(said) == 0 and np.ptp(right) > 0:
        met: Array = right == said[0]  # (n,)
        label = case.names.label(int(said[0]))
        sentence = (
            f"output: class {label} for all {len(t):,} samples, which is right for "
            f"{percent(float(met.mean()))}; {len(np.unique(right))} classes are in the data, and "
            f"{percent(case.left)} of the error of the best constant prediction is left, the limit "
            f"is {percent(LEFT)}"
        )
        remedy = "where one class is by far the largest, give the samples of the others more weight"
        yield Finding("one-class", None, sentence, case.left, LEFT, remedy)


def yes_or_no(t: Array) -> bool:
    """Tell whether targets are classes: zeros and ones, one 1 in every row of several."""
    zeros_and_ones = bool(np.all((t == 0) | (t == 1)))
    return zeros_and_ones and (t.shape[1] == 1 or bool(np.all(t.sum(axis=1) == 1)))


def classes(p: Array) -> Array:
    """Return class numbers, (n,), of outputs or targets (n, outputs)."""
    return np.argmax(p, axis=1) if p.shape[1] > 1 else (p[:, 0] > 0.5).astype(int)


def one_value(case: Case) -> Iterator[Finding]:
    """Find that all samples are given the same value, while the targets differ."""
    t, p = case.batch.t, case.trace.p
    spread = float(np.sqrt(np.sum(t.var(axis=0))))
    if not (case.trained and case.left >= LEFT and spread > 0) or yes_or_no(t):
        return
    moved = float(np.sqrt(np.sum(p.var(axis=0)))) / spread
    if moved < STILL:
        sentence = (
            "output: nearly the same for all samples, its standard deviation is "
            f"{number(moved)} times that of the targets, the limit is {STILL}"
        )
        remedy = "bring inputs and targets to mean 0 and deviation 1, and train longer"
        yield Finding("constant-output", None, sentence, moved, STILL, remedy)
