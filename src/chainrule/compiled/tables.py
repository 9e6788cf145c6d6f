"""A network as whole numbers: what kernels read instead of layers, and where its numbers lie.

Kernels are compiled once and know sizes, addresses and offsets only from here.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Identity
from chainrule.compiled.pieces import Dtype, Piece, activation_piece
from chainrule.layers import Activate, Dense, Dropout, Layer, LayerNorm
from chainrule.layout import Block
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

# ---- the columns of the table, a row for each layer ---------------------------------------------

KINDS = (Dense, LayerNorm, Activate, Dropout)
DENSE, NORM, ACTIVATE, DROPOUT = range(4)

KIND, INPUTS, WIDTH, PLACE = range(4)
W, B, TRAINS_W, TRAINS_B = range(4, 8)  # offsets in θ, −1 where there is none; whether they train
X, Z, A, D = range(8, 12)  # offsets in the workspace: input, net input, output, da and delta
DB, R = range(12, 14)  # the sum of delta; LayerNorm's one over the deviation
FORWARD, BACKWARD, K = range(14, 17)  # addresses of the activation's loops, and its constants
PASSES_ON = 17  # whether dx is wanted
BORDER = 18  # Dropout's: hashes below it leave a unit out
RUN_FORWARD, RUN_BACKWARD = range(19, 21)  # addresses of the layer's kernels
COLUMNS = 21

SETTINGS = 8  # numbers before the constants of layers: penalty, clipping and the like
LINE = 16  # numbers: arrays begin on multiples of it, and threads share no cache line


class Tables(NamedTuple):
    """A network for kernels, for batches of at most some rows.

    Attributes
    ----------
    layers : array (layers, COLUMNS) of int64
    constants : array of float64
        What formulas take after their arguments.
    work : int
        The length of the workspace.
    batch_x, batch_t, batch_weight, ones, zeros, panel : int
        Where in it lie the batch's samples, targets and weights, ones, zeros, and gradients.
    pieces : tuple of Piece
        They keep the loops alive.
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
    pieces: tuple[Piece, ...]


class Space:
    """Hands out offsets one after the other."""

    def __init__(self) -> None:
        self.size = 0

    def take(self, count: int) -> int:
        """Return the offset of so many numbers."""
        start, self.size = self.size, self.size + -(-count // LINE) * LINE
        return start


def tables(
    network: Network, dtype: Dtype, rows: int, panel: int,
    *, everything: bool = False, unit_by_unit: bool = False,
) -> Tables:  # fmt: skip
    """Return the tables of a network for batches of at most `rows`, with a panel for gradients.

    With `everything`, the gradient of what is frozen is wanted, too; `unit_by_unit` is how
    ``tiny`` has its arrays, whose activations run over a whole layer at once.
    """
    space, widest = Space(), max(network.widths)
    batch_x, batch_t = space.take(rows * network.inputs), space.take(rows * network.outputs)
    batch_weight, ones = space.take(rows), space.take(max(rows, widest))
    flat = widest * rows if unit_by_unit else widest
    zeros, gradients = space.take(flat), space.take(max(panel, flat))
    table = np.full((len(network.layers), COLUMNS), -1, np.int64)
    constants: list[float] = []
    pieces: list[Piece] = []
    below = batch_x
    for place, layer in enumerate(network.layers):
        row, width = table[place], network.widths[place + 1]
        row[[KIND, INPUTS, WIDTH, PLACE]] = kind_of(layer), network.widths[place], width, place
        row[X] = below
        for column in (Z, A, D):
            row[column] = space.take(rows * width)
        row[DB], row[R] = space.take(width), space.take(rows)
        pieces.append(activation_piece(activation_of(layer), dtype))
        row[[FORWARD, BACKWARD]] = pieces[-1].addresses
        row[K] = SETTINGS + len(constants)
        if isinstance(layer, Dropout):
            row[BORDER] = np.uint64(int(layer.rate * 2**64)).astype(np.int64)
        constants += constants_of(layer)
        below = int(row[A])
    for block in network.layout.blocks:
        place_of_block(table[block.layer], block, trains=block.trains or everything)
    table[:, PASSES_ON] = passes_on(table)
    return Tables(
        table, np.array(constants), space.size, batch_x, batch_t, batch_weight, ones,
        zeros, gradients, tuple(pieces),
    )  # fmt: skip


def kind_of(layer: Layer) -> int:
    """Return the number of a layer's kind."""
    return KINDS.index(type(layer))


def activation_of(layer: Layer) -> Any:
    """Return the activation of a layer; those without one have none that is called."""
    return layer.f if isinstance(layer, Dense | Activate) else Identity()


def constants_of(layer: Layer) -> list[float]:
    """Return what a layer's loops take: its activation's constants, or its own."""
    if isinstance(layer, Dense | Activate):
        return list(layer.f.constants.values())
    return list(layer.constants.values())


def place_of_block(row: NDArray[np.int64], block: Block, *, trains: bool) -> None:
    """Write down where a parameter array lies, and whether it trains."""
    columns = (W, TRAINS_W) if block.param == "W" else (B, TRAINS_B)
    row[list(columns)] = block.start, trains


def passes_on(table: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return for each layer whether one below it has something to train."""
    trains = (table[:, [TRAINS_W, TRAINS_B]] == 1).any(axis=1)
    below = np.concatenate([[False], trains[:-1]])
    return np.logical_or.accumulate(below)
