"""What must be the same on all ranks: checks of it, and values that rank 0 decides."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from chainrule.distributed.communicators import Communicator
from chainrule.distributed.settings import DataParallel
from chainrule.errors import InputError
from chainrule.sparse_samples import stored_arrays

Array: TypeAlias = NDArray[Any]

ADDRESS = re.compile(r" at 0x[0-9a-f]+")
PATIENCE = 10.0  # how much longer than usual ranks wait while rank 0 compiles


def on_rank_zero(communicator: Communicator, values: Sequence[float | None]) -> list[float | None]:
    """Return the numbers of rank 0, on every rank; None stays None."""
    if communicator.size == 1:
        return list(values)
    numbers = np.array([[v is not None, 0.0 if v is None else v] for v in values])
    communicator.broadcast(numbers)
    return [float(number) if known else None for known, number in numbers]


def from_rank_zero(
    communicator: Communicator, make: Callable[[Callable[[], None]], bytes]
) -> bytes:
    """Return bytes that rank 0 makes, on every rank.

    Parameters
    ----------
    communicator : Communicator
    make : callable
        Called on rank 0 only, with a function that it calls again and again while it works: so the
        other ranks know that it is alive, however long that takes.
    """
    news = np.zeros(1, np.int64)  # the length of the bytes, or 0 as a sign of life
    made = np.zeros(0, np.uint8)
    if communicator.rank == 0:
        made = np.frombuffer(make(lambda: communicator.broadcast(news)), np.uint8).copy()
        news[0] = len(made)
    communicator.broadcast(news)
    while not news[0]:
        communicator.broadcast(news)
    received = made if communicator.rank == 0 else np.empty(int(news[0]), np.uint8)
    communicator.broadcast(received)
    return received.tobytes()


def same_seed(parallel: DataParallel | None, seed: int) -> int:
    """Return the seed of rank 0, on every rank."""
    if parallel is None:
        return seed
    number = np.array([seed % 2**64], np.uint64).view(np.int64)
    parallel.communicator.broadcast(number)
    return int(number.view(np.uint64)[0])


def same_everywhere(communicator: Communicator, parts: Mapping[str, Array | None]) -> None:
    """Raise InputError, on every rank, unless arrays have the same bytes on all of them.

    Parameters
    ----------
    communicator : Communicator
    parts : mapping of str to array
        By what they are called in the message.
    """
    if communicator.size == 1:
        return
    own = np.array([checksum(array) for array in parts.values()], np.int64)
    first = own.copy()
    communicator.broadcast(first)
    differs = (own != first).astype(np.int64)
    communicator.all_reduce(differs)
    if differs.any():
        named = ", ".join(name for name, count in zip(parts, differs, strict=True) if count)
        raise InputError(
            f"the ranks have different {named}; give all of them the same data, settings and start"
        )


def checksum(array: Array | None) -> int:
    """Return a checksum of an array's shape, dtype and bytes; −1 for None."""
    if array is None:
        return -1
    found = crc32(f"{array.dtype.str} {array.shape}".encode())
    for stored in stored_arrays(array):
        found = crc32(np.ascontiguousarray(stored).reshape(-1).view(np.uint8).data, found)
    return found


def checksum_of_text(text: str) -> Array:
    """Return a checksum of a text, such as the `repr` of settings, without addresses in memory."""
    return np.array([crc32(ADDRESS.sub("", text).encode())], np.int64)


def by_rank_zero(communicator: Communicator, function: Callable[[], None]) -> None:
    """Call a function on rank 0 only, and wait for it on the others: it may take long."""
    if communicator.rank == 0:
        function()
    communicator.barrier(PATIENCE)
