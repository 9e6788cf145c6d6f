"""The compiled engine: training as fused kernels, with the reference's numbers within rounding.

It plugs in where training loops over batches, and where a run predicts. Numba is imported only when
something has to be compiled.
"""

from typing import TYPE_CHECKING, Any

from chainrule.compiled.cache import sources  # noqa: F401 (it records the files as imported)
from chainrule.compiled.cache.import_lock import LOADING
from chainrule.compiled.choice import Path, describe

if TYPE_CHECKING:
    import numpy as np

    from chainrule.batch import Batch
    from chainrule.compiled.engine import Training
    from chainrule.compiled.predicting import Predictor
    from chainrule.loops import Batches
    from chainrule.network import Network
    from chainrule.optimizers import Optimizer

__all__ = ["Path", "describe", "predictor", "training"]


def training(
    network: "Network", optimizer: "Optimizer", data: "Batch", batches: "Batches", path: Path
) -> "Training":
    """Return epochs on the compiled engine, prepared for these data.

    Parameters
    ----------
    network : Network
    optimizer : Optimizer
    data : Batch
        All samples, in the precision that is computed in.
    batches : Batches
    path : Path
        What `describe` said.
    """
    with LOADING:
        from chainrule.compiled.engine import Kernel, Training

        kernel = Kernel(network, optimizer, data, batches, path.threads, tiny=path.tiny)
    return Training(kernel)


def predictor(network: "Network", dtype: "type[np.floating[Any]]") -> "Predictor":
    """Return the forward pass of a network, compiled for a precision.

    Parameters
    ----------
    network : Network
    dtype : type
        float32 or float64.
    """
    with LOADING:
        from chainrule.compiled.predicting import Predictor

        return Predictor(network, dtype)
