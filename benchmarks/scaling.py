"""Cost against width, depth, batch, samples and threads: how an epoch's seconds grow.

The slope in logarithms is 1 for proportional growth, and 2 for quadratic growth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import threadpoolctl

from benchmarks import machine, peers, timing, turns
from benchmarks.check.tables import table
from benchmarks.settings import Settings
from benchmarks.tables import number
from benchmarks.timing import Spread
from benchmarks.workers import WorkerPool
from benchmarks.workloads import Workload, images

KEYS = ("ours", "torch")
ROWS = 4096
REPEATS = 3


@dataclass(frozen=True)
class Curve:
    """A peer's seconds an epoch at each place of an axis."""

    axis: str
    peer: str
    places: list[int]
    seconds: list[Spread]

    @property
    def slope(self) -> float:
        """The slope in logarithms."""
        medians = [s.median for s in self.seconds]
        return float(np.polyfit(np.log(self.places), np.log(medians), 1)[0])


def dense(*sizes: int, batch: int = 128, rows: int = ROWS) -> Workload:
    """Return a workload with SGD for one epoch."""
    made = images(*sizes[1:-1], batch=batch, rule="sgd", rows=rows, epochs=1)
    return replace(made, sizes=sizes, name="-".join(map(str, sizes)))


AXES = ("width", "depth", "batch", "samples", "threads")


def axes(cores: int) -> dict[str, dict[int, tuple[Workload, int]]]:
    """Return the workload and the number of threads at each place of each axis."""
    widths = (16, 32, 64, 128, 256, 512, 1024)
    batches, samples = (1, 4, 16, 64, 256, 1024), (1024, 2048, 4096, 8192, 16_384)
    return {
        "width": {n: (dense(256, n, n, 10), cores) for n in widths},
        "depth": {n: (dense(256, *[128] * n, 10), cores) for n in (1, 2, 4, 8, 16)},
        "batch": {n: (dense(784, 128, 10, batch=n), cores) for n in batches},
        "samples": {n: (dense(784, 128, 10, rows=n), cores) for n in samples},
        "threads": {n: (dense(784, 512, 512, 10), n) for n in range(1, cores + 1)},
    }


def curves(pool: WorkerPool, settings: Settings, names: Sequence[str]) -> list[Curve]:
    """Return the curves of all peers for some axes; a peer that fails has none."""
    return [
        curve
        for axis, places in axes(machine.cores()).items()
        if axis in names and len(places) > 1
        for curve in of_axis(pool, axis, places, settings)
    ]


def of_axis(
    pool: WorkerPool, axis: str, places: dict[int, tuple[Workload, int]], settings: Settings
) -> list[Curve]:
    """Return the curves of an axis."""
    found: dict[str, list[Spread]] = {key: [] for key in KEYS if peers.installed(key)}
    for w, n in places.values():
        clocks = {key: partial(pool.call, key, with_threads, key, w, n) for key in found}
        values, _ = turns.take(clocks, REPEATS, settings.slow)
        for key, spread in turns.spreads(values).items():
            found[key].append(spread)
    return [
        Curve(axis, key, list(places), many)
        for key, many in found.items()
        if len(many) == len(places)
    ]


def with_threads(key: str, w: Workload, threads: int) -> float:
    """Return a peer's seconds an epoch on some threads, with its first variant (in a worker)."""
    way = {**peers.load(key).variants(w)[0]}
    if "threads" in way:
        way["threads"] = threads
    with threadpoolctl.threadpool_limits(threads):
        return timing.once(key, w, way)


def report(found: Sequence[Curve]) -> str:
    """Return the curves as a table: the milliseconds at each place, and the slope."""
    lines = []
    for curve in found:
        medians = zip(curve.places, curve.seconds, strict=True)
        places = ", ".join(f"{place:,}: {number(1e3 * s.median)}" for place, s in medians)
        lines.append((curve.axis, peers.NAMES[curve.peer], places, f"{curve.slope:.2f}"))
    head = ("cost against", "program", "ms an epoch", "slope")
    return table(head, lines, words=3)


def plot(found: Sequence[Curve], path: Path) -> str:
    """Draw the curves into a file; return what was done."""
    try:
        import matplotlib as mpl  # pyright: ignore[reportMissingImports]

        mpl.use("agg")
        from matplotlib import pyplot as plt  # pyright: ignore[reportMissingImports]
    except ImportError:
        return "no plot: matplotlib is not installed"
    names = list(dict.fromkeys(curve.axis for curve in found))
    figure, panels = plt.subplots(1, len(names), figsize=(3.2 * len(names), 3), squeeze=False)
    for name, panel in zip(names, panels[0], strict=True):
        for curve in (c for c in found if c.axis == name):
            medians = [1e3 * s.median for s in curve.seconds]
            panel.loglog(curve.places, medians, marker="o", label=peers.NAMES[curve.peer])
        panel.set(xlabel=name, ylabel="ms an epoch")
    panels[0][0].legend(fontsize="small")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return f"plot: {path.name}"
