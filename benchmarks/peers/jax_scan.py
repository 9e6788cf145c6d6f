"""JAX: a whole epoch in one jitted ``lax.scan``, data on the device, donated weights.

All rows in one batch make the scan run over epochs instead. Compilation is not timed here; in the
programs of benchmarks/fresh it is.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import jax  # pyright: ignore[reportMissingImports] (in the benchmarks' environment alone)
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
import numpy as np

from benchmarks.peers import Predict, Session, Variant
from benchmarks.workloads import EPSILON, Array, Layers, Workload, data, layers, order, shuffled

NAME = "JAX, jitted scan"
jax.config.update("jax_enable_x64", True)  # noqa: FBT003 (JAX's own form); arrays name their dtype
UNITS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "logistic": jax.nn.sigmoid}


def refuses(w: Workload) -> str:
    """Return nothing: there is nothing here that it cannot train."""
    return ""


def variants(w: Workload) -> Sequence[Variant]:
    """Return ways of gathering the batches, and steps unrolled in the loop."""
    gathering = ("a batch", "an epoch") if shuffled(w) else ("nothing",)
    small = w.sizes[0] * w.batch <= 1024  # where the loop itself costs
    return [{"gathering": g, "unroll": u} for g in gathering for u in ((1, 8) if small else (1,))]


# ---- the network ---------------------------------------------------------------------------------


def output(w: Workload, params: Any, x: Any) -> Any:
    """Return the network's raw output; W is (in, out) here, as JAX's own examples have it."""
    f = UNITS[w.activation]
    for W, b in params[:-1]:
        x = f(x @ W + b)
    W, b = params[-1]
    return f(x @ W + b) if w.output == "logistic" else x @ W + b


def value(w: Workload, params: Any, x: Any, t: Any) -> Any:
    """Return the mean over samples of the loss."""
    o = output(w, params, x)
    if w.output == "softmax":
        return -jnp.take_along_axis(jax.nn.log_softmax(o), t[:, None], axis=1).mean()
    return 0.5 * ((o - t) ** 2).sum() / len(t)


def update(w: Workload, params: Any, slots: Any, g: Any) -> tuple[Any, Any]:
    """Return new parameters and moving averages."""
    tree = jax.tree.map
    if w.rule == "sgd":
        return tree(lambda p, d: p - w.rate * d, params, g), slots
    m, v, k = slots
    k = k + 1
    m = tree(lambda m, d: 0.9 * m + (1 - 0.9) * d, m, g)
    v = tree(lambda v, d: 0.999 * v + (1 - 0.999) * d * d, v, g)
    # 1 − β^k: in float32 the difference itself would lose half its digits in the first steps.
    here, there = -jnp.expm1(k * math.log(0.9)), -jnp.expm1(k * math.log(0.999))
    step = lambda p, m, v: p - w.rate * (m / here) / (jnp.sqrt(v / there) + EPSILON)  # noqa: E731
    return tree(step, params, m, v), (m, v, k)


def begin(w: Workload, given: Layers) -> tuple[Any, Any]:
    """Return fresh parameters and moving averages on the device."""
    params = [(jnp.array(W.T), jnp.array(b)) for W, b in given]
    if w.rule == "sgd":
        return params, ()
    zeros = jax.tree.map(jnp.zeros_like, params)
    return params, (zeros, jax.tree.map(jnp.zeros_like, params), jnp.zeros((), w.dtype))


# ---- training ------------------------------------------------------------------------------------


def step(w: Workload, carry: Any, x: Any, t: Any) -> tuple[Any, Any]:
    """Return parameters and moving averages after a batch, and its loss."""
    params, slots = carry
    loss, g = jax.value_and_grad(lambda p: value(w, p, x, t))(params)
    return update(w, params, slots, g), loss


@cache
def epoch(w: Workload, gathering: str, unroll: int) -> Callable[..., Any]:
    """Return a jitted epoch of batches: (carry, X, y, order) -> (carry, loss)."""

    def gathered(carry: Any, X: Any, y: Any, places: Any) -> Any:
        places = places.reshape(w.steps, w.batch)
        if gathering == "an epoch":
            body = lambda c, xt: step(w, c, *xt)  # noqa: E731
            carry, losses = jax.lax.scan(body, carry, (X[places], y[places]), unroll=unroll)
        else:
            body = lambda c, some: step(w, c, X[some], y[some])  # noqa: E731
            carry, losses = jax.lax.scan(body, carry, places, unroll=unroll)
        return carry, losses.mean()

    return jax.jit(gathered, donate_argnums=0)


@cache
def all_epochs(w: Workload, unroll: int) -> Callable[..., Any]:
    """Return all epochs of one batch each, jitted: (carry, X, y) -> (carry, loss)."""

    def run(carry: Any, X: Any, y: Any) -> Any:
        carry, losses = jax.lax.scan(
            lambda c, _: step(w, c, X, y), carry, length=w.epochs, unroll=unroll
        )
        return carry, losses[-1]

    return jax.jit(run, donate_argnums=0)


@cache
def on_device(w: Workload) -> tuple[Any, Any]:
    """Return the data as JAX keeps them."""
    X, y = data(w)
    return jax.device_put(X), jax.device_put(y.astype(np.int32) if w.output == "softmax" else y)


class Training:
    """Weights on their way; they are donated at each call, so they live here."""

    def __init__(self, w: Workload, variant: Variant) -> None:
        self.w, self.variant = w, variant
        self.carry = jax.block_until_ready(begin(w, layers(w)))
        self.X, self.y = jax.block_until_ready(on_device(w))

    def run(self) -> float:
        """Train the workload's epochs; the loss is read once an epoch."""
        w, loss = self.w, 0.0
        if not shuffled(w):
            whole = all_epochs(w, self.variant["unroll"])
            self.carry, loss = whole(self.carry, self.X, self.y)
            return float(loss)
        one = epoch(replace(w, epochs=1), self.variant["gathering"], self.variant["unroll"])
        for k in range(w.epochs):
            places = order(w, k).astype(np.int32)
            self.carry, loss = one(self.carry, self.X, self.y, places)
            loss = float(loss)
        jax.block_until_ready(self.carry)
        return float(loss)

    def weights(self) -> Layers:
        """Return W (out, in) and b of each layer."""
        return [(np.asarray(W).T, np.asarray(b)) for W, b in self.carry[0]]


def session(w: Workload, variant: Variant) -> Session:
    """Return a network ready to be trained."""
    training = Training(w, variant)
    return Session(training.run, training.weights)


def predictor(w: Workload, x: Array, variant: Variant) -> Callable[[], Any]:
    """Return a jitted prediction from device to device."""
    params, rows = begin(w, layers(w))[0], jax.device_put(x)
    link = jax.nn.softmax if w.output == "softmax" else lambda o: o
    made = jax.jit(lambda p, r: link(output(w, p, r)))
    return lambda: made(params, rows).block_until_ready()


def stopwatch(w: Workload, variant: Variant) -> Iterator[Predict]:
    """Refuse: a batch that is shorter than the others would make a second program of it."""
    raise NotImplementedError


def details(w: Workload) -> str:
    """Return nothing: there is one path."""
    return ""
