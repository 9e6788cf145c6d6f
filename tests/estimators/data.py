"""Data shared by the tests of estimators, and estimators that fit them quickly."""

from collections.abc import Iterable, Mapping
from itertools import cycle, islice, product
from typing import Any

import numpy as np

from chainrule import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(7)
N = 60
X = RNG.normal(size=(N, 4))
SCORE = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3 * RNG.normal(size=N)
BINARY = np.where(SCORE > 0, "yes", "no")
CLASSES = np.digitize(SCORE, [-1.0, 1.0])  # three of them
LABELS = np.column_stack([SCORE > 0, X[:, 0] > 0, X[:, 1] > 0]).astype(int)
NUMBERS = SCORE
MANY = np.column_stack([SCORE, X[:, 0] ** 2, -SCORE])

TARGETS = {"binary": BINARY, "classes": CLASSES, "labels": LABELS, "one": NUMBERS, "many": MANY}
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (5,),
    "random_state": 3,
    "max_iter": 6,
    "n_iter_no_change": np.inf,
}


def quick(kind: str, **choices: Any) -> Any:
    """Return an estimator for a kind of targets, with a few epochs."""
    estimator = MLPRegressor if kind in ("one", "many") else MLPClassifier
    return estimator(**{**QUICK, **choices})


def bytes_of(estimator: Any) -> bytes:
    """Return the weights of an estimator as bytes."""
    return estimator.theta_.tobytes()


def rows(axes: Mapping[str, Iterable[Any]], *, full: bool) -> list[tuple[Any, ...]]:
    """Return all combinations of values, or as few rows as contain every value."""
    values = [list(axis) for axis in axes.values()]
    if full:
        return list(product(*values))
    return list(islice(zip(*map(cycle, values), strict=True), max(map(len, values))))
