"""Healthy networks, untrained and trained, have no findings: all activations, losses and rules."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chainrule import (
    ACTIVATIONS,
    SGD,
    Adam,
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    Momentum,
    Network,
    RMSProp,
    StepDecay,
    WarmUp,
    mlp,
)
from chainrule.health import Health, diagnose
from chainrule.health.curvature import sharpness
from chainrule.health.learning_rates import stability_limit
from chainrule.health.snapshot import STUCK
from tests.health.failing_networks import (
    DIABETES,
    Data,
    after,
    cancer,
    classifier,
    counts,
    diabetes,
    digits,
    half_adder,
    iris,
    regressor,
    standard,
    trained,
    wine,
)
from tests.rows import rows

INITIALIZERS = ("glorot", "glorot-normal", "he", "he-uniform", "lecun", "lecun-uniform")
SENSIBLE = (*INITIALIZERS, "orthogonal")
SEEDS = range(3)
# The least 2/λ is 0.055, for an identity network of He's weights on the diabetes data set …
RULES: dict[str, Any] = {
    "sgd": SGD(0.05),
    "momentum": Momentum(0.02),
    "adam": Adam(0.01),
    "rmsprop": RMSProp(0.003),
}
# … except for e^o, where λ is up to 1,400 at the start, and grows with o.
POISSON: dict[str, Any] = {**RULES, "sgd": SGD(0.005), "momentum": Momentum(0.005)}


SETS: dict[str, Data] = {
    "squared-error": diabetes(),
    "absolute-error": diabetes(),
    "huber": diabetes(),
    "quantile": diabetes(),
    "poisson": counts(),
    "logistic-cross-entropy": cancer(),
    "softmax-cross-entropy": digits(600),
    "softmax-squared-error": Data(standard(iris().X), iris().y),
}


def network_for(loss: str, activation: str, initializer: str, depth: int = 1) -> Network:
    X, y = SETS[loss]
    outputs = len(np.unique(y)) if loss.startswith("softmax") else 1
    hidden = [32] * depth
    return mlp(
        X.shape[1],
        *hidden,
        outputs,
        activation=activation,
        loss=loss,
        initializer=initializer,
        output="identity",
    )


def assert_no_findings(health: Health) -> None:
    assert health.findings == (), str(health)


@pytest.mark.every_value(
    activation=ACTIVATIONS, loss=SETS, initializer=SENSIBLE, depth=[1, 2, 3], seed=SEEDS
)
def test_untrained_networks(activation: str, loss: str, initializer: str, depth: int, seed: int):
    network = network_for(loss, activation, initializer, depth)
    theta = network.initialize(seed)
    # e^o makes deep networks diverge at every usual rate of gradient descent: a correct finding
    descent = () if loss == "poisson" else (SGD(0.01), "momentum")
    for rule in (None, "adam", *descent):
        assert_no_findings(diagnose(network, theta, *SETS[loss], optimizer=rule, theta_start=theta))


@pytest.mark.every_value(activation=ACTIVATIONS, loss=SETS, initializer=SENSIBLE, rule=RULES)
def test_trained_networks(activation: str, loss: str, initializer: str, rule: str):
    network = network_for(loss, activation, initializer)
    chosen = (POISSON if loss == "poisson" else RULES)[rule]
    assert_no_findings(after(network, SETS[loss], chosen, 25, batch_size=32))


# Networks of the product above at learning rates at which they overflow within 20 updates; the last
# number is the rate over the largest stable one at the beginning. Those that begin below it reach
# steeper regions on the way.
OVERFLOWING: list[tuple[str, str, str, Any, float]] = [
    ("identity", "squared-error", "he-uniform", SGD(0.1), 1.82),
    ("identity", "poisson", "he", SGD(0.01), 6.91),
    ("identity", "poisson", "he", Momentum(0.02), 7.28),
    ("identity", "poisson", "he-uniform", Momentum(0.02), 1.06),
    ("selu", "poisson", "he", Momentum(0.02), 0.973),
    ("selu", "poisson", "he-uniform", Momentum(0.02), 0.391),
]


@pytest.mark.parametrize(("activation", "loss", "initializer", "rule", "times"), OVERFLOWING)
def test_the_same_networks_overflow_at_larger_learning_rates(
    activation: str, loss: str, initializer: str, rule: Any, times: float
):
    network = network_for(loss, activation, initializer)
    run, start = trained(network, SETS[loss], rule, 25, batch_size=32), network.initialize(1)
    assert run.reason == "diverged"
    assert run.state.step < 20
    curvature = sharpness(network, start, network.batch(start, *SETS[loss]))
    np.testing.assert_allclose(
        rule.learning_rate * curvature / stability_limit(rule), times, rtol=0.02
    )
    found = [f.id for f in after(network, SETS[loss], rule, 25, batch_size=32).findings]
    assert found == ["rate-too-large"] * (times > 1) + ["not-finite"]
    assert_no_findings(
        after(
            network,
            SETS[loss],
            replace(rule, learning_rate=rule.learning_rate / 4),
            25,
            batch_size=32,
        )
    )


@pytest.mark.every_value(activation=["relu", "tanh", "logistic"], epochs=[1, 3, 10, 50])
def test_digits(activation: str, epochs: int):
    assert_no_findings(
        after(
            classifier(64, 64, 10, activation=activation), digits(), Adam(), epochs, batch_size=64
        )
    )


def test_unscaled_digits():
    X, y = digits()
    assert_no_findings(
        after(classifier(64, 32, 10, activation="relu"), Data(16 * X, y), Adam(), 10, batch_size=64)
    )


def test_unscaled_iris():
    assert_no_findings(after(classifier(4, 16, 3), iris(), Adam(0.01), 150, batch_size=32))


def test_unscaled_inputs_are_not_a_finding_after_learning():
    """The weights were learned on scaled data; then the scaling was moved into them."""
    (X, y), network = wine(), classifier(13, 16, 3)
    theta = trained(network, Data(standard(X), y), Adam(0.01), 100, batch_size=32).theta.copy()
    views = network.views(theta)
    views["W1"][...] /= X.std(axis=0)
    views["b1"][...] -= views["W1"] @ X.mean(axis=0)
    assert_no_findings(diagnose(network, theta, X, y))
    assert not diagnose(network, network.initialize(0), X, y).ok


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_a_half_adder(activation: str, seed: int):
    network = mlp(2, 4, 2, activation=activation, loss="squared-error", output="logistic")
    theta = network.initialize(seed)
    assert_no_findings(diagnose(network, theta, *half_adder(), optimizer=SGD(1.0)))


@pytest.mark.parametrize("epochs", [10, 300, 3000])
def test_a_half_adder_that_learns(epochs: int):
    network = mlp(2, 4, 2, activation="logistic", loss="squared-error")
    assert_no_findings(
        after(network, half_adder(), SGD(5.0), epochs, record_every=max(1, epochs // 10))
    )


# Learning rates far below the usual ones at the end of the run, at its beginning, or always.
SMALL_STEPS: dict[str, tuple[Any, int]] = {
    "cosine": (Adam(CosineDecay(0.003, 60)), 10),
    "cosine, descent": (SGD(CosineDecay(0.3, 60)), 10),
    "steps": (Adam(StepDecay(0.003, 0.01, 10)), 10),
    "exponential": (SGD(ExponentialDecay(0.5, 0.5)), 10),
    "inverse": (Momentum(InverseScaling(0.05, 1.0)), 10),
    "warm-up, one epoch": (Adam(WarmUp(10_000, 0.001)), 1),
    "warm-up, two epochs": (SGD(WarmUp(10_000, 0.1)), 2),
    "adam, one epoch": (Adam(1e-4), 1),
    "rmsprop, one epoch": (RMSProp(1e-4), 1),
    "descent, one epoch": (SGD(0.01), 1),
    "momentum, two epochs": (Momentum(0.001), 2),
    "small, but long": (Adam(1e-5), 800),
    "small, but long, descent": (SGD(0.003), 300),
}


@pytest.mark.parametrize("name", rows(SMALL_STEPS, "small, but long"))
def test_small_learning_rates_in_a_successful_run(name: str):
    rule, epochs = SMALL_STEPS[name]
    assert_no_findings(after(classifier(64, 32, 10), digits(600), rule, epochs, batch_size=100))


def test_a_learning_rate_that_decreased_in_the_records_only():
    """As the adaptive learning rate of the estimators does: the optimizer has the last one."""
    network = classifier(64, 32, 10)
    run = trained(network, digits(600), SGD(0.02), 20, batch_size=100)
    options: dict[str, Any] = {"history": run.history, "optimizer": SGD(1e-6)}
    assert_no_findings(diagnose(network, run.theta, *digits(600), **options))
    fell = [record._replace(learning_rate=1e-6) for record in run.history[-2:]]
    assert not diagnose(network, run.theta, *digits(600), **{**options, "history": fell}).ok


@pytest.mark.parametrize("rule", [Adam(1e-5), SGD(1e-3)])
def test_small_learning_rates_after_pretraining(rule: Any):
    network, data = DIABETES, diabetes()
    theta = trained(network, data, Adam(0.01), 60, batch_size=32).theta
    run = trained(network, data, rule, 2, batch_size=32, theta=theta)
    options: dict[str, Any] = {"history": run.history, "optimizer": rule, "theta_start": theta}
    assert_no_findings(diagnose(network, run.theta, *data, **options))


@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"layer_norm": True}])
def test_other_layers(options: dict[str, Any]):
    network = classifier(64, 64, 64, 10, activation="relu", **options)
    assert_no_findings(diagnose(network, network.initialize(0), *digits(), optimizer="adam"))
    assert_no_findings(after(network, digits(600), Adam(), 20, batch_size=32))


def test_weighted_and_rare_classes():
    X, y = digits()
    rare = (y == 8).astype(float)
    network = mlp(64, 16, 1, activation="tanh", loss="logistic-cross-entropy")
    assert_no_findings(after(network, Data(X, rare), Adam(), 30, batch_size=32))
    theta = network.initialize(0)
    assert_no_findings(
        diagnose(network, theta, X, rare, sample_weight=1 + 9 * rare, optimizer="adam")
    )


@pytest.mark.parametrize("size", [22.0, 100.0])
def test_large_targets_that_are_learned(size: float):
    """Nor are they a finding in an untrained network, whose training may succeed."""
    X, y = diabetes()
    network, data = regressor(10, 50, 1, activation="relu"), Data(X, size * y)
    assert_no_findings(diagnose(network, network.initialize(0), *data, optimizer="adam"))
    assert_no_findings(after(network, data, Momentum(0.001), 200, batch_size=200))


def test_a_rare_class_that_is_weakly_related_to_the_inputs():
    """The run is no better than a constant, but 30 samples do not prove that nothing is related."""
    rare = (np.arange(2000) % 33 == 0).astype(float)
    X = np.random.default_rng(0).normal(size=(2000, 3))
    X[:, 0] += 0.2 * rare
    network = mlp(3, 8, 1, activation="tanh", loss="logistic-cross-entropy")
    health = after(network, Data(X, rare), Adam(0.01), 100)
    assert health.left is not None
    assert health.left > STUCK
    assert all(finding.sign for finding in health.findings)


def test_lbfgs():
    pytest.importorskip("scipy")
    assert_no_findings(after(regressor(10, 8, 1), diabetes(), "lbfgs", 100))


def test_harmless_constant_columns():
    """A column of zeros, as in the corners of pictures, and one of ones, as for a bias."""
    X, y = diabetes()
    network = regressor(12, 16, 1)
    data = Data(np.c_[X, np.zeros(len(X)), np.ones(len(X))], y)
    assert_no_findings(diagnose(network, network.initialize(0), *data, optimizer="sgd"))
