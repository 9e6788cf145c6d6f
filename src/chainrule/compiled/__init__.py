"""The compiled engine: training and prediction as fused kernels, equal up to rounding.

`training` returns the loop over epochs, `evaluation` the loss and its gradient, `predictor` the
forward pass, and `describe` says which engine a run would use. Numba is imported only when
something has to be compiled.
"""

from typing import TYPE_CHECKING, Any

from chainrule.compiled.cache import sources  # noqa: F401 (it records the files as imported)
from chainrule.compiled.cache.import_lock import IMPORT_LOCK, uninterrupted
from chainrule.compiled.choice import EngineChoice, describe

if TYPE_CHECKING:
    import numpy as np

    from chainrule.batch import Batch
    from chainrule.compiled.batch_parts import BlockGradients, CompiledUpdate
    from chainrule.compiled.engine import Training
    from chainrule.compiled.evaluating import Evaluation
    from chainrule.compiled.predicting import Predictor
    from chainrule.loops import Batches
    from chainrule.network import Network
    from chainrule.optimizers import Optimizer

__all__ = [
    "EngineChoice",
    "block_gradients",
    "compiled_update",
    "describe",
    "evaluation",
    "predictor",
    "training",
]


def training(
    network: "Network",
    optimizer: "Optimizer",
    data: "Batch",
    batches: "Batches",
    choice: EngineChoice,
) -> "Training":
    """Return epochs on the compiled engine, prepared for these data.

    Parameters
    ----------
    network : Network
    optimizer : Optimizer
    data : Batch
        All samples, in the precision of the computation.
    batches : Batches
    choice : EngineChoice
        The result of `describe`.
    """
    with IMPORT_LOCK:
        with uninterrupted():
            from chainrule.compiled.engine import Kernel, Training

        kernel = Kernel(network, optimizer, data, batches, choice.threads, tiny=choice.tiny)
    return Training(kernel)


def evaluation(network: "Network", data: "Batch", choice: EngineChoice) -> "Evaluation":
    """Return C and its gradient over all samples as a function of θ, as L-BFGS needs them.

    Parameters
    ----------
    network : Network
    data : Batch
        All samples, in the precision of the computation.
    choice : EngineChoice
        The result of `describe`.
    """
    with IMPORT_LOCK:
        with uninterrupted():
            from chainrule.compiled.evaluating import Evaluation

        return Evaluation(network, data, choice)


def block_gradients(
    network: "Network", data: "Batch", rows: int, choice: EngineChoice
) -> "BlockGradients":
    """Return the loss over some of the samples and its gradient, as a function of θ.

    Parameters
    ----------
    network : Network
    data : Batch
        All samples, in the precision of the computation.
    rows : int
        The largest number of samples in a call.
    choice : EngineChoice
        The result of `describe`.
    """
    with IMPORT_LOCK:
        with uninterrupted():
            from chainrule.compiled.batch_parts import BlockGradients

        return BlockGradients(network, data, rows, choice)


def compiled_update(optimizer: "Optimizer", dtype: "type[np.floating[Any]]") -> "CompiledUpdate":
    """Return the update of θ by an optimizer, compiled for a precision.

    Parameters
    ----------
    optimizer : Optimizer
    dtype : type
        float32 or float64.
    """
    with IMPORT_LOCK:
        with uninterrupted():
            from chainrule.compiled.batch_parts import CompiledUpdate

        return CompiledUpdate(optimizer, dtype)


def predictor(network: "Network", dtype: "type[np.floating[Any]]") -> "Predictor":
    """Return the forward pass of a network, compiled for a precision.

    Parameters
    ----------
    network : Network
    dtype : type
        float32 or float64.
    """
    with IMPORT_LOCK:
        with uninterrupted():
            from chainrule.compiled.predicting import Predictor

        return Predictor(network, dtype)
