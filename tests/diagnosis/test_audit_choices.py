"""Check right estimators with every choice of their constructors: none is called wrong.

Wrong gradients are tested in test_audit.py, and here for the layers that scikit-learn lacks.
"""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn import neural_network as theirs

from chainrule import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES, check, estimators
from chainrule.activations import Custom, LeakyReLU
from chainrule.errors import InputError
from chainrule.initializers import Constant, Uniform
from chainrule.layers import Dense, DenseGradients
from chainrule.losses import CustomLoss, Huber, Quantile, SquaredError
from chainrule.optimizers import LBFGS, SGD, Adam, ClipNorm, ClipValue
from chainrule.schedules import CosineDecay

KINDS = ("MLPClassifier", "MLPRegressor")
RNG = np.random.default_rng(5)
N = 12
X = RNG.normal(size=(N, 3))
LABELS = {
    "two": np.arange(N) % 2,
    "three": np.arange(N) % 3,
    "words": np.array(["a", "b", "c"])[np.arange(N) % 3],
    "two words": np.array(["no", "yes"], object)[np.arange(N) % 2],
    "switches": np.arange(N) % 2 == 0,
    "many labels": (np.arange(N)[:, None] + np.arange(3)) % 2,
    "eleven": np.arange(N) % 11,
}
PROPORTIONS = RNG.uniform(0.2, 0.9, (N, 3))
NUMBERS = {
    "one": PROPORTIONS[:, 0],
    "a column": PROPORTIONS[:, :1],
    "many": PROPORTIONS / PROPORTIONS.sum(axis=1, keepdims=True),  # valid targets of every loss
}


def cube(z: Any) -> Any:
    return 0.1 * z * z * z


def fourth(o: Any, t: Any) -> Any:
    return (o - t) ** 4


CUBE, FOURTH = Custom("cube", cube), CustomLoss("fourth", fourth)

CHOICES: list[dict[str, Any]] = [
    *({"activation": name} for name in ACTIVATIONS),
    {"activation": LeakyReLU(0.2)},
    {"activation": CUBE, "engine": "reference"},  # it cannot be compiled
    {"hidden_layer_sizes": (4, 3), "activation": ["tanh", "leaky_relu"]},
    *({"initializer": name} for name in INITIALIZERS),
    {"initializer": Constant(0.0)},
    {"initializer": Constant(0.5), "layer_norm": True},
    {"initializer": Uniform(-30.0, 30.0)},
    *({"solver": name} for name in OPTIMIZERS),
    {"solver": SGD(0.3, clip=ClipNorm(0.1))},
    {"solver": Adam(CosineDecay(0.1, steps=5))},
    {"solver": LBFGS()},
    *({"solver": "sgd", "learning_rate": name} for name in (*SCHEDULES, "invscaling", "adaptive")),
    {"learning_rate": CosineDecay(0.1, steps=5)},
    {"momentum": 0.5, "nesterovs_momentum": False, "solver": "sgd"},
    {"dropout": 0.5},
    {"layer_norm": True},
    {"layer_norm": True, "hidden_layer_sizes": (4, 4), "activation": "tanh", "dropout": 0.2},
    {"layer_norm": True, "hidden_layer_sizes": 1},
    {"layer_norm": True, "l1": 0.1, "l2": 0.2, "alpha": 0.3},
    {"l1": 0.1},
    {"l2": 0.1},
    {"alpha": 0.0},
    {"alpha": 1000.0},
    {"clip": 0.1},
    {"clip": ClipValue(0.001)},
    {"clip": ClipNorm(0.01), "layer_norm": True},
    {"early_stopping": True, "scoring": "loss"},
    {"warm_start": True, "random_state": np.random.RandomState(1)},
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": (3, 3, 3)},
    {"batch_size": 2, "shuffle": False},
    {"callbacks": [print], "verbose": "health"},
    {"engine": "reference"},
    {"engine": "compiled", "layer_norm": True},
]
LOSS: list[Any] = [*LOSSES, "absolute_error", Huber(0.1), Quantile(0.9), FOURTH]
CLASSIFIER_CHOICES: list[dict[str, Any]] = [
    {"class_weight": "balanced"},
    {"class_weight": {0: 3.0}},
    *({"loss": loss, "engine": "reference"} for loss in LOSS if loss != "poisson"),
]
REGRESSOR_CHOICES: list[dict[str, Any]] = [{"loss": loss} for loss in LOSS]
SKLEARN_CHOICES: list[dict[str, Any]] = [
    *({"activation": name} for name in ("identity", "logistic", "tanh", "relu")),
    *({"solver": name} for name in ("sgd", "adam", "lbfgs")),
    *({"solver": "sgd", "learning_rate": name} for name in ("constant", "invscaling", "adaptive")),
    {"alpha": 100.0, "hidden_layer_sizes": [4, 4]},
    {"hidden_layer_sizes": 4, "momentum": 1.0},
    {"hidden_layer_sizes": ()},
    {"early_stopping": True, "batch_size": 2, "warm_start": True},
]


def made(kind: str, **choices: Any) -> Any:
    """Return an estimator of chainrule with a small layer."""
    return getattr(estimators, kind)(**{"hidden_layer_sizes": (5,), "max_iter": 1, **choices})


def label_of(choices: Any) -> str:
    """Return choices as a test id, without the memory addresses of functions."""
    return re.sub(r" at 0x\w+", "", str(choices))


# ---- chainrule's estimators ----------------------------------------------------------------------


NAMED = {label_of(choices): choices for choices in CHOICES}


@pytest.mark.every_value(choices=NAMED, kind=KINDS)
def test_every_choice_is_right(choices, kind):
    assert check(made(kind, **NAMED[choices])).verdict == "right"


@pytest.mark.parametrize("choices", CLASSIFIER_CHOICES, ids=label_of)
def test_every_choice_of_a_classifier_is_right(choices):
    assert check(made("MLPClassifier", **choices)).verdict == "right"


@pytest.mark.parametrize("choices", REGRESSOR_CHOICES, ids=label_of)
def test_every_loss_of_a_regressor_is_right(choices):
    assert check(made("MLPRegressor", **choices)).verdict == "right"


@pytest.mark.every_value(
    labels=LABELS, loss=["softmax-squared-error", "logistic-cross-entropy", "huber"]
)
def test_labels_of_every_kind_are_converted_for_the_loss(labels, loss):
    y, estimator = LABELS[labels], made("MLPClassifier", loss=loss, layer_norm=True, clip=0.1)
    if y.ndim == 2 and LOSSES[loss].classes:
        with pytest.raises(InputError, match=r"chooses one of many classes.*choose 'log_loss'"):
            check(estimator, x=X, t=y)
    else:
        assert check(estimator, x=X, t=y).verdict == "right"


@pytest.mark.product(numbers=NUMBERS, loss=["squared-error", "poisson", "softmax-cross-entropy"])
def test_targets_of_every_shape_are_accepted(numbers, loss):
    t, estimator = NUMBERS[numbers], made("MLPRegressor", loss=loss)
    if loss.startswith("softmax") and numbers != "many":
        with pytest.raises(InputError, match=r"sum to .*, not to 1.*divide each row"):
            check(estimator, x=X, t=t)
    else:
        assert check(estimator, x=X, t=t).verdict == "right"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.every_value(labels=LABELS, loss=["log_loss", "squared_error"])
def test_fitted_classifiers_are_right(labels, loss):
    estimator = made("MLPClassifier", loss=loss, layer_norm=True, clip=0.1, dropout=0.2)
    found = check(estimator.fit(X, LABELS[labels]))
    assert found.verdict == "right"
    widths = f"3-5-5-{estimator.n_outputs_}, "  # the copy has the same
    assert found.network.startswith(widths)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.every_value(numbers=["one", "many"], solver=["adam", "lbfgs"])
def test_fitted_regressors_are_right(numbers, solver):
    estimator = made("MLPRegressor", solver=solver, clip=ClipValue(0.01), layer_norm=True)
    assert check(estimator.fit(X, NUMBERS[numbers])).verdict == "right"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_that_stopped_early_is_right(kind):
    estimator = made(kind, early_stopping=True, validation_fraction=0.25)
    assert check(estimator.fit(X, LABELS["two"])).verdict == "right"


SAMPLES = {
    "single precision": X.astype(np.float32),
    "frame": pd.DataFrame(X, columns=list("abc")),
    "sparse": csr_matrix(X),
    "huge": 1e4 * X,
    "tiny": 1e-4 * X,
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.every_value(samples=SAMPLES, module=[estimators, theirs])
def test_samples_of_every_type_are_accepted(samples, module):
    estimator = module.MLPClassifier((5,), max_iter=1).fit(SAMPLES[samples], LABELS["words"])
    assert check(estimator).verdict == "right"
    assert check(estimator, x=SAMPLES[samples], t=LABELS["words"]).verdict == "right"


def test_a_step_that_diverges_is_right():
    estimator = made("MLPRegressor", activation=CUBE, hidden_layer_sizes=(1,))
    assert check(estimator, x=1e4 * X, t=NUMBERS["many"]).verdict == "right"


# ---- ignored parameters, and mistakes ------------------------------------------------------------


def test_ignored_parameters_are_reported():
    found = check(made("MLPClassifier", clip=0.1, dropout=0.5, class_weight={0: 2.0}))
    assert found.remarks[0].endswith("; ignored: dropout=0.5, class_weight={0: 2.0}, clip=0.1")


def test_no_remark_without_ignored_parameters():
    assert "left out" not in check(made("MLPRegressor")).remarks[0]


def backward_without_slope(layer: Dense, params: Any, saved: Any, da: Any) -> DenseGradients:
    """Return the gradients of a Dense layer without the factor f'."""
    delta = da
    return DenseGradients(delta, delta.T @ saved.x, np.sum(delta, axis=0), delta @ params["W"])


def test_a_wrong_layer_is_found_with_layer_norm_and_clipping(monkeypatch):
    monkeypatch.setattr(Dense, "backward", backward_without_slope)
    estimator = made(
        "MLPRegressor", layer_norm=True, clip=0.1, activation="tanh", engine="reference"
    )
    found = check(estimator)
    assert found.verdict == "wrong"
    assert [f.mistake.id for f in found.mistakes] == ["hidden-slope-missing"]


def test_a_wrong_loss_gradient_of_a_classifier_is_found(monkeypatch):
    right = SquaredError.gradient
    monkeypatch.setattr(SquaredError, "gradient", lambda *arguments: -right(*arguments))
    found = check(made("MLPClassifier", loss="squared_error", engine="reference"))
    assert found.verdict == "wrong"


# ---- scikit-learn's estimators -------------------------------------------------------------------


KNOWN = theirs.MLPRegressor().get_params()


@pytest.mark.parametrize("choices", SKLEARN_CHOICES, ids=label_of)
def test_every_choice_in_scikit_learn_is_right(choices):
    settings = {"hidden_layer_sizes": (5,), **choices}
    assert check(theirs.MLPClassifier(**settings)).verdict == "right"
    losses: list[dict[str, Any]] = [{}]
    if "loss" in KNOWN:  # since scikit-learn 1.7
        losses += [{"loss": "poisson"}]
    for loss in losses:
        estimator = theirs.MLPRegressor(**settings, **loss)
        assert check(estimator, x=X, t=NUMBERS["a column"]).verdict == "right"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("labels", LABELS)
def test_fitted_classifiers_of_scikit_learn_are_right(labels):
    estimator = theirs.MLPClassifier((5,), max_iter=1).fit(X, LABELS[labels])
    assert check(estimator).verdict == "right"
    assert check(estimator, x=X, t=LABELS[labels]).verdict == "right"


def test_a_loss_of_clipped_probabilities_is_ignored():
    found = check(theirs.MLPClassifier((5,)), x=1e4 * X, t=LABELS["three"])
    assert found.verdict == "right"
    assert found.remarks[0].endswith(
        "; ignored: loss_, which is not exactly the loss of its gradient"
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_one_class_is_accepted_as_in_scikit_learn():
    estimator = theirs.MLPClassifier((5,), max_iter=1).fit(X, np.zeros(N))
    assert check(estimator).verdict == "right"


def test_one_class_of_our_own_classifier_is_accepted_with_a_warning():
    with pytest.warns(UserWarning, match="there is one class only"):
        assert check(made("MLPClassifier"), x=X, t=np.zeros(N)).verdict == "right"


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "arguments", "message"),
    [
        (made("MLPClassifier", loss="poisson"), {}, "loss='poisson' is for counts.*choose"),
        (made("MLPClassifier", alpha=-1.0), {}, "alpha=-1.0"),
        (theirs.MLPClassifier((-1,)), {}, r"cannot be trained: .*must be > 0, got \[-1\]; correct"),
        (theirs.MLPClassifier(activation="cube"), {}, "'activation'.*Got 'cube' instead; correct"),
        (made("MLPRegressor"), {"x": X, "t": np.zeros(3)}, r"12 samples.*shape \(3,\); pass one"),
        (made("MLPRegressor"), {"x": X[0], "t": [1.0]}, r"x has shape \(3,\); pass \(n, features"),
        (made("MLPRegressor"), {"x": [["a"]], "t": [1.0]}, "x is not an array of numbers.*pass"),
        (made("MLPClassifier"), {"x": X[:2], "t": np.array([1, "a"], object)}, "one type"),
    ],
    ids=str,
)
def test_errors_name_the_remedy(estimator, arguments, message):
    with pytest.raises(InputError, match=message):
        check(estimator, **arguments)


@pytest.mark.parametrize(
    ("added", "dtype"), [(1e-6, np.float64), (0.0, np.float32), (0.0, np.float64)]
)
def test_less_exact_programs_are_right_with_a_remark_on_what_it_may_be(added, dtype):
    def gradients(weights, biases, x, t):
        (W1, W2), (b1, b2) = weights, biases
        h = np.tanh(x @ W1.T + b1).astype(dtype).astype(np.float64)
        d2 = (h @ W2.T + b2 - t) / (len(x) + added)
        d1 = (d2 @ W2) * (1 - h * h)
        return [d1.T @ x, d2.T @ h], [d1.sum(0), d2.sum(0)]

    known = {"layers": [3, 4, 2], "activation": "tanh, identity", "loss": "squared-error"}
    found = check(gradients, known)
    assert found.verdict == "right"
    is_exact = not added and dtype == np.float64
    assert any("float32" in r and "adds a small number" in r for r in found.remarks) != is_exact
