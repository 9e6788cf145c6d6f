"""Training: `train` describes a run, and `Run` computes its epochs on demand.

It adds validation, early stopping, records and L-BFGS to the engines' loops over batches.
"""

import math
import time
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Real
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule import loops
from chainrule.batch import Batch, as_numeric, check_finite
from chainrule.compiled import EngineChoice, describe, predictor, training
from chainrule.descriptions import Count, Description, NonNegative, check_int, check_type
from chainrule.elementwise import where
from chainrule.errors import DivergenceError, InputError, missing, unknown
from chainrule.loops import Batches, State
from chainrule.names import canonical
from chainrule.network import Network, precision_of
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.optimizers import optimizer as named_optimizer
from chainrule.schedules import rate_at

if TYPE_CHECKING:
    from chainrule.compiled import Predictor, Training

Array: TypeAlias = NDArray[Any]
Metric: TypeAlias = Callable[[Array, Array], float]


class Record(NamedTuple):
    """What is known after an epoch.

    Attributes
    ----------
    epoch : int
        Finished epochs.
    step : int
        Updates made.
    loss : float
        The mean over the epoch's samples of the loss that their batch had when it was seen, penalty
        included; with ``loss_after_epoch=True``, C over all samples after the epoch's updates.
    validation_loss, metric : float or None
        Over the validation data (the metric over the training data where there are none).
    learning_rate : float or None
        The learning rate of the last update; None for L-BFGS.
    seconds : float
        Since the run began or was continued.
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
    """Stop when the monitored number has not improved for some records, and restore the best θ.

    Parameters
    ----------
    patience : int, default 10
        Records without an improvement.
    min_delta : float, default 0
        What counts as one.
    monitor : {"loss", "metric"}
        The validation loss (the training loss without validation data), or the metric, of which
        more is better.
    """

    patience: Count = 10
    min_delta: NonNegative = 0.0
    monitor: str = "loss"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.monitor not in ("loss", "metric"):
            raise unknown("number to monitor", self.monitor, ("loss", "metric"))


# ---- metrics ------------------------------------------------------------------------------------


def accuracy(p: Array, t: Array) -> float:
    """Return the share of samples that are right.

    Where every row of targets sums to 1, the largest output names the class. Otherwise outputs are
    yes (above ½) or no each by itself, and all of a sample's must be right.
    """
    if p.shape[1] > 1 and np.allclose(np.sum(t, axis=1), 1, atol=1e-5):
        right: Array = np.argmax(p, axis=1) == np.argmax(t, axis=1)  # (n,)
    else:
        right = np.all((p > 0.5) == (t > 0.5), axis=1)  # (n,)
    return float(right.mean())


def r2(p: Array, t: Array) -> float:
    """Return 1 − Σ(t − p)² / Σ(t − mean t)², the mean over outputs.

    An output whose targets are all alike counts 1 where each is met, else 0, as in scikit-learn.
    """
    spread = np.sum((t - t.mean(axis=0)) ** 2, axis=0)  # (k,)
    missed = np.sum((t - p) ** 2, axis=0)  # (k,)
    share = where(spread > 0, 1 - missed / where(spread > 0, spread, 1.0), missed == 0)  # (k,)
    return float(share.mean())


METRICS: dict[str, Metric] = {"accuracy": accuracy, "r2": r2}


# ---- the run ------------------------------------------------------------------------------------


def train(  # noqa: PLR0913 (a run has many options, most of them keyword-only)
    network: Network,
    X: ArrayLike,  # the field's name
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
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    metric: str | Metric | None = None,
    early_stopping: EarlyStopping | None = None,
    record_every: int = 1,
    loss_after_epoch: bool = False,
    engine: str = "auto",
) -> "Run":
    """Describe a training run; its epochs are computed on demand.

    Parameters
    ----------
    network : Network
    X : array (n, inputs)
        float32 data are computed in float32, all others in float64.
    y : array (n, outputs), or (n,) single targets or class numbers
    optimizer : str, Optimizer or LBFGS, default "adam"
        L-BFGS takes all data at once, without dropout, and computes every epoch before it hands
        out the first record.
    epochs : int, default 100
        How many from here, also when a state is continued.
    batch_size : int, optional
        Samples in a batch: all by default, 1 for online learning.
    shuffle : bool, default True
        Whether every epoch has an order of its own.
    seed : int, default 0
        Seed of the initial weights, the order of samples and the dropout masks.
    sample_weight : array (n,), optional
        Sample weights, scaled to mean 1 over these data.
    theta : array (parameters,), optional
        Where to begin; a copy is taken. ``network.initialize(seed)`` by default.
    state : State, optional
        Of an earlier run, to go on with the same bytes; it brings its own θ and seed.
    validation : (array, array), optional
        Data that are not trained on.
    metric : str or callable, optional
        ``"accuracy"``, ``"r2"``, or ``metric(p, t) -> float``; more is better.
    early_stopping : EarlyStopping, optional
    record_every : int, default 1
        Epochs from record to record; validation and stopping look at records only.
    loss_after_epoch : bool, default False
        Whether a record's loss is computed over all samples after the updates, as published
        examples do, instead of being the mean of what the batches had.
    engine : {"auto", "compiled", "reference"}
        What computes it: the same numbers within rounding. ``chainrule.compiled.describe`` says
        which one "auto" takes, and why; a continued run stays on its engine.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If data, θ or state do not fit, or are not finite.
    MissingPackageError
        If the compiled engine is requested and Numba or SciPy is missing.
    UnknownNameError
        If no optimizer, metric or engine has that name.
    DivergenceError
        While it runs, if a loss, gradient or θ is not finite.

    Examples
    --------
    >>> from chainrule import SGD, mlp, train
    >>> half_adder = mlp(2, 4, 2, activation="logistic", loss="squared-error")
    >>> x, t = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0, 0], [1, 0], [1, 0], [0, 1]]
    >>> run = train(half_adder, x, t, SGD(5.0), epochs=2000, seed=1, record_every=500)
    >>> run.finish().loss < 0.01
    True
    """
    rows = as_numeric(X, "X")
    if state is None:
        single = rows.dtype.newbyteorder("=") == np.float32
        start = np.float32 if single else np.float64
        theta = network.initialize(seed, start) if theta is None else network.layout.check(theta)
    else:
        check_type(state, State, "state", "give the state of a run, such as run.state")
        theta = network.layout.check(state.theta)
    check_finite(theta, "theta", "begin with finite parameters")
    data = prepare(network, theta, X, y, sample_weight)
    held_out = None if validation is None else prepare_pair(network, theta, validation)
    measure = choose_metric(metric)
    check_type(
        early_stopping,
        EarlyStopping | None,
        "early_stopping",
        "give EarlyStopping(patience=10) or None",
    )
    if early_stopping is not None and early_stopping.monitor == "metric" and measure is None:
        raise InputError("EarlyStopping(monitor='metric') needs a metric, such as 'accuracy'")
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
    )
    choice = choose_engine(network, chosen, data, batch_size, engine, state)
    return Run(network, data, held_out, chosen, settings, theta, seed, state, choice)


def choose_engine(
    network: Network,
    optimizer: Optimizer | LBFGS,
    data: Batch,
    batch_size: int | None,
    engine: str,
    state: State | None,
) -> EngineChoice:
    """Return the engine of a run; for a continued state, "auto" means the engine it began on."""
    own = isinstance(optimizer, LBFGS)  # SciPy's loop, whichever engine was used before
    if state is not None and state.step and engine == "auto" and not own:
        engine = state.engine
    choice = describe(
        network,
        optimizer,
        rows=len(data.x),
        batch_size=batch_size,
        dtype=data.x.dtype,
        engine=engine,
    )
    if engine == "auto" and choice.missing:
        say_once(choice.reason)
    return choice


@cache
def say_once(reason: str) -> None:
    """Warn that training is slow here, once."""
    warnings.warn(f"training runs on the reference engine: {reason}", RuntimeWarning, stacklevel=4)


def prepare(
    network: Network, theta: Array, x: ArrayLike, t: ArrayLike, weights: ArrayLike | None
) -> Batch:
    """Return data as a batch of all samples, checked to be finite."""
    batch = network.batch(theta, x, t, weights)
    check_finite(batch.x, "X")
    return batch


def prepare_pair(network: Network, theta: Array, validation: Sequence[Any]) -> Batch:
    """Return validation data as a batch; an error says whose fault it names."""
    if not (isinstance(validation, tuple | list) and len(validation) == 2):
        raise InputError(f"validation is a {type(validation).__name__}; give a pair (X, y)")
    x, t = validation
    try:
        return prepare(network, theta, x, t, None)
    except InputError as error:
        raise InputError(f"validation: {error}") from None


def choose_metric(choice: str | Metric | None) -> Metric | None:
    """Return the metric of that name, or the given function."""
    return (
        choice
        if choice is None or callable(choice)
        else METRICS[canonical("metric", choice, METRICS)]
    )


class SearchLimits(NamedTuple):
    """Where L-BFGS stops besides its tolerance and the number of epochs.

    Attributes
    ----------
    calls : float, default inf
        No iteration begins after more calls of the loss than this.
    gain : float, default -inf
        It ends after an iteration that improves the loss by no more than this share of it (of 1,
        if the loss is smaller).
    """

    calls: float = math.inf
    gain: float = -math.inf


class Settings(NamedTuple):
    """The options of a run, apart from its data, network and optimizer."""

    epochs: int
    batches: Batches
    metric: Metric | None
    early_stopping: EarlyStopping | None
    record_every: int
    loss_after_epoch: bool
    search: SearchLimits = SearchLimits()


class Stage(NamedTuple):
    """A point of a run.

    Attributes
    ----------
    state : State
    loss : float or None
        Of the epoch that ended there, if it has a record.
    reason : str or None
        Why the run ends there, None if it goes on.
    """

    state: State
    loss: float | None
    reason: str | None = None


class Run:
    """A training run: iterate over it for its records, or let it `finish`.

    An interruption (Ctrl-C, an error in a metric, or a loop left early) leaves a state from which
    iterating again, or ``train(…, state=run.state)``, goes on as if nothing had been; the records
    up to it are all there. `train` makes it and checks what it is made of.

    Parameters
    ----------
    network : Network
    data, validation : Batch
        All samples; the second may be None.
    optimizer : Optimizer or LBFGS
    settings : Settings
        Epochs, batches, metric, early stopping, records.
    theta : array (parameters,)
        Where to begin; a copy is taken.
    seed : int
    state : State or None
        Where to go on instead.
    engine_choice : EngineChoice
        Which engine computes it, and why.

    Attributes
    ----------
    engine_choice : EngineChoice
    state : State
        Everything needed to go on.
    history : list of Record
    reason : str or None
        Why the run ended: ``"epochs"``, ``"early stopping"``, ``"converged"``, ``"diverged"``, or
        ``"calls"`` where L-BFGS reached its limit of calls.
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
    ) -> None:
        self.engine_choice = engine_choice
        self.network, self.optimizer, self.settings = network, optimizer, settings
        self.data, self.validation = data, validation
        if isinstance(optimizer, LBFGS):
            self.state = state or State(np.array(theta), 0, (), check_int(seed, "seed", 0))
        elif state is None:
            self.state = loops.initial_state(theta, optimizer, network.layout, seed)
        else:
            n = len(data.x)
            self.state = loops.check_state(state, network, optimizer, settings.batches, n)
        self.history: list[Record] = []
        self._prepared: Training | None = None
        self._predictor: Predictor | None = None
        self.reason: str | None = None
        self.last_epoch = self.state.epoch + settings.epochs

    @property
    def theta(self) -> Array:
        """The parameters now, (parameters,): a new array after every update, never written to.

        Once a run with early stopping has ended, they are the best that were seen; its state keeps
        the last ones, to go on from.
        """
        best = self.state.best_theta
        ended = self.settings.early_stopping is not None and self.reason not in (None, "diverged")
        return best if ended and best is not None else self.state.theta

    def predict(self, x: ArrayLike) -> Array:
        """Return the prediction p, (n, outputs), with the parameters as they are now."""
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

    # ---- going on in another way ----

    def extend(self, epochs: int) -> "Run":
        """Let the run end this many epochs from here, whatever ended it before; compute nothing.

        Parameters
        ----------
        epochs : int

        Returns
        -------
        Run
            This run, to `finish` or to iterate over.

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
        """Go on from another state, and drop the records of later epochs.

        Parameters
        ----------
        state : State
            An earlier one of this run, or the present one with other parameters.
        """
        kept = bisect_right(self.history, state.epoch, key=attrgetter("epoch"))
        self._store(kept, [], state, None)

    def with_optimizer(self, optimizer: Optimizer) -> "Run":
        """Return a run that goes on from here to the same end with another optimizer.

        Parameters
        ----------
        optimizer : Optimizer
            Of the same kind, so that its moving averages go on; such as one with a lower rate.
        """
        return self._copy(optimizer, self.settings)

    def with_search_limits(self, limits: SearchLimits) -> "Run":
        """Return a run that goes on from here to the same end with other limits for L-BFGS.

        Parameters
        ----------
        limits : SearchLimits
        """
        return self._copy(self.optimizer, self.settings._replace(search=limits))

    # ---- parts ----

    def _copy(self, optimizer: Optimizer | LBFGS, settings: Settings) -> "Run":
        """Return a run that goes on from here; its history begins with the records so far."""
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
        )
        run.history = [*self.history]
        return run

    def _store(self, kept: int, records: list[Record], state: State, reason: str | None) -> None:
        """Put records behind those kept, with the state that they lead to.

        An interruption arrives between statements, or after a call. This is one statement, and
        what it calls is called before it stores anything: either all is stored, or nothing.
        """
        self.history[kept:], self.state, self.reason = records, state, reason

    def _stages(self) -> Iterator[Stage]:
        """Go on from stage to stage; each begins in the state that the run has then."""
        if isinstance(self.optimizer, LBFGS):
            yield from self._lbfgs(self.optimizer)
            return
        if self.engine_choice.engine == "compiled":
            yield from self._compiled(self.optimizer)
            return
        while self.state.epoch < self.last_epoch:
            for state in loops.run_epoch(
                self.network, self.optimizer, self.data, self.settings.batches, self.state
            ):
                ended = state.batch == 0 and self._is_wanted(state.epoch)
                yield Stage(state, state.loss_sum / len(self.data.x) if ended else None)

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
        return Record(state.epoch, state.step, loss, validation_loss, score, learning_rate, seconds)

    def _keep(self, stage: Stage, record: Record) -> None:
        """Take over a record with the state that it is about, and with what they decide."""
        self._store(len(self.history), [record], *self._early_stopped(stage, record))

    def _early_stopped(self, stage: Stage, record: Record) -> tuple[State, str | None]:
        """Keep the best θ, and stop where it has not been bettered for long enough."""
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

    def _predict(self, theta: Array, x: ArrayLike) -> Array:
        """Return the prediction, from the engine that the run is on."""
        if self.engine_choice.engine != "compiled":
            return self.network.predict(theta, x)
        return self._forward().predict(theta, x)

    def _value(self, theta: Array, batch: Batch) -> float:
        """Return C for a batch, from the engine that the run is on."""
        if self.engine_choice.engine != "compiled":
            return float(self.network.value(theta, batch))
        o = self._forward().raw(theta, batch.x)  # (n, outputs)
        loss = self.network.loss.value(o, batch.t, batch.weight)
        return float(loss + self.network.penalty_value(theta, batch))

    def _forward(self) -> "Predictor":
        """Return the compiled forward pass, prepared when it is first wanted."""
        if self._predictor is None:
            self._predictor = predictor(self.network, precision_of(self.state.theta))
        return self._predictor

    def _engine(self, optimizer: Optimizer) -> "Training":
        """Return the compiled engine, prepared for these data when it is first wanted."""
        if self._prepared is None:
            batches = self.settings.batches
            self._prepared = training(
                self.network, optimizer, self.data, batches, self.engine_choice
            )
        return self._prepared

    def _compiled(self, optimizer: Optimizer) -> Iterator[Stage]:
        """Run from record to record, with other stages on the way."""
        every, engine = self.settings.record_every, self._engine(optimizer)
        while self.state.epoch < self.last_epoch:
            until = min(self.last_epoch, (self.state.epoch // every + 1) * every)
            for state, _ in engine.epochs(self.state, until):
                ended = state.epoch == until
                yield Stage(state, state.loss_sum / len(self.data.x) if ended else None)

    def _can_skip_records(self) -> bool:
        """Whether records can be written after the fact: nothing is measured between epochs."""
        s = self.settings
        if self.engine_choice.engine != "compiled":
            return False
        return (
            self.validation is None
            and s.metric is None
            and s.early_stopping is None
            and not s.loss_after_epoch
        )

    def _run_through(self, optimizer: Optimizer) -> None:
        """Run to the end in as few calls as there can be, and write the records of the epochs."""
        if self.reason not in (None, "diverged"):
            return
        began, count = time.perf_counter(), self.settings.batches.count(len(self.data.x))
        try:
            for state, losses in self._engine(optimizer).epochs(self.state, self.last_epoch):
                seconds, first = time.perf_counter() - began, self.state.epoch + 1
                made = list[Record]()
                for epoch in self._wanted(first, first + len(losses)):
                    step = state.step - state.batch - (state.epoch - epoch) * count
                    learning_rate = rate_at(optimizer.learning_rate, step)
                    loss = losses[epoch - first]
                    made.append(Record(epoch, step, loss, None, None, learning_rate, seconds))
                self._store(len(self.history), made, state, None)
        except DivergenceError:
            self.reason = "diverged"
            raise
        self.reason = "epochs"

    def _wanted(self, first: int, end: int) -> list[int]:
        """Return the epochs from `first` to before `end` that have a record."""
        every = self.settings.record_every
        wanted = list(range(-(-first // every) * every, end, every))
        last = first <= self.last_epoch < end and self.last_epoch % every
        return [*wanted, self.last_epoch] if last else wanted

    def _is_wanted(self, epoch: int) -> bool:
        """Whether an epoch has a record."""
        return epoch == self.last_epoch or epoch % self.settings.record_every == 0

    # ---- L-BFGS, SciPy's ----

    def _lbfgs(self, optimizer: LBFGS) -> Iterator[Stage]:
        """Let SciPy run over the trainable entries; yield the stages of it afterwards."""
        minimize = scipy_minimize()
        if not self.network.layout.trainable.any() or self.last_epoch == self.state.epoch:
            return
        search = Search(self.network, self.data, self.state, self.settings.search)
        try:
            result: Any = minimize(
                search.value_and_gradient,
                search.start,
                jac=True,
                method="L-BFGS-B",
                callback=search.iterated,
                options={
                    "maxiter": self.last_epoch - self.state.epoch,
                    "maxcor": optimizer.memory,
                    "gtol": optimizer.tolerance,
                    "ftol": 0.0,
                    "maxfun": 10**9,
                },
            )
        except BaseException:  # what was reached has its records all the same
            yield from self._seen(search.seen, None)
            raise
        seen = search.seen or [(self.state, float(result.fun))]  # it began at a minimum
        yield from self._seen(seen, search.reason(result.status))

    def _seen(self, seen: list[tuple[State, float]], reason: str | None) -> Iterator[Stage]:
        """Yield the stages of iterations; early stopping's part of the state comes in between."""
        for state, loss in seen:
            last = reason if state is seen[-1][0] else None
            now = self.state._replace(theta=state.theta, epoch=state.epoch, step=state.step)
            yield Stage(now, loss if last or self._is_wanted(state.epoch) else None, last)


class Search:
    """One search of L-BFGS: what SciPy calls, and the states that it has reached.

    Parameters
    ----------
    network : Network
    data : Batch
    state : State
        Where it begins.
    limits : SearchLimits
    """

    def __init__(self, network: Network, data: Batch, state: State, limits: SearchLimits) -> None:
        self.network, self.data, self.limits = network, data, limits
        self.state = state
        self.calls, self.loss = 0, math.inf
        self.seen: list[tuple[State, float]] = []  # of each iteration: the state after it, its loss

    @property
    def start(self) -> Array:
        """The trainable entries of θ where the search begins, in float64."""
        return self.state.theta[self.network.layout.trainable].astype(np.float64)

    def value_and_gradient(self, free_theta: Array) -> tuple[float, Array]:
        """Return C and its gradient over the trainable entries, as SciPy wants them."""
        self.calls += 1
        with np.errstate(all="ignore"):
            trace = self.network.run(self._theta(free_theta), self.data)
        if not (np.isfinite(trace.value) and np.isfinite(trace.gradient).all()):
            raise DivergenceError(
                f"the loss is {float(trace.value):.6g} in L-BFGS's line search in epoch "
                f"{self.state.epoch + 1}, batch 1; first not finite at "
                f"{loops.first_nonfinite(self.network, trace)}. Bring inputs and targets to a "
                "common scale, or begin nearer; the last finite theta is kept"
            )
        if self.calls == 1:
            self.loss = float(trace.value)
        free = self.network.layout.trainable
        return float(trace.value), trace.gradient[free].astype(np.float64)

    def iterated(self, intermediate_result: Any) -> None:
        """Note an iteration; raise StopIteration, as SciPy wants it, where a limit ends it."""
        state, theta = self.state, self._theta(intermediate_result.x)
        before, self.loss = self.loss, float(intermediate_result.fun)
        self.state = state._replace(theta=theta, epoch=state.epoch + 1, step=state.step + 1)
        self.seen.append((self.state, self.loss))
        size = max(abs(before), abs(self.loss), 1.0)
        if self.exhausted or before - self.loss <= self.limits.gain * size:
            raise StopIteration

    @property
    def exhausted(self) -> bool:
        """Whether the loss was called more often than is allowed."""
        return self.calls > self.limits.calls

    def reason(self, status: int) -> str | None:
        """Return why it ended, None where its epochs did; SciPy's status is 1 there."""
        if self.exhausted:
            return "calls"
        return None if status == 1 else "converged"

    def _theta(self, free_theta: Array) -> Array:
        """Return θ, (parameters,), with these trainable entries."""
        return fill(self.state.theta, self.network.layout.trainable, free_theta)


def scipy_minimize() -> Callable[..., Any]:
    """Return SciPy's minimizer, or raise MissingPackageError."""
    try:
        from scipy.optimize import minimize  # loaded when wanted
    except ImportError:
        raise missing("SciPy", "L-BFGS", "train") from None
    return minimize


def fill(start: Array, free: Array, values: Array) -> Array:
    """Return a copy of θ with its trainable entries replaced."""
    theta = start.copy()
    theta[free] = values
    return theta
