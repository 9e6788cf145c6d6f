"""PyTorch's optimizers with their own rules: weight decay of every parameter, and its momentum.

Where PyTorch's rule is one of this package, that one is used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.descriptions import NonNegative, Positive, Share
from chainrule.elementwise import Number, sqrt
from chainrule.errors import InputError, unknown
from chainrule.exchange.torch_modules import TorchNetwork, as_array
from chainrule.optimizers import (
    ADAM_MEANS,
    SGD,
    Adam,
    Clip,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    adamw_rule,
)
from chainrule.schedules import Schedule

Array: TypeAlias = NDArray[Any]
TorchOptimizer: TypeAlias = Any  # torch.optim.Optimizer
Rate: TypeAlias = float | Schedule

IN_GRADIENT = (
    "the optimizer's weight_decay={0:g} adds {0:g} w to the gradient of every parameter w, of "
    "biases, too, inside step(): neither the loss nor .grad contains it"
)
DECOUPLED = (
    "the optimizer's weight_decay={0:g} subtracts {1:g} · {0:g} w from every parameter w, of "
    "biases, too: neither the loss nor .grad contains it"
)


def sgd_rule(w: Number, g: Number, learning_rate: float, decay: float) -> tuple[Number, ...]:
    return (w - learning_rate * (g + decay * w),)


def momentum_rule(
    w: Number, g: Number, buf: Number, learning_rate: float, momentum: float, decay: float
) -> tuple[Number, ...]:
    buf = momentum * buf + (g + decay * w)
    return w - learning_rate * buf, buf


def nesterov_rule(
    w: Number, g: Number, buf: Number, learning_rate: float, momentum: float, decay: float
) -> tuple[Number, ...]:
    buf = momentum * buf + (g + decay * w)
    return w - learning_rate * (g + decay * w + momentum * buf), buf


def rmsprop_rule(
    w: Number, g: Number, s: Number, learning_rate: float, rho: float, eps: float, decay: float
) -> tuple[Number, ...]:
    s = rho * s + (1 - rho) * (g + decay * w) ** 2
    return w - learning_rate * (g + decay * w) / (sqrt(s) + eps), s


def adam_rule(
    w: Number,
    g: Number,
    m: Number,
    v: Number,
    learning_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    decay: float,
    k: int,
) -> tuple[Number, ...]:
    m = beta1 * m + (1 - beta1) * (g + decay * w)
    v = beta2 * v + (1 - beta2) * (g + decay * w) ** 2
    mhat = m / (1 - beta1**k)
    vhat = v / (1 - beta2**k)
    return w - learning_rate * mhat / (sqrt(vhat) + eps), m, v


@dataclass(frozen=True)
class TorchSGD(Optimizer):
    """``torch.optim.SGD`` with weight decay."""

    learning_rate: Rate = 0.001
    decay: NonNegative = 0.0
    clip: Clip | None = None

    name = "PyTorch's SGD"
    equations = {"w_new": "w - learning_rate * (g + decay * w)"}
    rule = staticmethod(sgd_rule)


@dataclass(frozen=True)
class TorchMomentum(Optimizer):
    """``torch.optim.SGD`` with momentum, which sums up gradients and not steps."""

    learning_rate: Rate = 0.001
    momentum: Share = 0.9
    decay: NonNegative = 0.0
    clip: Clip | None = None

    name = "PyTorch's SGD with momentum"
    slots = ("buf",)
    equations = {
        "buf_new": "momentum * buf + (g + decay * w)",
        "w_new": "w - learning_rate * buf_new",
    }
    rule = staticmethod(momentum_rule)


@dataclass(frozen=True)
class TorchNesterov(Optimizer):
    """``torch.optim.SGD`` with Nesterov's momentum."""

    learning_rate: Rate = 0.001
    momentum: Share = 0.9
    decay: NonNegative = 0.0
    clip: Clip | None = None

    name = "PyTorch's SGD with Nesterov momentum"
    slots = ("buf",)
    equations = {
        "buf_new": "momentum * buf + (g + decay * w)",
        "w_new": "w - learning_rate * (g + decay * w + momentum * buf_new)",
    }
    rule = staticmethod(nesterov_rule)


@dataclass(frozen=True)
class TorchRMSProp(Optimizer):
    """``torch.optim.RMSprop`` with weight decay."""

    learning_rate: Rate = 0.01
    rho: Share = 0.99
    eps: Positive = 1e-8
    decay: NonNegative = 0.0
    clip: Clip | None = None

    name = "PyTorch's RMSprop"
    slots = ("s",)
    equations = {
        "s_new": "rho * s + (1 - rho) * (g + decay * w)**2",
        "w_new": "w - learning_rate * (g + decay * w) / (sqrt(s_new) + eps)",
    }
    rule = staticmethod(rmsprop_rule)


@dataclass(frozen=True)
class TorchAdam(Optimizer):
    """``torch.optim.Adam`` with weight decay, which goes into both averages."""

    learning_rate: Rate = 0.001
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: Positive = 1e-8
    decay: NonNegative = 0.0
    clip: Clip | None = None

    name = "PyTorch's Adam"
    slots = ("m", "v")
    equations = {
        **ADAM_MEANS,
        "m_new": "beta1 * m + (1 - beta1) * (g + decay * w)",
        "v_new": "beta2 * v + (1 - beta2) * (g + decay * w)**2",
        "w_new": "w - learning_rate * mhat / (sqrt(vhat) + eps)",
    }
    rule = staticmethod(adam_rule)

    def constants(self, k: int, decays: Any) -> dict[str, Any]:
        return {**super().constants(k, decays), "k": k}


@dataclass(frozen=True)
class TorchAdamW(Optimizer):
    """``torch.optim.AdamW``, whose weight decay is for every parameter."""

    learning_rate: Rate = 0.001
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: Positive = 1e-8
    decay: NonNegative = 0.01
    clip: Clip | None = None

    name = "PyTorch's AdamW"
    slots = ("m", "v")
    equations = {
        **ADAM_MEANS,
        "w_new": "w - learning_rate * (mhat / (sqrt(vhat) + eps) + decay * w)",
    }
    rule = staticmethod(adamw_rule)

    def constants(self, k: int, decays: Any) -> dict[str, Any]:
        return {**super().constants(k, decays), "k": k}


# ---- reading PyTorch's --------------------------------------------------------------------------


class ReadOptimizer(NamedTuple):
    """An optimizer of PyTorch, with its state.

    Attributes
    ----------
    rule : Optimizer
    step : int
        The number of updates made.
    slots : tuple of array (parameters,)
    remark : str
        Where weight decay goes; empty without it.
    """

    rule: Optimizer
    step: int
    slots: tuple[Array, ...]
    remark: str = ""


def sgd_of(group: dict[str, Any]) -> Optimizer:
    """Return the rule of SGD."""
    rate, momentum, decay = float(group["lr"]), group["momentum"], float(group["weight_decay"])
    if not momentum:
        return TorchSGD(rate, decay) if decay else SGD(rate)
    if group["dampening"]:
        raise InputError(f"SGD(dampening={group['dampening']!r}) cannot be read; only 0 can")
    if not decay:
        return (Nesterov if group["nesterov"] else Momentum)(rate, float(momentum))
    kind = TorchNesterov if group["nesterov"] else TorchMomentum
    return kind(rate, float(momentum), decay)


def adam_of(group: dict[str, Any]) -> Optimizer:
    """Return the rule of Adam, or of AdamW, which it is with decoupled_weight_decay."""
    decay = float(group["weight_decay"])
    rate, (beta1, beta2), eps = float(group["lr"]), map(float, group["betas"]), float(group["eps"])
    if group.get("decoupled_weight_decay"):
        return TorchAdamW(rate, beta1, beta2, eps, decay)
    return TorchAdam(rate, beta1, beta2, eps, decay) if decay else Adam(rate, beta1, beta2, eps)


def rmsprop_of(group: dict[str, Any]) -> Optimizer:
    """Return the rule of RMSprop."""
    decay = float(group["weight_decay"])
    rate, rho, eps = float(group["lr"]), float(group["alpha"]), float(group["eps"])
    return TorchRMSProp(rate, rho, eps, decay) if decay else RMSProp(rate, rho, eps)


# How the rule of each optimizer is read, and the names of its averages in its state.
OPTIMIZERS: dict[str, tuple[Callable[[dict[str, Any]], Optimizer], tuple[str, ...]]] = {
    "SGD": (sgd_of, ("momentum_buffer",)),
    "Adam": (adam_of, ("exp_avg", "exp_avg_sq")),
    "AdamW": (adam_of, ("exp_avg", "exp_avg_sq")),
    "RMSprop": (rmsprop_of, ("square_avg",)),
}
OFF = ("maximize", "amsgrad", "centered")  # options that must not be on
RMSPROP_MOMENTUM = "RMSprop with momentum cannot be read; use momentum=0"


def read_optimizer(optimizer: TorchOptimizer, network: TorchNetwork) -> ReadOptimizer:
    """Return an optimizer of PyTorch as one of this package, with its state.

    Raises
    ------
    InputError
        If it has an option that cannot be read, or updates other parameters than the network's.
    UnknownNameError
        If it is another optimizer.
    """
    name = type(optimizer).__name__
    if name not in OPTIMIZERS:
        raise unknown("optimizer of PyTorch", name, OPTIMIZERS)
    group = only_group(optimizer, network)
    read, averages = OPTIMIZERS[name]
    for option in OFF:
        if group.get(option):
            raise InputError(f"{name}({option}=True) cannot be read; use {option}=False")
    if name == "RMSprop" and group["momentum"]:
        raise InputError(RMSPROP_MOMENTUM)
    rule = read(group)
    step, slots = state_of(optimizer, network, averages[: len(rule.slots)])
    if isinstance(rule, Momentum | Nesterov):  # which sums up steps, and not gradients
        slots = tuple(-group["lr"] * slot for slot in slots)
    return ReadOptimizer(rule, step, slots, remark_on(rule))


def only_group(optimizer: TorchOptimizer, network: TorchNetwork) -> dict[str, Any]:
    """Return the settings of all parameters."""
    groups = optimizer.param_groups
    known = {id(tensor) for _, tensor in network.parameters}
    trained = [id(tensor) for group in groups for tensor in group["params"]]
    if len(groups) > 1 or set(trained) != known:
        raise InputError(
            "the optimizer must update all parameters of the network with the same settings; make "
            "it with module.parameters()"
        )
    return groups[0]


def state_of(
    optimizer: TorchOptimizer, network: TorchNetwork, averages: tuple[str, ...]
) -> tuple[int, tuple[Array, ...]]:
    """Return the number of updates made, and each average as one vector."""
    states = [optimizer.state.get(tensor, {}) for _, tensor in network.parameters]
    if not states or any(state.get(name) is None for state in states for name in averages):
        return 0, ()
    slots = tuple(
        np.concatenate([as_array(state[name]).ravel() for state in states]) for name in averages
    )
    return int(states[0].get("step", 0)), slots


def remark_on(rule: Optimizer) -> str:
    """Return where weight decay goes."""
    decay = rule.numbers.get("decay", 0.0)
    if not decay:
        return ""
    return (DECOUPLED if isinstance(rule, TorchAdamW) else IN_GRADIENT).format(
        decay, rule.numbers["learning_rate"]
    )
