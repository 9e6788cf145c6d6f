"""The designed networks: numbers on which every mistake of the catalogue gives numbers of its own.

Samples, outputs, 2 and the learning rate are multiplicatively independent, no number is zero, and
there is a square layer; which activations and losses are tried where none is declared stands here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.errors import InputError, UnknownNameError, unknown
from chainrule.layers import Dense
from chainrule.losses import LOSSES
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.submission import Question

SAMPLES, RATE = (5, 7, 11), 0.37
GENERAL = {1: (4, 3), 2: (2, 4, 3), 3: (2, 4, 4, 3), 4: (2, 4, 4, 6, 3)}
SQUARE = {depth: (3,) * (depth + 1) for depth in GENERAL}
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
    ("", "squared-error"),  # the hidden activation at the output too
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
}  # how people name the output of a loss that owns its link


MEANT_ACTIVATION = {
    **dict.fromkeys(("sigmoid", "sigm", "sig", "logsig", "expit"), "logistic"),
    **dict.fromkeys(("linear", "none", "purelin", "lin"), "identity"),
    **dict.fromkeys(("lrelu", "leakyrelu", "leaky", "prelu"), "leaky-relu"),
    **dict.fromkeys(("tansig", "hyperbolic-tangent"), "tanh"),
    "swish": "silu",
    **dict.fromkeys(("rectifier", "ramp"), "relu"),
}
MEANT_LOSS = {
    **dict.fromkeys(
        (
            "mse",
            "sse",
            "l2",
            "mean-squared-error",
            "quadratic",
            "se",
            "half-mse",
            "squared",
            "mean-square-error",
        ),
        "squared-error",
    ),
    **dict.fromkeys(("mae", "l1", "mean-absolute-error", "absolute"), "absolute-error"),
    **dict.fromkeys(
        (
            "bce",
            "binary-cross-entropy",
            "log-loss",
            "logloss",
            "bcewithlogits",
            "sigmoid-cross-entropy",
        ),
        "logistic-cross-entropy",
    ),
    **dict.fromkeys(
        (
            "ce",
            "cce",
            "cross-entropy",
            "categorical-cross-entropy",
            "nll",
            "softmax",
            "sparse-categorical-cross-entropy",
            "xent",
        ),
        "softmax-cross-entropy",
    ),
    **dict.fromkeys(("smooth-l1", "huber-loss"), "huber"),
    **dict.fromkeys(("pinball", "pinball-loss"), "quantile"),
}


@dataclass(frozen=True)
class Declared:
    """What is known of an attempt beforehand; None is found out.

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
    """Return a network's numbers: weights, biases, samples and targets without zeros.

    Targets are positive and sum to 1 in each row, which every loss takes; or one-hot. Unless said
    otherwise there are as many samples as no layer has units, so that no axis passes for another.
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
    """Return numbers of either sign, none near zero."""
    return rng.uniform(0.15, 1.25, shape) * rng.choice([-1.0, 1.0], shape)


def networks(widths: Sequence[int], declared: Declared, *, bias: bool = True) -> list[Network]:
    """Return the networks that an attempt may be about, the likeliest first.

    Raises
    ------
    InputError
        If what is declared fits no network.
    """
    found: dict[Network, None] = {}
    for functions, loss in _choices(len(widths) - 1, declared):
        if widths[-1] == 1 and loss.startswith("softmax"):
            continue
        found.setdefault(mlp(*widths, activation=functions, loss=loss, bias=bias))
    if not found:
        raise InputError(f"no network with {declared} has {widths[-1]} outputs; declare another")
    return list(found)


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
            continue  # one name means every layer
        yield end or hidden, objective
    if loss is not None and loss not in {end[1] for end in ENDS}:
        yield ("identity" if LOSSES[loss].owns_link else hidden), loss


def linked(output: str | Activation, loss: str) -> tuple[str | Activation, str]:
    """Return an output's activation as the engine has it: none where the loss owns the link."""
    if output == "softmax" and not loss.startswith("softmax"):
        return "identity", "softmax-squared-error" if loss == "squared-error" else loss
    return ("identity" if (output, loss) in LINKS else output), loss


def known_activation(choice: str | Activation) -> str | Activation:
    """Return an activation, or its name in our spelling.

    Raises
    ------
    UnknownNameError
        If there is none.
    InputError
        If it has no such constant.
    """
    if isinstance(choice, Activation):
        return choice
    if parts := re.fullmatch(r"\s*([\w-]+)\s*\((?:\s*(\w+)\s*=)?([^=()]*)\)\s*", choice):
        return _with_constant(parts[1], parts[2], parts[3].strip())
    plain = _plain(choice)
    plain = {"sigmoid": "logistic", "linear": "identity", "none": "identity"}.get(plain, plain)
    if plain not in ACTIVATIONS and plain != "softmax":
        raise unknown_name("activation", choice, [*ACTIVATIONS, "softmax"])
    return plain


def _with_constant(name: str, key: str | None, constant: str) -> Activation:
    """Return the activation of a text such as ``leaky-relu(0.1)`` or ``LeakyReLU(slope=0.1)``."""
    kinds = {type(f).__name__.lower(): type(f) for f in ACTIVATIONS.values()}
    usual = ACTIVATIONS.get(_plain(name))
    kind = kinds.get(name.lower()) if usual is None else type(usual)
    if kind is None:
        raise unknown_name("activation", name, ACTIVATIONS)
    made: Any = kind  # each has a constructor of its own
    try:
        if key is not None:
            return made(**{key: float(constant)})
        return made(float(constant)) if constant else made()
    except (TypeError, ValueError):
        raise InputError(
            f"activation {name}({constant}): give one number that it has, as in leaky-relu(0.1)"
        ) from None


def known_loss(name: str) -> str:
    """Return a loss's name in our spelling.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    plain = _plain(name)
    if plain not in LOSSES:
        raise unknown_name("loss", name, LOSSES)
    return plain


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def unknown_name(what: str, name: str, choices: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that is in no table, with what people mean by it elsewhere."""
    plain = _plain(name).replace("crossentropy", "cross-entropy")
    meant = (MEANT_LOSS if what == "loss" else MEANT_ACTIVATION).get(plain)
    if meant is None:
        return unknown(what, name, choices)
    return UnknownNameError(
        f"{name!r} is no {what}; did you mean {meant!r}? known: {', '.join(sorted(choices))}"
    )


def trained(network: Network) -> Iterator[Network]:
    """Yield the same network with everything trained, where something is not."""
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
    """Return the same network with layers of other widths."""
    bias = any(b.param == "b" for b in network.layout.blocks)
    own = [layer.activation for layer in network.layers if isinstance(layer, Dense)]
    loss, penalty = network.loss, network.penalty
    return mlp(*widths, activation=own, loss=loss, bias=bias, penalty=penalty)


def packed(network: Network, asked: Question) -> NDArray[Any]:
    """Return a question's parameters as the network has them, without biases if it has none."""
    bias = any(b.param == "b" for b in network.layout.blocks)
    return network.pack(asked.W, asked.b if bias else None)


def functions(network: Network) -> list[str]:
    """Return the Dense layers' activations in words."""
    return [_in_words(layer.activation) for layer in network.layers if isinstance(layer, Dense)]


def _in_words(f: Activation) -> str:
    """Return an activation's name, with its constant if that is not the usual one."""
    usual = f.name not in ACTIVATIONS or f == ACTIVATIONS[f.name]
    return f.name if usual else f"{f.name}{repr(f).removeprefix(type(f).__name__)}"
