"""Sums of blocks in one order for every number of ranks: as a binary tree over the blocks.

A rank adds the subtrees that are entirely its own. The roots of these are exchanged in slices, so
that each rank finishes the sum of one slice; then all ranks gather the slices. Because every
addition is one of the tree, the bytes of the sum do not depend on the number of ranks.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.distributed.communicators import Communicator

Array: TypeAlias = NDArray[Any]


class Node(NamedTuple):
    """A subtree: the blocks from place · 2^level on, 2^level of them or up to the last block."""

    level: int
    place: int


def range_of(count: int, rank: int, ranks: int) -> tuple[int, int]:
    """Return (first, end) of a rank's part of `count` items: consecutive, of equal size up to 1."""
    return count * rank // ranks, count * (rank + 1) // ranks


class Subtrees:
    """Subtrees of which the arrays are known, joined as soon as two of them are siblings.

    Parameters
    ----------
    blocks : int
        The number of blocks of the tree.
    """

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks
        self.arrays: dict[Node, Array] = {}
        self.free: list[Array] = []  # arrays whose sums have been added to others

    def add(self, node: Node, array: Array) -> None:
        """Add the array of a subtree; it is changed if it is the left one of two siblings."""
        node = self._lifted(node)
        while node.place % 2 and (left := Node(node.level, node.place - 1)) in self.arrays:
            self.free.append(array)
            array = add(self.arrays.pop(left), array)
            node = self._lifted(Node(node.level + 1, node.place // 2))
        self.arrays[node] = array

    def _lifted(self, node: Node) -> Node:
        """Return the largest subtree with the same blocks: the last ones may have no siblings."""
        level, place = node
        while place and not place % 2 and (place + 1) << level >= self.blocks:
            level, place = level + 1, place // 2
        return Node(level, place)


def add(one: Array, other: Array) -> Array:
    """Return the sum of two arrays, in the memory of the first."""
    return np.add(one, other, out=one)


def roots(blocks: int, first: int, end: int) -> list[Node]:
    """Return the largest subtrees of consecutive blocks, in their order."""
    subtrees, nothing = Subtrees(blocks), np.zeros(0)
    for block in range(first, end):
        subtrees.add(Node(0, block), nothing)
    return list(subtrees.arrays)


class TreeSum:
    """The sum of the vectors of all blocks, over all ranks.

    Parameters
    ----------
    communicator : Communicator
    blocks : int
        The number of blocks.
    size : int
        The length of the vectors.
    dtype : dtype
    """

    def __init__(
        self, communicator: Communicator, blocks: int, size: int, dtype: np.dtype[Any]
    ) -> None:
        self.communicator, self.blocks, self.size, self.dtype = communicator, blocks, size, dtype
        ranks, rank = communicator.size, communicator.rank
        self.first, self.end = range_of(blocks, rank, ranks)
        self.own = Subtrees(blocks)
        self.roots = [roots(blocks, *range_of(blocks, q, ranks)) for q in range(ranks)]
        self.slices = [slice(*range_of(size, q, ranks)) for q in range(ranks)]

    def buffer(self) -> Array:
        """Return memory for the vector of a block, with any content."""
        return self.own.free.pop() if self.own.free else np.empty(self.size, self.dtype)

    def add(self, block: int, vector: Array) -> None:
        """Add the vector of one of this rank's blocks, in their order; it is changed later."""
        self.own.add(Node(0, block), vector)

    def total(self) -> Array:
        """Return the sum over the blocks of all ranks, (size,), and begin a new one.

        The next sum overwrites it.
        """
        parts = list(self.own.arrays.values())
        self.own.arrays.clear()
        if self.communicator.size == 1:
            self.own.free.append(parts[0])
            return parts[0]
        total = self._gathered(self._own_slice(parts))
        self.own.free += [*parts, total]
        return total

    def _own_slice(self, parts: Sequence[Array]) -> Array:
        """Return the sum over all blocks of this rank's slice."""
        own = self.slices[self.communicator.rank]
        length = own.stop - own.start
        outgoing = [joined(parts, one, self.dtype) for one in self.slices]
        incoming = [np.empty((len(nodes), length), self.dtype) for nodes in self.roots]
        self.communicator.exchange(outgoing, incoming)
        subtrees = Subtrees(self.blocks)
        for nodes, arrays in zip(self.roots, incoming, strict=True):
            for node, array in zip(nodes, arrays, strict=True):
                subtrees.add(node, array)
        return next(iter(subtrees.arrays.values()))

    def _gathered(self, part: Array) -> Array:
        """Return the slices of all ranks as one vector."""
        total = self.buffer()
        incoming = [total[one] for one in self.slices]
        self.communicator.exchange([part] * self.communicator.size, incoming)
        return total


def joined(parts: Sequence[Array], one: slice, dtype: np.dtype[Any]) -> Array:
    """Return a slice of some vectors as one contiguous array (vectors, length)."""
    array = np.empty((len(parts), one.stop - one.start), dtype)
    for to, part in zip(array, parts, strict=True):
        to[:] = part[one]
    return array
