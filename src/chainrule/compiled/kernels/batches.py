"""The program that trains: many batches in one compiled call, each with its update.

Every thread runs this program on its share of the work. Barriers separate the stages that need
results of other threads.
"""

import numpy as np
from numba import uint64

from chainrule.compiled.kernels.memory import launch, layer, njit, share, thread_sums
from chainrule.compiled.kernels.memory_layout import (
    ADD_PENALTIES,
    BATCH_T,
    BATCH_WEIGHT,
    BATCHES,
    CATCH_UP,
    CHANGE,
    CHANGE_WHOLE,
    COUNT,
    DATA,
    DERIVE,
    DIRECT,
    ENDS,
    FIRST,
    GATHER,
    LAYERS,
    LAZY,
    LIST_ENTRIES,
    LOSS,
    LOSS_K,
    MODE,
    NORM_PART,
    ONES,
    ORDERS,
    PARTS,
    PENALIZED,
    PENALTY_SUMS,
    SAMPLES,
    SIZE,
    SPARSE,
    STEP,
    WHOLE,
    X_ROW,
    Memory,
)
from chainrule.compiled.kernels.native import address, call, wait
from chainrule.compiled.kernels.network_table import (
    DENSE,
    INPUTS,
    KIND,
    PASSES_ON,
    RUN_BACKWARD,
    RUN_FORWARD,
    WIDTH,
    A,
    D,
    X,
)
from chainrule.compiled.kernels.updates import penalty, penalty_factor, total

# ---- forward ------------------------------------------------------------------------------------


@njit
def input_of(m: Memory, place: int, direct: int) -> tuple[int, int, int]:
    """Return whether a layer's x is in the data, its offset, and its row stride.

    Of sparse samples, instead of the first, the place of the batch in their order.
    """
    row = layer(m, place)
    if place == 0 and m.header[SPARSE]:
        return direct, 0, 0
    if place == 0 and direct >= 0:
        return 1, direct, m.header[X_ROW]
    return 0, row[X], row[INPUTS]


@njit
def forward(m: Memory, direct: int, n: int, step: int, rank: int, ranks: int, met: int) -> int:
    """Run all layers; `direct` is the offset of the first layer's x in the data, −1 if gathered."""
    for place in range(m.header[LAYERS]):
        given, x0, ldx = input_of(m, place, direct)
        words = (
            address(m.pointers, 0),
            uint64(place),
            uint64(given),
            uint64(x0),
            uint64(ldx),
            uint64(n),
            uint64(step),
            uint64(rank),
            uint64(ranks),
        )
        call(uint64(layer(m, place)[RUN_FORWARD]), words)
        met = wait(m.barrier, ranks, met)
    return met


@njit
def loss(m: Memory, n: int, turn: int, rank: int, ranks: int) -> None:
    """Compute do of this thread's samples, and its part of the loss."""
    row = layer(m, m.header[LAYERS] - 1)
    k = row[WIDTH]
    first, last = share(n, 1, rank, ranks)
    call(
        uint64(m.header[LOSS]),
        (
            address(m.work, row[A] + first * k),
            address(m.work, m.header[BATCH_T] + first * k),
            address(m.work, row[D] + first * k),
            address(m.work, m.header[BATCH_WEIGHT] + first),
            address(m.work, m.header[ONES]),
            address(thread_sums(m, turn, rank), DATA),
            uint64(last - first),
            uint64(k),
            address(m.numbers, m.header[LOSS_K]),
        ),
    )


# ---- backward -----------------------------------------------------------------------------------


@njit
def backward(
    m: Memory, direct: int, n: int, update: int, turn: int, rank: int, ranks: int, met: int
) -> int:
    """Run all layers downward; W is updated as soon as no thread needs the old values.

    The units of a Dense layer belong to the thread that computes dx for them in the layer above.
    So between two Dense layers, da needs no barrier; only delta does.
    """
    pending = -1
    for place in range(m.header[LAYERS] - 1, -1, -1):
        row = layer(m, place)
        dense = row[KIND] == DENSE
        words = uint64(place), uint64(n), uint64(rank), uint64(ranks)
        if place + 1 < m.header[LAYERS] and not (dense and layer(m, place + 1)[KIND] == DENSE):
            met = wait(m.barrier, ranks, met)  # da is complete
        if dense:
            launch(m, DERIVE, words)
        if not row[PASSES_ON]:
            change(m, place, direct, n, update, turn, rank, ranks)
            break
        if dense:
            met = wait(m.barrier, ranks, met)  # delta is complete
        if pending >= 0:
            change(m, pending, direct, n, update, turn, rank, ranks)
        call(uint64(row[RUN_BACKWARD]), (address(m.pointers, 0), *words))
        pending = place
    if pending >= 0:
        met = wait(m.barrier, ranks, met)  # dx is complete, and W can change
        change(m, pending, direct, n, update, turn, rank, ranks)
    return met


@njit
def change(
    m: Memory, place: int, direct: int, n: int, update: int, turn: int, rank: int, ranks: int
) -> None:
    """Update this thread's parameters of a layer."""
    given, x0, ldx = input_of(m, place, direct)
    words = (
        uint64(place),
        uint64(given),
        uint64(x0),
        uint64(ldx),
        uint64(n),
        uint64(update),
        uint64(turn),
        uint64(rank),
        uint64(ranks),
    )
    launch(m, CHANGE, words)


@njit
def change_by_gradient(m: Memory, update: int, turn: int, rank: int, ranks: int, met: int) -> int:
    """Update θ by the whole gradient, after all threads have computed their parts."""
    met = wait(m.barrier, ranks, met)
    launch(m, NORM_PART, (uint64(turn), uint64(rank), uint64(ranks)))
    met = wait(m.barrier, ranks, met)
    launch(m, CHANGE_WHOLE, (uint64(update), uint64(turn), uint64(rank), uint64(ranks)))
    return met


# ---- the run ------------------------------------------------------------------------------------


@njit
def gather(m: Memory, order: int, start: int, n: int, turn: int, rank: int, ranks: int) -> None:
    """Copy this thread's samples of a batch; of sparse ones, list all entries."""
    words = uint64(n), uint64(turn), uint64(m.header[DIRECT]), uint64(rank), uint64(ranks)
    launch(m, GATHER, (uint64(order), uint64(start), *words))
    if m.header[SPARSE] and rank == 0:
        launch(m, LIST_ENTRIES, (uint64(order), uint64(start), uint64(n)))


@njit
def one_batch(m: Memory, update: int, rank: int, ranks: int, met: int) -> tuple[float, int]:
    """Run one batch; return its loss, penalty included, and the number of barriers passed."""
    header, turn = m.header, update % 2
    place, epoch = (
        (header[FIRST] + update) % header[BATCHES],
        (header[FIRST] + update) // header[BATCHES],
    )
    start = place * header[SIZE]
    n = min(header[SIZE], header[SAMPLES] - start)
    direct = start * header[X_ROW] if header[DIRECT] else -1
    sums = thread_sums(m, turn, rank)
    for part in range(PARTS):
        sums[part] = 0.0
    order = epoch * header[SAMPLES]
    if header[SPARSE]:
        direct = order + start if header[ORDERS] else start
    gather(m, order, start, n, turn, rank, ranks)
    met = wait(m.barrier, ranks, met)
    if header[LAZY] and rank == 0:  # all threads need it, but not before the next barrier
        m.penalties[update] = penalty_factor(m, turn, ranks)
    met = forward(m, direct, n, header[STEP] + update, rank, ranks, met)
    loss(m, n, turn, rank, ranks)
    if header[PENALIZED]:
        launch(m, PENALTY_SUMS, (uint64(turn), uint64(rank), uint64(ranks)))
    met = wait(m.barrier, ranks, met)
    value = total(m, turn, DATA, ranks) + penalty(m, turn, ranks)
    if not np.isfinite(value):
        return value, met
    met = backward(m, direct, n, update, turn, rank, ranks, met)
    if header[MODE] == WHOLE:
        met = change_by_gradient(m, update, turn, rank, ranks, met)
    return value, wait(m.barrier, ranks, met)


def run_batches(m: Memory, rank: int, ranks: int) -> int:
    """Run batches; return the number of batches before a nonfinite loss.

    Parameters
    ----------
    m : Memory
        θ and the slots are updated in place. For each epoch that ends, ``losses`` receives the sum
        of each batch's loss times its samples; its last entry is that of the unfinished epoch.
    rank, ranks : int
        The number of this thread, and the number of threads that run this program.
    """
    met = wait(m.barrier, ranks, 0)
    header, ended = m.header, 0
    seen = m.losses[header[ENDS]]
    for update in range(header[COUNT]):
        value, met = one_batch(m, update, rank, ranks, met)
        if not np.isfinite(value):
            return update
        place = (header[FIRST] + update) % header[BATCHES]
        seen += value * min(header[SIZE], header[SAMPLES] - place * header[SIZE])
        if place + 1 == header[BATCHES]:
            if rank == 0:
                m.losses[ended] = seen
            ended, seen = ended + 1, 0.0
    if rank == 0:
        m.losses[header[ENDS]] = seen
    if header[LAZY]:
        launch(m, CATCH_UP, (uint64(rank), uint64(ranks)))
        wait(m.barrier, ranks, met)
        if rank == 0:
            launch(m, ADD_PENALTIES, (uint64(ranks),))
    return header[COUNT]
