"""The batch law: the gradient of a batch is the mean of its samples' gradients.

With weights it is their weighted mean. The order of samples does not matter, and an integer weight
equals that many repetitions. All within rounding, in units of an array's largest Σ|terms|.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from chainrule.layers import LAYERS
from chainrule.penalties import Penalty
from chainrule.wiring import wire
from tests.laws.gradient_table import Sizes
from tests.laws.nets import ALL_ACTIVATIONS, ALL_LOSSES, PENALTY, Array, Case, case

ROUNDING = 1e-14
# Dropout masks depend on the position in the batch, so dropout is disabled in these tests.
STACKS = ("single", *LAYERS)


def five_samples(
    activation: str, loss: str, layers: str, *, weighted: bool, penalty: Penalty
) -> Case:
    """Return a case of five samples."""
    return case(activation, loss, layers, rows=5, weighted=weighted, penalty=penalty)


def loss_and_gradient(drawn: Case) -> tuple[float, Array]:
    """Return C and its gradient, with dropout disabled."""
    value, gradient = drawn.network.loss_and_gradient(drawn.theta, drawn.x, drawn.t, drawn.weights)
    return float(value), gradient


def assert_close(ours: Array, theirs: Array, drawn: Case) -> None:
    """Assert that two gradients agree within rounding."""
    step, sizes = wire(drawn.network, drawn.theta, drawn.batch), Sizes()
    for block in drawn.network.layout.blocks:
        largest = np.max(sizes.of(step.arrays[block.name], "dC"))
        gap = np.max(np.abs(block.view(ours) - block.view(theirs)))
        assert gap <= ROUNDING * largest, block.name


every_kind = pytest.mark.product(
    activation=ALL_ACTIVATIONS, loss=ALL_LOSSES, layers=STACKS, weighted=[False, True]
)


@every_kind
def test_batch_gradient_is_the_mean_of_sample_gradients(activation, loss, layers, weighted):
    drawn = five_samples(
        activation, loss, layers, weighted=weighted, penalty=Penalty(l1=0.1, l2=0.1)
    )
    share = np.ones(5) / 5 if drawn.weights is None else drawn.weights / drawn.weights.sum()
    alone = [loss_and_gradient(drawn._replace(x=x, t=t, weights=None)) for x, t in samples(drawn)]
    value, gradient = loss_and_gradient(drawn)
    mean = np.sum([w * g for w, (_, g) in zip(share, alone, strict=True)], axis=0)
    mean_value = sum(w * c for w, (c, _) in zip(share, alone, strict=True))
    assert value == pytest.approx(mean_value, rel=1e-14)
    assert_close(gradient, mean, drawn)


def samples(drawn: Case) -> Iterator[tuple[Array, Array]]:
    """Yield each sample of a case as a batch of one."""
    return zip(drawn.x[:, None], drawn.t[:, None], strict=True)


@every_kind
def test_order_does_not_matter(activation, loss, layers, weighted):
    drawn = five_samples(activation, loss, layers, weighted=weighted, penalty=PENALTY)
    order = np.array([3, 0, 4, 2, 1])
    weights = None if drawn.weights is None else drawn.weights[order]
    value, gradient = loss_and_gradient(
        drawn._replace(x=drawn.x[order], t=drawn.t[order], weights=weights)
    )
    assert value == pytest.approx(loss_and_gradient(drawn)[0], rel=1e-14)
    assert_close(gradient, loss_and_gradient(drawn)[1], drawn)


@pytest.mark.product(activation=ALL_ACTIVATIONS, loss=ALL_LOSSES, layers=STACKS)
def test_integer_weight_equals_repeated_samples(activation, loss, layers):
    times = np.array([2, 1, 3, 0, 1])
    drawn = five_samples(activation, loss, layers, weighted=False, penalty=PENALTY)
    repeated = drawn._replace(x=drawn.x.repeat(times, axis=0), t=drawn.t.repeat(times, axis=0))
    value, gradient = loss_and_gradient(drawn._replace(weights=times))
    assert value == pytest.approx(loss_and_gradient(repeated)[0], rel=1e-14)
    assert_close(gradient, loss_and_gradient(repeated)[1], drawn)


@pytest.mark.product(activation=ALL_ACTIVATIONS, loss=ALL_LOSSES, weighted=[False, True])
def test_delta_contains_the_mean(activation, loss, weighted):
    drawn = five_samples(activation, loss, "dense", weighted=weighted, penalty=Penalty())
    deltas = drawn.trace().deltas
    weights = np.ones(5) if drawn.batch.weight is None else drawn.batch.weight
    for i, (x, t) in enumerate(samples(drawn)):
        alone = drawn._replace(x=x, t=t, weights=None).trace().deltas
        for of_batch, of_sample in zip(deltas, alone, strict=True):
            share = of_sample[0] * weights[i] / 5
            # 1e-12, because p − t may be small relative to p and t
            assert np.allclose(of_batch[i], share, rtol=1e-12, atol=1e-14)


def test_only_ratios_of_weights_matter():
    drawn = case(layers="all", weighted=True, penalty=Penalty(l1=0.1, l2=0.1))
    assert drawn.weights is not None
    other = drawn._replace(weights=drawn.weights * 1024)
    assert loss_and_gradient(other)[0] == loss_and_gradient(drawn)[0]
    assert np.array_equal(loss_and_gradient(other)[1], loss_and_gradient(drawn)[1])


def test_equal_weights_equal_no_weights():
    drawn = case(layers="all", penalty=PENALTY)
    weighted = drawn._replace(weights=np.ones(4))
    assert loss_and_gradient(weighted)[0] == loss_and_gradient(drawn)[0]
    assert np.array_equal(loss_and_gradient(weighted)[1], loss_and_gradient(drawn)[1])


def test_alpha_depends_on_the_number_of_samples_and_l2_does_not():
    # scikit-learn's alpha: ½ alpha Σw² divided by the sum of the sample weights
    drawn = case("identity", layers="single")
    square = float(np.sum(drawn.network.layout.blocks[0].view(drawn.theta) ** 2))

    def added(penalty: Penalty, weights: Array | None) -> float:
        bare = drawn._replace(weights=weights)
        network = replace(drawn.network, penalty=penalty)
        return loss_and_gradient(bare._replace(network=network))[0] - loss_and_gradient(bare)[0]

    for weights, total in ((None, 4), (np.array([1.0, 2.0, 3.0, 4.0]), 10)):
        assert added(Penalty(alpha=0.6), weights) == pytest.approx(0.3 * square / total, rel=1e-12)
        assert added(Penalty(l2=0.6), weights) == pytest.approx(0.6 * square, rel=1e-12)
