"""The program for prediction: one block of samples in one compiled call.

Concurrent calls share the network's tables, which are only read; each has its own workspace.
"""

import numpy as np
from numba import uint64

from chainrule.compiled.kernels import memory_layout as mem
from chainrule.compiled.kernels.batches import forward
from chainrule.compiled.kernels.memory import layer, memory_of
from chainrule.compiled.kernels.memory_layout import Memory
from chainrule.compiled.kernels.native import address, call, pointer
from chainrule.compiled.kernels.network_table import WIDTH, A

FIELD_INDEX = len(Memory._fields)
POINTERS, THETA, DATA, WORK = (mem.FIELD_INDEX[name] for name in ("pointers", "theta", "x", "work"))


def run_forward(shared: Memory, theta: int, x: int, n: int, link: int, p: int, own: int) -> int:
    """Write the prediction of up to a block of samples, or the raw output if `link` is 0.

    Parameters
    ----------
    shared : Memory
        Tables and constants; the fields of a single call are missing.
    theta, x : int
        The addresses of the parameters and of C-contiguous samples.
    n : int
    link : int
        The address of the loss's link.
    p : int
        The address of the prediction (n, outputs).
    own : int
        The address of words for the memory's addresses (`OWN`), followed by the workspace.
    """
    pointers = pointer(own, np.int64)
    for field in range(FIELD_INDEX):
        pointers[field] = shared.pointers[field]
    pointers[POINTERS], pointers[WORK] = own, own + 8 * mem.OWN
    pointers[THETA], pointers[DATA] = theta, x
    m = memory_of(pointers, shared.theta)
    for i in range(m.header[mem.ZEROS], m.header[mem.PANEL]):
        m.work[i] = 0
    forward(m, 0, n, 0, 0, 1, 0)
    row = layer(m, m.header[mem.LAYERS] - 1)
    k, out = row[WIDTH], pointer(p, shared.theta)
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
