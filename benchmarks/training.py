"""Measures the seconds of an epoch for all peers, after comparing their numbers.

The machine's rate of matrix products is measured in the same turns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from benchmarks import correctness, peers, timing, turns
from benchmarks.peers import Variant
from benchmarks.results import Figure, Row
from benchmarks.settings import Settings
from benchmarks.timing import Spread, spread
from benchmarks.workers import PeerError, WorkerPool
from benchmarks.workloads import Layers, Workload, layers

TRIAL_STEPS, TRIAL_FLOPS = 48, 2e10
CHECKED_EPOCHS = 200  # of the tiny problems, where an epoch is one update


def row(
    pool: WorkerPool,
    w: Workload,
    keys: Sequence[str],
    settings: Settings,
    section: str,
    fewer: Mapping[str, int] = MappingProxyType({}),
) -> Row:
    """Return the row of a workload; a peer that does not agree, or cannot, has no time.

    Parameters
    ----------
    pool : WorkerPool
    w : Workload
    keys : sequence of str
        The peers.
    settings : Settings
    section : str
        The row's section.
    fewer : mapping of str to int
        Epochs in a call of a peer that is too slow for all of them.
    """
    void = disagreeing(pool, w, keys)
    ways, failed = chosen(pool, w, [key for key in keys if key not in void])
    mine = {key: replace(w, epochs=fewer.get(key, w.epochs)) for key in keys}
    clocks = {key: partial(an_epoch, pool, key, mine[key], way) for key, way in ways.items()}
    rates = {f"gemm {which}": partial(rate, pool, which) for which in ("numpy", "scipy")}
    values, late = turns.take(
        clocks | rates if dense(w) else clocks, settings.repeats, settings.slow
    )
    void = {**void, **failed, **late}
    found = turns.spreads({key: values[key] for key in clocks if key not in void})
    figures = [
        Figure(
            key,
            found.get(key),
            peers.as_text(ways.get(key, {})),
            void.get(key, ""),
            f"turns {len(values.get(key, []))}, epochs in each {mine[key].epochs:,}",
        )
        for key in keys
    ]
    path = "" if "ours" in void else pool.call("ours", timing.details, "ours", w)
    gemm = best_rate([values[name] for name in rates if name in values])
    return Row(section, w.name, figures, "ms", w.flops, gemm, {"path": path, "rows": w.rows})


def an_epoch(pool: WorkerPool, key: str, w: Workload, way: Variant) -> float:
    """Return a peer's seconds an epoch."""
    return pool.call(key, timing.once, key, w, way) / w.epochs


def dense(w: Workload) -> bool:
    """Return whether matrix products are most of the work, so that their rate is meaningful."""
    return w.batch >= 32 and min(w.sizes[:-1]) >= 64


def rate(pool: WorkerPool, which: str) -> float:
    """Return the machine's rate of matrix products."""
    return pool.call("gemm", timing.gemm, which)


def best_rate(rates: Sequence[Sequence[float]]) -> Spread | None:
    """Return the higher of the rates of two libraries."""
    return max((spread(values) for values in rates if values), default=None)


# ---- correctness first ---------------------------------------------------------------------------


def one(w: Workload) -> Workload:
    """Return what is compared: an epoch, or as many updates of a tiny problem."""
    return replace(w, epochs=min(w.epochs, CHECKED_EPOCHS) if w.batch == w.rows else 1)


def disagreeing(pool: WorkerPool, w: Workload, keys: Sequence[str]) -> dict[str, str]:
    """Return the peers whose numbers are not the reference engine's, each with the reason."""
    expected = pool.call("reference", timing.trained, "reference", one(w))
    found = {key: disagreement(pool, key, one(w), expected, layers(w)) for key in keys}
    return {key: words for key, words in found.items() if words}


def disagreement(
    pool: WorkerPool, key: str, w: Workload, expected: tuple[float, Layers], start: Layers
) -> str:
    """Return why a peer has no figure, or an empty text."""
    if not peers.installed(key):
        return "not installed"
    try:
        if why := pool.call(key, timing.refused, key, w):
            return why
        return correctness.disagreement(w, pool.call(key, timing.trained, key, w), expected, start)
    except PeerError as error:
        return str(error)


# ---- the best of a peer's ways -------------------------------------------------------------------


def chosen(
    pool: WorkerPool, w: Workload, keys: Sequence[str]
) -> tuple[dict[str, Variant], dict[str, str]]:
    """Return each peer's fastest variant, and the errors of the others."""
    steps = max(4, min(TRIAL_STEPS, int(TRIAL_FLOPS * w.steps / w.flops)))
    trial = replace(w.cut(steps * w.batch), epochs=1)
    if w.batch == w.rows:
        trial = replace(w, epochs=min(w.epochs, CHECKED_EPOCHS))
    ways, failed = {}, {}
    for key in keys:
        try:
            ways[key] = pool.call(key, timing.best_variant, key, w, trial)
        except PeerError as error:
            failed[key] = str(error)
    return ways, failed
