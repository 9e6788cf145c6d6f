"""PyTorch's losses as losses of this package, with the factor between them."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Identity, Logistic
from chainrule.errors import InputError, unknown
from chainrule.exchange.foreign_losses import DoubleSoftmaxCrossEntropy, ScaledLoss
from chainrule.exchange.torch_modules import LOG_SOFTMAX, SOFTMAX, TorchNetwork, require
from chainrule.layers import ActivationLayer, Dense
from chainrule.losses import (
    AbsoluteError,
    Huber,
    LogisticCrossEntropy,
    Loss,
    Poisson,
    SoftmaxCrossEntropy,
    SoftmaxSquaredError,
    SquaredError,
)

Array: TypeAlias = NDArray[Any]
TorchLoss: TypeAlias = Any  # a module of torch.nn.modules.loss

TWICE = (
    "the network ends in Softmax, and CrossEntropyLoss applies softmax to its input again; remove "
    "the Softmax layer"
)
TWICE_SIGMOID = (
    "the network ends in Sigmoid, and BCEWithLogitsLoss applies the sigmoid to its input again; "
    "remove the Sigmoid layer, or use BCELoss"
)


class ReadLoss(NamedTuple):
    """A loss of PyTorch, for a network.

    Attributes
    ----------
    base : Loss
        The loss of this package that is meant, such as cross-entropy with one softmax.
    actual : Loss
        What is computed, without the factor: it differs from `base` if softmax is applied twice.
    factor : float
        What each term is multiplied with, except for the mean over outputs or samples.
    merged : bool
        Whether the loss contains the last activation of the network, a Sigmoid.
    mistake : str
        What is wrong with the combination; empty if nothing is.
    class_weight : array (classes,) or None
    """

    base: Loss
    actual: Loss
    factor: float = 1.0
    merged: bool = False
    mistake: str = ""
    class_weight: Array | None = None


def ends_in_sigmoid(network: TorchNetwork) -> bool:
    """Return whether the last module is a Sigmoid."""
    last = network.layers[-1]
    return isinstance(last, Dense | ActivationLayer) and isinstance(last.activation, Logistic)


# ---- each loss ----------------------------------------------------------------------------------


def cross_entropy(loss: TorchLoss, network: TorchNetwork) -> ReadLoss:
    """Read CrossEntropyLoss, which takes raw outputs."""
    require(loss, label_smoothing=0.0)
    weight = None if loss.weight is None else np.asarray(loss.weight, float)
    plain = SoftmaxCrossEntropy()
    if network.link == SOFTMAX:
        return ReadLoss(plain, DoubleSoftmaxCrossEntropy(), mistake=TWICE, class_weight=weight)
    return ReadLoss(plain, plain, class_weight=weight)  # LogSoftmax twice is LogSoftmax


def negative_log_likelihood(loss: TorchLoss, network: TorchNetwork) -> ReadLoss:
    """Read NLLLoss, which takes logarithms of probabilities."""
    if network.link != LOG_SOFTMAX:
        raise InputError(
            "NLLLoss takes logarithms of probabilities, but the network does not end in "
            "LogSoftmax; add nn.LogSoftmax(dim=1), or use CrossEntropyLoss"
        )
    weight = None if loss.weight is None else np.asarray(loss.weight, float)
    plain = SoftmaxCrossEntropy()
    return ReadLoss(plain, plain, class_weight=weight)


def squared_error(loss: TorchLoss, network: TorchNetwork) -> ReadLoss:
    """Read MSELoss, twice the squared error of this package."""
    plain = SoftmaxSquaredError() if network.link == SOFTMAX else SquaredError()
    return ReadLoss(plain, plain, 2.0)


def with_sigmoid(loss: TorchLoss, network: TorchNetwork) -> ReadLoss:
    """Read BCEWithLogitsLoss, which takes raw outputs."""
    require(loss, weight=None, pos_weight=None)
    mistake = TWICE_SIGMOID if ends_in_sigmoid(network) else ""
    return ReadLoss(LogisticCrossEntropy(), LogisticCrossEntropy(), mistake=mistake)


def of_probabilities(loss: TorchLoss, network: TorchNetwork) -> ReadLoss:
    """Read BCELoss, which takes probabilities; the Sigmoid below is part of ours."""
    require(loss, weight=None)
    if not ends_in_sigmoid(network):
        raise InputError(
            "BCELoss takes probabilities, but the network does not end in Sigmoid; add "
            "nn.Sigmoid(), or use BCEWithLogitsLoss"
        )
    return ReadLoss(LogisticCrossEntropy(), LogisticCrossEntropy(), merged=True)


def absolute_error(loss: TorchLoss, network: TorchNetwork) -> ReadLoss:
    """Read L1Loss."""
    return ReadLoss(AbsoluteError(), AbsoluteError())


def huber(loss: TorchLoss, network: TorchNetwork) -> ReadLoss:
    """Read HuberLoss."""
    return ReadLoss(Huber(float(loss.delta)), Huber(float(loss.delta)))


def smooth_l1(loss: TorchLoss, network: TorchNetwork) -> ReadLoss:
    """Read SmoothL1Loss, the Huber loss divided by its width."""
    return ReadLoss(Huber(float(loss.beta)), Huber(float(loss.beta)), 1 / loss.beta)


def poisson(loss: TorchLoss, network: TorchNetwork) -> ReadLoss:
    """Read PoissonNLLLoss of raw outputs."""
    require(loss, log_input=True, full=False)
    return ReadLoss(Poisson(), Poisson())


# How each loss is read, by the name of its class.
LOSSES: dict[str, Callable[[TorchLoss, TorchNetwork], ReadLoss]] = {
    "CrossEntropyLoss": cross_entropy,
    "NLLLoss": negative_log_likelihood,
    "MSELoss": squared_error,
    "L1Loss": absolute_error,
    "HuberLoss": huber,
    "SmoothL1Loss": smooth_l1,
    "BCEWithLogitsLoss": with_sigmoid,
    "BCELoss": of_probabilities,
    "PoissonNLLLoss": poisson,
}
BY_CLASS = ("CrossEntropyLoss", "NLLLoss")  # whose mean is over samples only


def read_loss(loss: TorchLoss, network: TorchNetwork) -> ReadLoss:
    """Return a loss of PyTorch as one of this package.

    Raises
    ------
    InputError
        If it has an option that this package does not have, or does not fit the last layer.
    UnknownNameError
        If it is another loss.
    """
    name = type(loss).__name__
    if name not in LOSSES:
        raise unknown("loss of PyTorch", name, LOSSES)
    if loss.reduction not in ("mean", "sum"):
        raise InputError(
            f"{name}(reduction={loss.reduction!r}) is not a single number; give 'mean' or 'sum'"
        )
    found = LOSSES[name](loss, network)
    by_softmax = {"softmax-cross-entropy", "softmax-squared-error"}
    if network.link and found.base.name not in by_softmax:
        raise InputError(f"{name} after {network.link} cannot be read; remove {network.link}")
    return found


def factor_of(loss: TorchLoss, found: ReadLoss, samples: int, outputs: int) -> float:
    """Return what the loss of this package is multiplied with, for a batch without weights."""
    if loss.reduction == "sum":
        return found.factor * samples
    return found.factor / (1 if type(loss).__name__ in BY_CLASS else outputs)


def scaled(loss: Loss, factor: float) -> Loss:
    """Return a multiple of a loss."""
    return loss if factor == 1 else ScaledLoss(loss, factor)


def without_last_activation(network: TorchNetwork) -> TorchNetwork:
    """Return the network without the Sigmoid at its end."""
    last = network.layers[-1]
    if isinstance(last, Dense):
        plain = Dense(last.units, Identity(), bias=last.bias)
        return network._replace(layers=(*network.layers[:-1], plain))
    return network._replace(layers=network.layers[:-1])
