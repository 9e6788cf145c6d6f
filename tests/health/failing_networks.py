"""Data sets and networks for the tests of health reports.

``FAILING`` lists networks that do not learn, each with the finding that it must have.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from chainrule import (
    SGD,
    Adam,
    Constant,
    DivergenceError,
    Momentum,
    Nesterov,
    Network,
    Penalty,
    RMSProp,
    Run,
    Uniform,
    mlp,
    train,
)
from chainrule.health import Health, diagnose
from chainrule.training import Record
from tests.rows import rows

Array: TypeAlias = np.ndarray[Any, Any]


class Data(NamedTuple):
    """Samples X (n, inputs) and their targets."""

    X: Array
    y: Array


def standard(x: Array) -> Array:
    """Return columns of mean 0 and standard deviation 1; constant ones become 0."""
    deviation = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def arrays(loaded: Any) -> Data:
    """Return a data set of scikit-learn as arrays."""
    X, y = loaded
    return Data(np.asarray(X), np.asarray(y))


@cache
def iris() -> Data:
    return arrays(load_iris(return_X_y=True))


@cache
def digits(rows: int = 1797) -> Data:
    X, y = arrays(load_digits(return_X_y=True))
    return Data(X[:rows] / 16, y[:rows])


@cache
def diabetes() -> Data:
    X, y = arrays(load_diabetes(return_X_y=True))
    return Data(standard(X), standard(y))


@cache
def counts() -> Data:
    """Return counts of a mean between 0 and 7 that depend on the diabetes data set."""
    X, y = diabetes()
    return Data(X, np.round(np.exp(0.5 * y)))


@cache
def cancer() -> Data:
    X, y = arrays(load_breast_cancer(return_X_y=True))
    return Data(standard(X), y)


@cache
def wine() -> Data:
    return arrays(load_wine(return_X_y=True))


def half_adder() -> Data:
    return Data(
        np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0, 0], [1, 0], [1, 0], [0, 1]])
    )


def noise(n: int = 500) -> Data:
    """Return targets that are unrelated to the inputs."""
    rng = np.random.default_rng(0)
    return Data(rng.normal(size=(n, 5)), rng.normal(size=n))


# ---- reports ------------------------------------------------------------------------------------


def report(network: Network, data: Data, **options: Any) -> Health:
    """Return the report on an untrained network."""
    theta = options.pop("theta", network.initialize(1))
    return diagnose(network, theta, *data, **options)


def trained(network: Network, data: Data, optimizer: Any, epochs: int, **options: Any) -> Run:
    """Return a run, finished or diverged."""
    run = train(network, *data, optimizer, epochs=epochs, seed=1, engine="reference", **options)
    try:
        run.finish()
    except DivergenceError:
        assert run.reason == "diverged"
    return run


def after(network: Network, data: Data, optimizer: Any, epochs: int, **options: Any) -> Health:
    """Train a network and return the report on the run."""
    run = trained(network, data, optimizer, epochs, **options)
    start = network.initialize(1)
    return diagnose(
        network, run.theta, *data, history=run.history, optimizer=optimizer, theta_start=start
    )


def records(*losses: float, every: int = 50) -> list[Record]:
    """Return records with these losses."""
    return [
        Record(i, i * every, loss, None, None, 0.1, 0.0) for i, loss in enumerate(losses, start=1)
    ]


# ---- networks -----------------------------------------------------------------------------------


def classifier(*widths: int, activation: str = "tanh", **options: Any) -> Network:
    return mlp(*widths, activation=activation, loss="softmax-cross-entropy", **options)


def regressor(*widths: int, activation: str = "tanh", **options: Any) -> Network:
    return mlp(*widths, activation=activation, loss="squared-error", output="identity", **options)


IRIS = classifier(4, 16, 3)
SCALED_IRIS = Data(standard(iris().X), iris().y)
DIABETES = regressor(10, 16, 1)
LEAST_ABSOLUTE = mlp(10, 32, 1, activation="logistic", loss="absolute-error", output="identity")
OFF = {"activation": "relu", "bias_initializer": Constant(-50.0)}  # all units are dead
FROZEN = {**OFF, "train_biases": False}


def broken() -> Health:
    theta = IRIS.initialize(0)
    theta[3] = np.nan
    return report(IRIS, iris(), theta=theta)


def narrow() -> Data:
    """Return data with one column near 60 that hardly varies."""
    X, y = diabetes()
    return Data(np.where(np.arange(10) == 7, 60 + 0.1 * X, X), y)


def with_constant() -> Data:
    X, y = diabetes()
    return Data(np.where(np.arange(10) == 7, 60.0, X), y)


class FailingNetwork(NamedTuple):
    """A network that does not learn.

    Attributes
    ----------
    finding : str
        The finding that its report must have.
    report : callable
        Returns the report.
    also : set of str
        Further findings that are true; the report must not have any others.
    """

    finding: str
    report: Callable[[], Health]
    also: frozenset[str] = frozenset()


def failing(finding: str, report: Callable[[], Health], *also: str) -> FailingNetwork:
    return FailingNetwork(finding, cache(report), frozenset(also))


FAILING: dict[str, FailingNetwork] = {
    "NaN in theta": failing("not-finite", broken),
    "overflow": failing(
        "not-finite",
        lambda: report(DIABETES, Data(diabetes().X, diabetes().y * 1e200)),
        "targets-not-scaled",
    ),
    "NaN in the records": failing(
        "not-finite", lambda: report(IRIS, iris(), history=records(1.2, np.nan, every=10))
    ),
    "wine, not scaled": failing(
        "inputs-not-scaled", lambda: report(classifier(13, 16, 3), wine()), "saturated-units"
    ),
    "pixels up to 255": failing(
        "inputs-not-scaled",
        lambda: report(
            classifier(64, 32, 10, activation="relu"), Data(255 * digits().X, digits().y)
        ),
    ),
    "a column far from 0": failing(
        "inputs-not-scaled", lambda: report(DIABETES, narrow()), "saturated-units"
    ),
    "alpha of 1,000": failing(
        "penalty-too-large",
        lambda: after(
            regressor(10, 16, 1, penalty=Penalty(alpha=1000.0)), diabetes(), Adam(0.01), 300
        ),
        "constant-output",
        "stuck-loss",
    ),
    "tiny inputs": failing(
        "inputs-not-scaled", lambda: report(DIABETES, Data(1e-6 * diabetes().X, diabetes().y))
    ),
    "a large constant": failing(
        "constant-inputs", lambda: report(DIABETES, with_constant()), "saturated-units"
    ),
    "the same sample": failing(
        "constant-inputs", lambda: report(DIABETES, Data(0 * diabetes().X + 0.5, diabetes().y))
    ),
    "one class in the data": failing(
        "targets-alike", lambda: report(IRIS, Data(standard(iris().X), 0 * iris().y))
    ),
    "logistic output, targets up to 10": failing(
        "targets-out-of-reach",
        lambda: report(
            mlp(10, 16, 1, activation="logistic", loss="squared-error"),
            Data(diabetes().X, np.linspace(0, 10, 442)),
        ),
    ),
    "logistic output, targets up to 346": failing(
        "targets-out-of-reach",
        lambda: after(
            mlp(10, 16, 1, activation="logistic", loss="squared-error"),
            Data(diabetes().X, 77 * diabetes().y + 152),
            Adam(0.01),
            150,
            batch_size=32,
        ),
        "constant-output",
        "stuck-loss",
    ),
    "logistic below softmax": failing(
        "targets-out-of-reach",
        lambda: report(classifier(64, 32, 10, output="logistic"), digits()),
    ),
    "relu output, targets below 0": failing(
        "targets-out-of-reach",
        lambda: report(mlp(10, 16, 1, activation="relu", loss="squared-error"), diabetes()),
    ),
    "targets up to 346": failing(
        "targets-not-scaled",
        lambda: after(DIABETES, Data(diabetes().X, 77 * diabetes().y + 152), Adam(), 200),
        "constant-output",
        "stuck-loss",
    ),
    "tiny targets": failing(
        "targets-not-scaled",
        lambda: after(DIABETES, Data(diabetes().X, 1e-5 * diabetes().y), Adam(), 200),
        "stuck-loss",
    ),
    "shuffled": failing(
        "targets-unrelated",
        lambda: after(regressor(5, 1), noise(), Adam(0.01), 400),
        "stuck-loss",
    ),
    "equal weights": failing(
        "symmetric-weights",
        lambda: report(regressor(10, 16, 1, initializer=Constant(0.1)), diabetes()),
    ),
    "all weights 0": failing(
        "symmetric-weights",
        lambda: after(regressor(10, 8, 8, 1, initializer=Constant(0.0)), diabetes(), SGD(0.1), 150),
        "stuck-loss",
        "constant-output",
    ),
    "weights too large": failing(
        "saturated-units",
        lambda: report(
            classifier(4, 16, 3, initializer=Uniform(-100, 100)),
            Data(standard(iris().X), iris().y),
        ),
    ),
    "dead rectifiers": failing(
        "dead-units", lambda: report(regressor(10, 16, 1, **OFF), diabetes())
    ),
    "ten logistic layers": failing(
        "vanishing-gradient",
        lambda: report(classifier(4, *[16] * 10, 3, activation="logistic"), iris()),
    ),
    "ten layers of large weights": failing(
        "exploding-gradient",
        lambda: report(
            classifier(64, *[32] * 10, 10, activation="relu", initializer=Uniform(-1.5, 1.5)),
            digits(),
        ),
    ),
    "sgd 30": failing("rate-too-large", lambda: report(DIABETES, diabetes(), optimizer=SGD(30.0))),
    "momentum 30": failing(
        "rate-too-large", lambda: report(DIABETES, diabetes(), optimizer=Momentum(30.0))
    ),
    "nesterov 30": failing(
        "rate-too-large", lambda: report(DIABETES, diabetes(), optimizer=Nesterov(30.0))
    ),
    "adam 5": failing("rate-too-large", lambda: report(DIABETES, diabetes(), optimizer=Adam(5.0))),
    "sgd 3, diverged": failing(
        "rate-too-large",
        lambda: after(DIABETES, diabetes(), SGD(3.0), 200),
        "diverging-loss",
        "not-finite",
    ),
    "sgd 1e-7": failing(
        "rate-too-small", lambda: after(DIABETES, diabetes(), SGD(1e-7), 200), "stuck-loss"
    ),
    "adam 1e-9": failing(
        "rate-too-small",
        lambda: after(classifier(64, 32, 10), digits(600), Adam(1e-9), 120),
        "stuck-loss",
    ),
    "adam 1e-7, few updates": failing(
        "rate-too-small", lambda: after(IRIS, SCALED_IRIS, Adam(1e-7), 12)
    ),
    "adam 1e-7, many updates": failing(
        "rate-too-small", lambda: after(IRIS, SCALED_IRIS, Adam(1e-7), 200), "stuck-loss"
    ),
    "rmsprop 1e-7, one record": failing(
        "rate-too-small", lambda: after(IRIS, SCALED_IRIS, RMSProp(1e-7), 1)
    ),
    "adam 1e-20, which moves nothing": failing(
        "rate-too-small", lambda: after(IRIS, SCALED_IRIS, Adam(1e-20), 150), "stuck-loss"
    ),
    "adam 1e-7, weights that begin at 0": failing(
        "rate-too-small",
        lambda: after(classifier(4, 3, initializer=Constant(0.0)), SCALED_IRIS, Adam(1e-7), 12),
    ),
    "sgd 1e-7, absolute error": failing(
        "rate-too-small", lambda: after(LEAST_ABSOLUTE, diabetes(), SGD(1e-7), 12)
    ),
    "momentum 1e-7, curvature below 0": failing(
        "rate-too-small",
        lambda: after(
            mlp(30, 8, 1, activation="tanh", loss="logistic-cross-entropy"),
            cancer(),
            Momentum(1e-7),
            150,
        ),
        "stuck-loss",
    ),
    "one class": failing(
        "one-class",
        lambda: after(
            classifier(4, 8, 3, **FROZEN), Data(standard(iris().X), iris().y), SGD(0.1), 200
        ),
        "dead-units",
        "stuck-loss",
    ),
    "one value": failing(
        "constant-output",
        lambda: after(regressor(10, 16, 1, **FROZEN), diabetes(), SGD(0.1), 200),
        "dead-units",
        "stuck-loss",
    ),
    "rising": failing(
        "diverging-loss", lambda: report(IRIS, iris(), history=records(1.2, 1.5, 9.0, every=10))
    ),
    "stuck": failing(
        "stuck-loss",
        lambda: after(regressor(10, 16, 1, **FROZEN), diabetes(), SGD(0.1), 200),
        "dead-units",
        "constant-output",
    ),
}


FAILING_ROWS = rows(FAILING, "adam 1e-9")
