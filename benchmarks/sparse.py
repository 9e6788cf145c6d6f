"""``python -m benchmarks.sparse``: time and memory of sparse text, next to scikit-learn's.

Both fit `MLPClassifier((100,))` with default parameters to rows like those of TF-IDF, in turns,
each in a new process that has loaded its libraries. The growth of memory is that of the peak, which
is reset before the fit; this works on Linux only. ``--write`` writes the table to
docs/benchmarks.md.
"""

import argparse
import statistics
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

from benchmarks import machine, memory, regions
from benchmarks.check import tables
from benchmarks.workers import Worker

REGION = "bench-sparse"
MODULES = {"scikit-learn": "sklearn.neural_network", "chainrule": "chainrule"}
MIB = 2**20
WORDS, CLASSES = 78, 20  # a row has about this many entries
HEAD = (
    "samples",
    "seconds an epoch, scikit-learn and chainrule",
    "times as fast",
    "processor seconds",
    "memory growth in MiB, scikit-learn and chainrule",
    "share",
)


class Text(NamedTuple):
    """Rows like those of TF-IDF, and how they are learned.

    Attributes
    ----------
    words : {"uniform", "Zipf"}
        How often each column has an entry: all alike, or the k-th in proportion to 1/k.
    features : int
    epochs : int
    streamed : bool
        Whether `partial_fit` gets 1,000 rows at a time.
    rows : int
    """

    words: str
    features: int
    epochs: int = 2
    streamed: bool = False
    rows: int = 11_000

    @property
    def name(self) -> str:
        """What the table calls them."""
        how = ", partial_fit of 1,000 rows" if self.streamed else ""
        return f"{self.rows:,} × {self.features:,}, {self.words}{how}"


TEXTS = (
    Text("uniform", 130_000),
    Text("Zipf", 130_000),
    Text("Zipf", 130_000, 1, streamed=True),
    Text("uniform", 10_000),
)


class Cost(NamedTuple):
    """What an epoch took: seconds, seconds of all processors, and bytes at the peak."""

    seconds: float
    processor: float
    growth: float


# ---- in a worker ---------------------------------------------------------------------------------


def samples(text: Text) -> tuple[Any, Any]:
    """Return rows in CSR, of length 1 each, and their classes."""
    rng = np.random.default_rng(0)
    u = rng.random(text.rows * WORDS)
    columns = u * text.features if text.words == "uniform" else (text.features + 1) ** u - 1
    rows = np.repeat(np.arange(text.rows), WORDS)
    X = sp.csr_matrix(
        (rng.random(len(u)), (rows, columns.astype(np.int64))), (text.rows, text.features)
    )
    X.data /= np.sqrt(np.repeat(np.asarray(X.multiply(X).sum(axis=1)).ravel(), np.diff(X.indptr)))
    return X, rng.integers(0, CLASSES, text.rows)


def cost(module: str, text: Text) -> Cost:
    """Return what an epoch costs in this process."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # both stop at max_iter alike
    make = import_module(module).MLPClassifier
    few = text._replace(rows=400, features=200)
    learn(make, few, *samples(few))  # libraries, threads and kernels are there now
    X, y = samples(text)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is what there is
    before, began, busy = memory.status("VmHWM"), perf_counter(), process_time()
    learn(make, text, X, y)
    seconds, processor = perf_counter() - began, process_time() - busy
    grown = memory.status("VmHWM") - before
    return Cost(seconds / text.epochs, processor / text.epochs, grown)


def learn(make: Any, text: Text, X: Any, y: Any) -> Any:
    """Return a classifier that has seen all rows as often as there are epochs."""
    model = make((100,), max_iter=text.epochs, random_state=0)
    if not text.streamed:
        return model.fit(X, y)
    for _ in range(text.epochs):
        for k in range(0, len(y), 1000):
            model.partial_fit(X[k : k + 1000], y[k : k + 1000], classes=np.arange(CLASSES))
    return model


# ---- the table -----------------------------------------------------------------------------------


def costs(text: Text, repeats: int) -> dict[str, list[Cost]]:
    """Return the costs of both, in turns."""
    found: dict[str, list[Cost]] = {name: [] for name in MODULES}
    for _ in range(repeats):
        for name, module in MODULES.items():
            with Worker() as worker:
                found[name].append(worker.call(cost, module, text))
    return found


def row(text: Text, found: dict[str, list[Cost]]) -> tuple[str, ...]:
    """Return the table's row: medians of both, and the ratios of them."""
    theirs, ours = (
        Cost(*(statistics.median(column) for column in zip(*found[name], strict=True)))
        for name in MODULES
    )
    return (
        text.name,
        f"{theirs.seconds:.2f}, {ours.seconds:.2f}",
        f"{theirs.seconds / ours.seconds:.1f}",
        f"{theirs.processor:.2f}, {ours.processor:.2f}",
        f"{theirs.growth / MIB:.0f}, {ours.growth / MIB:.0f}",
        f"{ours.growth / theirs.growth:.2f}",
    )


def report(rows: Sequence[tuple[str, ...]], repeats: int) -> str:
    """Return the table with what has to be known about it."""
    return (
        f"{WORDS} words a row or fewer, {CLASSES} classes, `MLPClassifier((100,))` with default "
        f"parameters, medians of {repeats} turns; {machine.as_text(machine.described())}.\n\n"
        f"{tables.markdown(HEAD, rows)}"
    )


def main(words: Sequence[str] | None = None) -> None:
    """Print the table, and write it if requested."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sparse", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="turns of both")
    parser.add_argument("--only", nargs="+", type=int, choices=range(len(TEXTS)), help="rows")
    parser.add_argument(
        "--write", action="store_true", help="write the table to docs/benchmarks.md"
    )
    arguments = parser.parse_args(words)
    if arguments.write and arguments.only:
        parser.error("--write requires all rows; remove --only")
    rows: list[tuple[str, ...]] = []
    for text in [TEXTS[k] for k in arguments.only] if arguments.only else TEXTS:
        print(f"  {text.name}", file=sys.stderr, flush=True)
        rows.append(row(text, costs(text, arguments.repeats)))
        print(tables.table(HEAD, rows[-1:]), flush=True)
    text = report(rows, arguments.repeats)
    print(f"\n{text}")
    if arguments.write:
        regions.write(regions.PAGE, REGION, text)


if __name__ == "__main__":
    main()
