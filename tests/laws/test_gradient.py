"""The gradient law: the analytic gradient equals the complex step's within 1e-12 of Σ|terms|.

It holds for every activation × loss × layer × width × batch × weighted or not, without exceptions.
Σ|terms| is the backward pass with absolute values. Relative to single entries, correct code would
violate the law: 1 − a² at z = 20 has no correct digits.
"""

import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from chainrule.multilayer import mlp
from chainrule.penalties import Penalty
from chainrule.wiring import wire
from tests.laws.gradient_table import (
    Sizes,
    by_central_differences,
    items,
    table,
    worst_error,
)
from tests.laws.nets import (
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    LOSS_VARIANTS,
    PENALTY,
    STACKS,
    VARIANTS,
    Case,
    case,
    exact_fit,
)

LAW = 1e-12
ITEMS = dict(items())


@pytest.mark.product(
    activation=ALL_ACTIVATIONS,
    loss=ALL_LOSSES,
    layers=STACKS,
    width=[3, 1],
    rows=[4, 1],
    weighted=[False, True],
    penalty=[Penalty(), PENALTY],
)
def test_analytic_equals_complex_step(activation, loss, layers, width, rows, weighted, penalty):
    drawn = case(
        activation, loss, layers, width=width, rows=rows, weighted=weighted, penalty=penalty
    )
    assert worst_error(drawn) <= LAW


@pytest.mark.parametrize(("activation", "loss"), VARIANTS)
def test_with_other_constants(activation, loss):
    assert worst_error(case(activation, loss, "all", rows=6, weighted=True)) <= LAW


@pytest.mark.parametrize("item", ITEMS)
def test_analytic_equals_central_differences(item):
    # Used if a custom f does not accept complex numbers; the error bar is about 1e-10 here.
    assert worst_error(ITEMS[item][0], by_central_differences) <= 1e-9


# Exactly at a kink, such as with zero biases and an input of zeros, both methods use the same
# slope: ReLU'(0) = 0, |o − t|' = 0 at o = t, |w|' = 0 at w = 0.


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_kink_of_an_activation(activation):
    network = mlp(2, 3, 2, activation=activation, loss="squared-error", output="identity")
    theta = network.initialize(0)  # biases 0
    x, t = np.array([[0.0, 0.0], [0.5, -1.0]]), np.array([[1.0, -1.0], [0.5, 0.0]])
    assert worst_error(Case(network, theta, x, t, None, case().mask_seed)) <= LAW


@pytest.mark.parametrize("loss", [*ALL_LOSSES, *LOSS_VARIANTS])
def test_kink_of_a_loss(loss):
    assert worst_error(exact_fit(loss)) <= LAW


def test_kink_of_the_penalty():
    network = mlp(2, 1, activation="tanh", loss="squared-error", penalty=Penalty(l1=0.3))
    theta = network.pack(W=[[[0.0, 0.7]]])
    x, t = np.array([[1.0, -0.5]]), np.array([[0.4]])
    assert worst_error(Case(network, theta, x, t, None, case().mask_seed)) <= LAW


# ---- the measure itself -------------------------------------------------------------------------


@pytest.mark.parametrize("entry", range(case(layers="all").network.layout.size))
def test_wrong_entry_is_detected(entry, monkeypatch):
    drawn = case(layers="all")
    wrong = drawn.trace()
    wrong.gradient[entry] += 1e-10 * max(1.0, np.abs(wrong.gradient).max())
    monkeypatch.setattr(Case, "trace", lambda _: wrong)
    assert worst_error(drawn) > LAW


def test_sizes_bound_the_gradient():
    drawn = case(layers="all", weighted=True, penalty=PENALTY)
    step = wire(drawn.network, drawn.theta, drawn.batch, mask_seed=drawn.mask_seed)
    for array in step.arrays.values():
        size = Sizes().of(array, "dC")
        assert size.shape == np.shape(array["dC"])
        assert (size >= np.abs(array["dC"]) * (1 - LAW)).all()
        assert (size < 1e4).all()  # not so large that they hide an error


def test_sizes_of_one_unit():
    network = mlp(1, 1, activation="identity", loss="squared-error")
    theta = network.pack(W=[[[2.0]]], b=[[-3.0]])
    batch = network.batch(theta, [[1.0], [-4.0]], [[1.0], [1.0]])
    step = wire(network, theta, batch)
    # o = −1, −11: Σ (|o| + |t|) |x| / 2 = (2 · 1 + 12 · 4) / 2, and without x (2 + 12) / 2
    assert Sizes().of(step.arrays["W1"], "dC").item() == 25
    assert Sizes().of(step.arrays["b1"], "dC").item() == 7
    assert step.gradient.tolist() == [23.0, -7.0]


def test_table_has_every_registered_class():
    expected = {f"activation {name}" for name in ACTIVATIONS}
    expected |= {f"loss {name}" for name in LOSSES} | {f"layer {name}" for name in LAYERS}
    assert expected <= set(ITEMS)


def test_table_is_printed(monkeypatch):
    monkeypatch.setattr("tests.laws.gradient_table.items", lambda: [("tanh", [case()])])
    shown = table()
    cells = {str(column.header): list(column.cells) for column in shown.columns}
    assert cells["item"] == ["tanh", "tanh"]
    assert cells["method"] == ["complex step", "central differences"]
    complex_step, central_differences = map(float, map(str, cells["worst error"]))
    assert complex_step <= LAW
    assert central_differences <= 1e-9
