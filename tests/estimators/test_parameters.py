"""Every parameter of the constructors changes something, and wrong values raise errors.

A result, an output or the time; what scikit-learn ignores under another solver changes nothing.
"""

import inspect
from typing import Any

import numpy as np
import pytest

from chainrule import (
    ACTIVATIONS,
    INITIALIZERS,
    LOSSES,
    OPTIMIZERS,
    SGD,
    ClipNorm,
    ClipValue,
    ConstantRate,
    LeakyReLU,
    MLPClassifier,
    MLPRegressor,
    Tanh,
)
from tests.estimators.data import CLASSES, LABELS, NUMBERS, TARGETS, X, bytes_of, quick

SGD_FITS: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 0.1}

# The setting in which a parameter matters, and another value of it.
CHANGES: dict[str, tuple[dict[str, Any], Any]] = {
    "hidden_layer_sizes": ({}, (6,)),
    "activation": ({}, "tanh"),
    "solver": ({}, "sgd"),
    "alpha": ({}, 1.0),
    "batch_size": ({}, 10),
    "learning_rate": (SGD_FITS, "invscaling"),
    "learning_rate_init": ({}, 0.01),
    "power_t": ({**SGD_FITS, "learning_rate": "invscaling"}, 0.1),
    "max_iter": ({}, 3),
    "shuffle": ({"batch_size": 10}, False),
    "random_state": ({}, 4),
    "tol": ({"n_iter_no_change": 1}, 100.0),
    "momentum": (SGD_FITS, 0.5),
    "nesterovs_momentum": (SGD_FITS, False),
    "early_stopping": ({}, True),
    "validation_split": ({"early_stopping": True}, "last"),
    "validation_fraction": ({"early_stopping": True}, 0.4),
    "beta_1": ({}, 0.5),
    "beta_2": ({}, 0.9),
    "epsilon": ({}, 1.0),
    "n_iter_no_change": ({"tol": 100.0, "max_iter": 9}, 2),
    "max_fun": ({"solver": "lbfgs", "max_iter": 20}, 3),
    "l1": ({}, 0.1),
    "l2": ({}, 0.1),
    "dropout": ({}, 0.5),
    "layer_norm": ({}, True),
    "initializer": ({}, "orthogonal"),
    "clip": ({**SGD_FITS, "momentum": 0.0}, 1e-3),
    "class_weight": ({}, {0: 5.0}),
    "output_activation": ({}, "tanh"),
    "callbacks": ({}, [lambda _, record: record.epoch == 2]),
    "scoring": ({"early_stopping": True, "max_iter": 40, "learning_rate_init": 0.1}, "loss"),
}
LOSSES_TRIED = {MLPClassifier: "softmax-squared-error", MLPRegressor: "huber"}
ONE_ONLY = {MLPRegressor: "class_weight", MLPClassifier: "output_activation"}  # not its own
ELSEWHERE = {
    "verbose",
    "warm_start",
    "engine",
    "communicator",
}  # these affect output, the next fit or the time; tested below


def fitted(estimator: Any, **choices: Any) -> Any:
    y = CLASSES if estimator is MLPClassifier else NUMBERS
    settings = {
        "hidden_layer_sizes": (5,),
        "random_state": 3,
        "max_iter": 6,
        "tol": 1e-4,
        **choices,
    }
    return estimator(**settings).fit(X, y)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_the_walk_has_all_parameters(estimator: Any):
    names = set(inspect.signature(estimator).parameters)
    walked = CHANGES.keys() | ELSEWHERE | {"loss"}
    assert names - walked == set()
    assert walked - names == {ONE_ONLY[estimator]}


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("name", CHANGES)
def test_a_parameter_changes_the_weights(estimator: Any, name: str):
    if name not in inspect.signature(estimator).parameters:
        assert name == ONE_ONLY[estimator]
        return
    setting, value = CHANGES[name]
    if (estimator, name) == (MLPRegressor, "scoring"):
        value = "neg_median_absolute_error"  # the loss orders epochs as R² does
    usual, other = fitted(estimator, **setting), fitted(estimator, **{**setting, name: value})
    assert bytes_of(usual) != bytes_of(other)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_the_loss_changes_the_weights(estimator: Any):
    usual, other = fitted(estimator), fitted(estimator, loss=LOSSES_TRIED[estimator])
    assert bytes_of(usual) != bytes_of(other)


def test_the_engine_is_the_one_that_was_asked_for():
    for engine, taken in (("auto", "compiled"), ("reference", "reference")):
        choices: dict[str, Any] = {"hidden_layer_sizes": (50, 50), "engine": engine, "alpha": 0.1}
        network = fitted(MLPRegressor, **choices)
        assert network._history.state.engine == taken
        assert (network._forward._prepared(network.theta_) is not None) == (engine == "auto")


def test_layers_in_the_place_of_the_loss_raise_an_error():
    wrong: Any = (5,)
    with pytest.raises(ValueError, match="it comes before hidden_layer_sizes"):
        MLPRegressor(wrong).fit(X, NUMBERS)


def test_verbose_writes_scikit_learns_lines(capsys: pytest.CaptureFixture[str]):
    fitted(MLPRegressor)
    assert capsys.readouterr().out == ""
    loud = fitted(MLPRegressor, verbose=True, max_iter=2)
    lines = [f"Iteration {i}, loss = {loss:.8f}" for i, loss in enumerate(loud.loss_curve_, 1)]
    assert capsys.readouterr().out.splitlines() == lines


def test_verbose_says_why_it_stops(capsys: pytest.CaptureFixture[str]):
    fitted(MLPRegressor, verbose=True, max_iter=50, tol=100.0, n_iter_no_change=2)
    assert "did not improve more than tol=100.000000 for 2 consecutive epochs. Stopping." in (
        capsys.readouterr().out
    )


def test_warm_start_changes_the_next_fit():
    once = fitted(MLPRegressor)
    twice = fitted(MLPRegressor, warm_start=True).fit(X, NUMBERS)
    assert bytes_of(once) != bytes_of(twice)
    assert bytes_of(once) == bytes_of(fitted(MLPRegressor).fit(X, NUMBERS))


@pytest.mark.parametrize(
    ("solver", "ignored"),
    [
        (
            "adam",
            {
                "momentum": 0.1,
                "nesterovs_momentum": False,
                "power_t": 0.1,
                "max_fun": 1,
                "learning_rate": "invscaling",
            },
        ),
        ("adam", {"learning_rate": "adaptive"}),
        ("sgd", {"beta_1": 0.1, "beta_2": 0.1, "epsilon": 1.0, "max_fun": 1, "power_t": 0.1}),
        (
            "lbfgs",
            {
                "beta_1": 0.1,
                "momentum": 0.1,
                "learning_rate_init": 1.0,
                "batch_size": 7,
                "shuffle": False,
                "early_stopping": True,
                "n_iter_no_change": 1,
                "learning_rate": "invscaling",
            },
        ),
    ],
)
def test_what_scikit_learn_ignores_is_ignored(solver: str, ignored: dict[str, Any]):
    usual = fitted(MLPClassifier, solver=solver)
    assert bytes_of(usual) == bytes_of(fitted(MLPClassifier, solver=solver, **ignored))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("hidden_layer_sizes", (0,), r"hidden_layer_sizes must be > 0, got \[0\]"),
        ("hidden_layer_sizes", (2.5,), "hidden_layer_sizes must be whole numbers"),
        ("hidden_layer_sizes", -3, "hidden_layer_sizes must be > 0"),
        ("activation", "rely", "unknown activation 'rely'; did you mean 'relu'"),
        ("activation", ["relu"], "activation has 1 entries for 2 hidden layers"),
        ("activation", 3, "unknown activation 3;"),
        ("solver", "adan", "unknown solver 'adan'; did you mean 'adam'"),
        ("solver", 3, "unknown solver 3;"),
        ("alpha", -1, "alpha=-1: must be a number in"),
        ("l1", "x", "l1='x': must be a number"),
        ("dropout", 1.0, "dropout=1.0: must be a number in"),
        ("batch_size", 0, "batch_size = 0: must be an integer of at least 1"),
        ("batch_size", "all", "batch_size='all': give 'auto'"),
        ("learning_rate", "cosin", "unknown learning rate 'cosin'"),
        ("learning_rate", "cosine", r"requires the number of steps; give CosineDecay\("),
        ("learning_rate_init", 0, "learning_rate_init=0"),
        ("max_iter", 0, "max_iter = 0"),
        ("max_iter", 1.5, "max_iter = 1.5"),
        ("shuffle", "yes", "shuffle='yes': give True or False"),
        ("random_state", -1, "random_state=-1: give a whole number from 0"),
        ("random_state", "x", "random_state='x'"),
        ("tol", np.nan, "tol=nan"),
        ("verbose", "loud", "verbose='loud': give True, False or 'health'"),
        ("momentum", 1.0, "momentum=1.0"),
        ("beta_1", 1.0, "beta_1=1.0"),
        ("epsilon", 0.0, "epsilon=0.0"),
        ("n_iter_no_change", 0, "n_iter_no_change = 0"),
        ("validation_fraction", 1.0, "validation_fraction=1.0"),
        ("loss", "hube", "unknown loss 'hube'; did you mean 'huber'"),
        ("initializer", "glorott", "unknown initializer 'glorott'"),
        ("clip", "big", "clip='big': give a largest norm"),
        ("callbacks", [3], r"callbacks has 3: give functions callback\(estimator, record\)"),
        ("callbacks", 3, "callbacks=3: give a list of functions"),
        ("engine", "fast", "unknown engine 'fast'"),
        ("scoring", "acuracy", "acuracy"),
    ],
)
def test_wrong_values_raise_errors(name: str, value: Any, message: str):
    choices = {"hidden_layer_sizes": (5, 5), "early_stopping": name == "scoring", name: value}
    estimator = MLPRegressor(**{"solver": "sgd", **choices})
    before = dict(vars(estimator))
    with pytest.raises((ValueError, KeyError), match=message):
        estimator.fit(X, NUMBERS)
    assert vars(estimator) == before


def test_a_schedule_with_an_optimizer_object_is_refused():
    with pytest.raises(ValueError, match="has its own learning rate"):
        fitted(MLPRegressor, solver=SGD(0.1), learning_rate=ConstantRate(0.1))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation: str):
    spelled = fitted(MLPRegressor, activation=activation.replace("-", "_"))
    assert bytes_of(spelled) == bytes_of(fitted(MLPRegressor, activation=ACTIVATIONS[activation]))


def test_an_activation_for_each_layer():
    mixed = fitted(MLPClassifier, hidden_layer_sizes=(4, 3), activation=["tanh", LeakyReLU(0.2)])
    assert [layer.activation for layer in mixed.network_.layers[:2]] == [Tanh(), LeakyReLU(0.2)]


@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("kind", ["classes", "many"])
def test_every_optimizer_lowers_the_loss(solver: str, kind: str):
    trained = quick(kind, solver=solver, max_iter=30, learning_rate_init=0.01).fit(X, TARGETS[kind])
    assert trained.loss_curve_[-1] < 0.99 * trained.loss_curve_[0]


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_of_a_regressor(loss: str):
    y = {"poisson": NUMBERS**2, "logistic-cross-entropy": (NUMBERS > 0) * 1.0}.get(loss, NUMBERS)
    if LOSSES[loss].classes:
        y = np.column_stack([NUMBERS > 0, NUMBERS <= 0]) * 1.0
    trained = quick("one", loss=loss.replace("-", "_"), max_iter=60, learning_rate_init=0.01)
    trained.fit(X, y)
    assert trained.loss_curve_[-1] < 0.99 * trained.loss_curve_[0]


@pytest.mark.parametrize("loss", sorted(set(LOSSES) - {"poisson"}))
@pytest.mark.parametrize("kind", ["binary", "classes", "labels"])
def test_every_loss_of_a_classifier(loss: str, kind: str):
    trained = quick(kind, loss=loss, max_iter=150, learning_rate_init=0.05)
    if kind == "labels" and LOSSES[loss].classes:
        with pytest.raises(ValueError, match="many labels at once; choose 'log_loss'"):
            trained.fit(X, LABELS)
        return
    trained.fit(X, TARGETS[kind])
    assert trained.score(X, TARGETS[kind]) > 0.75
    p = trained.predict_proba(X)
    assert ((p >= 0) & (p <= 1)).all()
    if kind != "labels":
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
        assert (trained.classes_[p.argmax(axis=1)] == trained.predict(X)).mean() > 0.99


def test_a_classifier_refuses_counts():
    with pytest.raises(ValueError, match="for counts, not for classes"):
        fitted(MLPClassifier, loss="poisson")


@pytest.mark.parametrize("name", [n for n in INITIALIZERS if n not in ("constant", "orthogonal")])
def test_initializers_draw_the_weights_and_leave_biases_at_zero(name: str):
    drawn = MLPRegressor(initializer=name, random_state=0).initialize(X, NUMBERS)
    assert not drawn.intercepts_[0].any()
    assert drawn.coefs_[0].std() > 0


@pytest.mark.parametrize("activation", ["relu", "logistic"])
def test_without_an_initializer_weights_follow_scikit_learns_law(activation: str):
    wide = MLPRegressor("huber", (2000,), activation, random_state=0).initialize(X, NUMBERS)
    bound = np.sqrt((2 if activation == "logistic" else 6) / (4 + 2000))
    for drawn in (wide.coefs_[0], wide.intercepts_[0]):
        assert 0.99 * bound < np.abs(drawn).max() <= bound
        assert drawn.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)


def test_clipping_by_number_norm_and_value():
    by_number, by_norm = fitted(MLPRegressor, clip=0.1), fitted(MLPRegressor, clip=ClipNorm(0.1))
    assert bytes_of(by_number) == bytes_of(by_norm)
    assert bytes_of(by_norm) != bytes_of(fitted(MLPRegressor, clip=ClipValue(0.1)))
    own = fitted(MLPRegressor, solver=SGD(0.1), clip=0.001)
    assert bytes_of(own) == bytes_of(fitted(MLPRegressor, solver=SGD(0.1, ClipNorm(0.001))))


def test_a_batch_larger_than_the_data_warns():
    with pytest.warns(UserWarning, match="larger than sample size 60"):
        fitted(MLPRegressor, batch_size=100)


def test_max_iter_warns_as_scikit_learn_does():
    with pytest.warns(UserWarning, match=r"Maximum iterations \(6\) reached"):
        fitted(MLPRegressor)
    with pytest.warns(UserWarning, match="lbfgs failed to converge after 2"):
        fitted(MLPRegressor, solver="lbfgs", max_iter=2)
    with pytest.warns(UserWarning, match="max_fun calls"):
        fitted(MLPRegressor, solver="lbfgs", max_iter=200, max_fun=3)


def test_a_random_state_object_moves_on():
    state = np.random.RandomState(0)
    first, second = (fitted(MLPRegressor, random_state=state) for _ in range(2))
    assert bytes_of(first) != bytes_of(second)
    again = fitted(MLPRegressor, random_state=np.random.RandomState(0))
    assert bytes_of(again) == bytes_of(first)
