"""Streaming: the memory of a fit on 3 million rows from a file, and its speed against memory.

``python -m benchmarks.streaming`` prints both; ``--quick`` takes fewer rows. The speed is that of
whole epochs of `fit`, with reading, preparing and checking the rows: fits on the stream and on
arrays in memory alternate, and the ratio is that of their medians. Learning the preparation is in
neither.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import flights
from benchmarks.workers import Worker
from chainrule import MLPClassifier
from chainrule.data import Preparation, Stream, Table, open_stream, read

NUMBERS = ("month", "weekday", "hour", "minute", "distance")
PLACES = ("origin", "destination")
MB, GROWTH, RATIO = 1e6, 150, 1.15  # what is asked for: megabytes, and how much slower
POINTS = 20  # of the memory curve that are printed
PROC = Path("/proc/self")


class Case(NamedTuple):
    """Columns, a network and a number of rows."""

    name: str
    columns: tuple[str, ...]
    hidden: tuple[int, ...]
    rows: int


CASES = (
    Case("5 numbers, 64-64", NUMBERS, (64, 64), 3_000_000),
    Case("5 numbers, 16", NUMBERS, (16,), 3_000_000),
    Case("5 numbers, 2 × 229 airports, 64", NUMBERS + PLACES, (64,), 300_000),
)


def model(case: Case, epochs: int) -> MLPClassifier:
    """Return an estimator that trains for so many epochs."""
    return MLPClassifier(
        case.hidden, max_iter=epochs, n_iter_no_change=epochs + 1, batch_size=256, random_state=0
    )


def learn(case: Case, source: Stream | Table) -> Preparation:
    """Return the preparation of a case."""
    return Preparation.learn(source, "late", columns=case.columns, dtype="float32")


# ---- memory -------------------------------------------------------------------------------------


class Curve(NamedTuple):
    """Memory beyond that at the beginning, in bytes, over the seconds of a fit."""

    seconds: list[float]
    grown: list[float]
    peak: float


def memory(path: Path, small: Path, case: Case, epochs: int) -> Curve:
    """Return the memory curve of learning and fitting a stream, after a small one was fitted."""
    warnings.simplefilter("ignore")
    fit_stream(open_stream(small), case, 1)  # libraries, threads and kernels are there now
    PROC.joinpath("clear_refs").write_text("5")  # the peak is what there is
    before, began, done = status("VmHWM"), time.perf_counter(), threading.Event()
    curve = Curve([], [], 0.0)

    def watch() -> None:
        while not done.wait(0.05):
            curve.seconds.append(time.perf_counter() - began)
            curve.grown.append(status("VmRSS") - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    fit_stream(open_stream(path), case, epochs)
    done.set()
    watcher.join()
    return curve._replace(peak=status("VmHWM") - before)


def fit_stream(stream: Stream, case: Case, epochs: int) -> None:
    """Learn the preparation from a stream, and fit it."""
    model(case, epochs).fit(stream.chunks(learn(case, stream)))


def status(name: str) -> float:
    """Return a number of /proc/self/status in bytes."""
    lines = PROC.joinpath("status").read_text().splitlines()
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def print_curve(name: str, curve: Curve) -> None:
    """Print some points of a memory curve, and its peak."""
    print(f"memory, {name}: megabytes beyond those at the beginning")
    places = np.linspace(0, len(curve.seconds) - 1, min(POINTS, len(curve.seconds))).astype(int)
    for place in places:
        grown = curve.grown[place] / MB
        print(f"  {curve.seconds[place]:7.1f} s {grown:7.1f}  {'#' * max(0, round(grown / 4))}")
    print(f"  peak {curve.peak / MB:.1f} MB (asked for: at most {GROWTH})")


# ---- speed --------------------------------------------------------------------------------------


def seconds(run: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def speed(path: Path, case: Case, epochs: int, repeats: int) -> tuple[float, float]:
    """Return the median seconds of an epoch in memory, and on the stream."""
    warnings.simplefilter("ignore")
    table = read(path)
    preparation = learn(case, table)
    X, y = preparation.transform(table), preparation.targets(table)
    chunks = open_stream(path).chunks(preparation)
    ways = (lambda: model(case, epochs).fit(X, y), lambda: model(case, epochs).fit(chunks))
    times = [[seconds(way) / epochs for way in ways] for _ in range(repeats + 1)][1:]
    in_memory, streamed = (statistics.median(column) for column in zip(*times, strict=True))
    return in_memory, streamed


def some_rows(path: Path, rows: int, folder: Path) -> Path:
    """Return a file with the first rows of another."""
    import pyarrow.parquet as pq

    to = folder / f"{rows}.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, rows), to, row_group_size=2**16)
    return to


def main() -> None:
    """Print the memory curve and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    path = flights.flights()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cases = [case._replace(rows=case.rows // 10) for case in CASES] if options.quick else CASES
        small = some_rows(path, 20_000, folder)
        whole = some_rows(path, 300_000, folder) if options.quick else path
        with Worker() as worker:
            case = cases[-1]
            curve = worker.call(memory, whole, small, case, options.epochs)
        print_curve(f"{case.name}, {'300,000' if options.quick else '3,000,000'} rows", curve)
        slow = [report(case, some_rows(path, case.rows, folder), options) for case in cases]
    sys.exit(curve.peak > GROWTH * MB or any(slow))


def report(case: Case, path: Path, options: argparse.Namespace) -> bool:
    """Print the ratio of a case; return whether the stream is slower than asked for."""
    with Worker() as worker:
        in_memory, streamed = worker.call(speed, path, case, options.epochs, options.repeats)
    ratio = streamed / in_memory
    print(
        f"speed, {case.name}, {case.rows:,} rows: {in_memory:.2f} s an epoch in memory, "
        f"{streamed:.2f} s on the stream, ratio {ratio:.2f} (asked for: at most {RATIO})"
    )
    return ratio > RATIO


if __name__ == "__main__":
    main()
