# pyright: strict
"""The targets: out of the output's reach, all alike, or with nothing to do with the inputs.

Whether a target is in the loss's domain was checked when it was handed in.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.health.bounds import nearest_output
from chainrule.health.case import Case, sizes_of
from chainrule.health.findings import Finding
from chainrule.health.words import named, number, percent
from chainrule.layers import ActivationLayer, Dense

Array: TypeAlias = NDArray[Any]

# Share of the best constant's error that even the best outputs within reach leave: above what a
# solved problem has left. A few targets beyond the edge, or 0 and 1 under a logistic output, stay
# far below.
OUT_OF_REACH = 0.1
# Squared distance between the targets of nearest neighbors, over that of any two samples: 1 where
# targets have nothing to do with inputs. On real data of much noise it is about 0.5 (diabetes);
# beyond 1 it is a pattern of its own, as parity has.
UNRELATED, OPPOSITE = 0.9, 1.1
# … and chance must not reach down to what weak inputs make of it: of a rare class, too few
# samples are seen to tell.
RELATED = 0.8
# Samples, so that the ratio is known within a few per cent, and it does not take long.
LEAST, MOST = 200, 1000
# Root mean square of targets: outputs begin within about 1, so that it is a long way to 100, and
# gradients of a squared error are in proportion. Only a run that got nowhere is told so: of runs
# with 22 to 100, some learn as well as with 1.
LARGEST, SMALLEST = 10.0, 1e-3
SEVERAL = 10  # samples, before targets that are all alike are remarkable
NEAR, BEYOND = 40.0, 1e9  # where an activation that has bounds is at them, or else is far beyond
ENDLESS = 1e6  # what is larger there has no bound


def targets_out_of_reach(case: Case) -> Iterator[Finding]:
    """Find targets that the output layer's activation cannot come near."""
    network, layer = case.network, case.network.layers[-1]
    share = remains(case)
    if share > OUT_OF_REACH and isinstance(layer, Dense | ActivationLayer):
        ends = np.array(reach(layer.activation))
        o = nearest_output(network.loss, case.batch.t, *ends)  # (n, outputs)
        p = network.loss.predict(o) if network.loss.owns_link else ends
        yield out_of_reach(case, layer.activation, p, share)


def remains(case: Case) -> float:
    """Return the share of the best constant's error that the best outputs within reach leave."""
    network, t, known = case.network, case.batch.t, case.bounds
    layer = network.layers[-1]
    if known is None or not isinstance(layer, Dense | ActivationLayer):
        return 0.0
    o = nearest_output(network.loss, t, *reach(layer.activation))  # (n, outputs)
    best = float(network.loss.value(o, t, case.batch.weight))
    return (best - known.least) / (known.constant - known.least)


def out_of_reach(case: Case, f: Activation, p: Array, share: float) -> Finding:
    """Return the finding, with the range of predictions beside that of the targets."""
    loss, label, t = case.network.loss, case.network.labels[-1], case.batch.t
    sentence = (
        f"{named(label)}: with its {f.name} output, predictions lie between "
        f"{number(p.min())} and {number(p.max())}, the targets between {number(t.min())} and "
        f"{number(t.max())}; so {percent(share)} of the error of the best constant prediction must "
        f"remain, the limit is {percent(OUT_OF_REACH)}"
    )
    remedy = (
        f"take output='identity', since {loss.name} has a link of its own"
        if loss.owns_link
        else "scale the targets into that range, or take output='identity'"
    )
    return Finding("targets-out-of-reach", label, sentence, share, OUT_OF_REACH, remedy)


def reach(f: Activation) -> tuple[float, float]:
    """Return the bounds of an activation, infinite where it has none."""
    inside, ends = f(np.linspace(-NEAR, NEAR, 801)), f(np.array([-BEYOND, BEYOND]))
    low = -np.inf if not ends.min() > -ENDLESS else min(inside.min(), ends.min())
    high = np.inf if not ends.max() < ENDLESS else max(inside.max(), ends.max())
    return float(low), float(high)


def targets_alike(case: Case) -> Iterator[Finding]:
    """Find that there is nothing to tell apart."""
    t = case.batch.t
    if len(t) >= SEVERAL and not np.ptp(t, axis=0).any():
        sentence = f"targets: 1 for all {len(t):,} samples, there must be at least 2 different ones"
        remedy = "look at how y was made; with one class, or one value, there is nothing to learn"
        yield Finding("targets-alike", None, sentence, 1.0, 2.0, remedy)


def targets_not_scaled(case: Case) -> Iterator[Finding]:
    """Find, in a run that is stuck or diverged, targets far from the size of first outputs."""
    if case.network.loss.owns_link or not (case.stuck or case.lost):
        return
    size = float(sizes_of(case.batch.t).max())
    if size > LARGEST or size < SMALLEST:
        limit = LARGEST if size > LARGEST else SMALLEST
        sentence = (
            f"targets: their root mean square is {number(size)}, the limit is {number(limit)}, for "
            "outputs begin within about 1"
        )
        remedy = (
            "standardize them: take off the mean and divide by the deviation, as scikit-learn's "
            "TransformedTargetRegressor does with a StandardScaler"
        )
        yield Finding("targets-not-scaled", None, sentence, size, limit, remedy)


def targets_unrelated(case: Case) -> Iterator[Finding]:
    """Find, in a run that is stuck, that samples which are alike differ in their targets."""
    if not case.stuck or len(case.batch.x) < LEAST:
        return
    ratio, error = neighbors(case.batch.x[:MOST], case.batch.t[:MOST])
    if UNRELATED < ratio < OPPOSITE and ratio - error > RELATED:
        sentence = (
            "targets: those of nearest neighbors among the samples differ as much as those of any "
            f"two samples (ratio of mean squares {number(ratio)} ± {number(error)}, the limit is "
            f"{number(UNRELATED)})"
        )
        remedy = (
            "see that the rows of X and y belong together, and not only one of them is shuffled"
        )
        yield Finding("targets-unrelated", None, sentence, ratio, UNRELATED, remedy)


def neighbors(x: Array, t: Array) -> tuple[float, float]:
    """Return how much targets of nearest neighbors differ, beside those of any two samples.

    Returns
    -------
    ratio, error : float
        Of the mean squared distances, and twice its standard error.
    """
    deviation = x.std(axis=0)  # (inputs,)
    x = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)  # (n, inputs)
    squares = np.sum(x * x, axis=1)  # (n,)
    distance = squares[:, None] + squares - 2 * x @ x.T  # (n, n)
    np.fill_diagonal(distance, np.inf)
    nearest = np.argmin(distance, axis=1)  # (n,)
    between = np.sum((t - t[nearest]) ** 2, axis=1)  # (n,)
    apart = 2 * np.sum(t.var(axis=0))
    error = 2 * between.std() / np.sqrt(len(t))
    return float(between.mean() / apart), float(error / apart)
