"""One call of fit: a run of the engine, followed until a rule, a callback or the end stops it.

No number of training is made here. Where nobody looks on, the engine runs many epochs at once, and
goes back to an earlier state where the rule would have fired on the way: the rule is exact.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, TypeAlias

from numpy.typing import NDArray

from chainrule.errors import DivergenceError
from chainrule.estimators.callbacks import Watch
from chainrule.estimators.course import Course, Reached
from chainrule.estimators.held_out import HeldOut
from chainrule.estimators.progress import Tell
from chainrule.estimators.stopping import Rule, Wait
from chainrule.estimators.warned import warn
from chainrule.optimizers import LBFGS
from chainrule.training import Record, Run

Array: TypeAlias = NDArray[Any]

# One epoch for so many done is run at once, though the rule may fire on the way; or as many as take
# so few seconds, where starting a stretch takes longer than to run it twice.
AHEAD, SOON = 8, 0.002
LEAST_RATE = 1e-6  # below it scikit-learn's adaptive rate gives up


class NotFiniteError(DivergenceError, ValueError):
    """A fit diverged; a ValueError too, as scikit-learn's is."""


@dataclass
class Fitting:
    """What a fit goes by.

    Parameters
    ----------
    run : Run
    course : Course
        Is written to.
    rule : Rule
    epochs : int
        How many at most.
    adaptive : bool
        Whether the rate falls where the rule fires.
    held_out : HeldOut or None
    judge : callable or None
        The score of early stopping, of which more is better; without it the rule looks at the loss.
    loss_of : callable
        The validation loss of validation data and a θ.
    watch : Watch
    tell : callable or None
        Shows progress.
    show : callable
        Lets the estimator show what the course is now.
    preview : callable
        Lets the estimator predict with a θ before the course has it, for scorers.
    theta_of : callable
        The estimator's θ, which a callback may have replaced.
    slowed : callable
        Is told what an adaptive rate has fallen to.
    records : list of Record
        One for each epoch of this fit.
    pace : float
        Seconds of an epoch in the last stretch, 0 before the first.
    """

    run: Run
    course: Course
    rule: Rule
    epochs: int
    adaptive: bool
    held_out: HeldOut | None
    judge: Callable[[float], float] | None
    loss_of: Callable[[HeldOut, Array], float]
    watch: Watch
    tell: Tell | None
    show: Callable[[], None]
    preview: Callable[[Array], None]
    theta_of: Callable[[], Array]
    slowed: Callable[[float], None]
    records: list[Record] = field(default_factory=list)
    pace: float = 0.0

    def go(self) -> None:
        """Run until something ends it; the course says what.

        Raises
        ------
        NotFiniteError
            If a number is not finite; the last finite θ is kept.
        """
        try:
            if self.follows:
                self._follow()
            else:
                self._run_through()
        except (DivergenceError, KeyboardInterrupt) as error:
            self._settle()
            if not self.pending:
                self._conclude()
            if self.course.reason in ("", "epochs"):  # the rule had not fired before
                self._break_off(error)
        except BaseException:
            self._settle()
            raise
        finally:
            try:
                self.show()
            except KeyboardInterrupt:  # what is shown belongs to one moment
                self.show()
                raise

    def _break_off(self, error: BaseException) -> None:
        """Say that a fit was interrupted, or raise the error that ended it."""
        if isinstance(error, KeyboardInterrupt):
            self.course.reason = "interrupted"
            warn("Training interrupted by user.")
            return
        self.course.reason = "diverged"
        raise NotFiniteError(
            "Solver produced non-finite parameter weights. The input data may contain large "
            f"values and need to be preprocessed. {error}"
        ) from None

    @property
    def follows(self) -> bool:
        """Whether something looks at every epoch: a callback, validation data, a progress bar."""
        return self.watch.looks or self.held_out is not None or self.tell is not None

    @property
    def left(self) -> int:
        """The epochs that are left of this fit."""
        return self.epochs - self.course.epochs

    @property
    def pending(self) -> list[Record]:
        """The run's records of this fit that the course does not have yet."""
        return self.run.history[self.course.epochs :]

    def _settle(self) -> None:
        """Bring the course to where the run is; an interruption may have left it behind.

        An epoch that something looks at and that has not been judged yet is left out: going on
        computes it again.
        """
        if not self.follows:
            self._take_records()
        elif not self.pending:  # the run may be inside an epoch
            self.course.reached = self.course.reached._replace(state=self.run.state)

    # ---- where nobody looks ----

    def _run_through(self) -> None:
        """Run in stretches, and judge their epochs afterwards."""
        while self.left > 0 and not self.course.reason:
            epochs, began = self._stretch(), perf_counter()
            self.run.extend(epochs).finish()
            self.pace = (perf_counter() - began) / epochs
            self._take_records()
            self._conclude()

    def _stretch(self) -> int:
        """Return for how many epochs to run: until the rule can fire, or further ahead."""
        if isinstance(self.run.optimizer, LBFGS):
            return self.left
        safe = self.rule.safe(self.course.wait, self.left)
        ahead = min(self.left, max(self.course.epochs // AHEAD, self._soon()))
        return safe if self.adaptive else max(safe, ahead)

    def _soon(self) -> int:
        """Return how many epochs take a moment, by what those of the last stretch took."""
        return int(SOON / self.pace) if self.pace else 0

    def _take_records(self) -> None:
        """Note what the run has done; where the rule has fired on the way, go back to there."""
        state, run = self.course.state, self.run
        stop = self._stop()
        if stop is not None and (run.state.epoch, run.state.batch) > (state.epoch + stop, 0):
            run.rewind(state)
            run.extend(stop).finish()
        pending = self.pending
        self._note(pending, [-record.loss for record in pending])

    def _stop(self) -> int | None:
        """Return after how many pending epochs the rule fires, None if it does not."""
        if isinstance(self.run.optimizer, LBFGS):
            return None
        return self.rule.first(self.course.wait, [-record.loss for record in self.pending])

    # ---- where somebody looks ----

    def _follow(self) -> None:
        """Run epoch by epoch."""
        records = iter(self.run.extend(self.left))
        while self.left > 0 and not self.course.reason:
            self.watch.begin_epoch()
            record = next(records, None)
            if record is not None:
                record = self._seen(record)
            try:
                stop = self.watch.end_epoch(record)
            finally:
                self._take_over()
            before = self.run
            self._conclude(told=stop, over=record is None)
            if self.run is not before:
                records = iter(self.run)

    def _seen(self, record: Record) -> Record:
        """Judge an epoch and show it; return its record with the validation loss."""
        score, theta = None, self.run.state.theta
        self.preview(theta)
        if self.held_out is not None:
            loss = self.loss_of(self.held_out, theta)
            record = record._replace(validation_loss=loss)
            if self.judge is not None:
                score = self.judge(loss)
                record = record._replace(metric=score)
        self._note([record], [-record.loss if score is None else score])
        if self.tell is not None:
            self.tell(self.course.epochs, record, score)
        return record

    # ---- both ----

    def _take_over(self) -> None:
        """Go on from other weights, where a callback has set them."""
        theta = self.theta_of()
        if theta is not self.course.state.theta:
            self.run.rewind(self.run.state._replace(theta=theta))
            self.course.reached = self.course.reached._replace(state=self.run.state)

    def _note(self, records: list[Record], scores: list[float]) -> None:
        """Write down epochs with the state that they lead to, and keep θ if its score is best."""
        course, state = self.course, self.run.state
        wait = course.wait
        for score in scores:
            wait = self.rule.after(wait, score)
        best = self.judge is not None and wait.best > course.wait.best
        reached = Reached(
            state,
            wait,
            state.theta if best else course.best_theta,
            course.samples + len(records) * len(self.run.data.x),
            course.epochs + len(records),
        )
        losses = [float(record.loss) for record in records]
        held_out = [r.validation_loss for r in records if r.validation_loss is not None]
        self.records[course.epochs :] = records
        course.write(reached, losses, held_out, scores if self.judge is not None else [])
        self.show()

    def _conclude(self, *, told: bool = False, over: bool = False) -> None:
        """Say why the fit ends, if it does; an adaptive rate falls instead."""
        if told:
            self.course.reason = "callback"
        elif isinstance(self.run.optimizer, LBFGS):
            self._conclude_search(over=over)
        elif self.rule.fires(self.course.wait) and not self._slows():
            self.course.reason = "converged" if self.judge is None else "early stopping"
        elif self.left <= 0:
            self.course.reason = "epochs"

    def _conclude_search(self, *, over: bool) -> None:
        """Say why L-BFGS ended."""
        if self.run.reason == "calls":
            self.course.reason = "calls"
        elif over or self.run.reason == "converged":
            self.course.reason = "converged"
        elif self.left <= 0:
            self.course.reason = "epochs"

    def _slows(self) -> bool:
        """Divide an adaptive rate by 5 and go on; return whether that was possible."""
        learning_rate: Any = getattr(self.run.optimizer, "learning_rate", None)
        if not self.adaptive or learning_rate <= LEAST_RATE:
            return False
        description: Any = self.run.optimizer  # a dataclass, as every optimizer is
        optimizer = replace(description, learning_rate=learning_rate / 5)
        course, run = self.course, self.run.with_optimizer(optimizer)
        reached = course.reached._replace(wait=Wait(0, course.wait.best))
        new = optimizer.learning_rate, optimizer, reached, run
        # One line, without a call: an interruption finds all of it, or nothing.
        course.learning_rate, course.optimizer, course.reached, self.run = new
        self.slowed(optimizer.learning_rate)
        return True
