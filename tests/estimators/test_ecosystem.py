"""With other tools: clone, pickle, joblib, grids, pipelines, calibration, importance, HTML.

What scikit-learn and its users do with estimators, beyond its own checks.
"""

import contextlib
import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from chainrule import (
    AdamW,
    ClipNorm,
    DivergenceError,
    He,
    MLPClassifier,
    MLPRegressor,
    StepDecay,
    Tanh,
)
from tests.estimators.data import BINARY, CLASSES, NUMBERS, TARGETS, X, bytes_of, quick


@pytest.mark.parametrize("kind", TARGETS)
def test_pickle_joblib_and_copy_predict_and_go_on_alike(kind: str, tmp_path: Path):
    y = TARGETS[kind]
    fitted = quick(kind, batch_size=7, warm_start=True, dropout=0.1).fit(X, y)
    joblib.dump(fitted, tmp_path / "kept")
    twins = [
        pickle.loads(pickle.dumps(fitted)),  # noqa: S301 (our own)
        joblib.load(tmp_path / "kept"),
        copy.deepcopy(fitted),
    ]
    expected = fitted.predict(X)
    after = bytes_of(fitted.fit(X, y))
    for twin in twins:
        assert np.array_equal(twin.predict(X), expected)
        assert np.shares_memory(twin.coefs_[0], twin.theta_)
        assert bytes_of(twin.fit(X, y)) == after


STATES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "objects": {"solver": AdamW(StepDecay(0.1)), "activation": [Tanh()], "clip": ClipNorm(1.0)},
    "layers": {"dropout": 0.2, "layer_norm": True, "initializer": He(), "l1": 0.1},
    "schedule": {"solver": "sgd", "learning_rate": "invscaling", "early_stopping": True},
    "lbfgs": {"solver": "lbfgs"},
    "health": {
        "verbose": "health",
        "solver": "sgd",
        "learning_rate_init": 1e3,
        "tol": np.float64(1),
    },
}


def plain_types(value: Any) -> set[type]:
    """Return the types of a value and of everything in it."""
    inside = value.values() if isinstance(value, dict) else value
    several = isinstance(value, dict | list | tuple)
    return {type(value)}.union(*map(plain_types, inside)) if several else {type(value)}


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("name", STATES)
def test_a_saved_state_has_no_types_of_our_own(kind: str, name: str):
    """So that skops has to trust the estimator only."""
    fitted = quick(kind, warm_start=True, **STATES[name])
    with contextlib.suppress(DivergenceError):
        fitted.fit(X, TARGETS[kind])
    state = fitted.__getstate__()
    names = {(found.__module__, found.__name__) for found in plain_types(state)}
    assert {module for module, _ in names} <= {"builtins", "numpy"}, names
    kept: Any = type(fitted)
    twin = kept.__new__(kept)
    twin.__setstate__(pickle.loads(pickle.dumps(state)))  # noqa: S301 (our own)
    assert twin.get_params() == fitted.get_params()
    assert (twin.network_, twin.out_activation_) == (fitted.network_, fitted.out_activation_)
    assert np.array_equal(twin.predict(X), fitted.predict(X))
    if name == "health":
        assert twin.health_ == fitted.health_
    else:
        assert bytes_of(twin.fit(X, TARGETS[kind])) == bytes_of(fitted.fit(X, TARGETS[kind]))


def test_an_output_activation_that_was_set_is_saved():
    fitted = quick("one").fit(X, NUMBERS)
    fitted.out_activation_ = "tanh"
    twin = copy.deepcopy(fitted)
    assert twin.out_activation_ == "tanh"
    assert np.array_equal(twin.predict(X), fitted.predict(X))


def test_objects_of_users_are_kept():
    class Mine(dict[str, int]):
        pass

    mine = Mine(a=1)
    fitted = quick("one", callbacks=[print], scoring=mine)
    assert fitted.__getstate__()["scoring"] is mine


def test_clone_keeps_choices_and_nothing_else():
    choices: dict[str, Any] = {"activation": ["tanh", Tanh()], "clip": ClipNorm(1.0)}
    fitted = MLPRegressor(hidden_layer_sizes=(4, 3), max_iter=2, **choices).fit(X, NUMBERS)
    twin: Any = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    assert not hasattr(twin, "coefs_")
    assert repr(twin) == repr(clone(twin))


def test_grid_search_with_two_jobs():
    grid = {"alpha": [1e-4, 1.0], "activation": ["relu", "leaky-relu"]}
    search = GridSearchCV(quick("classes", max_iter=3), grid, n_jobs=2, cv=2)
    search.fit(X, CLASSES)
    assert set(search.best_params_) == {"alpha", "activation"}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_pipelines_calibration_importance_and_cross_validation():
    trained = quick("binary", max_iter=100, learning_rate_init=0.02)
    pipeline = make_pipeline(StandardScaler(), trained)
    assert pipeline.fit(X, BINARY).score(X, BINARY) > 0.8
    assert cross_val_score(pipeline, X, BINARY, cv=3).min() > 0.6
    calibrated = CalibratedClassifierCV(pipeline, cv=2).fit(X, BINARY)
    assert calibrated.predict_proba(X).shape == (60, 2)
    importance: Any = permutation_importance(pipeline, X, BINARY, n_repeats=3, random_state=0)
    assert importance.importances_mean.argmax() == 1  # the feature with the largest weight


def test_pipelines_transform_validation_data():
    with sklearn.config_context(enable_metadata_routing=True):
        inner: Any = quick("one", early_stopping=True)
        inner.set_fit_request(X_val=True, y_val=True)
        steps = [("scale", StandardScaler()), ("net", inner)]
        pipeline: Any = Pipeline(steps, transform_input=["X_val"])
        pipeline.fit(X * 100, NUMBERS, X_val=X * 100, y_val=NUMBERS)
        scaled = StandardScaler().fit_transform(X * 100)
        own = quick("one", early_stopping=True).fit(scaled, NUMBERS, X_val=scaled, y_val=NUMBERS)
    assert bytes_of(pipeline["net"]) == bytes_of(own)
    assert pipeline["net"].validation_scores_ == own.validation_scores_


@pytest.mark.parametrize("kind", ["binary", "one"])
def test_html(kind: str):
    page = estimator_html_repr(quick(kind).fit(X, TARGETS[kind]))
    assert "hidden_layer_sizes" in page or "MLP" in page
    assert "<div" in page


def test_probabilities_and_their_logarithms():
    for kind in ("binary", "classes", "labels"):
        fitted = quick(kind).fit(X, TARGETS[kind])
        p = fitted.predict_proba(X)
        assert p.shape == (60, {"binary": 2, "classes": 3, "labels": 3}[kind])
        np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), p)


def test_the_positions_of_arguments_are_scikit_learns():
    assert MLPClassifier((4,), "tanh").activation == "tanh"
    assert MLPRegressor("poisson", (4,), "tanh").loss == "poisson"


def test_without_scikit_learn_the_extra_is_named():
    program = (
        "import sys\nsys.modules['sklearn'] = None\nimport chainrule\n"
        "try:\n    chainrule.MLPClassifier\n"
        "except chainrule.MissingPackageError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "pip install 'chainrule[train]'" in done.stdout


def test_the_package_loads_without_scikit_learn():
    program = (
        "import sys, chainrule; print('sklearn' in sys.modules, chainrule.MLPRegressor.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "MLPRegressor"]
