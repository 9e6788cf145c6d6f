"""NumPy as tutorials write it: a class with lists of arrays, a loop over batches, nothing reused.

On the tiny problems it goes sample by sample, as the programs that teach them do.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import threadpoolctl

from benchmarks.peers import Predict, Session, Variant
from benchmarks.workloads import EPSILON, Array, Layers, Workload, data, layers, order, shuffled

NAME = "NumPy as tutorials write it"


def refuses(w: Workload) -> str:
    """Return nothing: there is nothing here that it cannot train."""
    return ""


def variants(w: Workload) -> Sequence[Variant]:
    """Return one core, and all."""
    pools = threadpoolctl.threadpool_info()
    most = max((pool["num_threads"] for pool in pools), default=1)
    return [{"threads": n} for n in sorted({1, most})]


def relu(z: Array) -> Array:
    return np.maximum(z, 0)


def relu_derivative(z: Array) -> Array:
    return (z > 0).astype(z.dtype)


def logistic(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def logistic_derivative(z: Array) -> Array:
    return logistic(z) * (1 - logistic(z))


def tanh_derivative(z: Array) -> Array:
    return 1 - np.tanh(z) ** 2


UNITS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "relu": (relu, relu_derivative),
    "logistic": (logistic, logistic_derivative),
    "tanh": (np.tanh, tanh_derivative),
}


class Network:
    """Lists of weights and biases, and what tutorials do with them."""

    def __init__(self, w: Workload) -> None:
        self.w, (self.f, self.df) = w, UNITS[w.activation]
        self.weights = [W.T.copy() for W, _ in layers(w)]
        self.biases = [b.copy() for _, b in layers(w)]
        self.m = [np.zeros_like(p) for p in self.weights + self.biases]
        self.v = [np.zeros_like(p) for p in self.weights + self.biases]
        self.k = 0

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        """Return the net inputs and the activations, layer by layer."""
        zs, activations = [], [x]
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            zs.append(activations[-1] @ W + b)
            last = i == len(self.weights) - 1 and self.w.output != "logistic"
            activations.append(zs[-1] if last else self.f(zs[-1]))
        if self.w.output == "softmax":
            e = np.exp(zs[-1] - zs[-1].max(axis=1, keepdims=True))
            activations[-1] = e / e.sum(axis=1, keepdims=True)
        return zs, activations

    def backward(self, zs: list[Array], activations: list[Array], t: Array) -> list[Array]:
        """Return the gradients of the weights, then of the biases."""
        delta = (activations[-1] - t) / len(t)
        if self.w.output == "logistic":
            delta = delta * self.df(zs[-1])
        dW, db = [], []
        for i in reversed(range(len(self.weights))):
            dW.insert(0, activations[i].T @ delta)
            db.insert(0, delta.sum(axis=0))
            if i:
                delta = (delta @ self.weights[i].T) * self.df(zs[i - 1])
        return dW + db

    def update(self, gradients: list[Array]) -> None:
        """Change weights and biases."""
        self.k += 1
        for i, (p, g) in enumerate(zip(self.weights + self.biases, gradients, strict=True)):
            if self.w.rule == "sgd":
                p[...] -= self.w.rate * g
                continue
            self.m[i] = 0.9 * self.m[i] + (1 - 0.9) * g
            self.v[i] = 0.999 * self.v[i] + (1 - 0.999) * g**2
            mhat, vhat = self.m[i] / (1 - 0.9**self.k), self.v[i] / (1 - 0.999**self.k)
            p[...] -= self.w.rate * mhat / (np.sqrt(vhat) + EPSILON)

    def loss(self, p: Array, t: Array) -> float:
        """Return the mean over samples of the loss."""
        if self.w.output == "softmax":
            return float(-(t * np.log(p + 1e-30)).sum(axis=1).mean())
        return float(0.5 * ((p - t) ** 2).sum(axis=1).mean())

    def batch(self, x: Array, t: Array) -> float:
        """Train on a batch; return its loss."""
        zs, activations = self.forward(x)
        self.update(self.backward(zs, activations, t))
        return self.loss(activations[-1], t)

    def samples(self, x: Array, t: Array) -> float:
        """Train on a batch, sample by sample: the gradients' mean, one update."""
        total, loss = [np.zeros_like(p) for p in self.weights + self.biases], 0.0
        for i in range(len(x)):
            zs, activations = self.forward(x[i : i + 1])
            for mean, g in zip(total, self.backward(zs, activations, t[i : i + 1]), strict=True):
                mean[...] += g / len(x)
            loss += self.loss(activations[-1], t[i : i + 1]) / len(x)
        self.update(total)
        return loss


def targets(w: Workload) -> tuple[Array, Array]:
    """Return the data, classes as rows with a single 1."""
    X, y = data(w)
    return X, np.eye(w.sizes[-1], dtype=X.dtype)[y] if w.output == "softmax" else y


def one_epoch(w: Workload, net: Network, X: Array, y: Array, epoch: int) -> float:
    """Train an epoch; return its loss."""
    if not shuffled(w):
        return net.samples(X, y)
    places, total = order(w, epoch), 0.0
    for begin in range(0, len(X), w.batch):
        some = places[begin : begin + w.batch]
        total += net.batch(X[some], y[some]) * len(some)
    return total / len(X)


def session(w: Workload, variant: Variant) -> Session:
    """Return a network ready to be trained."""
    net, (X, y) = Network(w), targets(w)

    def run() -> float:
        with threadpoolctl.threadpool_limits(variant["threads"]):
            return [one_epoch(w, net, X, y, epoch) for epoch in range(w.epochs)][-1]

    def weights() -> Layers:
        return [(W.T, b) for W, b in zip(net.weights, net.biases, strict=True)]

    return Session(run, weights)


def predictor(w: Workload, x: Array, variant: Variant) -> Callable[[], Any]:
    """Return a forward pass."""
    threadpoolctl.threadpool_limits(variant["threads"])
    net = Network(w)
    return lambda: net.forward(x)[1][-1]


def stopwatch(w: Workload, variant: Variant) -> Iterator[Predict]:
    """Return why it is not measured: it takes too long."""
    raise NotImplementedError


def details(w: Workload) -> str:
    """Return nothing: there is one path."""
    return ""
