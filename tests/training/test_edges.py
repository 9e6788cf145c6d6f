"""Edge cases of training, each of which once hung, crashed or gave misleading results.

Invalid arguments raise before anything is computed.
"""

import numpy as np
import pytest

from chainrule import (
    LBFGS,
    SGD,
    ClipNorm,
    DivergenceError,
    InputError,
    Penalty,
    mlp,
    train,
)
from chainrule.loops import Batches, State, run_epoch
from chainrule.metrics import accuracy

X = np.linspace(-1, 1, 12).reshape(6, 2)
Y = X[:, :1] * X[:, 1:]
NETWORK = mlp(2, 3, 1, activation="tanh", loss="squared-error")


def inside_an_epoch() -> State:
    """Return a state after four of the six batches of an epoch."""
    run = train(NETWORK, X, Y, SGD(), epochs=1, batch_size=1)
    states = run_epoch(NETWORK, SGD(), run.data, Batches(1), run.state)
    return next(state for state in states if state.batch == 4)


def test_a_state_inside_an_epoch_rejects_larger_batches():
    with pytest.raises(InputError, match="middle of an epoch, after batch 4"):
        train(NETWORK, X, Y, SGD(), batch_size=3, state=inside_an_epoch())


def test_a_state_inside_an_epoch_can_be_reset():
    state = inside_an_epoch()._replace(batch=0)
    assert train(NETWORK, X, Y, SGD(), batch_size=3, epochs=1, state=state).finish().epoch == 1


def test_slots_of_another_network_raise():
    state = inside_an_epoch()._replace(slots=(np.zeros(3),), batch=0)
    with pytest.raises(InputError, match="theta has shape"):
        train(NETWORK, X, Y, "momentum", state=state)


def test_a_batch_of_weight_zero_has_no_alpha_penalty():
    network = mlp(2, 1, activation="identity", loss="squared-error", penalty=Penalty(alpha=0.1))
    theta = network.initialize(0)
    run = train(
        network,
        X[:4],
        Y[:4],
        SGD(),
        batch_size=2,
        shuffle=False,
        epochs=1,
        theta=theta,
        sample_weight=[0, 0, 1, 1],
    )
    run.finish()
    _, gradient = network.loss_and_gradient(theta, X[2:4], Y[2:4])
    decay = 0.1 / 2 * np.where(network.layout.decays, theta, 0)  # alpha over the batch's weights
    expected = theta - 0.1 * (2 * (gradient - decay) + decay)  # weights of mean 1: 0, 0, 2, 2
    assert np.allclose(run.theta, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("dropout", "batch", "what"), [(0, 2, "batches"), (0.5, None, "dropout")])
def test_lbfgs_rejects_unsupported_options(dropout, batch, what):
    network = mlp(2, 3, 1, activation="tanh", loss="squared-error", dropout=dropout)
    with pytest.raises(InputError, match=f"without {what}"):
        train(network, X, Y, LBFGS(), batch_size=batch)


def test_an_overflowing_norm_raises_instead_of_stalling():
    network = mlp(1, 1, activation="identity", loss="squared-error")
    run = train(network, [[1e160]], [[0.0]], SGD(clip=ClipNorm(1.0)), theta=[1e-10, 0.0], epochs=1)
    with pytest.raises(DivergenceError):
        run.finish()


def test_accuracy_of_independent_outputs_requires_all_of_them():
    t = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    assert accuracy(t, t) == 1.0
    assert accuracy(np.ones((3, 2)), t) == pytest.approx(1 / 3)


def test_accuracy_of_classes_uses_the_largest_output():
    t = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert accuracy(np.array([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3]]), t) == 0.5


def test_memory_is_not_quadratic_in_the_number_of_classes():
    network = mlp(1, 50_000, activation="identity", loss="softmax-cross-entropy")
    batch = network.batch(network.initialize(0), [[1.0], [2.0]], [7, 49_999])
    assert batch.t.shape == (2, 50_000)
    assert batch.t[0, 7] == batch.t[1, -1] == 1
    assert batch.t.sum() == 2


def test_a_part_of_a_batch_sums_its_unscaled_weights():
    theta = NETWORK.initialize(0)
    whole = NETWORK.batch(theta, X, Y, [1, 2, 3, 4, 5, 6])
    assert whole.head(2).total == pytest.approx(1 + 2, rel=1e-15)
    assert whole.take(np.array([5, 0])).total == pytest.approx(6 + 1, rel=1e-15)
    assert whole.head(9) is whole
    assert NETWORK.batch(theta, X, Y).head(2).total == 2
