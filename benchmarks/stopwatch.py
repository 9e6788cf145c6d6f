"""A stop-watch on MNIST: the seconds of training until the test accuracy is reached.

It looks once an epoch, and its looking is not counted. It is not how a model is to be selected.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import NamedTuple

import numpy as np

from benchmarks import mnist, peers, timing, training, turns
from benchmarks.peers import Variant
from benchmarks.results import Figure, Row
from benchmarks.settings import Settings
from benchmarks.workers import WorkerPool
from benchmarks.workloads import MNIST, Workload

TARGET = 0.975
KEYS = ("ours", "torch", "sklearn")


class Stopped(NamedTuple):
    """Where the watch stopped."""

    seconds: float
    epochs: int
    accuracy: float


def until(key: str, w: Workload, variant: Variant) -> Stopped:
    """Train until the target is reached, or the epochs are done."""
    timing.warm(key, replace(w.cut(10 * w.batch), epochs=1), tuple(sorted(variant.items())))
    _, _, X, y = mnist.load()
    seconds, epochs, accuracy = 0.0, 0, 0.0
    training_epochs = peers.load(key).stopwatch(w, variant)
    while accuracy < TARGET and epochs < w.epochs:
        began = perf_counter()
        predict = next(training_epochs)
        seconds += perf_counter() - began
        epochs += 1
        accuracy = float((np.argmax(predict(X), axis=1) == y).mean())
    return Stopped(seconds, epochs, accuracy)


def rows(pool: WorkerPool, settings: Settings) -> list[Row]:
    """Return the row of MNIST; every turn has a seed of its own, the same for all."""
    if why := mnist.missing():
        return [Row("mnist", MNIST.name, [Figure(key, None, void=why) for key in KEYS], "s")]
    ways, failed = training.chosen(pool, MNIST, KEYS)
    found: dict[str, list[Stopped]] = {key: [] for key in KEYS}
    seeds = range(1 if settings.quick else 5)
    for seed in seeds:
        w = replace(MNIST, seed=seed)
        clocks = {key: partial(turn, pool, key, w, way, found[key]) for key, way in ways.items()}
        _, late = turns.take(clocks, 1, settings.slow)
        failed = {**failed, **late}
    return [
        Row(
            "mnist",
            f"{MNIST.name}, to {TARGET:.1%} of the test set",
            [figure(key, ways.get(key, {}), found[key], failed.get(key, "")) for key in KEYS],
            "s",
        )
    ]


def turn(pool: WorkerPool, key: str, w: Workload, way: Variant, found: list[Stopped]) -> float:
    """Run the watch once, and keep what it found."""
    found.append(pool.call(key, until, key, w, way))
    return found[-1].seconds


def figure(key: str, way: Variant, found: Sequence[Stopped], void: str) -> Figure:
    """Return a peer's seconds, and its epochs as a note."""
    missed = [s for s in found if s.accuracy < TARGET]
    if missed and not void:
        void = f"{missed[0].accuracy:.2%} after {missed[0].epochs} epochs"
    if void or not found:
        return Figure(key, None, peers.as_text(way), void or "no turn")
    epochs = timing.spread([s.epochs for s in found])
    note = f"epochs {epochs.median:g} ({epochs.least:g} to {epochs.most:g}), seeds {len(found)}"
    return Figure(key, timing.spread([s.seconds for s in found]), peers.as_text(way), note=note)
