"""Check scikit-learn's estimators: as they are, and with a wrong gradient."""

import importlib
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network as neural
from sklearn.linear_model import SGDRegressor

from chainrule import check
from chainrule.errors import InputError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(9, 3))
SETTINGS: dict[str, Any] = {"hidden_layer_sizes": (5, 4), "alpha": 0.01}


@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu", "identity"])
@pytest.mark.parametrize("kind", ["MLPRegressor", "MLPClassifier"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_estimators_of_scikit_learn_are_right(kind, activation, solver):
    estimator = getattr(neural, kind)(**SETTINGS, activation=activation, solver=solver)
    outputs: dict[str, Any] = {} if kind == "MLPClassifier" else {"x": X, "t": X @ [1.0, 2.0, -1.0]}
    found = check(estimator, **outputs)
    assert found.verdict == "right", found
    assert found.source == kind


@pytest.mark.parametrize("labels", [["no", "yes"], ["a", "b", "c"]])
def test_labels_may_be_strings(labels):
    y = np.array(labels)[np.arange(9) % len(labels)]
    assert check(neural.MLPClassifier(**SETTINGS), x=X, t=y).verdict == "right"


@pytest.mark.parametrize("outputs", [2, 3, 5])
def test_the_wrong_factor_of_several_outputs_is_reported(outputs):
    t = RNG.normal(size=(9, outputs))
    found = check(neural.MLPRegressor(**SETTINGS), x=X, t=t)
    assert found.verdict == "wrong"
    assert [f.mistake.id for f in found.mistakes] == ["lost-factor"]
    assert any(f"the factor {outputs} (scikit-learn's issue 8349)" in r for r in found.remarks)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_fitted_estimator_is_not_changed():
    estimator = neural.MLPRegressor(**SETTINGS, max_iter=20, solver="lbfgs").fit(X, X[:, 0])
    before = [w.copy() for w in estimator.coefs_]
    assert check(estimator).verdict == "right"
    assert all(np.array_equal(a, b) for a, b in zip(before, estimator.coefs_, strict=True))
    assert estimator.get_params()["solver"] == "lbfgs"


def test_a_wrong_derivative_is_found(monkeypatch):
    inner: Any = importlib.import_module("sklearn.neural_network._multilayer_perceptron")
    monkeypatch.setitem(inner.DERIVATIVES, "tanh", lambda _, delta: delta)
    found = check(neural.MLPRegressor(**SETTINGS, activation="tanh"), x=X, t=X[:, 0])
    assert found.verdict == "wrong"
    assert [f.mistake.id for f in found.mistakes] == ["hidden-slope-missing"]


def test_other_estimators_raise_an_error():
    with pytest.raises(InputError, match="SGDRegressor is not a multi-layer perceptron"):
        check(SGDRegressor())


def test_samples_without_targets_raise_an_error():
    with pytest.raises(InputError, match="pass both x and t"):
        check(neural.MLPRegressor(), x=X)
