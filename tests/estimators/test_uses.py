"""The examples in scikit-learn's documentation of its MLP, run with both packages, agree.

The programs are ours; the attributes, parameters, filters and data sets are those of the examples.
"""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_digits, make_circles, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from chainrule import MLPClassifier
from tests.estimators.data import NUMBERS, X, quick

BOTH = (MLPClassifier, neural_network.MLPClassifier)
STRATEGIES: dict[str, dict[str, Any]] = {
    "constant": {"momentum": 0, "learning_rate_init": 0.2},
    "momentum": {"nesterovs_momentum": False, "learning_rate_init": 0.2},
    "nesterov": {"nesterovs_momentum": True, "learning_rate_init": 0.2},
    "falling": {"learning_rate": "invscaling", "momentum": 0, "learning_rate_init": 0.2},
    "falling, momentum": {"learning_rate": "invscaling", "learning_rate_init": 0.2},
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
}


@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")  # of 1.6, with new SciPy
@pytest.mark.parametrize(
    ("alpha", "minima"),
    [(3.16, [0.5033]), (10.0, [0.6926, 0.6945])],  # the second has two, one of all weights 0
)
def test_regularization_leads_to_the_same_minima(alpha: float, minima: list[float], full: bool):
    """A list of layers, L-BFGS with early_stopping, which it ignores, probabilities."""
    X, y = make_moons(noise=0.3, random_state=0)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=42)
    choices: dict[str, Any] = {"solver": "lbfgs", "alpha": alpha, "max_iter": 2000}
    choices |= {"early_stopping": True, "hidden_layer_sizes": [10, 10]}
    for seed in range(5 if full else 2):
        pair: list[Any] = [
            make_pipeline(StandardScaler(), MLP(random_state=seed, **choices)) for MLP in BOTH
        ]
        losses = [model.fit(X, y)[-1].loss_ for model in pair]
        for loss in losses:
            assert min(abs(loss - one) for one in minima) < 1e-4
        assert not any(hasattr(model, "decision_function") for model in pair)
        if len(minima) == 1:
            ours, theirs = (model.predict_proba(X_test) for model in pair)
            np.testing.assert_allclose(ours, theirs, atol=0.01)  # both stop at tol=1e-4
            assert pair[0].score(X_test, y_test) == pair[1].score(X_test, y_test) == 0.875


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_learning_curves_are_alike(strategy: str):
    X, y = make_circles(noise=0.2, factor=0.5, random_state=1)
    X = MinMaxScaler().fit_transform(X)
    settings = {"solver": "sgd", "max_iter": 60, "n_iter_no_change": 100, **STRATEGIES[strategy]}
    curves = []
    for kind in BOTH:
        models = [kind(random_state=s, **settings).fit(X, y) for s in range(6)]
        assert {len(model.loss_curve_) for model in models} == {60}
        assert all(model.loss_ == model.loss_curve_[-1] for model in models)
        curves.append(np.mean([model.loss_curve_ for model in models], axis=0))
    fall = np.ptp(curves[1])
    assert np.abs(curves[0][5:] - curves[1][5:]).max() < max(
        0.15 * fall, 0.01
    )  # within the spread of 6 seeds


def test_first_weights_are_images(capsys: pytest.CaptureFixture[str]):
    """The first weights, transposed, by units; the lines that verbose=10 prints."""
    X, y = load_digits(return_X_y=True)
    mlp = MLPClassifier(
        hidden_layer_sizes=(40,),
        max_iter=8,
        alpha=1e-4,
        solver="sgd",
        verbose=10,
        random_state=1,
        learning_rate_init=0.2,
    )
    mlp.fit(X / 16, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in lines] == [f"Iteration {i}" for i in range(1, 9)]
    low, high = mlp.coefs_[0].min(), mlp.coefs_[0].max()
    pictures = [unit.reshape(8, 8) for unit in mlp.coefs_[0].T]
    assert len(pictures) == 40
    assert min(p.min() for p in pictures) == low < 0 < high == max(p.max() for p in pictures)
    assert mlp.score(X / 16, y) > 0.95


def unfiltered(**filters: Any) -> list[warnings.WarningMessage]:
    """Return the warnings of a fit that a filter lets through."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", **filters)
        quick("one", max_iter=2).fit(X, NUMBERS)
    return seen


def test_the_warning_is_filtered_as_scikit_learns_is():
    assert unfiltered(category=ConvergenceWarning, module="sklearn") == []
    assert unfiltered(category=ConvergenceWarning) == []
    (warning,) = unfiltered(module="chainrule")
    assert warning.category is ConvergenceWarning


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({}, "Maximum iterations"),
        ({"solver": "lbfgs", "max_iter": 1}, "lbfgs failed to converge"),
        ({"batch_size": 100, "n_iter_no_change": 1, "tol": 1e9}, "larger than sample size"),
        ({"callbacks": [interrupt]}, "interrupted by user"),
    ],
)
def test_a_warning_shows_the_line_that_called(choices: dict[str, Any], message: str):
    estimator = quick("one", **choices)
    with pytest.warns(UserWarning, match=message) as seen:
        estimator.fit(X, NUMBERS)
    assert {warning.filename for warning in seen} == {__file__}


def test_weights_set_before_fit_warn_at_the_line_that_called():
    cold = quick("one", tol=1e9, n_iter_no_change=1)
    cold.coefs_ = [np.zeros((4, 5)), np.zeros((5, 1))]
    with pytest.warns(UserWarning, match="set warm_start=True") as seen:
        cold.fit(X, NUMBERS)
    assert {warning.filename for warning in seen} == {__file__}
