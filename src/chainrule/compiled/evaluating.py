"""C and its gradient over all samples, computed by the kernels of training, for L-BFGS."""

from contextlib import nullcontext
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.compiled.choice import EngineChoice
from chainrule.compiled.engine import NEVER, Kernel
from chainrule.compiled.threads import run_together, single_blas
from chainrule.loops import Batches, State
from chainrule.network import Network
from chainrule.optimizers import SGD, ClipNorm

Array: TypeAlias = NDArray[Any]

# With a limit of its norm, the kernels compute the whole gradient before they change θ. This limit
# is never reached, and the θ that is changed is a copy.
RULE = SGD(1.0, clip=ClipNorm(float(np.finfo(np.float64).max)))
NO_ORDER = np.zeros(0, np.int64)


class Evaluation:
    """The loss of a network and its gradient, at one θ after another.

    Parameters
    ----------
    network : Network
    data : Batch
        All samples, in the precision of the computation.
    choice : EngineChoice
    """

    def __init__(self, network: Network, data: Batch, choice: EngineChoice) -> None:
        self.kernel = Kernel(network, RULE, data, Batches(), choice.threads, tiny=choice.tiny)

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Return C and ∂C/∂θ, (parameters,); C is NaN if it is not finite.

        Entries of frozen arrays are 0. The next call overwrites the gradient.
        """
        kernel = self.kernel
        copy = np.array(theta, kernel.dtype)
        made = kernel.prepare(copy, (), NO_ORDER, State(copy, 0, (), 0), 1)
        with nullcontext() if kernel.tiny else single_blas():
            done = run_together(
                lambda rank: kernel.run(kernel.at, rank, kernel.ranks),
                kernel.ranks,
                lambda: kernel.fixed["barrier"].fill(NEVER),
            )
        value = float(made["losses"][0]) / kernel.n if done == 1 else np.nan
        return value, kernel.fixed["gradient"]
