"""The metrics of a training run, `accuracy` and `r2`, and their names; more is better."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.elementwise import where
from chainrule.names import canonical

Array: TypeAlias = NDArray[Any]
Metric: TypeAlias = Callable[[Array, Array], float]


def accuracy(p: Array, t: Array) -> float:
    """Return the fraction of samples that are predicted correctly.

    If every row of targets sums to 1, the largest output is the predicted class. Otherwise each
    output predicts yes (above ½) or no, and all outputs of a sample must be correct.
    """
    if p.shape[1] > 1 and np.allclose(np.sum(t, axis=1), 1, atol=1e-5):
        right: Array = np.argmax(p, axis=1) == np.argmax(t, axis=1)  # (n,)
    else:
        right = np.all((p > 0.5) == (t > 0.5), axis=1)  # (n,)
    return float(right.mean())


def r2(p: Array, t: Array) -> float:
    """Return 1 − Σ(t − p)² / Σ(t − mean t)², the mean over outputs.

    An output whose targets are all equal counts 1 if all are predicted exactly, else 0, as in
    scikit-learn.
    """
    spread = np.sum((t - t.mean(axis=0)) ** 2, axis=0)  # (k,)
    missed = np.sum((t - p) ** 2, axis=0)  # (k,)
    share = where(spread > 0, 1 - missed / where(spread > 0, spread, 1.0), missed == 0)  # (k,)
    return float(share.mean())


METRICS: dict[str, Metric] = {"accuracy": accuracy, "r2": r2}


def choose_metric(choice: str | Metric | None) -> Metric | None:
    """Return the metric of that name, or the given function."""
    return (
        choice
        if choice is None or callable(choice)
        else METRICS[canonical("metric", choice, METRICS)]
    )
