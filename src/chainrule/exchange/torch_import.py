"""Networks from PyTorch: of a module, or of the file of its state dict."""

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.exchange.torch_compare import read_and_compared
from chainrule.exchange.torch_files import in_order, read_arrays
from chainrule.exchange.torch_losses import (
    ends_in_sigmoid,
    read_loss,
    without_last_activation,
)
from chainrule.exchange.torch_modules import TorchNetwork, is_module
from chainrule.files import TrainedNetwork
from chainrule.losses import LogisticCrossEntropy, Loss, SoftmaxCrossEntropy, SquaredError
from chainrule.losses import loss as named_loss
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]


def from_torch(
    source: Any, network: Network | None = None, *, loss: str | Loss | Any = None
) -> TrainedNetwork:
    """Return the network of a PyTorch module, or of a file with its state dict.

    Parameters
    ----------
    source : torch.nn.Sequential, str or path
        A Sequential of Linear, LayerNorm, Dropout and activations; or the path of a state dict:
        safetensors, or a file of ``torch.save``, which is loaded without running its code.
    network : Network, optional
        The description of the network, which a state dict requires.
    loss : str, Loss or loss of PyTorch, optional
        Of a module. By default it follows from its end: Softmax and LogSoftmax bring the softmax
        cross-entropy, Sigmoid the logistic one, and others the squared error.

    Returns
    -------
    TrainedNetwork
        Its predictions are the module's within rounding. After LogSoftmax, they are the
        probabilities and not their logarithms.

    Raises
    ------
    InputError
        If a module or an option is unknown; the message names it and its position.

    Examples
    --------
    >>> from torch import nn
    >>> from chainrule import from_torch
    >>> module = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2), nn.Softmax(dim=1))
    >>> from_torch(module).network.loss
    SoftmaxCrossEntropy()
    """
    if isinstance(source, str | os.PathLike):
        return from_state_dict(source, network)
    if not is_module(source):
        raise InputError(
            f"{type(source).__name__} is not a PyTorch module; give an nn.Sequential, or the path "
            "of a state dict"
        )
    if network is not None:
        raise InputError("network= describes a state dict; a module has its own, so remove it")
    read = read_and_compared(source)
    chosen, read = chosen_loss(read, loss)
    return TrainedNetwork(Network(read.inputs, read.layers, chosen), read.theta())


def chosen_loss(read: TorchNetwork, loss: str | Loss | Any) -> tuple[Loss, TorchNetwork]:
    """Return the loss of this package, and the network without an activation that it contains."""
    if loss is None:
        return default_loss(read)
    if is_module(loss):
        found = read_loss(loss, read)
        return found.base, without_last_activation(read) if found.merged else read
    own = named_loss(loss)
    if read.link and not own.classes:
        raise InputError(f"loss={own.name!r} does not contain the {read.link} of the module")
    merges = isinstance(own, LogisticCrossEntropy) and ends_in_sigmoid(read)
    return own, without_last_activation(read) if merges else read


def default_loss(read: TorchNetwork) -> tuple[Loss, TorchNetwork]:
    """Return the loss that follows from the last module."""
    if read.link:
        return SoftmaxCrossEntropy(), read
    if ends_in_sigmoid(read):
        return LogisticCrossEntropy(), without_last_activation(read)
    return SquaredError(), read


# ---- files --------------------------------------------------------------------------------------


def from_state_dict(path: str | os.PathLike[str], network: Network | None) -> TrainedNetwork:
    """Return the network of a state dict in a file."""
    if network is None:
        raise InputError(
            f"{path} has arrays and no layers; describe them with network=, such as "
            "mlp(4, 8, 3, activation='relu', loss='softmax-cross-entropy')"
        )
    arrays = read_arrays(path)
    blocks = network.layout.blocks
    names = in_order(path, arrays, [block.shape for block in blocks])
    shapes = [tuple(arrays[name].shape) for name in names]
    if shapes != [block.shape for block in blocks]:
        found = ", ".join(f"{n} {s}" for n, s in zip(names, shapes, strict=True))
        wanted = ", ".join(f"{block.name} {block.shape}" for block in blocks)
        raise InputError(
            f"{path} has the arrays {found}, but the network needs {wanted}; correct its layers"
        )
    single = all(array.dtype == np.float32 for array in arrays.values())
    values = {b.name: arrays[name] for b, name in zip(blocks, names, strict=True)}
    return TrainedNetwork(
        network, network.layout.join(values, np.float32 if single else np.float64)
    )
