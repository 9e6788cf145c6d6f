"""A run's optimizer, penalty and sizes of memory, as numbers for its kernels."""

import itertools
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.compiled.codegen.elementwise_kernels import Dtype
from chainrule.compiled.kernels import memory_layout as mem
from chainrule.compiled.kernels.network_table import LINE, rounded
from chainrule.network import Network
from chainrule.optimizers import SGD, ClipNorm, ClipValue, Momentum, Optimizer
from chainrule.schedules import Schedule, rate_at

Array: TypeAlias = NDArray[Any]

PANEL_BYTES = 2**20  # of a thread's gradients: a compromise between long products and the cache


def names_of(optimizer: Optimizer) -> list[str]:
    """Return the names of a rule's parameters after its slots, in order."""
    return list(optimizer.constants(1, 1.0))


def clipping(optimizer: Optimizer) -> tuple[float, float]:
    """Return the limits of entries and of the norm; 0 means no limit."""
    clip = optimizer.clip
    return (
        clip.limit if isinstance(clip, ClipValue) else 0.0,
        clip.limit if isinstance(clip, ClipNorm) else 0.0,
    )


def mode_of(network: Network, optimizer: Optimizer) -> int:
    """Return how θ is updated: for SGD and momentum in the matrix product, if possible."""
    if isinstance(optimizer.clip, ClipNorm):
        return mem.WHOLE
    if network.penalty or optimizer.clip is not None:
        return mem.BY_PANELS
    inside = {SGD: mem.INSIDE_SGD, Momentum: mem.INSIDE_MOMENTUM}
    return inside.get(type(optimizer), mem.BY_PANELS)


def panel_of(widths: Sequence[int], ranks: int, most: int) -> int:
    """Return the length of a thread's panel: the gradients of its units of a layer, or less."""
    sizes = itertools.pairwise(widths)
    largest = max((d * rounded(-(-width // ranks)) for d, width in sizes), default=0)
    return rounded(max(min(most, largest), *widths, LINE))


def settings(network: Network, optimizer: Optimizer, data: Batch) -> list[float]:
    """Return the settings of penalty, clipping and rule, in the order of ``memory_layout``."""
    penalty, (value, norm) = network.penalty, clipping(optimizer)
    momentum = float(getattr(optimizer, "momentum", 0.0))
    decay = float(getattr(optimizer, "decay", 0.0))
    unit = data.total / len(data.x)
    return [penalty.l1, penalty.l2, penalty.alpha, value, norm, momentum, decay, unit]


def rates_of(optimizer: Optimizer, step: int, count: int) -> Array | float:
    """Return the learning rates of the next updates."""
    if not isinstance(optimizer.learning_rate, Schedule):
        return optimizer.learning_rate
    return np.array(
        [rate_at(optimizer.learning_rate, k) for k in range(step + 1, step + count + 1)]
    )


def aligned(count: int, dtype: Dtype) -> Array:
    """Return zeros that begin on a cache line."""
    size = np.dtype(dtype).itemsize
    memory = np.zeros(count + 64 // size, dtype)
    skip = -memory.ctypes.data % 64 // size
    return memory[skip : skip + count]
