"""The designed networks, on which different mistakes give different numbers, and what is declared.

The numbers of samples and outputs, 2 and the learning rate are multiplicatively independent, no
number is zero, and there is a square layer. The activations and losses that are tried if none is
declared are listed here too.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.errors import InputError
from chainrule.layers import Dense
from chainrule.losses import LOSSES
from chainrule.multilayer import mlp
from chainrule.names import canonical
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.submission import Question

MOST_KNOWN = 32  # lists of networks that are remembered: each is needed several times
SAMPLES, RATE = (5, 7, 11), 0.37
GENERAL = {1: (4, 3), 2: (2, 4, 3), 3: (2, 4, 4, 3), 4: (2, 4, 4, 6, 3)}
SQUARE = {depth: (3,) * (depth + 1) for depth in GENERAL}
CHAIN = {depth: (1,) * (depth + 1) for depth in GENERAL}
SINGLE = {1: (4, 1), 2: (2, 4, 1), 3: (2, 4, 4, 1), 4: (2, 4, 4, 6, 1)}

HIDDEN = (
    "logistic",
    "tanh",
    "relu",
    "leaky-relu",
    "softplus",
    "identity",
    "elu",
    "selu",
    "silu",
    "gelu",
    "gelu-tanh",
)
ENDS = (
    ("", "squared-error"),  # the output has the hidden activation
    ("identity", "squared-error"),
    ("logistic", "squared-error"),
    ("identity", "softmax-cross-entropy"),
    ("identity", "logistic-cross-entropy"),
    ("tanh", "squared-error"),
    ("identity", "softmax-squared-error"),
    ("", "absolute-error"),
    ("identity", "absolute-error"),
)  # by output activation and loss
LINKS = {
    ("softmax", "softmax-cross-entropy"),
    ("softmax", "softmax-squared-error"),
    ("logistic", "logistic-cross-entropy"),
}  # output activations that people name although the loss includes them


@dataclass(frozen=True)
class Declared:
    """What is declared about an attempt; None is inferred from its answers.

    Parameters
    ----------
    layers : tuple of int, optional
        Widths from the inputs to the outputs.
    activation : tuple of str or Activation, optional
        One for all layers, or one for each.
    loss : str, optional
    rule : Optimizer, optional
    rate : float, optional
        The learning rate.
    """

    layers: tuple[int, ...] | None = None
    activation: tuple[str | Activation, ...] | None = None
    loss: str | None = None
    rule: Optimizer | None = None
    rate: float | None = None


def question(
    widths: Sequence[int],
    samples: int = 0,
    *,
    calls: int = 1,
    seed: int = 0,
    one_hot: bool = False,
) -> Question:
    """Return weights, biases, samples and targets for a network, without zeros.

    Targets are positive and sum to 1 in each row, as every loss allows, or they are one-hot. By
    default the number of samples differs from every width, so that axes cannot be confused.
    """
    samples = samples or next((n for n in SAMPLES if n not in widths), SAMPLES[-1])
    rng = np.random.default_rng((seed, samples, *widths))
    W = [0.9 * _away(rng, (out, inn)) for inn, out in pairwise(widths)]
    b = [0.6 * _away(rng, (out,)) for out in widths[1:]]
    x = _away(rng, (samples, widths[0]))
    t = rng.uniform(0.15, 0.95, (samples, widths[-1]))
    if widths[-1] > 1:
        t = t / t.sum(axis=1, keepdims=True)
    if one_hot and widths[-1] > 1:
        t = np.eye(widths[-1])[(np.arange(samples) + seed + 1) % widths[-1]]
    elif one_hot:
        t = np.arange(samples)[:, None] % 2.0
    return Question(tuple(W), tuple(b), x, t, RATE, calls)


def _away(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return positive and negative random numbers, none near zero."""
    return rng.uniform(0.15, 1.25, shape) * rng.choice([-1.0, 1.0], shape)


def networks(widths: Sequence[int], declared: Declared, *, bias: bool = True) -> list[Network]:
    """Return the networks that an attempt may implement, the likeliest first.

    Raises
    ------
    InputError
        If no network is as declared.
    """
    chosen = replace(declared, layers=None, rule=None, rate=None)  # what they do not depend on
    found = _networks(tuple(widths), chosen, bias=bias)
    if not found:
        raise InputError(
            f"a network with {widths[-1]} outputs cannot have the declared activation and loss; "
            "declare others"
        )
    return list(found)


@lru_cache(maxsize=MOST_KNOWN)
def _networks(widths: tuple[int, ...], declared: Declared, *, bias: bool) -> tuple[Network, ...]:
    found: dict[Network, None] = {}
    for functions, loss in _choices(len(widths) - 1, declared):
        if widths[-1] == 1 and loss.startswith("softmax"):
            continue
        found.setdefault(mlp(*widths, activation=functions, loss=loss, bias=bias))
    return tuple(found)


def _choices(depth: int, declared: Declared) -> Iterator[tuple[list[str | Activation], str]]:
    """Yield activations for each layer, and a loss."""
    names, loss = declared.activation, declared.loss
    if names is not None and len(names) not in (1, depth):
        raise InputError(
            f"{len(names)} activations are declared for {depth} layers; name one, or one for each"
        )
    hidden = HIDDEN if names is None else (names[0],)
    found = [
        (i + k, name, end, objective)
        for i, name in enumerate(hidden)
        for k, (end, objective) in enumerate(_ends(names, loss, name))
    ]
    for _, name, end, objective in sorted(found, key=lambda row: row[0]):
        whole = names is not None and len(names) == depth > 1
        inner = list(names[:-1]) if names is not None and whole else [name] * (depth - 1)
        yield [*inner, end], objective


def _ends(
    names: tuple[str | Activation, ...] | None, loss: str | None, hidden: str | Activation
) -> Iterator[tuple[str | Activation, str]]:
    """Yield the output's activation and the loss."""
    losses = [loss] if loss is not None else list(dict.fromkeys(end[1] for end in ENDS))
    if names is not None and len(names) > 1:
        yield from (linked(names[-1], name) for name in losses)
        return
    for end, objective in ENDS:
        if objective not in losses:
            continue
        if names is not None and end and not LOSSES[objective].owns_link:
            continue  # a single name applies to every layer
        yield end or hidden, objective
    if loss is not None and loss not in {end[1] for end in ENDS}:
        yield ("identity" if LOSSES[loss].owns_link else hidden), loss


def linked(output: str | Activation, loss: str) -> tuple[str | Activation, str]:
    """Return an output activation and a loss as the engine names them."""
    if output == "softmax" and not loss.startswith("softmax"):
        return "identity", "softmax-squared-error" if loss == "squared-error" else loss
    return ("identity" if (output, loss) in LINKS else output), loss


def known_activation(choice: str | Activation) -> str | Activation:
    """Return an activation, or the name that a name or alias stands for.

    Raises
    ------
    UnknownNameError
        If there is no such activation.
    InputError
        If it has no such constant.
    """
    if isinstance(choice, Activation):
        return choice
    if parts := re.fullmatch(r"\s*([\w-]+)\s*\((?:\s*(\w+)\s*=)?([^=()]*)\)\s*", choice):
        return _with_constant(parts[1], parts[2], parts[3].strip())
    return canonical("activation", choice.strip(), [*ACTIVATIONS, "softmax"])


def _with_constant(name: str, key: str | None, constant: str) -> Activation:
    """Return the activation of a text such as ``leaky-relu(0.1)`` or ``LeakyReLU(slope=0.1)``."""
    made: Any = type(ACTIVATIONS[canonical("activation", name, ACTIVATIONS)])
    try:
        if key is not None:
            return made(**{key: float(constant)})
        return made(float(constant)) if constant else made()
    except (TypeError, ValueError):
        raise InputError(
            f"activation {name}({constant}): give one number that it has, as in leaky-relu(0.1)"
        ) from None


def known_loss(name: str) -> str:
    """Return the loss that a name or alias stands for.

    Raises
    ------
    UnknownNameError
        If there is no such loss.
    """
    return canonical("loss", name.strip(), LOSSES)


def trained(network: Network) -> Iterator[Network]:
    """Yield the network with all layers trainable, if some are not."""
    layers = tuple(
        replace(layer, trainable=True) if isinstance(layer, Dense) else layer
        for layer in network.layers
    )
    if layers != network.layers:
        yield replace(network, layers=layers)


def words(network: Network) -> str:
    """Return a network in words, such as ``"2-4-4-3, logistic, squared-error"``."""
    sizes = "-".join(map(str, network.widths))
    return f"{sizes}, {', '.join(dict.fromkeys(functions(network)))}, {network.loss.name}"


def resized(network: Network, widths: Sequence[int]) -> Network:
    """Return the same network with other layer widths."""
    bias = any(b.param == "b" for b in network.layout.blocks)
    own = [layer.activation for layer in network.layers if isinstance(layer, Dense)]
    loss, penalty = network.loss, network.penalty
    return mlp(*widths, activation=own, loss=loss, bias=bias, penalty=penalty)


def packed(network: Network, asked: Question) -> NDArray[Any]:
    """Return a question's parameters as a vector θ, without biases if the network has none."""
    bias = any(b.param == "b" for b in network.layout.blocks)
    return network.pack(asked.W, asked.b if bias else None)


def functions(network: Network) -> list[str]:
    """Return the Dense layers' activations in words."""
    return [_in_words(layer.activation) for layer in network.layers if isinstance(layer, Dense)]


def _in_words(f: Activation) -> str:
    """Return an activation's name, with its constant if that is not the default."""
    is_default = f.name not in ACTIVATIONS or f == ACTIVATIONS[f.name]
    return f.name if is_default else f"{f.name}{repr(f).removeprefix(type(f).__name__)}"
