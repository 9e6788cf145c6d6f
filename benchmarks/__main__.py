"""``python -m benchmarks``: start-up, the reference engine beside scikit-learn's MLP, and explain.

Workloads are interleaved, and each figure is the median of its repeats with their spread.
"""

import json
import statistics
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import threadpoolctl
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from chainrule import SGD, Adam, explain, explain_problem, mlp, problem, train
from tools.figures import times_report

REPEATS = 5
ROWS = 16_384
Workload = Callable[[], object]


def median_of(workloads: dict[str, Workload], repeats: int = REPEATS) -> dict[str, list[float]]:
    """Return the seconds of each workload, sorted; the workloads take turns."""
    for work in workloads.values():
        work()  # warm-up
    seconds: dict[str, list[float]] = {name: [] for name in workloads}
    for _ in range(repeats):
        for name, work in workloads.items():
            began = perf_counter()
            work()
            seconds[name].append(perf_counter() - began)
    return {name: sorted(times) for name, times in seconds.items()}


def told(seconds: dict[str, list[float]], *, per: int = 1, unit: str = "ms") -> str:
    """Return a line for each workload: its median, its spread, its ratio to the first."""
    scale = {"ms": 1e3, "µs": 1e6, "s": 1.0}[unit] / per
    first = statistics.median(next(iter(seconds.values())))
    return "\n".join(
        f"  {name:<44}{statistics.median(t) * scale:>10.2f} {unit}"
        f"   {t[0] * scale:.2f} to {t[-1] * scale:.2f}   × {statistics.median(t) / first:.2f}"
        for name, t in seconds.items()
    )


def one_epoch(batch: int) -> dict[str, Workload]:
    """Return an epoch of 784-128-10 here and in scikit-learn: same data, sizes, batches, rule."""
    rng = np.random.default_rng(0)
    X = rng.random((ROWS, 784), dtype=np.float32)
    y = rng.integers(0, 10, ROWS)
    network = mlp(784, 128, 10, activation="relu", loss="softmax-cross-entropy")
    theta = network.initialize(0, np.float32)
    size: Any = batch  # the stubs know only its default, "auto"
    peer = MLPClassifier(
        (128,), solver="sgd", alpha=0, batch_size=size, learning_rate_init=0.01, momentum=0,
        max_iter=1, random_state=0,
    )  # fmt: skip
    rule = SGD(0.01)
    return {
        f"784-128-10, batch {batch}, SGD: reference engine": lambda: train(
            network, X, y, rule, epochs=1, batch=batch, theta=theta
        ).finish(),
        f"784-128-10, batch {batch}, SGD: scikit-learn": lambda: peer.fit(X, y),
    }


def half_adder(epochs: int) -> dict[str, Workload]:
    """Return a run of the half adder, full batch of 4."""
    p = problem("half-adder")
    x, t, _ = p.data()
    return {
        "half adder: reference engine, an epoch": lambda: train(
            p.network, x, t, p.optimizer, epochs=epochs, record_every=epochs
        ).finish()
    }


def worked_examples() -> dict[str, Workload]:
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


def main() -> None:
    """Print every figure."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch is meant
    blas = [
        f"{b['internal_api']} {b.get('architecture', '')}" for b in threadpoolctl.threadpool_info()
    ]
    print("BLAS:", json.dumps(sorted(set(blas))))
    print(f"\nStart-up\n{times_report()}")
    print("\nTraining, an epoch")
    for batch in (32, 128):
        print(told(median_of(one_epoch(batch))))
    print(told(median_of(half_adder(2000), 3), per=2000, unit="µs"))
    print("\nWorked examples")
    print(told(median_of(worked_examples())))


if __name__ == "__main__":
    main()
