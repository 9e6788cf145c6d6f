"""Compares a network that was read from a PyTorch module with the module, on random samples."""

from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.exchange.torch_modules import (
    LOG_SOFTMAX,
    TorchNetwork,
    as_array,
    read_module,
)
from chainrule.losses import Loss, SoftmaxCrossEntropy, SquaredError
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]
Module: TypeAlias = Any  # torch.nn.Module

ROWS = 8
# The largest difference that rounding explains, relative to the largest output, by the bytes of a
# weight; PyTorch's softplus becomes linear at z = 20, which changes it by 2e-9.
TOLERANCES = {8: 1e-8, 4: 1e-4, 2: 0.1}


def read_and_compared(module: Module) -> TorchNetwork:
    """Return what a module consists of, once its network has given the module's own outputs.

    Raises
    ------
    InputError
        If the module cannot be read, or its outputs are other ones.
    """
    read = read_module(module)
    rows = np.random.default_rng(0).normal(size=(ROWS, read.inputs))
    theirs = outputs_of(module, rows, read)
    if not np.isfinite(theirs).all():
        return read  # nothing can be compared; what comes next names such weights
    largest = float(np.abs(theirs - outputs(read, rows)).max(initial=0.0))
    size = read.parameters[0][1].element_size()
    allowed = TOLERANCES[size] * max(1.0, float(np.abs(theirs).max(initial=0.0)))
    if not largest <= allowed:
        raise InputError(
            f"{type(module).__name__} was read as {list(read.layers)}, whose outputs differ from "
            f"the module's by {largest:.2g}, which is more than rounding ({allowed:.2g}); please "
            "report this"
        )
    return read


def outputs_of(module: Module, rows: Array, read: TorchNetwork) -> Array:
    """Return what a module computes without random masks, (n, outputs); it stays in its mode.

    After LogSoftmax, the probabilities.
    """
    torch: Any = import_module("torch")
    modes = [(part, part.training) for part in module.modules()]
    weights = read.parameters[0][1]
    try:
        with torch.no_grad():
            x = torch.as_tensor(rows).to(dtype=weights.dtype, device=weights.device)
            found = as_array(module.eval()(x))
            return np.exp(found) if read.link == LOG_SOFTMAX else found
    finally:
        for part, training in modes:
            part.training = training


def outputs(read: TorchNetwork, rows: Array) -> Array:
    """Return what the layers that were read compute, with the Softmax at their end."""
    loss: Loss = SoftmaxCrossEntropy() if read.link else SquaredError()
    theta = read.theta()
    with np.errstate(all="ignore"):
        return Network(read.inputs, read.layers, loss).predict(theta, rows.astype(theta.dtype))
