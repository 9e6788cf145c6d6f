"""Measures start-up times and the creation of worked examples, without peers."""

import statistics
from collections.abc import Callable
from time import perf_counter

import numpy as np

from chainrule import Adam, explain, explain_problem, mlp, problem
from tools.figures import times_report

REPEATS = 5
Work = Callable[[], object]


def report() -> str:
    """Return start-up times and worked examples in words."""
    return f"{times_report()}\n\nWorked examples\n{as_text(median_of(worked_examples()))}"


def median_of(works: dict[str, Work], repeats: int = REPEATS) -> dict[str, list[float]]:
    """Return the seconds of each work, sorted; they take turns."""
    for work in works.values():
        work()  # warm-up
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            began = perf_counter()
            work()
            seconds[name].append(perf_counter() - began)
    return {name: sorted(times) for name, times in seconds.items()}


def as_text(seconds: dict[str, list[float]]) -> str:
    """Return a line for each work: its median and its spread."""
    return "\n".join(
        f"  {name:<44}{statistics.median(t) * 1e3:>10.2f} ms"
        f"   {t[0] * 1e3:.2f} to {t[-1] * 1e3:.2f}"
        for name, t in seconds.items()
    )


def worked_examples() -> dict[str, Work]:
    """Return the making of worked examples, of a large network too."""
    rng = np.random.default_rng(0)
    large = mlp(784, 128, 10, activation="relu", loss="softmax-cross-entropy")
    given = large, large.initialize(0), rng.random((32, 784)), rng.integers(0, 10, 32), Adam()
    return {
        "explain 784-128-10, batch 32: summary": lambda: explain(*given),
        "explain 784-128-10, batch 32: W2[7,3]": lambda: explain(*given, parameter="W2[7,3]"),
        "explain 784-128-10, batch 32: W1[5,300]": lambda: explain(*given, parameter="W1[5,300]"),
        "explain mazur": lambda: explain_problem(problem("mazur")),
        "explain half-adder": lambda: explain_problem(problem("half-adder")),
    }
