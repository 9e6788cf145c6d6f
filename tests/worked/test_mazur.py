"""A widely read worked example, recomputed: Matt Mazur's 2-2-2 network of 2015.

Each number is listed as printed and as recomputed. Where the two differ, the tests reproduce the
mistake behind the printed number and get all of its digits.
"""

from collections.abc import Callable

import numpy as np
import pytest

from chainrule.layers import fields_of
from chainrule.loops import State
from chainrule.multilayer import mlp
from chainrule.network import Network, Trace
from chainrule.optimizers import SGD
from chainrule.training import Run, train
from chainrule.wiring import Replacements, wire
from tests.laws.nets import Array

RATE, STEPS = 0.5, 10_000
X, T = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
W1, W2 = [[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]
B1, B2 = [0.35, 0.35], [0.60, 0.60]

ACCURACY = 1e-15  # of the recomputed column, which has about 16 digits


def network(*, train_biases: bool = False) -> Network:
    """Return the 2-2-2 network; the post does not train the biases."""
    return mlp(2, 2, 2, activation="logistic", loss="squared-error", train_biases=train_biases)


NET = network()
THETA = NET.pack(W=[W1, W2], b=[B1, B2])


def trained(net: Network, steps: int, state: State | None = None) -> Run:
    """Return a finished run; its last record has the loss after the last step."""
    run = train(
        net,
        X,
        T,
        SGD(RATE),
        theta=THETA,
        state=state,
        epochs=steps,
        record_every=STEPS,
        loss_after_epoch=True,
    )
    run.finish()
    return run


def prints_as(value: float, printed: str) -> bool:
    """Return whether a value, rounded to the printed number of decimals, equals the printed one."""
    return f"{value:.{len(printed.partition('.')[2])}f}" == printed.replace("−", "-")


# ---- one step -----------------------------------------------------------------------------------


def logistic_slope(a: Array) -> Array:
    return a * (1 - a)


QUANTITIES: dict[str, Callable[[Trace], Array]] = {
    "net_h": lambda trace: fields_of(trace.layers[0])["z"],
    "out_h": lambda trace: trace.layers[0].a,
    "net_o": lambda trace: fields_of(trace.layers[1])["z"],
    "out_o": lambda trace: trace.p,
    "E_o": lambda trace: trace.terms,
    "E": lambda trace: trace.value,
    "∂E/∂out_o": lambda trace: trace.do,
    "∂out/∂net o": lambda trace: logistic_slope(trace.layers[1].a),
    "δ_o": lambda trace: fields_of(trace.grads[1])["delta"],
    "∂E/∂w5..w8": lambda trace: fields_of(trace.grads[1])["dW"],
    "∂E_o/∂out_h1": lambda trace: fields_of(trace.grads[1])["delta"] * np.array(W2)[:, 0],
    "∂E/∂out_h": lambda trace: trace.grads[1].dx,
    "∂out/∂net h": lambda trace: logistic_slope(trace.layers[0].a),
    "δ_h": lambda trace: fields_of(trace.grads[0])["delta"],
    "∂E/∂w1..w4": lambda trace: fields_of(trace.grads[0])["dW"],
    "new w5..w8": lambda trace: NET.views(stepped(trace))["W2"],
    "new w1..w4": lambda trace: NET.views(stepped(trace))["W1"],
}

RECOMPUTED: dict[str, list[float]] = {
    "net_h": [0.3775, 0.3925],
    "out_h": [0.5932699921071872, 0.596884378259767],
    "net_o": [1.10590596705977, 1.2249214040964653],
    "out_o": [0.7513650695523157, 0.7729284653214625],
    "E_o": [0.274811083176155, 0.0235600255838477],
    "E": [0.2983711087600027],
    "∂E/∂out_o": [0.7413650695523157, -0.2170715346785375],
    "∂out/∂net o": [0.1868156018089595, 0.1755100528172712],
    "δ_o": [0.138498561628557, -0.0380982365165562],
    "∂E/∂w5..w8": [
        0.0821670405642308,
        0.0826676278475333,
        -0.0226025404774751,
        -0.0227402422159782,
    ],
    "new w5..w8": [0.358916479717885, 0.408666186076233, 0.511301270238738, 0.561370121107989],
    "∂E_o/∂out_h1": [0.0553994246514228, -0.0190491182582781],
    "∂E/∂out_h": [0.0363503063931447, 0.0413703226487447],
    "∂out/∂net h": [0.2413007085723253, 0.2406134172492184],
    "δ_h": [0.0087713546894869, 0.0099542547052172],
    "∂E/∂w1..w4": [0.000438567734474, 0.000877135468949, 0.000497712735261, 0.000995425470522],
    "new w1..w4": [0.149780716132763, 0.199561432265526, 0.249751143632370, 0.299502287264739],
}

# As printed, in order; "" where the post has no number.
PRINTED: dict[str, list[str]] = {
    "net_h": ["0.3775"],
    "out_h": ["0.593269992", "0.596884378"],
    "net_o": ["1.105905967"],
    "out_o": ["0.75136507", "0.772928465"],
    "E_o": ["0.274811083", "0.023560026"],
    "E": ["0.298371109"],
    "∂E/∂out_o": ["0.74136507"],
    "∂out/∂net o": ["0.186815602"],
    "δ_o": ["0.138498562"],
    "∂E/∂w5..w8": ["0.082167041"],
    "new w5..w8": ["0.35891648", "0.408666186", "0.511301270", "0.561370121"],
    "∂E_o/∂out_h1": ["0.055399425"],  # the last digit of the other one is wrong, see below
    "∂E/∂out_h": ["0.036350306"],
    "∂out/∂net h": ["0.241300709"],
    "∂E/∂w1..w4": ["0.000438568"],
    "new w1..w4": ["0.149780716", "0.19956143", "0.24975114", "0.29950229"],
}


def stepped(trace: Trace) -> Array:
    """Return θ after a step with the gradient of a trace."""
    rule = SGD(RATE)
    return rule.step(THETA, trace.gradient, rule.start(THETA, NET.layout))[0]


@pytest.mark.parametrize("quantity", RECOMPUTED)
def test_recomputed_values(quantity):
    found = np.ravel(QUANTITIES[quantity](NET.trace(THETA, X, T))).tolist()
    assert found == pytest.approx(RECOMPUTED[quantity], rel=0, abs=ACCURACY)


@pytest.mark.parametrize("quantity", PRINTED)
def test_printed_values(quantity):
    found = np.ravel(QUANTITIES[quantity](NET.trace(THETA, X, T))).tolist()
    for value, printed in zip(found, PRINTED[quantity], strict=False):
        assert prints_as(value, printed)


def test_digit_that_was_rounded_too_early():
    right = float(QUANTITIES["∂E_o/∂out_h1"](NET.trace(THETA, X, T))[0, 1])
    delta = fields_of(NET.trace(THETA, X, T).grads[1])["delta"][0, 1]
    assert prints_as(right, "-0.019049118")
    assert prints_as(round(float(delta), 9) * 0.50, "-0.019049119")  # as printed in the post


def test_biases_are_not_trained():
    views = NET.views(trained(NET, 1).theta)
    assert views["b1"].tolist() == B1
    assert views["b2"].tolist() == B2


# ---- after many steps ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def before_last() -> Run:
    """Return the run of 9,999 steps."""
    return trained(NET, STEPS - 1)


@pytest.fixture(scope="module")
def after_last(before_last) -> Run:
    """Return the run of 10,000 steps."""
    return trained(NET, 1, before_last.state)


def error(net: Network, theta: Array) -> float:
    """Return E at θ."""
    return float(net.loss_and_gradient(theta, X, T)[0])


def test_after_one_step():
    run = trained(NET, 1)
    assert run.history[0].loss == pytest.approx(0.291027773694, rel=0, abs=1e-12)
    outputs = run.predict(X)[0].tolist()
    assert outputs == pytest.approx([0.742088111191, 0.775284968294], rel=0, abs=1e-12)
    assert not prints_as(run.history[0].loss, "0.291027924")  # as printed in the post


def test_after_10_000_steps(after_last):
    assert after_last.history[0].loss == pytest.approx(0.0000351018778, rel=0, abs=1e-12)
    outputs = after_last.predict(X)[0].tolist()
    assert outputs == pytest.approx([0.015913620444, 0.984064273515], rel=0, abs=1e-12)
    assert not prints_as(after_last.history[0].loss, "0.000035085")  # as printed in the post


def test_newer_copies_print_the_error_one_step_earlier(before_last, after_last):
    assert after_last.state.step == before_last.state.step + 1 == STEPS
    assert before_last.history[0].loss == pytest.approx(0.0000351085481, rel=0, abs=1e-12)
    assert prints_as(before_last.history[0].loss, "0.0000351085")
    assert not prints_as(after_last.history[0].loss, "0.0000351085")


# ---- the mistake: output weights are updated before the hidden deltas are computed --------------

MISTAKE: Replacements = {("not-first", "dx"): "delta @ W_new"}


def by_equations(theta: Array) -> Array:
    """Return θ after a step with the wrong equation."""
    return wire(NET, theta, NET.batch(theta, X, T), SGD(RATE), replace=MISTAKE).theta_new


def wrong_program(steps: int) -> Array:
    """Return θ after training with a simple program that updates W2 too early."""
    w1, w2 = np.array(W1), np.array(W2)
    for _ in range(steps):
        h = 1 / (1 + np.exp(-(X @ w1.T + B1)))
        o = 1 / (1 + np.exp(-(h @ w2.T + B2)))
        delta = (o - T) * o * (1 - o)
        w2 = w2 - RATE * delta.T @ h
        w1 = w1 - RATE * (delta @ w2 * h * (1 - h)).T @ X
    return NET.pack(W=[w1, w2], b=[B1, B2])


def test_mistake_gives_the_printed_error_after_one_step():
    theta = by_equations(THETA)
    assert error(NET, theta) == pytest.approx(0.291027923905, rel=0, abs=1e-12)
    assert prints_as(error(NET, theta), "0.291027924")
    assert prints_as(float(NET.views(theta)["W1"][0, 0]), "0.149817639")


def test_mistake_gives_the_printed_numbers_after_10_000_steps(full):
    theta = wrong_program(STEPS)
    assert error(NET, theta) == pytest.approx(0.0000350847863, rel=0, abs=1e-12)
    assert prints_as(error(NET, theta), "0.000035085")
    outputs = NET.predict(theta, X)[0]
    assert outputs.tolist() == pytest.approx([0.0159121963, 0.9840657345], rel=0, abs=5e-11)
    assert prints_as(outputs[0], "0.015912196")
    assert prints_as(outputs[1], "0.984065734") or prints_as(outputs[1], "0.984065735")

    steps, theirs = STEPS if full else 50, THETA
    for _ in range(steps):
        theirs = by_equations(theirs)
    assert np.allclose(theirs, wrong_program(steps), rtol=1e-12, atol=0)


# ---- trained biases -----------------------------------------------------------------------------

FREE = network(train_biases=True)


def test_one_bias_per_unit():
    first = trained(FREE, 1)
    views = FREE.views(first.theta)
    assert views["b1"].tolist() == pytest.approx([0.345614322655, 0.345022872647], rel=0, abs=1e-12)
    assert views["b2"].tolist() == pytest.approx([0.530750719186, 0.619049118258], rel=0, abs=1e-12)
    assert first.history[0].loss == pytest.approx(0.280471446791, rel=0, abs=1e-12)
    last = trained(FREE, STEPS)
    assert last.history[0].loss == pytest.approx(0.0000024475622, rel=0, abs=1e-12)
    assert last.predict(X)[0].tolist() == pytest.approx(
        [0.0115875274, 0.9884589350], rel=0, abs=5e-11
    )


SHARED: Replacements = {("all", "db"): "sum(delta, axis=None)"}


def with_shared_biases(steps: int) -> Array:
    """Return θ after training with one bias per layer, whose gradient is the sum."""
    theta = THETA
    batch, biases = FREE.batch(theta, X, T), [FREE.layout.blocks[i] for i in (1, 3)]
    for _ in range(steps):
        gradient = FREE.run(theta, batch).gradient
        for block in biases:
            block.view(gradient)[...] = block.view(gradient).sum()
        theta = theta - RATE * gradient
    return theta


def test_one_bias_per_layer():
    theta = with_shared_biases(1)
    views = FREE.views(theta)
    assert views["b1"].tolist() == pytest.approx([0.340637195303] * 2, rel=0, abs=1e-12)
    assert views["b2"].tolist() == pytest.approx([0.549799837444] * 2, rel=0, abs=1e-12)
    assert error(FREE, theta) == pytest.approx(0.285750886699, rel=0, abs=1e-12)
    late = error(FREE, with_shared_biases(STEPS))
    assert late == pytest.approx(0.0000043553211, rel=0, abs=1e-12)


def test_one_bias_per_layer_as_a_replaced_equation():
    theta = THETA
    for steps in range(1, 20):
        step = wire(FREE, theta, FREE.batch(theta, X, T), SGD(RATE), replace=SHARED)
        theta = step.theta_new
        assert np.allclose(theta, with_shared_biases(steps), rtol=1e-14, atol=0)
