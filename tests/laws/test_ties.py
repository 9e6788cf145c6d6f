"""The laws at points that random numbers do not reach: kinks, ties and default values.

A derivative at a kink is a convention (the slope of the left side, or 0), so each is listed here.
"""

import numpy as np
import pytest

from chainrule import (
    ACTIVATIONS,
    LOSSES,
    SGD,
    ActivationLayer,
    ClipNorm,
    ClipValue,
    Constant,
    Dense,
    Dropout,
    InputError,
    LayerNorm,
    Penalty,
    mlp,
)
from chainrule.engine import wire
from chainrule.layers import dropout_mask
from chainrule.losses import one_hot

AT_ZERO = {"relu": 0.0, "leaky-relu": 0.01, "elu": 1.0, "selu": 1.7580993408473766}
ON_TIES = {"absolute-error": 0.0, "quantile": 0.0, "huber": 0.0}


@pytest.mark.parametrize("name", AT_ZERO)
def test_slopes_at_zero_are_left_slopes(name):
    assert ACTIVATIONS[name].slope_at(np.array([0.0])) == pytest.approx(AT_ZERO[name], rel=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_at_zero_is_the_limit(name):
    f = ACTIVATIONS[name]
    near = f(np.array([-1e-12, 0.0, 1e-12]))
    assert near[1] == pytest.approx((near[0] + near[2]) / 2, abs=1e-11)


@pytest.mark.parametrize("name", ON_TIES)
def test_slopes_of_losses_on_ties(name):
    t = np.array([[0.3]])
    assert LOSSES[name].slopes(t, t) == ON_TIES[name]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("residual", [-1.0, 0.0, 1.0])  # the width of huber is 1
def test_equations_hold_on_ties(name, residual):
    network = mlp(1, 2, activation="identity", loss=name)
    theta = network.pack(W=[[[1.0], [1.0]]], b=[[0.0, 0.0]])
    batch = network.batch(theta, [[1.0 + residual]], [[1.0, 0.0]])
    step, trace = wire(network, theta, batch), network.run(theta, batch)
    for key, value in (("p", trace.p), ("terms", trace.terms), ("do", trace.do)):
        assert np.array_equal(step.loss[key], value)
    assert step.value == trace.value


@pytest.mark.parametrize(
    ("r", "term", "slope"), [(1.0, 0.5, 1.0), (-1.0, 0.5, -1.0), (2.0, 1.5, 1.0)]
)
def test_huber_at_its_width(r, term, slope):
    o, t = np.array([[r]]), np.array([[0.0]])
    assert LOSSES["huber"].terms(o, t) == term
    assert LOSSES["huber"].slopes(o, t) == slope


@pytest.mark.parametrize("clip", [ClipValue(0.5), ClipNorm(0.5)])
@pytest.mark.parametrize("g", [-0.5, 0.5])
def test_gradient_at_the_clipping_limit_is_unchanged(clip, g):
    network = mlp(1, 1, activation="identity", loss="squared-error", bias=False)
    theta, rule = np.array([1.0]), SGD(1.0, clip)
    after, _ = rule.step(theta, np.array([g]), rule.start(theta, network.layout))
    assert after == 1.0 - g


def test_class_equal_to_the_number_of_classes_is_rejected():
    assert one_hot([0, 2], 3).tolist() == [[1, 0, 0], [0, 0, 1]]
    with pytest.raises(InputError, match="class 3"):
        one_hot([3], 3)


def test_penalty_slope_is_zero_at_zero_weights():
    w = np.array([[0.0, 2.0, -2.0]])
    assert Penalty(l1=1.0).gradient(w, 1).tolist() == [[0.0, 1.0, -1.0]]
    assert Penalty(l1=1.0).value([w], 1) == 4.0


def test_defaults():
    dense = Dense(2, "tanh")
    assert dense.bias is dense.trainable is True
    assert dense.bias_initializer == Constant(0.0)
    assert dense.trains("W") is dense.trains("b") is True
    assert "b" in dense.shapes(3)
    only = Dense(2, "tanh", trainable=("W",))
    assert (only.trains("W"), only.trains("b")) == (True, False)
    norm = LayerNorm()
    assert norm.initializers() == {"W": Constant(1.0), "b": Constant(0.0)}
    assert norm.trains("W") is True
    assert LayerNorm(trainable=("b",)).trains("W") is False
    assert ActivationLayer("tanh").trains("W") is Dropout().trains("W") is True
    owners = {name for name, loss in LOSSES.items() if loss.owns_link}
    assert owners == {"poisson", *(n for n in LOSSES if "cross" in n or "softmax" in n)}
    assert {name for name, loss in LOSSES.items() if loss.classes} == {
        "softmax-cross-entropy",
        "softmax-squared-error",
    }


def test_equations_are_for_training_by_default():
    for layer in (Dense(1, "tanh"), LayerNorm(), ActivationLayer("tanh"), Dropout()):
        assert layer.equations() == layer.equations(training=True)
    assert Dropout().equations(training=False) == {"a": "x", "dx": "da"}


def test_dropout_rate_of_one_half_keeps_about_half():
    kept = dropout_mask(1, 2, 3, (200, 50), 0.5)
    assert kept.mean() == pytest.approx(0.5, abs=0.02)  # four standard deviations
    assert dropout_mask(1, 2, 3, (20, 5), 0.0).all()
