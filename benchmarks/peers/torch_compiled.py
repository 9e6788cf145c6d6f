"""PyTorch with ``torch.compile`` on the network and its loss; the loop is the eager one.

Compiling takes long and is not part of an epoch, so a workload is compiled once and its weights
are put back before each run.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import nn

from benchmarks.peers import Predict, Session, Variant, torch_eager
from benchmarks.workloads import Array, Workload, images, layers

NAME = "PyTorch, torch.compile"
ROWS = {
    images(128, batch=32, rule="sgd").name,
    images(512, 512, batch=128, rule="sgd").name,
}


def refuses(w: Workload) -> str:
    """Return why most workloads are left out."""
    return "" if w.name in ROWS else "measured on two rows"


def variants(w: Workload) -> Sequence[Variant]:
    """Return what eager PyTorch does best with, with either way of gathering."""
    return [
        v
        for v in torch_eager.variants(w)
        if v["threads"] == torch_eager.CORES and v["optimizer"] == "fused"
    ]


@cache
def compiled(w: Workload) -> tuple[nn.Sequential, Callable[..., torch.Tensor]]:
    """Return a network and its compiled loss."""
    net, measure = torch_eager.model(w, layers(w)), torch_eager.criterion(w)
    made: Any = torch.compile(lambda x, t: measure(net(x), t))
    return net, made


def session(w: Workload, variant: Variant) -> Session:
    """Return a network ready to be trained."""
    net, value = compiled(replace(w, rows=w.batch, epochs=1))  # what is compiled sees a batch
    with torch.no_grad():
        fresh = torch_eager.model(w, layers(w)).parameters()
        for mine, theirs in zip(net.parameters(), fresh, strict=True):
            mine.copy_(theirs)
    run = torch_eager.epochs
    return Session(lambda: list(run(w, net, variant, value))[-1], lambda: torch_eager.weights(net))


def predictor(w: Workload, x: Array, variant: Variant) -> Callable[[], Any]:
    """Refuse: it is measured in training alone."""
    raise NotImplementedError


def stopwatch(w: Workload, variant: Variant) -> Iterator[Predict]:
    """Refuse: it is measured in training alone."""
    raise NotImplementedError


def details(w: Workload) -> str:
    """Return nothing: there is one path."""
    return ""
