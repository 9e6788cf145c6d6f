"""The program for small networks: many batches in one compiled call, without a BLAS.

Arrays are stored unit by unit with the samples innermost, so that even two units fill the
processor's vectors. The number of samples is rounded up to whole vectors by copies of the first
sample with weight 0. It runs in one thread and supports only Dense layers.

z of unit j is at ``work[row[Z] + j · p]``, p being the samples of a batch, rounded up.
"""

import numpy as np
from numba import uint64

from chainrule.compiled.kernels import simd, updates
from chainrule.compiled.kernels.memory import layer, njit, thread_sums
from chainrule.compiled.kernels.memory_layout import (
    ABSOLUTE,
    BATCH_T,
    BATCH_WEIGHT,
    BATCH_X,
    BATCHES,
    BLOCKS,
    CLIP_NORM,
    COUNT,
    DATA,
    ENDS,
    FIRST,
    LAYERS,
    LOSS,
    LOSS_K,
    NORM_SQUARE,
    ONES,
    ORDERS,
    PENALIZED,
    SAMPLES,
    SCRAP,
    SIZE,
    SQUARE,
    UNIT_WEIGHT,
    WEIGHTED,
    WEIGHTS,
    X_COLUMN,
    X_ROW,
    ZEROS,
    Memory,
    Pointer,
)
from chainrule.compiled.kernels.native import address, call, number, shifted
from chainrule.compiled.kernels.network_table import (
    BACKWARD,
    FORWARD,
    INPUTS,
    PASSES_ON,
    TRAINS_B,
    TRAINS_W,
    WIDTH,
    A,
    B,
    D,
    K,
    W,
    X,
    Z,
)
from chainrule.compiled.kernels.updates import clip_values, penalize, penalty, run_rule

FEW = 4  # number of sums that are stored at once

# Functions shared with the program for several threads.
penalty_sums, norm_part, change_whole = map(
    njit, (updates.penalty_sums, updates.norm_part, updates.change_whole)
)


@njit
def padded(m: Memory, n: int) -> int:
    """Return n, rounded up to whole vectors."""
    lanes = simd.lanes(simd.whole(m.work, 1, 1))
    return (n + lanes - 1) // lanes * lanes


# ---- a batch's samples --------------------------------------------------------------------------


@njit
def gather(m: Memory, order: int, start: int, n: int, p: int) -> None:
    """Copy the samples of a batch, unit by unit, and pad them with copies of the first."""
    header, sums = m.header, thread_sums(m, 0, 0)
    d, k = layer(m, 0)[INPUTS], layer(m, header[LAYERS] - 1)[WIDTH]
    sums[WEIGHTS] = 0.0
    for s in range(p):
        place = start + (s if s < n else 0)
        i = m.orders[order + place] if header[ORDERS] else place
        weight = m.weight[i] if header[WEIGHTED] else number(m.work, 1.0)
        weight = weight if s < n else number(m.work, 0.0)
        m.work[header[BATCH_WEIGHT] + s] = weight / number(m.work, n)
        sums[WEIGHTS] += weight * m.numbers[UNIT_WEIGHT]
        for c in range(d):
            x = m.x[i * header[X_ROW] + c * header[X_COLUMN]]
            m.work[header[BATCH_X] + c * p + s] = x
        for c in range(k):
            m.work[header[BATCH_T] + c * p + s] = m.t[i * k + c]


# ---- forward ------------------------------------------------------------------------------------


@njit
def forward_layer(m: Memory, place: int, p: int) -> None:
    """Compute z = W x + b and a = f(z), all units of a layer."""
    row, zero = layer(m, place), simd.whole(m.work, 1, 1)
    d, width, x, z, step = row[INPUTS], row[WIDTH], row[X], row[Z], simd.lanes(zero)
    for j in range(width):
        w = row[W] + j * d
        for c in range(0, p, step):
            total = zero
            if row[B] >= 0:
                one = simd.load_columns(zero, m.work, m.header[ONES], 0, None)
                total = simd.multiply_add(zero, simd.spread(zero, m.theta, row[B] + j, 0), one)
            for k in range(d):
                right = simd.load_columns(zero, m.work, x + k * p + c, 0, None)
                total = simd.multiply_add(total, simd.spread(zero, m.theta, w + k, 0), right)
            simd.store(total, m.work, z + j * p + c, 0, step)
    count = uint64(width * p)
    call(
        uint64(row[FORWARD]),
        (
            address(m.work, z),
            address(m.work, row[A]),
            address(m.work, m.header[ZEROS]),
            uint64(1),
            count,
            count,
            address(m.numbers, row[K]),
        ),
    )


@njit
def loss(m: Memory, p: int) -> None:
    """Compute do of all samples, and the loss."""
    row = layer(m, m.header[LAYERS] - 1)
    call(
        uint64(m.header[LOSS]),
        (
            address(m.work, row[A]),
            address(m.work, m.header[BATCH_T]),
            address(m.work, row[D]),
            address(m.work, m.header[ONES]),
            address(m.work, m.header[BATCH_WEIGHT]),
            address(thread_sums(m, 0, 0), DATA),
            uint64(row[WIDTH]),
            uint64(p),
            address(m.numbers, m.header[LOSS_K]),
        ),
    )


# ---- backward -----------------------------------------------------------------------------------


@njit
def backward_layer(m: Memory, place: int, p: int) -> None:
    """Compute delta, dW, db, and dx if a layer below needs it."""
    row = layer(m, place)
    count = uint64(row[WIDTH] * p)
    call(
        uint64(row[BACKWARD]),
        (
            address(m.work, row[D]),
            address(m.work, row[Z]),
            address(m.work, row[A]),
            # The bias sums are not used here: they are written to scrap memory.
            address(m.work, m.header[SCRAP]),
            uint64(1),
            count,
            count,
            address(m.numbers, row[K]),
        ),
    )
    for j in range(row[WIDTH]):
        if row[TRAINS_W] > 0:
            weight_sums(m, row, j, p)
        if row[TRAINS_B] > 0:
            bias_sum(m, row, j, p)
    if row[PASSES_ON]:
        input_sums(m, row, layer(m, place - 1), p)


@njit
def weight_sums(m: Memory, row: Pointer, j: int, p: int) -> None:
    """Compute dW of a unit: the sums over samples of delta x, a few inputs at a time."""
    few, one = simd.whole(m.work, 1, FEW), simd.whole(m.work, 1, 1)
    d, delta, x, step = row[INPUTS], row[D] + j * p, row[X], simd.lanes(one)
    at = row[W] + j * d
    whole = d - d % FEW
    for k in range(0, whole, FEW):
        total = few
        for c in range(0, p, step):
            left = simd.load_rows(few, m.work, delta + c, 0, None)
            right = simd.load_columns(few, m.work, x + k * p + c, p, None)
            total = simd.multiply_add(total, left, right)
        simd.store_sums(total, m.gradient, at + k, 0)
    for k in range(whole, d):
        sum1 = one
        for c in range(0, p, step):
            left1 = simd.load_rows(one, m.work, delta + c, 0, None)
            right1 = simd.load_columns(one, m.work, x + k * p + c, 0, None)
            sum1 = simd.multiply_add(sum1, left1, right1)
        simd.store_sums(sum1, m.gradient, at + k, 0)


@njit
def bias_sum(m: Memory, row: Pointer, j: int, p: int) -> None:
    """Compute db of a unit: the sum of delta over samples."""
    total, delta = simd.whole(m.work, 1, 1), row[D] + j * p
    ones = simd.load_columns(total, m.work, m.header[ONES], 0, None)
    for c in range(0, p, simd.lanes(total)):
        total = simd.multiply_add(total, simd.load_rows(total, m.work, delta + c, 0, None), ones)
    simd.store_sums(total, m.gradient, row[B] + j, 0)


@njit
def input_sums(m: Memory, row: Pointer, below: Pointer, p: int) -> None:
    """Compute dx = Wᵀ delta, which is da of the layer below."""
    zero = simd.whole(m.work, 1, 1)
    d, w, delta, dx = row[INPUTS], row[W], row[D], below[D]
    for k in range(d):
        for c in range(0, p, simd.lanes(zero)):
            total = zero
            for j in range(row[WIDTH]):
                right = simd.load_columns(zero, m.work, delta + j * p + c, 0, None)
                left = simd.spread(zero, m.theta, w + j * d + k, 0)
                total = simd.multiply_add(total, left, right)
            simd.store(total, m.work, dx + k * p + c, 0, 1)


# ---- update -------------------------------------------------------------------------------------


@njit
def change(m: Memory, update: int) -> None:
    """Update θ by the gradient: penalty, clipping, rule."""
    header = m.header
    if header[PENALIZED]:
        for place in range(header[LAYERS]):
            row = layer(m, place)
            if row[TRAINS_W] > 0:
                penalize(m, row[W], m.gradient, row[W], row[WIDTH] * row[INPUTS], 0, 1)
    if m.numbers[CLIP_NORM] > 0:
        thread_sums(m, 0, 0)[NORM_SQUARE] = 0.0
        norm_part(m, 0, 0, 1)
        change_whole(m, update, 0, 0, 1)
        return
    for place in range(header[BLOCKS]):
        block = shifted(m.blocks, 3 * place)
        start, count = block[0], block[1] - block[0]
        clip_values(m, m.gradient, start, count)
        run_rule(m, start, address(m.gradient, start), count, block[2], update, 0)


# ---- the run ------------------------------------------------------------------------------------


@njit
def one_batch(m: Memory, update: int, n: int, p: int) -> float:
    """Run one batch that has been gathered; return its loss, penalty included."""
    sums, layers = thread_sums(m, 0, 0), m.header[LAYERS]
    sums[DATA] = 0.0
    for place in range(layers):
        forward_layer(m, place, p)
    loss(m, p)
    if m.header[PENALIZED]:
        sums[ABSOLUTE], sums[SQUARE] = 0.0, 0.0
        penalty_sums(m, 0, 0, 1)
    value = sums[DATA] + penalty(m, 0, 1)
    if not np.isfinite(value):
        return value
    for place in range(layers - 1, -1, -1):
        backward_layer(m, place, p)
        if not layer(m, place)[PASSES_ON]:
            break
    change(m, update)
    return value


def run_tiny(m: Memory, rank: int, ranks: int) -> int:
    """Run batches; return the number of batches before a nonfinite loss.

    Parameters
    ----------
    m, rank, ranks
        As for ``batches.run_batches``; one thread runs it.
    """
    header, ended = m.header, 0
    seen = m.losses[header[ENDS]]
    for update in range(header[COUNT]):
        place = (header[FIRST] + update) % header[BATCHES]
        start, epoch = place * header[SIZE], (header[FIRST] + update) // header[BATCHES]
        n = min(header[SIZE], header[SAMPLES] - start)
        p = padded(m, n)
        if update == 0 or header[BATCHES] > 1:
            gather(m, epoch * header[SAMPLES], start, n, p)
        value = one_batch(m, update, n, p)
        if not np.isfinite(value):
            return update
        seen += value * n
        if place + 1 == header[BATCHES]:
            m.losses[ended] = seen
            ended, seen = ended + 1, 0.0
    m.losses[header[ENDS]] = seen
    return header[COUNT]
