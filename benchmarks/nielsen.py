"""Nielsen's [784, 30, 10] on MNIST, as his first chapter trains it, with several seeds.

Thirty epochs of SGD at 3.0 in batches of 10, squared error, logistic units, weights and biases
from N(0, 1), 50,000 pictures to train on. He reports 95.42 % at best, of one run.
"""

import statistics
from typing import NamedTuple

import numpy as np

from benchmarks import mnist
from benchmarks.settings import Settings
from benchmarks.workers import WorkerPool
from chainrule import SGD, mlp, train

SEEDS = range(5)
EPOCHS, BATCH, RATE, ROWS = 30, 10, 3.0, 50_000
PUBLISHED = 0.9542


class Accuracy(NamedTuple):
    """The share of test pictures that are right: at the best of all epochs, and at the last."""

    best: float
    last: float


def accuracy(seed: int) -> Accuracy:
    """Train once (in a worker)."""
    X, y, X_test, y_test = mnist.load()
    network = mlp(784, 30, 10, activation="logistic", loss="squared-error")
    theta = np.random.default_rng(seed).standard_normal(len(network.initialize(0)))
    run = train(
        network,
        X[:ROWS],
        np.eye(10, dtype=np.float32)[y[:ROWS]],
        SGD(RATE),
        epochs=EPOCHS,
        batch_size=BATCH,
        seed=seed,
        theta=theta.astype(np.float32),
    )
    shares = [float((run.predict(X_test).argmax(axis=1) == y_test).mean()) for _ in run]
    return Accuracy(max(shares), shares[-1])


def report(pool: WorkerPool, settings: Settings) -> str:
    """Return the accuracies of all seeds in words."""
    if why := mnist.missing():
        return f"Nielsen's network: {why}"
    found = [pool.call("ours", accuracy, seed) for seed in SEEDS]
    lines = [f"Nielsen's [784, 30, 10], {len(found)} seeds, test accuracy (he: {PUBLISHED:.2%}):"]
    for name in Accuracy._fields:
        shares = [getattr(one, name) for one in found]
        lines.append(
            f"  {name:<5} epoch: mean {statistics.mean(shares):.2%}, standard deviation "
            f"{statistics.stdev(shares):.2%}, {min(shares):.2%} to {max(shares):.2%}"
        )
    return "\n".join(lines)
