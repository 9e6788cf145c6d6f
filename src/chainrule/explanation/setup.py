"""What an example works out: a network, its first parameters, its data, and how it is trained.

It is handed to whoever makes or shows the example; nothing is computed here.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Setup:
    """What an example works out.

    Parameters
    ----------
    network : Network
    theta : array (parameters,)
        Before the first step.
    batch : Batch
        The samples of every step.
    rule : Optimizer or None
        Without one the example ends at the gradient.
    steps : int
        How many are made in a row.
    seed : int
        Of dropout masks.
    search : LBFGS, optional
        Instead of a rule, the optimiser that has no equations.
    """

    network: Network
    theta: Array
    batch: Batch
    rule: Optimizer | None
    steps: int = 1
    seed: int = 0
    search: LBFGS | None = None
