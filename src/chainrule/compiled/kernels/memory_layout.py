"""The memory of a run: its arrays, and a header of integers: sizes, offsets and addresses.

Python writes it (``engine``, ``predicting``) and compiled code reads it (``memory``).
"""

from typing import Any, NamedTuple, TypeAlias

from chainrule.compiled.kernels.network_table import SETTINGS

Pointer: TypeAlias = Any

# ---- the header: sizes, offsets, addresses ------------------------------------------------------

SAMPLES, SIZE, BATCHES, FIRST, COUNT, STEP, SEED = range(7)  # of data, a batch, an epoch, this call
X_ROW, X_COLUMN = range(7, 9)  # strides of the rows and columns of x
FIRST_SAMPLE = 9  # the number in its batch of the first sample, for the masks of part of a batch
BATCH_X, BATCH_T, BATCH_WEIGHT, ONES, ZEROS, PANEL, PANEL_SIZE = range(10, 17)
LOSS, LOSS_K, RULE, RATE_AT, K_AT, DECAY_AT = range(17, 23)
MODE, DROPS, ORDERS, WEIGHTED, PENALIZED = range(23, 28)
DIRECT, ITEM = range(28, 30)  # whether batches are used in place in x; bytes of a number
LAYERS, BLOCKS, ENDS = range(30, 33)  # lengths of tables; epochs that end in this call
SCRAP = 33  # in the workspace: written to, never read
# Of the first layer: whether samples are sparse; whether updates are put off; and how many averages
# must be 0 for weights to stay as they are without a gradient, 0 if they change anyway.
SPARSE, LAZY, IDLE = range(34, 37)
COUNTS, LISTED, STARTS, ENTRIES = range(37, 41)  # offsets in ``listing``
KERNELS = 44  # start of the addresses of kernels that are launched by number
HEADER_SIZE = 64

# A prediction's memory: the addresses of `Memory`, four words of its own, the workspace. The words
# are the number of samples, the addresses of link and prediction, and the kernel's result.
ROWS_AT, LINK_AT, P_AT, RESULT_AT = range(26, 30)
OWN = 32

# The kernels launched by number, in the order of ``kernel_loader.LAUNCHED``.
PRODUCT, SUMS, GATHER, DERIVE, CHANGE, PENALTY_SUMS, NORM_PART, CHANGE_WHOLE = range(8)
LIST_ENTRIES, SPARSE_CHANGE, CATCH_UP, ADD_PENALTIES = FOR_SPARSE = range(8, 12)

# How θ is updated: in the matrix product, panel by panel, or from the whole gradient.
INSIDE_SGD, INSIDE_MOMENTUM, BY_PANELS, WHOLE = range(4)

# The sums over threads, by their index.
DATA, ABSOLUTE, SQUARE, NORM_SQUARE, WEIGHTS = range(5)
PARTS = 5

# The first of the numbers: penalty, clipping, and settings of rules.
L1, L2, ALPHA, CLIP_VALUE, CLIP_NORM, MOMENTUM, DECAY, UNIT_WEIGHT = range(SETTINGS)

ALPHA_AT, BETA_AT = 14, 15  # index in a thread's row of the rule's constants


class Memory(NamedTuple):
    """All arrays of a run, as pointers: what every thread reads and writes.

    Attributes
    ----------
    pointers : int64
        The addresses of these fields, this one included.
    layers : int64, a row of COLUMNS for each layer
    header : int64
        Sizes, offsets and addresses: the numbers above.
    numbers : float64
        Settings, then constants of activations and of the loss.
    rule : float64, a row of 16 for each thread
        The constants of the optimizer's rule; then alpha and beta of a product.
    theta, slot, slot2 : the parameters, and the optimizer's moving averages
    gradient : as long as θ if the whole gradient is stored, else empty
    x : all samples, with any strides
    t : all targets, row after row
    weight : one for each sample, if the data have sample weights
    orders : int64
        The orders of samples, one epoch after the other.
    work : the workspace
    sums : float64, two rows of 8 for each thread
        Partial sums of the threads, in alternate rows.
    barrier : int64
        The number of arrivals of threads.
    blocks : int64, three for each array of θ that trains
        First entry, end, and whether it decays.
    rates : float64
        The learning rate of each update.
    losses : float64
        The loss of each epoch that ends; the last entry belongs to the unfinished epoch.
    columns : int32
        The column of each entry of sparse samples, whose values are x.
    bounds : int64
        Where each sample's entries begin in x; the last one's end.
    listing : int64
        The entries of a batch, listed by column.
    listed : their values
    done : int64, a row of the inputs for each thread
        How many of this call's updates each column of the first layer's W has had.
    penalties : float64
        For each update, the factor of w in the penalty's gradient; then, for each thread, the sums
        of the absolute values and of the squares of W before each update.
    """

    pointers: Pointer
    layers: Pointer
    header: Pointer
    numbers: Pointer
    rule: Pointer
    theta: Pointer
    slot: Pointer
    slot2: Pointer
    gradient: Pointer
    x: Pointer
    t: Pointer
    weight: Pointer
    orders: Pointer
    work: Pointer
    sums: Pointer
    barrier: Pointer
    blocks: Pointer
    rates: Pointer
    losses: Pointer
    columns: Pointer
    bounds: Pointer
    listing: Pointer
    listed: Pointer
    done: Pointer
    penalties: Pointer


FIELD_INDEX = {name: place for place, name in enumerate(Memory._fields)}
