"""Half adder and XOR, 20,000 epochs: in a new process from its start, and called once more.

The programs of the new processes are in benchmarks/fresh: each imports what it needs and no more.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import peers, timing, training, turns
from benchmarks.results import Figure, Row
from benchmarks.settings import Settings
from benchmarks.workers import PeerError, WorkerPool
from benchmarks.workloads import TINY_EPOCHS, Workload, data, layers, tiny

PROBLEMS = ("half-adder", "xor")
FRESH = Path(__file__).parent / "fresh"
PROGRAMS = {
    "ours": "with_chainrule.py",
    "torch": "with_torch.py",
    "jax": "with_jax.py",
    "tutorial": "with_numpy.py",
}
LONG = 3.0  # seconds; a program that takes longer is started once, not in turns
SECOND = ("ours", "reference", "torch", "jax", "sklearn", "tutorial")
# Peers whose epochs take a hundred times as long run fewer; these are reported, not extrapolated.
FEWER = {"reference": 2_000, "torch": 1_000, "tutorial": 400}


def rows(pool: WorkerPool, settings: Settings) -> list[Row]:
    """Return the rows of both problems."""
    with tempfile.TemporaryDirectory() as place:
        started = PROBLEMS[:1] if settings.quick else PROBLEMS
        fresh = [new_process(pool, problem, settings, Path(place)) for problem in started]
    second = [
        training.row(pool, tiny(problem), SECOND, settings, "tiny, second call", FEWER)
        for problem in PROBLEMS
    ]
    return [*fresh, *(replace(row, unit="µs", flops=0.0) for row in second)]


# ---- from the start of a new process -------------------------------------------------------------


def new_process(pool: WorkerPool, problem: str, settings: Settings, place: Path) -> Row:
    """Return the seconds of all peers for a whole process, with warm caches."""
    w = tiny(problem)
    given = place / f"{problem}.npz"
    write_inputs(w, given)
    expected = pool.call("reference", timing.trained, "reference", w)[0]
    ways = {
        f"{key}: {name}": command
        for key in PROGRAMS
        for name, command in commands(key, given, place).items()
    }
    first_runs({name: ways[name] for name in ways if name.startswith("ours: ")}, expected)
    first, void = first_runs(ways, expected)  # ours is timed with a warm cache, as after a wheel
    quick = {name: partial(seconds, ways[name]) for name, took in first.items() if took < LONG}
    values, failed = turns.take(quick, 3 if settings.quick else 5, 10 * LONG)
    once = {name: [took] for name, took in first.items() if took >= LONG}
    figures = [best(key, {**values, **once}, {**void, **failed}) for key in PROGRAMS]
    return Row("tiny, new process", f"{problem}, {w.epochs:,} epochs", figures, "s")


def write_inputs(w: Workload, path: Path) -> None:
    """Write data and first weights where every program reads them."""
    x, t = data(w)
    first = {f"W{k}": W for k, (W, _) in enumerate(layers(w), 1)}
    first |= {f"b{k}": b for k, (_, b) in enumerate(layers(w), 1)}
    arrays: Any = {"x": x, "t": t, **first}
    np.savez(path, **arrays)


Command = tuple[list[str], dict[str, str]]


def commands(key: str, given: Path, place: Path) -> dict[str, Command]:
    """Return the ways to start a peer's program: JAX with and without its cache on disk."""
    if not peers.installed(key):
        return {}
    line = [sys.executable, str(FRESH / PROGRAMS[key]), str(given), str(TINY_EPOCHS)]
    if key != "jax":
        return {"as it is": (line, {})}
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(place / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    return {"compiling": (line, {}), "its cache on disk": (line, cache)}


def output(command: Command) -> str:
    """Run a program to its end and return what it printed."""
    line, more = command
    ran = subprocess.run(  # noqa: S603 (our own program)
        line, env={**os.environ, **more}, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise PeerError((ran.stderr.strip().splitlines() or ["it failed"])[-1])
    return ran.stdout


def seconds(command: Command) -> float:
    """Return how long a program takes from its start to its end."""
    return timing.seconds_of(partial(output, command))


def first_runs(
    ways: Mapping[str, Command], expected: float
) -> tuple[dict[str, float], dict[str, str]]:
    """Run every program once, which warms its caches; return seconds, and why others have none.

    The loss after 20,000 epochs is compared, to what rounding leaves of it.
    """
    first: dict[str, float] = {}
    void: dict[str, str] = {}
    for name, command in ways.items():
        began = perf_counter()
        try:
            found = float(output(command).split()[-1])
        except PeerError as error:
            void[name] = str(error)
            continue
        if abs(found - expected) <= 1e-6 * abs(expected):
            first[name] = perf_counter() - began
        else:
            void[name] = f"its loss is {found:.9g}, not {expected:.9g}"
    return first, void


def best(key: str, values: Mapping[str, Sequence[float]], void: Mapping[str, str]) -> Figure:
    """Return the figure of a peer's best program."""
    mine = {name: many for name, many in values.items() if name.startswith(f"{key}: ")}
    reasons = [why for name, why in void.items() if name.startswith(f"{key}: ")]
    spreads = turns.spreads(mine)
    if reasons or not spreads:
        return Figure(key, None, void=reasons[0] if reasons else "not installed")
    name = min(spreads, key=lambda n: spreads[n].median)
    return Figure(key, spreads[name], name.partition(": ")[2], note=f"turns {len(mine[name])}")
