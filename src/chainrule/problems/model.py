"""What a problem and an erratum are: plain descriptions.

The numbers of an erratum are recomputed by whoever shows it; only what was printed is kept here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.optimizers import LBFGS, SGD, Optimizer

Rows: TypeAlias = tuple[tuple[float, ...], ...]


class Data(NamedTuple):
    """The samples of a problem.

    Attributes
    ----------
    x, t : tuple of tuple of float
        Inputs and targets, a row for each sample.
    weights : tuple of float, optional
        One for each sample.
    """

    x: Rows
    t: Rows
    weights: tuple[float, ...] | None


@dataclass(frozen=True)
class Erratum:
    """A figure that was printed wrong, and what brings it about.

    Parameters
    ----------
    place : str
        What the figure is, in words.
    step : int
        After how many updates.
    scope, equation : str
        What the figure is, in the equations' own terms: an expression of that scope.
    published : str
        As it was printed, digit by digit.
    cause : str
        One sentence.
    replace : mapping of (where, name) to str
        Equations that, put in place of the right ones, give the printed figure.
    rounded : mapping of (scope, name) to int, optional
        Or: values that, rounded to so many decimals, give it.
    at_step : int, optional
        Or: the step at which the right program has it.
    """

    place: str
    step: int
    scope: str
    equation: str
    published: str
    cause: str
    replace: Mapping[tuple[str | int, str], str] = field(default_factory=dict[Any, str])
    rounded: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    at_step: int | None = None


@dataclass(frozen=True)
class Problem:
    """A network with its data, its first weights and the way it is trained.

    Parameters
    ----------
    name, title, source : str
        ``source`` says where it was published.
    network : Network
    x, t : tuple of tuple of float, or function
        Inputs and targets, a row for each sample; or a function of no arguments that loads them,
        for data that live elsewhere. `data` gives the rows in either case.
    weights, biases : tuple of nested tuples, optional
        The first W and b of each layer; drawn from a seed where the problem gives none.
    sample_weights : tuple of float, optional
        One for each sample.
    optimizer : Optimizer or LBFGS
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
    x: Rows | Callable[[], Rows]
    t: Rows | Callable[[], Rows]
    weights: tuple[Any, ...] = ()
    biases: tuple[Any, ...] = ()
    sample_weights: tuple[float, ...] = ()
    optimizer: Optimizer | LBFGS = SGD(0.5)
    notation: str = "plain"
    decimals: int | None = None
    errata: tuple[Erratum, ...] = ()

    def data(self) -> Data:
        """Return the samples, loaded if need be.

        Raises
        ------
        MissingPackageError
            If they come with a package that is not installed.
        """
        x, t = (rows() if callable(rows) else rows for rows in (self.x, self.t))
        return Data(x, t, self.sample_weights or None)

    def theta(self, seed: int = 0) -> NDArray[np.float64]:
        """Return the first parameters: those that are given, the others drawn from a seed."""
        drawn = self.network.initialize(seed)
        own = [
            {name: view.tolist() for name, view in params.items()}
            for params in self.network.params(drawn)
            if params
        ]
        W = self.weights or tuple(params["W"] for params in own)
        b = self.biases or tuple(params.get("b") for params in own)
        return self.network.pack(W=W, b=b)

    def trained(self, *, biases: bool) -> "Problem":
        """Return the problem with its biases trained or left alone."""
        chosen = True if biases else ("W",)
        layers = tuple(
            replace(layer, trainable=chosen) if isinstance(layer, Dense) else layer
            for layer in self.network.layers
        )
        return replace(self, network=replace(self.network, layers=layers))
