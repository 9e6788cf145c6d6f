"""Workloads: what is trained, on which data, from which weights, in which order of samples.

Everything follows from the description, so each peer makes the same in its own process.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from chainrule import Network

Array: TypeAlias = NDArray[Any]
Layers: TypeAlias = list[tuple[Array, Array]]  # W (out, in) and b (out,), layer by layer

SEED = 0
TINY_EPOCHS = 20_000

# Adam's ε is this small because scikit-learn adds it before the bias correction and the others add
# it after; so the difference changes no digit, and all results can be compared.
EPSILON = 1e-12


@dataclass(frozen=True)
class Workload:
    """A training run of a dense network.

    Parameters
    ----------
    name : str
    sizes : tuple of int
        Inputs, hidden layers, outputs.
    rows, batch : int
        All rows in one batch are not shuffled.
    rule : {"sgd", "adam"}
    rate : float
    activation : str
        Of the hidden layers.
    output : {"softmax", "identity", "logistic"}
        Softmax goes with cross-entropy, the others with the squared error.
    epochs : int
        In one timed call.
    dtype : {"float32", "float64"}
    problem : str
        A preset, "mnist", or nothing for drawn data.
    seed : int
        Of the first weights and of the orders; the data are always the same.
    """

    name: str
    sizes: tuple[int, ...]
    rows: int
    batch: int
    rule: str = "sgd"
    rate: float = 0.01
    activation: str = "relu"
    output: str = "softmax"
    epochs: int = 2
    dtype: str = "float32"
    problem: str = ""
    seed: int = SEED

    @property
    def steps(self) -> int:
        """The updates of an epoch."""
        return -(-self.rows // self.batch)

    @property
    def flops(self) -> float:
        """The multiplications and additions of an epoch's matrix products.

        Forward, dW and dx of every layer; the first layer's dx is not needed.
        """
        products = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        return 2.0 * self.rows * (3 * sum(products) - products[0])

    @property
    def loss(self) -> str:
        """The loss, as chainrule calls it."""
        return "softmax-cross-entropy" if self.output == "softmax" else "squared-error"

    def cut(self, rows: int) -> "Workload":
        """Return the same on fewer rows, a whole number of batches."""
        whole = max(rows // self.batch, 1) * self.batch
        return replace(self, rows=min(whole, self.rows))


def network(w: Workload) -> "Network":
    """Return chainrule's network of a workload."""
    from chainrule import mlp

    output = "identity" if w.output == "identity" else None
    return mlp(*w.sizes, activation=w.activation, loss=w.loss, output=output)


@cache
def layers(w: Workload) -> Layers:
    """Return the initial weights of all peers."""
    if w.problem in ("half-adder", "xor"):
        from chainrule import problem

        preset = problem(w.problem)
        theta = preset.network.initialize(w.seed, np.dtype(w.dtype).type)
        return as_layers(preset.network, theta)
    return as_layers(network(w), network(w).initialize(w.seed, np.dtype(w.dtype).type))


def as_layers(net: "Network", theta: Array) -> Layers:
    """Return a flat vector of parameters as W and b of each layer, copied."""
    views = net.views(theta)
    places = range(1, len(views) // 2 + 1)
    return [(np.array(views[f"W{k}"]), np.array(views[f"b{k}"])) for k in places]


def data(w: Workload) -> tuple[Array, Array]:
    """Return inputs, and class numbers or targets (n, outputs)."""
    return _data(w.problem, w.sizes[0], w.sizes[-1], w.output, w.rows, w.dtype)


@cache
def _data(
    name: str, inputs: int, outputs: int, output: str, rows: int, dtype: str
) -> tuple[Array, Array]:
    if name == "mnist":
        from benchmarks import mnist

        X, y, _, _ = mnist.load()
        return X[:rows], y[:rows]
    if name:
        from chainrule import problem

        x, t, _ = problem(name).data()
        return np.asarray(x, dtype), np.asarray(t, dtype)
    rng = np.random.default_rng(SEED)
    if output == "softmax":
        classes = rng.integers(0, outputs, rows)
        classes[:outputs] = np.arange(outputs)[:rows]  # every class occurs, on few rows too
        # Centered, so that few units are almost never active: Adam amplifies their rounding errors.
        return rng.random((rows, inputs), dtype=np.float32) - np.float32(0.5), classes
    X = rng.standard_normal((rows, inputs), dtype=np.float32)
    return X, np.sin(X[:, :outputs] + X[:, -outputs:])


def order(w: Workload, epoch: int) -> NDArray[np.intp]:
    """Return the order of an epoch's samples, the one that chainrule draws."""
    from chainrule.loops import Batches

    return Batches(w.batch).order(w.rows, w.seed, epoch)


def shuffled(w: Workload) -> bool:
    """Return whether an epoch has several batches, in an order of its own."""
    return w.batch < w.rows


def moved(found: Layers, start: Layers) -> float:
    """Return the Euclidean distance between two sets of weights."""
    pairs = zip(flat(found), flat(start), strict=True)
    return float(np.sqrt(sum(np.sum((a.astype(float) - b.astype(float)) ** 2) for a, b in pairs)))


def flat(found: Layers) -> list[Array]:
    """Return the arrays of all layers."""
    return [array for layer in found for array in layer]


# ---- the workloads of the tables -----------------------------------------------------------------

IMAGE_ROWS = 16_384


def images(
    *hidden: int, batch: int, rule: str, rows: int = IMAGE_ROWS, epochs: int = 2
) -> Workload:
    """Return a classifier of pictures: ReLU, softmax cross-entropy, drawn data."""
    sizes = (784, *hidden, 10)
    # Small where the updates of an epoch would otherwise amplify rounding beyond comparison.
    rate = {"sgd": 0.01, "adam": 1e-3}[rule] / (10 if batch == 1 or hidden[0] > 256 else 1)
    name = f"{'-'.join(map(str, sizes))}, batch {batch}, {RULES[rule]}"
    return Workload(name, sizes, rows, batch, rule, rate, epochs=epochs)


def table(activation: str, rule: str = "sgd") -> Workload:
    """Return a regression on a table: 16-64-64-1, 20,000 rows, batch 32."""
    rate = {"sgd": 0.01, "adam": 1e-3}[rule]
    name = f"16-64-64-1, batch 32, {activation}, {RULES[rule]}"
    return Workload(
        name, (16, 64, 64, 1), 20_000, 32, rule, rate, activation=activation, output="identity"
    )


def tiny(problem: str, epochs: int = TINY_EPOCHS) -> Workload:
    """Return a preset: logistic units, squared error, all four rows at once, float64."""
    sizes = {"half-adder": (2, 2, 2, 2), "xor": (2, 2, 1)}[problem]
    return Workload(
        problem,
        sizes,
        4,
        4,
        "sgd",
        0.5,
        activation="logistic",
        output="logistic",
        epochs=epochs,
        dtype="float64",
        problem=problem,
    )


RULES = {"sgd": "SGD", "adam": "Adam"}

MNIST = Workload(
    "MNIST, 784-128-10, Adam, batch 128",
    (784, 128, 10),
    60_000,
    128,
    "adam",
    1e-3,
    epochs=20,
    problem="mnist",
)

SMALL_BATCHES = [
    images(128, batch=1, rule="sgd", rows=1024, epochs=1),
    images(128, batch=1, rule="adam", rows=1024, epochs=1),
    images(128, batch=32, rule="sgd"),
    images(128, batch=32, rule="adam"),
]
LARGE_BATCHES = [
    images(128, batch=128, rule="sgd"),
    images(128, batch=128, rule="adam"),
    images(128, batch=512, rule="sgd"),
    images(128, batch=512, rule="adam"),
]
WIDE = [
    images(512, 512, batch=128, rule="sgd", epochs=1),
    images(512, 512, batch=128, rule="adam", epochs=1),
    images(2048, 2048, batch=256, rule="sgd", rows=4096, epochs=1),
]
TABLES = [table("logistic"), table("tanh"), table("relu"), table("relu", "adam")]
EPOCHS = [*SMALL_BATCHES, *LARGE_BATCHES, *WIDE, *TABLES]
