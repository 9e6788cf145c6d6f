"""The derivative of a loss by every number of a forward quantity, in as few runs as possible.

If the outputs of a sample depend on that sample alone, one number of each sample is changed at a
time, so that the number of runs does not grow with that of the samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.tracing.directions import slopes_along
from chainrule.diagnosis.tracing.gradients import STEP, Differences
from chainrule.diagnosis.tracing.quantities import Quantity, rows_of
from chainrule.submission import Array, Change, Event

FEW = 6  # numbers that are changed one by one even if samples are independent
CLOSE = 1e-6  # relative difference of derivatives that count as equal


@dataclass(frozen=True)
class _Samples:
    """The samples of a quantity and of the outputs.

    Parameters
    ----------
    axis : int
        That of the samples, among those of the quantity with its turns first.
    owners : dict of Event to array of int
        To which sample each number of an output belongs.
    """

    axis: int
    owners: dict[Event, NDArray[np.int64]]


def quantity_slopes(differences: Differences, q: Quantity, loss: str) -> Array:
    """Return the derivative of a loss by every number of a quantity, one row for each event.

    Parameters
    ----------
    differences : Differences
    q : Quantity
    loss : str
    """
    if q.size > FEW and loss in differences.weights:
        for samples in _samples(differences, q):
            if not _are_independent(differences, q, samples):
                continue
            made = _by_samples(differences, q, samples, loss)
            if _is_confirmed(differences, q, made, loss):
                return made
    size = q.size // len(q.events)
    differences.prepare([(e, i) for e in q.events for i in range(size)])
    rows = [differences.slopes(e, range(size)).values[loss] for e in q.events]
    return np.stack(rows).reshape(len(q.events), *q.shape)


def _samples(differences: Differences, q: Quantity) -> Iterator[_Samples]:
    """Yield which axis of a quantity may be that of the samples, and the samples of the outputs."""
    outputs = differences.outputs
    shapes = [differences.base[e].shape for e in outputs]
    for axis, count in enumerate((len(q.events), *q.shape)):
        if count < 2:
            continue
        if axis == 0 and len(outputs) % count == 0:
            each = len(outputs) // count
            owners = [np.full(s, k // each) for k, s in enumerate(shapes)]
            yield _Samples(axis, dict(zip(outputs, owners, strict=True)))
        elif axis and all(count in s for s in shapes):
            owners = [_along(s, _axis(s, count, axis - 1)) for s in shapes]
            yield _Samples(axis, dict(zip(outputs, owners, strict=True)))


def _axis(shape: tuple[int, ...], count: int, own: int) -> int:
    """Return the axis of an output that has the samples: rather that of the quantity."""
    return own if own < len(shape) and shape[own] == count else shape.index(count)


def _along(shape: tuple[int, ...], axis: int) -> NDArray[np.int64]:
    """Return the index along an axis, for each number of an array."""
    return np.indices(shape)[axis]


def _are_independent(differences: Differences, q: Quantity, samples: _Samples) -> bool:
    """Return whether the outputs of the other samples stay as they are if one sample changes."""
    chosen = np.zeros((len(q.events), *q.shape))
    np.moveaxis(chosen, samples.axis, 0)[-1] = STEP
    last = chosen.shape[samples.axis] - 1
    (made,) = differences.outputs_of([_changes(differences, q, chosen)])
    for e, owner in samples.owners.items():
        base = differences.base[e]
        if e not in made or made[e].shape != base.shape:
            return False
        if np.any((made[e] != base) & (owner != last)):
            return False
    return True


def _changes(differences: Differences, q: Quantity, added: Array) -> dict[Event, Change]:
    """Return the changes of a run in which something is added to a quantity."""
    rows = {e: Change(row, add=True) for e, row in rows_of(q, added) if row.any()}
    return {**differences.pins(q.events[0]), **rows}


def _by_samples(differences: Differences, q: Quantity, samples: _Samples, loss: str) -> Array:
    """Return the derivatives if the samples are independent: each unit of all samples at once."""
    shape = len(q.events), *q.shape
    count = shape[samples.axis]
    numbers = np.moveaxis(np.arange(q.size).reshape(shape), samples.axis, 0).reshape(count, -1)
    runs: list[dict[Event, Change]] = []
    for unit in numbers.T:
        for way in (STEP, -STEP):
            added = np.zeros(q.size)
            added[unit] = way
            runs.append(_changes(differences, q, added.reshape(shape)))
    values = differences.outputs_of(runs)
    made = np.zeros(q.size)
    for unit, up, down in zip(numbers.T, values[::2], values[1::2], strict=True):
        made[unit] = _totals(differences, (up, down), samples, count, loss)
    return made.reshape(shape)


def _totals(
    differences: Differences,
    moved: tuple[dict[Event, Array], dict[Event, Array]],
    samples: _Samples,
    count: int,
    loss: str,
) -> Array:
    """Return the derivative of the loss of each sample; NaN where it cannot be computed."""
    up, down = moved
    weights, total = differences.weights[loss], np.zeros(count)
    for e, owner in samples.owners.items():
        if e not in up or e not in down or not up[e].shape == down[e].shape == owner.shape:
            return np.full(count, np.nan)
        slope = weights[e] * (up[e] - down[e]) / (2 * STEP)
        total += np.bincount(owner.ravel(), slope.ravel(), count)
    return total


def _is_confirmed(differences: Differences, q: Quantity, made: Array, loss: str) -> bool:
    """Return whether the derivative along a random direction is that of some derivatives."""
    if not np.all(np.isfinite(made)):
        return False
    v = differences.trace.rng.uniform(-1.0, 1.0, made.shape)
    (slope,) = slopes_along(differences, [dict(rows_of(q, v))], loss)
    scale = np.abs(made).max() * np.sqrt(made.size) + 1e-12
    return bool(abs(slope - float(np.sum(made * v))) <= CLOSE * scale)
