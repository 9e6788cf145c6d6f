"""Warm start: a epochs followed by b epochs give the same bits as a + b epochs.

Also what it refuses, and that a fresh fit forgets.
"""

import copy
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network

from chainrule import Adam, CosineDecay, ExponentialDecay, MLPClassifier, MLPRegressor
from chainrule.lbfgs_search import CurvatureMemory
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
    before = bytes_of(fitted)
    theirs = neural_network.MLPClassifier((3,), max_iter=2, warm_start=True)
    theirs.fit(X, TARGETS["binary"])
    for y in (TARGETS["classes"].astype(str), np.append(TARGETS["binary"][:59], "maybe")):
        with pytest.raises(ValueError, match="warm_start can only be used where") as said:
            theirs.fit(X, y)
        with pytest.raises(ValueError, match="warm_start can only be used where") as caught:
            fitted.fit(X, y)
        assert str(caught.value).startswith(str(said.value))
        assert str(caught.value).endswith(
            "set warm_start=False, or leave the rows of new classes out"
        )
    assert bytes_of(fitted) == before


def test_fewer_classes_are_accepted():
    fitted = quick("classes", warm_start=True).fit(X, TARGETS["classes"])
    some = TARGETS["classes"] < 2
    assert fitted.fit(X[some], TARGETS["classes"][some]).predict_proba(X).shape == (60, 3)


OTHER_TASKS: dict[str, dict[str, Any]] = {
    "adam": {},
    "early stopping": {"early_stopping": True},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.01},
}


@pytest.mark.parametrize("task", OTHER_TASKS)
def test_other_data_begin_the_stopping_rule_anew(task: str):
    """scikit-learn stops after one epoch, since the best loss of the first data stands."""
    y = TARGETS["one"]
    rule = {"max_iter": 3000, "n_iter_no_change": 10, "learning_rate_init": 0.01}
    fitted = quick("one", warm_start=True, **{**rule, **OTHER_TASKS[task]}).fit(X, y)
    assert fitted.stop_reason_ in ("converged", "early stopping")
    best, rate = fitted._history.plateau.best, fitted._history.learning_rate
    fitted.fit(X, 2 - 3 * y)
    assert fitted.n_iter_ > 20
    assert fitted.score(X, 2 - 3 * y) > 0.8
    if task == "adaptive":
        assert rate is not None
        assert rate < 0.01
    if task == "adam":
        assert fitted.best_loss_ == min(fitted.loss_curve_[-fitted.n_iter_ :])
        assert best != fitted._history.plateau.best


def test_data_that_are_alike_continue_the_stopping_rule():
    """Only a loss that is far away says that the best one is of another task."""
    y = TARGETS["one"]
    rule = {"max_iter": 3000, "n_iter_no_change": 10, "learning_rate_init": 0.01, "tol": 1e-3}
    fitted = quick("one", warm_start=True, **rule).fit(X, y)
    fitted.fit(X, y + 1e-6)
    assert fitted.n_iter_ <= 11


def test_the_same_data_continue_the_stopping_rule_from_any_loss():
    """A run of a, then of b epochs is one of a + b, even if a loss jumps between them."""
    y = TARGETS["one"]
    rule = {"max_iter": 3000, "n_iter_no_change": 10, "learning_rate_init": 0.01, "tol": 1e-3}
    fitted = quick("one", warm_start=True, **rule).fit(X, y)
    fitted._history.losses[-1] = 0.0
    fitted.fit(X, y)
    assert fitted.n_iter_ <= 11


def test_partial_fit_is_one_epoch_of_fit():
    whole = quick("classes", max_iter=3, batch_size=7, dropout=0.2).fit(X, TARGETS["classes"])
    parts = quick("classes", batch_size=7, dropout=0.2)
    for _ in range(3):
        parts.partial_fit(X, TARGETS["classes"], classes=[0, 1, 2])
    assert bytes_of(parts) == bytes_of(whole)
    assert parts.n_iter_ == 1


WAVE = np.random.default_rng(0).uniform(-3, 3, (200, 1))
SEARCH: dict[str, Any] = {
    "hidden_layer_sizes": (20,),
    "activation": "logistic",
    "solver": "lbfgs",
    "alpha": 0.0,
    "random_state": 0,
    "warm_start": True,
}


@pytest.mark.parametrize("iterations", [1, 5, 20])
def test_fits_of_a_few_iterations_are_as_good_as_one_of_many(iterations: int):
    """L-BFGS keeps its memory: without it, each fit begins with a step along the gradient."""
    y = np.sin(WAVE[:, 0])
    whole = MLPRegressor(**SEARCH, max_iter=300).fit(WAVE, y)
    parts = MLPRegressor(**SEARCH, max_iter=iterations)
    for _ in range(300 // iterations):
        parts.fit(WAVE, y)
    errors = [np.mean((one.predict(WAVE) - y) ** 2) for one in (whole, parts)]
    assert errors[1] < 3 * errors[0] < 1e-3


def test_the_memory_is_of_these_data_and_weights():
    y = np.sin(WAVE[:, 0])
    fitted = MLPRegressor(**SEARCH, max_iter=15).fit(WAVE, y)
    memory = fitted._history.memory
    assert memory is not None
    assert len(memory.steps) == 10
    twin = copy.deepcopy(fitted)
    assert bytes_of(twin.fit(WAVE, y)) == bytes_of(fitted.fit(WAVE, y))
    assert memory.steps[0] is not fitted._history.memory.steps[0]
    for change in ("data", "weights", "solver"):
        other = copy.deepcopy(fitted).set_params(max_iter=1)
        if change == "weights":
            other.coefs_ = [2 * coefs for coefs in other.coefs_]
        if change == "solver":
            other.set_params(solver="adam")
        other.fit(WAVE, y + (change == "data"))
        kept = other._history.memory
        assert kept is None if change == "solver" else len(kept.steps) <= 1
    assert MLPRegressor(**{**SEARCH, "warm_start": False}).fit(WAVE, y)._history.memory is None


@pytest.mark.parametrize("more", [{"max_fun": 3}, {"tol": 10.0}])
def test_a_search_that_goes_on_has_the_same_limits(more: dict[str, Any]):
    y = np.sin(WAVE[:, 0])
    fitted = MLPRegressor(**SEARCH, max_iter=15).fit(WAVE, y)
    fitted.set_params(max_iter=300, **more).fit(WAVE, y)
    assert fitted.n_iter_ < 6
    assert fitted.stop_reason_ == ("calls" if "max_fun" in more else "converged")


def test_a_search_goes_on_to_where_nothing_improves():
    y = np.sin(WAVE[:, 0])
    fitted = MLPRegressor(**{**SEARCH, "alpha": 1.0}, max_iter=40, tol=1e-6).fit(WAVE, y)
    fitted.set_params(max_iter=5000).fit(WAVE, y)
    assert fitted.stop_reason_ == "converged"
    assert np.all(np.diff(fitted.loss_curve_) <= 0)


def test_a_memory_that_misleads_is_forgotten():
    y = np.sin(WAVE[:, 0])
    fitted = MLPRegressor(**SEARCH, max_iter=15).fit(WAVE, y)
    memory, loss = fitted._history.memory, fitted.loss_
    assert memory is not None
    memory.changes = [-change for change in memory.changes]  # as if the loss curved downwards
    fitted.fit(WAVE, y)
    assert fitted.loss_ < loss


def test_a_direction_solves_the_last_secant_equation():
    """H maps the last change of the gradient to the last step, as Newton's method does."""
    rng = np.random.default_rng(3)
    curvature, memory = np.diag(rng.uniform(0.5, 2.0, 6)), CurvatureMemory()
    for _ in range(8):
        step = rng.normal(size=6)
        memory.add(step, curvature @ step, 5)
    assert len(memory.steps) == 5
    np.testing.assert_allclose(memory.direction(memory.changes[-1]), -memory.steps[-1], rtol=1e-9)
    memory.add(np.ones(6), -np.ones(6), 5)  # along which the loss curves downwards
    np.testing.assert_allclose(memory.direction(memory.changes[-1]), -memory.steps[-1], rtol=1e-9)


def test_initialize_draws_what_fit_begins_with():
    drawn = quick("many", warm_start=True).initialize(X, TARGETS["many"])
    assert drawn.loss_curve_ == []
    before = drawn.predict(X)
    assert np.isfinite(before).all()
    fresh = quick("many").fit(X, TARGETS["many"])
    assert bytes_of(drawn.fit(X, TARGETS["many"])) == bytes_of(fresh)
    assert not np.array_equal(before, drawn.predict(X))
