"""Timing: functions that measure inside a worker, and medians with their spread.

Only the training itself is timed: not data, weights or compilation.
"""

import statistics
from collections.abc import Callable, Sequence
from functools import cache, partial
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks import peers
from benchmarks.peers import Variant
from benchmarks.workloads import Array, Layers, Workload, data

TRIALS = 3
ENOUGH = 0.05  # seconds in which calls of microseconds are counted


class Spread(NamedTuple):
    """The median of repeats, the least, and the most."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median of some values with their spread."""
    return Spread(statistics.median(values), min(values), max(values))


def seconds_of(work: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


# ---- in a worker: training -----------------------------------------------------------------------


def trained(key: str, w: Workload) -> tuple[float, Layers]:
    """Return a peer's loss and weights after a workload's epochs."""
    peer = peers.load(key)
    made = peer.session(w, peer.variants(w)[0])
    return made.run(), made.weights()


def refused(key: str, w: Workload) -> str:
    """Return why a peer cannot train this, or nothing."""
    return peers.load(key).refuses(w)


def details(key: str, w: Workload) -> str:
    """Return a peer's description of the engine that it uses."""
    return peers.load(key).details(w)


def best_variant(key: str, w: Workload, trial: Workload) -> Variant:
    """Return the fastest of a peer's variants, tried on fewer rows."""
    ways = peers.load(key).variants(w)
    if len(ways) == 1:
        return ways[0]
    return min(ways, key=lambda way: min(once(key, trial, way) for _ in range(TRIALS)))


def once(key: str, w: Workload, variant: Variant) -> float:
    """Return the seconds of a workload's epochs; a first run, which may compile, is not counted."""
    warm(key, w, tuple(sorted(variant.items())))
    return seconds_of(peers.load(key).session(w, variant).run)


@cache
def warm(key: str, w: Workload, variant: tuple[tuple[str, Any], ...]) -> None:
    """Run a workload in a variant once."""
    peers.load(key).session(w, dict(variant)).run()


# ---- in a worker: prediction ---------------------------------------------------------------------


def inputs(w: Workload, rows: int) -> Array:
    """Return rows to predict."""
    X, _ = data(w)
    return np.ascontiguousarray(np.resize(X, (rows, X.shape[1])))


def predicted(key: str, w: Workload, rows: int) -> Array:
    """Return a peer's predictions."""
    peer = peers.load(key)
    return np.asarray(peer.predictor(w, inputs(w, rows), peer.variants(w)[0])())


def best_prediction(key: str, w: Workload, rows: int) -> Variant:
    """Return the fastest of a peer's variants; only the number of threads matters here."""
    ways = {repr(way.get("threads")): way for way in peers.load(key).variants(w)}
    if len(ways) == 1:
        return next(iter(ways.values()))
    return min(ways.values(), key=lambda way: prediction(key, w, rows, way))


def prediction(key: str, w: Workload, rows: int, variant: Variant) -> float:
    """Return the seconds of a prediction, the mean of as many as fit into a twentieth of one."""
    call = caller(key, w, rows, tuple(sorted(variant.items())))
    calls = max(1, round(ENOUGH / max(seconds_of(call), 1e-7) / 2))
    calls = max(calls, round(calls * ENOUGH / max(seconds_of(partial(repeat, call, calls)), 1e-7)))
    return seconds_of(partial(repeat, call, calls)) / calls


@cache
def caller(
    key: str, w: Workload, rows: int, variant: tuple[tuple[str, Any], ...]
) -> Callable[[], Any]:
    """Return a peer's prediction, which has been called twice."""
    call = peers.load(key).predictor(w, inputs(w, rows), dict(variant))
    repeat(call, 2)
    return call


def repeat(call: Callable[[], Any], times: int) -> None:
    """Call a function a number of times."""
    for _ in range(times):
        call()


# ---- in a worker: the machine --------------------------------------------------------------------

CUBE = 2048


@cache
def cube() -> tuple[Array, Array]:
    """Return two square matrices."""
    rng = np.random.default_rng(0)
    return tuple(rng.random((CUBE, CUBE), dtype=np.float32) for _ in range(2))  # pyright: ignore[reportReturnType]


def gemm(which: str) -> float:
    """Return NumPy's or SciPy's SGEMM on all cores, in multiplications and additions a second."""
    from scipy.linalg import blas

    A, B = cube()
    multiply = partial(np.matmul, A, B) if which == "numpy" else partial(blas.sgemm, 1.0, A.T, B.T)
    return 2 * CUBE**3 / min(seconds_of(multiply) for _ in range(2))
