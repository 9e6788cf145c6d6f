"""The forward and backward kernels of each layer, for one thread's share of a batch.

A layer's kernel is fused: a matrix product, then bias and activation in one pass. ``batches`` calls
the kernels and synchronizes the threads.

Each thread owns some units of every Dense layer, whose rows of W stay in its cache. In other layers
it owns samples. A kernel takes the memory and integers: the index of its layer; `given`, 1 if x is
in the data and 0 if it is in the workspace; x0 and ldx, the offset and the row stride of x; n, the
samples of the batch; rank and ranks, the number of this thread and of all threads.
"""

from typing import Any

import numpy as np
from numba import uint64

from chainrule.compiled.kernels import gemm
from chainrule.compiled.kernels.blas import forward_gemm, input_gemm, weight_gemm
from chainrule.compiled.kernels.gemm import forward_product, input_product, weight_product
from chainrule.compiled.kernels.memory import array, layer, njit, own_panel, share, thread_sums
from chainrule.compiled.kernels.memory_layout import (
    ALPHA_AT,
    BATCH_T,
    BATCH_WEIGHT,
    BATCH_X,
    BETA_AT,
    DROPS,
    FIRST_SAMPLE,
    ITEM,
    LAYERS,
    ORDERS,
    SEED,
    UNIT_WEIGHT,
    WEIGHTED,
    WEIGHTS,
    X_COLUMN,
    X_ROW,
    ZEROS,
    Memory,
)
from chainrule.compiled.kernels.native import address, call, fetch, number
from chainrule.compiled.kernels.network_table import (
    BACKWARD,
    BORDER,
    DB,
    FORWARD,
    INPUTS,
    LINE,
    PLACE,
    WIDTH,
    A,
    B,
    D,
    K,
    R,
    W,
    Z,
)

pays = njit(gemm.pays)

AHEAD = 4  # number of samples that are prefetched while one is copied

# ---- a batch's samples --------------------------------------------------------------------------


def gather(
    m: Memory, order: int, start: int, n: int, turn: int, whole: int, rank: int, ranks: int
) -> None:
    """Copy this thread's samples of a batch, with their weights divided by n, into the workspace.

    x is not copied if the batch is contiguous in the data (`whole`).
    """
    header, sums = m.header, thread_sums(m, turn, rank)
    d, k = layer(m, 0)[INPUTS], layer(m, header[LAYERS] - 1)[WIDTH]
    first, last = share(n, 1, rank, ranks)
    for s in range(first, last):
        i = m.orders[order + start + s] if header[ORDERS] else start + s
        weight = m.weight[i] if header[WEIGHTED] else number(m.work, 1.0)
        m.work[header[BATCH_WEIGHT] + s] = weight / number(m.work, n)
        sums[WEIGHTS] += weight * m.numbers[UNIT_WEIGHT]
        for c in range(k):
            m.work[header[BATCH_T] + s * k + c] = m.t[i * k + c]
        if not whole:
            if s + AHEAD < last:
                fetch_row(m, m.orders[order + start + s + AHEAD] if header[ORDERS] else i, d)
            gather_row(m, i, header[BATCH_X] + s * d, d)


@njit
def fetch_row(m: Memory, i: int, d: int) -> None:
    """Prefetch a sample into the cache, since shuffled samples are far from each other."""
    if m.header[X_COLUMN] == 1:
        for c in range(0, d, LINE):
            fetch(m.x, i * m.header[X_ROW] + c)


@njit
def gather_row(m: Memory, i: int, to: int, d: int) -> None:
    """Copy one sample."""
    x0, step = i * m.header[X_ROW], m.header[X_COLUMN]
    if step == 1:
        for c in range(d):
            m.work[to + c] = m.x[x0 + c]
    else:
        for c in range(d):
            m.work[to + c] = m.x[x0 + c * step]


# ---- Dense: a = f(x Wᵀ + b) ---------------------------------------------------------------------


def dense_forward(
    m: Memory, place: int, given: int, x0: int, ldx: int, n: int, step: int, rank: int, ranks: int
) -> None:
    """Compute z and a of this thread's units."""
    row, x = layer(m, place), m.x if given else m.work
    d, width = row[INPUTS], row[WIDTH]
    first, last = share(width, LINE, rank, ranks)
    if first == last:
        return
    w, z = array(m.theta), array(m.work)
    if pays(n, d, last - first, m.header[ITEM]):
        forward_product(array(x), x0, ldx, w, row[W], d, z, row[Z], width, n, d, first, last)
    else:
        forward_gemm(array(x), x0, ldx, w, row[W], d, z, row[Z], width, n, d, first, last)
    activate_units(m, row, n, first, last)


def dense_turned(
    m: Memory, place: int, given: int, x0: int, ldx: int, n: int, step: int, rank: int, ranks: int
) -> None:
    """Compute z and a of all units, for a prediction whose W is stored turned: (inputs, units).

    Then vectors hold units, and no sums over the lanes of a vector are needed.
    """
    row, x = layer(m, place), m.x if given else m.work
    d, width, w, z = row[INPUTS], row[WIDTH], array(m.theta), array(m.work)
    input_product(array(x), x0, ldx, w, row[W], width, z, row[Z], width, n, d, np.intp(0), width)
    activate_units(m, row, n, np.intp(0), width)


@njit
def activate_units(m: Memory, row: Any, n: int, first: int, last: int) -> None:
    """Add the bias to z, and compute a, of some units."""
    bias = address(m.theta, row[B] + first) if row[B] >= 0 else address(m.work, m.header[ZEROS])
    call(
        uint64(row[FORWARD]),
        (
            address(m.work, row[Z] + first),
            address(m.work, row[A] + first),
            bias,
            uint64(n),
            uint64(last - first),
            uint64(row[WIDTH]),
            address(m.numbers, row[K]),
        ),
    )


def dense_derive(m: Memory, place: int, n: int, rank: int, ranks: int) -> None:
    """Compute delta from da for this thread's units, and its sums over samples."""
    row = layer(m, place)
    width = row[WIDTH]
    first, last = share(width, LINE, rank, ranks)
    if first == last:
        return
    for i in range(row[DB] + first, row[DB] + last):
        m.work[i] = 0
    call(
        uint64(row[BACKWARD]),
        (
            address(m.work, row[D] + first),
            address(m.work, row[Z] + first),
            address(m.work, row[A] + first),
            address(m.work, row[DB] + first),
            uint64(n),
            uint64(last - first),
            uint64(width),
            address(m.numbers, row[K]),
        ),
    )


def dense_backward(m: Memory, place: int, n: int, rank: int, ranks: int) -> None:
    """Compute dx = delta W for this thread's inputs, which are units of the layer below."""
    row, below = layer(m, place), layer(m, place - 1)
    d, width = row[INPUTS], row[WIDTH]
    first, last = share(d, LINE, rank, ranks)
    if first == last:
        return
    w, work = array(m.theta), array(m.work)
    if pays(n, width, last - first, m.header[ITEM]):
        input_product(work, row[D], width, w, row[W], d, work, below[D], d, n, width, first, last)
    else:
        input_gemm(work, row[D], width, w, row[W], d, work, below[D], d, n, width, first, last)


def dense_weights(  # noqa: PLR0913, PLR0917 (a matrix, a slice of its rows, and the destination)
    m: Memory,
    place: int,
    given: int,
    x0: int,
    ldx: int,
    n: int,
    into: int,
    start: int,
    first: int,
    last: int,
    rank: int,
) -> None:
    """Compute beta · (rows of an array with the layout of W) + alpha · deltaᵀ x, in place.

    `into` is 0 for θ, 1 for the first slot, 2 for the gradient, 3 for the thread's panel; `start`
    is the offset of W in it. alpha and beta are the last of the thread's constants of the rule.
    """
    row, x = layer(m, place), array(m.x if given else m.work)
    d, width = row[INPUTS], row[WIDTH]
    out = array(
        m.theta if into == 0 else m.slot if into == 1 else m.gradient if into == 2 else m.work
    )
    alpha = number(m.theta, m.rule[16 * rank + ALPHA_AT])
    beta = number(m.theta, m.rule[16 * rank + BETA_AT])
    delta = array(m.work)
    if pays(n, d, last - first, m.header[ITEM]):
        weight_product(
            delta, row[D], width, x, x0, ldx, out, start, d, n, d, first, last, alpha, beta
        )
    else:
        weight_gemm(delta, row[D], width, x, x0, ldx, out, start, d, n, d, first, last, alpha, beta)


# ---- LayerNorm: each sample normalized to mean 0 and variance 1, then scaled --------------------


def norm_forward(
    m: Memory, place: int, given: int, x0: int, ldx: int, n: int, step: int, rank: int, ranks: int
) -> None:
    """Compute xhat (in Z), r and a of this thread's samples."""
    row, x = layer(m, place), m.x if given else m.work
    d, w, b, eps = row[WIDTH], row[W], row[B], number(m.work, m.numbers[row[K]])
    first, last = share(n, 1, rank, ranks)
    for s in range(first, last):
        x1, z1, a1 = x0 + s * ldx, row[Z] + s * d, row[A] + s * d
        mu = number(m.work, 0.0)
        for i in range(d):
            mu += x[x1 + i]
        mu /= number(m.work, d)
        var = number(m.work, 0.0)
        for i in range(d):
            c = x[x1 + i] - mu
            m.work[z1 + i] = c
            var += c * c
        r = number(m.work, 1.0) / np.sqrt(var / number(m.work, d) + eps)
        m.work[row[R] + s] = r
        for i in range(d):
            xhat = m.work[z1 + i] * r
            m.work[z1 + i] = xhat
            m.work[a1 + i] = xhat * m.theta[w + i] + m.theta[b + i]


def norm_backward(m: Memory, place: int, n: int, rank: int, ranks: int) -> None:
    """Compute dx of this thread's samples."""
    row, below = layer(m, place), layer(m, place - 1)
    d, w = row[WIDTH], row[W]
    first, last = share(n, 1, rank, ranks)
    for s in range(first, last):
        d1, z1, e1, r = row[D] + s * d, row[Z] + s * d, below[D] + s * d, m.work[row[R] + s]
        mean, along = number(m.work, 0.0), number(m.work, 0.0)
        for i in range(d):
            dxhat = m.work[d1 + i] * m.theta[w + i]
            mean += dxhat
            along += dxhat * m.work[z1 + i]
        mean /= number(m.work, d)
        along /= number(m.work, d)
        for i in range(d):
            dxhat = m.work[d1 + i] * m.theta[w + i]
            m.work[e1 + i] = r * (dxhat - mean - m.work[z1 + i] * along)


def norm_sums(m: Memory, place: int, n: int, rank: int, ranks: int) -> None:
    """Compute dW (in this thread's panel) and db of this thread's units."""
    row, dw = layer(m, place), own_panel(m, rank)
    d, db = row[WIDTH], row[DB]
    first, last = share(d, LINE, rank, ranks)
    for i in range(first, last):
        m.work[dw + i] = 0
        m.work[db + i] = 0
    for s in range(n):
        d1, z1 = row[D] + s * d, row[Z] + s * d
        for i in range(first, last):
            m.work[dw + i] += m.work[d1 + i] * m.work[z1 + i]
            m.work[db + i] += m.work[d1 + i]


# ---- ActivationLayer: a = f(x) ------------------------------------------------------------------


def activate_forward(
    m: Memory, place: int, given: int, x0: int, ldx: int, n: int, step: int, rank: int, ranks: int
) -> None:
    """Compute a of this thread's samples; x is stored in Z."""
    row, x = layer(m, place), m.x if given else m.work
    d = row[WIDTH]
    first, last = share(n, 1, rank, ranks)
    for s in range(first, last):
        for i in range(d):
            m.work[row[Z] + s * d + i] = x[x0 + s * ldx + i]
    call(
        uint64(row[FORWARD]),
        (
            address(m.work, row[Z] + first * d),
            address(m.work, row[A] + first * d),
            address(m.work, m.header[ZEROS]),
            uint64(last - first),
            uint64(d),
            uint64(d),
            address(m.numbers, row[K]),
        ),
    )


def activate_backward(m: Memory, place: int, n: int, rank: int, ranks: int) -> None:
    """Compute dx for this thread's samples; the bias sums it produces are discarded."""
    row, below = layer(m, place), layer(m, place - 1)
    d = row[WIDTH]
    first, last = share(n, 1, rank, ranks)
    for i in range(first * d, last * d):
        m.work[below[D] + i] = m.work[row[D] + i]
    call(
        uint64(row[BACKWARD]),
        (
            address(m.work, below[D] + first * d),
            address(m.work, row[Z] + first * d),
            address(m.work, row[A] + first * d),
            address(m.work, own_panel(m, rank)),
            uint64(last - first),
            uint64(d),
            uint64(d),
            address(m.numbers, row[K]),
        ),
    )


# ---- Dropout: random units are dropped ----------------------------------------------------------


def dropout_forward(
    m: Memory, place: int, given: int, x0: int, ldx: int, n: int, step: int, rank: int, ranks: int
) -> None:
    """Compute a of this thread's samples; the mask, of zeros and ones, is stored in Z."""
    row, x = layer(m, place), m.x if given else m.work
    d, keep = row[WIDTH], number(m.work, m.numbers[row[K]])
    one, zero, rests = number(m.work, 1.0), number(m.work, 0.0), not m.header[DROPS]
    border = uint64(row[BORDER])
    key = mix(mix(mix(uint64(m.header[SEED])) + uint64(step)) + uint64(row[PLACE]))
    keep = one if rests else keep
    first, last = share(n, 1, rank, ranks)
    for s in range(first, last):
        sample = mix(key + uint64(m.header[FIRST_SAMPLE] + s))
        for i in range(d):
            mask = one if rests or mix(sample + uint64(i)) >= border else zero
            m.work[row[Z] + s * d + i] = mask
            m.work[row[A] + s * d + i] = x[x0 + s * ldx + i] * mask / keep


def dropout_backward(m: Memory, place: int, n: int, rank: int, ranks: int) -> None:
    """Compute dx of this thread's samples."""
    row, below = layer(m, place), layer(m, place - 1)
    d = row[WIDTH]
    keep = number(m.work, m.numbers[row[K]] if m.header[DROPS] else 1.0)
    first, last = share(n, 1, rank, ranks)
    for i in range(first * d, last * d):
        m.work[below[D] + i] = m.work[row[D] + i] * m.work[row[Z] + i] / keep


@njit
def mix(key: Any) -> Any:
    """Hash 64 bits, as ``chainrule.layers.mix`` does."""
    key = key + uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> uint64(27))) * uint64(0x94D049BB133111EB)
    return key ^ (key >> uint64(31))
