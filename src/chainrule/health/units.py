# pyright: strict
"""Examinations of units: saturated ones, whose slope is nearly 0, and dead rectifiers.

A layer has a finding if most of its units are affected; every healthy network has a few.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.health.findings import Finding
from chainrule.health.formatting import format_percent, layer_name
from chainrule.health.inputs import has_faulty_inputs
from chainrule.health.snapshot import RunSnapshot
from chainrule.health.targets import MAX_UNREACHABLE, unreachable_share
from chainrule.layers import ActivationLayer, Dense

Array: TypeAlias = NDArray[Any]
Examine: TypeAlias = Callable[[RunSnapshot], Iterator[Finding]]

# |f'| relative to its maximum: below, a unit learns 100 times slower than it could, as tanh does
# beyond |z| = 3 and the logistic function beyond |z| = 5.3.
FLAT_SLOPE = 0.01
# … on more than this share of the samples: a unit that still learns from one in twenty recovers.
FLAT_SAMPLES = 0.95
# Share of a layer's units. A few dead rectifiers are normal, and half a layer can carry a network.
MAX_INACTIVE = 0.5
# With fewer samples than the first, a healthy unit is inactive on all of them by chance, so that
# the whole layer must be; with fewer than the second, there is no finding.
ENOUGH_SAMPLES, MIN_SAMPLES = 20, 4
SMALLER_WEIGHTS = "start with smaller weights, for example initializer=Glorot()"
POSITIVE_INPUTS = "start with weights of initializer=He() and biases of 0"
GRID = np.linspace(-10, 10, 2001)  # contains the steepest point of every activation in the table


class Units(NamedTuple):
    """A layer's units on all samples.

    Attributes
    ----------
    label : str
    activation : Activation
    slope, a : array (n, units)
        ``|f'|``, and the output.
    needed : array (units,)
        False for an output that already meets its targets, however flat.
    """

    label: str
    activation: Activation
    slope: Array
    a: Array
    needed: Array


def saturated_units(run: RunSnapshot) -> Iterator[Finding]:
    """Find layers in which most units have nearly no slope on nearly all samples."""
    for units in activation_units(run):
        if is_rectifier(units.activation):
            continue
        flat = units.slope < FLAT_SLOPE * largest_slope(units.activation)  # (n, units)
        inactive = (flat.mean(axis=0) > FLAT_SAMPLES) & units.needed  # (units,)
        if affects_layer(inactive, len(flat)):
            what = (
                f"saturated on more than {format_percent(FLAT_SAMPLES)} of the samples "
                f"(|f'| below {format_percent(FLAT_SLOPE)} of its maximum)"
            )
            remedy = remedy_for(run, units.label, saturated_units, SMALLER_WEIGHTS)
            yield finding(run, "saturated-units", units, inactive, what, remedy)


def dead_units(run: RunSnapshot) -> Iterator[Finding]:
    """Find layers in which most rectifiers are 0 on every sample."""
    for units in activation_units(run):
        off = (units.slope == 0) & (units.a == 0)  # (n, units)
        inactive = off.all(axis=0) & units.needed  # (units,)
        if is_rectifier(units.activation) and affects_layer(inactive, len(off)):
            what = "dead: output and slope are 0 on every sample, so that they never change"
            remedy = remedy_for(run, units.label, dead_units, POSITIVE_INPUTS)
            yield finding(run, "dead-units", units, inactive, what, remedy)


def remedy_for(run: RunSnapshot, label: str, examine: Examine, weights: str) -> str:
    """Return the remedy for a layer, which depends on whether the run began like that."""
    if run.beginning and label not in {found.layer for found in examine(run.beginning)}:
        return "start again with a lower learning rate, since the units were active at first"
    unknown = bool(run.history) and run.beginning is None
    return f"{weights}{', or with a lower learning rate' * unknown}"


def finding(
    run: RunSnapshot, examination: str, units: Units, inactive: Array, what: str, remedy: str
) -> Finding:
    """Return the finding about a layer's units; it is a sign if the inputs are the reason."""
    count, share = int(inactive.sum()), float(inactive.mean())
    limit = f"({format_percent(share)}, limit: {format_percent(MAX_INACTIVE)})"
    units_are = f"{count} of {len(inactive)} units {limit} {'is' if count == 1 else 'are'}"
    subject = f"its only unit {limit} is" if len(inactive) == 1 else units_are
    sentence = f"{layer_name(units.label)}: {subject} {what}"
    is_sign = has_faulty_inputs(run)
    return Finding(examination, units.label, sentence, share, MAX_INACTIVE, remedy, sign=is_sign)


def activation_units(run: RunSnapshot) -> Iterator[Units]:
    """Yield the units of every layer that has an activation."""
    network, last = run.network, len(run.network.layers) - 1
    for place, (layer, saved) in enumerate(zip(network.layers, run.trace.layers, strict=True)):
        if isinstance(layer, Dense | ActivationLayer):
            z = getattr(saved, "z", saved.x)  # (n, units); the x of an ActivationLayer is its z
            slope = np.abs(layer.activation.derivative(z, saved.a)) + 0 * z  # (n, units)
            every = np.ones(z.shape[1], dtype=bool)  # (units,)
            needed = unmet_outputs(run, saved.a) if place == last else every  # (units,)
            yield Units(network.labels[place], layer.activation, slope, saved.a, needed)


def unmet_outputs(run: RunSnapshot, a: Array) -> Array:
    """Return which outputs (units,) are no nearer to their targets than a constant prediction.

    None are, if the targets are out of reach: then that is the reason why outputs are flat.
    """
    if unreachable_share(run) > MAX_UNREACHABLE:
        return np.zeros(len(a.T), dtype=np.bool_)
    if run.network.loss.owns_link:
        return np.ones(len(a.T), dtype=np.bool_)
    t = run.batch.t
    error: Array = np.mean((a - t) ** 2, axis=0)  # (units,)
    return error > 0.99 * t.var(axis=0)


def affects_layer(inactive: Array, n: int) -> bool:
    """Return whether more units are inactive than chance explains."""
    if n >= ENOUGH_SAMPLES:
        return bool(inactive.mean() > MAX_INACTIVE)
    return bool(n >= MIN_SAMPLES and inactive.all())


def is_rectifier(activation: Activation) -> bool:
    """Return whether an activation is 0, and flat, for negative inputs."""
    negative = np.array([-1.0, -10.0])
    return not np.any(activation(negative)) and not np.any(activation.slope_at(negative))


def largest_slope(activation: Activation) -> float:
    """Return the largest |f'|."""
    return float(np.abs(activation.slope_at(GRID)).max())
