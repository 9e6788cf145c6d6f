"""Choosing the engine of a run, and the number of its threads, with the reason in words.

The choice depends on the request, the installed packages, the network and the batch size. Only a
user's own functions are compiled here, to find out whether that is possible.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.activations import Custom
from chainrule.compiled.cache.import_lock import IMPORT_LOCK, uninterrupted
from chainrule.errors import InputError, MissingPackageError, missing, unknown
from chainrule.layers import ActivationLayer, Dense
from chainrule.losses import CustomLoss
from chainrule.network import Network, as_precision
from chainrule.optimizers import LBFGS, OPTIMIZERS, Optimizer
from chainrule.optimizers import optimizer as named_optimizer

CHOICES = ("auto", "compiled", "reference")
NEEDED = ("numba", "scipy", "threadpoolctl")
COMPILED = ("llvmlite", "scipy", "threadpoolctl")  # if all kernels come with the package

# The supported values of Numba's settings; other values are for debugging.
SETTINGS = {
    "NUMBA_DISABLE_JIT": ("0",),
    "NUMBA_BOUNDSCHECK": ("0",),
    "NUMBA_DEBUGINFO": ("0",),
    "NUMBA_OPT": ("3", "2", "1", "max"),
}

# Multiplications in a batch's forward pass above which two threads are faster than one, measured on
# two cores: with fewer, they spend more time waiting for each other than computing.
WORTH_THREADS = 600_000

# The same for a call of L-BFGS, for which threads start anew; and its multiplications from which on
# compiled kernels are used at all: NumPy's calls take a millisecond for fewer.
WORTH_SEARCH_THREADS, WORTH_SEARCH = 20_000_000, 1_000_000

NOT_SEARCHED = (
    "lbfgs on sparse samples runs on engine='reference'; choose another solver, or give an array"
)
NOT_DENSE = (
    "the first layer is {}, for which the samples of a batch are made dense, on "
    "engine='reference'; begin with a Dense layer, or give an array"
)

# Limits of the program for small networks, measured likewise: multiplications in a batch's forward
# pass, and units or inputs of a layer, in total and for each sample of the batch. Beyond them, the
# units of a layer fill the processor's vectors better than samples do.
TINY, WIDEST, UNITS_A_SAMPLE = 100_000, 32, 4


@dataclass(frozen=True)
class EngineChoice:
    """The engine that computes a run, and why.

    Attributes
    ----------
    engine : {"compiled", "reference"}
    threads : int
        Threads of the compiled engine; the reference engine leaves threads to the BLAS.
    reason : str
    missing : bool
        Whether the reference engine was chosen only because a package is missing.
    tiny : bool
        Whether the program for small networks runs, in which samples are innermost.
    """

    engine: str
    threads: int
    reason: str
    missing: bool = False
    tiny: bool = False

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        count = f", {threads}" if self.engine == "compiled" else ""
        return f"{self.engine} engine{count} ({self.reason})"


def describe(
    network: Network,
    optimizer: str | Optimizer | LBFGS = "adam",
    *,
    rows: int,
    batch_size: int | None = None,
    dtype: DTypeLike = np.float64,
    engine: str = "auto",
    entries: int | None = None,
) -> EngineChoice:
    """Return which engine `train` would choose, and why.

    Parameters
    ----------
    network : Network
    optimizer : str, Optimizer or LBFGS, default "adam"
    rows : int
        Number of samples.
    batch_size : int, optional
        Samples in a batch; all by default.
    dtype : dtype, default float64
        float32 or float64.
    engine : {"auto", "compiled", "reference"}
    entries : int, optional
        The stored entries of sparse samples; None for arrays.

    Returns
    -------
    EngineChoice

    Raises
    ------
    InputError
        If the compiled engine is requested and does not support this network or optimizer.
    MissingPackageError
        If the compiled engine is requested and Numba or SciPy is missing.
    UnknownNameError
        If the name of the engine or optimizer is unknown.

    Examples
    --------
    >>> from chainrule import mlp
    >>> from chainrule.compiled import describe
    >>> net = mlp(2, 2, 2, activation="logistic", loss="squared-error")
    >>> print(describe(net, "sgd", rows=4))
    compiled engine, 1 thread (small network: 32 multiplications per batch)
    """
    if engine not in CHOICES:
        raise unknown("engine", engine, CHOICES)
    if engine == "reference":
        return EngineChoice("reference", 1, "requested")
    search = named_optimizer(optimizer)
    with IMPORT_LOCK, uninterrupted():
        faults = find_obstacles(network, search, as_precision(dtype))
        faults += sparse_obstacles(network, search) if entries is not None else []
        if faults and engine == "compiled":
            raise faults[0]
        if faults:
            absent = isinstance(faults[0], MissingPackageError)
            return EngineChoice("reference", 1, str(faults[0]), missing=absent)
        if isinstance(search, LBFGS):
            return choose_search(network, rows, engine)
        batch = min(batch_size or rows, rows)
        if entries is not None:
            return choose_sparse_threads(network, batch, entries / rows)
        return choose_threads(network, batch)


def sparse_obstacles(network: Network, optimizer: Optimizer | LBFGS) -> list[Exception]:
    """Return the errors that prevent the compiled engine for sparse samples."""
    if isinstance(optimizer, LBFGS):
        return [InputError(NOT_SEARCHED)]
    first = network.layers[0]
    return [] if isinstance(first, Dense) else [InputError(NOT_DENSE.format(first.kind))]


def find_obstacles(
    network: Network, optimizer: Optimizer | LBFGS, dtype: type[np.floating[Any]]
) -> list[Exception]:
    """Return the errors that prevent the compiled engine, the most important one first."""
    absent = [name for name in needed(network, optimizer) if not installed(name)]
    if absent:
        return [missing(absent[0], "the compiled engine", "train")]
    if hindered := list(unsupported_settings()):
        return hindered
    return [
        fault for part in custom_functions(network) if (fault := compilation_error(part, dtype))
    ]


def needed(network: Network, optimizer: Optimizer | LBFGS) -> tuple[str, ...]:
    """Return the packages that a run needs; Numba if the package does not have its kernels."""
    standard = type(optimizer) in map(type, OPTIMIZERS.values()) and not custom_functions(network)
    return COMPILED if standard and installed(COMPILED[0]) and has_kernels() else NEEDED


def has_kernels() -> bool:
    """Return whether the package has the standard kernels for this machine."""
    from chainrule.compiled.cache import prebuilt

    return prebuilt.archive() is not None


def unsupported_settings() -> Iterator[Exception]:
    """Yield an error for each setting under which Numba's code depends on Python at run time."""
    for name, allowed in SETTINGS.items():
        value = os.environ.get(name) or allowed[0]
        if value not in allowed:
            yield InputError(
                f"the compiled engine does not work with {name}={value} in the environment; "
                "unset it, or use engine='reference'"
            )


@cache
def installed(name: str) -> bool:
    """Return whether a package can be imported; nothing is imported."""
    return find_spec(name) is not None


def custom_functions(network: Network) -> list[Custom | CustomLoss]:
    """Return the activations and the loss of a network that a user has defined."""
    parts: list[Any] = [
        one.activation for one in network.layers if isinstance(one, Dense | ActivationLayer)
    ]
    return [part for part in [*parts, network.loss] if isinstance(part, Custom | CustomLoss)]


def compilation_error(
    part: Custom | CustomLoss, dtype: type[np.floating[Any]]
) -> InputError | None:
    """Return the error with which a user's function fails to compile, None if it compiles."""
    from chainrule.compiled.codegen.elementwise_kernels import activation_kernel, loss_kernel

    try:
        activation_kernel(part, dtype) if isinstance(part, Custom) else loss_kernel(part, dtype)
    except InputError as error:
        return error
    return None


def choose_threads(network: Network, batch: int) -> EngineChoice:
    """Return the compiled engine with the number of threads that suits this batch size."""
    from chainrule.compiled.threads import allowed

    multiplications = batch * multiplications_of(network)
    if multiplications < TINY and is_tiny(network, batch):
        reason = f"small network: {multiplications:,} multiplications per batch"
        return EngineChoice("compiled", 1, reason, tiny=True)
    if multiplications < WORTH_THREADS or max(network.widths[1:]) < 2 * 16:
        reason = f"{multiplications:,} multiplications per batch: too few for more threads"
        return EngineChoice("compiled", 1, reason)
    threads = allowed()
    limit = "" if threads > 1 else "; no more threads are allowed"
    return EngineChoice(
        "compiled", threads, f"{multiplications:,} multiplications per batch{limit}"
    )


def choose_search(network: Network, rows: int, engine: str) -> EngineChoice:
    """Return the engine that computes the losses and the gradients for L-BFGS."""
    multiplications = rows * multiplications_of(network)
    reason = f"{multiplications:,} multiplications in each call of lbfgs"
    if engine == "auto" and multiplications < WORTH_SEARCH:
        return EngineChoice("reference", 1, f"{reason}: too few for compiled kernels")
    chosen = choose_threads(network, rows)
    if multiplications < WORTH_SEARCH_THREADS and chosen.threads > 1:
        return EngineChoice("compiled", 1, f"{reason}: too few for more threads")
    return chosen


def choose_sparse_threads(network: Network, batch: int, entries: float) -> EngineChoice:
    """Return the compiled engine with the number of threads for sparse samples.

    The first layer multiplies stored entries only, but each update changes all of its weights.
    """
    from chainrule.compiled.threads import allowed

    inputs, units = network.widths[:2]
    dense = batch * (multiplications_of(network) - inputs * units)
    work = dense + int(batch * entries * units) + inputs * units
    threads = 1 if work < WORTH_THREADS or units < 2 * 16 else allowed()
    reason = f"sparse samples: {work:,} multiplications and updates per batch"
    return EngineChoice("compiled", threads, reason)


def multiplications_of(network: Network) -> int:
    """Return the number of multiplications in the forward pass of one sample."""
    return sum(block.size for block in network.layout.blocks if block.param == "W")


def is_tiny(network: Network, batch: int) -> bool:
    """Return whether samples, instead of units, should fill the processor's vectors."""
    dense, widest = all(isinstance(one, Dense) for one in network.layers), max(network.widths)
    return dense and widest <= min(WIDEST, UNITS_A_SAMPLE * batch)
