"""The NaN law: a NaN or infinity anywhere in θ or x reaches the loss.

If a ReLU hid a NaN, or a saturated unit returned a finite number for an infinity, a failed run
would look healthy.
"""

import numpy as np
import pytest

from chainrule.layers import fields_of
from tests.laws.nets import ALL_ACTIVATIONS, ALL_LOSSES, PENALTY, STACKS, VARIANTS, Case, case

BAD = (np.nan, np.inf, -np.inf)


def undetected(drawn: Case) -> list[tuple[str, int, float]]:
    """Return the array, index and value of each replaced entry that left the loss finite."""
    found: list[tuple[str, int, float]] = []
    with np.errstate(all="ignore"):  # infinities on purpose
        for bad in BAD:
            for name, array in (("theta", drawn.theta), ("x", drawn.x)):
                for i in range(array.size):
                    broken = array.copy()
                    broken.flat[i] = bad
                    changed = drawn._replace(**{name: broken})
                    if np.isfinite(changed.value(changed.theta)):
                        found.append((name, i, bad))
    return found


@pytest.mark.product(
    activation=ALL_ACTIVATIONS,
    loss=ALL_LOSSES,
    layers=STACKS,
    width=[2, 1],
    rows=[2, 1],
    dtype=["float64", "float32"],
)
def test_nonfinite_entry_reaches_the_loss(activation, loss, layers, width, rows, dtype):
    drawn = case(activation, loss, layers, width=width, rows=rows, dtype=dtype)
    assert np.isfinite(drawn.trace().value)
    assert undetected(drawn) == []


@pytest.mark.parametrize(("activation", "loss"), VARIANTS)
def test_with_other_constants(activation, loss):
    assert undetected(case(activation, loss, "all", width=2, rows=2)) == []


@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_zeros_and_dropped_units_do_not_hide_it(activation):
    # dropped units, samples of weight 0, frozen layers, inputs and weights of 0
    drawn = case(activation, layers="dropout", rows=3, trainable=False, penalty=PENALTY)
    mask = fields_of(drawn.trace().layers[1])["mask"]
    assert 0 < mask.sum() < mask.size
    x, theta = drawn.x.copy(), drawn.theta.copy()
    x[:, 0] = theta[:4] = 0.0
    shielded = drawn._replace(x=x, theta=theta, weights=np.array([0.0, 1.0, 2.0]))
    assert undetected(shielded) == []


@pytest.mark.parametrize("rows", [1, 33, 130])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nonfinite_entry_reaches_the_loss_through_wide_layers(rows, dtype):
    # other kernels of the BLAS, which must not skip zeros: inf · 0 is NaN
    drawn = case("relu", width=130, rows=rows, dtype=dtype)
    x, first = np.zeros_like(drawn.x), drawn.network.layout.blocks[0]
    assert np.isfinite(drawn._replace(x=x).trace().value)
    for i in (0, 1, 64, first.size // 2, first.size - 1):
        theta = drawn.theta.copy()
        theta[i] = np.inf
        with np.errstate(all="ignore"):
            assert not np.isfinite(drawn._replace(x=x, theta=theta).trace().value)


@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
@pytest.mark.parametrize("bad", BAD)
def test_each_activation_passes_it_on(activation, bad):
    f = ALL_ACTIVATIONS[activation]
    with np.errstate(all="ignore"):
        a = f(np.array([0.5, bad, -0.5]))
    assert np.isfinite(a).tolist() == [True, False, True]


@pytest.mark.parametrize("loss", ALL_LOSSES)
@pytest.mark.parametrize("bad", BAD)
def test_each_loss_passes_it_on(loss, bad):
    objective = ALL_LOSSES[loss]
    o, t = np.array([[0.5, bad], [0.1, 0.2]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    for targets in (t, t[::-1], t / 2 + 0.25):
        with np.errstate(all="ignore"):
            assert not np.isfinite(objective.value(o, targets))
