"""Processes from their start: the first one, which compiles, and those after it, which load.

A later one is held against a process that does no more than import Numba and SciPy's BLAS. Training
imports no Numba once its code is on disk, so it can take less.
"""

import sys
import tempfile
from functools import partial

from benchmarks import tiny, turns
from benchmarks.results import Figure, Row
from benchmarks.settings import Settings
from benchmarks.timing import Spread

LONG = 20.0  # seconds; after these, enough turns are measured
IMPORTS = "import numba, numpy, scipy.linalg.blas, scipy.linalg.cython_blas"
TRAINING = """
import numpy as np
from chainrule import SGD, mlp, train
rng = np.random.default_rng(0)
X, y = rng.random((256, 784), dtype=np.float32), rng.integers(0, 10, 256)
net = mlp(784, 128, 10, activation="relu", loss="softmax-cross-entropy")
train(net, X, y, SGD(0.01), epochs=1, batch_size=32).finish()
"""
NAME = "784-128-10, 8 batches, from the start of the process"


def rows(settings: Settings) -> list[Row]:
    """Return the rows: ours in the first process; ours in a later one, and the imports alone."""
    return [first_process(), later_process(settings)]


def first_process() -> Row:
    """Return the row of a process that finds nothing compiled."""
    with tempfile.TemporaryDirectory() as empty:
        took = seconds(TRAINING, CHAINRULE_CACHE_DIR=empty)
    return Row("first process", NAME, [Figure("ours", Spread(took, took, took))], "s")


def later_process(settings: Settings) -> Row:
    """Return the row of a process that finds everything compiled."""
    clocks = {"ours": partial(seconds, TRAINING), "imports": partial(seconds, IMPORTS)}
    _, failed = turns.take(clocks, 1, LONG)  # the first process compiles
    values, late = turns.take(clocks, 3 if settings.quick else 7, LONG)
    found, failed = turns.spreads(values), {**failed, **late}
    figures = [
        Figure(key, found.get(key), void=failed.get(key, ""), note=f"turns {len(values[key])}")
        for key in clocks
    ]
    facts = {} if failed else {"beyond": found["ours"].median - found["imports"].median}
    return Row("second process", NAME, figures, "s", facts=facts)


def seconds(program: str, **environment: str) -> float:
    """Return how long a program takes from the start of its process to the end."""
    return tiny.seconds(([sys.executable, "-c", program], environment))
