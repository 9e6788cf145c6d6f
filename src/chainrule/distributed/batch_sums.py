"""Loss and gradient of a whole batch, of which each rank computes a part."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.distributed.block_engines import BlockGradient
from chainrule.distributed.divided_data import DividedBatch
from chainrule.distributed.settings import DataParallel
from chainrule.distributed.tree_sum import TreeSum
from chainrule.network import MaskSeed

Array: TypeAlias = NDArray[Any]

LOSS, STOP = -2, -1  # the last entries of a vector, after the gradient
EXTRA = 2


class BatchSums:
    """The sums over a batch of losses and gradients, the same on all ranks.

    Parameters
    ----------
    parallel : DataParallel
    gradient : callable
        The mean loss and gradient of some samples.
    size : int
        The number of parameters.
    dtype : dtype
    """

    def __init__(
        self, parallel: DataParallel, gradient: BlockGradient, size: int, dtype: np.dtype[Any]
    ) -> None:
        self.parallel, self.gradient = parallel, gradient
        self.length, self.dtype = size + EXTRA, dtype
        self._sums: dict[int, TreeSum] = {}  # by the number of blocks

    def __call__(
        self, theta: Array, batch: DividedBatch, mask_seed: MaskSeed, stop: float = 0.0
    ) -> tuple[float, Array, float]:
        """Return the mean loss of a batch, its gradient (parameters,), and the sum of all stops.

        Parameters
        ----------
        theta : array (parameters,)
        batch : DividedBatch
        mask_seed : MaskSeed
        stop : float
            Of this rank.
        """
        sum_over_ranks = self._exact if self.parallel.exact else self._in_any_order
        total = sum_over_ranks(theta, batch, mask_seed, stop)
        total[:STOP] /= self.dtype.type(batch.size)
        return float(total[LOSS]), total[:LOSS], float(total[STOP])

    def _exact(self, theta: Array, batch: DividedBatch, mask_seed: MaskSeed, stop: float) -> Array:
        """Return the sum of all blocks, added in the order of the tree."""
        tree = self._tree(batch.blocks)
        for block in range(tree.first, tree.end):
            vector = tree.buffer()
            self._fill(vector, theta, batch, block, mask_seed)
            vector[STOP] = stop if block == tree.first else 0.0
            tree.add(block, vector)
        return tree.total()

    def _in_any_order(
        self, theta: Array, batch: DividedBatch, mask_seed: MaskSeed, stop: float
    ) -> Array:
        """Return the sum of the parts of all ranks, added by the library."""
        communicator = self.parallel.communicator
        vector = np.empty(self.length, self.dtype)
        self._fill(vector, theta, batch, communicator.rank, mask_seed)
        vector[STOP] = stop
        communicator.all_reduce(vector)
        return vector

    def _fill(
        self, vector: Array, theta: Array, batch: DividedBatch, block: int, mask_seed: MaskSeed
    ) -> None:
        """Write the sums over a block of a batch into a vector."""
        samples = batch.samples[block]
        if not len(samples):
            vector[:] = 0
            return
        masks = mask_seed._replace(first=batch.first(block))
        loss, gradient = self.gradient(theta, samples, masks)
        np.multiply(gradient, self.dtype.type(len(samples)), out=vector[:LOSS])
        vector[LOSS] = loss * len(samples)

    def _tree(self, blocks: int) -> TreeSum:
        """Return the sum over so many blocks; the last batch of an epoch may have fewer."""
        if blocks not in self._sums:
            given = self.parallel.communicator, blocks, self.length, self.dtype
            self._sums[blocks] = TreeSum(*given)
        return self._sums[blocks]
