"""The loss of some samples and its gradient, without the penalty: compiled, or by NumPy."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.compiled import EngineChoice, block_gradients, compiled_update
from chainrule.network import MaskSeed, Network, precision_of
from chainrule.optimizers import Optimizer, OptimizerState
from chainrule.penalties import Penalty
from chainrule.sparse_samples import SparseSamples

Array: TypeAlias = NDArray[Any]
# (theta, numbers of samples, masks) -> (mean loss, its gradient, which the next call overwrites)
BlockGradient: TypeAlias = Callable[[Array, NDArray[np.int64], MaskSeed], tuple[float, Array]]
Update: TypeAlias = Callable[[Array, Array, OptimizerState], tuple[Array, OptimizerState]]


def is_compiled(data: Batch, choice: EngineChoice) -> bool:
    """Return whether blocks of these data are computed by the compiled engine.

    Sparse samples are computed by NumPy, whose product of them is SciPy's.
    """
    return choice.engine == "compiled" and not isinstance(data.x, SparseSamples)


def block_gradient(network: Network, data: Batch, rows: int, choice: EngineChoice) -> BlockGradient:
    """Return the loss and gradient over some of the samples as a function.

    Parameters
    ----------
    network : Network
    data : Batch
        All samples.
    rows : int
        The largest number of samples in a call.
    choice : EngineChoice
    """
    if is_compiled(data, choice):
        return block_gradients(network, data, rows, choice)
    return ReferenceBlocks(network, data)


def update_of(optimizer: Optimizer, data: Batch, choice: EngineChoice) -> Update:
    """Return the update of θ by an optimizer."""
    if choice.engine != "compiled":
        return optimizer.step
    return compiled_update(optimizer, data.x.dtype.type).step


class ReferenceBlocks:
    """The passes of the network, for some of the samples.

    Parameters
    ----------
    network : Network
    data : Batch
    """

    def __init__(self, network: Network, data: Batch) -> None:
        self.network, self.data = replace(network, penalty=Penalty()), data

    def __call__(
        self, theta: Array, rows: NDArray[np.int64], mask_seed: MaskSeed
    ) -> tuple[float, Array]:
        """Return the mean loss and its gradient."""
        with np.errstate(all="ignore"):  # the run's own error says more than NumPy's warnings
            trace = self.network.run(theta, self.data.take(rows), mask_seed)
        return float(trace.data_loss), trace.gradient


class Penalized:
    """The penalty of a network, added to loss and gradient of a whole batch.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        self.network = network

    def add(self, theta: Array, loss: float, gradient: Array, total: float) -> float:
        """Add the penalty's gradient in place; return the loss with the penalty.

        `total` is the sum of the batch's sample weights.
        """
        penalty, blocks = self.network.penalty, self.network.layout.blocks
        if not penalty:
            return loss
        weights = [block.view(theta) for block in blocks if block.decays]
        for block in blocks:
            if block.decays:
                view = block.view(gradient)
                view += penalty.gradient(block.view(theta), total)
        return loss + float(penalty.value(weights, total))


def total_weight(data: Batch, rows: NDArray[np.int64]) -> float:
    """Return the sum of the weights of some samples as the user gave them, as ``Batch.take``."""
    if data.weight is None:
        return float(len(rows))
    given = float(data.weight[rows].sum())
    if data.weight.ndim == 2:
        given /= data.weight.shape[1]
    return given * data.total / len(data.x) or np.inf


def precision(theta: Array) -> np.dtype[Any]:
    """Return the dtype that θ computes in."""
    return np.dtype(precision_of(theta))
