"""The 2-2-1 network of Mahesh Huddar's lecture and RGU's notes, without biases, learning rate 1.

They define the deltas with t − y, so that their deltas have the opposite sign of ours.
"""

import numpy as np
import pytest

from chainrule.multilayer import mlp
from chainrule.optimizers import SGD

NET = mlp(2, 2, 1, activation="logistic", loss="squared-error", bias=False)
THETA = NET.pack(W=[[[0.1, 0.8], [0.4, 0.6]], [[0.3, 0.9]]])  # w13 w23, w14 w24; w35 w45
X, T = [0.35, 0.9], [0.5]


def printed(*numbers: float) -> object:
    """Return an approximation that matches numbers printed with nine decimals."""
    return pytest.approx(numbers, rel=0, abs=5e-10)


def test_forward():
    trace = NET.trace(THETA, X, T)
    assert trace.layers[0].a[0].tolist() == printed(0.680267197, 0.663738697)
    assert trace.p[0].tolist() == printed(0.690283493)


def test_deltas():
    trace = NET.trace(THETA, X, T)
    assert (-trace.deltas[1][0]).tolist() == printed(-0.040681125)
    assert (-trace.deltas[0][0]).tolist() == printed(-0.002654489, -0.008171645)


def test_step_reduces_the_error():
    rule = SGD(1.0)
    after, _ = rule.step(THETA, NET.trace(THETA, X, T).gradient, rule.start(THETA, NET.layout))
    # w + learning rate · δ x with the t − y deltas, by hand
    by_hand = [
        0.1 - 0.002654489 * 0.35,
        0.8 - 0.002654489 * 0.9,
        0.4 - 0.008171645 * 0.35,
        0.6 - 0.008171645 * 0.9,
        0.3 - 0.040681125 * 0.680267197,
        0.9 - 0.040681125 * 0.663738697,
    ]
    assert after.tolist() == printed(*by_hand)
    outputs = [NET.predict(theta, X)[0, 0] for theta in (THETA, after)]
    assert abs(outputs[1] - 0.5) < abs(outputs[0] - 0.5)
    assert np.all(after < THETA)
