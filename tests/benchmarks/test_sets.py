"""Tests of the benchmark on data sets: how its files are read, and what its table contains.

The data sets are invented and tiny; nothing is downloaded.
"""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.sets import __main__ as sets
from benchmarks.sets.data import Data, bundled, pairs
from chainrule import MLPRegressor


def test_pairs_of_lines_are_read(tmp_path: Path):
    file = tmp_path / "set.train"
    file.write_text("2 3 1 \n0.5 0 1 \n0.25 \n1 2 3\n-1 \n")
    X, y = pairs(file)
    assert X.tolist() == [[0.5, 0, 1], [1, 2, 3]]
    assert y.tolist() == [[0.25], [-1]]
    file.write_text("3 3 1\n0.5 0 1\n0.25\n1 2 3\n-1\n")
    with pytest.raises(ValueError, match=r"set.train has the shapes \(2, 3\) and \(2, 1\), not"):
        pairs(file)


def test_differences_are_paired():
    data = Data(np.zeros((1500, 3)), np.zeros(1500), True, {})  # noqa: FBT003
    one = sets.Result("made up", data, [[0.5, 0.7], [0.6, 0.8]], [[4.0, 2.0], [1.0, 2.0]])
    assert sets.row(one) == (
        "made up",
        "1,500 × 3",
        "accuracy",
        "0.6000 ± 0.1414",
        "0.7000 ± 0.1414",
        "+0.1000 ± 0.0000",
        "3.00, 1.50",
        "2.0",
    )


def test_a_missing_set_is_reported(monkeypatch: pytest.MonkeyPatch):
    def nowhere() -> Data:
        raise OSError("there is no such package")

    monkeypatch.setattr(sets, "SETS", {"here": lambda: bundled(load), "there": nowhere})
    found, missing = sets.found_sets(["here", "there"])
    assert list(found) == ["here"]
    assert sets.report([], missing, 3).endswith("Not measured: there: there is no such package.")
    assert "Not measured" not in sets.report([], [], 3)


def load(*, return_X_y: bool) -> tuple[np.ndarray, np.ndarray]:  # noqa: N803 (scikit-learn's name)
    assert return_X_y
    X = np.random.default_rng(0).normal(size=(80, 2))
    return X, 1000 * X[:, 0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_targets_are_scaled_for_both():
    """Without scaling, 60 epochs are too few to reach the size of the targets."""
    data = bundled(load, classes=False, max_iter=60, learning_rate_init=0.01)
    scores = [sets.learned(module, data, 0)[0] for module in sets.MODULES]
    assert min(scores) > 0.9
    assert (
        MLPRegressor(max_iter=60, learning_rate_init=0.01).fit(data.X, data.y).score(data.X, data.y)
        < 0.5
    )
