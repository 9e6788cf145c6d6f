"""Measures the peers of a workload in turns, so that a slow minute of the machine affects all.

A peer that has had its seconds takes fewer of them; how many is in its figure.
"""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter, sleep

from benchmarks.timing import Spread, spread
from benchmarks.workers import PeerError

# OpenBLAS's idle threads look for work for 2²⁶ cycles after a product, .03 s, on a core that the
# next peer needs: without a pause the next peer took up to 50 % longer.
REST = 0.05


def take(
    clocks: Mapping[str, Callable[[], float]], repeats: int, enough: float
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return the values of all peers in turns, and the errors of those that failed.

    Parameters
    ----------
    clocks : mapping of str to callable
        Each returns a number: seconds, or a rate.
    repeats : int
    enough : float
        Seconds after which a peer, having had two turns, takes no more.
    """
    values: dict[str, list[float]] = {name: [] for name in clocks}
    failed: dict[str, str] = {}
    spent = dict.fromkeys(clocks, 0.0)
    for _ in range(repeats):
        for name, clock in clocks.items():
            if name in failed or (len(values[name]) > 1 and spent[name] > enough):
                continue
            sleep(REST)
            began = perf_counter()
            try:
                values[name].append(clock())
            except PeerError as error:
                failed[name] = str(error)
            spent[name] += perf_counter() - began
    return values, failed


def spreads(values: Mapping[str, Sequence[float]]) -> dict[str, Spread]:
    """Return medians and spreads of those that have values."""
    return {name: spread(many) for name, many in values.items() if many}
