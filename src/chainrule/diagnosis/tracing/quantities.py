"""What a program computes at a place, the numbers that may take its place, and the faults found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from chainrule.submission import Array, Change, Event, Place

Steps: TypeAlias = list[tuple[Array, Array]]  # of each group, with their rounding


@dataclass(frozen=True)
class Quantity:
    """What a place computes in one iteration: one array, or one number or array at each turn.

    Parameters
    ----------
    events : tuple of Event
    shape : tuple of int
        Of one event.
    """

    events: tuple[Event, ...]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return len(self.events) * int(np.prod(self.shape, dtype=int))


@dataclass(frozen=True)
class Fault:
    """A place whose numbers are wrong, and which makes an update right when they are replaced.

    Parameters
    ----------
    place : Place
    theirs, right : array
        One row for each turn.
    derivative_of : Place or None
        The forward quantity by which the right numbers are the derivative of the loss.
    factor : float
        right = factor · derivative.
    new_weights : str
        The updated parameter that it was computed with by mistake, or an empty string.
    repaired : tuple of int
        The groups that it makes right.
    reached : frozenset of int
        The groups whose updates depend on it.
    fixes : dict of Event to Change
        The right numbers in its place.
    """

    place: Place
    theirs: Array
    right: Array
    derivative_of: Place | None
    factor: float
    new_weights: str = ""
    repaired: tuple[int, ...] = ()
    reached: frozenset[int] = frozenset()
    fixes: dict[Event, Change] = field(default_factory=dict[Event, Change])


def rows_of(q: Quantity, numbers: Array) -> Iterator[tuple[Event, Array]]:
    """Return the events of a quantity with their numbers."""
    return zip(q.events, numbers, strict=True)


def between(zero: Steps, once: Steps, c: float) -> Steps:
    """Return the steps with c times some numbers, given those with none and with these.

    What a backward pass computes is linear in each of its numbers, which saves running it.
    """
    with np.errstate(invalid="ignore"):  # steps of another shape are infinite
        pairs = zip(zero, once, strict=True)
        return [
            (s0 + c * (s1 - s0), (1 + abs(c)) * np.maximum(n0, n1)) for (s0, n0), (s1, n1) in pairs
        ]
