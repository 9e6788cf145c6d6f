"""SciPy's L-BFGS on the loss and gradient of networks: it must reach independently known minima.

Linear networks have minima in closed form. SciPy's algorithm itself is not tested.
"""

import sys
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from chainrule import (
    LBFGS,
    SGD,
    Dense,
    InputError,
    MissingPackageError,
    Network,
    Penalty,
    mlp,
    train,
)

RNG = np.random.default_rng(0)
N = 30
X, Y = RNG.normal(size=(N, 3)), RNG.normal(size=(N, 2))
WEIGHTS = RNG.uniform(0.1, 3, N)
LINEAR = mlp(3, 2, activation="identity", loss="squared-error")
DEEP = mlp(3, 4, 2, activation="tanh", loss="squared-error")
COLUMNS = np.c_[X, np.ones(N)]  # (n, 4), the last for the bias


def parts(solution: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """Return W and b of a linear solution, (4, 2)."""
    return [solution[:3].T, solution[3]]


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_linear_networks_reach_the_minimum_of_least_squares(weights: Any, l2: float):
    net = mlp(3, 2, activation="identity", loss="squared-error", penalty=Penalty(l2=l2))
    w = np.ones(N) if weights is None else weights / weights.mean()
    hessian = COLUMNS.T @ (w[:, None] * COLUMNS) / N + 2 * l2 * np.diag([1, 1, 1, 0])
    W, b = parts(np.linalg.solve(hessian, COLUMNS.T @ (w[:, None] * Y) / N))
    run = train(net, X, Y, LBFGS(), epochs=200, sample_weight=weights)
    record = run.finish()
    assert run.reason == "converged"
    # The gradient ends below 1e-8, and the smallest eigenvalue of the Hessian is above 0.1.
    np.testing.assert_allclose(run.theta, net.pack([W], [b]), atol=1e-7)
    assert record.loss == pytest.approx(net.trace(net.pack([W], [b]), X, Y, weights).value)


def test_logistic_regression_equals_scikit_learns():
    labels = (X @ [1.0, -2.0, 0.5] + RNG.logistic(size=N) > 0).astype(int)
    net = mlp(
        3, 1, activation="identity", loss="logistic-cross-entropy", penalty=Penalty(alpha=1.0)
    )
    run = train(net, X, labels, LBFGS(), epochs=200)
    run.finish()
    peer = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(X, labels)
    peers = net.pack([peer.coef_], [peer.intercept_])
    np.testing.assert_allclose(
        run.theta, peers, atol=1e-6
    )  # both stop at small gradients, not at 0


def test_frozen_entries_keep_their_bytes():
    frozen = Dense(4, "tanh", trainable=("b",)), Dense(2, "identity", trainable=("W",))
    net = Network(3, frozen, "squared-error", Penalty(l2=0.1))  # a well-conditioned minimum
    theta = net.initialize(1)
    run = train(net, X, Y, LBFGS(), epochs=200, theta=theta)
    run.finish()
    before, after = net.views(theta), net.views(run.theta)
    assert {n for n in before if before[n].tobytes() == after[n].tobytes()} == {"W1", "b2"}
    gradient = net.loss_and_gradient(run.theta, X, Y)[1]
    assert np.abs(gradient[net.layout.trainable]).max() < 1e-6
    assert np.abs(gradient).max() > 1e-3  # the frozen entries are not at a minimum


def test_an_epoch_is_an_iteration():
    run = train(DEEP, X, Y, LBFGS(), epochs=5, seed=3)
    records = list(run)
    assert [(r.epoch, r.step, r.learning_rate) for r in records] == [
        (k, k, None) for k in range(1, 6)
    ]
    assert run.reason == "epochs"
    assert records[-1].loss == pytest.approx(DEEP.loss_and_gradient(run.theta, X, Y)[0], rel=1e-12)
    losses = [DEEP.loss_and_gradient(DEEP.initialize(3), X, Y)[0], *(r.loss for r in records)]
    assert losses == sorted(losses, reverse=True)
    one = train(DEEP, X, Y, LBFGS(), epochs=1, seed=3)
    assert one.finish().loss == records[0].loss


def test_records_may_span_iterations():
    every = [r.loss for r in train(DEEP, X, Y, LBFGS(), epochs=7)]
    run = train(DEEP, X, Y, LBFGS(), epochs=7, record_every=3)
    assert [(r.epoch, r.loss) for r in run] == [(3, every[2]), (6, every[5]), (7, every[6])]


def test_a_run_that_starts_at_the_minimum_converges():
    first = train(LINEAR, X, Y, LBFGS(), epochs=200)
    first.finish()
    again = train(LINEAR, X, Y, LBFGS(tolerance=1e-6), epochs=200, state=first.state)
    record = again.finish()
    assert again.reason == "converged"
    assert (record.epoch, record.step) == (first.state.epoch, first.state.step)
    assert again.theta.tobytes() == first.theta.tobytes()
    assert again.finish() is record


def test_tolerance_is_the_largest_entry_of_the_gradient():
    for tolerance in (1e-2, 1e-4, 1e-6):
        run = train(LINEAR, X, Y, LBFGS(tolerance=tolerance), epochs=200)
        run.finish()
        assert run.reason == "converged"
        gradient = LINEAR.loss_and_gradient(run.theta, X, Y)[1]
        assert 0 < np.abs(gradient).max() <= tolerance


def test_a_continued_run_decreases_the_loss_further():
    first = train(DEEP, X, Y, LBFGS(), epochs=5)
    first.finish()
    second = train(DEEP, X, Y, LBFGS(), epochs=5, state=first.state)
    assert [r.epoch for r in second] == [6, 7, 8, 9, 10]
    assert second.history[-1].loss < first.history[-1].loss


def test_lbfgs_continues_the_run_of_another_optimizer():
    first = train(DEEP, X, Y, SGD(0.1), epochs=5)
    last = first.finish()
    second = train(DEEP, X, Y, LBFGS(), epochs=5, state=first.state)
    assert second.finish().loss < last.loss


def test_float32_stays_float32():
    run = train(LINEAR, X.astype("float32"), Y, "lbfgs", epochs=50)
    run.finish()
    W, b = parts(np.linalg.lstsq(COLUMNS, Y, rcond=None)[0])
    assert run.theta.dtype == np.float32
    # Within 3e-4 of the minimum, losses differ by less than their rounding, 1e-7.
    np.testing.assert_allclose(run.theta, LINEAR.pack([W], [b]), atol=2e-3)


def test_no_epochs_are_no_iterations():
    run = train(LINEAR, X, Y, LBFGS(), epochs=0)
    assert list(run) == []
    np.testing.assert_array_equal(run.theta, LINEAR.initialize(0))
    with pytest.raises(InputError, match="no epochs left"):
        run.finish()


def test_the_message_without_scipy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    run = train(LINEAR, X, Y, LBFGS(), epochs=5)
    with pytest.raises(MissingPackageError) as caught:
        run.finish()
    assert isinstance(caught.value, ImportError)
    assert str(caught.value) == (
        "L-BFGS needs SciPy, which is not installed; run: pip install 'chainrule[train]'"
    )
    np.testing.assert_array_equal(run.theta, LINEAR.initialize(0))
    assert train(LINEAR, X, Y, SGD(), epochs=1).finish().epoch == 1
