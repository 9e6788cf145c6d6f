"""The options of a check, and what they and a file declare about the attempt.

What is not declared is inferred later, from the attempt's answers.
"""

from collections.abc import Callable, Iterable, Mapping
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
from chainrule.submission import TimeLimit, network_to_declaration

SEARCH = 0.7  # the share of the time limit that the search may use
KEYS = ("layers", "activation", "loss", "optimizer", "learning_rate", "momentum")


@dataclass(frozen=True, eq=False)
class CheckOptions:
    """The options of a check as they were passed to it, and the time limit of its search."""

    network: Network | Mapping[str, Any] | None
    theta: ArrayLike | None
    x: ArrayLike | None
    t: ArrayLike | None
    rate: float | None
    rule: str | Optimizer | None
    strict: bool
    notation: str | Notation
    time_limit: TimeLimit
    seconds_call: float
    seconds: float
    is_explained: Callable[[], bool] | None = None  # asked before the search for pairs of mistakes

    @property
    def known(self) -> Network | None:
        """The network, if a complete one was passed."""
        return self.network if isinstance(self.network, Network) else None

    @property
    def declares_something(self) -> bool:
        """Whether a network, data or an optimizer were passed."""
        given = (self.network, self.theta, self.x, self.t, self.rate, self.rule)
        return self.strict or any(value is not None for value in given)

    def declared(self, in_file: Mapping[str, Any] | None = None) -> Declared:
        """Return what is declared about the attempt; options take precedence over the file.

        Raises
        ------
        InputError
            If a key is unknown or a value is invalid.
        """
        declaration: dict[str, Any] = dict(in_file or {})
        if isinstance(self.network, Network):
            declaration |= declaration_of(self.network)
        elif self.network is not None:
            declaration |= self.network
        rule = self.rule if self.rule is not None else declaration.get("optimizer")
        rate = self.rate if self.rate is not None else declaration.get("learning_rate")
        return declare({**declaration, "optimizer": rule, "learning_rate": rate})


def declaration_of(network: Network) -> dict[str, Any]:
    """Return the declaration of a network, as far as a declaration can express it."""
    declaration, _ = network_to_declaration(network)
    own = [layer.activation for layer in network.layers if isinstance(layer, Dense)]
    return declaration | ({"activation": own} if declaration else {})


def declare(declaration: Mapping[str, Any]) -> Declared:
    """Return the declaration in a file or in a call, checked.

    Raises
    ------
    InputError
        If a key is unknown or a value is invalid.
    """
    for key in declaration:
        if key not in KEYS:
            raise unknown("key in the declared network", str(key), KEYS)
    given = {key: value for key, value in declaration.items() if value is not None}
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
        raise InputError(
            f"layers={list(widths)}: give the widths of inputs and outputs, such as [2, 3, 1]"
        )
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
        raise InputError(
            "updates of the optimizer 'lbfgs' cannot be checked; check gradients instead"
        )
    if momentum is None:
        return rule
    if not hasattr(rule, "momentum"):
        raise InputError(f"the optimizer {rule.name!r} has no momentum; remove momentum={momentum}")
    return with_constants(rule, {"momentum": momentum})


def _rate(rate: Any) -> float | None:
    if rate is None:
        return None
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < np.inf:
        raise InputError(f"learning_rate={rate!r}: must be a positive number")
    return float(rate)
