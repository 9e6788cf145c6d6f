"""Weights and attributes that are set by hand, and scikit-learn's private names.

Each is obeyed, or a message names the public way.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import LabelBinarizer

from chainrule import MLPClassifier, MLPRegressor
from tests.estimators.data import BINARY, CLASSES, LABELS, NUMBERS, TARGETS, X, bytes_of, quick

THEIRS = {
    "binary": neural_network.MLPClassifier,
    "classes": neural_network.MLPClassifier,
    "labels": neural_network.MLPClassifier,
    "one": neural_network.MLPRegressor,
    "many": neural_network.MLPRegressor,
}
OURS = {kind: MLPRegressor if kind in ("one", "many") else MLPClassifier for kind in THEIRS}


def scikit_learns(kind: str) -> Any:
    """Return a fitted estimator of scikit-learn's."""
    return THEIRS[kind](hidden_layer_sizes=(5,), random_state=0, max_iter=6).fit(X, TARGETS[kind])


def predictions(fitted: Any) -> Any:
    """Return probabilities, or numbers."""
    return fitted.predict_proba(X) if hasattr(fitted, "predict_proba") else fitted.predict(X)


# ---- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TARGETS)
def test_from_weights_predicts_as_the_estimator_that_had_them(kind: str):
    theirs = scikit_learns(kind)
    more: dict[str, Any] = {"classes": theirs.classes_} if hasattr(theirs, "classes_") else {}
    more |= {"multilabel": True} if kind == "labels" else {}
    made = OURS[kind].from_weights(theirs.coefs_, theirs.intercepts_, **more)
    np.testing.assert_allclose(predictions(made), predictions(theirs), rtol=1e-9)
    assert np.array_equal(made.predict(X), theirs.predict(X)) or kind in ("one", "many")
    assert made.get_params()["hidden_layer_sizes"] == (5,)
    for name in ("n_features_in_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(made, name) == getattr(theirs, name)


@pytest.mark.parametrize("kind", TARGETS)
def test_attributes_of_a_new_estimator(kind: str):
    """As programs for scikit-learn do: every fitted attribute is set, then predict is called."""
    theirs = scikit_learns(kind)
    made: Any = OURS[kind](hidden_layer_sizes=(5,))
    for name in ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "out_activation_"):
        setattr(made, name, getattr(theirs, name))
    if hasattr(theirs, "classes_"):
        made._label_binarizer = LabelBinarizer().fit(TARGETS[kind])
    np.testing.assert_allclose(predictions(made), predictions(theirs), rtol=1e-9)


def test_weights_in_single_precision_compute_in_it():
    made = MLPRegressor.from_weights([np.ones((4, 1), np.float32)], [np.zeros(1, np.float32)])
    assert made.predict(X).dtype == np.float32


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("train", ["warm", "part"])
def test_training_goes_on_from_given_weights(kind: str, train: str):
    source = quick(kind).fit(X, TARGETS[kind])
    more: dict[str, Any] = {"classes": source.classes_} if hasattr(source, "classes_") else {}
    more |= {"multilabel": True} if kind == "labels" else {}
    slow = {"warm_start": True, "max_iter": 1, "solver": "sgd", "learning_rate_init": 1e-12}
    made = OURS[kind].from_weights(source.coefs_, source.intercepts_, **more, **slow)
    (made.fit if train == "warm" else made.partial_fit)(X, TARGETS[kind])
    np.testing.assert_allclose(made.theta_, source.theta_, atol=1e-9)
    assert bool(made.check_gradient(X, TARGETS[kind]))


def test_pruned_weights_work_in_an_estimator_of_their_own():
    fitted = quick("classes").fit(X, CLASSES)
    kept = (
        [fitted.coefs_[0][:, :3], fitted.coefs_[1][:3]],
        [fitted.intercepts_[0][:3], fitted.intercepts_[1]],
    )
    with pytest.raises(
        ValueError, match=r"must be \(4, 5\); for other layers, as after pruning, use"
    ):
        fitted.coefs_[0] = kept[0][0]
    with pytest.raises(ValueError, match=r"use from_weights\(coefs, intercepts\)"):
        fitted.coefs_ = kept[0]
    small = MLPClassifier.from_weights(*kept, classes=fitted.classes_)
    fitted.coefs_[1][3:] = 0
    np.testing.assert_allclose(small.predict_proba(X), fitted.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize(
    ("coefs", "intercepts", "more", "message"),
    [
        ([np.ones((4, 3)), np.ones((2, 1))], [np.ones(3), np.ones(1)], {}, r"coefs\[1\] has shape"),
        ([np.ones((4, 1))], [np.ones(2)], {}, r"intercepts have shapes \[\(2,\)\], but must"),
        ([np.ones(4)], [np.ones(1)], {}, r"coefs have shapes \[\(4,\)\]; give an array"),
        ([], [], {}, r"coefs have shapes \[\]"),
        ([np.full((4, 1), np.nan)], [np.ones(1)], {}, "is not finite; give finite numbers"),
        (
            [np.ones((4, 1))],
            [np.ones(1)],
            {"classes": [1, 2, 3]},
            "3 classes, but the weights have 1",
        ),
        (
            [np.ones((4, 3))],
            [np.ones(3)],
            {"classes": ["c", "a", "b"]},
            "are not sorted; sort them",
        ),
        ([np.ones((4, 1))], [np.ones(1)], {"multilabel": True}, "there is one output; give"),
    ],
)
def test_weights_that_do_not_fit(coefs: Any, intercepts: Any, more: Any, message: str):
    with pytest.raises(ValueError, match=message):
        MLPClassifier.from_weights(coefs, intercepts, **more)


def test_a_classifier_needs_classes():
    made = MLPClassifier((5,))
    made.coefs_, made.intercepts_ = [np.ones((4, 1))], [np.ones(1)]
    before = dict(vars(made))
    with pytest.raises(ValueError, match="but not classes_; set classes_, or make the classifier"):
        made.predict(X)
    assert vars(made) == before


@pytest.mark.parametrize("kind", ["binary", "one"])
def test_an_estimator_without_weights_names_the_ways_to_get_them(kind: str):
    with pytest.raises(NotFittedError, match=r"initialize\(X, y\).*from_weights\(coefs, interc"):
        quick(kind).predict(X)
    half = quick(kind)
    half.coefs_ = [np.ones((4, 1))]
    with pytest.raises(NotFittedError):
        half.predict(X)


# ---- the output activation ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["identity", "logistic", "tanh", "relu", "softmax"])
@pytest.mark.parametrize("kind", TARGETS)
def test_the_output_activation_is_obeyed(kind: str, name: str):
    theirs = scikit_learns(kind)
    more: dict[str, Any] = {"classes": theirs.classes_} if hasattr(theirs, "classes_") else {}
    more |= {"multilabel": True} if kind == "labels" else {}
    made = OURS[kind].from_weights(theirs.coefs_, theirs.intercepts_, **more)
    for one in (theirs, made):
        one.out_activation_ = name
    if name == "softmax" and made.n_outputs_ == 1:  # 1 for every sample
        np.testing.assert_allclose(made.activations(X)[-1], 1)
        return
    np.testing.assert_allclose(predictions(made), predictions(theirs), rtol=1e-9)
    assert made.out_activation_ == name


BOUNDED: dict[str, tuple[float, float]] = {
    "logistic": (0, 1),
    "tanh": (-1, 1),
    "softplus": (0, np.inf),
    "relu": (0, np.inf),
}


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
@pytest.mark.parametrize("name", BOUNDED)
def test_a_regressor_with_bounded_predictions(name: str, loss: str):
    low, high = BOUNDED[name]
    y = np.column_stack([np.tanh(NUMBERS), np.cos(NUMBERS)])
    y = y if low < 0 else np.abs(y)
    choices = {"output_activation": name, "max_iter": 300, "learning_rate_init": 0.02}
    fitted = MLPRegressor(loss, (10,), **choices, random_state=0).fit(X, y)
    far = fitted.predict(1000 * X)
    assert low <= far.min() <= far.max() <= high
    assert fitted.out_activation_ == name
    assert bool(fitted.check_gradient(X, y))
    assert fitted.score(X, y) > 0.1  # better than a constant
    np.testing.assert_allclose(fitted.activations(X)[-1], fitted.predict(X), rtol=1e-9)


def test_an_output_activation_does_not_change_the_first_weights():
    plain, bounded = (
        quick("one", output_activation=name).initialize(X, NUMBERS) for name in (None, "tanh")
    )
    assert bytes_of(plain) == bytes_of(bounded)


def test_output_activations_that_cannot_be():
    with pytest.raises(
        ValueError, match="the loss 'poisson' has an output activation of its own, e"
    ):
        quick("one", loss="poisson", output_activation="tanh").fit(X, np.abs(NUMBERS))
    with pytest.raises(ValueError, match="unknown activation 'tan'"):
        quick("one", output_activation="tan").fit(X, NUMBERS)


def test_an_unknown_output_activation_raises_an_error():
    fitted = quick("one").fit(X, NUMBERS)
    with pytest.raises(ValueError, match="unknown activation 'tanhh'; did you mean 'tanh'"):
        fitted.out_activation_ = "tanhh"
    assert fitted.out_activation_ == "identity"


def test_training_goes_on_with_the_output_activation_of_the_loss():
    fitted = quick("classes").fit(X, CLASSES)
    fitted.out_activation_ = "identity"
    with pytest.warns(UserWarning, match="out_activation_ was set for predictions; training goes"):
        fitted.partial_fit(X, CLASSES)
    assert fitted.out_activation_ == "softmax"
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)


# ---- private names ------------------------------------------------------------------------------


class Halves(MLPRegressor):
    """First weights of its own, as a subclass of scikit-learn's has them."""

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> Any:
        return np.full((fan_in, fan_out), 0.5, dtype), np.zeros(fan_out, dtype)


class Doubled(MLPRegressor):
    """First weights that are twice those of the base class."""

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> Any:
        coefs, intercepts = super()._init_coef(fan_in, fan_out, dtype)
        return 2 * coefs, intercepts


def test_first_weights_of_a_subclass_are_obeyed():
    drawn = Halves(hidden_layer_sizes=(3,), random_state=0).initialize(X, NUMBERS)
    assert all((coefs == 0.5).all() for coefs in drawn.coefs_)
    slow = {"solver": "sgd", "learning_rate_init": 1e-12, "max_iter": 1}
    fitted = Halves(hidden_layer_sizes=(3,), **slow).fit(X.astype(np.float32), NUMBERS)
    np.testing.assert_allclose(fitted.coefs_[0], 0.5, rtol=1e-6)
    assert fitted.theta_.dtype == np.float32


def test_first_weights_of_the_base_class_are_scikit_learns():
    class Theirs(neural_network.MLPRegressor):
        def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> Any:
            coefs, intercepts = super()._init_coef(fan_in, fan_out, dtype)
            return 2 * coefs, intercepts

    slow: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 1e-12, "max_iter": 1}
    one, two = (
        of(hidden_layer_sizes=(3,), random_state=4, **slow).fit(X, NUMBERS)
        for of in (Doubled, Theirs)
    )
    for ours, theirs in zip(
        one.coefs_ + one.intercepts_, two.coefs_ + two.intercepts_, strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["_forward_pass", "_forward_pass_fast", "_backprop", "_loss_grad_lbfgs", "_fit_stochastic"],
)
def test_a_method_that_is_overridden_without_effect_brings_one_warning(name: str):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        type("Mine", (MLPRegressor,), {name: lambda *_: None})
    (warning,) = caught
    assert str(warning.message).startswith(f"Mine overrides {name}, which has no effect: it is a")
    assert warning.filename == __file__


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("_random_state", "random_state=…"),
        ("_best_coefs", "early_stopping=True"),
        ("_coef_indptr", "network_.layout"),
    ],
)
def test_a_private_attribute_names_the_public_way(name: str, instead: str):
    fitted = quick("one").fit(X, NUMBERS)
    assert not hasattr(fitted, name)
    with pytest.raises(AttributeError, match=f"MLPRegressor has no {name}: .*{instead}"):
        getattr(fitted, name)
    with pytest.warns(UserWarning, match=f"{name} was set, which has no effect: .*{instead}"):
        setattr(fitted, name, 3)
    assert getattr(fitted, name) == 3


@pytest.mark.parametrize("kind", TARGETS)
def test_private_passes_are_scikit_learns(kind: str):
    theirs = scikit_learns(kind)
    ours = quick(kind, warm_start=True)
    ours.coefs_, ours.intercepts_ = theirs.coefs_, theirs.intercepts_
    ours.initialize(X, TARGETS[kind])
    np.testing.assert_allclose(ours._forward_pass_fast(X), theirs._forward_pass_fast(X), rtol=1e-9)
    y: Any = TARGETS[kind]
    if hasattr(theirs, "classes_"):
        assert np.array_equal(ours._label_binarizer.classes_, theirs._label_binarizer.classes_)
        y = ours._label_binarizer.transform(y)
        assert np.array_equal(y, theirs._label_binarizer.transform(TARGETS[kind]))
    y = y.reshape(60, -1)
    weight = np.arange(1.0, 61)
    found = [one._backprop(X, y, weight, *lists(X)) for one in (ours, theirs)]
    for mine, original in zip(found[0][1] + found[0][2], found[1][1] + found[1][2], strict=True):
        np.testing.assert_allclose(mine, original, rtol=1e-7, atol=1e-12)
    if kind in ("binary", "classes", "labels"):
        assert found[0][0] == pytest.approx(found[1][0])


@pytest.mark.parametrize("kind", ["binary", "classes", "labels"])
def test_the_gradient_in_one_array_is_scikit_learns(kind: str):
    theirs, ours = scikit_learns(kind), quick(kind, alpha=0.5).fit(X, TARGETS[kind])
    theirs.alpha = 0.5
    theirs.set_params(solver="lbfgs", warm_start=True, max_iter=1).fit(X, TARGETS[kind])
    y = ours._label_binarizer.transform(TARGETS[kind]).reshape(60, -1)
    packed = np.random.default_rng(0).normal(size=ours.theta_.size)
    mine, original = (one._loss_grad_lbfgs(packed, X, y, None, *lists(X)) for one in (ours, theirs))
    assert mine[0] == pytest.approx(original[0])
    np.testing.assert_allclose(mine[1], original[1], rtol=1e-7, atol=1e-12)
    assert all(map(np.array_equal, ours.coefs_, theirs.coefs_))


def test_the_optimizer_has_a_learning_rate():
    fitted = quick("one", solver="sgd", learning_rate="adaptive", learning_rate_init=0.1, tol=9.0)
    fitted.set_params(n_iter_no_change=1, max_iter=5).fit(X, NUMBERS)
    assert fitted._optimizer.learning_rate == fitted._history.learning_rate < 0.1
    fitted = quick("one").fit(X, NUMBERS)
    fitted._optimizer.learning_rate = 0.25
    assert fitted.partial_fit(X, NUMBERS)._optimizer.learning_rate == 0.25
    with pytest.raises(AttributeError, match=r"the optimizer has no t here: .*set_params"):
        _ = fitted._optimizer.t
    with pytest.warns(UserWarning, match="velocities of the optimizer was set, which has no effe"):
        fitted._optimizer.velocities = []
    with pytest.warns(UserWarning, match="_optimizer was set, which has no effect"):
        fitted._optimizer = None
    with pytest.raises(AttributeError, match="MLPRegressor has no _optimizer yet; call fit"):
        _ = quick("one")._optimizer


def test_the_epochs_without_an_improvement():
    fitted = quick("one", tol=9.0, max_iter=5).fit(X, NUMBERS)
    assert fitted._no_improvement_count == 4
    with pytest.warns(UserWarning, match="_no_improvement_count was set, which has no effect"):
        fitted._no_improvement_count = 0


def lists(X: Any) -> list[list[Any]]:
    """Return the lists that scikit-learn's backward pass fills."""
    return [[X, None, None], [None] * 2, [None] * 2, [None] * 2]


def test_the_classes_of_a_fit_cannot_be_set_afterwards():
    fitted = quick("binary").fit(X, BINARY)
    with pytest.warns(UserWarning, match="_label_binarizer was set after fit, which has no effect"):
        fitted._label_binarizer = LabelBinarizer().fit([1, 2])
    assert np.array_equal(fitted.classes_, ["no", "yes"])


def test_setting_the_same_output_activation_changes_nothing():
    fitted = quick("labels").fit(X, LABELS)
    before, forward = bytes_of(fitted), fitted._forward
    fitted.out_activation_ = "logistic"
    assert (bytes_of(fitted), fitted._forward) == (before, forward)


def test_subclasses_without_private_names_bring_no_warning(recwarn: pytest.WarningsRecorder):
    def predict(self: Any, X: Any) -> Any:
        return MLPRegressor.predict(self, X)

    made: Callable[..., Any] = type("Mine", (MLPRegressor,), {"predict": predict})
    assert not recwarn.list
    assert made().get_params() == MLPRegressor().get_params()
