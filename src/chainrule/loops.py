"""The reference training loop, and the one state that it carries from update to update.

It is the slow, clear statement of what training means; faster engines give the same numbers. It
shows no progress and judges no validation: that is what stands around it.
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

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Batches:
    """How data are cut into batches: a description, never the batches themselves.

    Parameters
    ----------
    size : int or None
        Samples in a batch; None takes all at once, 1 is online learning. The last may be shorter.
    shuffle : bool, default True
        Whether every epoch has an order of its own, drawn from (seed, epoch).
    """

    size: int | None = None
    shuffle: bool = True

    def __post_init__(self) -> None:
        if self.size is not None:
            check_int(self.size, "batch size")

    def order(self, n: int, seed: int, epoch: int) -> NDArray[np.intp]:
        """Return the order of n samples in an epoch (counted from 0)."""
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
    """Everything that a run needs to go on as if it had never stopped.

    Attributes
    ----------
    theta : array (parameters,)
        Never written to: every update makes a new one.
    step : int
        The number of updates made.
    slots : tuple of array (parameters,)
        The optimizer's moving averages.
    seed : int
        Of shuffles and dropout masks.
    epoch, batch : int
        Finished epochs, and batches done in the one begun.
    loss_sum : float
        Of the epoch begun: each batch's loss times its samples.
    best_score, best_epoch, best_theta : float, int, array or None
        Early stopping's: the best so far, and where.
    engine : str
        What computed it.
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
        """Return plain numbers, strings and arrays by name, ready for a file; None is left out."""
        values = {name: value for name, value in self._asdict().items() if value is not None}
        slots = values.pop("slots")
        return {**values, **{f"slot{i}": slot for i, slot in enumerate(slots)}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "State":
        """Return the state that `to_dict` gave, bit for bit; numbers may come as 0-d arrays."""
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
    """Yield the state after each update that is left of the epoch begun.

    Parameters
    ----------
    network : Network
    optimizer : Optimizer
    data : Batch
        All samples.
    batches : Batches
    state : State
        Where to go on.

    Yields
    ------
    State
        The last has ``batch`` back at 0 and ``epoch`` one higher, and holds the epoch's
        ``loss_sum``, which the next epoch begins anew.

    Raises
    ------
    DivergenceError
        If a loss, gradient or new θ is not finite; the state last yielded is still good.
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
    """Return the state after one update; raise DivergenceError where it would not be finite."""
    before = OptimizerState(state.step, state.slots, network.layout)
    with np.errstate(all="ignore"):  # what is not finite raises here, with its place
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
    """Return the error for a number that is not finite: when, where first, and what helps."""
    rate, (x, t, *_) = rate_at(optimizer.learning_rate, state.step + 1), trace.batch
    return DivergenceError(
        f"{what} is not finite (loss {float(trace.value.real):.6g}) in epoch {state.epoch + 1}, "
        f"batch {state.batch + 1}; first at {first_nonfinite(network, trace)}. "
        f"Lower the learning rate (now {rate:.6g}), bring inputs and targets to a common scale "
        f"(largest |x| now {np.abs(x).max():.6g}, |t| {np.abs(t).max():.6g}), or clip gradients "
        "(clip=ClipNorm(1.0)); the last finite theta is kept"
    )


def first_nonfinite(network: Network, trace: Trace) -> str:
    """Name the first place, forward and then backward, where a number is not finite."""
    labels = [f"layer {label}" if label.isdigit() else label for label in network.labels]
    for label, saved in zip(labels, trace.layers, strict=True):
        for name, array in fields_of(saved).items():
            if name in ("z", "xhat", "a") and not np.isfinite(array).all():
                return f"{label} ({name})"
    if not np.isfinite(trace.value):
        return "the loss"
    for label, grads in zip(reversed(labels), reversed(trace.grads), strict=True):
        if not all(np.isfinite(array).all() for array in grads):
            return f"{label} on the way back"
    return "the update"


def check_state(
    state: State, network: Network, optimizer: Optimizer, batches: Batches, n: int
) -> State:
    """Return a state that fits network, optimizer, batches and n samples, or raise InputError."""
    for vector in (state.theta, *state.slots):
        network.layout.check(vector)
    if state.batch >= batches.count(n) and state.batch:
        raise InputError(
            f"the state is inside an epoch, {state.batch} batches done, but these data make "
            f"{batches.count(n)}; go on with its data and batch size, or state._replace(batch=0)"
        )
    if len(state.slots) != len(optimizer.slots):
        raise InputError(
            f"the state has {len(state.slots)} moving averages, but {optimizer.name} keeps "
            f"{len(optimizer.slots)}; go on with the optimizer that it came from"
        )
    return state
