"""Every remedy, tried: a run that fails, and the same after doing what its report says.

A remedy that repairs nothing is a falsehood, however sensible it sounds.
"""

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


class Course(NamedTuple):
    """A run that can be made."""

    network: Network
    data: Data
    rule: Any
    epochs: int
    batch: int | None = None

    def report(self) -> Health:
        return after(self.network, self.data, self.rule, self.epochs, batch_size=self.batch)


class Case(NamedTuple):
    """A run that fails, and what is done about it.

    Attributes
    ----------
    finding : str
    sick : Course
    words : str
        What the remedy says.
    cured : callable
        Makes the course that follows it, of the course and the finding.
    """

    finding: str
    sick: Course
    words: str
    cured: Callable[[Course, Finding], Course]


def other(**options: Any) -> Callable[[Course, Finding], Course]:
    """Return what changes a course in some fields."""
    return lambda course, _: course._replace(**options)


def ruled(**options: Any) -> Callable[[Course, Finding], Course]:
    """Return what changes a course's optimizer."""
    return lambda course, _: course._replace(rule=replace(course.rule, **options))


def rate_named(course: Course, finding: Finding) -> Course:
    """Return a course with the first number that the remedy names as its rate."""
    words = finding.remedy.replace(",", "").split()
    learning_rate = next(float(word) for word in words if word[0].isdigit())
    return course._replace(rule=replace(course.rule, learning_rate=learning_rate))


SCALED = Data(standard(iris().X), iris().y)
LARGE = Uniform(-1.5, 1.5)
UP_TO_10 = Course(
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


CASES: dict[str, Case] = {
    "wine as it comes": Case(
        "inputs-not-scaled",
        Course(classifier(13, 16, 3), wine(), SGD(0.1), 200),
        "standardize",
        other(data=Data(standard(wine().X), wine().y)),
    ),
    "a large constant": Case(
        "constant-inputs",
        Course(DIABETES, with_constant(), SGD(0.1), 200),
        "leave out",
        other(network=regressor(9, 16, 1), data=Data(np.delete(diabetes().X, 7, 1), diabetes().y)),
    ),
    "one class in the data": Case(
        "targets-alike",
        Course(classifier(4, 16, 3), Data(SCALED.X, 0 * SCALED.y), SGD(0.1), 200),
        "how y was made",
        other(data=SCALED),
    ),
    "targets up to 10, scaled": Case(
        "targets-out-of-reach",
        UP_TO_10,
        "scale the targets into that range",
        other(data=Data(diabetes().X, 0.2 * diabetes().y + 0.5)),
    ),
    "targets up to 10, identity": Case(
        "targets-out-of-reach",
        UP_TO_10,
        "output='identity'",
        other(network=regressor(10, 16, 1, activation="logistic")),
    ),
    "logistic below softmax": Case(
        "targets-out-of-reach",
        Course(classifier(64, 32, 10, output="logistic"), digits(), Adam(0.01), 30, 100),
        "output='identity'",
        other(network=classifier(64, 32, 10)),
    ),
    "targets up to 346": Case(
        "targets-not-scaled",
        Course(DIABETES, Data(diabetes().X, 77 * diabetes().y + 152), Adam(0.001), 300),
        "standardize",
        other(data=diabetes()),
    ),
    "targets in thousands, descent": Case(
        "targets-not-scaled",
        Course(
            regressor(10, 50, 1, activation="relu"),
            Data(diabetes().X, 1000 * (77 * diabetes().y + 152)),
            SGD(0.001),
            300,
            32,
        ),
        "standardize",
        other(data=diabetes()),
    ),
    "shuffled": Case(
        "targets-unrelated",
        Course(regressor(10, 1), shuffled(diabetes()), Adam(0.01), 400),
        "belong together",
        other(data=diabetes()),
    ),
    "few, shuffled": Case(
        "stuck-loss",
        Course(
            regressor(10, 1),
            shuffled(Data(diabetes().X[:190], diabetes().y[:190])),
            Adam(0.01),
            400,
        ),
        "belong together",
        other(data=Data(diabetes().X[:190], diabetes().y[:190])),
    ),
    "all weights alike": Case(
        "symmetric-weights",
        Course(classifier(64, 32, 10, initializer=Constant(0.1)), digits(), Adam(0.01), 20, 100),
        "initializer=Glorot()",
        other(network=classifier(64, 32, 10, initializer=Glorot())),
    ),
    "weights too large": Case(
        "saturated-units",
        Course(classifier(4, 16, 3, initializer=Uniform(-100, 100)), SCALED, SGD(0.1), 200),
        "initializer=Glorot()",
        other(network=classifier(4, 16, 3, initializer=Glorot())),
    ),
    "saturated by updates": Case(
        "saturated-units",
        Course(classifier(64, 32, 32, 10, activation="elu"), digits(600), Adam(0.3), 30, 100),
        "lower learning rate",
        ruled(learning_rate=0.03),
    ),
    "rectifiers off": Case(
        "dead-units",
        Course(regressor(10, 16, 1, **OFF), diabetes(), SGD(0.1), 200),
        "initializer=He() and biases of 0",
        other(network=regressor(10, 16, 1, activation="relu", initializer=He())),
    ),
    "rectifiers killed by updates": Case(
        "dead-units",
        Course(classifier(64, 32, 32, 10, activation="relu"), digits(600), Adam(0.3), 30, 100),
        "lower learning rate",
        ruled(learning_rate=0.03),
    ),
    "ten logistic layers, relu": Case(
        "vanishing-gradient",
        Course(deep(activation="logistic"), SCALED, SGD(0.1), 100, 32),
        "relu or tanh",
        other(network=deep(activation="relu")),
    ),
    "ten logistic layers, tanh": Case(
        "vanishing-gradient",
        Course(deep(activation="logistic"), SCALED, SGD(0.1), 100, 32),
        "relu or tanh",
        other(network=deep(activation="tanh")),
    ),
    "ten logistic layers, LayerNorm": Case(
        "vanishing-gradient",
        Course(deep(activation="logistic"), SCALED, SGD(0.1), 100, 32),
        "layer_norm=True",
        other(network=deep(activation="logistic", layer_norm=True)),
    ),
    "ten logistic layers, one of them": Case(
        "vanishing-gradient",
        Course(deep(activation="logistic"), SCALED, SGD(0.1), 100, 32),
        "fewer layers",
        other(network=classifier(4, 16, 3, activation="logistic")),
    ),
    "ten layers of large weights, smaller": Case(
        "exploding-gradient",
        Course(wide(initializer=LARGE), digits(600), Adam(0.01), 20, 100),
        "initializer=He()",
        other(network=wide(initializer=He())),
    ),
    "ten layers of large weights, LayerNorm": Case(
        "exploding-gradient",
        Course(wide(initializer=LARGE), digits(600), Adam(0.01), 20, 100),
        "layer_norm=True",
        other(network=wide(initializer=LARGE, layer_norm=True)),
    ),
    "sgd 3": Case(
        "rate-too-large", Course(DIABETES, diabetes(), SGD(3.0), 200), "try a rate of", rate_named
    ),
    "momentum 1": Case(
        "rate-too-large",
        Course(DIABETES, diabetes(), Momentum(1.0), 200),
        "try a rate of",
        rate_named,
    ),
    "adam 5": Case(
        "rate-too-large",
        Course(classifier(64, 32, 10), digits(), Adam(5.0), 20, 100),
        "try a rate of",
        rate_named,
    ),
    "sgd 1e-7": Case(
        "rate-too-small", Course(DIABETES, diabetes(), SGD(1e-7), 200), "try a rate of", rate_named
    ),
    "adam 1e-9": Case(
        "rate-too-small",
        Course(classifier(64, 32, 10), digits(600), Adam(1e-9), 120, 100),
        "try a rate of",
        rate_named,
    ),
    "adam 1e-7": Case(
        "rate-too-small", Course(IRIS, SCALED, Adam(1e-7), 120), "try a rate of", rate_named
    ),
    "adam 1e-5": Case(
        "rate-too-small", Course(IRIS, SCALED, Adam(1e-5), 120), "try a rate of", rate_named
    ),
    "rmsprop 1e-10": Case(
        "rate-too-small", Course(IRIS, SCALED, RMSProp(1e-10), 120), "try a rate of", rate_named
    ),
    "momentum 1e-7": Case(
        "rate-too-small",
        Course(regressor(10, 32, 1, activation="relu"), diabetes(), Momentum(1e-7), 60, 32),
        "try a rate of",
        rate_named,
    ),
    "sgd 1e-7, absolute error": Case(
        "rate-too-small",
        Course(LEAST_ABSOLUTE, diabetes(), SGD(1e-7), 60, 32),
        "try a rate of",
        rate_named,
    ),
    "e^o, slower": Case(
        "not-finite",
        Course(
            mlp(10, 32, 1, activation="selu", loss="poisson", initializer="he"),
            counts(),
            Momentum(0.02),
            25,
            32,
        ),
        "lower the learning rate to 0.002",
        rate_named,
    ),
    "e^o, clipped": Case(
        "not-finite",
        Course(
            mlp(10, 32, 1, activation="selu", loss="poisson", initializer="he"),
            counts(),
            Momentum(0.02),
            25,
            32,
        ),
        "clip=ClipNorm(1.0)",
        ruled(clip=ClipNorm(1.0)),
    ),
    "small inputs": Case(
        "constant-output",
        Course(DIABETES, Data(0.005 * diabetes().X, diabetes().y), SGD(0.1), 200),
        "mean 0 and deviation 1",
        other(data=diabetes()),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_remedy_repairs(case: Case):
    sick = case.sick.report()
    finding = next(found for found in sick.findings if found.id == case.finding)
    assert case.words in finding.remedy
    cured = case.cured(case.sick, finding).report()
    assert cured.ok, str(cured)
    assert cured.left is not None
    assert cured.left < min(0.7, 0.6 * (sick.left or np.inf))


def test_more_weight_for_a_rare_class():
    """One sample in 33 belongs to it, and the inputs say little."""
    rare = (np.arange(1000) % 33 == 0).astype(float)
    X = np.random.default_rng(0).normal(size=(1000, 3))
    X[:, 0] += 0.5 * rare
    network = mlp(3, 8, 1, activation="tanh", loss="logistic-cross-entropy")
    (finding,), _ = weighted(network, Data(X, rare), None)
    assert (finding.id, finding.sign) == ("one-class", True)
    assert "give the samples of the others more weight" in finding.remedy
    found, said = weighted(network, Data(X, rare), np.where(rare == 1, 32.0, 1.0))
    assert found == ()
    assert 0.1 < said < 0.9


def weighted(network: Network, data: Data, weights: Any) -> tuple[tuple[Finding, ...], float]:
    """Return what is found in a run with sample weights, and the share of 1 in its predictions."""
    run = trained(network, data, Adam(0.01), 100, sample_weight=weights)
    health = diagnose(network, run.theta, *data, sample_weight=weights, history=run.history)
    return health.findings, float(np.mean(run.predict(data.X) > 0.5))


def test_a_lower_rate_for_a_run_whose_beginning_is_not_known():
    run = trained(DIABETES, diabetes(), SGD(1.5), 5)
    health = diagnose(DIABETES, run.theta, *diabetes(), history=run.history, optimizer=SGD(1.5))
    (finding,) = health.findings
    assert (finding.id, finding.sign) == ("diverging-loss", True)
    assert "lower the learning rate to 0.15" in finding.remedy
    assert Course(DIABETES, diabetes(), SGD(0.15), 200).report().ok


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("learning_rate", [1e-10, 1e-7, 1e-6])
def test_a_fit_that_stops_early_for_its_rate_is_told_a_better_one(
    solver: str, learning_rate: float
):
    """Its 12 updates say little, and not the least that it could be called stuck."""
    sick = fitted(solver, learning_rate)
    (finding,) = sick.findings
    assert (finding.id, sick.updates) == ("rate-too-small", 12)
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


@pytest.mark.parametrize(("rule", "told"), [("adam", False), ("adamw", False), ("sgd", True)])
def test_adam_is_advised_to_who_uses_another_rule(rule: str, told: bool):
    network, history = regressor(5, 1), records(1.0, 1.0, 1.0)
    for optimizer, advised in ((rule, told), (None, False)):
        health = diagnose(
            network, network.initialize(1), *noise(100), history=history, optimizer=optimizer
        )
        (stuck,) = health.findings
        assert stuck.id == "stuck-loss"
        assert ("adam" in stuck.remedy) == advised


def test_every_remedy_is_tried():
    tried = {case.finding for case in CASES.values()} | {"one-class", "diverging-loss"}
    assert tried == set(EXAMINATIONS)
