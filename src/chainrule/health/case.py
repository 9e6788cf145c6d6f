# pyright: strict
"""The case: a network with its parameters, data and records, measured once for all examinations.

What a number means is theirs to say; the thresholds here only tell how far a run has come.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.batch import Batch, as_numeric, check_finite, normalize_weights
from chainrule.descriptions import check_int, check_type
from chainrule.errors import InputError
from chainrule.health.bounds import Bounds, bounds
from chainrule.health.curvature import sharpness
from chainrule.health.findings import SOLVED
from chainrule.health.words import UNNAMED, Names
from chainrule.network import Network, Trace
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.optimizers import optimizer as named_optimizer
from chainrule.training import Record

Array: TypeAlias = NDArray[Any]

# A run that keeps this share of it has learned nothing that a constant does not know. What real
# data of much noise leave to be learned is more than 3 % (the diabetes set: about 50 %).
STUCK = 0.97
# Updates after which a run can be called stuck: before, every network looks like a constant.
# L-BFGS, each of whose iterations searches along a line, needs fewer.
ENOUGH, ENOUGH_LBFGS = 100, 10
# Of the error at the first record: a run that has shed less has not begun to learn.
LEAST_FALL = 0.02
# Last record's error over the first's: noise of batches, and the spikes of adaptive rules, do not
# end a run at twice what an untrained network had.
DIVERGED = 2.0
# Samples that the curvature is computed from: its largest eigenvalue is an average over samples,
# which 500 give within some per cent, where a limit need not be known better than a factor 2.
FEW = 500


@dataclass(frozen=True, eq=False)
class Case:
    """What there is to examine.

    Parameters
    ----------
    network : Network
    theta : array (parameters,), float64
    batch : Batch
        The samples that are looked at, in random order.
    total : int
        How many samples there are.
    history : tuple of Record
    optimizer : Optimizer, LBFGS or None
    start : array (parameters,), float64, or None
        Where the run began.
    names : Names
    """

    network: Network
    theta: Array
    batch: Batch
    total: int
    history: tuple[Record, ...] = ()
    optimizer: Optimizer | LBFGS | None = None
    start: Array | None = None
    names: Names = UNNAMED

    @cached_property
    def trace(self) -> Trace:
        """Both passes over the samples, dropout at rest."""
        return self.network.run(self.theta, self.batch)

    @cached_property
    def finite(self) -> bool:
        """Whether parameters, loss and gradient are finite."""
        all_of_it = (self.theta, self.trace.value, self.trace.gradient)
        return all(bool(np.isfinite(array).all()) for array in all_of_it)

    @cached_property
    def bounds(self) -> Bounds | None:
        """Between which losses it moves; None where that is not known, or all targets are alike."""
        found = bounds(self.network.loss, self.batch)
        return found if found and found.apart else None

    @cached_property
    def left(self) -> float:
        """The share of the best constant's error that is left; NaN where that is not known."""
        if self.bounds is None:
            return math.nan
        constant, least = self.bounds
        return (float(self.trace.data_loss) - least) / (constant - least)

    # ---- the run ----

    @property
    def trained(self) -> bool:
        """Whether the run is long enough to be judged by its result."""
        enough = ENOUGH_LBFGS if isinstance(self.optimizer, LBFGS) else ENOUGH
        return bool(self.history) and self.history[-1].step >= enough

    @property
    def solved(self) -> bool:
        """Whether the run has learned what there is."""
        return self.left <= SOLVED

    @property
    def stuck(self) -> bool:
        """Whether the run is long enough, and no better than a constant."""
        return self.trained and self.left >= STUCK

    @cached_property
    def beginning(self) -> "Case | None":
        """The case where the run began; None where that is not known, or it is there still."""
        if self.start is None or np.array_equal(self.start, self.theta):
            return None
        return replace(self, theta=self.start, start=None, history=())

    @cached_property
    def excess(self) -> Array:
        """The records' losses above the least that there can be, (records,)."""
        least = self.bounds.least if self.bounds else 0.0
        return np.array([record.loss for record in self.history]) - least

    @property
    def fallen(self) -> float:
        """The share of the first record's error that the last one has left behind."""
        if len(self.history) < 2 or not self.excess[0] > 0:
            return math.nan
        return float(1 - self.excess[-1] / self.excess[0])

    @property
    def lost(self) -> bool:
        """Whether the run has gone where nothing tells why: not finite, or far above its start."""
        return not self.finite or 1 - self.fallen > DIVERGED

    @property
    def failing(self) -> bool:
        """Whether the records, or numbers that are not finite, show that the run does not learn."""
        halted = self.left >= STUCK or self.fallen < LEAST_FALL
        return not self.finite or (len(self.history) > 1 and halted)

    # ---- curvature ----

    @cached_property
    def few(self) -> Batch:
        """Some of the samples; a penalty that is divided by their sum of weights stays the same."""
        return self.batch.head(FEW)._replace(total=self.batch.total)

    @cached_property
    def sharpness(self) -> float:
        """The largest eigenvalue of the Hessian here."""
        return self.sharpness_at(self.theta)

    def sharpness_at(self, theta: Array) -> float:
        """Return the largest eigenvalue of the Hessian at another θ."""
        return sharpness(self.network, theta, self.few)


def sizes_of(columns: Array) -> Array:
    """Return the root mean square of each column (n, k), (k,); squares do not overflow."""
    largest = np.abs(columns).max(axis=0)  # (k,)
    unit = np.where(largest > 0, largest, 1.0)  # (k,)
    return largest * np.sqrt(np.mean((columns / unit) ** 2, axis=0))


def make_case(
    network: Network,
    theta: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    weights: ArrayLike | None,
    history: Sequence[Record],
    optimizer: str | Optimizer | LBFGS | None,
    theta_start: ArrayLike | None,
    limit: int,
    names: Names,
) -> Case:
    """Return the case, of at most `limit` samples chosen at random, or raise InputError."""
    check_type(network, Network, "network", "give a Network, such as mlp(2, 3, 1, …)")
    for record in history:
        check_type(record, Record, "history", "give the records of a run, such as run.history")
    chosen = None if optimizer is None else named_optimizer(optimizer)
    start = None if theta_start is None else parameters(network, theta_start, "theta_start")
    here = parameters(network, theta, "theta")
    enough(names, network)
    batch, total = sample(network, here, X, y, weights, check_int(limit, "limit"))
    return Case(network, here, batch, total, tuple(history), chosen, start, names)


def enough(names: Names, network: Network) -> None:
    """Raise InputError where there is not a name for each column, or for each class."""
    outputs = network.widths[-1]
    wanted = (network.inputs, max(outputs, 2))
    for what, given, count in zip(Names._fields, names, wanted, strict=True):
        if given is not None and len(given) != count:
            raise InputError(f"names has {len(given)} {what}, but there are {count}; name them all")


def parameters(network: Network, theta: ArrayLike, what: str) -> Array:
    """Return θ in float64; what is not finite in it is a finding, and no error."""
    checked = network.layout.check(theta)
    check_finite(np.zeros(1, checked.dtype), what)  # refuses complex ones
    return checked.astype(np.float64)


def sample(
    network: Network,
    theta: Array,
    X: ArrayLike,
    y: ArrayLike,
    weights: ArrayLike | None,
    limit: int,
) -> tuple[Batch, int]:
    """Return at most `limit` samples as a batch, in random order, and how many there are."""
    x, t = as_numeric(X, "X"), as_numeric(y, "y")
    n = len(x) if x.ndim == 2 else 1
    _, total = normalize_weights(weights, n, np.float64)
    if x.ndim == 2 and t.ndim and len(t) == n:
        rows = np.random.default_rng(0).permutation(n)[:limit]
        x, t = x[rows], t[rows]
        weights = None if weights is None else np.asarray(weights)[rows]
    batch = network.batch(theta, x, t, weights)
    check_finite(batch.x, "X")
    return batch._replace(total=total), n
