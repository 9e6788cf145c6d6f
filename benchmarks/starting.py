"""The second process: what training adds to a start that imports Numba and SciPy's BLAS anyway.

The first process has compiled; the caches are warm.
"""

import sys
from functools import partial

from benchmarks import tiny, turns
from benchmarks.results import Figure, Row
from benchmarks.settings import Settings

LONG = 20.0  # seconds; enough turns after so many
IMPORTS = "import numba, numpy, scipy.linalg.blas, scipy.linalg.cython_blas"
TRAINING = """
import numpy as np
from chainrule import SGD, mlp, train
rng = np.random.default_rng(0)
X, y = rng.random((256, 784), dtype=np.float32), rng.integers(0, 10, 256)
net = mlp(784, 128, 10, activation="relu", loss="softmax-cross-entropy")
train(net, X, y, SGD(0.01), epochs=1, batch=32).finish()
"""


def rows(settings: Settings) -> list[Row]:
    """Return the row: ours in all, and the imports alone."""
    clocks = {"ours": partial(seconds, IMPORTS + TRAINING), "imports": partial(seconds, IMPORTS)}
    _, died = turns.take(clocks, 1, LONG)  # the first process compiles
    values, late = turns.take(clocks, 3 if settings.quick else 7, LONG)
    found, died = turns.spreads(values), {**died, **late}
    figures = [
        Figure(key, found.get(key), void=died.get(key, ""), note=f"turns {len(values[key])}")
        for key in clocks
    ]
    facts = {} if died else {"beyond": found["ours"].median - found["imports"].median}
    name = "784-128-10, 8 batches, from the start of the process"
    return [Row("second process", name, figures, "s", facts=facts)]


def seconds(program: str) -> float:
    """Return how long a program takes from the start of its process to the end."""
    return tiny.seconds(([sys.executable, "-c", program], {}))
