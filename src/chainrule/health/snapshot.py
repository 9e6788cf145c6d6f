# pyright: strict
"""A run at one moment: network, parameters, data and records, with what examinations share.

Traces, bounds of the loss and curvature are computed when they are first used.
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
from chainrule.health.bounds import LossBounds, loss_bounds
from chainrule.health.curvature import sharpness
from chainrule.health.findings import SOLVED
from chainrule.health.formatting import UNNAMED, Names
from chainrule.network import Network, Trace
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.optimizers import optimizer as named_optimizer
from chainrule.sparse_samples import SparseSamples, is_sparse, sparse_rows
from chainrule.training import Record

Array: TypeAlias = NDArray[Any]

# With this share of the constant prediction's error left, a run has learned nothing from the
# inputs. Noisy real data leave more than 3% to be learned (the diabetes data set: about 50%).
STUCK = 0.97
# Updates before a run can be called stuck: earlier, every network resembles a constant prediction.
# L-BFGS needs fewer, since each of its iterations is a line search.
MIN_UPDATES, MIN_LBFGS_ITERATIONS = 100, 10
# Relative to the error at the first record: with a smaller decrease, learning has not begun.
MIN_DECREASE = 0.02
# Last record's error over the first's: the noise of batches and the spikes of adaptive rules do not
# leave a run at twice the error of an untrained network.
DIVERGENCE_RATIO = 2.0
# Samples from which the curvature is computed: its largest eigenvalue is an average over samples.
# 500 give it within a few percent, and a limit need not be known better than within a factor of 2.
CURVATURE_SAMPLES = 500


@dataclass(frozen=True, eq=False)
class RunSnapshot:
    """A run at one moment, as examinations see it.

    Parameters
    ----------
    network : Network
    theta : array (parameters,), float64
    batch : Batch
        The samples that are examined, in random order.
    total : int
        How many samples there are.
    history : tuple of Record
    optimizer : Optimizer, LBFGS or None
    start : array (parameters,), float64, or None
        The parameters at the beginning of the run.
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
        """Both passes over the samples, without dropout."""
        return self.network.run(self.theta, self.batch)

    @cached_property
    def finite(self) -> bool:
        """Whether parameters, loss and gradient are finite."""
        arrays = (self.theta, self.trace.value, self.trace.gradient)
        return all(bool(np.isfinite(array).all()) for array in arrays)

    @cached_property
    def bounds(self) -> LossBounds | None:
        """The bounds of the loss; None if they are unknown, or if all targets are equal."""
        found = loss_bounds(self.network.loss, self.batch)
        return found if found and found.differ else None

    @cached_property
    def left(self) -> float:
        """The share of the best constant prediction's error that is left; NaN if unknown."""
        if self.bounds is None:
            return math.nan
        constant, least = self.bounds
        return (float(self.trace.data_loss) - least) / (constant - least)

    # ---- the run ----

    @property
    def trained(self) -> bool:
        """Whether the run is long enough to be judged by its result."""
        needed = MIN_LBFGS_ITERATIONS if isinstance(self.optimizer, LBFGS) else MIN_UPDATES
        return bool(self.history) and self.history[-1].step >= needed

    @property
    def solved(self) -> bool:
        """Whether the run has learned its task."""
        return self.left <= SOLVED

    @property
    def stuck(self) -> bool:
        """Whether the run is long enough, and no better than a constant prediction."""
        return self.trained and self.left >= STUCK

    @cached_property
    def beginning(self) -> "RunSnapshot | None":
        """A snapshot of the run's beginning; None if unknown, or if θ has not changed since."""
        if self.start is None or np.array_equal(self.start, self.theta):
            return None
        return replace(self, theta=self.start, start=None, history=())

    @cached_property
    def excess(self) -> Array:
        """The records' losses above the least possible loss, (records,)."""
        least = self.bounds.least if self.bounds else 0.0
        return np.array([record.loss for record in self.history]) - least

    @property
    def decrease(self) -> float:
        """The relative decrease of the error from the first to the last record; NaN if unknown."""
        if len(self.history) < 2 or not self.excess[0] > 0:
            return math.nan
        return float(1 - self.excess[-1] / self.excess[0])

    @property
    def diverged(self) -> bool:
        """Whether numbers are not finite, or the error is far above that of the beginning."""
        return not self.finite or 1 - self.decrease > DIVERGENCE_RATIO

    @property
    def failing(self) -> bool:
        """Whether records, or numbers that are not finite, show that the run does not learn."""
        no_progress = self.left >= STUCK or self.decrease < MIN_DECREASE
        return not self.finite or (len(self.history) > 1 and no_progress)

    # ---- curvature ----

    @cached_property
    def subset(self) -> Batch:
        """Some of the samples, with the total weight of all, by which penalties are divided."""
        return self.batch.head(CURVATURE_SAMPLES)._replace(total=self.batch.total)

    @cached_property
    def sharpness(self) -> float:
        """The largest eigenvalue of the Hessian at θ."""
        return self.sharpness_at(self.theta)

    def sharpness_at(self, theta: Array) -> float:
        """Return the largest eigenvalue of the Hessian at another θ."""
        return sharpness(self.network, theta, self.subset)


def take_snapshot(
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
) -> RunSnapshot:
    """Check the arguments and return a snapshot with at most `limit` samples, chosen at random."""
    check_type(network, Network, "network", "give a Network, such as mlp(2, 3, 1, …)")
    for record in history:
        check_type(record, Record, "history", "give the records of a run, such as run.history")
    chosen = None if optimizer is None else named_optimizer(optimizer)
    start = None if theta_start is None else check_theta(network, theta_start, "theta_start")
    now = check_theta(network, theta, "theta")
    check_names(names, network)
    batch, total = draw_samples(network, now, X, y, weights, check_int(limit, "limit"))
    return RunSnapshot(network, now, batch, total, tuple(history), chosen, start, names)


def check_names(names: Names, network: Network) -> None:
    """Raise InputError unless there is a name for each column and for each class."""
    outputs = network.widths[-1]
    expected = (network.inputs, max(outputs, 2))
    for what, given, count in zip(Names._fields, names, expected, strict=True):
        if given is not None and len(given) != count:
            raise InputError(
                f"names has {len(given)} {what}, but there are {count}; give a name for each"
            )


def check_theta(network: Network, theta: ArrayLike, what: str) -> Array:
    """Return θ in float64; entries that are not finite become a finding, not an error."""
    checked = network.layout.check(theta)
    check_finite(np.zeros(1, checked.dtype), what)  # raises for complex θ
    return checked.astype(np.float64, copy=False)


def as_rows(X: Any) -> Any:
    """Return samples as an array of numbers, or as SparseSamples."""
    return sparse_rows(X, "X") if is_sparse(X) else as_numeric(X, "X")


def draw_samples(
    network: Network,
    theta: Array,
    X: ArrayLike,
    y: ArrayLike,
    weights: ArrayLike | None,
    limit: int,
) -> tuple[Batch, int]:
    """Return at most `limit` samples as a batch, in random order, and the number of all."""
    x: Any = X if isinstance(X, SparseSamples) else as_rows(X)
    t = as_numeric(y, "y")
    n = len(x) if x.ndim == 2 else 1
    _, total = normalize_weights(weights, n, np.float64, network.outputs)
    if x.ndim == 2 and t.ndim and len(t) == n:
        rows = np.random.default_rng(0).permutation(n)[:limit]
        x, t = x[rows], t[rows]
        weights = None if weights is None else np.asarray(weights)[rows]
    batch = network.batch(theta, x, t, weights)
    check_finite(batch.x, "X")
    return batch._replace(total=total), n
