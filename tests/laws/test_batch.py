"""The batch law: the gradient of a batch is the mean of its samples' gradients.

With weights it is their weighted mean; the order of samples does not matter, and a whole weight is
so many repetitions. All within rounding, in units of an array's largest Σ|terms|.
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
# Dropout draws by the place in the batch, and rests here.
STACKS = ("single", *LAYERS)


def plain(activation: str, loss: str, layers: str, *, weighted: bool, penalty: Penalty) -> Case:
    """Return a case of five samples."""
    return case(activation, loss, layers, rows=5, weighted=weighted, penalty=penalty)


def both(drawn: Case) -> tuple[float, Array]:
    """Return C and its gradient, dropout at rest."""
    value, gradient = drawn.network.loss_and_gradient(drawn.theta, drawn.x, drawn.t, drawn.weights)
    return float(value), gradient


def assert_close(ours: Array, theirs: Array, drawn: Case) -> None:
    """Assert that two gradients agree within rounding."""
    step, sizes = wire(drawn.network, drawn.theta, drawn.batch), Sizes()
    for block in drawn.network.layout.blocks:
        largest = np.max(sizes.of(step.arrays[block.name], "dC"))
        gap = np.max(np.abs(block.view(ours) - block.view(theirs)))
        assert gap <= ROUNDING * largest, block.name


every = pytest.mark.product(
    activation=ALL_ACTIVATIONS, loss=ALL_LOSSES, layers=STACKS, weighted=[False, True]
)


@every
def test_a_batch_is_the_mean_of_its_samples(activation, loss, layers, weighted):
    drawn = plain(activation, loss, layers, weighted=weighted, penalty=Penalty(l1=0.1, l2=0.1))
    share = np.ones(5) / 5 if drawn.weights is None else drawn.weights / drawn.weights.sum()
    alone = [both(drawn._replace(x=x, t=t, weights=None)) for x, t in samples(drawn)]
    value, gradient = both(drawn)
    mean = np.sum([w * g for w, (_, g) in zip(share, alone, strict=True)], axis=0)
    mean_value = sum(w * c for w, (c, _) in zip(share, alone, strict=True))
    assert value == pytest.approx(mean_value, rel=1e-14)
    assert_close(gradient, mean, drawn)


def samples(drawn: Case) -> Iterator[tuple[Array, Array]]:
    """Yield each sample of a case as a batch of one."""
    return zip(drawn.x[:, None], drawn.t[:, None], strict=True)


@every
def test_the_order_does_not_matter(activation, loss, layers, weighted):
    drawn = plain(activation, loss, layers, weighted=weighted, penalty=PENALTY)
    order = np.array([3, 0, 4, 2, 1])
    weights = None if drawn.weights is None else drawn.weights[order]
    value, gradient = both(drawn._replace(x=drawn.x[order], t=drawn.t[order], weights=weights))
    assert value == pytest.approx(both(drawn)[0], rel=1e-14)
    assert_close(gradient, both(drawn)[1], drawn)


@pytest.mark.product(activation=ALL_ACTIVATIONS, loss=ALL_LOSSES, layers=STACKS)
def test_a_whole_weight_is_so_many_samples(activation, loss, layers):
    times = np.array([2, 1, 3, 0, 1])
    drawn = plain(activation, loss, layers, weighted=False, penalty=PENALTY)
    repeated = drawn._replace(x=drawn.x.repeat(times, axis=0), t=drawn.t.repeat(times, axis=0))
    value, gradient = both(drawn._replace(weights=times))
    assert value == pytest.approx(both(repeated)[0], rel=1e-14)
    assert_close(gradient, both(repeated)[1], drawn)


@pytest.mark.product(activation=ALL_ACTIVATIONS, loss=ALL_LOSSES, weighted=[False, True])
def test_delta_contains_the_mean(activation, loss, weighted):
    drawn = plain(activation, loss, "dense", weighted=weighted, penalty=Penalty())
    deltas = drawn.trace().deltas
    weights = np.ones(5) if drawn.batch.weight is None else drawn.batch.weight
    for i, (x, t) in enumerate(samples(drawn)):
        alone = drawn._replace(x=x, t=t, weights=None).trace().deltas
        for of_batch, of_sample in zip(deltas, alone, strict=True):
            share = of_sample[0] * weights[i] / 5
            # 1e-12, since p − t may be small beside p and t
            assert np.allclose(of_batch[i], share, rtol=1e-12, atol=1e-14)


def test_only_ratios_of_weights_matter():
    drawn = case(layers="all", weighted=True, penalty=Penalty(l1=0.1, l2=0.1))
    assert drawn.weights is not None
    other = drawn._replace(weights=drawn.weights * 1024)
    assert both(other)[0] == both(drawn)[0]
    assert np.array_equal(both(other)[1], both(drawn)[1])


def test_equal_weights_are_none():
    drawn = case(layers="all", penalty=PENALTY)
    weighted = drawn._replace(weights=np.ones(4))
    assert both(weighted)[0] == both(drawn)[0]
    assert np.array_equal(both(weighted)[1], both(drawn)[1])


def test_alpha_counts_samples_and_l2_does_not():
    # scikit-learn's alpha: ½ alpha Σw² over the sum of the weights as given
    drawn = case("identity", layers="single")
    square = float(np.sum(drawn.network.layout.blocks[0].view(drawn.theta) ** 2))

    def added(penalty: Penalty, weights: Array | None) -> float:
        bare = drawn._replace(weights=weights)
        network = replace(drawn.network, penalty=penalty)
        return both(bare._replace(network=network))[0] - both(bare)[0]

    for weights, total in ((None, 4), (np.array([1.0, 2.0, 3.0, 4.0]), 10)):
        assert added(Penalty(alpha=0.6), weights) == pytest.approx(0.3 * square / total, rel=1e-12)
        assert added(Penalty(l2=0.6), weights) == pytest.approx(0.6 * square, rel=1e-12)
