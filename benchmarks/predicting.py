"""Measures the prediction of 1, 100 and 10,000 rows, after comparing the numbers.

Each gets its rows in the form that it likes best: tensors, device arrays, NumPy arrays.
"""

from functools import partial

from benchmarks import correctness, peers, timing, turns
from benchmarks.peers import Variant
from benchmarks.results import Figure, Row
from benchmarks.settings import Settings
from benchmarks.timing import spread
from benchmarks.workers import PeerError, WorkerPool
from benchmarks.workloads import Array, Workload, images, table

KEYS = ("ours", "reference", "torch", "jax", "sklearn", "tutorial")
NETWORKS = (table("relu"), images(128, batch=128, rule="sgd"))


def rows(pool: WorkerPool, settings: Settings) -> list[Row]:
    """Return the rows of prediction."""
    many = (1,) if settings.quick else (1, 100, 10_000)
    return [row(pool, w, n, settings) for w in NETWORKS for n in many]


def row(pool: WorkerPool, w: Workload, n: int, settings: Settings) -> Row:
    """Return the row of a network and a number of rows."""
    expected = pool.call("reference", timing.predicted, "reference", w, n)
    ways: dict[str, Variant] = {}
    void: dict[str, str] = {}
    for key in KEYS:
        try:
            void |= disagreeing(pool, key, w, n, expected)
            if key not in void:
                ways[key] = pool.call(key, timing.best_prediction, key, w, n)
        except PeerError as error:
            void[key] = str(error)
    clocks = {
        key: partial(pool.call, key, timing.prediction, key, w, n, way) for key, way in ways.items()
    }
    values, late = turns.take(clocks, settings.repeats, settings.slow)
    name = f"{'-'.join(map(str, w.sizes))}, {n:,} row{'s' * (n > 1)}"
    return Row("predict", name, figures(values, ways, {**void, **late}), "µs")


def disagreeing(pool: WorkerPool, key: str, w: Workload, n: int, expected: Array) -> dict[str, str]:
    """Return why a peer has no figure, or an empty text."""
    if not peers.installed(key):
        return {key: "not installed"}
    found = pool.call(key, timing.predicted, key, w, n)
    why = correctness.prediction_disagreement(found, expected)
    return {key: why} if why else {}


def figures(
    values: dict[str, list[float]], ways: dict[str, Variant], void: dict[str, str]
) -> list[Figure]:
    """Return the figures of all peers."""
    variants = {
        key: f"threads {way['threads']}" if "threads" in way else "" for key, way in ways.items()
    }
    return [
        Figure(key, None, void=void[key])
        if key in void
        else Figure(key, spread(values[key]), variants[key], note=f"turns {len(values[key])}")
        for key in KEYS
    ]
