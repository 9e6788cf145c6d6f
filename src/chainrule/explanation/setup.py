"""What an example works out: a network, its first parameters, its data, and how it is trained.

It is handed to whoever makes or shows the example; nothing is computed here.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from chainrule import loops
from chainrule.activations import Activation
from chainrule.batch import Batch
from chainrule.layers import Layer
from chainrule.loops import State
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
        Of dropout masks, and of the first weights if they are drawn.
    search : LBFGS, optional
        Instead of a rule, the optimizer that has no equations.
    done : int
        How many updates went before the first step.
    slots : tuple of array (parameters,)
        The rule's moving averages after them; without them, zeros.
    drawn : bool
        Whether the first parameters are those that the network draws from the seed.
    """

    network: Network
    theta: Array
    batch: Batch
    rule: Optimizer | None
    steps: int = 1
    seed: int = 0
    search: LBFGS | None = None
    done: int = 0
    slots: tuple[Array, ...] = ()
    drawn: bool = False

    @property
    def state(self) -> State:
        """The state before the first step."""
        if self.rule is None:
            return State(self.theta, self.done, (), self.seed)
        fresh = loops.initial_state(self.theta, self.rule, self.network.layout, self.seed)
        return fresh._replace(step=self.done, slots=self.slots or fresh.slots)


def activation_of(layer: Layer) -> Activation | None:
    """Return a layer's activation, or None for a layer without one, such as `Dropout`."""
    return getattr(layer, "activation", None)
