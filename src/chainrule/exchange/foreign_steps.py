"""The training step of a PyTorch module as one of this package's: network, loss and optimizer."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import InputError
from chainrule.exchange.torch_compare import read_and_compared
from chainrule.exchange.torch_losses import (
    ReadLoss,
    factor_of,
    read_loss,
    scaled,
    without_last_activation,
)
from chainrule.exchange.torch_modules import TorchNetwork, is_module
from chainrule.exchange.torch_optimizers import ReadOptimizer, read_optimizer
from chainrule.loops import State
from chainrule.network import Network
from chainrule.optimizers import Optimizer

Array: TypeAlias = NDArray[Any]


class TorchStep(NamedTuple):
    """A training step of PyTorch.

    Attributes
    ----------
    network : Network
        With the loss that PyTorch computes, including its factor.
    intended : Network
        With the loss of this package that is meant.
    theta, x, t : array
    sample_weight : array (n,) or None
    rule : Optimizer, or None without an optimizer
    state : State
    factor : float
        What the loss of this package is multiplied with.
    remarks : tuple of str
        How the loss and the optimizer differ from those of this package, and what is wrong.
    read : TorchNetwork
    """

    network: Network
    intended: Network
    theta: Array
    x: Array
    t: Array
    sample_weight: Array | None
    rule: Optimizer | None
    state: State
    factor: float
    remarks: tuple[str, ...]
    read: TorchNetwork


def torch_step(module: Any, x: ArrayLike, t: ArrayLike, loss: Any, optimizer: Any) -> TorchStep:
    """Return the step that a module's optimizer would make on samples.

    Parameters
    ----------
    module : torch.nn.Sequential
    x : array or tensor (n, inputs)
    t : array or tensor (n, outputs), or (n,) classes or single targets
    loss : loss of PyTorch
    optimizer : optimizer of PyTorch, or None

    Raises
    ------
    InputError
        If something cannot be read; the message names it.
    """
    if not is_module(loss):
        raise InputError(
            f"loss={loss!r}: give the loss of PyTorch that the module is trained with, such as "
            "loss=nn.CrossEntropyLoss()"
        )
    read = read_and_compared(module)
    found = read_loss(loss, read)
    read = without_last_activation(read) if found.merged else read
    rows, targets = plain(x), plain(t)
    rows = rows[np.newaxis] if rows.ndim == 1 else rows
    weight, total = class_weights(found, targets)
    plain_network = Network(read.inputs, read.layers, found.base)
    factor = factor_of(loss, found, len(rows), plain_network.outputs)
    if loss.reduction == "sum" and weight is not None:
        factor *= total
    own = read_optimizer(optimizer, read) if optimizer is not None else None
    network = Network(read.inputs, read.layers, scaled(found.actual, factor))
    theta = read.theta()
    step, slots = (0, ()) if own is None else (own.step, own.slots)
    state = State(theta, step, slots or zeros(own, theta), 0)
    remarks = tuple(remarks_on(loss, found, factor, own))
    rule = None if own is None else own.rule
    return TorchStep(
        network, plain_network, theta, rows, targets, weight, rule, state, factor, remarks, read
    )


def zeros(own: ReadOptimizer | None, theta: Array) -> tuple[Array, ...]:
    """Return the averages of an optimizer that has made no update."""
    return () if own is None else tuple(np.zeros_like(theta) for _ in own.rule.slots)


def plain(values: Any) -> Array:
    """Return an array of a tensor or of something like an array."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def class_weights(found: ReadLoss, targets: Array) -> tuple[Array | None, float]:
    """Return the weight of each sample by its class, (n,), and their mean."""
    if found.class_weight is None:
        return None, 1.0
    if targets.ndim != 1:
        raise InputError("a loss with class weights needs targets as class numbers, (n,)")
    weight = found.class_weight[targets.astype(np.intp)]
    return weight, float(weight.mean())


def remarks_on(loss: Any, found: ReadLoss, factor: float, own: ReadOptimizer | None) -> list[str]:
    """Return how a loss and an optimizer differ from those of this package."""
    kind, name = type(loss).__name__, found.base.name
    remarks: list[str] = []
    if factor != 1:
        remarks.append(
            f"{kind}(reduction={loss.reduction!r}) is {factor:g} times the {name} of chainrule, "
            "which is the mean over the samples of the sum over the outputs"
        )
    if found.mistake:
        remarks.append(found.mistake)
    if own is not None and own.remark:
        remarks.append(own.remark)
    return remarks
