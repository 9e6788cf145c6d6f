"""Jason Brownlee's from-scratch post: its forward pass is right, its deltas are not.

The outputs from which its backward pass starts were typed in; they differ from those that the
forward pass gives with its weights.
"""

import pytest

from chainrule.multilayer import mlp

NET = mlp(2, 1, 2, activation="logistic", loss="squared-error")
THETA = NET.pack(
    W=[
        [[0.13436424411240122, 0.8474337369372327]],
        [[0.2550690257394217], [0.4494910647887381]],
    ],
    b=[[0.763774618976614], [0.49543508709194095, 0.651592972722763]],
)
X, T = [1.0, 0.0], [0.0, 1.0]
TYPED_IN = [0.6213859615555266, 0.6573693455986976]


def test_forward():
    outputs = NET.predict(THETA, X)[0].tolist()
    assert outputs == pytest.approx([0.6629970129852887, 0.7253160725279748], rel=0, abs=1e-15)


def test_deltas_follow_from_the_forward_pass():
    trace = NET.trace(THETA, X, T)
    deltas = [(a - t) * a * (1 - a) for a, t in zip(trace.p[0], T, strict=True)]
    assert trace.deltas[1][0].tolist() == pytest.approx(deltas, rel=1e-14)
    typed_in = [(a - t) * a * (1 - a) for a, t in zip(TYPED_IN, T, strict=True)]
    assert trace.deltas[1][0].tolist() != pytest.approx(typed_in, rel=0.01)
