# pyright: strict
"""Examinations of the backward pass: vanishing and exploding gradients, symmetric weights.

They compare the gradients of layers with each other, and the weights of units with each other.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.findings import Finding
from chainrule.health.formatting import format_number, format_percent, join_list, layer_name
from chainrule.health.snapshot import RunSnapshot
from chainrule.layers import Dense, Dropout, fields_of

Array: TypeAlias = NDArray[Any]

# Mean |delta| of the first layer over that of the last: with one learning rate for all layers, the
# first then learns 10,000 times slower (or faster) than the last. With Glorot's weights, 5 logistic
# layers give 1e-3 and 8 give 1e-5, since each passes on at most a quarter; 10 layers of tanh or
# relu stay above 5e-3.
VANISHED, EXPLODED = 1e-4, 1e4
# Share of a layer's units whose weights equal another's: random weights are never equal; pruning
# and an l1 penalty make some that are all 0.
MAX_DUPLICATES = 0.5
COMPARED = 1000  # weights of a unit that are compared first
EQUAL = 1e-6  # relative to the layer's largest weight: rounding differences between equal units


def vanishing_gradient(run: RunSnapshot) -> Iterator[Finding]:
    """Find deltas that shrink from the last layer to the first; zeros have other findings."""
    sizes = delta_sizes(run)
    ratio = first_to_last(sizes)
    if 0 < ratio < VANISHED:
        remedy = (
            "use relu or tanh in the hidden layers, add a LayerNorm after each "
            "(layer_norm=True), or use fewer layers"
        )
        sentence = delta_sentence(sizes, ratio, VANISHED)
        yield Finding("vanishing-gradient", next(iter(sizes)), sentence, ratio, VANISHED, remedy)


def exploding_gradient(run: RunSnapshot) -> Iterator[Finding]:
    """Find deltas that grow from the last layer to the first, now or where a failing run began."""
    sizes, when = delta_sizes(run), ""
    if run.failing and run.beginning and not first_to_last(sizes) > EXPLODED:
        sizes, when = delta_sizes(run.beginning), " at the beginning of the run"
    ratio = first_to_last(sizes)
    if ratio > EXPLODED:
        remedy = (
            "start with smaller weights (initializer=He()), or add a LayerNorm after each hidden "
            "layer (layer_norm=True)"
        )
        sentence = delta_sentence(sizes, ratio, EXPLODED, when)
        yield Finding("exploding-gradient", next(iter(sizes)), sentence, ratio, EXPLODED, remedy)


def delta_sentence(sizes: dict[str, float], ratio: float, limit: float, when: str = "") -> str:
    """Return the sentence that compares the deltas of all layers."""
    first, *_, last = sizes
    by_layer = [
        f"{format_number(size)} in {layer_name(label)}" for label, size in reversed(sizes.items())
    ]
    return (
        f"{layer_name(first)}: the mean |delta|{when} is {format_number(ratio)} times that of "
        f"{layer_name(last)} (limit: {format_number(limit)}); backward through the layers it is "
        f"{join_list(by_layer)}"
    )


def delta_sizes(run: RunSnapshot) -> dict[str, float]:
    """Return the mean |delta| of every Dense layer, by label, from the first to the last."""
    pairs = zip(run.network.labels, run.trace.grads, strict=True)
    deltas = {label: fields_of(g).get("delta") for label, g in pairs}
    return {label: float(np.abs(d).mean()) for label, d in deltas.items() if d is not None}


def first_to_last(sizes: dict[str, float]) -> float:
    """Return the ratio of the first layer's deltas to the last one's; NaN if there is none."""
    values = list(sizes.values())
    return values[0] / values[-1] if len(values) > 1 and values[-1] > 0 else float("nan")


# ---- symmetry -----------------------------------------------------------------------------------


def symmetric_weights(run: RunSnapshot) -> Iterator[Finding]:
    """Find hidden layers in which most units have the same weights in and out as another unit."""
    for place, label in enumerate(run.network.labels):
        weights = unit_weights(run, place)  # (units, weights in and out), or None
        if weights is None:
            continue
        count = count_duplicates(weights)
        share = count / len(weights)
        if share > MAX_DUPLICATES:
            sentence = (
                f"{layer_name(label)}: {count} of {len(weights)} units ({format_percent(share)}, "
                f"limit: {format_percent(MAX_DUPLICATES)}) have the same weights in and out as "
                "another unit, so that they stay equal throughout training"
            )
            remedy = "initialize the weights at random, for example with initializer=Glorot()"
            yield Finding("symmetric-weights", label, sentence, share, MAX_DUPLICATES, remedy)


def unit_weights(run: RunSnapshot, place: int) -> Array | None:
    """Return all weights in and out of each unit of a hidden Dense layer, a row for each.

    Returns
    -------
    array (units, weights) or None
        None if the layer is not a hidden Dense layer, or if dropout makes its units differ.
    """
    layers, params = run.network.layers, run.network.params(run.theta)
    after = [i for i in range(place + 1, len(layers)) if isinstance(layers[i], Dense)]
    if not isinstance(layers[place], Dense) or not after:
        return None
    between = range(place + 1, after[0])
    if any(isinstance(layers[i], Dropout) for i in between):
        return None
    own = [params[i] for i in (place, *between)]  # a row, or a number, for each unit
    arrays = [array.reshape(len(array), -1) for some in own for array in some.values()]
    return np.hstack([*arrays, params[after[0]]["W"].T])


def count_duplicates(rows: Array) -> int:
    """Count the rows that equal another row within rounding."""
    size = max(float(rows.max()), -float(rows.min())) or 1.0
    # Rows that differ in some columns need not be compared, and copied, in all of them.
    if rows.shape[1] > COMPARED and not equal_rows(rows[:, :: rows.shape[1] // COMPARED], size):
        return 0
    return equal_rows(rows, size)


def equal_rows(rows: Array, size: float) -> int:
    """Count the rows that equal another row within rounding, relative to a size."""
    rounded = np.round(rows / (EQUAL * size)) + 0.0  # −0 becomes 0
    counts: Array = np.unique(rounded, axis=0, return_counts=True)[1]
    return int(counts[counts > 1].sum())
