"""The reference training loop, and the state that it carries from update to update.

It defines what training computes; the compiled engine gives the same numbers. Validation, early
stopping and records of a run are in ``training``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.descriptions import check_int
from chainrule.errors import DivergenceError, InputError
from chainrule.layers import fields_of
from chainrule.layout import Layout
from chainrule.network import MaskSeed, Network, Trace
from chainrule.optimizers import Optimizer, OptimizerState
from chainrule.schedules import rate_at
from chainrule.sparse_samples import stored_entries

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Batches:
    """How data are divided into batches.

    Parameters
    ----------
    size : int or None
        The number of samples in a batch; None puts all samples in one batch, 1 is online learning.
        The last batch of an epoch may be smaller.
    shuffle : bool, default True
        Whether the samples have another order in each epoch, drawn from (seed, epoch).
    """

    size: int | None = None
    shuffle: bool = True

    def __post_init__(self) -> None:
        if self.size is not None:
            check_int(self.size, "batch size")

    def order(self, n: int, seed: int, epoch: int) -> NDArray[np.intp]:
        """Return the order of n samples, (n,), in an epoch (counted from 0)."""
        if not self.shuffle or self.size is None or self.size >= n:
            return np.arange(n)
        return np.random.default_rng([seed, epoch]).permutation(n)

    def take(self, data: Batch, order: NDArray[np.intp], place: int) -> Batch:
        """Return batch `place` (from 0) of data in the given order."""
        if self.size is None or self.size >= len(order):
            return data
        return data.take(order[place * self.size : (place + 1) * self.size])

    def count(self, n: int) -> int:
        """Return the number of batches in an epoch of n samples."""
        return 1 if self.size is None else -(-n // self.size)


class State(NamedTuple):
    """Everything that a run needs to continue with the same results as without a break.

    Attributes
    ----------
    theta : array (parameters,)
        It is never changed in place: each update creates a new array.
    step : int
        The number of updates made.
    slots : tuple of array (parameters,)
        The optimizer's moving averages.
    seed : int
        Seed of shuffles and dropout masks.
    epoch, batch : int
        The number of finished epochs, and of finished batches in the current epoch.
    loss_sum : float
        The sum, over the batches of the current epoch, of the loss times the number of samples.
    best_score, best_epoch, best_theta : float, int, array or None
        For early stopping: the best score so far, its epoch, and θ there.
    engine : str
        The engine that computed it.
    """

    theta: Array
    step: int
    slots: tuple[Array, ...]
    seed: int
    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    best_score: float | None = None
    best_epoch: int = 0
    best_theta: Array | None = None
    engine: str = "reference"

    def to_dict(self) -> dict[str, Any]:
        """Return numbers, strings and arrays by name, such as for a file; without those None."""
        values = {name: value for name, value in self._asdict().items() if value is not None}
        slots = values.pop("slots")
        return {**values, **{f"slot{i}": slot for i, slot in enumerate(slots)}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "State":
        """Return the state from the result of `to_dict`; numbers may be arrays of dimension 0."""
        names = sorted((k for k in values if k.startswith("slot")), key=lambda k: int(k[4:]))
        rest = {k: v if np.ndim(v) else np.asarray(v).item() for k, v in values.items()}
        rest = {k: v for k, v in rest.items() if k not in names}
        return cls(slots=tuple(values[k] for k in names), **rest)


def initial_state(theta: Array, optimizer: Optimizer, layout: Layout, seed: int) -> State:
    """Return the state before the first update, with a copy of θ."""
    copy = np.array(theta)
    return State(copy, 0, optimizer.start(copy, layout).slots, check_int(seed, "seed", 0))


def run_epoch(
    network: Network, optimizer: Optimizer, data: Batch, batches: Batches, state: State
) -> Iterator[State]:
    """Yield the state after each remaining update of the current epoch.

    Parameters
    ----------
    network : Network
    optimizer : Optimizer
    data : Batch
        All samples.
    batches : Batches
    state : State
        The state to continue from.

    Yields
    ------
    State
        In the last one, ``batch`` is 0 again, ``epoch`` is larger by one, and ``loss_sum`` is that
        of the whole epoch; the next epoch resets it.

    Raises
    ------
    DivergenceError
        If a loss, gradient or new θ is not finite; the state yielded last is finite.
    """
    n = len(data.x)
    order = batches.order(n, state.seed, state.epoch)
    if state.batch == 0:
        state = state._replace(loss_sum=0.0)
    for place in range(state.batch, batches.count(n)):
        batch = batches.take(data, order, place)
        state = update(network, optimizer, batch, state)
        if place + 1 == batches.count(n):
            state = state._replace(epoch=state.epoch + 1, batch=0)
        yield state


def update(network: Network, optimizer: Optimizer, batch: Batch, state: State) -> State:
    """Return the state after one update; raise DivergenceError if it would not be finite."""
    before = OptimizerState(state.step, state.slots, network.layout)
    with np.errstate(all="ignore"):  # the errors below say more than NumPy's warnings
        trace = network.run(state.theta, batch, MaskSeed(state.seed, state.step))
        if not (np.isfinite(trace.value) and np.isfinite(trace.gradient).all()):
            raise divergence_error(network, optimizer, trace, state, "the loss or its gradient")
        theta, after = optimizer.step(state.theta, trace.gradient, before)
        if not np.isfinite(theta).all():
            raise divergence_error(network, optimizer, trace, state, "theta after the update")
    loss_sum = state.loss_sum + float(trace.value) * len(batch.x)
    return state._replace(
        theta=theta, step=after.step, slots=after.slots, batch=state.batch + 1, loss_sum=loss_sum
    )


# ---- divergence ---------------------------------------------------------------------------------


def divergence_error(
    network: Network, optimizer: Optimizer, trace: Trace, state: State, what: str
) -> DivergenceError:
    """Return the error for a number that is not finite: the update, the layer, and the remedy."""
    rate, (x, t, *_) = rate_at(optimizer.learning_rate, state.step + 1), trace.batch
    largest = np.abs(stored_entries(x)).max(initial=0)
    return DivergenceError(
        f"{what} is not finite (loss {float(trace.value.real):.6g}) in epoch {state.epoch + 1}, "
        f"batch {state.batch + 1}; first at {first_nonfinite(network, trace)}. "
        f"Lower the learning rate (now {rate:.6g}), bring inputs and targets to a common scale "
        f"(largest |x| now {largest:.6g}, |t| {np.abs(t).max():.6g}), or clip gradients "
        "(clip=ClipNorm(1.0)); the last finite theta is kept"
    )


def first_nonfinite(network: Network, trace: Trace) -> str:
    """Return the name of the first number that is not finite, forward and then backward."""
    labels = [f"layer {label}" if label.isdigit() else label for label in network.labels]
    for label, saved in zip(labels, trace.layers, strict=True):
        for name, array in fields_of(saved).items():
            if name in ("z", "xhat", "a") and not np.isfinite(array).all():
                return f"{label} ({name})"
    if not np.isfinite(trace.value):
        return "the loss"
    for label, grads in zip(reversed(labels), reversed(trace.grads), strict=True):
        if not all(np.isfinite(array).all() for array in grads):
            return f"{label} in the backward pass"
    return "the update"


def check_state(
    state: State, network: Network, optimizer: Optimizer, batches: Batches, n: int
) -> State:
    """Return the state, or raise InputError unless it fits the other arguments (n samples)."""
    for vector in (state.theta, *state.slots):
        network.layout.check(vector)
    if state.batch >= batches.count(n) and state.batch:
        raise InputError(
            f"the state is in the middle of an epoch, after batch {state.batch}, but an epoch of "
            f"these data has {batches.count(n)}; continue with the same data and batch size, or "
            "with state._replace(batch=0)"
        )
    if len(state.slots) != len(optimizer.slots):
        raise InputError(
            f"the state has {len(state.slots)} moving averages, but {optimizer.name} has "
            f"{len(optimizer.slots)}; continue with the optimizer that the state is from"
        )
    return state
