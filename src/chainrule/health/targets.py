# pyright: strict
"""Examinations of the targets: out of the output's range, equal, or unrelated to the inputs."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.health.bounds import nearest_output
from chainrule.health.column_statistics import products_of_rows, root_mean_squares
from chainrule.health.findings import Finding
from chainrule.health.formatting import format_number, format_percent, layer_name
from chainrule.health.snapshot import RunSnapshot
from chainrule.layers import ActivationLayer, Dense
from chainrule.sparse_samples import SparseSamples

Array: TypeAlias = NDArray[Any]

# Share of the constant prediction's error that even the best outputs within range leave: more than
# a solved problem has left. A few targets beyond the range, or 0 and 1 with a logistic output, stay
# far below.
MAX_UNREACHABLE = 0.1
# Mean squared distance between the targets of nearest neighbors, over that of any two samples: 1 if
# targets are unrelated to inputs. Noisy real data have about 0.5 (diabetes); above 1 there is a
# pattern, such as parity.
UNRELATED, OPPOSITE = 0.9, 1.1
# … and the uncertainty must not reach down to the ratio of weakly related inputs: too few samples
# of a rare class are seen to decide.
RELATED = 0.8
# Samples: enough to know the ratio within a few percent, and few enough to be fast.
MIN_SAMPLES, MAX_SAMPLES = 200, 1000
# Root mean square of targets: outputs begin at about 1, so that it takes many updates to reach 100,
# and the gradients of a squared error are in proportion. Only a run without progress has this
# finding: of runs with 22 to 100, some learn as well as with 1.
MAX_RMS, MIN_RMS = 10.0, 1e-3
MIN_EQUAL = 10  # samples; fewer may have equal targets by chance
NEAR, FAR = 40.0, 1e9  # a bounded activation is at its bounds there
UNBOUNDED = 1e6  # an output above this at FAR has no bound


def targets_out_of_reach(run: RunSnapshot) -> Iterator[Finding]:
    """Find targets far outside the range of the output layer's activation."""
    network, layer = run.network, run.network.layers[-1]
    share = unreachable_share(run)
    if share > MAX_UNREACHABLE and isinstance(layer, Dense | ActivationLayer):
        ends = np.array(output_range(layer.activation))
        o = nearest_output(network.loss, run.batch.t, *ends)  # (n, outputs)
        p = network.loss.predict(o) if network.loss.owns_link else ends
        yield out_of_reach(run, layer.activation, p, share)


def unreachable_share(run: RunSnapshot) -> float:
    """Return the share of the constant prediction's error that the best outputs in range leave."""
    network, t, known = run.network, run.batch.t, run.bounds
    layer = network.layers[-1]
    if known is None or not isinstance(layer, Dense | ActivationLayer):
        return 0.0
    o = nearest_output(network.loss, t, *output_range(layer.activation))  # (n, outputs)
    best = float(network.loss.value(o, t, run.batch.weight))
    return (best - known.least) / (known.constant - known.least)


def out_of_reach(run: RunSnapshot, activation: Activation, p: Array, share: float) -> Finding:
    """Return the finding that compares the range of predictions with that of the targets."""
    loss, label, t = run.network.loss, run.network.labels[-1], run.batch.t
    sentence = (
        f"{layer_name(label)}: with a {activation.name} output, predictions are between "
        f"{format_number(p.min())} and {format_number(p.max())}, but the targets between "
        f"{format_number(t.min())} and {format_number(t.max())}, so that {format_percent(share)} "
        "of the error of the best constant prediction must remain (limit: "
        f"{format_percent(MAX_UNREACHABLE)})"
    )
    remedy = (
        f"use output='identity', since {loss.name} applies its own link function"
        if loss.owns_link
        else "scale the targets into that range, or use output='identity'"
    )
    return Finding("targets-out-of-reach", label, sentence, share, MAX_UNREACHABLE, remedy)


def output_range(activation: Activation) -> tuple[float, float]:
    """Return the bounds of an activation, infinite if it has none."""
    inside = activation(np.linspace(-NEAR, NEAR, 801))
    ends = activation(np.array([-FAR, FAR]))
    low = -np.inf if not ends.min() > -UNBOUNDED else min(inside.min(), ends.min())
    high = np.inf if not ends.max() < UNBOUNDED else max(inside.max(), ends.max())
    return float(low), float(high)


def targets_alike(run: RunSnapshot) -> Iterator[Finding]:
    """Report that all targets are equal."""
    t = run.batch.t
    if len(t) >= MIN_EQUAL and not np.ptp(t, axis=0).any():
        sentence = f"targets: 1 distinct value among {len(t):,} samples (minimum: 2)"
        remedy = "check how y was made; with one class, or one value, there is nothing to learn"
        yield Finding("targets-alike", None, sentence, 1.0, 2.0, remedy)


def targets_not_scaled(run: RunSnapshot) -> Iterator[Finding]:
    """Find, in a run that is stuck or diverged, targets of a scale unlike that of first outputs."""
    if run.network.loss.owns_link or not (run.stuck or run.diverged):
        return
    size = float(root_mean_squares(run.batch.t).max())
    if size > MAX_RMS or size < MIN_RMS:
        limit, kind = (MAX_RMS, "limit") if size > MAX_RMS else (MIN_RMS, "minimum")
        sentence = (
            f"targets: their root mean square is {format_number(size)} ({kind}: "
            f"{format_number(limit)}), while the outputs of a new network are about 1"
        )
        remedy = (
            "standardize them: subtract the mean and divide by the standard deviation, as "
            "scikit-learn's TransformedTargetRegressor does with a StandardScaler"
        )
        yield Finding("targets-not-scaled", None, sentence, size, limit, remedy)


def targets_unrelated(run: RunSnapshot) -> Iterator[Finding]:
    """Find, in a stuck run, that similar samples have unrelated targets."""
    if not run.stuck or len(run.batch.x) < MIN_SAMPLES:
        return
    ratio, error = neighbor_ratio(run.batch.x[:MAX_SAMPLES], run.batch.t[:MAX_SAMPLES])
    if UNRELATED < ratio < OPPOSITE and ratio - error > RELATED:
        sentence = (
            "targets: those of nearest neighbors among the samples differ as much as those of any "
            f"two samples (ratio of mean squares: {format_number(ratio)} ± {format_number(error)}, "
            f"limit: {format_number(UNRELATED)})"
        )
        remedy = "check that the rows of X and y belong together, and that both are shuffled alike"
        yield Finding("targets-unrelated", None, sentence, ratio, UNRELATED, remedy)


def neighbor_ratio(x: Array | SparseSamples, t: Array) -> tuple[float, float]:
    """Return how much targets of nearest neighbors differ, relative to any two samples.

    Returns
    -------
    ratio, error : float
        The ratio of the mean squared distances, and twice its standard error.
    """
    products = products_of_rows(x)  # (n, n)
    squares = products.diagonal()  # (n,)
    distance = squares[:, None] + squares - 2 * products  # (n, n)
    np.fill_diagonal(distance, np.inf)
    nearest = np.argmin(distance, axis=1)  # (n,)
    between = np.sum((t - t[nearest]) ** 2, axis=1)  # (n,)
    any_two = 2 * np.sum(t.var(axis=0))
    error = 2 * between.std() / np.sqrt(len(t))
    return float(between.mean() / any_two), float(error / any_two)
