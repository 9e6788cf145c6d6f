"""The training loop of one call to fit, which ends by a stopping rule, a callback or a limit.

If nothing has to see every epoch, the engine runs many epochs in one call. If the stopping rule
applies to one of them, the run is rewound and repeated up to there, so that the result is the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.distributed import on_rank_zero
from chainrule.errors import DivergenceError
from chainrule.estimators.callbacks import Callbacks
from chainrule.estimators.history import Checkpoint, Plateau, StoppingRule, TrainingHistory
from chainrule.estimators.progress import ReportProgress, warn
from chainrule.layout import LARGE, LARGE_SPARSE
from chainrule.optimizers import LBFGS
from chainrule.sparse_samples import SparseSamples
from chainrule.training import Record, Run

Array: TypeAlias = NDArray[Any]

# A slice of epochs runs beyond the earliest possible stop: by one eighth of the epochs so far, or
# for this many seconds, in which starting a slice takes longer than repeating it.
EXTRA_SHARE, EXTRA_SECONDS = 8, 0.002
MIN_LEARNING_RATE = 1e-6  # scikit-learn's adaptive learning rate is not reduced below it


class NotFiniteError(DivergenceError, ValueError):
    """A fit diverged; also a ValueError, as scikit-learn's error is."""


class Validation(NamedTuple):
    """Functions that evaluate the network on validation data after an epoch.

    Attributes
    ----------
    loss : callable
        ``loss(theta)``.
    score : callable or None
        ``score(loss)`` of the estimator, larger is better; None if validation data do not decide
        when to stop.
    """

    loss: Callable[[Array], float]
    score: Callable[[float], float] | None = None


class SavesProgress(Protocol):
    """Writes checkpoints of a fit."""

    def left(self, loop: "FitLoop") -> int:
        """Return the number of epochs to the next checkpoint, at least 1."""
        ...

    def save(self, loop: "FitLoop") -> None:
        """Write a checkpoint if it is time for one, or if the fit has ended."""
        ...


@dataclass(frozen=True)
class EstimatorHooks:
    """Functions by which a fit reads and updates its estimator.

    Parameters
    ----------
    publish : callable
        ``publish()`` updates the estimator's attributes from the history.
    get_theta, set_theta : callable
        Read and replace the parameters that the estimator predicts with.
    learning_rate_reduced : callable
        Called with the new value of an adaptive learning rate.
    """

    publish: Callable[[], None]
    get_theta: Callable[[], Array]
    set_theta: Callable[[Array], None]
    learning_rate_reduced: Callable[[float], None]


@dataclass(kw_only=True)
class FitLoop:
    """State and collaborators of one call to fit.

    Parameters
    ----------
    run : Run
    history : TrainingHistory
        Epochs are appended to it.
    rule : StoppingRule
    epochs : int
        The maximum number of epochs.
    adaptive : bool
        Whether to reduce the learning rate, instead of stopping, when nothing improves.
    callbacks : Callbacks
    estimator : EstimatorHooks
    start : array (parameters,) or None
        The parameters before the first epoch; None to spare the memory.
    checkpoints : FitCheckpoints, optional
        Writes checkpoints.
    first : int
        The epochs of this fit before the run began: those of the checkpoint that it continues.
    validation : Validation, optional
    report_progress : callable, optional
        Displays the progress after an epoch.
    records : list of Record
        One for each epoch of this fit.
    seconds_per_epoch : float
        In the last slice, 0 before the first.
    """

    run: Run
    history: TrainingHistory
    rule: StoppingRule
    epochs: int
    adaptive: bool
    callbacks: Callbacks
    estimator: EstimatorHooks
    start: Array | None
    checkpoints: SavesProgress | None = None
    first: int = 0
    validation: Validation | None = None
    report_progress: ReportProgress | None = None
    records: list[Record] = field(default_factory=list)
    seconds_per_epoch: float = 0.0

    def execute(self) -> None:
        """Train until the fit ends; ``history.reason`` is the reason.

        Raises
        ------
        NotFiniteError
            If a number is not finite; the last finite θ is kept.
        """
        try:
            if self.needs_every_epoch:
                self._run_by_epoch()
            else:
                self._run_in_slices()
        except (DivergenceError, KeyboardInterrupt) as error:
            self._synchronize()
            if not self.pending:
                self._set_reason()
            if self.history.reason in ("", "epochs"):  # the rule did not apply before
                self._end_by(error)
            if self.history.reason == "interrupted" and self.history.epochs:
                self._save_checkpoint()
        except BaseException:
            self._synchronize()
            raise
        finally:
            try:
                self.estimator.publish()
            except KeyboardInterrupt:  # the attributes must belong to the same epoch
                self.estimator.publish()
                raise

    def _end_by(self, error: BaseException) -> None:
        """End the fit: warn after an interruption, and raise an error after divergence."""
        if isinstance(error, KeyboardInterrupt):
            self.history.reason = "interrupted"
            warn("Training interrupted by user.")
            return
        self.history.reason = "diverged"
        raise NotFiniteError(
            "Solver produced non-finite parameter weights. The input data may contain large "
            f"values and need to be preprocessed. {error}"
        ) from None

    @property
    def needs_every_epoch(self) -> bool:
        """Whether something sees every epoch: a callback, validation data or a progress bar."""
        observed = self.validation is not None or self.report_progress is not None
        return self.callbacks.active or observed

    @property
    def stops_by_score(self) -> bool:
        """Whether the stopping rule applies to a validation score."""
        return self.validation is not None and self.validation.score is not None

    @property
    def spares_memory(self) -> bool:
        """Whether θ is so large that no further copy is made to say more about the run."""
        sparse = isinstance(self.run.data.x, SparseSamples)  # whose own memory is small
        return self.run.network.layout.size >= (LARGE_SPARSE if sparse else LARGE)

    @property
    def left(self) -> int:
        """The number of epochs left."""
        return self.epochs - self.history.epochs

    @property
    def pending(self) -> list[Record]:
        """The run's records of this fit that are not in the history yet."""
        return self.run.history[self.history.epochs - self.first :]

    def _synchronize(self) -> None:
        """Update the history to the state of the run, after an interruption between the two.

        An epoch that must be seen and was not evaluated yet is left out; it is computed again when
        training is resumed.
        """
        if not self.needs_every_epoch:
            self._store_slice()
        elif not self.pending:  # the run may be within an epoch
            self.history.checkpoint = self.history.checkpoint._replace(state=self.run.state)

    # ---- slices of epochs ----

    def _run_in_slices(self) -> None:
        """Run slices of epochs, and apply the stopping rule afterwards."""
        while self.left > 0 and not self.history.reason:
            epochs, began = self._epochs_per_slice(), perf_counter()
            self.run.extend(epochs).finish()
            self.seconds_per_epoch = (perf_counter() - began) / epochs
            self._store_slice()
            self._set_reason()
            self._save_checkpoint()

    def _epochs_per_slice(self) -> int:
        """Return the epochs of the next slice: up to a checkpoint, or around the earliest stop.

        The epochs after the earliest possible stop may have to be repeated.
        """
        if isinstance(self.run.optimizer, LBFGS):
            return self.left
        if self.spares_memory:  # a slice keeps the state that it began with
            return 1
        wanted = self._epochs_around_stop()
        return wanted if self.checkpoints is None else min(wanted, self.checkpoints.left(self))

    def _epochs_around_stop(self) -> int:
        """Return the epochs up to the earliest possible stop, or beyond."""
        safe = self.rule.epochs_before_stop(self.history.plateau, self.left)
        fast = int(EXTRA_SECONDS / self.seconds_per_epoch) if self.seconds_per_epoch else 0
        extended = min(self.left, max(self.history.epochs // EXTRA_SHARE, fast))
        if self.adaptive or self.run.chunks is not None:  # whose epochs are slow to repeat
            return safe
        if self.run.parallel is not None:  # all ranks need the same number
            return safe
        return max(safe, extended)

    def _store_slice(self) -> None:
        """Store the epochs of a slice; if the rule applies to one of them, rewind to it first."""
        state, run = self.history.state, self.run
        stop = self._first_stop()
        if stop is not None and (run.state.epoch, run.state.batch) > (state.epoch + stop, 0):
            run.rewind(state)
            run.extend(stop).finish()
        pending = self.pending
        self._store(pending, [-record.loss for record in pending])

    def _first_stop(self) -> int | None:
        """Return after how many pending epochs the rule applies, or None."""
        if isinstance(self.run.optimizer, LBFGS):
            return None
        losses = [-record.loss for record in self.pending]
        return self.rule.first_stop(self.history.plateau, losses)

    # ---- single epochs ----

    def _run_by_epoch(self) -> None:
        """Run epoch by epoch, with evaluation and callbacks after each."""
        records = iter(self.run.extend(self.left))
        while self.left > 0 and not self.history.reason:
            self.callbacks.begin_epoch()
            record = next(records, None)
            if record is not None:
                record = self._evaluate(record)
            try:
                ended = self.callbacks.end_epoch(record)
            except BaseException:
                self._adopt_theta(self.estimator.get_theta())
                raise
            stop = bool(self._decided([ended])[0])
            self._adopt_theta(self._agreed_theta())
            before = self.run
            self._set_reason(by_callback=stop, exhausted=record is None)
            if self.run is not before:
                records = iter(self.run)
            self._save_checkpoint()

    def _evaluate(self, record: Record) -> Record:
        """Evaluate, store and display an epoch; return its record with the validation results."""
        score, theta = None, self.run.state.theta
        self.estimator.set_theta(theta)
        if self.validation is not None:
            loss = self.validation.loss(theta)
            if self.validation.score is not None:
                score = self.validation.score(loss)
            loss, score = self._decided([loss, score])
            metric = record.metric if score is None else score
            record = record._replace(validation_loss=loss, metric=metric)
        self._store([record], [-record.loss if score is None else score])
        if self.report_progress is not None:
            self.report_progress(self.history.epochs, record, score)
        return record

    def _decided(self, values: list[float | None]) -> list[float | None]:
        """Return the numbers of rank 0, if there are several."""
        parallel = self.run.parallel
        return values if parallel is None else on_rank_zero(parallel.communicator, values)

    def _agreed_theta(self) -> Array:
        """Return the estimator's parameters: those of rank 0 if a callback of any rank has some."""
        theta, parallel = self.estimator.get_theta(), self.run.parallel
        if parallel is None:
            return theta
        replaced = np.array([float(theta is not self.history.state.theta)])
        parallel.communicator.all_reduce(replaced)
        if replaced[0]:
            theta = theta.copy()
            parallel.communicator.broadcast(theta)
            self.estimator.set_theta(theta)
        return theta

    def _adopt_theta(self, theta: Array) -> None:
        """Continue from the estimator's parameters if a callback has replaced them."""
        if theta is not self.history.state.theta:
            self.run.rewind(self.run.state._replace(theta=theta))
            self.history.checkpoint = self.history.checkpoint._replace(state=self.run.state)

    # ---- both ----

    def _save_checkpoint(self) -> None:
        """Write a checkpoint, if it is time for one."""
        parallel = self.run.parallel
        if self.checkpoints is not None and (parallel is None or parallel.communicator.rank == 0):
            self.checkpoints.save(self)

    def _store(self, records: list[Record], scores: list[float]) -> None:
        """Append epochs to the history, with the state after them and the best θ."""
        history, state = self.history, self.run.state
        plateau = history.plateau
        for score in scores:
            plateau = self.rule.update(plateau, score)
        best = self.stops_by_score and plateau.best > history.plateau.best
        checkpoint = Checkpoint(
            state,
            plateau,
            state.theta if best else history.best_theta,
            history.samples + len(records) * self.run.samples,
            history.epochs + len(records),
        )
        losses = [float(record.loss) for record in records]
        validation = [r.validation_loss for r in records if r.validation_loss is not None]
        self.records[history.epochs :] = records
        history.append(checkpoint, losses, validation, scores if self.stops_by_score else [])
        self.estimator.publish()

    def _set_reason(self, *, by_callback: bool = False, exhausted: bool = False) -> None:
        """Set the reason if the fit ends here; reduce an adaptive learning rate instead."""
        if by_callback:
            self.history.reason = "callback"
        elif isinstance(self.run.optimizer, LBFGS):
            self._set_search_reason(exhausted=exhausted)
        elif self.rule.should_stop(self.history.plateau) and not self._reduce_learning_rate():
            self.history.reason = "early stopping" if self.stops_by_score else "converged"
        elif self.left <= 0:
            self.history.reason = "epochs"

    def _set_search_reason(self, *, exhausted: bool) -> None:
        """Set the reason for which L-BFGS ended, if it did."""
        if self.run.reason == "calls":
            self.history.reason = "calls"
        elif exhausted or self.run.reason == "converged":
            self.history.reason = "converged"
        elif self.left <= 0:
            self.history.reason = "epochs"

    def _reduce_learning_rate(self) -> bool:
        """Divide an adaptive learning rate by 5; return whether that was possible."""
        learning_rate: Any = getattr(self.run.optimizer, "learning_rate", None)
        if not self.adaptive or learning_rate <= MIN_LEARNING_RATE:
            return False
        description: Any = self.run.optimizer  # a dataclass, as every optimizer is
        optimizer = replace(description, learning_rate=learning_rate / 5)
        history, run = self.history, self.run.with_optimizer(optimizer)
        checkpoint = history.checkpoint._replace(plateau=Plateau(0, history.plateau.best))
        new = optimizer.learning_rate, optimizer, checkpoint, run
        # One statement without calls: an interruption leaves all of it stored, or nothing.
        history.learning_rate, history.optimizer, history.checkpoint, self.run = new
        self.estimator.learning_rate_reduced(optimizer.learning_rate)
        return True
