"""Prediction: everybody's time for 1, 100 and 10,000 rows, after the numbers have been compared.

Each gets its rows in the form that it likes best: tensors, device arrays, NumPy arrays.
"""

from functools import partial

from benchmarks import correctness, peers, timing, turns
from benchmarks.peers import Variant
from benchmarks.results import Figure, Row
from benchmarks.settings import Settings
from benchmarks.timing import spread
from benchmarks.workers import Crew, PeerError
from benchmarks.workloads import Array, Workload, images, table

KEYS = ("ours", "reference", "torch", "jax", "sklearn", "tutorial")
NETWORKS = (table("relu"), images(128, batch=128, rule="sgd"))


def rows(crew: Crew, settings: Settings) -> list[Row]:
    """Return the rows of prediction."""
    many = (1,) if settings.quick else (1, 100, 10_000)
    return [row(crew, w, n, settings) for w in NETWORKS for n in many]


def row(crew: Crew, w: Workload, n: int, settings: Settings) -> Row:
    """Return the row of a network and a number of rows."""
    expected = crew.call("reference", timing.predicted, "reference", w, n)
    ways: dict[str, Variant] = {}
    void: dict[str, str] = {}
    for key in KEYS:
        try:
            void |= disagreeing(crew, key, w, n, expected)
            if key not in void:
                ways[key] = crew.call(key, timing.best_prediction, key, w, n)
        except PeerError as error:
            void[key] = str(error)
    clocks = {
        key: partial(crew.call, key, timing.prediction, key, w, n, way) for key, way in ways.items()
    }
    values, late = turns.take(clocks, settings.repeats, settings.slow)
    name = f"{'-'.join(map(str, w.sizes))}, {n:,} row{'s' * (n > 1)}"
    return Row("predict", name, figures(values, ways, {**void, **late}), "µs")


def disagreeing(crew: Crew, key: str, w: Workload, n: int, expected: Array) -> dict[str, str]:
    """Return why a peer's row is void, or nothing."""
    if not peers.installed(key):
        return {key: "not installed"}
    found = crew.call(key, timing.predicted, key, w, n)
    why = correctness.objection_to_prediction(found, expected)
    return {key: why} if why else {}


def figures(
    values: dict[str, list[float]], ways: dict[str, Variant], void: dict[str, str]
) -> list[Figure]:
    """Return everybody's figures."""
    told = {
        key: f"threads {way['threads']}" if "threads" in way else "" for key, way in ways.items()
    }
    return [
        Figure(key, None, void=void[key])
        if key in void
        else Figure(key, spread(values[key]), told[key], note=f"turns {len(values[key])}")
        for key in KEYS
    ]
