"""The marks of runs: which events differ from those of another run."""

import numpy as np
import pytest

from chainrule.submission import Digests, Event


def digests(*rows: tuple[int, int, int]) -> Digests:
    """Return marks from rows of a place, a turn and a mark."""
    made = np.array(rows, np.int64).reshape(-1, 3)
    return Digests(made[:, :2], made[:, 2])


BASE = digests((7, 0, 70), (8, 0, 80), (7, 1, 71), (9, 0, 90))


@pytest.mark.parametrize(
    ("rows", "changed"),
    [
        ([(7, 0, 70), (8, 0, 80)], []),
        ([(7, 0, 70), (8, 0, 81), (7, 1, 72)], [(8, 0), (7, 1)]),
        ([(8, 0, 81), (7, 1, 71)], [(8, 0)]),  # a run from a held state begins later
        ([(7, 0, 70), (7, 1, 72), (8, 0, 80)], [(7, 1)]),  # in another order
        ([(7, 0, 70), (5, 0, 1), (9, 0, 91)], [(9, 0)]),  # an event that the other run lacks
        ([(5, 0, 1)], []),
        ([], []),
    ],
)
def test_events_with_other_marks(rows: list[tuple[int, int, int]], changed: list[tuple[int, int]]):
    assert digests(*rows).changed_from(BASE) == {Event(*e) for e in changed}


def test_events_keep_their_order():
    assert BASE.order == [Event(7, 0), Event(8, 0), Event(7, 1), Event(9, 0)]
    assert BASE.by_event[Event(7, 1)] == 71
