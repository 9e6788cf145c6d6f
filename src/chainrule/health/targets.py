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
from chainrule.health.case import Case
from chainrule.health.findings import Finding
from chainrule.health.words import named, number, percent
from chainrule.layers import Activate, Dense

Array: TypeAlias = NDArray[Any]

# Share of the best constant's error that even the best outputs within reach leave: above what a
# solved problem has left. A few targets beyond the edge, or 0 and 1 under a logistic output, stay
# far below.
OUT_OF_REACH = 0.1
# Squared distance between the targets of nearest neighbours, over that of any two samples: 1 where
# targets have nothing to do with inputs. On real data of much noise it is about 0.5 (diabetes);
# beyond 1 it is a pattern of its own, as parity has.
UNRELATED, OPPOSITE = 0.9, 1.1
# Samples, so that the ratio is known within a few per cent, and it does not take long.
LEAST, MOST = 200, 1000
SEVERAL = 10  # samples, before targets that are all alike are remarkable
NEAR, BEYOND = 40.0, 1e9  # where an activation that has bounds is at them, or else is far beyond
ENDLESS = 1e6  # what is larger there has no bound


def targets_out_of_reach(case: Case) -> Iterator[Finding]:
    """Find targets that the output layer's activation cannot come near."""
    network, t, known = case.network, case.batch.t, case.bounds
    layer = network.layers[-1]
    if known is None or not isinstance(layer, Dense | Activate):
        return
    low, high = reach(layer.f)
    o = nearest_output(network.objective, t, low, high)  # (n, outputs)
    best = float(network.objective.value(o, t, case.batch.weight))
    share = (best - known.least) / (known.constant - known.least)
    if share > OUT_OF_REACH:
        links = network.objective.owns_link
        p = network.objective.predict(o) if links else np.array([low, high])
        yield out_of_reach(case, layer.f, p, share)


def out_of_reach(case: Case, f: Activation, p: Array, share: float) -> Finding:
    """Return the finding, with the range of predictions beside that of the targets."""
    loss, label, t = case.network.objective, case.network.labels[-1], case.batch.t
    sentence = (
        f"{named(label)}: with its {f.name} output, predictions lie between "
        f"{number(p.min())} and {number(p.max())}, the targets between {number(t.min())} and "
        f"{number(t.max())}; so {percent(share)} of the best constant's error must remain, the "
        f"limit is {percent(OUT_OF_REACH)}"
    )
    why = f"since {loss.name} has a link of its own" if loss.owns_link else "or scale the targets"
    remedy = f"take output='identity', {why}"
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
        sentence = f"targets: all {len(t):,} samples have the same one, at least 2 must differ"
        remedy = "look at how y was made; with one class, or one value, there is nothing to learn"
        yield Finding("targets-alike", None, sentence, 1.0, 2.0, remedy)


def targets_unrelated(case: Case) -> Iterator[Finding]:
    """Find, in a run that is stuck, that samples which are alike differ in their targets."""
    if not case.stuck or len(case.batch.x) < LEAST:
        return
    ratio = neighbours(case.batch.x[:MOST], case.batch.t[:MOST])
    if UNRELATED < ratio < OPPOSITE:
        sentence = (
            "targets: those of nearest neighbours among the samples differ as much as those of any "
            f"two samples (ratio of mean squares {number(ratio)}, the limit is {UNRELATED})"
        )
        remedy = "see that the rows of X and y belong together: was only one of them shuffled?"
        yield Finding("targets-unrelated", None, sentence, ratio, UNRELATED, remedy)


def neighbours(x: Array, t: Array) -> float:
    """Return how much targets of nearest neighbours differ, beside those of any two samples."""
    deviation = x.std(axis=0)  # (inputs,)
    x = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)  # (n, inputs)
    squares = np.sum(x * x, axis=1)  # (n,)
    distance = squares[:, None] + squares - 2 * x @ x.T  # (n, n)
    np.fill_diagonal(distance, np.inf)
    nearest = np.argmin(distance, axis=1)  # (n,)
    between = np.sum((t - t[nearest]) ** 2) / len(t)
    apart = 2 * np.sum(t.var(axis=0))
    return float(between / apart) if apart > 0 else float("nan")
