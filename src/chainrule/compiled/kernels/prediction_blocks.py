"""The program for prediction: many samples in one compiled call, block by block.

Concurrent calls share the network's tables, which are only read; each has its own workspace.
"""

from numba import uint64

from chainrule.compiled.kernels.batches import forward
from chainrule.compiled.kernels.memory import layer, njit
from chainrule.compiled.kernels.memory_layout import (
    ITEM,
    LAYERS,
    LINK_AT,
    P_AT,
    ROWS_AT,
    SIZE,
    X_ROW,
    ZEROS,
    Memory,
)
from chainrule.compiled.kernels.native import address, call, pointer
from chainrule.compiled.kernels.network_table import WIDTH, A


def run_forward(m: Memory) -> int:
    """Write the predictions of samples, or their raw outputs without a link; return their number.

    Parameters
    ----------
    m : Memory
        The network's tables and constants, and the caller's samples (C-contiguous) and workspace.
        Behind its addresses are the number of samples, and the addresses of the loss's link and of
        the prediction (n, outputs); see ``memory_layout.OWN``.
    """
    n, link, p, size = m.pointers[ROWS_AT], m.pointers[LINK_AT], m.pointers[P_AT], m.header[SIZE]
    row = layer(m, m.header[LAYERS] - 1)
    k = row[WIDTH]
    for block in range((n + size - 1) // size):
        start = block * size
        count = min(size, n - start)
        forward(m, start * m.header[X_ROW], count, 0, 0, 1, 0)
        out = p + start * k * m.header[ITEM]
        if link == 0:
            write_raw(m, row[A], count * k, out)
            continue
        call(
            uint64(link),
            (
                address(m.work, row[A]),
                uint64(out),
                address(m.work, m.header[ZEROS]),
                uint64(count),
                uint64(k),
                uint64(k),
                address(m.numbers, 0),
            ),
        )
    return n


@njit
def write_raw(m: Memory, a: int, count: int, out: int) -> None:
    """Copy raw outputs from the workspace."""
    to = pointer(out, m.theta)
    for i in range(count):
        to[i] = m.work[a + i]
