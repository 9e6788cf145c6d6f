"""What a problem and an erratum are: plain descriptions.

The numbers of an erratum are recomputed by whoever shows it; only what was printed is kept here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.optimizers import SGD, Optimizer


@dataclass(frozen=True)
class Erratum:
    """A figure that was printed wrong, and what brings it about.

    Parameters
    ----------
    place : str
        What the figure is, in words.
    quantity : str
        Its key, such as ``"loss"``, ``"p"`` or ``"dp"``.
    step : int
        After how many steps; 0 is before the first.
    published : str
        As it was printed, digit by digit.
    cause : str
        One sentence.
    index : tuple of int
        Which entry of the quantity.
    replace : mapping of (where, name) to str
        Equations that, put in place of the right ones, give the printed figure.
    at_step : int or None
        The step at which the right program has the printed figure, where it is only misplaced.
    """

    place: str
    quantity: str
    step: int
    published: str
    cause: str
    index: tuple[int, ...] = ()
    replace: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    at_step: int | None = None


@dataclass(frozen=True)
class Problem:
    """A network with its data, its first weights and the way it is trained.

    Parameters
    ----------
    name, title, source : str
        ``source`` says where it was published.
    network : Network
    x, t : tuple of tuple of float
        Inputs and targets, a row for each sample.
    weights, biases : tuple of nested tuples, optional
        The first W and b of each layer; drawn from a seed where the problem gives none.
    optimizer : Optimizer
    notation : str
        The notation that its source uses.
    decimals : int, optional
        The number of decimals its source prints.
    errata : tuple of Erratum
    """

    name: str
    title: str
    source: str
    network: Network
    x: tuple[tuple[float, ...], ...]
    t: tuple[tuple[float, ...], ...]
    weights: tuple[Any, ...] = ()
    biases: tuple[Any, ...] = ()
    optimizer: Optimizer = SGD(0.5)
    notation: str = "plain"
    decimals: int | None = None
    errata: tuple[Erratum, ...] = ()

    def theta(self, seed: int = 0) -> NDArray[np.float64]:
        """Return the first parameters: the published ones, else drawn from a seed."""
        if not self.weights:
            return self.network.initialize(seed)
        return self.network.pack(W=self.weights, b=self.biases)

    def trained(self, *, biases: bool) -> "Problem":
        """Return the problem with its biases trained or left alone."""
        chosen = True if biases else ("W",)
        layers = tuple(
            replace(layer, trainable=chosen) if isinstance(layer, Dense) else layer
            for layer in self.network.layers
        )
        return replace(self, network=replace(self.network, layers=layers))
