"""Initializers: how the parameters of an array are drawn before training.

They draw in float64 from a generator that is passed to them, so that the same seed gives the same
weights in every precision.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from chainrule.descriptions import Description, Real, lookup
from chainrule.errors import InputError, unknown

Shape = tuple[int, ...]
Distribution = Literal["uniform", "normal"]


class Initializer(Description):
    """How an array of parameters is drawn; every subclass is final and frozen."""

    def __call__(self, rng: Generator, shape: Shape) -> NDArray[np.float64]:
        """Return a float64 array of the given shape; for weights it is (out, in)."""
        raise NotImplementedError  # abstract


def check_distribution(distribution: str) -> None:
    """Raise UnknownNameError if there is no such distribution."""
    if distribution not in ("uniform", "normal"):
        raise unknown("distribution", distribution, ("uniform", "normal"))


def draw(
    rng: Generator, shape: Shape, variance: float, distribution: Distribution
) -> NDArray[np.float64]:
    """Return numbers of mean 0 and the given variance, uniform or normal."""
    if distribution == "normal":
        return rng.normal(0.0, math.sqrt(variance), shape)
    bound = math.sqrt(3 * variance)  # the uniform distribution on ±b has variance b²/3
    return rng.uniform(-bound, bound, shape)


@dataclass(frozen=True)
class Glorot(Initializer):
    """Variance 2 / (in + out), which keeps the size of activations and deltas from layer to layer.

    Glorot, Bengio: Understanding the difficulty of training deep feedforward neural networks, 2010.

    Parameters
    ----------
    distribution : {"uniform", "normal"}
    """

    distribution: Distribution = "uniform"

    def __post_init__(self) -> None:
        check_distribution(self.distribution)

    def __call__(self, rng: Generator, shape: Shape) -> NDArray[np.float64]:
        return draw(rng, shape, 2 / (shape[0] + shape[-1]), self.distribution)


@dataclass(frozen=True)
class He(Initializer):
    """Variance 2 / in: for rectifiers, which are 0 for half of their inputs (He et al. 2015).

    Parameters
    ----------
    distribution : {"uniform", "normal"}
    """

    distribution: Distribution = "normal"

    def __post_init__(self) -> None:
        check_distribution(self.distribution)

    def __call__(self, rng: Generator, shape: Shape) -> NDArray[np.float64]:
        return draw(rng, shape, 2 / shape[-1], self.distribution)


@dataclass(frozen=True)
class LeCun(Initializer):
    """Variance 1 / in: net inputs of variance 1 (LeCun et al. 1998); SELU expects it.

    Parameters
    ----------
    distribution : {"uniform", "normal"}
    """

    distribution: Distribution = "normal"

    def __post_init__(self) -> None:
        check_distribution(self.distribution)

    def __call__(self, rng: Generator, shape: Shape) -> NDArray[np.float64]:
        return draw(rng, shape, 1 / shape[-1], self.distribution)


@dataclass(frozen=True)
class Uniform(Initializer):
    """Uniform between two bounds, which do not depend on the shape.

    Parameters
    ----------
    low, high : float
    """

    low: Real = -1.0
    high: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.high - self.low < math.inf:
            raise InputError(
                f"{self}: low must be at most high, and their difference finite; change one of them"
            )

    def __call__(self, rng: Generator, shape: Shape) -> NDArray[np.float64]:
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Constant(Initializer):
    """The same number everywhere; with equal weights, the units of a layer stay equal in training.

    Parameters
    ----------
    value : float
    """

    value: Real = 0.0

    def __call__(self, rng: Generator, shape: Shape) -> NDArray[np.float64]:
        return np.full(shape, self.value)


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """Orthonormal rows or columns, whichever are fewer, times a gain (Saxe et al. 2013).

    Parameters
    ----------
    gain : float
    """

    gain: Real = 1.0

    def __call__(self, rng: Generator, shape: Shape) -> NDArray[np.float64]:
        if len(shape) != 2:
            raise InputError(
                f"Orthogonal draws matrices, not an array of shape {shape}; use Constant or Uniform"
            )
        rows, columns = max(shape), min(shape)
        q, r = np.linalg.qr(rng.normal(size=(rows, columns)))  # (rows, columns), (columns, columns)
        q = q * np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices
        return self.gain * (q if shape == q.shape else q.T)


def initializer(choice: str | Initializer) -> Initializer:
    """Return the initializer with a name, or the argument itself if it is one.

    Raises
    ------
    UnknownNameError
        If no initializer has that name.
    """
    return lookup(choice, Initializer, INITIALIZERS, "initializer")


INITIALIZERS: dict[str, Initializer] = {
    "glorot": Glorot(),
    "glorot-normal": Glorot("normal"),
    "he": He(),
    "he-uniform": He("uniform"),
    "lecun": LeCun(),
    "lecun-uniform": LeCun("uniform"),
    "uniform": Uniform(),
    "constant": Constant(),
    "orthogonal": Orthogonal(),
}
