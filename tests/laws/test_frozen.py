"""The frozen law: entries that do not train keep their bytes under every optimizer.

This includes decay, momentum, penalty and clipping. Their moving averages keep their bytes, too;
their gradient is computed as usual.
"""

import numpy as np
import pytest

from chainrule.layers import Dense, LayerNorm
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, SGD, ClipNorm, ClipValue
from chainrule.training import train
from tests.laws.nets import PAIRS, PENALTY, Array, same_bits, tuned

CLIPS = {"none": None, "value": ClipValue(0.01), "norm": ClipNorm(0.01)}

FREEZES: dict[str, tuple[bool | tuple[str, ...], ...]] = {
    "first layer": (False, True, True),
    "middle layer": (True, False, True),
    "last layer": (True, True, False),
    "weights": (("b",), ("b",), ("b",)),
    "biases": (("W",), ("W",), ("W",)),
    "everything": (False, False, False),
    "nothing": (True, True, True),
}


def network(freeze: str) -> Network:
    """Return a network in which some parameters do not train."""
    first, middle, last = FREEZES[freeze]
    layers = (
        Dense(4, "tanh", trainable=first),
        LayerNorm(trainable=middle),
        Dense(2, "tanh", trainable=last),
    )
    return Network(3, layers, "squared-error", PENALTY)


def data() -> tuple[Array, Array]:
    """Return six samples."""
    rng = np.random.default_rng(5)
    return rng.normal(size=(6, 3)), rng.normal(size=(6, 2))


@pytest.mark.product(optimizer=OPTIMIZERS, freeze=FREEZES, clip=CLIPS, dtype=["float64", "float32"])
def test_frozen_entries_keep_their_bytes(optimizer, freeze, clip, dtype):
    net = network(freeze)
    rule = tuned(optimizer, clip=CLIPS[clip]) if optimizer in PAIRS else OPTIMIZERS[optimizer]
    x, t = data()
    start = np.random.default_rng(1).normal(size=net.layout.size).astype(dtype)  # no zeros
    run = train(net, x.astype(dtype), t, rule, theta=start, epochs=4, batch_size=None)
    for _ in run:
        pass
    free = net.layout.trainable
    assert same_bits(run.theta[~free], start[~free])
    assert (run.theta[free] != start[free]).all()
    for slot in run.state.slots:
        assert same_bits(slot[~free], np.zeros_like(start[~free]))
        assert (slot[free] != 0).all()


@pytest.mark.parametrize("freeze", FREEZES)
def test_frozen_entries_have_a_gradient(freeze):
    x, t = data()
    theta = network("nothing").initialize(0)
    theta += 0.1
    gradient = network(freeze).trace(theta, x, t).gradient
    assert same_bits(gradient, network("nothing").trace(theta, x, t).gradient)
    assert (gradient != 0).all()


@pytest.mark.parametrize("name", PAIRS)
def test_other_entries_train_as_without_freezing(name):
    # one step, because the update rule is elementwise
    x, t = data()
    some, every = network("first layer"), network("nothing")
    theta = some.initialize(0)
    gradient = some.trace(theta, x, t).gradient
    one, _ = PAIRS[name].step(theta, gradient, PAIRS[name].start(theta, some.layout))
    other, _ = PAIRS[name].step(theta, gradient, PAIRS[name].start(theta, every.layout))
    free = some.layout.trainable
    assert same_bits(one[free], other[free])
    assert not same_bits(one[~free], other[~free])


def test_clipping_uses_the_norm_of_trained_entries():
    net = network("first layer")
    gradient = np.arange(1.0, net.layout.size + 1)
    free = net.layout.trainable
    norm = float(np.sqrt(np.sum(gradient[free] ** 2)))
    clipped = ClipNorm(norm / 2)(gradient, net.layout)
    assert np.allclose(clipped, gradient / 2, rtol=1e-15)
    assert same_bits(ClipNorm(norm * 1.01)(gradient, net.layout), gradient)


def test_large_frozen_gradient_does_not_affect_other_entries():
    net = network("first layer")
    theta, gradient = net.initialize(0), np.full(net.layout.size, 1e-3)
    gradient[~net.layout.trainable] = 1e300
    rule = SGD(0.1, clip=ClipNorm(1.0))
    after, _ = rule.step(theta, gradient, rule.start(theta, net.layout))
    free = net.layout.trainable
    assert same_bits(after[free], theta[free] - 0.1 * gradient[free])
