"""Compares a peer's loss and weights with the reference engine's.

A row that does not agree is void, with the reason; its time would mean nothing.
"""

from typing import NamedTuple

import numpy as np

from benchmarks.workloads import Array, Layers, Workload, flat, moved


class Tolerance(NamedTuple):
    """What counts as the same: relative, of the loss, and of the way that the weights have gone.

    Rounding, amplified from update to update, leaves a hundredth of it; but where it decides
    whether a ReLU fires, Adam makes a whole step of that, so that its weights may differ more while
    their loss is the same. A rate that is off by a hundredth is above this, and a wrong order of
    samples or a wrong gradient far above it, as tests/benchmarks shows.
    """

    loss: float
    weights: float


TOLERANCES = {
    ("float32", "sgd"): Tolerance(1e-5, 1e-3),
    ("float32", "adam"): Tolerance(2e-5, 5e-2),
    ("float64", "sgd"): Tolerance(1e-9, 1e-6),
    ("float64", "adam"): Tolerance(1e-9, 1e-6),
}


def disagreement(
    w: Workload, found: tuple[float, Layers], expected: tuple[float, Layers], start: Layers
) -> str:
    """Return why the results after an epoch are not the same, or nothing."""
    (loss, weights), (expected_loss, expected_weights) = found, expected
    tolerance = TOLERANCES[w.dtype, w.rule]
    types = {array.dtype.name for array in flat(weights)}
    if types != {w.dtype}:
        return f"it computed in {', '.join(sorted(types))}, not {w.dtype}"
    difference = abs(loss - expected_loss) / abs(expected_loss)
    if not difference <= tolerance.loss:
        return f"its loss is {loss:.7g}, not {expected_loss:.7g}"
    away = moved(weights, expected_weights) / moved(expected_weights, start)
    if not away <= tolerance.weights:
        return f"its weights are off by {away:.1e} of the way they have gone"
    return ""


def prediction_disagreement(found: Array, expected: Array) -> str:
    """Return why predictions are not the same, or nothing."""
    rows = np.asarray(found).reshape(expected.shape)
    difference = float(np.abs(rows - expected).max())
    return (
        ""
        if difference <= 1e-5 * max(1.0, float(np.abs(expected).max()))
        else (f"its predictions are off by {difference:.1e}")
    )
