"""chainrule as users call it: ``train`` chooses its engine.

The reference engine is the same calls with another word, so its file borrows from this one.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers import Predict, Session, Variant
from benchmarks.workloads import EPSILON, Array, Layers, Workload, as_layers, data, layers, network
from chainrule import SGD, Adam, Network, Optimizer, compiled, train

NAME = "chainrule"


def refuses(w: Workload) -> str:
    """Return an empty text: chainrule can train all workloads."""
    return ""


def variants(w: Workload) -> Sequence[Variant]:
    """Return the one way there is."""
    return [{"engine": "auto"}]


def optimizer(w: Workload) -> Optimizer:
    """Return the update rule."""
    return SGD(w.rate) if w.rule == "sgd" else Adam(w.rate, eps=EPSILON)


def start(net: Network, given: Layers) -> Array:
    """Return the first weights as a flat vector."""
    W, b = [W for W, _ in given], [b for _, b in given]
    return net.pack(W, b, given[0][0].dtype)


def run(w: Workload, engine: str, record_every: int, epochs: int) -> Any:
    """Return a run that has not started."""
    net, (X, y) = network(w), data(w)
    return train(
        net,
        X,
        y,
        optimizer(w),
        epochs=epochs,
        batch_size=w.batch,
        seed=w.seed,
        theta=start(net, layers(w)),
        record_every=record_every,
        engine=engine,
    )


def session(w: Workload, variant: Variant) -> Session:
    """Return a run of the workload's epochs."""
    whole = w.rows == w.batch  # the losses in between are not needed
    begun = run(w, variant["engine"], w.epochs if whole else 1, w.epochs)
    return Session(lambda: begun.finish().loss, lambda: as_layers(begun.network, begun.theta))


def predictor(w: Workload, x: Array, variant: Variant) -> Callable[[], Any]:
    """Return the prediction of a run that has not trained."""
    return partial(run(w.cut(w.batch), variant["engine"], 1, 1).predict, x)


def stopwatch(w: Workload, variant: Variant) -> Iterator[Predict]:
    """Train an epoch at each turn."""
    begun = run(w, variant["engine"], 1, w.epochs)
    for _ in begun:
        yield begun.predict


def details(w: Workload) -> str:
    """Return which engine trains this, and why."""
    arguments = compiled.describe(
        network(w), optimizer(w), rows=w.rows, batch_size=w.batch, dtype=np.dtype(w.dtype)
    )
    return " ".join(str(arguments).split())
