"""Training runs whose bytes must not depend on the number of ranks."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.distributed import Communicator, DataParallel
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.optimizers import (
    LBFGS,
    SGD,
    Adam,
    AdamW,
    ClipNorm,
    ClipValue,
    Momentum,
    Nesterov,
    RMSProp,
)
from chainrule.penalties import Penalty
from chainrule.schedules import ExponentialDecay
from chainrule.sparse_samples import sparse_rows
from chainrule.training import EarlyStopping, Run, train

RULES: dict[str, Any] = {
    "sgd": SGD(ExponentialDecay(0.1)),
    "momentum": Momentum(clip=ClipValue(0.01)),
    "nesterov": Nesterov(),
    "rmsprop": RMSProp(),
    "adam": Adam(clip=ClipNorm(0.1)),
    "adamw": AdamW(),
    "lbfgs": LBFGS(),
}
ROWS, BATCH = 103, 25  # the last batch has 3 samples, fewer than there are ranks and blocks

rng = np.random.default_rng(5)
X, CLASSES, WEIGHTS = rng.normal(size=(ROWS, 6)), rng.integers(0, 3, ROWS), np.arange(1.0, ROWS + 1)


def network(*, dropout: float = 0.2, layer_norm: bool = False) -> Network:
    """Return a network with three arrays of weights, of sizes that no number of ranks divides."""
    return mlp(
        6,
        7,
        5,
        3,
        activation="tanh",
        loss="softmax-cross-entropy",
        dropout=dropout,
        layer_norm=layer_norm,
        penalty=Penalty(l1=0.001, alpha=0.1),
    )


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights": {"sample_weight": WEIGHTS},
    "all at once": {"batch_size": None},
    "batch of 1": {"batch_size": 1, "epochs": 1},
    "early stopping": {
        "early_stopping": EarlyStopping(1, min_delta=10.0),
        "validation": (X[:40], CLASSES[:40]),
        "metric": "accuracy",
    },
}


def run(rule: str, communicator: Communicator | DataParallel | None, **options: Any) -> Run:
    """Return a finished run."""
    search = rule == "lbfgs"
    batch = None if search else options.pop("batch_size", BATCH)
    options.pop("batch_size", None)
    net = options.pop("network", None) or network(dropout=0.0 if search else 0.2)
    settings = {"epochs": 3, "seed": 7, "batch_size": batch, "X": X, **options}
    made = train(
        net, settings.pop("X"), CLASSES, RULES[rule], communicator=communicator, **settings
    )
    made.finish()
    return made


def cases(*, full: bool) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield a name, the name of a rule, and options."""
    for engine in ("compiled", "reference"):
        for k, rule in enumerate(RULES):
            names = list(OPTIONS) if full else [list(OPTIONS)[k % len(OPTIONS)]]
            for name in names:
                if (rule, name) != ("lbfgs", "all at once"):  # which is its plain case
                    yield f"{rule}, {name}, {engine}", rule, {**OPTIONS[name], "engine": engine}
    single = {"X": X.astype(np.float32), "engine": "compiled"}
    yield "float32", "adam", single
    yield "layer norm", "adam", {"network": network(layer_norm=True), "engine": "compiled"}
    yield "sparse", "adam", {"X": sparse_rows_of(X), "engine": "compiled"}


def sparse_rows_of(x: Any) -> Any:
    """Return samples of which only some entries are stored."""
    from scipy.sparse import csr_array

    return sparse_rows(csr_array(np.where(x > 0, x, 0.0)), "x")


def digest(made: Run) -> str:
    """Return a hash of everything that a run computes, without its times."""
    hashed = hashlib.sha256()
    for array in (made.theta, made.state.theta, *made.state.slots):
        hashed.update(array.tobytes())
    records = [record._replace(seconds=0.0) for record in made.history]
    hashed.update(repr((records, made.reason, made.state.step)).encode())
    return hashed.hexdigest()[:16]


def digests(communicator: Communicator, *, full: bool) -> dict[str, str]:
    """Return the hash of every case."""
    return {
        name: digest(run(rule, communicator, **options)) for name, rule, options in cases(full=full)
    }
