"""Every remedy is applied: a run that fails, and the same run after following its report."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from chainrule import (
    SGD,
    Adam,
    ClipNorm,
    Constant,
    Glorot,
    He,
    MLPClassifier,
    Momentum,
    Network,
    Penalty,
    RMSProp,
    Uniform,
    mlp,
)
from chainrule.health import EXAMINATIONS, Finding, Health, diagnose
from tests.health.failing_networks import (
    DIABETES,
    IRIS,
    LEAST_ABSOLUTE,
    OFF,
    Data,
    after,
    classifier,
    counts,
    diabetes,
    digits,
    iris,
    noise,
    records,
    regressor,
    standard,
    trained,
    wine,
    with_constant,
)
from tests.rows import rows


class Experiment(NamedTuple):
    """A training run to perform."""

    network: Network
    data: Data
    rule: Any
    epochs: int
    batch: int | None = None

    def report(self) -> Health:
        return after(self.network, self.data, self.rule, self.epochs, batch_size=self.batch)


class RemedyCase(NamedTuple):
    """A run that fails, and the same run after applying the remedy.

    Attributes
    ----------
    finding : str
    failing : Experiment
    words : str
        A part of the remedy's text.
    cured : callable
        Returns the experiment that follows the remedy, from the failing one and the finding.
    """

    finding: str
    failing: Experiment
    words: str
    cured: Callable[[Experiment, Finding], Experiment]


def with_fields(**options: Any) -> Callable[[Experiment, Finding], Experiment]:
    """Return a function that replaces fields of an experiment."""
    return lambda experiment, _: experiment._replace(**options)


def with_optimizer_fields(**options: Any) -> Callable[[Experiment, Finding], Experiment]:
    """Return a function that replaces fields of an experiment's optimizer."""
    return lambda experiment, _: experiment._replace(rule=replace(experiment.rule, **options))


def with_suggested_rate(experiment: Experiment, finding: Finding) -> Experiment:
    """Return an experiment with the learning rate that the remedy suggests, its first number."""
    words = finding.remedy.replace(",", "").split()
    learning_rate = next(float(word) for word in words if word[0].isdigit())
    return experiment._replace(rule=replace(experiment.rule, learning_rate=learning_rate))


SCALED = Data(standard(iris().X), iris().y)
LARGE = Uniform(-1.5, 1.5)
UP_TO_10 = Experiment(
    mlp(10, 16, 1, activation="logistic", loss="squared-error"),
    Data(diabetes().X, 3 * diabetes().y + 5),
    Adam(0.01),
    300,
)


def shuffled(data: Data) -> Data:
    return Data(data.X, np.random.default_rng(0).permutation(data.y))


def deep(**options: Any) -> Network:
    return classifier(4, *[16] * 10, 3, **options)


def wide(**options: Any) -> Network:
    return classifier(64, *[32] * 10, 10, activation="relu", **options)


REMEDIES: dict[str, RemedyCase] = {
    "wine, not scaled": RemedyCase(
        "inputs-not-scaled",
        Experiment(classifier(13, 16, 3), wine(), SGD(0.1), 200),
        "standardize",
        with_fields(data=Data(standard(wine().X), wine().y)),
    ),
    "a large constant": RemedyCase(
        "constant-inputs",
        Experiment(DIABETES, with_constant(), SGD(0.1), 200),
        "remove constant columns",
        with_fields(
            network=regressor(9, 16, 1), data=Data(np.delete(diabetes().X, 7, 1), diabetes().y)
        ),
    ),
    "one class in the data": RemedyCase(
        "targets-alike",
        Experiment(classifier(4, 16, 3), Data(SCALED.X, 0 * SCALED.y), SGD(0.1), 200),
        "how y was made",
        with_fields(data=SCALED),
    ),
    "alpha of 1,000": RemedyCase(
        "penalty-too-large",
        Experiment(
            regressor(10, 16, 1, penalty=Penalty(alpha=1000.0)), diabetes(), Adam(0.01), 300
        ),
        "such as alpha=1",
        with_fields(network=regressor(10, 16, 1, penalty=Penalty(alpha=1.0))),
    ),
    "targets up to 10, scaled": RemedyCase(
        "targets-out-of-reach",
        UP_TO_10,
        "scale the targets into that range",
        with_fields(data=Data(diabetes().X, 0.2 * diabetes().y + 0.5)),
    ),
    "targets up to 10, identity": RemedyCase(
        "targets-out-of-reach",
        UP_TO_10,
        "output='identity'",
        with_fields(network=regressor(10, 16, 1, activation="logistic")),
    ),
    "logistic below softmax": RemedyCase(
        "targets-out-of-reach",
        Experiment(classifier(64, 32, 10, output="logistic"), digits(), Adam(0.01), 30, 100),
        "output='identity'",
        with_fields(network=classifier(64, 32, 10)),
    ),
    "targets up to 346": RemedyCase(
        "targets-not-scaled",
        Experiment(DIABETES, Data(diabetes().X, 77 * diabetes().y + 152), Adam(0.001), 300),
        "standardize",
        with_fields(data=diabetes()),
    ),
    "targets in thousands, descent": RemedyCase(
        "targets-not-scaled",
        Experiment(
            regressor(10, 50, 1, activation="relu"),
            Data(diabetes().X, 1000 * (77 * diabetes().y + 152)),
            SGD(0.001),
            300,
            32,
        ),
        "standardize",
        with_fields(data=diabetes()),
    ),
    "shuffled": RemedyCase(
        "targets-unrelated",
        Experiment(regressor(10, 1), shuffled(diabetes()), Adam(0.01), 400),
        "belong together",
        with_fields(data=diabetes()),
    ),
    "few, shuffled": RemedyCase(
        "stuck-loss",
        Experiment(
            regressor(10, 1),
            shuffled(Data(diabetes().X[:190], diabetes().y[:190])),
            Adam(0.01),
            400,
        ),
        "belong together",
        with_fields(data=Data(diabetes().X[:190], diabetes().y[:190])),
    ),
    "equal weights": RemedyCase(
        "symmetric-weights",
        Experiment(
            classifier(64, 32, 10, initializer=Constant(0.1)), digits(), Adam(0.01), 20, 100
        ),
        "initializer=Glorot()",
        with_fields(network=classifier(64, 32, 10, initializer=Glorot())),
    ),
    "weights too large": RemedyCase(
        "saturated-units",
        Experiment(classifier(4, 16, 3, initializer=Uniform(-100, 100)), SCALED, SGD(0.1), 200),
        "initializer=Glorot()",
        with_fields(network=classifier(4, 16, 3, initializer=Glorot())),
    ),
    "saturated by updates": RemedyCase(
        "saturated-units",
        Experiment(classifier(64, 32, 32, 10, activation="elu"), digits(600), Adam(0.3), 30, 100),
        "lower learning rate",
        with_optimizer_fields(learning_rate=0.03),
    ),
    "dead rectifiers": RemedyCase(
        "dead-units",
        Experiment(regressor(10, 16, 1, **OFF), diabetes(), SGD(0.1), 200),
        "initializer=He() and biases of 0",
        with_fields(network=regressor(10, 16, 1, activation="relu", initializer=He())),
    ),
    "rectifiers killed by updates": RemedyCase(
        "dead-units",
        Experiment(classifier(64, 32, 32, 10, activation="relu"), digits(600), Adam(0.3), 30, 100),
        "lower learning rate",
        with_optimizer_fields(learning_rate=0.03),
    ),
    "ten logistic layers, relu": RemedyCase(
        "vanishing-gradient",
        Experiment(deep(activation="logistic"), SCALED, SGD(0.1), 100, 32),
        "relu or tanh",
        with_fields(network=deep(activation="relu")),
    ),
    "ten logistic layers, tanh": RemedyCase(
        "vanishing-gradient",
        Experiment(deep(activation="logistic"), SCALED, SGD(0.1), 100, 32),
        "relu or tanh",
        with_fields(network=deep(activation="tanh")),
    ),
    "ten logistic layers, LayerNorm": RemedyCase(
        "vanishing-gradient",
        Experiment(deep(activation="logistic"), SCALED, SGD(0.1), 100, 32),
        "layer_norm=True",
        with_fields(network=deep(activation="logistic", layer_norm=True)),
    ),
    "ten logistic layers, one of them": RemedyCase(
        "vanishing-gradient",
        Experiment(deep(activation="logistic"), SCALED, SGD(0.1), 100, 32),
        "fewer layers",
        with_fields(network=classifier(4, 16, 3, activation="logistic")),
    ),
    "ten layers of large weights, smaller": RemedyCase(
        "exploding-gradient",
        Experiment(wide(initializer=LARGE), digits(600), Adam(0.01), 20, 100),
        "initializer=He()",
        with_fields(network=wide(initializer=He())),
    ),
    "ten layers of large weights, LayerNorm": RemedyCase(
        "exploding-gradient",
        Experiment(wide(initializer=LARGE), digits(600), Adam(0.01), 20, 100),
        "layer_norm=True",
        with_fields(network=wide(initializer=LARGE, layer_norm=True)),
    ),
    "sgd 3": RemedyCase(
        "rate-too-large",
        Experiment(DIABETES, diabetes(), SGD(3.0), 200),
        "try a learning rate of",
        with_suggested_rate,
    ),
    "momentum 1": RemedyCase(
        "rate-too-large",
        Experiment(DIABETES, diabetes(), Momentum(1.0), 200),
        "try a learning rate of",
        with_suggested_rate,
    ),
    "adam 5": RemedyCase(
        "rate-too-large",
        Experiment(classifier(64, 32, 10), digits(), Adam(5.0), 20, 100),
        "try a learning rate of",
        with_suggested_rate,
    ),
    "sgd 1e-7": RemedyCase(
        "rate-too-small",
        Experiment(DIABETES, diabetes(), SGD(1e-7), 200),
        "try a learning rate of",
        with_suggested_rate,
    ),
    "adam 1e-9": RemedyCase(
        "rate-too-small",
        Experiment(classifier(64, 32, 10), digits(600), Adam(1e-9), 120, 100),
        "try a learning rate of",
        with_suggested_rate,
    ),
    "adam 1e-7": RemedyCase(
        "rate-too-small",
        Experiment(IRIS, SCALED, Adam(1e-7), 120),
        "try a learning rate of",
        with_suggested_rate,
    ),
    "adam 1e-5": RemedyCase(
        "rate-too-small",
        Experiment(IRIS, SCALED, Adam(1e-5), 120),
        "try a learning rate of",
        with_suggested_rate,
    ),
    "rmsprop 1e-10": RemedyCase(
        "rate-too-small",
        Experiment(IRIS, SCALED, RMSProp(1e-10), 120),
        "try a learning rate of",
        with_suggested_rate,
    ),
    "momentum 1e-7": RemedyCase(
        "rate-too-small",
        Experiment(regressor(10, 32, 1, activation="relu"), diabetes(), Momentum(1e-7), 60, 32),
        "try a learning rate of",
        with_suggested_rate,
    ),
    "sgd 1e-7, absolute error": RemedyCase(
        "rate-too-small",
        Experiment(LEAST_ABSOLUTE, diabetes(), SGD(1e-7), 60, 32),
        "try a learning rate of",
        with_suggested_rate,
    ),
    "e^o, slower": RemedyCase(
        "not-finite",
        Experiment(
            mlp(10, 32, 1, activation="selu", loss="poisson", initializer="he"),
            counts(),
            Momentum(0.02),
            25,
            32,
        ),
        "lower the learning rate to 0.002",
        with_suggested_rate,
    ),
    "e^o, clipped": RemedyCase(
        "not-finite",
        Experiment(
            mlp(10, 32, 1, activation="selu", loss="poisson", initializer="he"),
            counts(),
            Momentum(0.02),
            25,
            32,
        ),
        "clip=ClipNorm(1.0)",
        with_optimizer_fields(clip=ClipNorm(1.0)),
    ),
    "small inputs": RemedyCase(
        "constant-output",
        Experiment(DIABETES, Data(0.005 * diabetes().X, diabetes().y), SGD(0.1), 200),
        "mean 0 and standard deviation 1",
        with_fields(data=diabetes()),
    ),
}


REPEATED = (  # rows of which another row has the same finding and remedy
    "targets in thousands, descent",
    "targets up to 10, identity",
    "rectifiers killed by updates",
    "ten logistic layers, tanh",
    "ten logistic layers, one of them",
    "momentum 1",
    "rmsprop 1e-10",
    "momentum 1e-7",
    "adam 1e-5",
    "sgd 1e-7, absolute error",
    "adam 1e-9",
)


@pytest.mark.parametrize("name", rows(REMEDIES, *REPEATED))
def test_the_remedy_works(name: str):
    case = REMEDIES[name]
    failing = case.failing.report()
    finding = next(found for found in failing.findings if found.id == case.finding)
    assert case.words in finding.remedy
    cured = case.cured(case.failing, finding).report()
    assert cured.ok, str(cured)
    assert cured.left is not None
    assert cured.left < min(0.7, 0.6 * (failing.left or np.inf))


def test_larger_weights_for_a_rare_class():
    """One sample in 33 belongs to it, and the inputs are weakly related to it."""
    rare = (np.arange(1000) % 33 == 0).astype(float)
    X = np.random.default_rng(0).normal(size=(1000, 3))
    X[:, 0] += 0.5 * rare
    network = mlp(3, 8, 1, activation="tanh", loss="logistic-cross-entropy")
    (finding,), _ = weighted(network, Data(X, rare), None)
    assert (finding.id, finding.sign) == ("one-class", True)
    assert "increase the sample weights of the others" in finding.remedy
    found, share = weighted(network, Data(X, rare), np.where(rare == 1, 32.0, 1.0))
    assert found == ()
    assert 0.1 < share < 0.9


def weighted(network: Network, data: Data, weights: Any) -> tuple[tuple[Finding, ...], float]:
    """Train with sample weights; return the findings, and the share of 1 in the predictions."""
    run = trained(network, data, Adam(0.01), 100, sample_weight=weights)
    health = diagnose(network, run.theta, *data, sample_weight=weights, history=run.history)
    return health.findings, float(np.mean(run.predict(data.X) > 0.5))


def test_a_lower_learning_rate_for_a_run_with_unknown_beginning():
    run = trained(DIABETES, diabetes(), SGD(1.5), 5)
    health = diagnose(DIABETES, run.theta, *diabetes(), history=run.history, optimizer=SGD(1.5))
    (finding,) = health.findings
    assert (finding.id, finding.sign) == ("diverging-loss", True)
    assert "lower the learning rate to 0.15" in finding.remedy
    assert Experiment(DIABETES, diabetes(), SGD(0.15), 200).report().ok


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("learning_rate", [1e-10, 1e-7, 1e-6])
def test_a_fit_that_stops_early_at_a_small_learning_rate_gets_a_better_one(
    solver: str, learning_rate: float
):
    """It stops after 12 updates, too few to call it stuck."""
    failing = fitted(solver, learning_rate)
    (finding,) = failing.findings
    assert (finding.id, failing.updates) == ("rate-too-small", 12)
    cured = fitted(solver, float(finding.remedy.split()[-1]))
    assert cured.ok
    assert cured.left is not None
    assert cured.left < 0.2


def fitted(solver: str, learning_rate: float) -> Health:
    options: dict[str, Any] = {"max_iter": 2000, "random_state": 0, "verbose": "health"}
    return (
        MLPClassifier(solver=solver, learning_rate_init=learning_rate, **options)
        .fit(*SCALED)
        .health_
    )


@pytest.mark.parametrize(("rule", "expected"), [("adam", False), ("adamw", False), ("sgd", True)])
def test_adam_is_recommended_if_another_rule_is_used(rule: str, expected: bool):
    network, history = regressor(5, 1), records(1.0, 1.0, 1.0)
    for optimizer, recommended in ((rule, expected), (None, False)):
        health = diagnose(
            network, network.initialize(1), *noise(100), history=history, optimizer=optimizer
        )
        (stuck,) = health.findings
        assert stuck.id == "stuck-loss"
        assert ("adam" in stuck.remedy) == recommended


def test_every_remedy_is_applied():
    applied = {case.finding for case in REMEDIES.values()} | {"one-class", "diverging-loss"}
    assert applied == set(EXAMINATIONS)
