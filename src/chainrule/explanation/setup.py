"""The input of a worked example: a network, its first parameters, its data, and its optimizer."""

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

WORDS = {"logistic": "sigmoid", "identity": "linear", "relu": "ReLU", "leaky-relu": "leaky ReLU"}


@dataclass(frozen=True, eq=False)
class Setup:
    """The input of a worked example.

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
        The number of steps.
    seed : int
        Of dropout masks, and of the first weights if they are drawn.
    search : LBFGS, optional
        The optimizer without equations, in place of `rule`.
    done : int
        The number of updates made before the first step.
    slots : tuple of array (parameters,)
        The optimizer's moving averages after those updates; by default zeros.
    drawn : bool
        Whether the first parameters are drawn at random from the seed.
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


def activation_words(layer: Layer) -> str:
    """Return how a page calls a layer's activation, such as "sigmoid"; empty without one."""
    activation = activation_of(layer)
    return "" if activation is None else WORDS.get(activation.name, activation.name)
