"""Where a batch's time goes: each stage of one thread's share, timed by itself, and the whole.

What the whole takes beyond its stages is waiting: for the other threads, and for what they wrote.
"""

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from benchmarks import timing
from benchmarks.check.tables import table
from benchmarks.peers import ours
from benchmarks.tables import number
from benchmarks.workers import WorkerPool
from benchmarks.workloads import Workload, data, images, layers, network

PROFILED = (
    images(128, batch=32, rule="sgd"),
    images(512, 512, batch=128, rule="sgd", epochs=1),
    images(512, 512, batch=128, rule="adam", epochs=1),
)
TURNS, BATCHES = 40, 64
LINE = 16  # units of a layer are shared in multiples of it
HEAD = ("stage", "µs", "of the GEMM rate", "MB", "GB/s")


class Stage(NamedTuple):
    """A stage of a thread's share of a batch.

    Attributes
    ----------
    name : str
    seconds : float
    macs : int
        Multiplications of its product, 0 where it has none.
    size : int
        Bytes that it reads or writes, each counted once.
    """

    name: str
    seconds: float
    macs: int
    size: int


class Profile(NamedTuple):
    """The stages of a batch, the seconds of the whole on all threads, and how many there are."""

    stages: list[Stage]
    whole: float
    threads: int


# ---- in a worker ---------------------------------------------------------------------------------


class Running:
    """A run that has been prepared, whose kernels are called one by one."""

    def __init__(self, w: Workload) -> None:
        from chainrule.batch import Batch
        from chainrule.compiled.engine import Kernel
        from chainrule.compiled.threads import allowed
        from chainrule.loops import Batches, State

        self.w, self.threads, (x, y) = w, allowed(), data(w)
        batch = Batch(x, np.eye(w.sizes[-1], dtype=x.dtype)[y], None, float(len(x)))
        rule, cut = ours.optimizer(w), Batches(w.batch)
        self.kernel = Kernel(network(w), rule, batch, cut, self.threads)
        theta = ours.start(network(w), layers(w))
        slots, orders = np.zeros((2, len(theta)), x.dtype), cut.order(w.rows, w.seed, 0)
        state = State(theta, 0, tuple(slots), w.seed)
        self.alive = self.kernel.prepare(theta, tuple(slots), orders, state, BATCHES), orders

    def whole(self) -> float:
        """Return the seconds of a batch, of many in one call on all threads."""
        from chainrule.compiled.threads import run_together, single_blas

        kernel = self.kernel
        kernel.fixed["barrier"][:] = 0
        program = partial(kernel.run, kernel.at)
        with single_blas():
            run = partial(run_together, lambda rank: program(rank, kernel.ranks), kernel.ranks)
            return timing.seconds_of(lambda: run(lambda: None)) / BATCHES

    def stages(self) -> list[Stage]:
        """Return the stages, the time of a call that does nothing taken off."""
        from chainrule.compiled.threads import single_blas

        self.whole()
        nothing = (
            "nothing",
            self.calling("layer_kernels.dense_derive", 0, 0, rank=self.threads),
            0,
            0,
        )
        calls = [nothing, nothing, *self.calls()]  # the first one of a turn is cold
        seconds: list[list[float]] = [[] for _ in calls]
        with single_blas():
            for turn in range(TURNS):
                for taken, (_, call, _, _) in zip(seconds, calls, strict=True):
                    taken.append(timing.seconds_of(partial(call, turn)))
        _, empty, *medians = map(median, seconds)
        size = np.dtype(self.w.dtype).itemsize
        return [
            Stage(name, took - empty, macs, size * count)
            for (name, _, macs, count), took in zip(calls[2:], medians, strict=True)
        ]

    def calls(self) -> Iterator[tuple[str, Callable[[int], Any], int, int]]:
        """Yield the last thread's stages in their order: name, call, products, numbers."""
        n, sizes = self.w.batch, self.w.sizes
        slots = {"sgd": 0, "adam": 2}[self.w.rule]
        yield "gather", self.gathering(), 0, 2 * self.share(n, 1) * sizes[0]
        places = range(len(sizes) - 1)
        own = [self.share(size, LINE) for size in sizes]  # units, and inputs of the layer above
        for p in places:
            d, k = sizes[p], own[p + 1]
            yield f"forward {p + 1}", self.forward(p), n * d * k, d * k + n * d + 2 * n * k
        for p in reversed(places):
            d, k = sizes[p], own[p + 1]
            yield f"derive {p + 1}", self.calling("layer_kernels.dense_derive", p, n), 0, 4 * n * k
            if p > 0:
                backward, mine, all_units = "layer_kernels.dense_backward", own[p], sizes[p + 1]
                touched = mine * all_units + n * all_units + n * mine
                yield (
                    f"backward {p + 1}",
                    self.calling(backward, p, n),
                    n * mine * all_units,
                    touched,
                )
            touched = (2 + 2 * slots) * d * k + n * k + n * d
            yield f"change {p + 1}", self.changing(p), n * d * k, touched

    def share(self, count: int, unit: int) -> int:
        """Return how much of something the last thread owns, in multiples of a unit."""
        parts = -(-count // unit)
        return count - parts * (self.threads - 1) // self.threads * unit

    def calling(self, name: str, *words: int, rank: int | None = None) -> Callable[[int], Any]:
        """Return a call of a kernel for a thread's share, the last one's by default."""
        from chainrule.compiled.kernel_loader import Program, kernel

        whose = self.threads - 1 if rank is None else rank
        program = Program(kernel(name, self.kernel.dtype), len(words) + 3)
        return lambda _: program(self.kernel.at, *words, whose, self.threads)

    def gathering(self) -> Callable[[int], Any]:
        """Return a call that gathers another batch every time."""
        from chainrule.compiled.kernel_loader import Program, kernel

        program, n = Program(kernel("layer_kernels.gather", self.kernel.dtype), 8), self.w.batch
        whose = self.threads - 1, self.threads
        return lambda turn: program(self.kernel.at, 0, turn * n, n, 0, 0, *whose)

    def forward(self, place: int) -> Callable[[int], Any]:
        """Return a call of a layer forward, the first one's x having been gathered."""
        return self.calling(
            "layer_kernels.dense_forward", place, *self.input_of(place), self.w.batch, 0
        )

    def changing(self, place: int) -> Callable[[int], Any]:
        """Return a call of a layer's change."""
        return self.calling("updates.change", place, *self.input_of(place), self.w.batch, 0, 0)

    def input_of(self, place: int) -> tuple[int, int, int]:
        """Return where a layer's x is: in the workspace, where there, and how long its rows are."""
        from chainrule.compiled.kernels.network_table import X

        return 0, int(self.kernel.tables.layers[place][X]), self.w.sizes[place]


def profile(w: Workload) -> Profile:
    """Return the profile of a workload."""
    run = Running(w)
    return Profile(run.stages(), median(run.whole() for _ in range(9)), run.threads)


# ---- as text -------------------------------------------------------------------------------------


def report(pool: WorkerPool) -> str:
    """Return the profiles of some workloads as tables."""
    rate = max(pool.call("gemm", timing.gemm, which) for which in ("numpy", "scipy"))
    profiles = (profile_text(w, pool.call("ours", profile, w), rate) for w in PROFILED)
    head = f"Where a batch's time goes, the last thread's share; SGEMM {rate / 1e9:.0f} GFLOP/s"
    return "\n\n".join([head, *profiles])


def profile_text(w: Workload, found: Profile, rate: float) -> str:
    """Return a workload's profile as a table."""
    stages = sum(stage.seconds for stage in found.stages)
    lines = [line(stage, rate / found.threads) for stage in found.stages]
    macs = sum(stage.macs for stage in found.stages)
    lines += [
        line(
            Stage("all stages", stages, macs, sum(s.size for s in found.stages)),
            rate / found.threads,
        ),
        ("waiting, and what others wrote", number(1e6 * (found.whole - stages)), "", "", ""),
        line(
            Stage(f"whole batch, threads: {found.threads}", found.whole, macs, 0),
            rate / found.threads,
        ),
    ]
    return f"{w.name}\n{table(HEAD, lines, words=1)}"


def line(stage: Stage, rate: float) -> tuple[str, ...]:
    """Return a stage as a line; `rate` is one thread's share of the machine's."""
    share = 2 * stage.macs / stage.seconds / rate
    return (
        stage.name,
        number(1e6 * stage.seconds),
        f"{share:.0%}" if stage.macs else "",
        number(stage.size / 1e6) if stage.size else "",
        number(stage.size / stage.seconds / 1e9) if stage.size else "",
    )
