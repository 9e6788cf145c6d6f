"""Warm start: a epochs followed by b epochs give the same bits as a + b epochs.

Also what it refuses, and that a fresh fit forgets.
"""

from typing import Any

import numpy as np
import pytest

from chainrule import Adam, CosineDecay, ExponentialDecay, MLPClassifier
from tests.estimators.data import TARGETS, X, bytes_of, quick

WAYS: dict[str, dict[str, Any]] = {
    "adam": {},
    "batches": {"batch_size": 7},
    "momentum": {"solver": "sgd", "batch_size": 7, "learning_rate_init": 0.05},
    "dropout": {"dropout": 0.4, "batch_size": 7},
    "rmsprop": {"solver": "rmsprop", "batch_size": 7},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "batch_size": 7},
    "exponential": {"learning_rate": "exponential", "batch_size": 7},
    "schedule": {"solver": "adamw", "learning_rate": CosineDecay(0.05, steps=60), "batch_size": 7},
    "object": {"solver": Adam(ExponentialDecay(0.02, 0.99)), "batch_size": 7},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "n_iter_no_change": 1,
        "tol": 0.5,
        "learning_rate_init": 0.1,
    },
    "early stopping": {"early_stopping": True, "batch_size": 7},
    "layer norm, clip": {"layer_norm": True, "clip": 0.1, "l1": 1e-3},
    "rule": {"n_iter_no_change": 30},
    "reference": {"engine": "reference", "batch_size": 7, "dropout": 0.2},
}


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("way", WAYS)
def test_a_then_b_is_a_plus_b(way: str, kind: str):
    y = TARGETS[kind]
    whole = quick(kind, max_iter=11, **WAYS[way]).fit(X, y)
    parts = quick(kind, max_iter=4, warm_start=True, **WAYS[way]).fit(X, y)
    after_four = bytes_of(parts)
    parts.set_params(max_iter=7).fit(X, y)
    assert bytes_of(parts) == bytes_of(whole)
    assert bytes_of(parts) != after_four or way == "early stopping"
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.validation_scores_ == whole.validation_scores_
    assert (parts.n_iter_, whole.n_iter_) == (7, 11)
    assert parts.t_ == whole.t_


def test_the_adaptive_rate_did_fall():
    whole = quick("one", max_iter=11, **WAYS["adaptive"]).fit(X, TARGETS["one"])
    assert whole._history.learning_rate is not None
    assert whole._history.learning_rate < 0.1


def test_training_continues_from_weights_changed_by_hand():
    first = quick("one", warm_start=True).fit(X, TARGETS["one"])
    other = quick("one", warm_start=True).fit(X, TARGETS["one"])
    other.coefs_[0][0, 0] += 1
    for fitted in (first, other):
        fitted.fit(X, TARGETS["one"])
    assert abs(other.coefs_[0][0, 0] - first.coefs_[0][0, 0]) > 0.5


def test_a_fresh_fit_forgets():
    fitted = quick("classes").fit(X, TARGETS["classes"])
    before = bytes_of(fitted)
    assert bytes_of(fitted.fit(X, TARGETS["classes"])) == before
    assert len(fitted.loss_curve_) == 6


def test_other_layers_raise_an_error():
    fitted = quick("one", warm_start=True).fit(X, TARGETS["one"])
    before = dict(vars(fitted))
    fitted.set_params(hidden_layer_sizes=(6,))
    with pytest.raises(ValueError, match="set warm_start=False"):
        fitted.fit(X, TARGETS["one"])
    assert vars(fitted) == {**before, "hidden_layer_sizes": (6,)}


def test_another_solver_starts_its_averages_from_zero():
    fitted = quick("one", warm_start=True).fit(X, TARGETS["one"])
    loss = fitted.loss_
    fitted.set_params(solver="sgd", max_iter=50).fit(X, TARGETS["one"])
    assert fitted.loss_ < loss
    fitted.set_params(solver="lbfgs").fit(X, TARGETS["one"])
    assert len(fitted.loss_curve_) > 56


def test_other_classes_raise_an_error():
    fitted = MLPClassifier((3,), max_iter=2, warm_start=True).fit(X, TARGETS["binary"])
    with pytest.raises(ValueError, match="classes not in"):
        fitted.fit(X, TARGETS["classes"].astype(str))


def test_partial_fit_is_one_epoch_of_fit():
    whole = quick("classes", max_iter=3, batch_size=7, dropout=0.2).fit(X, TARGETS["classes"])
    parts = quick("classes", batch_size=7, dropout=0.2)
    for _ in range(3):
        parts.partial_fit(X, TARGETS["classes"], classes=[0, 1, 2])
    assert bytes_of(parts) == bytes_of(whole)
    assert parts.n_iter_ == 1


def test_initialize_draws_what_fit_begins_with():
    drawn = quick("many", warm_start=True).initialize(X, TARGETS["many"])
    assert drawn.loss_curve_ == []
    before = drawn.predict(X)
    assert np.isfinite(before).all()
    fresh = quick("many").fit(X, TARGETS["many"])
    assert bytes_of(drawn.fit(X, TARGETS["many"])) == bytes_of(fresh)
    assert not np.array_equal(before, drawn.predict(X))
