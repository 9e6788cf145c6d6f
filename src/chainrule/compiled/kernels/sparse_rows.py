"""The first layer of sparse samples: its products and updates, for the columns of a batch.

During a call, W and its slots are stored as (in, out), so that the weights of an input are
contiguous. Each thread owns some units, as in ``layer_kernels``, of all inputs.

An update changes all of W: penalties and moving averages also change the weights of inputs that
are 0 in the whole batch. These updates are made later, when an input is needed again or at the end
of the call: the same operations in the same order, while the weights are in the cache. The penalty
of W before an update is therefore known only at the end, and added to the losses there.
"""

from typing import Any

from chainrule.compiled.kernels.layer_kernels import activate_units
from chainrule.compiled.kernels.memory import layer, njit, own_panel, share
from chainrule.compiled.kernels.memory_layout import (
    BATCHES,
    COUNT,
    COUNTS,
    ENDS,
    ENTRIES,
    FIRST,
    IDLE,
    L1,
    LAZY,
    LISTED,
    MODE,
    ORDERS,
    PENALIZED,
    SAMPLES,
    SIZE,
    STARTS,
    STEP,
    WHOLE,
    Memory,
)
from chainrule.compiled.kernels.native import address, fetch, number
from chainrule.compiled.kernels.network_table import INPUTS, LINE, WIDTH, D, W, Z
from chainrule.compiled.kernels.updates import (
    add_penalty,
    clip_values,
    penalize,
    run_rule,
)

AHEAD = 4  # entries or inputs whose weights are prefetched while those of one are used
LINE_NUMBERS = 8  # that are prefetched at once: of float64 as many as there are in a cache line

# ---- the entries of a batch, by column ----------------------------------------------------------


def list_entries(m: Memory, order: int, start: int, n: int) -> None:
    """List the entries of a batch by column, in the order in which the columns first appear.

    ``listing`` begins with the number of columns. At COUNTS is a number for each input, which is 0
    between calls; at LISTED the columns; at STARTS where their entries begin; at ENTRIES the
    sample of each entry.
    """
    given, header = m.listing, m.header
    counts, listed, starts = header[COUNTS], header[LISTED], header[STARTS]
    found = 0
    for s in range(n):
        i = m.orders[order + start + s] if header[ORDERS] else start + s
        for e in range(m.bounds[i], m.bounds[i + 1]):
            c = m.columns[e]
            if given[counts + c] == 0:
                given[listed + found] = c
                found += 1
            given[counts + c] += 1
    given[0], total = found, 0
    for q in range(found):
        c = given[listed + q]
        given[starts + q] = total
        total += given[counts + c]
        given[counts + c] = given[starts + q]  # where the next entry of this column goes
    given[starts + found] = total
    for s in range(n):
        i = m.orders[order + start + s] if header[ORDERS] else start + s
        for e in range(m.bounds[i], m.bounds[i + 1]):
            c = m.columns[e]
            at = given[counts + c]
            given[header[ENTRIES] + at], m.listed[at] = s, m.x[e]
            given[counts + c] = at + 1
    for q in range(found):
        given[counts + given[listed + q]] = 0


# ---- forward ------------------------------------------------------------------------------------


def sparse_forward(
    m: Memory, place: int, start: int, x0: int, ldx: int, n: int, step: int, rank: int, ranks: int
) -> None:
    """Compute z and a of this thread's units; `start` is the place of the batch in ``orders``."""
    row, header = layer(m, place), m.header
    first, last = share(row[WIDTH], LINE, rank, ranks)
    if first == last:
        return
    if header[LAZY]:
        for q in range(m.listing[0]):
            fetch_weights(m, q + AHEAD, first, last)
            catch_up(m, m.listing[header[LISTED] + q], step - header[STEP], first, last, rank)
    for s in range(n):
        z = row[Z] + s * row[WIDTH] + first
        clear(m.work, z, last - first)
        i = m.orders[start + s] if header[ORDERS] else start + s
        for e in range(m.bounds[i], m.bounds[i + 1]):
            c, ahead = m.columns[e], m.columns[min(e + AHEAD, m.bounds[i + 1] - 1)]
            for k in range(
                row[W] + ahead * row[WIDTH] + first,
                row[W] + ahead * row[WIDTH] + last,
                LINE_NUMBERS,
            ):
                fetch(m.theta, k)
            w = row[W] + c * row[WIDTH] + first
            add_multiple(m.work, z, m.x[e], m.theta, w, last - first)
    activate_units(m, row, n, first, last)


@njit
def fetch_weights(m: Memory, q: int, first: int, last: int) -> None:
    """Prefetch the weights, and their averages, of one of the columns of the batch."""
    if q >= m.listing[0]:
        return
    row = layer(m, 0)
    start = row[W] + m.listing[m.header[LISTED] + q] * row[WIDTH]
    for i in range(start + first, start + last, LINE_NUMBERS):
        fetch(m.theta, i)
        fetch(m.slot, i)
        fetch(m.slot2, i)


@njit
def add_multiple(to: Any, at: int, factor: Any, of: Any, start: int, count: int) -> None:
    """Add a multiple of some numbers to others."""
    for i in range(count):
        to[at + i] += factor * of[start + i]


# ---- updates ------------------------------------------------------------------------------------


def sparse_change(m: Memory, update: int, turn: int, rank: int, ranks: int) -> None:
    """Update this thread's units for the inputs of the batch, or store the gradient of all."""
    row, header = layer(m, 0), m.header
    width = row[WIDTH]
    first, last = share(width, LINE, rank, ranks)
    if header[MODE] == WHOLE:
        begin_gradient(m, first, last, turn, ranks)
    for q in range(m.listing[0]):
        fetch_weights(m, q + AHEAD, first, last)
        c = m.listing[header[LISTED] + q]
        start = row[W] + c * width + first
        whole = header[MODE] == WHOLE
        g, g0 = (m.gradient, start) if whole else (m.work, own_panel(m, rank))
        if not whole:
            clear(g, g0, last - first)
        begin, end = m.listing[header[STARTS] + q], m.listing[header[STARTS] + q + 1]
        for e in range(begin, end):
            delta = row[D] + m.listing[header[ENTRIES] + e] * width + first
            add_multiple(g, g0, m.listed[e], m.work, delta, last - first)
        if not whole:
            update_input(m, start, last - first, update, rank)
        if header[LAZY]:
            m.done[rank * row[INPUTS] + c] = update + 1


@njit
def begin_gradient(m: Memory, first: int, last: int, turn: int, ranks: int) -> None:
    """Write the penalty's gradient of this thread's units, for all inputs."""
    row = layer(m, 0)
    for c in range(row[INPUTS]):
        start = row[W] + c * row[WIDTH] + first
        clear(m.gradient, start, last - first)
        penalize(m, start, m.gradient, start, last - first, turn, ranks)


@njit
def clear(g: Any, g0: int, count: int) -> None:
    """Write zeros."""
    for i in range(g0, g0 + count):
        g[i] = 0


@njit
def update_input(m: Memory, start: int, count: int, update: int, rank: int) -> None:
    """Update some weights of an input by their gradient in this thread's panel."""
    g0 = own_panel(m, rank)
    if m.header[PENALIZED]:
        add_sums(m, start, count, update, rank)
        add_penalty(m, start, m.work, g0, count, number(m.theta, m.penalties[update]))
    clip_values(m, m.work, g0, count)
    run_rule(m, start, address(m.work, g0), count, 1, update, rank)


@njit
def add_sums(m: Memory, start: int, count: int, update: int, rank: int) -> None:
    """Add some weights, as they are before an update, to the sums for its penalty."""
    size, square = number(m.theta, 0.0), number(m.theta, 0.0)
    for i in range(start, start + count):
        size += abs(m.theta[i])
        square += m.theta[i] * m.theta[i]
    at = m.header[COUNT] * (1 + 2 * rank) + update
    m.penalties[at] += size
    m.penalties[at + m.header[COUNT]] += square


# ---- updates that were put off ------------------------------------------------------------------


@njit
def catch_up(m: Memory, c: int, update: int, first: int, last: int, rank: int) -> None:
    """Make the updates of an input's weights that come before `update`, without any entries."""
    row = layer(m, 0)
    at, start = rank * row[INPUTS] + c, row[W] + c * row[WIDTH] + first
    count = last - first
    if m.done[at] < update and not rests(m, start, count):
        for k in range(m.done[at], update):
            clear(m.work, own_panel(m, rank), count)
            update_input(m, start, count, k, rank)
    m.done[at] = update


@njit
def rests(m: Memory, start: int, count: int) -> bool:
    """Return whether some weights stay as they are without a gradient: their averages are 0."""
    slots = m.header[IDLE]
    for i in range(start, start + count):
        if m.slot[i] != 0 or (slots > 1 and m.slot2[i] != 0):
            return False
    return slots > 0


def catch_up_all(m: Memory, rank: int, ranks: int) -> None:
    """Make all updates that were put off, of this thread's units."""
    row = layer(m, 0)
    first, last = share(row[WIDTH], LINE, rank, ranks)
    if first == last:
        return
    for c in range(row[INPUTS]):
        catch_up(m, c, m.header[COUNT], first, last, rank)


def add_penalties(m: Memory, ranks: int) -> None:
    """Add the penalty of the first layer's W at each update to the losses of the epochs."""
    header, count = m.header, m.header[COUNT]
    for update in range(count):
        absolute, square = 0.0, 0.0
        for rank in range(ranks):
            at = count * (1 + 2 * rank) + update
            absolute += m.penalties[at]
            square += m.penalties[at + count]
        epoch, place = (
            (header[FIRST] + update) // header[BATCHES],
            (header[FIRST] + update) % header[BATCHES],
        )
        n = min(header[SIZE], header[SAMPLES] - place * header[SIZE])
        value = m.numbers[L1] * absolute + m.penalties[update] / 2 * square
        m.losses[min(epoch, header[ENDS])] += value * n
