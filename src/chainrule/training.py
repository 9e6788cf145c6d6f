"""Training: `train` describes a run, and `Run` computes its epochs on demand.

It adds validation, early stopping, records and L-BFGS to the loops over batches of both engines.
"""

import math
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from numbers import Real
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule import loops
from chainrule.batch import Batch
from chainrule.chunks import Chunks, ChunkTraining
from chainrule.compiled import EngineChoice, evaluation, predictor, training
from chainrule.descriptions import Count, Description, NonNegative, check_int, check_type
from chainrule.distributed import (
    Communicator,
    DataParallel,
    DistributedTraining,
    InMemory,
    Sharded,
    Shards,
    as_parallel,
    on_rank_zero,
)
from chainrule.errors import DivergenceError, InputError, unknown
from chainrule.lbfgs_search import Evaluate, LBFGSSearch, SearchLimits, scipy_minimize
from chainrule.loops import Batches, State
from chainrule.metrics import Metric, choose_metric
from chainrule.network import Network, precision_of
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.optimizers import optimizer as named_optimizer
from chainrule.run_inputs import choose_engine, initial_theta, prepare, prepare_pair
from chainrule.schedules import rate_at
from chainrule.sparse_samples import SamplesLike, SparseSamples, holds_sparse

if TYPE_CHECKING:
    from chainrule.compiled import Predictor, Training

Array: TypeAlias = NDArray[Any]


class Record(NamedTuple):
    """The results of a training run after an epoch.

    Attributes
    ----------
    epoch : int
        Number of finished epochs.
    step : int
        Number of updates so far.
    loss : float
        The mean over the epoch's samples of the loss of their batch before its update, penalty
        included; with ``loss_after_epoch=True``, C over all samples after the epoch's updates.
    validation_loss, metric : float or None
        On the validation data (without validation data, the metric is on the training data).
    learning_rate : float or None
        The learning rate of the last update; None for L-BFGS.
    seconds : float
        Time since the run began or was continued.
    """

    epoch: int
    step: int
    loss: float
    validation_loss: float | None
    metric: float | None
    learning_rate: float | None
    seconds: float


@dataclass(frozen=True)
class EarlyStopping(Description):
    """Stop when the monitored value has not improved for some records, and restore the best θ.

    Parameters
    ----------
    patience : int, default 10
        Number of records without an improvement.
    min_delta : float, default 0
        The smallest increase of the score that counts as an improvement.
    monitor : {"loss", "metric"}
        The validation loss (without validation data, the training loss), or the metric, for which
        more is better.
    """

    patience: Count = 10
    min_delta: NonNegative = 0.0
    monitor: str = "loss"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.monitor not in ("loss", "metric"):
            raise unknown("number to monitor", self.monitor, ("loss", "metric"))


# ---- the run ------------------------------------------------------------------------------------


def train(  # noqa: PLR0913 (a run has many options, most of them keyword-only)
    network: Network,
    X: SamplesLike,  # the field's name
    y: ArrayLike,
    optimizer: str | Optimizer | LBFGS = "adam",
    *,
    epochs: int = 100,
    batch_size: int | None = None,
    shuffle: bool = True,
    seed: int = 0,
    sample_weight: ArrayLike | None = None,
    theta: ArrayLike | None = None,
    state: State | None = None,
    validation: tuple[SamplesLike, ArrayLike] | None = None,
    metric: str | Metric | None = None,
    early_stopping: EarlyStopping | None = None,
    record_every: int = 1,
    loss_after_epoch: bool = False,
    engine: str = "auto",
    communicator: Communicator | DataParallel | None = None,
) -> "Run":
    """Describe a training run; its epochs are computed on demand.

    Parameters
    ----------
    network : Network
    X : array (n, inputs), or a sparse matrix
        float32 data are computed in float32, all others in float64.
    y : array (n, outputs), or (n,) single targets or class numbers
    optimizer : str, Optimizer or LBFGS, default "adam"
        L-BFGS uses all data at once, without dropout, and computes all epochs before it yields
        the first record.
    epochs : int, default 100
        Number of epochs to run, also when a state is continued.
    batch_size : int, optional
        Samples in a batch; all by default, 1 for online learning.
    shuffle : bool, default True
        Whether to shuffle the samples in every epoch.
    seed : int, default 0
        Seed for the initial weights, the order of samples and the dropout masks.
    sample_weight : array (n,) or (n, outputs), optional
        Weights of samples, or of each of their outputs; they are scaled to a mean of 1. Those of
        outputs are computed by the reference engine, and not for the losses with softmax.
    theta : array (parameters,), optional
        Initial parameters, which are copied; ``network.initialize(seed)`` by default.
    state : State, optional
        State of an earlier run to continue exactly; its θ and seed are used.
    validation : (array, array), optional
        Samples and targets that are not used for training.
    metric : str or callable, optional
        ``"accuracy"``, ``"r2"``, or ``metric(p, t) -> float``; more is better.
    early_stopping : EarlyStopping, optional
    record_every : int, default 1
        Epochs between records; validation and early stopping use the records only.
    loss_after_epoch : bool, default False
        Whether a record's loss is computed over all samples after the updates, as in published
        examples, instead of being the mean over the batches before their updates.
    engine : {"auto", "compiled", "reference"}
        The engine that computes the run; the results are equal up to rounding.
        ``chainrule.compiled.describe`` returns the choice of "auto" and the reason; a continued
        run stays on its engine.
    communicator : Communicator or DataParallel, optional
        Of several processes that call `train` with the same arguments, such as
        ``chainrule.distributed.MPI()``: each computes a part of every batch. Any number of
        processes gives the same bytes; they differ from those of a run without a communicator by
        rounding.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If data, θ or state do not fit the network, or are not finite.
    MissingPackageError
        If the compiled engine is requested and Numba or SciPy is missing.
    UnknownNameError
        If the name of the optimizer, metric or engine is unknown.
    DivergenceError
        While the run computes, if a loss, gradient or θ is not finite.

    Examples
    --------
    >>> from chainrule import SGD, mlp, train
    >>> half_adder = mlp(2, 4, 2, activation="logistic", loss="squared-error")
    >>> x, t = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0, 0], [1, 0], [1, 0], [0, 1]]
    >>> run = train(half_adder, x, t, SGD(5.0), epochs=2000, seed=1, record_every=500)
    >>> run.finish().loss < 0.01
    True
    """
    start = initial_theta(network, X, theta, state, seed)
    data = prepare(network, start, X, y, sample_weight)
    held_out = None if validation is None else prepare_pair(network, start, validation)
    measure = choose_metric(metric)
    check_early_stopping(early_stopping, measure)
    chosen = named_optimizer(optimizer)
    if isinstance(chosen, LBFGS) and (batch_size is not None or network.has_dropout):
        what = "batches" if batch_size is not None else "dropout"
        raise InputError(f"lbfgs takes all data as they are, without {what}; choose adam or sgd")
    settings = Settings(
        check_int(epochs, "epochs", 0),
        Batches(batch_size, shuffle),
        measure,
        early_stopping,
        check_int(record_every, "record_every"),
        loss_after_epoch,
        parallel=as_parallel(communicator),
    )
    choice = choose_engine(network, chosen, data, batch_size, engine, state)
    if communicator is not None:
        choice = replace(choice, threads=1)  # sums by several threads have other bytes
    return Run(network, data, held_out, chosen, settings, start, seed, state, choice)


def check_early_stopping(early_stopping: EarlyStopping | None, metric: Metric | None) -> None:
    """Raise InputError if early stopping has the wrong type or monitors a missing metric."""
    check_type(
        early_stopping,
        EarlyStopping | None,
        "early_stopping",
        "give EarlyStopping(patience=10) or None",
    )
    if early_stopping is not None and early_stopping.monitor == "metric" and metric is None:
        raise InputError("EarlyStopping(monitor='metric') needs a metric, such as 'accuracy'")


class Settings(NamedTuple):
    """The options of a run other than its data, network and optimizer."""

    epochs: int
    batches: Batches
    metric: Metric | None
    early_stopping: EarlyStopping | None
    record_every: int
    loss_after_epoch: bool
    search: SearchLimits = SearchLimits()
    parallel: DataParallel | None = None


class Stage(NamedTuple):
    """The state of a run between two updates, and what ended there.

    Attributes
    ----------
    state : State
    loss : float or None
        Loss of the epoch that ended there, if the epoch has a record.
    reason : str or None
        Why the run ends there; None if it continues.
    """

    state: State
    loss: float | None
    reason: str | None = None


class Run:
    """A training run: iterate over it for its records, or call `finish`.

    An interruption (Ctrl-C, an error in a metric, or a loop left early) loses nothing: all records
    up to it are kept, and iterating again, or ``train(…, state=run.state)``, continues with the
    same results as an uninterrupted run. `train` validates the arguments and creates the run.

    Parameters
    ----------
    network : Network
    data, validation : Batch
        All samples; `validation` may be None.
    optimizer : Optimizer or LBFGS
    settings : Settings
        Epochs, batches, metric, early stopping, records.
    theta : array (parameters,)
        Initial parameters, which are copied.
    seed : int
    state : State or None
        State to continue from instead.
    engine_choice : EngineChoice
        The engine that computes the run, and the reason for the choice.
    chunks : Chunks, optional
        Samples that come in parts in every epoch; `data` are then some of them, as an example.

    Attributes
    ----------
    engine_choice : EngineChoice
    state : State
        Everything needed to continue the run.
    parallel : DataParallel or None
        The processes among which batches are divided.
    history : list of Record
    reason : str or None
        Why the run ended: ``"epochs"``, ``"early stopping"``, ``"converged"``, ``"diverged"``, or
        ``"calls"`` if L-BFGS reached its limit of calls. None before the end.
    """

    def __init__(
        self,
        network: Network,
        data: Batch,
        validation: Batch | None,
        optimizer: Optimizer | LBFGS,
        settings: Settings,
        theta: Array,
        seed: int,
        state: State | None,
        engine_choice: EngineChoice,
        chunks: Chunks | None = None,
    ) -> None:
        self.engine_choice, self.parallel = engine_choice, settings.parallel
        self.network, self.optimizer, self.settings = network, optimizer, settings
        self.data, self.validation, self.chunks = data, validation, chunks
        self.samples = len(data.x)  # of an epoch, once one with chunks has ended
        if isinstance(optimizer, LBFGS):
            self.state = state or State(np.array(theta), 0, (), check_int(seed, "seed", 0))
        elif state is None:
            self.state = loops.initial_state(theta, optimizer, network.layout, seed)
        else:
            n = sys.maxsize if chunks else len(data.x)
            self.state = loops.check_state(state, network, optimizer, settings.batches, n)
        self.history: list[Record] = []
        self._prepared: Training | None = None
        self._predictor: Predictor | None = None
        self._distributed: DistributedTraining | None = None
        self.reason: str | None = None
        self.last_epoch = self.state.epoch + settings.epochs

    @property
    def theta(self) -> Array:
        """The current parameters, (parameters,): a new array after every update, never modified.

        After a run with early stopping has ended, these are the best parameters of the run; its
        state keeps the last ones, from which it continues.
        """
        best = self.state.best_theta
        ended = self.settings.early_stopping is not None and self.reason not in (None, "diverged")
        return best if ended and best is not None else self.state.theta

    def predict(self, x: SamplesLike) -> Array:
        """Return the prediction p, (n, outputs), with the current parameters."""
        return self._predict(self.theta, x)

    def finish(self) -> Record:
        """Run to the end and return the last record.

        Raises
        ------
        DivergenceError
            If a loss, gradient or θ is not finite.
        """
        if isinstance(self.optimizer, Optimizer) and self._can_skip_records():
            self._run_through(self.optimizer)
        for _ in self:
            pass
        if not self.history:
            raise InputError("this run has no epochs left; ask for epochs=1 or more")
        return self.history[-1]

    def __iter__(self) -> Iterator[Record]:
        """Yield a record after every `record_every` epochs, and after the last."""
        if self.reason not in (None, "diverged"):
            return
        began = time.perf_counter()
        try:
            for stage in self._stages():
                if stage.loss is None:
                    self.state = stage.state
                    continue
                record = self._record(stage.state, stage.loss, time.perf_counter() - began)
                self._keep(stage, record)
                yield record
                if self.reason:
                    break
        except DivergenceError:
            self.reason = "diverged"
            raise
        self.reason = self.reason or "epochs"

    # ---- extending and changing a run ----

    def extend(self, epochs: int) -> "Run":
        """Set the end of the run to this many epochs from now, even if it has already ended.

        Nothing is computed until the run is iterated over or finished.

        Parameters
        ----------
        epochs : int

        Returns
        -------
        Run
            This run.

        Examples
        --------
        >>> from chainrule import mlp, train
        >>> network = mlp(1, 2, 1, activation="tanh", loss="squared-error")
        >>> run = train(network, [[0.0], [1.0]], [[0.0], [1.0]], epochs=2)
        >>> run.finish().epoch, run.extend(3).finish().epoch
        (2, 5)
        """
        self.last_epoch, self.reason = self.state.epoch + check_int(epochs, "epochs", 0), None
        return self

    def rewind(self, state: State) -> None:
        """Continue from another state, and drop the records of later epochs.

        Parameters
        ----------
        state : State
            An earlier state of this run, or the current state with other parameters.
        """
        kept = bisect_right(self.history, state.epoch, key=attrgetter("epoch"))
        self._store(kept, [], state, None)

    def with_optimizer(self, optimizer: Optimizer) -> "Run":
        """Return a run that continues from here to the same end with another optimizer.

        Parameters
        ----------
        optimizer : Optimizer
            An optimizer of the same class, whose moving averages are kept; for example one with a
            lower learning rate.
        """
        return self._copy(optimizer, self.settings)

    def with_search_limits(self, limits: SearchLimits) -> "Run":
        """Return a run that continues from here to the same end with other limits for L-BFGS.

        Parameters
        ----------
        limits : SearchLimits
        """
        return self._copy(self.optimizer, self.settings._replace(search=limits))

    # ---- steps of a run ----

    def _copy(self, optimizer: Optimizer | LBFGS, settings: Settings) -> "Run":
        """Return a run that continues from here; its history begins with the records so far."""
        run = Run(
            self.network,
            self.data,
            self.validation,
            optimizer,
            settings._replace(epochs=max(self.last_epoch - self.state.epoch, 0)),
            self.state.theta,
            self.state.seed,
            self.state,
            self.engine_choice,
            self.chunks,
        )
        run.history = [*self.history]
        return run

    def _store(self, kept: int, records: list[Record], state: State, reason: str | None) -> None:
        """Replace the records after the first `kept` ones, and store the state they lead to.

        Ctrl-C can interrupt between statements, or after a call. This is a single statement whose
        calls all come before the first assignment, so either everything is stored, or nothing.
        """
        self.history[kept:], self.state, self.reason = records, state, reason

    def _stages(self) -> Iterator[Stage]:
        """Yield the stages of the run; each is computed from the current state of the run."""
        if isinstance(self.optimizer, LBFGS):
            yield from self._lbfgs(self.optimizer)
            return
        if self.parallel is not None:
            yield from self._in_parallel(self.optimizer, self.parallel)
            return
        if self.chunks is not None:
            yield from self._by_chunks(self.optimizer, self.chunks)
            return
        if self.engine_choice.engine == "compiled":
            yield from self._compiled(self.optimizer)
            return
        while self.state.epoch < self.last_epoch:
            for state in loops.run_epoch(
                self.network, self.optimizer, self.data, self.settings.batches, self.state
            ):
                ended = state.batch == 0 and self._is_recorded(state.epoch)
                yield Stage(state, state.loss_sum / len(self.data.x) if ended else None)

    def _by_chunks(self, optimizer: Optimizer, chunks: Chunks) -> Iterator[Stage]:
        """Yield the stages of epochs whose samples come in parts."""
        size = self.settings.batches.size or sys.maxsize
        training = ChunkTraining(self.network, optimizer, chunks, size, self.engine_choice)
        while self.state.epoch < self.last_epoch:
            for state in training.epoch(self.state):
                ended = state.batch == 0 and self._is_recorded(state.epoch)
                self.samples = training.samples if state.batch == 0 else self.samples
                yield Stage(state, state.loss_sum / self.samples if ended else None)

    def _in_parallel(self, optimizer: Optimizer, parallel: DataParallel) -> Iterator[Stage]:
        """Yield the stages of updates that all ranks make together."""
        distributed = self._distributed_over(parallel)
        self.samples = distributed.n
        for state in distributed.updates(optimizer, lambda: self.state, self.last_epoch):
            ended = state.batch == 0 and self._is_recorded(state.epoch)
            yield Stage(state, state.loss_sum / self.samples if ended else None)

    def _distributed_over(self, parallel: DataParallel) -> DistributedTraining:
        """Return this rank's part of the run, prepared on first use."""
        if self._distributed is None:
            given = self._divided_data(parallel), self.settings.batches, parallel
            self._distributed = DistributedTraining(
                self.network,
                *given,
                self.engine_choice,
                self.state,
                f"{self.optimizer} {self.last_epoch} {self.settings.record_every}",
            )
        return self._distributed

    def _divided_data(self, parallel: DataParallel) -> InMemory | Sharded:
        """Return the samples as ranks compute them: of chunks, each reads its own."""
        batches = self.settings.batches
        if self.chunks is None:
            return InMemory(self.data, batches, parallel)
        if not isinstance(self.chunks, Shards):
            raise InputError("these chunks cannot be divided among processes; give a stream")
        return Sharded(self.chunks, self.data, batches, parallel)

    def _record(self, state: State, loss: float, seconds: float) -> Record:
        held_out, theta = self.validation, state.theta
        validation_loss = None if held_out is None else self._value(theta, held_out)
        if self.settings.loss_after_epoch:
            loss = self._value(theta, self.data)
        measured = held_out or self.data
        score = None
        if self.settings.metric is not None:
            score = self.settings.metric(self._predict(theta, measured.x), measured.t)
            check_type(score, Real, "the metric's value", "a metric returns a number")
        learning_rate = None
        if isinstance(self.optimizer, Optimizer) and state.step:
            learning_rate = rate_at(self.optimizer.learning_rate, state.step)
        decided = [loss, validation_loss, score]
        if self.parallel is not None:  # decisions depend on them, so they are those of rank 0
            decided = on_rank_zero(self.parallel.communicator, decided)
        mean, validation_loss, score = decided
        loss = loss if mean is None else mean
        return Record(state.epoch, state.step, loss, validation_loss, score, learning_rate, seconds)

    def _keep(self, stage: Stage, record: Record) -> None:
        """Store a record and its state, after the decision on early stopping."""
        self._store(len(self.history), [record], *self._early_stopped(stage, record))

    def _early_stopped(self, stage: Stage, record: Record) -> tuple[State, str | None]:
        """Return the state with the best θ so far, and the reason for stopping, if any."""
        stop, state = self.settings.early_stopping, stage.state
        if stop is None:
            return state, stage.reason
        loss = record.loss if record.validation_loss is None else record.validation_loss
        score = float(record.metric or 0.0) if stop.monitor == "metric" else -loss
        better = state.best_score is None or score > state.best_score + stop.min_delta
        if better and not math.isnan(score):
            state = state._replace(best_score=score, best_epoch=state.epoch, best_theta=state.theta)
        waited = (state.epoch - state.best_epoch) / self.settings.record_every
        return state, "early stopping" if waited >= stop.patience else stage.reason

    # ---- the compiled engine ----

    def _predict(self, theta: Array, x: SamplesLike) -> Array:
        """Return the prediction, computed by the engine of the run."""
        rows: Any = x
        if self.engine_choice.engine != "compiled" or holds_sparse(x):
            return self.network.predict(theta, rows)
        return self._forward().predict(theta, rows)

    def _value(self, theta: Array, batch: Batch) -> float:
        """Return C for a batch, computed by the engine of the run."""
        if self.engine_choice.engine != "compiled" or isinstance(batch.x, SparseSamples):
            return float(self.network.value(theta, batch))
        o = self._forward().raw(theta, batch.x)  # (n, outputs)
        loss = self.network.loss.value(o, batch.t, batch.weight)
        return float(loss + self.network.penalty_value(theta, batch))

    def _forward(self) -> "Predictor":
        """Return the compiled forward pass, prepared on first use."""
        if self._predictor is None:
            self._predictor = predictor(self.network, precision_of(self.state.theta))
        return self._predictor

    def _engine(self, optimizer: Optimizer) -> "Training":
        """Return the compiled engine, prepared for these data on first use."""
        if self._prepared is None:
            batches = self.settings.batches
            self._prepared = training(
                self.network, optimizer, self.data, batches, self.engine_choice
            )
        return self._prepared

    def _compiled(self, optimizer: Optimizer) -> Iterator[Stage]:
        """Yield the stages of the compiled engine, at least one for each record."""
        every, engine = self.settings.record_every, self._engine(optimizer)
        while self.state.epoch < self.last_epoch:
            until = min(self.last_epoch, (self.state.epoch // every + 1) * every)
            for state, _ in engine.epochs(self.state, until):
                ended = state.epoch == until
                yield Stage(state, state.loss_sum / len(self.data.x) if ended else None)

    def _can_skip_records(self) -> bool:
        """Return whether no record needs more than the loss, so that epochs can run in one call."""
        s = self.settings
        divided = self.chunks is not None or self.parallel is not None
        if self.engine_choice.engine != "compiled" or divided:
            return False
        return (
            self.validation is None
            and s.metric is None
            and s.early_stopping is None
            and not s.loss_after_epoch
        )

    def _run_through(self, optimizer: Optimizer) -> None:
        """Run to the end in as few compiled calls as possible, and add the records afterwards."""
        if self.reason not in (None, "diverged"):
            return
        began, count = time.perf_counter(), self.settings.batches.count(len(self.data.x))
        try:
            for state, losses in self._engine(optimizer).epochs(self.state, self.last_epoch):
                seconds, first = time.perf_counter() - began, self.state.epoch + 1
                records = list[Record]()
                for epoch in self._recorded_epochs(first, first + len(losses)):
                    step = state.step - state.batch - (state.epoch - epoch) * count
                    learning_rate = rate_at(optimizer.learning_rate, step)
                    loss = losses[epoch - first]
                    records.append(Record(epoch, step, loss, None, None, learning_rate, seconds))
                self._store(len(self.history), records, state, None)
        except DivergenceError:
            self.reason = "diverged"
            raise
        self.reason = "epochs"

    def _recorded_epochs(self, first: int, end: int) -> list[int]:
        """Return the epochs from `first` to before `end` that have a record."""
        every = self.settings.record_every
        epochs = list(range(-(-first // every) * every, end, every))
        last = first <= self.last_epoch < end and self.last_epoch % every
        return [*epochs, self.last_epoch] if last else epochs

    def _is_recorded(self, epoch: int) -> bool:
        """Return whether an epoch has a record."""
        return epoch == self.last_epoch or epoch % self.settings.record_every == 0

    # ---- L-BFGS ----

    def _lbfgs(self, optimizer: LBFGS) -> Iterator[Stage]:
        """Minimize the loss over the trainable entries with SciPy, then yield the iterations."""
        minimize = scipy_minimize()
        if not self.network.layout.trainable.any() or self.last_epoch == self.state.epoch:
            return
        with self._objective() as evaluate:
            given = self.network, self.data, self.state, self.settings.search
            search = LBFGSSearch(*given, evaluate)
            try:
                result = search.run(minimize, optimizer, self.last_epoch - self.state.epoch)
            except BaseException:  # the iterations before the error keep their records
                yield from self._seen(search.seen, None)
                raise
        seen = search.seen or [(self.state, float(result.fun))]  # SciPy started at a minimum
        yield from self._seen(seen, search.reason(result.status))

    def _objective(self) -> AbstractContextManager[Evaluate | None]:
        """Return the loss and gradient that the search calls; None for those of the network."""
        if self.parallel is not None:
            whole = InMemory(self.data, self.settings.batches, self.parallel).whole()
            return self._distributed_over(self.parallel).objective(whole)
        compiled = self.engine_choice.engine == "compiled"
        return nullcontext(
            evaluation(self.network, self.data, self.engine_choice) if compiled else None
        )

    def _seen(self, seen: list[tuple[State, float]], reason: str | None) -> Iterator[Stage]:
        """Yield the stages of iterations, with the fields that early stopping has set meanwhile."""
        for state, loss in seen:
            last = reason if state is seen[-1][0] else None
            now = self.state._replace(
                theta=state.theta, epoch=state.epoch, step=state.step, engine=state.engine
            )
            yield Stage(now, loss if last or self._is_recorded(state.epoch) else None, last)
