"""Derivatives along directions: many numbers are changed at once, which takes only two runs."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from chainrule.diagnosis.tracing.comparing import EQUAL, shaped
from chainrule.diagnosis.tracing.gradients import STEP, Differences
from chainrule.diagnosis.tracing.quantities import Quantity, rows_of
from chainrule.submission import Array, Change, Event

DIRECTIONS = 2  # along which multiples are compared: what agrees in both is one


def slopes_along(
    differences: Differences, directions: Sequence[Mapping[Event, Array]], loss: str
) -> list[float]:
    """Return the derivative of a loss along each of some directions, as central differences.

    Parameters
    ----------
    differences : Differences
    directions : sequence of mapping of Event to array
        How the numbers of some events change together.
    loss : str

    Returns
    -------
    list of float
        NaN where the outputs cannot be compared.
    """
    trace, runs = differences.trace, list[dict[Event, Change]]()
    for direction in directions:
        first = min(direction, key=lambda e: trace.at[e])
        for way in (STEP, -STEP):
            moved = {e: Change(way * v, add=True) for e, v in direction.items()}
            runs.append({**differences.pins(first), **moved})
    made = differences.outputs_of(runs)
    pairs = zip(made[::2], made[1::2], strict=True)
    return [differences.total(up, down, 2 * STEP, loss) for up, down in pairs]


class Probes:
    """Derivatives of a loss along random directions of quantities, each computed once.

    Parameters
    ----------
    differences : Differences
    loss : str
    """

    def __init__(self, differences: Differences, loss: str) -> None:
        self.differences, self.loss = differences, loss
        self.rng = np.random.default_rng(2)
        self.known: dict[tuple[Event, ...], list[tuple[Array, float]]] = {}

    def prepare(self, quantities: Sequence[Quantity]) -> None:
        """Compute the derivatives along directions of some quantities, all in one go."""
        new = [q for q in quantities if q.events not in self.known]
        rows = [(q, self._direction(q)) for q in new for _ in range(DIRECTIONS)]
        slopes = slopes_along(self.differences, [dict(rows_of(q, v)) for q, v in rows], self.loss)
        for (q, v), slope in zip(rows, slopes, strict=True):
            self.known.setdefault(q.events, []).append((v, slope))

    def _direction(self, q: Quantity) -> Array:
        """Return a direction in which no number of a quantity stays as it is."""
        shape = len(q.events), *q.shape
        return self.rng.uniform(0.5, 1.5, shape) * self.rng.choice([-1.0, 1.0], shape)

    def ratios(self, b: Array, q: Quantity) -> Iterator[float]:
        """Yield c for each layout in which numbers are c times the derivative by a quantity.

        Parameters
        ----------
        b : array
            One row for each event.
        q : Quantity
            With as many numbers.
        """
        self.prepare([q])
        probes = self.known[q.events]
        layouts = zip(*(shaped(v, b.shape) for v, _ in probes), strict=True)
        slopes = np.array([slope for _, slope in probes])
        if not np.all(np.isfinite(slopes)):
            return
        for ways in layouts:
            own = np.array([float(np.sum(b * v)) for v in ways])
            largest = int(np.argmax(np.abs(slopes)))
            c = own[largest] / slopes[largest] if slopes[largest] else 0.0
            if c and np.abs(own - c * slopes).max() < EQUAL * np.abs(own).max():
                yield c
