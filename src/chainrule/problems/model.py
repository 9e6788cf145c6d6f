"""The descriptions of a problem, its data, and errors in what was published about it."""

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
    sample_weight : tuple of float, optional
        One for each sample.
    """

    x: Rows
    t: Rows
    sample_weight: tuple[float, ...] | None


@dataclass(frozen=True)
class Erratum:
    """A number that was published wrong, and what caused the error.

    Parameters
    ----------
    place : str
        What the number is, in words.
    step : int
        The number of updates before it.
    scope, equation : str
        The number as an expression in that scope of the equations.
    published : str
        The digits as they were printed.
    cause : str
        One sentence.
    replace : mapping of (where, name) to str
        Equations that give the printed number in place of the right ones.
    rounded : mapping of (scope, name) to int, optional
        Alternatively: values, and the number of decimals to which they were rounded.
    at_step : int, optional
        Alternatively: the step after which a correct program gives the number.
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
    """A network with its data, its initial weights and its optimizer.

    Parameters
    ----------
    name, title, source : str
        ``source`` says where it was published.
    network : Network
    x, t : tuple of tuple of float, or function
        Inputs and targets, a row for each sample; or a function without arguments that loads them.
        `data` returns the rows in either case.
    weights, biases : tuple of nested tuples, optional
        The initial W and b of each layer; without them, they are drawn from a seed.
    sample_weight : tuple of float, optional
        One for each sample.
    optimizer : Optimizer or LBFGS
    notation : str
        The notation of its source.
    decimals : int, optional
        The number of decimals in its source.
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
    sample_weight: tuple[float, ...] = ()
    optimizer: Optimizer | LBFGS = SGD()
    notation: str = "plain"
    decimals: int | None = None
    errata: tuple[Erratum, ...] = ()

    def data(self) -> Data:
        """Return the samples, loading them if necessary.

        Raises
        ------
        MissingPackageError
            If loading requires a package that is not installed.
        """
        x, t = (rows() if callable(rows) else rows for rows in (self.x, self.t))
        return Data(x, t, self.sample_weight or None)

    def theta(self, seed: int = 0) -> NDArray[np.float64]:
        """Return the initial parameters: those given, and the others drawn from a seed."""
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
        """Return the problem with its biases trained or fixed."""
        chosen = True if biases else ("W",)
        layers = tuple(
            replace(layer, trainable=chosen) if isinstance(layer, Dense) else layer
            for layer in self.network.layers
        )
        return replace(self, network=replace(self.network, layers=layers))
