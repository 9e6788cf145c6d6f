"""PyTorch, eager: ``nn.Sequential`` on batches indexed from one tensor, as its tuning guide says.

No DataLoader, gradients set to None, the loss summed as a tensor and read once an epoch; threads,
the way of gathering, and the optimizer's implementation are tried.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.peers import Predict, Session, Variant
from benchmarks.workloads import EPSILON, Array, Layers, Workload, data, layers, order, shuffled

NAME = "PyTorch"
UNITS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "logistic": nn.Sigmoid}
CORES = torch.get_num_threads()


def refuses(w: Workload) -> str:
    """Return nothing: there is nothing here that it cannot train."""
    return ""


def threads() -> list[int]:
    """Return one core, and all."""
    return sorted({1, CORES})


def variants(w: Workload) -> Sequence[Variant]:
    """Return threads × gathering × implementations of the optimizer."""
    gathering = ("a batch", "an epoch") if shuffled(w) else ("nothing",)
    ways = product(threads(), gathering, ("fused", "foreach", "for-loop"))
    return [{"threads": n, "gathering": g, "optimizer": o} for n, g, o in ways]


# ---- the network ---------------------------------------------------------------------------------


def model(w: Workload, given: Layers) -> nn.Sequential:
    """Return the network with the weights given."""
    parts: list[nn.Module] = []
    for W, b in given:
        dense = nn.Linear(W.shape[1], W.shape[0], dtype=torch.from_numpy(W).dtype)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(W))
            dense.bias.copy_(torch.from_numpy(b))
        parts += [dense, UNITS[w.activation]()]
    return nn.Sequential(*(parts if w.output == "logistic" else parts[:-1]))


def weights(net: nn.Module) -> Layers:
    """Return W and b of each layer."""
    arrays = [p.detach().numpy().copy() for p in net.parameters()]
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def criterion(w: Workload) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the mean over samples of the loss; the squared error is ½ Σ (o − t)²."""
    if w.output == "softmax":
        return nn.functional.cross_entropy
    return lambda o, t: nn.functional.mse_loss(o, t, reduction="sum") * (0.5 / len(t))


def optimizer(w: Workload, net: nn.Module, how: str) -> torch.optim.Optimizer:
    """Return the update rule, in one of its implementations."""
    named: Any = {"fused": {"fused": True}, "foreach": {"foreach": True}}.get(
        how, {"foreach": False}
    )
    if w.rule == "adam":
        return torch.optim.Adam(net.parameters(), lr=w.rate, eps=EPSILON, **named)
    return torch.optim.SGD(net.parameters(), lr=w.rate, **named)


def tensors(w: Workload) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the data; the memory is NumPy's."""
    X, y = data(w)
    return torch.from_numpy(X), torch.from_numpy(y)


# ---- training ------------------------------------------------------------------------------------


def batches(
    w: Workload, X: torch.Tensor, y: torch.Tensor, epoch: int, how: str
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield an epoch's batches."""
    if not shuffled(w):
        yield X, y
        return
    places = torch.from_numpy(order(w, epoch))
    if how == "an epoch":
        X, y = X[places], y[places]
        yield from zip(X.split(w.batch), y.split(w.batch), strict=True)
        return
    for some in places.split(w.batch):
        yield X[some], y[some]


def epochs(
    w: Workload, net: nn.Module, variant: Variant, value: Callable[..., torch.Tensor]
) -> Iterator[float]:
    """Train; yield each epoch's loss, or the last alone where all rows are one batch."""
    torch.set_num_threads(variant["threads"])
    rule = optimizer(w, net, variant["optimizer"])
    X, y = tensors(w)
    total = torch.zeros(())
    for epoch in range(w.epochs):
        total = torch.zeros((), dtype=X.dtype)
        for x, t in batches(w, X, y, epoch, variant["gathering"]):
            loss = value(x, t)
            rule.zero_grad(set_to_none=True)
            loss.backward()
            rule.step()
            total += loss.detach() * len(x)
        if shuffled(w):
            yield total.item() / len(X)
    if not shuffled(w):
        yield total.item() / len(X)


def session(w: Workload, variant: Variant) -> Session:
    """Return a network ready to be trained."""
    net, measure = model(w, layers(w)), criterion(w)

    def value(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return measure(net(x), t)

    return Session(lambda: list(epochs(w, net, variant, value))[-1], lambda: weights(net))


def predictor(w: Workload, x: Array, variant: Variant) -> Callable[[], Any]:
    """Return a prediction from tensor to tensor."""
    torch.set_num_threads(variant["threads"])
    net, rows = model(w, layers(w)).eval(), torch.from_numpy(x)

    @torch.inference_mode()
    def predict() -> torch.Tensor:
        o = net(rows)
        return o.softmax(1) if w.output == "softmax" else o

    return predict


def stopwatch(w: Workload, variant: Variant) -> Iterator[Predict]:
    """Train an epoch at each turn."""
    net, measure = model(w, layers(w)), criterion(w)

    @torch.inference_mode()
    def predict(x: Array) -> Array:
        return np.asarray(net(torch.from_numpy(x)))

    for _ in epochs(w, net, variant, lambda x, t: measure(net(x), t)):
        yield predict


def details(w: Workload) -> str:
    """Return nothing: there is one path."""
    return ""
