"""What training needs from a library that connects processes, and the adapter for one process."""

import sys
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol, TypeAlias, runtime_checkable

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


@runtime_checkable
class Communicator(Protocol):
    """A group of processes that train together, which are its ranks.

    Every rank calls the same methods in the same order. Arrays are contiguous, and have the same
    shape and dtype on all ranks that share them.

    Attributes
    ----------
    size : int
        The number of ranks.
    rank : int
        The number of this process among them, from 0.
    """

    @property
    def size(self) -> int: ...

    @property
    def rank(self) -> int: ...

    def all_reduce(self, array: Array) -> None:
        """Replace an array by its sum over all ranks, added in any order."""
        ...

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Replace an array by that of rank `root`."""
        ...

    def exchange(self, outgoing: Sequence[Array], incoming: Sequence[Array]) -> None:
        """Send ``outgoing[q]`` to each rank q, and fill ``incoming[q]`` with what q sends here.

        The two arrays of a pair of ranks have the same size and dtype; empty ones are not sent.
        """
        ...

    def barrier(self, patience: float = 1.0) -> None:
        """Wait until every rank has called this, for `patience` times as long as usual."""
        ...

    def abort(self, code: int = 1) -> NoReturn:
        """End all ranks at once, with this exit code."""
        ...


class SingleProcess:
    """A communicator of one process: nothing is sent.

    Training with it gives the bytes of training with any number of ranks.

    Examples
    --------
    >>> from chainrule import mlp, train
    >>> from chainrule.distributed import SingleProcess
    >>> network = mlp(1, 2, 1, activation="tanh", loss="squared-error")
    >>> X, y = [[0.0], [1.0], [2.0]], [[0.0], [1.0], [4.0]]
    >>> train(network, X, y, epochs=2, communicator=SingleProcess()).finish().epoch
    2
    """

    size, rank = 1, 0

    def all_reduce(self, array: Array) -> None:
        """Leave the array as it is."""

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Leave the array as it is."""

    def exchange(self, outgoing: Sequence[Array], incoming: Sequence[Array]) -> None:
        """Copy the array."""
        incoming[0][...] = outgoing[0]

    def barrier(self, patience: float = 1.0) -> None:
        """Return at once."""

    def abort(self, code: int = 1) -> NoReturn:
        """Exit with this code."""
        sys.exit(code)

    def __repr__(self) -> str:
        return "SingleProcess()"
