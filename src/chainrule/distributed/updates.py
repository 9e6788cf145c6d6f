"""Training whose batches are divided among ranks: updates, and the loss that L-BFGS minimizes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule import loops
from chainrule.compiled import EngineChoice
from chainrule.distributed.agreement import by_rank_zero, checksum_of_text, same_everywhere
from chainrule.distributed.batch_sums import BatchSums
from chainrule.distributed.block_engines import (
    Penalized,
    block_gradient,
    is_compiled,
    precision,
    total_weight,
    update_of,
)
from chainrule.distributed.divided_data import DividedBatch, DividedData
from chainrule.distributed.settings import DataParallel
from chainrule.distributed.stops import Stops
from chainrule.errors import missing
from chainrule.loops import Batches, State
from chainrule.network import MaskSeed, Network
from chainrule.optimizers import Optimizer, OptimizerState

Array: TypeAlias = NDArray[Any]


class DistributedTraining:
    """Updates, of which each rank computes a part; all ranks have the same θ after each.

    Parameters
    ----------
    network : Network
    divided : DividedData
        The samples, in memory or in shards.
    batches : Batches
    parallel : DataParallel
    choice : EngineChoice
        The engine that computes blocks, on one thread.
    state : State
        The start, which must be the same on all ranks.
    settings : str
        What else must be the same, such as the optimizer.

    Raises
    ------
    InputError
        On every rank, if the data or the state are not the same on all of them.
    """

    def __init__(
        self,
        network: Network,
        divided: DividedData,
        batches: Batches,
        parallel: DataParallel,
        choice: EngineChoice,
        state: State,
        settings: str = "",
    ) -> None:
        self.network, self.divided, self.batches = network, divided, batches
        self.data, self.n = divided.data, divided.n
        self.parallel, self.choice = parallel, choice
        self._check(state, settings)
        self.penalized = Penalized(network)
        self.sums = self._prepared(precision(state.theta))

    def _check(self, state: State, settings: str) -> None:
        """Raise InputError on every rank unless all ranks begin alike."""
        counts = np.array([state.step, state.epoch, state.batch, state.seed % 2**63])
        start = {"parameters": state.theta, "states of the run": counts}
        slots = {f"moving average {k}": slot for k, slot in enumerate(state.slots, 1)}
        described = f"{self.network} {self.batches} {self.parallel} {self.choice.engine} {settings}"
        given = {"settings": checksum_of_text(described), **self.divided.same(), **start, **slots}
        same_everywhere(self.parallel.communicator, given)

    def _prepared(self, dtype: np.dtype[Any]) -> BatchSums:
        """Return the sums of batches; rank 0 prepares first, since it may have to compile."""
        size, made = self.divided.largest, list[BatchSums]()

        def prepare() -> None:
            gradient = block_gradient(self.network, self.data, size, self.choice)
            made.append(BatchSums(self.parallel, gradient, self.network.layout.size, dtype))

        by_rank_zero(self.parallel.communicator, prepare)
        if not made:
            prepare()
        return made[0]

    # ---- updates ----

    def updates(
        self, optimizer: Optimizer, current: Callable[[], State], last: int
    ) -> Iterator[State]:
        """Yield the state after each update, up to the end of epoch `last`.

        Parameters
        ----------
        optimizer : Optimizer
        current : callable
            Returns the state to continue from: that yielded last, or one that replaces it.
        last : int

        Raises
        ------
        DivergenceError
            On every rank, if a loss, gradient or new θ is not finite; the last state is valid.
        KeyboardInterrupt
            On every rank after the same update, if a rank was interrupted.
        """
        step = update_of(optimizer, self.data, self.choice)
        with self._threads(), self._stops() as stops:
            while (state := current()).epoch < last:
                if state.batch == 0:
                    state = state._replace(loss_sum=0.0)
                batch = self.divided.at(state)
                state, stop = self._update(optimizer, step, batch, state, stops.own)
                if state.batch == self.batches.count(self.n):
                    state = state._replace(epoch=state.epoch + 1, batch=0)
                yield state
                stops.deliver(stop)
            stops.deliver(self._all_stops(stops.own))

    def _stops(self) -> Stops:
        """Return what notes signals; a single process handles them at once, as usual."""
        return Stops(noted=self.parallel.communicator.size > 1)

    def _all_stops(self, own: float) -> float:
        """Return the sum of what all ranks have received."""
        total = np.array([own])
        self.parallel.communicator.all_reduce(total)
        return float(total[0])

    def _update(
        self,
        optimizer: Optimizer,
        step: Any,
        batch: DividedBatch,
        state: State,
        stop: float,
    ) -> tuple[State, float]:
        """Return the state after an update, and the sum of the stops of all ranks."""
        value, gradient, stops = self._computed(
            state.theta, batch, MaskSeed(state.seed, state.step), stop
        )
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            raise self._divergence(optimizer, batch, state, "the loss or its gradient")
        before = OptimizerState(state.step, state.slots, self.network.layout)
        with np.errstate(all="ignore"):
            theta, after = step(state.theta, gradient, before)
        if not np.isfinite(theta).all():
            raise self._divergence(optimizer, batch, state, "theta after the update")
        made = state._replace(
            theta=theta,
            step=after.step,
            slots=after.slots,
            batch=state.batch + 1,
            loss_sum=state.loss_sum + value * batch.size,
            engine=self.choice.engine,
        )
        return made, stops

    def _computed(
        self, theta: Array, batch: DividedBatch, mask_seed: MaskSeed, stop: float = 0.0
    ) -> tuple[float, Array, float]:
        """Return C of a batch, its gradient, and the sum of the stops of all ranks."""
        with np.errstate(all="ignore"):
            loss, gradient, stops = self.sums(theta, batch, mask_seed, stop)
            total = self._total(batch) if self.network.penalty else 1.0
            value = self.penalized.add(theta, loss, gradient, total)
        return value, gradient, stops

    def _total(self, batch: DividedBatch) -> float:
        """Return the sum of a batch's sample weights."""
        return (
            float(batch.size) if self.data.weight is None else total_weight(self.data, batch.rows)
        )

    def _divergence(
        self, optimizer: Optimizer, batch: DividedBatch, state: State, what: str
    ) -> Exception:
        """Return the error for a number that is not finite."""
        with np.errstate(all="ignore"):
            mask_seed = MaskSeed(state.seed, state.step)
            trace = self.network.run(state.theta, self.data.take(batch.rows), mask_seed)
        return loops.divergence_error(self.network, optimizer, trace, state, what)

    def _threads(self) -> AbstractContextManager[Any]:
        """Limit the BLAS to one thread, unless the compiled engine does so itself."""
        return nullcontext() if is_compiled(self.data, self.choice) else single_thread()

    # ---- L-BFGS ----

    @contextmanager
    def objective(self, batch: DividedBatch) -> Iterator[Callable[[Array], tuple[float, Array]]]:
        """Yield C over a batch and its gradient as a function of θ, for L-BFGS."""

        def evaluate(theta: Array) -> tuple[float, Array]:
            theta = np.ascontiguousarray(theta, self.sums.dtype)
            value, gradient, stop = self._computed(theta, batch, MaskSeed(0, 0), stops.own)
            stops.deliver(stop)
            return value, gradient

        with single_thread(), self._stops() as stops:
            yield evaluate


def single_thread() -> AbstractContextManager[Any]:
    """Limit the BLAS to one thread, since sums of several threads have other bytes.

    Raises
    ------
    MissingPackageError
        If threadpoolctl is not installed.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise missing("threadpoolctl", "training in several processes", "mpi") from error
    return threadpool_limits(1, "blas")
