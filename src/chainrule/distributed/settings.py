"""How a run is divided among processes."""

from dataclasses import dataclass

from chainrule.descriptions import check_int, check_type
from chainrule.distributed.communicators import Communicator
from chainrule.errors import InputError

BLOCKS = 16


@dataclass(frozen=True, eq=False)
class DataParallel:
    """A communicator, and how the gradients of its ranks are added.

    Every batch is cut into blocks of consecutive samples. Each rank computes the gradients of some
    of the blocks, and they are added in one order: so any number of ranks gives the same bytes.

    Parameters
    ----------
    communicator : Communicator
        `MPI`, `Gloo` or `SingleProcess`, or an object with their attributes and methods.
    blocks : int, default 16
        The number of blocks of a batch, at least that of the ranks. Another number rounds sums
        differently. Fewer, larger blocks are faster.
    exact : bool, default True
        If False, each rank computes its part of a batch at once, and the library adds the parts in
        its own order: the results agree up to rounding, and depend on the number of ranks.

    Raises
    ------
    InputError
        If there are fewer blocks than ranks.
    """

    communicator: Communicator
    blocks: int = BLOCKS
    exact: bool = True

    def __post_init__(self) -> None:
        check_type(
            self.communicator,
            Communicator,
            "communicator",
            "give one of chainrule.distributed, such as MPI()",
        )
        check_int(self.blocks, "blocks")
        check_type(self.exact, bool, "exact", "give True or False")
        ranks = self.communicator.size
        if self.exact and self.blocks < ranks:
            raise InputError(
                f"blocks={self.blocks} is less than the {ranks} ranks, some of which would have "
                f"nothing to do; give blocks={ranks} or more, or exact=False"
            )

    def __str__(self) -> str:
        return f"sums of {self.blocks} blocks" if self.exact else "sums in any order"


def as_parallel(given: Communicator | DataParallel | None) -> DataParallel | None:
    """Return how a run is divided: by default in the exact way; None without a communicator.

    Raises
    ------
    InputError
        If it is something else.
    """
    return given if given is None or isinstance(given, DataParallel) else DataParallel(given)
