"""What an attempt is checked against: what was handed in beside it, and what is declared of it.

What is left out here is found out elsewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.activations import Activation
from chainrule.descriptions import check_int, check_type
from chainrule.diagnosis.networks import Declared, known_activation, known_loss
from chainrule.diagnosis.rules import with_constants
from chainrule.errors import InputError, unknown
from chainrule.explanation import Notation
from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.optimizers import optimizer as named_optimizer
from chainrule.submission import network_to_declaration

SEARCH = 0.7  # the share of the time that the search may take
KEYS = ("layers", "activation", "loss", "optimizer", "learning_rate", "momentum")


@dataclass(frozen=True, eq=False)
class Terms:
    """What an attempt is checked against, as it was handed in."""

    network: Network | Mapping[str, Any] | None
    theta: ArrayLike | None
    x: ArrayLike | None
    t: ArrayLike | None
    rate: float | None
    rule: str | Optimizer | None
    strict: bool
    notation: str | Notation
    begin: float
    seconds_call: float
    seconds: float

    @property
    def deadline(self) -> float:
        """When the search must end."""
        return self.begin + SEARCH * self.seconds

    @property
    def known(self) -> Network | None:
        """The network, if it was handed in whole."""
        return self.network if isinstance(self.network, Network) else None

    def declared(self, beside: Mapping[str, Any] | None = None) -> Declared:
        """Return what is declared, in the file first and in the call over it.

        Raises
        ------
        InputError
            If a key is unknown or a value makes no sense.
        """
        said: dict[str, Any] = dict(beside or {})
        if isinstance(self.network, Network):
            said |= described(self.network)
        elif self.network is not None:
            said |= self.network
        rule = self.rule if self.rule is not None else said.get("optimizer")
        rate = self.rate if self.rate is not None else said.get("learning_rate")
        return declare({**said, "optimizer": rule, "learning_rate": rate})


def described(network: Network) -> dict[str, Any]:
    """Return a network as it would be declared, as far as that can say it."""
    told, _ = network_to_declaration(network)
    own = [layer.activation for layer in network.layers if isinstance(layer, Dense)]
    return told | ({"activation": own} if told else {})


def declare(said: Mapping[str, Any]) -> Declared:
    """Return what a file or a call declares of an attempt.

    Raises
    ------
    InputError
        If a key is unknown or a value makes no sense.
    """
    for key in said:
        if key not in KEYS:
            raise unknown("key of a network that is declared", str(key), KEYS)
    given = {key: value for key, value in said.items() if value is not None}
    return Declared(
        _layers(given.get("layers")),
        _activation(given.get("activation")),
        _loss(given.get("loss")),
        _rule(given.get("optimizer"), given.get("momentum")),
        _rate(given.get("learning_rate")),
    )


def _layers(layers: Any) -> tuple[int, ...] | None:
    if layers is None:
        return None
    check_type(layers, Iterable, "layers", "give widths from inputs to outputs, such as [2, 3, 1]")
    widths = tuple(check_int(n, "layers") for n in layers)
    if len(widths) < 2:
        raise InputError(f"layers={list(widths)}: give inputs and outputs, such as [2, 3, 1]")
    return widths


def _activation(names: Any) -> tuple[str | Activation, ...] | None:
    if names is None:
        return None
    if isinstance(names, Activation):
        return (names,)
    check_type(names, Iterable, "activation", "give a name, or one for each layer")
    listed = names.split(",") if isinstance(names, str) else names
    return tuple(known_activation(f if isinstance(f, Activation) else str(f)) for f in listed)


def _loss(name: Any) -> str | None:
    if name is None:
        return None
    return known_loss(str(name))


def _rule(choice: Any, momentum: Any) -> Optimizer | None:
    if choice is None:
        if momentum is None:
            return None
        choice = "momentum"
    rule = named_optimizer(choice)
    if isinstance(rule, LBFGS):
        raise InputError("optimizer='lbfgs' has no equations to check updates by; check gradients")
    if momentum is None:
        return rule
    if not hasattr(rule, "momentum"):
        raise InputError(f"momentum={momentum}: {rule.name} has none; leave it out")
    return with_constants(rule, {"momentum": momentum})


def _rate(rate: Any) -> float | None:
    if rate is None:
        return None
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < np.inf:
        raise InputError(f"learning_rate={rate!r}: must be a positive number")
    return float(rate)
