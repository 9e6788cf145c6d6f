"""A network as a table of integers, from which kernels read sizes, addresses and offsets.

Kernels are compiled once for all networks; everything that differs between networks is in the
table.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.compiled.codegen.elementwise_kernels import (
    Dtype,
    ElementwiseKernel,
    activation_kernel,
)
from chainrule.layers import ActivationLayer, Dense, Dropout, Layer, LayerNorm
from chainrule.layout import Block
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

# ---- columns of the table; each layer has a row -------------------------------------------------

KINDS = (Dense, LayerNorm, ActivationLayer, Dropout)
DENSE, NORM = range(2)  # the indices in KINDS of those with parameters

KIND, INPUTS, WIDTH, PLACE = range(4)
W, B, TRAINS_W, TRAINS_B = range(4, 8)  # offsets in θ, or −1 without the array; whether they train
X, Z, A, D = range(8, 12)  # offsets in the workspace: input, net input, output, da and delta
DB, R = range(12, 14)  # the sum of delta; LayerNorm's 1 / standard deviation
FORWARD, BACKWARD, K = range(14, 17)  # addresses of the activation's loops; index of its constants
PASSES_ON = 17  # whether dx is computed
BORDER = 18  # Dropout's threshold: units with a hash below it are dropped
RUN_FORWARD, RUN_BACKWARD = range(19, 21)  # addresses of the layer's kernels
COLUMNS = 21

SETTINGS = 8  # count of numbers before the layers' constants: penalty, clipping and so on
LINE = 16  # arrays begin at multiples of this many numbers: threads share no cache line


class Tables(NamedTuple):
    """The tables of a network, for batches of a limited number of rows.

    Attributes
    ----------
    layers : array (layers, COLUMNS) of int64
    constants : array of float64
        Constants that formulas take after their arguments.
    work : int
        The length of the workspace.
    batch_x, batch_t, batch_weight, ones, zeros, panel : int
        Offsets in the workspace of the batch's samples, targets and weights, of ones, of zeros,
        and of gradients.
    elementwise : tuple of ElementwiseKernel
        Owners that keep the loops in memory.
    """

    layers: NDArray[np.int64]
    constants: NDArray[np.float64]
    work: int
    batch_x: int
    batch_t: int
    batch_weight: int
    ones: int
    zeros: int
    panel: int
    elementwise: tuple[ElementwiseKernel, ...]


def rounded(count: int) -> int:
    """Return a count of numbers, rounded up to whole cache lines."""
    return -(-count // LINE) * LINE


class Space:
    """Allocates consecutive offsets in the workspace."""

    def __init__(self) -> None:
        self.size = 0

    def take(self, count: int) -> int:
        """Allocate `count` numbers and return their offset."""
        start, self.size = self.size, self.size + rounded(count)
        return start


def tables(
    network: Network,
    dtype: Dtype,
    rows: int,
    panel: int,
    *,
    unit_by_unit: bool = False,
    sparse: bool = False,
) -> Tables:
    """Return the tables of a network for batches of at most `rows`, with a panel for gradients.

    With `unit_by_unit`, arrays have the layout of ``tiny``, and activations run over whole layers.
    `sparse` samples are not copied to the workspace.
    """
    widest = max(network.widths[sparse:])
    space, dense = Space(), rows * network.inputs * (not sparse)
    batch_x, batch_t = space.take(dense), space.take(rows * network.outputs)
    batch_weight, ones = space.take(rows), space.take(max(rows, widest))
    flat = widest * rows if unit_by_unit else widest
    zeros, gradients = space.take(flat), space.take(max(panel, flat))
    table = np.full((len(network.layers), COLUMNS), -1, np.int64)
    constants: list[float] = []
    below = batch_x
    for place, layer in enumerate(network.layers):
        row, width = table[place], network.widths[place + 1]
        row[[KIND, INPUTS, WIDTH, PLACE]] = kind_of(layer), network.widths[place], width, place
        row[X], row[K] = below, SETTINGS + len(constants)
        row[[Z, A, D]] = [space.take(rows * width) for _ in range(3)]
        row[[DB, R]] = space.take(width), space.take(rows)
        if isinstance(layer, Dropout):
            row[BORDER] = np.uint64(int(layer.rate * 2**64)).astype(np.int64)
        constants += constants_of(layer)
        below = int(row[A])
    for block in network.layout.blocks:
        place_of_block(table[block.layer], block)
    table[:, PASSES_ON] = passes_on(table)
    return Tables(
        table,
        np.array(constants),
        space.size,
        batch_x,
        batch_t,
        batch_weight,
        ones,
        zeros,
        gradients,
        write_activation_kernels(table, network, dtype),
    )


def write_activation_kernels(
    table: NDArray[np.int64], network: Network, dtype: Dtype
) -> tuple[ElementwiseKernel, ...]:
    """Store the addresses of the activations' loops, and return their owners."""
    elementwise: list[ElementwiseKernel] = []
    for row, layer in zip(table, network.layers, strict=True):
        if isinstance(layer, Dense | ActivationLayer):
            elementwise.append(activation_kernel(layer.activation, dtype))
            row[[FORWARD, BACKWARD]] = elementwise[-1].addresses
    return tuple(elementwise)


def kind_of(layer: Layer) -> int:
    """Return the index of a layer's class in `KINDS`."""
    return KINDS.index(type(layer))


def constants_of(layer: Layer) -> list[float]:
    """Return the constants of a layer's loops: those of its activation, or its own."""
    if isinstance(layer, Dense | ActivationLayer):
        return list(layer.activation.constants.values())
    return list(layer.constants.values())


def place_of_block(row: NDArray[np.int64], block: Block) -> None:
    """Store the offset of a parameter array, and whether it trains."""
    columns = (W, TRAINS_W) if block.param == "W" else (B, TRAINS_B)
    row[list(columns)] = block.start, block.trains


def passes_on(table: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return for each layer whether a layer below it has trainable parameters."""
    trains = (table[:, [TRAINS_W, TRAINS_B]] == 1).any(axis=1)
    below = np.concatenate([[False], trains[:-1]])
    return np.logical_or.accumulate(below)
