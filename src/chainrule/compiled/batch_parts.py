"""Loss and gradient of parts of a batch, and the update of θ, on one thread.

Training in several processes needs them; the kernels are those of training.
"""

import ctypes
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.compiled.choice import EngineChoice
from chainrule.compiled.codegen.elementwise_kernels import Dtype, update_kernel
from chainrule.compiled.engine import CALL_HEADER, Kernel
from chainrule.compiled.evaluating import RULE
from chainrule.compiled.kernel_loader import address_of
from chainrule.compiled.kernels import memory_layout as mem
from chainrule.compiled.threads import single_blas
from chainrule.layout import Layout
from chainrule.loops import Batches
from chainrule.network import MaskSeed, Network
from chainrule.optimizers import Optimizer, OptimizerState
from chainrule.penalties import Penalty

Array: TypeAlias = NDArray[Any]


class BlockGradients:
    """The loss over some samples and its gradient, without the penalty.

    Parameters
    ----------
    network : Network
    data : Batch
        All samples, in the precision of the computation.
    rows : int
        The largest number of samples in a call.
    choice : EngineChoice
    """

    def __init__(self, network: Network, data: Batch, rows: int, choice: EngineChoice) -> None:
        without_penalty = replace(network, penalty=Penalty())
        batches = Batches(min(rows, len(data.x)))
        self.kernel = Kernel(without_penalty, RULE, data, batches, 1, tiny=choice.tiny)
        self.losses, self.rates = np.zeros(2), np.zeros(1)
        header = self.kernel.header
        # Samples are taken by their numbers; and without arrays to change, θ stays as it is.
        header[[mem.DIRECT, mem.BLOCKS, mem.BATCHES]] = 0, 0, 1
        pointers = self.kernel.pointers
        pointers[mem.FIELD_INDEX["losses"]] = address_of(self.losses)
        pointers[mem.FIELD_INDEX["rates"]] = address_of(self.rates)

    def __call__(
        self, theta: Array, rows: NDArray[np.int64], mask_seed: MaskSeed
    ) -> tuple[float, Array]:
        """Return the mean loss over samples and its gradient, (parameters,).

        The loss is NaN if it is not finite. Entries of frozen arrays are 0. The next call
        overwrites the gradient.

        Parameters
        ----------
        theta : array (parameters,)
        rows : array (n,)
            The numbers of the samples, contiguous.
        mask_seed : MaskSeed
            For dropout masks.
        """
        kernel = self.kernel
        seed = mask_seed.seed % 2**64
        signed = seed - 2**64 * (seed >= 2**63)
        kernel.header[CALL_HEADER] = 0, 1, mask_seed.step, signed, len(rows), 1
        kernel.header[[mem.SAMPLES, mem.FIRST_SAMPLE]] = len(rows), mask_seed.first
        kernel.pointers[mem.FIELD_INDEX["orders"]] = address_of(rows)
        for name in ("theta", "slot", "slot2"):
            kernel.pointers[mem.FIELD_INDEX[name]] = address_of(theta)
        kernel.fixed["barrier"][:] = 0
        self.losses[:] = 0
        with nullcontext() if kernel.tiny else single_blas():
            done = kernel.run(kernel.at, 0, 1)
        loss = float(self.losses[0]) / len(rows) if done == 1 else np.nan
        return loss, kernel.fixed["gradient"]


class CompiledUpdate:
    """The update of θ by an optimizer's rule, equal to ``Optimizer.step`` up to rounding.

    Parameters
    ----------
    optimizer : Optimizer
    dtype : type
    """

    def __init__(self, optimizer: Optimizer, dtype: Dtype) -> None:
        self.optimizer, self.owner = optimizer, update_kernel(type(optimizer), dtype)
        words = [ctypes.c_int64] * 8  # a result's address and an exception's come first
        self.entry = ctypes.CFUNCTYPE(ctypes.c_int32, *words)(self.owner.addresses[0])
        self.names = list(optimizer.constants(1, 1.0))

    def step(
        self, theta: Array, gradient: Array, state: OptimizerState
    ) -> tuple[Array, OptimizerState]:
        """Return the new θ, (parameters,), and the new state; the arguments are not changed."""
        layout, k = state.layout, state.step + 1
        g = self.optimizer.clip(gradient, layout) if self.optimizer.clip else gradient
        after = [theta.copy(), *(slot.copy() for slot in state.slots)]
        constants = list(self.optimizer.constants(k, 1.0).values())
        for first, last, decays in self._parts(layout):
            if "decay" in self.names and not decays:
                numbers = list(self.optimizer.constants(k, 0.0).values())
            else:
                numbers = constants
            self._run(after, g, first, last, numbers)
        return after[0], OptimizerState(k, tuple(after[1:]), layout)

    def _parts(self, layout: Layout) -> list[tuple[int, int, bool]]:
        """Return the parts of θ that train, and whether they decay."""
        if "decay" not in self.names and layout.trainable.all():
            return [(0, layout.size, False)]
        return [(b.start, b.stop, b.decays) for b in layout.blocks if b.trains]

    def _run(
        self, arrays: list[Array], g: Array, first: int, last: int, numbers: Sequence[float]
    ) -> None:
        """Update the entries from `first` to before `last` of θ and of the averages, in place."""
        constants = np.array(numbers, np.float64)
        skip = first * g.itemsize
        places = [address_of(array) + skip for array in ([*arrays, arrays[0], arrays[0]])[:3]]
        words = places[0], address_of(g) + skip, *places[1:], last - first, address_of(constants)
        result = ctypes.c_int64()
        self.entry(ctypes.addressof(result), 0, *words)
