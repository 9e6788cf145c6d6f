"""Which engine a run goes on, and why: said before it runs, by what is asked, installed, allowed.

Nothing is compiled here but a user's own functions, to see whether they can be.
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
from chainrule.compiled.cache.import_lock import LOADING
from chainrule.errors import InputError, MissingPackageError, missing, unknown
from chainrule.layers import ActivationLayer, Dense
from chainrule.losses import CustomLoss
from chainrule.network import Network, as_precision
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.optimizers import optimizer as named_optimizer

CHOICES = ("auto", "compiled", "reference")
NEEDED = ("numba", "scipy", "threadpoolctl")

# What Numba may be set to; it is for debugging that people set these otherwise.
SETTINGS = {
    "NUMBA_DISABLE_JIT": ("0",),
    "NUMBA_BOUNDSCHECK": ("0",),
    "NUMBA_DEBUGINFO": ("0",),
    "NUMBA_OPT": ("3", "2", "1", "max"),
}

# Multiplications of a batch's forward pass from which two threads are faster than one, measured on
# two cores: below, they wait for each other longer than they compute.
WORTH_THREADS = 600_000

# ... up to which one core's vectors are enough, measured likewise; and how many units and inputs a
# layer may have: all, and for each sample. With more of them, or fewer samples, a row fills the
# processor's vectors better than samples do.
TINY, WIDEST, UNITS_A_SAMPLE = 100_000, 32, 4


@dataclass(frozen=True)
class Path:
    """What a run goes on.

    Attributes
    ----------
    engine : {"compiled", "reference"}
    threads : int
        Of the engine's own; the reference has those that its BLAS takes.
    reason : str
        Why, in a sentence.
    missing : bool
        Whether it would be the compiled engine, were it installed.
    tiny : bool
        Whether the program for tiny networks runs, samples innermost.
    """

    engine: str
    threads: int
    reason: str
    missing: bool = False
    tiny: bool = False

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        where = f" on {threads}" if self.engine == "compiled" else ""
        return f"{self.engine} engine{where}: {self.reason}"


def describe(
    network: Network,
    optimizer: str | Optimizer | LBFGS = "adam",
    *,
    rows: int,
    batch_size: int | None = None,
    dtype: DTypeLike = np.float64,
    engine: str = "auto",
) -> Path:
    """Return which engine `train` would choose, and why.

    Parameters
    ----------
    network : Network
    optimizer : str, Optimizer or LBFGS, default "adam"
    rows : int
        Samples of the data.
    batch_size : int, optional
        Samples in a batch; all by default.
    dtype : dtype, default float64
        float32 or float64.
    engine : {"auto", "compiled", "reference"}

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the compiled engine is asked for and cannot run this.
    MissingPackageError
        If it is asked for and Numba or SciPy is missing.
    UnknownNameError
        If there is no such engine.

    Examples
    --------
    >>> from chainrule import mlp
    >>> from chainrule.compiled import describe
    >>> net = mlp(2, 2, 2, activation="logistic", loss="squared-error")
    >>> print(describe(net, "sgd", rows=4))
    compiled engine on 1 thread: a batch of 4 is 32 products: whole vectors of samples
    """
    if engine not in CHOICES:
        raise unknown("engine", engine, CHOICES)
    if engine == "reference":
        return Path("reference", 1, "it was asked for")
    with LOADING:
        faults = refusals(network, named_optimizer(optimizer), as_precision(dtype))
        if faults and engine == "compiled":
            raise faults[0]
        if faults:
            absent = isinstance(faults[0], MissingPackageError)
            return Path("reference", 1, str(faults[0]), missing=absent)
        return compiled_path(network, min(batch_size or rows, rows))


def refusals(network: Network, optimizer: Any, dtype: type[np.floating[Any]]) -> list[Exception]:
    """Return why the compiled engine cannot run this, the first reason first."""
    absent = [name for name in NEEDED if not installed(name)]
    if absent:
        return [missing(absent[0], "the compiled engine", "train")]
    if hindered := list(hindering()):
        return hindered
    if isinstance(optimizer, LBFGS):
        return [InputError("lbfgs is SciPy's: it asks for loss and gradient, and loops by itself")]
    return [fault for part in own_parts(network) if (fault := fault_of(part, dtype))]


def hindering() -> Iterator[Exception]:
    """Yield why Numba makes no code that stands by itself: how it was set."""
    for name, allowed in SETTINGS.items():
        value = os.environ.get(name) or allowed[0]
        if value not in allowed:
            yield InputError(
                f"{name}={value} is set, under which Numba makes nothing that runs without it; "
                "unset it, or take engine='reference'"
            )


@cache
def installed(name: str) -> bool:
    """Return whether a package can be imported; nothing is imported."""
    return find_spec(name) is not None


def own_parts(network: Network) -> list[Custom | CustomLoss]:
    """Return what is a user's own in a network."""
    parts: list[Any] = [
        one.activation for one in network.layers if isinstance(one, Dense | ActivationLayer)
    ]
    return [part for part in [*parts, network.loss] if isinstance(part, Custom | CustomLoss)]


def fault_of(part: Custom | CustomLoss, dtype: type[np.floating[Any]]) -> InputError | None:
    """Return why a function of a user's own does not compile, or None."""
    from chainrule.compiled.codegen.elementwise_kernels import activation_piece, loss_piece

    try:
        activation_piece(part, dtype) if isinstance(part, Custom) else loss_piece(part, dtype)
    except InputError as error:
        return error
    return None


def compiled_path(network: Network, batch: int) -> Path:
    """Return the compiled engine with as many threads as a batch of this size feeds."""
    from chainrule.compiled.threads import allowed

    products = batch * products_of(network)
    if products < TINY and is_tiny(network, batch):
        told = f"a batch of {batch} is {products:,} products: whole vectors of samples"
        return Path("compiled", 1, told, tiny=True)
    if products < WORTH_THREADS or max(network.widths[1:]) < 2 * 16:
        return Path("compiled", 1, f"a batch of {batch} is too little to share")
    threads = allowed()
    told = "each owns some units of every layer" if threads > 1 else "no more are allowed"
    return Path("compiled", threads, f"a batch of {batch} is {products:,} products; {told}")


def products_of(network: Network) -> int:
    """Return the multiplications of a sample's forward pass."""
    return sum(block.size for block in network.layout.blocks if block.param == "W")


def is_tiny(network: Network, batch: int) -> bool:
    """Return whether samples, and not units, are to lie side by side in the processor's vectors."""
    dense, widest = all(isinstance(one, Dense) for one in network.layers), max(network.widths)
    return dense and widest <= min(WIDEST, UNITS_A_SAMPLE * batch)
