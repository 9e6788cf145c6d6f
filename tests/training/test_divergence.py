"""Divergence: a nonfinite number stops the run in its batch, and the message names the place.

The expected place is computed by a loop and a forward pass written in NumPy.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pytest

import chainrule
from chainrule import (
    LBFGS,
    SGD,
    ClipNorm,
    ClipValue,
    Custom,
    Dense,
    DivergenceError,
    Dropout,
    Network,
    Run,
    mlp,
)
from chainrule.elementwise import real, where

Array: TypeAlias = np.ndarray[Any, Any]

# The expected place depends on NumPy's rounding, which only the reference engine shares.
train: Any = partial(chainrule.train, engine="reference")

RNG = np.random.default_rng(0)
N, SIZE, SEED = 10, 4, 7
X, Y = 3 * RNG.normal(size=(N, 3)), RNG.normal(size=(N, 2))
LINEAR = mlp(3, 4, 4, 2, activation="identity", loss="squared-error")


def batches(epochs: int) -> Iterator[tuple[int, int, Array]]:
    """Yield epoch and batch, both from 1, and the rows of each batch."""
    for epoch in range(epochs):
        order = np.random.default_rng([SEED, epoch]).permutation(N)
        for number, start in enumerate(range(0, N, SIZE), 1):
            yield epoch + 1, number, order[start : start + SIZE]


def diverged(run: Run) -> str:
    """Run until it diverges and return the message."""
    with pytest.raises(DivergenceError) as caught:
        run.finish()
    assert run.reason == "diverged"
    assert np.isfinite(run.theta).all()
    assert isinstance(caught.value, ArithmeticError)
    return str(caught.value)


def first_nonfinite_place(theta: Array, x: Array, t: Array) -> str:
    """Return the first place where the passes of the linear network overflow."""
    W = LINEAR.views(theta)
    a = x
    for layer in (1, 2, 3):
        a = a @ W[f"W{layer}"].T + W[f"b{layer}"]
        if not np.isfinite(a).all():
            return f"layer {layer} (z)"
    if not np.isfinite(np.sum((a - t) ** 2 / 2)):
        return "the loss"
    delta = (a - t) / len(x)
    inputs = {1: x, 2: x @ W["W1"].T + W["b1"]}
    inputs[3] = inputs[2] @ W["W2"].T + W["b2"]
    for layer in (3, 2, 1):
        back = delta @ W[f"W{layer}"]
        if not all(np.isfinite(d).all() for d in (delta, delta.T @ inputs[layer], back)):
            return f"layer {layer} in the backward pass"
        delta = back
    return "the update"


@pytest.mark.parametrize("learning_rate", [0.5, 3.0, 1e3, 1e20, 1e60, 1e110, 1e200])
def test_too_high_a_learning_rate(learning_rate: float):
    theta = LINEAR.initialize(SEED)
    for epoch, batch, rows in batches(500):  # noqa: B007 (they are used after the loop)
        with np.errstate(all="ignore"):
            loss, gradient = LINEAR.loss_and_gradient(theta, X[rows], Y[rows])
            new = theta - learning_rate * gradient
        if not (np.isfinite(loss) and np.isfinite(gradient).all() and np.isfinite(new).all()):
            break
        theta = new
    else:
        pytest.fail("it does not diverge")
    # tests/compiled compares the compiled engine with the reference engine.
    run = train(
        LINEAR, X, Y, SGD(learning_rate), epochs=500, batch_size=SIZE, seed=SEED, engine="reference"
    )
    message = diverged(run)
    with np.errstate(all="ignore"):
        place = first_nonfinite_place(theta, X[rows], Y[rows])
    assert f"is not finite (loss {loss:.6g}) in epoch {epoch}, batch {batch}; " in message
    assert f"; first at {place}. Lower the learning rate (now {learning_rate:.6g})" in message
    assert f"(largest |x| now {np.abs(X[rows]).max():.6g}, |t| " in message
    assert "clip gradients (clip=ClipNorm(1.0))" in message
    assert message.endswith("; the last finite theta is kept")
    assert (run.state.epoch, run.state.batch) == (epoch - 1, batch - 1)
    np.testing.assert_array_equal(run.theta, theta)


def test_the_places_above_differ():
    places = set()
    for learning_rate in (0.5, 3.0, 1e3, 1e20, 1e60, 1e110, 1e200):
        run = train(LINEAR, X, Y, SGD(learning_rate), epochs=500, batch_size=SIZE, seed=SEED)
        places |= set(re.findall(r"first at (.*?)\. ", diverged(run)))
    assert len(places) >= 3


@pytest.mark.parametrize("clip", [ClipNorm(1.0), ClipValue(0.5)])
def test_clipping_prevents_divergence(clip: ClipNorm | ClipValue):
    diverged(train(LINEAR, X, Y, SGD(0.5), epochs=500, batch_size=SIZE, seed=SEED))
    clipped = train(LINEAR, X, Y, SGD(0.5, clip=clip), epochs=500, batch_size=SIZE, seed=SEED)
    assert np.isfinite(clipped.finish().loss)
    assert clipped.reason == "epochs"


def test_a_second_attempt_gives_the_same_message():
    run = train(LINEAR, X, Y, SGD(3.0), epochs=500, batch_size=SIZE, seed=SEED)
    message, state = diverged(run), run.state
    assert diverged(run) == message
    assert run.state is state


def test_an_update_that_overflows():
    run = train(LINEAR, X, Y, SGD(1.7e308), epochs=3, seed=SEED)
    message = diverged(run)
    assert message.startswith("theta after the update is not finite (loss ")
    assert "in epoch 1, batch 1; first at the update. " in message
    np.testing.assert_array_equal(run.theta, LINEAR.initialize(SEED))


def test_an_overflowing_poisson_loss():
    net = mlp(3, 2, activation="tanh", loss="poisson")
    theta = net.pack([np.full((2, 3), 400.0)])  # e^1200
    message = diverged(train(net, np.ones((4, 3)), np.ones((4, 2)), SGD(), theta=theta))
    assert message.startswith("the loss or its gradient is not finite (loss inf) in epoch 1, ")
    assert "batch 1; first at the loss. " in message


@pytest.mark.parametrize(
    ("W", "t", "loss", "layer"),
    [
        ([[[0.0]], [[1.0]]], -1e150, "5e+299", 1),  # dW1 = 1e150 · 1e160
        ([[[1.0]], [[0.0]]], -1e150, "5e+299", 2),  # dW2 is this product
        ([[[1.0]], [[1.1e-5]]], 1e155, "5e+307", 2),  # both overflow; the backward pass begins at 2
    ],
)
def test_the_gradient_alone_may_overflow(W: Any, t: float, loss: str, layer: int):
    net = mlp(1, 1, 1, activation="identity", loss="squared-error")
    message = diverged(train(net, [[1e160]], [[t]], SGD(), theta=net.pack(W)))
    assert (
        f"(loss {loss}) in epoch 1, batch 1; first at layer {layer} in the backward pass" in message
    )
    assert "bring inputs and targets to a common scale" in message
    assert f"(largest |x| now 1e+160, |t| {abs(t):.6g})" in message


CLIFF = Custom(
    "cliff",
    lambda z: where(real(z) > -5, z, np.nan + 0 * z),
    lambda z, _: where(real(z) > -5, 1.0, np.nan + 0 * z),
)


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("sample", range(N))
def test_the_message_names_batch_and_layer_of_a_nan(layer: int, sample: int):
    """The activation is NaN for the z of one sample in one layer."""
    first, second = ("identity", CLIFF) if layer == 2 else (CLIFF, "identity")
    net = Network(1, (Dense(1, first), Dropout(0.0), Dense(1, second)), "squared-error")
    theta = net.pack([[[1.0]], [[1.0]]])
    x = np.where(np.arange(N) == sample, -6.0, 0.5)[:, None]
    run = train(net, x, x, SGD(1e-9), epochs=2, batch_size=SIZE, seed=SEED, theta=theta)
    message = diverged(run)
    batch = next(number for _, number, rows in batches(1) if sample in rows)
    assert f"(loss nan) in epoch 1, batch {batch}; first at layer {layer} (a). " in message
    assert run.state.step == batch - 1


def test_lbfgs_keeps_the_last_finite_parameters():
    net = mlp(3, 4, 2, activation="identity", loss="poisson")
    x, t = 100 * np.ones((4, 3)), 1e3 * np.ones((4, 2))
    run = train(net, x, t, LBFGS(), epochs=50, theta=np.full(net.layout.size, 0.5))
    message = diverged(run)
    assert "in L-BFGS's line search in epoch 2, batch 1; first not finite at the loss. " in message
    assert "the last finite theta is kept" in message


def test_a_run_that_diverges_in_validation_records_it():
    """A nonfinite loss of the validation data is recorded and does not stop the run."""
    net = mlp(1, 1, activation="identity", loss="squared-error")
    far = np.array([[1e200]])
    with np.errstate(over="ignore"):
        record = train(net, [[1.0]], [[2.0]], SGD(), epochs=1, validation=(far, far)).finish()
    assert record.validation_loss == np.inf
    assert np.isfinite(record.loss)
