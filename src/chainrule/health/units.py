# pyright: strict
"""Units that no longer learn: saturated ones, whose slope is nearly 0, and dead rectifiers.

A layer is accused where most of its units are; single ones are lost in every healthy network.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.health.case import Case
from chainrule.health.findings import Finding
from chainrule.health.inputs import ill_fed
from chainrule.health.targets import OUT_OF_REACH, remains
from chainrule.health.words import named, percent
from chainrule.layers import ActivationLayer, Dense

Array: TypeAlias = NDArray[Any]
Examine: TypeAlias = Callable[[Case], Iterator[Finding]]

# |f'| below this share of its largest: the unit learns 100 times slower than it could, as tanh
# does beyond |z| = 3 and the logistic function beyond |z| = 5.3.
SLOPE = 0.01
# … on more than this share of the samples: a unit that still learns from one in twenty recovers.
SAMPLES = 0.95
# Of a layer's units. A few dead rectifiers are the rule, and half a layer can carry a network.
MOST = 0.5
# With fewer samples a healthy unit is off on all of them by chance, so that the whole layer must
# be; with fewer than 4, nothing is said.
SURE, POSSIBLE = 20, 4
SMALLER = "begin with smaller weights, such as initializer=Glorot()"
POSITIVE = "begin with weights of initializer=He() and biases of 0"
GRID = np.linspace(-10, 10, 2001)  # where every activation of the table is at its steepest


class Units(NamedTuple):
    """A layer's units on all samples.

    Attributes
    ----------
    label : str
    f : Activation
    slope, a : array (n, units)
        ``|f'|``, and the output.
    needed : array (units,)
        False for an output that meets its targets as it is, however flat.
    """

    label: str
    f: Activation
    slope: Array
    a: Array
    needed: Array


def saturated_units(case: Case) -> Iterator[Finding]:
    """Find layers most of whose units have next to no slope on nearly all samples."""
    for units in activated(case):
        if rectifies(units.f):
            continue
        flat = units.slope < SLOPE * steepest(units.f)  # (n, units)
        gone = (flat.mean(axis=0) > SAMPLES) & units.needed  # (units,)
        if most(gone, len(flat)):
            what = (
                f"saturated on more than {percent(SAMPLES)} of the samples "
                f"(|f'| below {percent(SLOPE)} of its largest)"
            )
            remedy = remedy_by_time(case, units.label, saturated_units, SMALLER)
            yield finding(case, "saturated-units", units, gone, what, remedy)


def dead_units(case: Case) -> Iterator[Finding]:
    """Find layers most of whose rectifiers are off on every sample."""
    for units in activated(case):
        off = (units.slope == 0) & (units.a == 0)  # (n, units)
        gone = off.all(axis=0) & units.needed  # (units,)
        if rectifies(units.f) and most(gone, len(off)):
            what = "dead: output and slope are 0 on every sample, so that they never change"
            remedy = remedy_by_time(case, units.label, dead_units, POSITIVE)
            yield finding(case, "dead-units", units, gone, what, remedy)


def remedy_by_time(case: Case, label: str, find: Examine, weights: str) -> str:
    """Return what to do about a layer: by whether the run began like that, where it is known."""
    if case.beginning and label not in {found.layer for found in find(case.beginning)}:
        return "begin anew with a lower learning rate, for it was not so where the run began"
    unknown = bool(case.history) and case.beginning is None
    return f"{weights}{', or with a lower learning rate' * unknown}"


def finding(
    case: Case, examination: str, units: Units, gone: Array, what: str, remedy: str
) -> Finding:
    """Return the finding about a layer's units, counted; a sign where the inputs are at fault."""
    count, share = int(gone.sum()), float(gone.mean())
    limit = f"({percent(share)}, the limit is {percent(MOST)})"
    units_are = f"{count} of {len(gone)} units {limit} {'is' if count == 1 else 'are'}"
    subject = f"its only unit {limit} is" if len(gone) == 1 else units_are
    sentence = f"{named(units.label)}: {subject} {what}"
    return Finding(examination, units.label, sentence, share, MOST, remedy, sign=ill_fed(case))


def activated(case: Case) -> Iterator[Units]:
    """Yield the units of every layer that has an activation."""
    network, last = case.network, len(case.network.layers) - 1
    for place, (layer, saved) in enumerate(zip(network.layers, case.trace.layers, strict=True)):
        if isinstance(layer, Dense | ActivationLayer):
            z = getattr(saved, "z", saved.x)  # (n, units); the x of an ActivationLayer is its z
            slope = np.abs(layer.activation.derivative(z, saved.a)) + 0 * z  # (n, units)
            every = np.ones(z.shape[1], dtype=bool)  # (units,)
            needed = missing(case, saved.a) if place == last else every  # (units,)
            yield Units(network.labels[place], layer.activation, slope, saved.a, needed)


def missing(case: Case, a: Array) -> Array:
    """Return which outputs (units,) are no nearer to their targets than a constant.

    None where the targets are out of reach: then that is why they are flat.
    """
    if remains(case) > OUT_OF_REACH:
        return np.zeros(len(a.T), dtype=np.bool_)
    if case.network.loss.owns_link:
        return np.ones(len(a.T), dtype=np.bool_)
    t = case.batch.t
    error: Array = np.mean((a - t) ** 2, axis=0)  # (units,)
    return error > 0.99 * t.var(axis=0)


def most(gone: Array, n: int) -> bool:
    """Tell whether so many units are gone that chance does not explain it."""
    return bool(gone.mean() > MOST if n >= SURE else n >= POSSIBLE and gone.all())


def rectifies(f: Activation) -> bool:
    """Tell whether an activation is 0, and flat, on the left."""
    left = np.array([-1.0, -10.0])
    return not np.any(f(left)) and not np.any(f.slope_at(left))


def steepest(f: Activation) -> float:
    """Return the largest |f'|."""
    return float(np.abs(f.slope_at(GRID)).max())
