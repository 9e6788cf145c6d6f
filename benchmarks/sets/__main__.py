"""``python -m benchmarks.sets``: the same script with both imports, on eight real data sets.

Each seed splits the data and initializes both estimators, so the scores are paired. ``--write``
writes the table to docs/benchmarks.md.
"""

import argparse
import statistics
import warnings
from collections.abc import Iterator
from time import perf_counter
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import sklearn.neural_network
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule
from benchmarks import regions
from benchmarks.check import tables
from benchmarks.sets.data import SETS, Data

REGION = "bench-sets"
MODULES: tuple[ModuleType, ...] = (sklearn.neural_network, chainrule)
HEAD = (
    "data",
    "rows × columns",
    "score",
    "scikit-learn",
    "chainrule",
    "difference",
    "seconds each",
    "times as fast",
)


class Result(NamedTuple):
    """A set's scores and seconds, of both."""

    name: str
    data: Data
    scores: list[list[float]]
    seconds: list[list[float]]


def learned(module: Any, data: Data, seed: int) -> tuple[float, float]:
    """Return the score on the fourth that was held out, and the seconds that fitting took."""
    make = module.MLPClassifier if data.classes else module.MLPRegressor
    stratify = data.y if data.classes else None
    X, X_test, y, y_test = train_test_split(
        data.X, data.y, test_size=0.25, random_state=seed, stratify=stratify
    )
    model = make_pipeline(StandardScaler(), make(random_state=seed, **data.settings))
    if not data.classes:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    begin = perf_counter()
    model.fit(X, y)
    seconds = perf_counter() - begin
    return model.score(X_test, y_test), seconds


def found_sets(names: list[str]) -> tuple[dict[str, Data], list[str]]:
    """Return the sets that there are, and why others are not."""
    found: dict[str, Data] = {}
    missing: list[str] = []
    for name in names:
        try:
            found[name] = SETS[name]()
        except (OSError, ImportError) as error:
            missing.append(f"{name}: {error}")
    return found, missing


def results(sets: dict[str, Data], seeds: int) -> Iterator[Result]:
    """Learn every set with every seed, by turns."""
    for name, data in sets.items():
        for module in MODULES:  # whatever is loaded or compiled once
            few = data._replace(X=data.X[:500], y=data.y[:500], settings={"max_iter": 2})
            learned(module, few, 0)
        found = [[learned(module, data, seed) for module in MODULES] for seed in range(seeds)]
        scores = [[pair[i][0] for pair in found] for i in range(2)]
        seconds = [[pair[i][1] for pair in found] for i in range(2)]
        yield Result(name, data, scores, seconds)


def row(one: Result) -> tuple[str, ...]:
    """Return the table's row of a data set."""
    theirs, ours = one.scores
    gap = np.subtract(ours, theirs)
    slow, fast = (statistics.median(times) for times in one.seconds)
    n, d = one.data.X.shape
    return (
        one.name,
        f"{n:,} × {d}",
        "accuracy" if one.data.classes else "R²",
        spread(theirs),
        spread(ours),
        f"{gap.mean():+.4f} ± {gap.std(ddof=1) / len(gap) ** 0.5:.4f}",
        f"{slow:.2f}, {fast:.2f}",
        f"{slow / fast:.1f}",
    )


def spread(scores: list[float]) -> str:
    """Return the mean of scores and their standard deviation."""
    return f"{statistics.mean(scores):.4f} ± {statistics.stdev(scores):.4f}"


def report(rows: list[tuple[str, ...]], missing: list[str], seeds: int) -> str:
    """Return the table with what has to be known about it."""
    introduction = (
        "The same script with both imports: standardized inputs (and targets of regression), "
        f"default parameters except `max_iter`, {seeds} seeds, a quarter of the data held out. "
        "Scores are means ± standard deviations; the difference is paired, ± its standard error; "
        "seconds are medians of `fit`, alternating in one run.\n\n"
    )
    left_out = f"\n\nNot measured: {'; '.join(missing)}." if missing else ""
    return introduction + tables.markdown(HEAD, rows) + left_out


def main() -> None:
    """Print the table, and write it if requested."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sets", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument(
        "--write", action="store_true", help="write the table to docs/benchmarks.md"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # both stop at max_iter alike
    sets, missing = found_sets(arguments.only)
    rows: list[tuple[str, ...]] = []
    for one in results(sets, arguments.seeds):
        rows.append(row(one))
        print(" | ".join(rows[-1]), flush=True)
    text = report(rows, missing, arguments.seeds)
    print(text)
    if arguments.write:
        regions.write(regions.PAGE, REGION, text)


if __name__ == "__main__":
    main()
