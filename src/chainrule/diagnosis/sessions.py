"""What an attempt answered: its arrays with their rounding, and the calls that they belong to.

The search compares these records with what a `Replay` computes under a hypothesis.
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.submission import samples_of_call

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Observed:
    """An array as the attempt reported it.

    Parameters
    ----------
    name : str
        Such as ``"dW1"``, ``"W1_new"``, ``"delta2"``, ``"loss"``.
    values : array
        NaN for entries that were not reported, if `partial`.
    half : array or float
        The largest distance from the exact number that rounding explains.
    partial : bool
        Whether entries may be missing.
    shift : array or float
        The distance from the reported number to the middle of the interval of exact numbers.
    """

    name: str
    values: Array
    half: Any = 0.0
    partial: bool = False
    shift: Any = 0.0


SINGLE_PRECISION = 5e-5  # relative tolerance for values computed in single precision


def _truncated(seen: Observed) -> Observed:
    """Return an array whose exact numbers may be up to one unit further from zero."""
    return replace(seen, half=1.5 * seen.half, shift=np.sign(seen.values) * seen.half / 2)


def _transposed(seen: Observed) -> Observed:
    if not re.fullmatch(r"d?W\d+(_new)?", seen.name):
        return seen
    half = seen.half.T if np.shape(seen.half) else seen.half
    return replace(seen, values=seen.values.T, half=half)


@dataclass(frozen=True, eq=False)
class Session:
    """Consecutive calls on one network, and the answers.

    Parameters
    ----------
    x, t : array (n, d), (n, k)
    theta : array (parameters,)
        The parameters before the first call.
    calls : tuple of tuple of Observed
        The answers to each call, in the order in which they are computed.
    sequential : bool
        Whether each call starts from the parameters that the previous one returned, as updates do.
    tolerance : float
        Relative to the largest entry of an array, for rounding in the program's own arithmetic.
    widths : tuple of int
        The layer widths of a designed network; empty for the declared network.
    """

    x: Array
    t: Array
    theta: Array
    calls: tuple[tuple[Observed, ...], ...]
    sequential: bool = False
    tolerance: float = 1e-9
    widths: tuple[int, ...] = ()

    @cached_property
    def zero_tolerance(self) -> float:
        """The absolute tolerance for numbers that should be zero."""
        arrays = [a.values for call in self.calls for a in call if a.name != "loss"]
        sizes = [float(np.nanmax(np.abs(a), initial=0.0)) for a in arrays if a.size]
        return 1e-4 * self.tolerance * max((s for s in sizes if np.isfinite(s)), default=0.0)

    def samples_of(self, call: int) -> Array:
        """Return the samples of a call."""
        return self.x if self.sequential else samples_of_call(self.x, call)

    def truncated(self) -> "Session":
        """Return the session with tolerances for digits that were truncated, not rounded."""
        return replace(self, calls=tuple(tuple(map(_truncated, call)) for call in self.calls))

    def with_single_precision(self) -> "Session":
        """Return the session with the tolerance of single precision."""
        return replace(self, tolerance=max(self.tolerance, SINGLE_PRECISION))

    def transposed(self) -> "Session":
        """Return the session with every weight matrix transposed."""
        calls = tuple(tuple(_transposed(a) for a in call) for call in self.calls)
        return replace(self, calls=calls)

    def renamed(self, old: str, new: str) -> "Session":
        """Return the session with one of its arrays renamed."""
        calls = tuple(
            tuple(replace(a, name=new) if a.name == old else a for a in call) for call in self.calls
        )
        return replace(self, calls=calls)

    def without(self, name: str) -> "Session":
        """Return the session without the array of that name."""
        calls = tuple(tuple(a for a in call if a.name != name) for call in self.calls)
        return replace(self, calls=calls)
