"""Results of all ranks, which rank 0 collects in their order."""

from collections.abc import Iterable, Sequence

import numpy as np

from chainrule.distributed.communicators import Communicator


def gathered(
    communicator: Communicator, own: Iterable[bytes], counts: Sequence[int]
) -> list[bytes]:
    """Return the items of all ranks on rank 0, those of rank 0 first; nothing on the others.

    Every rank sends an item at a time, as soon as it has computed it: so none waits for long.

    Parameters
    ----------
    communicator : Communicator
    own : iterable of bytes
        Those of this rank.
    counts : sequence of int
        The number of items of each rank.
    """
    items, found = iter(own), [list[bytes]() for _ in range(communicator.size)]
    for place in range(max(counts)):
        item = next(items) if place < counts[communicator.rank] else b""
        for rank, received in enumerate(exchanged(communicator, item)):
            if place < counts[rank]:
                found[rank].append(received)
    return [item for of_rank in found for item in of_rank]


def exchanged(communicator: Communicator, item: bytes) -> list[bytes]:
    """Return the item of each rank on rank 0; nothing on the others."""
    sizes = np.zeros(communicator.size, np.int64)
    sizes[communicator.rank] = len(item)
    communicator.all_reduce(sizes)
    nothing = np.empty(0, np.uint8)
    outgoing, incoming = [nothing] * communicator.size, [nothing] * communicator.size
    outgoing[0] = np.frombuffer(item, np.uint8).copy()
    if communicator.rank == 0:
        incoming = [np.empty(size, np.uint8) for size in sizes.tolist()]
    else:
        incoming[communicator.rank] = outgoing[communicator.rank]
    communicator.exchange(outgoing, incoming)
    return [array.tobytes() for array in incoming] if communicator.rank == 0 else []
