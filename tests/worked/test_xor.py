"""XOR: a 2-2-1 network learns it online with learning rate ½; without a hidden layer none can.

Training is not the reason: from any initial weights, the best output of a single layer is ½ for
every sample.
"""

import numpy as np
import pytest

from chainrule.initializers import Uniform
from chainrule.multilayer import mlp
from chainrule.optimizers import LBFGS, SGD
from chainrule.training import train

X, T = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
LOGISTIC = {"activation": "logistic", "loss": "squared-error", "initializer": Uniform(-1, 1)}
HIDDEN, SINGLE = mlp(2, 2, 1, **LOGISTIC), mlp(2, 1, **LOGISTIC)


def test_hidden_layer_learns_xor(full):
    epochs = 20_000 if full else 6_000
    run = train(
        HIDDEN,
        X,
        T,
        SGD(0.5),
        batch_size=1,
        epochs=epochs,
        seed=1,
        record_every=epochs,
        loss_after_epoch=True,
    )
    assert run.finish().loss < 0.002
    assert run.state.step == 4 * epochs
    assert run.predict(X).round().ravel().tolist() == T


@pytest.mark.parametrize("seed", range(5))
def test_best_single_layer_outputs_one_half(seed):
    run = train(SINGLE, X, T, LBFGS(tolerance=1e-10), epochs=200, seed=seed)
    assert run.finish().loss == pytest.approx(0.125, rel=1e-12)
    assert run.predict(X).ravel().tolist() == pytest.approx([0.5] * 4, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_single_layer_does_not_learn_xor_online(seed):
    run = train(SINGLE, X, T, SGD(0.5), batch_size=1, epochs=500, seed=seed, loss_after_epoch=True)
    assert run.finish().loss > 0.12
    assert (run.predict(X).round().ravel() != T).any()


def test_no_line_separates_xor():
    # For any weights, o(0,1) + o(1,0) = o(0,0) + o(1,1), which outputs with XOR's signs do not
    # satisfy.
    theta = np.random.default_rng(0).normal(scale=5, size=(1000, 3))
    linear = mlp(2, 1, activation="identity", loss="squared-error")
    for w in theta:
        o = linear.predict(w, X).ravel()
        assert o[1] + o[2] == pytest.approx(o[0] + o[3], rel=1e-9, abs=1e-9)
        assert ((o > 0) != T).any()
