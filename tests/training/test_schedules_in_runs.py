"""Schedules in runs: update k uses schedule(k), and records have the rate of their last update.

The expected learning rates are computed from the schedules' formulas.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest

from chainrule import (
    SGD,
    Adam,
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    Schedule,
    StepDecay,
    WarmUp,
    mlp,
    train,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 3)), RNG.normal(size=(10, 2))
NET = mlp(3, 4, 2, activation="tanh", loss="squared-error")

FORMULAS: dict[str, tuple[Schedule, Callable[[int], float]]] = {
    "constant": (ConstantRate(0.2), lambda _: 0.2),
    "step": (StepDecay(0.4, 0.5, every=3), lambda k: 0.4 * 0.5 ** math.floor((k - 1) / 3)),
    "exponential": (ExponentialDecay(0.4, 0.9), lambda k: 0.4 * 0.9 ** (k - 1)),
    "inverse scaling": (InverseScaling(0.4), lambda k: 0.4 / math.sqrt(k)),
    "cosine": (
        CosineDecay(0.4, 9, final=0.1),
        lambda k: 0.1 if k >= 9 else 0.1 + 0.3 * (1 + math.cos(math.pi * (k - 1) / 8)) / 2,
    ),
    "warm-up": (WarmUp(4, 0.4), lambda k: min(k, 4) / 4 * 0.4),
    "warm-up, then steps": (
        WarmUp(4, StepDecay(0.4, 0.5, every=2)),
        lambda k: 0.1 * k if k <= 4 else 0.4 * 0.5 ** math.floor((k - 5) / 2),
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize(("batch", "updates"), [(None, 1), (4, 3), (1, 10)])
def test_recorded_rates(name: str, batch: int | None, updates: int):
    schedule, formula = FORMULAS[name]
    run = train(NET, X, Y, SGD(schedule), epochs=6, batch_size=batch)
    for epoch, record in enumerate(run, 1):
        assert record.learning_rate == schedule(record.step)
        assert record.learning_rate == pytest.approx(formula(epoch * updates), rel=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_update_k_uses_the_kth_learning_rate(name: str):
    schedule, formula = FORMULAS[name]
    theta = NET.initialize(0)
    run = train(NET, X, Y, SGD(schedule), epochs=12)
    for k, _ in enumerate(run, 1):
        theta = theta - formula(k) * NET.loss_and_gradient(theta, X, Y)[1]
        np.testing.assert_allclose(run.theta, theta, rtol=1e-10)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("cut", [1, 4, 5])
def test_a_continued_run_continues_the_schedule(name: str, cut: int):
    schedule, _ = FORMULAS[name]
    whole = train(NET, X, Y, Adam(schedule), epochs=7, batch_size=4)
    first = train(NET, X, Y, Adam(schedule), epochs=cut, batch_size=4)
    first.finish()
    second = train(NET, X, Y, Adam(schedule), epochs=7 - cut, batch_size=4, state=first.state)
    second.finish()
    assert [r.learning_rate for r in first.history + second.history] == [
        r.learning_rate for r in whole
    ]
    assert second.theta.tobytes() == whole.theta.tobytes()


def test_a_number_is_a_constant_schedule():
    runs = [
        train(NET, X, Y, SGD(learning_rate), epochs=3) for learning_rate in (0.2, ConstantRate(0.2))
    ]
    assert [r.learning_rate for r in runs[0]] == [r.learning_rate for r in runs[1]] == [0.2] * 3
    assert runs[0].theta.tobytes() == runs[1].theta.tobytes()
