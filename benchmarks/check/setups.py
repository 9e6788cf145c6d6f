"""The networks on which mistakes are reproduced, with their numbers: designed ones and presets."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule import Network, mlp, problem
from chainrule.diagnosis.hypotheses import Variant, variants
from chainrule.diagnosis.networks import RATE, question
from chainrule.diagnosis.rules import with_learning_rate
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.penalties import Penalty

Array: TypeAlias = NDArray[Any]

PENALTY = Penalty(l2=0.05, alpha=0.3)


@dataclass(frozen=True, eq=False)
class Setup:
    """A network and its numbers.

    Parameters
    ----------
    network : Network
    W, b : tuple of array
    x, t : array
    rate : float
    declared : mapping, optional
        What a user declares about the network; `check` then chooses the numbers. Without it, the
        user passes these numbers.
    """

    network: Network
    W: tuple[Array, ...]
    b: tuple[Array, ...]
    x: Array
    t: Array
    rate: float = RATE
    declared: Mapping[str, Any] | None = None

    @cached_property
    def theta(self) -> Array:
        """The parameters in one vector."""
        return self.network.pack(self.W, self.b)

    def alone(self) -> "Setup":
        """Return the same with only its first sample."""
        return Setup(self.network, self.W, self.b, self.x[:1], self.t[:1], self.rate)


def designed(network: Network, declared: Mapping[str, Any] | None) -> Setup:
    """Return a network with the numbers that `check` itself uses."""
    one_hot = network.loss.name.startswith("softmax")
    q = question(network.widths, one_hot=one_hot)
    return Setup(network, q.W, q.b, q.x, q.t, declared=declared)


def declared(*layers: int, activation: str | list[str], loss: str) -> Setup:
    """Return a designed network that a user declares."""
    declaration = {"layers": list(layers), "activation": activation, "loss": loss}
    return designed(mlp(*layers, activation=activation, loss=loss), declaration)


def preset(name: str) -> Setup:
    """Return a preset with its own numbers."""
    p = problem(name)
    x, t, _ = p.data()
    theta = p.theta(0)
    params = p.network.params(theta)
    W, b = (tuple(np.array(q[key]) for q in params) for key in ("W", "b"))
    return Setup(p.network, W, b, np.asarray(x, float), np.asarray(t, float), 0.5)


@cache
def setups() -> dict[str, Setup]:
    """Return every network by its name in the tables."""
    penalized = mlp(2, 4, 3, activation="tanh", loss="squared-error", penalty=PENALTY)
    return {
        "deep": declared(2, 4, 4, 3, activation=["tanh", "logistic", "tanh"], loss="squared-error"),
        "softmax": declared(2, 4, 3, activation="tanh", loss="softmax-cross-entropy"),
        "square": declared(3, 3, 3, activation="logistic", loss="squared-error"),
        "relu": declared(2, 4, 3, activation=["relu", "identity"], loss="squared-error"),
        "single": declared(2, 4, 1, activation="logistic", loss="squared-error"),
        "two-classes": declared(2, 4, 1, activation="tanh", loss="logistic-cross-entropy"),
        "mazur": preset("mazur"),
        "half-adder": preset("half-adder"),
        "penalized": designed(penalized, None),
    }


ONLY = {"penalized": ("bias-regularized",)}  # the mistakes of a network, if not all are made on it


@cache
def rule(name: str, rate: float) -> Optimizer | None:
    """Return an optimizer by name; None for the empty name."""
    if not name:
        return None
    found = OPTIMIZERS[name]
    return with_learning_rate(found, rate) if isinstance(found, Optimizer) else None


@cache
def mistakes_on(setup_name: str, optimizer: str) -> tuple[Variant, ...]:
    """Return the mistakes that can be made; for optimizers other than SGD, only in updates."""
    setup = setups()[setup_name]
    found = variants(setup.network, rule(optimizer, setup.rate))
    only = ONLY.get(setup_name)
    if only is not None:
        found = [v for v in found if v.mistake.id in only]
    if optimizer not in ("", "sgd"):
        found = [v for v in found if v.form.for_optimizers]
    return tuple(found)
