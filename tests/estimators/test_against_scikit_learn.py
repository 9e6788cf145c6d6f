"""The same numbers as scikit-learn's MLP, from the same weights and in the same order of samples.

Adam adds epsilon elsewhere (Algorithm 1 of the paper, not its section 2), so it is tiny here.
"""

from typing import Any

import numpy as np
import pytest
from sklearn import neural_network

from chainrule import MLPClassifier, MLPRegressor
from tests.estimators.data import BINARY, CLASSES, LABELS, NUMBERS, X

OURS = {"fit": MLPClassifier, "reg": MLPRegressor}
THEIRS = {"fit": neural_network.MLPClassifier, "reg": neural_network.MLPRegressor}
PROBLEMS = {
    "binary": ("fit", BINARY),
    "classes": ("fit", CLASSES),
    "labels": ("fit", LABELS),
    "one": ("reg", NUMBERS),
}
COMMON: dict[str, Any] = {
    "hidden_layer_sizes": (7, 5),
    "random_state": 1,
    "shuffle": False,
    "n_iter_no_change": 1000,
    "alpha": 0.5,
    "epsilon": 1e-100,
}


def both(problem: str, **choices: Any) -> tuple[Any, Any]:
    """Return fitted estimators of scikit-learn and of chainrule with the same initial weights."""
    kind, y = PROBLEMS[problem]
    weights = choices.pop("sample_weight", None)
    fits: dict[str, Any] = {} if weights is None else {"sample_weight": weights}
    settings = {**COMMON, "max_iter": 30, **choices}
    theirs = THEIRS[kind](
        **{**settings, "max_iter": 1, "solver": "sgd", "learning_rate_init": 1e-300}
    )
    theirs.fit(X, y)  # draws weights without changing them
    start = [c.copy() for c in theirs.coefs_], [b.copy() for b in theirs.intercepts_]
    ours = OURS[kind](**settings, warm_start=True)
    ours.coefs_, ours.intercepts_ = start
    theirs = THEIRS[kind](**settings, warm_start=True).set_params(max_iter=1)
    theirs.fit(X, y, **fits)
    for own, drawn in zip(theirs.coefs_ + theirs.intercepts_, start[0] + start[1], strict=True):
        own[...] = drawn
    theirs.loss_curve_, theirs.best_loss_, theirs.t_ = [], np.inf, 0
    theirs._no_improvement_count = 0
    return theirs.set_params(**settings).fit(X, y, **fits), ours.fit(X, y, **fits)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("batch_size", [200, 60, 16], ids=["auto", "all", "sixteen"])
@pytest.mark.parametrize(
    "solver",
    [
        {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1},
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False},
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5, "power_t": 0.3},
        {"solver": "adam", "learning_rate_init": 0.01},
    ],
    ids=["sgd", "momentum", "nesterov", "invscaling", "adam"],
)
@pytest.mark.filterwarnings("ignore:Got `batch_size`")
def test_the_same_loss_curve(problem: str, batch_size: int, solver: dict[str, Any]):
    theirs, ours = both(problem, batch_size=batch_size, **solver)
    assert len(ours.loss_curve_) == 30
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    for mine, original in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, original, rtol=1e-6, atol=1e-9)
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)
    assert ours.out_activation_ == theirs.out_activation_
    assert (ours.n_layers_, ours.n_outputs_) == (theirs.n_layers_, theirs.n_outputs_)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-9)
    np.testing.assert_allclose(ours.best_loss_, theirs.best_loss_, rtol=1e-9)
    assert np.array_equal(
        np.round(ours.predict(X), 6) if problem == "one" else ours.predict(X),
        np.round(theirs.predict(X), 6) if problem == "one" else theirs.predict(X),
    )


@pytest.mark.parametrize("problem", ["binary", "classes", "one"])
def test_the_same_curve_stops_at_the_same_epoch(problem: str):
    """The stopping rule is the same as there, for a curve that flattens."""
    theirs, ours = both(
        problem,
        max_iter=2000,
        n_iter_no_change=4,
        tol=1e-3,
        solver="sgd",
        momentum=0.0,
        learning_rate_init=0.2,
    )
    assert 10 < theirs.n_iter_ < 2000
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.stop_reason_ == "converged"


@pytest.mark.parametrize("problem", ["binary", "one"])
def test_an_adaptive_rate_falls_at_the_same_epochs(problem: str):
    theirs, ours = both(
        problem,
        max_iter=400,
        n_iter_no_change=2,
        tol=1e-2,
        solver="sgd",
        momentum=0.0,
        learning_rate="adaptive",
        learning_rate_init=0.3,
    )
    assert theirs._optimizer.learning_rate < 0.3 / 4
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")  # of 1.6, with new SciPy
@pytest.mark.parametrize("problem", ["binary", "classes", "one"])
@pytest.mark.parametrize("more", [{"max_iter": 12}, {"max_fun": 9}, {"tol": 0.05}])
def test_lbfgs_takes_the_same_iterations(problem: str, more: dict[str, Any]):
    theirs, ours = both(problem, **{"solver": "lbfgs", "max_iter": 200, **more})
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-6)


def test_the_loss_of_several_outputs_is_a_sum_here_and_a_mean_there():
    """scikit-learn (#8349) reports the mean over outputs, but follows the gradient of the sum."""
    y = np.column_stack([NUMBERS, X[:, 0], -NUMBERS])
    still: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 1e-300, "alpha": 0}
    settings = {"hidden_layer_sizes": (4,), "max_iter": 1, **still}
    theirs = neural_network.MLPRegressor(**settings, random_state=0).fit(X, y)
    ours = MLPRegressor(**settings, warm_start=True)
    ours.coefs_, ours.intercepts_ = theirs.coefs_, theirs.intercepts_
    assert ours.fit(X, y).loss_ == pytest.approx(3 * theirs.loss_)
