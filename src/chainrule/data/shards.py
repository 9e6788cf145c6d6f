"""Shards: the rows of an epoch in parts of given sizes, each read from its own row groups.

Which rows a shard has depends on the seed, the epoch and the sizes, and not on who reads it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.int64]


class Piece(NamedTuple):
    """Consecutive rows of a row group.

    Attributes
    ----------
    group : int
    first, end : int
        Rows of the group that are in the stream, counted from 0.
    """

    group: int
    first: int
    end: int


def order_of_groups(groups: int, seed: int, epoch: int, *, shuffle: bool) -> Numbers:
    """Return the order in which row groups are read in an epoch, (groups,)."""
    if not shuffle:
        return np.arange(groups)
    # The last number tells this order from those of the rows in buffers.
    return np.random.default_rng([seed, epoch, 0, 1]).permutation(groups)


def pieces_of(
    counts: Sequence[int], order: Numbers, sizes: Sequence[int], shard: int
) -> Iterator[Piece]:
    """Yield the pieces of a shard: the row groups in their order are cut at the shards' sizes.

    Parameters
    ----------
    counts : sequence of int
        The rows of each group.
    order : array (groups,)
    sizes : sequence of int
        The rows of each shard; their sum is that of the counts.
    shard : int
    """
    start = sum(sizes[:shard])
    end, before = start + sizes[shard], 0
    for group in order.tolist():
        first, last = max(start - before, 0), min(end - before, counts[group])
        if first < last:
            yield Piece(group, first, last)
        before += counts[group]
        if before >= end:
            return
