"""Sample weights in runs: scaled to mean 1 over all data, while a batch divides by its size.

Only the penalty's alpha uses the unscaled weights, as in scikit-learn.
"""

from typing import Any, TypeAlias

import numpy as np
import pytest

from chainrule import LBFGS, SGD, Adam, Penalty, Run, mlp, train

Array: TypeAlias = np.ndarray[Any, Any]

RNG = np.random.default_rng(0)
N, SIZE, SEED, RATE = 10, 4, 3, 0.3
X, Y = RNG.normal(size=(N, 3)), RNG.normal(size=(N, 2))
GIVEN = RNG.uniform(0.2, 5, N)
NET = mlp(3, 4, 2, activation="tanh", loss="squared-error")


def penalized(**penalty: float) -> Any:
    """Return the network with a penalty."""
    return mlp(3, 4, 2, activation="tanh", loss="squared-error", penalty=Penalty(**penalty))


def finished(net: Any = NET, optimizer: Any = None, x: Array = X, y: Array = Y, **more: Any) -> Run:
    """Return a finished run."""
    settings: dict[str, Any] = {"epochs": 5, "seed": SEED} | more
    run = train(net, x, y, optimizer or SGD(RATE), **settings)
    run.finish()
    return run


def step_by_hand(theta: Array, rows: Array, weights: Array, alpha: float) -> tuple[float, Array]:
    """Return C of some rows and θ after the update, from unweighted gradients of single samples."""
    loss, gradient = 0.0, np.zeros_like(theta)
    for i in rows:
        own, slope = NET.loss_and_gradient(theta, X[i], Y[i])
        loss += weights[i] / weights.mean() * own / len(rows)
        gradient += weights[i] / weights.mean() * slope / len(rows)
    decaying = np.where(NET.layout.decays, theta, 0.0)
    total = weights[rows].sum()  # unscaled
    loss += alpha / 2 * np.sum(decaying**2) / total
    return loss, theta - RATE * (gradient + alpha * decaying / total)


@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("size", [1, 3, 4, N])
def test_mini_batches_by_hand(alpha: float, size: int):
    theta = NET.initialize(SEED)
    run = train(
        penalized(alpha=alpha),
        X,
        Y,
        SGD(RATE),
        epochs=3,
        batch_size=size,
        seed=SEED,
        sample_weight=GIVEN,
    )
    for epoch, record in enumerate(run):
        order = np.random.default_rng([SEED, epoch]).permutation(N)
        total = 0.0
        for start in range(0, N, size):
            rows = order[start : start + size]
            loss, theta = step_by_hand(theta, rows, GIVEN, alpha)
            total += loss * len(rows)
        np.testing.assert_allclose(record.loss, total / N, rtol=1e-12)
        np.testing.assert_allclose(run.theta, theta, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("batch", [None, SIZE])
@pytest.mark.parametrize("factor", [10, 1e-6, 1e6])
def test_a_common_factor_changes_nothing(batch: int | None, factor: float):
    for net in (NET, penalized(l1=0.01, l2=0.02)):
        run = finished(net, batch_size=batch, sample_weight=GIVEN)
        scaled = finished(net, batch_size=batch, sample_weight=factor * GIVEN)
        np.testing.assert_allclose(scaled.theta, run.theta, rtol=1e-10)
        np.testing.assert_allclose(scaled.history[-1].loss, run.history[-1].loss, rtol=1e-12)


@pytest.mark.parametrize("batch", [None, SIZE])
def test_a_common_factor_scales_the_effect_of_alpha(batch: int | None):
    run = finished(penalized(alpha=0.7), batch_size=batch, sample_weight=GIVEN)
    scaled = finished(penalized(alpha=7.0), batch_size=batch, sample_weight=10 * GIVEN)
    np.testing.assert_allclose(scaled.theta, run.theta, rtol=1e-10)
    other = finished(penalized(alpha=0.7), batch_size=batch, sample_weight=10 * GIVEN)
    assert np.abs(other.theta - run.theta).max() > 1e-3


@pytest.mark.parametrize("batch", [None, SIZE])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_weights_of_one_equal_no_weights(batch: int | None, alpha: float):
    net = penalized(alpha=alpha)
    weighted = finished(net, Adam(), batch_size=batch, sample_weight=np.ones(N))
    np.testing.assert_allclose(
        weighted.theta, finished(net, Adam(), batch_size=batch).theta, rtol=1e-12
    )


@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("optimizer", [SGD(RATE), Adam(), LBFGS()], ids=repr)
def test_integer_weights_equal_repetitions(alpha: float, optimizer: Any):
    times = np.array([1, 3, 2, 0, 1, 1, 4, 0, 2, 1])
    net = penalized(alpha=alpha)
    weighted = finished(net, optimizer, sample_weight=times)
    repeated = finished(net, optimizer, np.repeat(X, times, axis=0), np.repeat(Y, times, axis=0))
    np.testing.assert_allclose(
        weighted.theta, repeated.theta, rtol=1e-7
    )  # loose, because of L-BFGS's line search
    np.testing.assert_allclose(weighted.history[-1].loss, repeated.history[-1].loss, rtol=1e-10)


def test_a_sample_of_weight_zero_has_no_effect():
    weights = np.where(np.arange(N) == 6, 0.0, GIVEN)
    elsewhere = np.where(np.arange(N)[:, None] == 6, 99.0, X)
    run = finished(batch_size=SIZE, sample_weight=weights)
    assert (
        finished(x=elsewhere, batch_size=SIZE, sample_weight=weights).theta.tobytes()
        == run.theta.tobytes()
    )


def test_validation_is_not_weighted():
    run = finished(sample_weight=GIVEN, validation=(X, Y))
    assert run.history[-1].validation_loss == NET.loss_and_gradient(run.theta, X, Y)[0]


def test_loss_after_epoch_is_weighted():
    run = finished(
        penalized(alpha=0.7), sample_weight=GIVEN, batch_size=SIZE, loss_after_epoch=True
    )
    trace = penalized(alpha=0.7).trace(run.theta, X, Y, GIVEN)
    assert run.history[-1].loss == trace.value
    squares = np.sum(np.where(NET.layout.decays, run.theta, 0.0) ** 2)
    assert trace.penalty == pytest.approx(0.7 / 2 * squares / GIVEN.sum(), rel=1e-12)


def test_float32_weights():
    run = finished(x=X.astype("float32"), sample_weight=GIVEN.astype("float32"), batch_size=SIZE)
    assert run.theta.dtype == np.float32
    double = finished(sample_weight=GIVEN, batch_size=SIZE)
    np.testing.assert_allclose(run.theta, double.theta, rtol=1e-4, atol=1e-5)  # 15 float32 steps
