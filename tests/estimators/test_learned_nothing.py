"""A fit whose predictions are no better than a constant brings a warning."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from chainrule import Constant, CustomLoss, Logistic
from chainrule.estimators import reports
from tests.estimators.data import BINARY, CLASSES, LABELS, NUMBERS, TARGETS, X, quick

IDLE: dict[str, dict[str, Any]] = {
    "weights": {"initializer": Constant(0.0), "alpha": 0.0},
    "rate": {"solver": "adam", "learning_rate_init": 50.0, "hidden_layer_sizes": (3,)},
    "reference": {"initializer": Constant(0.0), "alpha": 0.0, "engine": "reference"},
    "lbfgs": {"initializer": Constant(0.0), "alpha": 0.0, "solver": "lbfgs", "tol": 0.0},
}


def warned(estimator: Any, y: Any, X: Any = X) -> list[str]:
    """Return the warnings of a fit that say that nothing was learned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y)
    texts = [str(one.message) for one in caught if issubclass(one.category, ConvergenceWarning)]
    return [text for text in texts if "learned nothing" in text]


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_equal_weights_learn_nothing(kind: str, early_stopping: bool):
    choices = {**IDLE["weights"], "activation": "relu", "early_stopping": early_stopping}
    (text,) = warned(quick(kind, **choices, max_iter=150), TARGETS[kind])
    assert text.startswith("The network has learned nothing from X: ")
    assert "A reason may be: layer 1: 5 of 5 units" in text
    assert "Remedy: initialize the weights at random" in text
    assert text.endswith("fit with verbose='health' gives the whole report.")


def test_a_large_rate_is_named():
    (text,) = warned(quick("one", **IDLE["rate"], max_iter=150), NUMBERS)
    assert "learning rate of 50" in text
    assert "Remedy: try a learning rate of " in text


def test_the_reference_engine_says_the_same():
    texts = [
        warned(quick("one", **IDLE[n], max_iter=150), NUMBERS) for n in ("weights", "reference")
    ]
    assert texts[0] == texts[1] != []


def test_unrelated_targets_are_named_in_the_order_of_the_rows():
    y = np.sort(np.random.default_rng(1).normal(size=60))
    assert warned(quick("one", max_iter=150, alpha=1e5, learning_rate_init=0.05), y)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_fit_that_learns_brings_no_warning(kind: str, dtype: Any):
    learns = quick(kind, max_iter=150, learning_rate_init=0.02)
    assert warned(learns, TARGETS[kind], X.astype(dtype)) == []


@pytest.mark.parametrize(
    ("choices", "why"),
    [
        ({"max_iter": 6, "initializer": None, "learning_rate_init": 1e-9}, "too short to tell"),
        ({"max_iter": 150, "verbose": "health"}, "the report says it"),
        ({"max_iter": 150, "callbacks": [lambda _, record: record.epoch == 120]}, "was ended"),
    ],
)
def test_what_brings_no_warning(choices: dict[str, Any], why: str):
    assert warned(quick("one", **{**IDLE["weights"], **choices}), NUMBERS) == [], why


def test_equal_targets_and_one_class_bring_no_warning():
    assert warned(quick("one", max_iter=150), np.full(60, 2.0)) == []
    assert warned(quick("binary", max_iter=150), np.repeat(["yes"], 60)) == []


def test_a_loss_of_ones_own_is_judged_by_its_predictions():
    own = CustomLoss("fourth", lambda o, t: (o - t) ** 4, lambda o, t: 4 * (o - t) ** 3)
    (text,) = warned(quick("one", **IDLE["weights"], loss=own, max_iter=3), NUMBERS)
    assert "learned nothing from X: every prediction is " in text
    assert "Remedy: initialize the weights at random" in text
    assert warned(quick("one", loss=own, max_iter=150), NUMBERS) == []


def test_no_report_is_made_if_predictions_are_good(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reports, "diagnose", lambda *_, **__: pytest.fail("a report"))
    for kind, y in (("binary", BINARY), ("classes", CLASSES), ("labels", LABELS)):
        quick(kind, max_iter=150, learning_rate_init=0.02).fit(X, y)


def test_partial_fits_bring_no_warning():
    idle = quick("one", **IDLE["weights"], activation=Logistic())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(120):
            idle.partial_fit(X, NUMBERS)
