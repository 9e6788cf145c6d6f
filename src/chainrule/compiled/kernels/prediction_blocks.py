"""The program for prediction: one block of samples in one compiled call.

Concurrent calls share the network's tables, which are only read; each has its own workspace.
"""

from numba import uint64

from chainrule.compiled.kernels import memory_layout as mem
from chainrule.compiled.kernels.batches import forward
from chainrule.compiled.kernels.memory import layer
from chainrule.compiled.kernels.memory_layout import Memory
from chainrule.compiled.kernels.native import address, call, pointer
from chainrule.compiled.kernels.network_table import WIDTH, A


def run_forward(m: Memory) -> int:
    """Write the prediction of up to a block of samples, or the raw output without a link.

    Parameters
    ----------
    m : Memory
        The network's tables and constants, and the caller's samples (C-contiguous) and workspace.
        Behind its addresses are the number of samples, and the addresses of the loss's link and of
        the prediction (n, outputs); see ``memory_layout.OWN``.
    """
    n, link, p = m.pointers[mem.ROWS_AT], m.pointers[mem.LINK_AT], m.pointers[mem.P_AT]
    forward(m, 0, n, 0, 0, 1, 0)
    row = layer(m, m.header[mem.LAYERS] - 1)
    k, out = row[WIDTH], pointer(p, m.theta)
    if link == 0:
        for i in range(n * k):
            out[i] = m.work[row[A] + i]
        return n
    call(
        uint64(link),
        (
            address(m.work, row[A]),
            uint64(p),
            address(m.work, m.header[mem.ZEROS]),
            uint64(n),
            uint64(k),
            uint64(k),
            address(m.numbers, 0),
        ),
    )
    return n
