"""The kernels that update θ: penalty, clipping and the optimizer's rule over a thread's share.

A rule is called by address, for a part of θ at a time. For SGD and momentum the update is part of
the matrix product that computes the gradient, so the gradient is never stored.
"""

from typing import Any

import numpy as np
from numba import uint64

from chainrule.compiled.kernels.memory import (
    launch,
    layer,
    njit,
    own_panel,
    setting,
    share,
    thread_sums,
)
from chainrule.compiled.kernels.memory_layout import (
    ABSOLUTE,
    ALPHA,
    ALPHA_AT,
    BETA_AT,
    BLOCKS,
    BY_PANELS,
    CLIP_NORM,
    CLIP_VALUE,
    DECAY,
    DECAY_AT,
    INSIDE_MOMENTUM,
    INSIDE_SGD,
    K_AT,
    L1,
    L2,
    LAYERS,
    LAZY,
    MODE,
    MOMENTUM,
    NORM_SQUARE,
    PANEL_SIZE,
    PENALIZED,
    PRODUCT,
    RATE_AT,
    RULE,
    SPARSE,
    SPARSE_CHANGE,
    SQUARE,
    STEP,
    SUMS,
    WEIGHTS,
    WHOLE,
    Memory,
    Pointer,
)
from chainrule.compiled.kernels.native import address, call, number, shifted
from chainrule.compiled.kernels.network_table import (
    DB,
    DENSE,
    INPUTS,
    KIND,
    LINE,
    NORM,
    TRAINS_B,
    TRAINS_W,
    WIDTH,
    B,
    W,
)

THETA, SLOT, GRADIENT, OWN_PANEL = range(4)  # destinations of ``layer_kernels.dense_weights``


# ---- a layer ------------------------------------------------------------------------------------


def change(
    m: Memory,
    place: int,
    given: int,
    x0: int,
    ldx: int,
    n: int,
    update: int,
    turn: int,
    rank: int,
    ranks: int,
) -> None:
    """Update this thread's parameters of a layer, or store their gradient."""
    row = layer(m, place)
    first, last = share(row[WIDTH], LINE, rank, ranks)
    if first == last or row[KIND] > NORM:
        return
    if row[KIND] == DENSE and row[TRAINS_W] > 0:
        change_weights(m, place, (given, x0, ldx, n), update, turn, (first, last), rank, ranks)
    if row[KIND] == NORM:
        launch(m, SUMS, (uint64(place), uint64(n), uint64(rank), uint64(ranks)))
        if row[TRAINS_W] > 0:
            panel = own_panel(m, rank) + first
            settle(m, row[W] + first, panel, last - first, 0, update, rank)
    if row[TRAINS_B] > 0:
        settle(m, row[B] + first, row[DB] + first, last - first, 0, update, rank)


@njit
def change_weights(
    m: Memory, place: int, x: Any, update: int, turn: int, own: Any, rank: int, ranks: int
) -> None:
    """Update some rows of W, whose gradient is deltaᵀ x."""
    row, mode = layer(m, place), m.header[MODE]
    (first, last), w, d = own, row[W], row[INPUTS]
    if place == 0 and m.header[SPARSE]:
        launch(m, SPARSE_CHANGE, (uint64(update), uint64(turn), uint64(rank), uint64(ranks)))
    elif mode == INSIDE_SGD:
        product(m, place, x, (THETA, w), own, (-m.rates[update], 1.0), rank)
    elif mode == INSIDE_MOMENTUM:
        product(m, place, x, (SLOT, w), own, (-m.rates[update], m.numbers[MOMENTUM]), rank)
        for i in range(w + first * d, w + last * d):
            m.theta[i] += m.slot[i]
    elif mode == BY_PANELS:
        change_by_panels(m, place, x, update, turn, own, rank, ranks)
    else:
        product(m, place, x, (GRADIENT, w), own, (1.0, 0.0), rank)
        start = w + first * d
        penalize(m, start, m.gradient, start, (last - first) * d, turn, ranks)


@njit
def change_by_panels(
    m: Memory, place: int, x: Any, update: int, turn: int, own: Any, rank: int, ranks: int
) -> None:
    """Update some rows of W, a few at a time, so that their gradient stays in the cache."""
    row, panel = layer(m, place), own_panel(m, rank)
    (first, last), d = own, row[INPUTS]
    step = max(1, m.header[PANEL_SIZE] // d)
    for start in range(first, last, step):
        stop = min(last, start + step)
        # The product counts rows from the first of W, so its start is that much before the panel.
        product(m, place, x, (OWN_PANEL, panel - start * d), (start, stop), (1.0, 0.0), rank)
        at, count = row[W] + start * d, (stop - start) * d
        penalize(m, at, m.work, panel, count, turn, ranks)
        settle(m, at, panel, count, 1, update, rank)


@njit
def product(m: Memory, place: int, x: Any, out: Any, rows: Any, factors: Any, rank: int) -> None:
    """Launch the product of delta and x."""
    constants = shifted(m.rule, 16 * rank)
    constants[ALPHA_AT], constants[BETA_AT] = factors
    (given, x0, ldx, n), (into, start), (first, last) = x, out, rows
    words = (
        uint64(place),
        uint64(given),
        uint64(x0),
        uint64(ldx),
        uint64(n),
        uint64(into),
        uint64(start),
        uint64(first),
        uint64(last),
        uint64(rank),
    )
    launch(m, PRODUCT, words)


@njit
def settle(m: Memory, start: int, g0: int, count: int, decays: int, update: int, rank: int) -> None:
    """Update some entries of θ by their gradient in the workspace, or store the gradient."""
    if m.header[MODE] == WHOLE:
        for i in range(count):
            m.gradient[start + i] = m.work[g0 + i]
        return
    clip_values(m, m.work, g0, count)
    run_rule(m, start, address(m.work, g0), count, decays, update, rank)


@njit
def run_rule(
    m: Memory, start: int, g: Any, count: int, decays: int, update: int, rank: int
) -> None:
    """Run the optimizer's rule over some entries."""
    constants, header = shifted(m.rule, 16 * rank), m.header
    constants[header[RATE_AT]] = m.rates[update]
    if header[K_AT] >= 0:
        constants[header[K_AT]] = header[STEP] + update + 1
    if header[DECAY_AT] >= 0:
        constants[header[DECAY_AT]] = m.numbers[DECAY] if decays else 0.0
    slots = address(m.slot, start), address(m.slot2, start)
    call(
        uint64(header[RULE]),
        (address(m.theta, start), g, slots[0], slots[1], uint64(count), address(constants, 0)),
    )


@njit
def clip_values(m: Memory, g: Pointer, g0: int, count: int) -> None:
    """Clip some entries of a gradient to the limits, if there are any."""
    limit = setting(m, CLIP_VALUE)
    if limit > 0:
        for i in range(g0, g0 + count):
            g[i] = bounded(g[i], limit)


@njit
def bounded(g: Any, limit: Any) -> Any:
    """Return g clipped to the limits; nonfinite values become NaN, which stops the run."""
    inside = limit if g > limit else max(g, -limit)
    return inside + np.float32(0) * g


@njit
def shortening(norm: float, limit: float) -> float:
    """Return the factor that clips a gradient of this norm; NaN for an infinite norm."""
    return limit / norm + 0 * norm if norm > limit else 1.0 + 0 * norm


# ---- the penalty --------------------------------------------------------------------------------


def penalty_sums(m: Memory, turn: int, rank: int, ranks: int) -> None:
    """Sum the absolute values and the squares of this thread's weights."""
    sums = thread_sums(m, turn, rank)
    for place in range(m.header[LAYERS]):
        row = layer(m, place)
        if row[KIND] == DENSE and not (place == 0 and m.header[LAZY]):
            first, last = share(row[WIDTH], LINE, rank, ranks)
            for j in range(first, last):
                size, square = number(m.theta, 0.0), number(m.theta, 0.0)
                for i in range(row[W] + j * row[INPUTS], row[W] + (j + 1) * row[INPUTS]):
                    size += abs(m.theta[i])
                    square += m.theta[i] * m.theta[i]
                sums[ABSOLUTE] += size
                sums[SQUARE] += square


@njit
def penalize(m: Memory, start: int, g: Pointer, g0: int, count: int, turn: int, ranks: int) -> None:
    """Add the penalty's gradient to the gradient of some weights."""
    if not m.header[PENALIZED]:
        return
    factor = penalty_factor(m, turn, ranks)
    add_penalty(m, start, g, g0, count, number(m.theta, factor))


@njit
def penalty_factor(m: Memory, turn: int, ranks: int) -> float:
    """Return the factor of w in the gradient of the batch's penalty."""
    return 2 * m.numbers[L2] + m.numbers[ALPHA] / weights_sum(m, turn, ranks)


@njit
def add_penalty(m: Memory, start: int, g: Pointer, g0: int, count: int, factor: Any) -> None:
    """Add the penalty's gradient, with this factor of w, to the gradient of some weights."""
    l1, zero = setting(m, L1), number(m.theta, 0.0)
    for i in range(count):
        w = m.theta[start + i]
        sign = l1 if w > 0 else (-l1 if w < 0 else zero * w)
        g[g0 + i] += sign + factor * w


@njit
def weights_sum(m: Memory, turn: int, ranks: int) -> float:
    """Return the batch's sum of unscaled sample weights; infinity if it is 0."""
    given = total(m, turn, WEIGHTS, ranks)
    return given if given > 0 else np.inf


@njit
def total(m: Memory, turn: int, part: int, ranks: int) -> float:
    """Return a sum over all threads."""
    value = 0.0
    for rank in range(ranks):
        value += thread_sums(m, turn, rank)[part]
    return value


@njit
def penalty(m: Memory, turn: int, ranks: int) -> float:
    """Return the penalty of the batch."""
    if not m.header[PENALIZED]:
        return 0.0
    of_squares = m.numbers[L2] + m.numbers[ALPHA] / (2 * weights_sum(m, turn, ranks))
    absolute, square = total(m, turn, ABSOLUTE, ranks), total(m, turn, SQUARE, ranks)
    return m.numbers[L1] * absolute + of_squares * square


# ---- updates by the whole gradient --------------------------------------------------------------


def norm_part(m: Memory, turn: int, rank: int, ranks: int) -> None:
    """Sum the squares of this thread's part of the gradient of trainable entries."""
    sums = thread_sums(m, turn, rank)
    for place in range(m.header[BLOCKS]):
        block = shifted(m.blocks, 3 * place)
        first, last = share(block[1] - block[0], LINE, rank, ranks)
        square = number(m.theta, 0.0)
        for i in range(block[0] + first, block[0] + last):
            square += m.gradient[i] * m.gradient[i]
        sums[NORM_SQUARE] += square


def change_whole(m: Memory, update: int, turn: int, rank: int, ranks: int) -> None:
    """Update this thread's part of θ by the gradient, clipped to the allowed norm."""
    limit, norm = m.numbers[CLIP_NORM], np.sqrt(total(m, turn, NORM_SQUARE, ranks))
    factor = number(m.theta, shortening(norm, limit))
    for place in range(m.header[BLOCKS]):
        block = shifted(m.blocks, 3 * place)
        first, last = share(block[1] - block[0], LINE, rank, ranks)
        start = block[0] + first
        for i in range(start, block[0] + last):
            m.gradient[i] *= factor
        g = address(m.gradient, start)
        run_rule(m, start, g, last - first, block[2], update, rank)
