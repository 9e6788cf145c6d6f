"""XOR: a 2-2-1 network learns it online at rate ½, and none without a hidden layer can.

Not because of its training: the best that a single layer reaches is ½ everywhere, from wherever it
begins.
"""

import numpy as np
import pytest

from chainrule.initializers import Uniform
from chainrule.multilayer import mlp
from chainrule.optimizers import LBFGS, SGD
from chainrule.training import train

X, T = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
LOGISTIC = {"activation": "logistic", "loss": "squared-error", "initializer": Uniform(-1, 1)}
HIDDEN, ALONE = mlp(2, 2, 1, **LOGISTIC), mlp(2, 1, **LOGISTIC)


def test_a_hidden_layer_learns_it(full):
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
def test_without_one_the_best_is_a_half(seed):
    run = train(ALONE, X, T, LBFGS(tolerance=1e-10), epochs=200, seed=seed)
    assert run.finish().loss == pytest.approx(0.125, rel=1e-12)
    assert run.predict(X).ravel().tolist() == pytest.approx([0.5] * 4, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_without_one_online_learning_is_of_no_use(seed):
    run = train(ALONE, X, T, SGD(0.5), batch_size=1, epochs=500, seed=seed, loss_after_epoch=True)
    assert run.finish().loss > 0.12
    assert (run.predict(X).round().ravel() != T).any()


def test_no_line_parts_it():
    # For any weights: o(0,1) + o(1,0) = o(0,0) + o(1,1), which signs as XOR's cannot satisfy.
    theta = np.random.default_rng(0).normal(scale=5, size=(1000, 3))
    linear = mlp(2, 1, activation="identity", loss="squared-error")
    for w in theta:
        o = linear.predict(w, X).ravel()
        assert o[1] + o[2] == pytest.approx(o[0] + o[3], rel=1e-9, abs=1e-9)
        assert ((o > 0) != T).any()
