# pyright: strict
"""What the backward pass brings to the lower layers: too little, too much, or the same to all.

Single gradients are not judged here, only how they compare from layer to layer and unit to unit.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.case import Case
from chainrule.health.findings import Finding
from chainrule.health.words import listed, named, number, percent
from chainrule.layers import Dense, Dropout, fields_of

Array: TypeAlias = NDArray[Any]

# Mean |delta| of the first layer over that of the last: with one rate for all, the first layer
# then learns 10,000 times slower (or faster) than the last. With Glorot's weights, 5 logistic
# layers come to 1e-3 and 8 to 1e-5, since each passes on at most a quarter; 10 of tanh or relu stay
# above 5e-3.
VANISHED, EXPLODED = 1e-4, 1e4
# Share of a layer's units that are copies of another: chance makes no copies at all, pruning and
# an l1 penalty make some that are all 0.
COPIES = 0.5
SAME = 1e-6  # of the layer's largest weight: what rounding may put between copies


def vanishing_gradient(case: Case) -> Iterator[Finding]:
    """Find deltas that fade on their way down; exact zeros have causes that go by other names."""
    sizes = delta_sizes(case)
    ratio = first_to_last(sizes)
    if 0 < ratio < VANISHED:
        remedy = (
            "take relu or tanh for the hidden layers, put a LayerNorm behind each "
            "(layer_norm=True), or take fewer layers"
        )
        sentence = flow(sizes, ratio, VANISHED)
        yield Finding("vanishing-gradient", next(iter(sizes)), sentence, ratio, VANISHED, remedy)


def exploding_gradient(case: Case) -> Iterator[Finding]:
    """Find deltas that grow on their way down, now or where a run that fails began."""
    now, when = delta_sizes(case), ""
    if case.failing and case.beginning and not first_to_last(now) > EXPLODED:
        now, when = delta_sizes(case.beginning), " where the run began"
    ratio = first_to_last(now)
    if ratio > EXPLODED:
        remedy = (
            "begin with smaller weights (initializer=He()), or put a LayerNorm behind each hidden "
            "layer (layer_norm=True)"
        )
        sentence = flow(now, ratio, EXPLODED, when)
        yield Finding("exploding-gradient", next(iter(now)), sentence, ratio, EXPLODED, remedy)


def flow(sizes: dict[str, float], ratio: float, limit: float, when: str = "") -> str:
    """Return the sentence about the deltas of all layers."""
    first, *_, last = sizes
    ways = listed([f"{number(size)} in {named(label)}" for label, size in reversed(sizes.items())])
    return (
        f"{named(first)}: the mean |delta|{when} is {number(ratio)} times that of {named(last)}, "
        f"the limit is {number(limit)}; on the way down it is {ways}"
    )


def delta_sizes(case: Case) -> dict[str, float]:
    """Return the mean |delta| of every Dense layer, by label, from the first to the last."""
    pairs = zip(case.network.labels, case.trace.grads, strict=True)
    deltas = {label: fields_of(g).get("delta") for label, g in pairs}
    return {label: float(np.abs(d).mean()) for label, d in deltas.items() if d is not None}


def first_to_last(sizes: dict[str, float]) -> float:
    """Return how large the first layer's deltas are beside the last one's; NaN without any."""
    values = list(sizes.values())
    return values[0] / values[-1] if len(values) > 1 and values[-1] > 0 else float("nan")


# ---- symmetry -----------------------------------------------------------------------------------


def symmetric_weights(case: Case) -> Iterator[Finding]:
    """Find hidden layers most of whose units have the same weights in and out as another."""
    for place, label in enumerate(case.network.labels):
        weights = weights_of_units(case, place)  # (units, weights in and out), or None
        if weights is None:
            continue
        count = copies(weights)
        share = count / len(weights)
        if share > COPIES:
            sentence = (
                f"{named(label)}: {count} of {len(weights)} units ({percent(share)}, the limit is "
                f"{percent(COPIES)}) have the same weights in and out as another, so that they "
                "stay alike for ever"
            )
            remedy = "draw the weights at random, such as with initializer=Glorot()"
            yield Finding("symmetric-weights", label, sentence, share, COPIES, remedy)


def weights_of_units(case: Case, place: int) -> Array | None:
    """Return all weights in and out of each unit of a hidden Dense layer, a row for each.

    Returns
    -------
    array (units, weights) or None
        None where nothing hidden is there, or dropout makes a difference between units.
    """
    layers, params = case.network.layers, case.network.params(case.theta)
    after = [i for i in range(place + 1, len(layers)) if isinstance(layers[i], Dense)]
    if not isinstance(layers[place], Dense) or not after:
        return None
    between = range(place + 1, after[0])
    if any(isinstance(layers[i], Dropout) for i in between):
        return None
    own = [params[i] for i in (place, *between)]  # a row, or a number, for each unit
    arrays = [array.reshape(len(array), -1) for some in own for array in some.values()]
    return np.hstack([*arrays, params[after[0]]["W"].T])


def copies(rows: Array) -> int:
    """Count the rows that some other row equals within rounding."""
    size = float(np.abs(rows).max()) or 1.0
    rounded = np.round(rows / (SAME * size)) + 0.0  # −0 becomes 0
    counts: Array = np.unique(rounded, axis=0, return_counts=True)[1]
    return int(counts[counts > 1].sum())
