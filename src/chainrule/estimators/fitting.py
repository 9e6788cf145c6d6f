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
from chainrule.estimators.course import Course
from chainrule.estimators.held_out import HeldOut
from chainrule.estimators.progress import Tell
from chainrule.estimators.search import Search
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
        The validation loss of a θ.
    watch : Watch
    tell : callable or None
        Shows progress.
    show : callable
        Lets the estimator show what the course is now.
    theta_of : callable
        The estimator's θ, which a callback may have replaced.
    slowed : callable
        Is told what an adaptive rate has fallen to.
    records : list of Record
        Of this fit.
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
    loss_of: Callable[[HeldOut], float]
    watch: Watch
    tell: Tell | None
    show: Callable[[], None]
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
            if self.watch.looks or self.held_out is not None or self.tell is not None:
                self._follow()
            else:
                self._run_through()
        except DivergenceError as error:
            self.course.reason = "diverged"
            raise NotFiniteError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                f"values and need to be preprocessed. {error}"
            ) from None
        except KeyboardInterrupt:
            self.course.reason = "interrupted"
            warn("Training interrupted by user.")
        finally:
            self._look()
            self.show()

    @property
    def left(self) -> int:
        """The epochs that are left of this fit."""
        return self.epochs - self.course.epochs

    # ---- where nobody looks ----

    def _run_through(self) -> None:
        """Run in stretches: as long as the rule cannot fire before the end, or further ahead."""
        while self.left > 0 and not self.course.reason:
            safe = self.rule.safe(self.course.wait, self.left)
            ahead = min(self.left, max(self.course.epochs // AHEAD, self._soon()))
            if isinstance(self.run.optimizer, LBFGS):
                self._stretch(self.left)
            elif ahead > safe and not self.adaptive:
                self._stretch_ahead(ahead)
            else:
                self._stretch(safe)

    def _soon(self) -> int:
        """Return how many epochs take a moment, by what those of the last stretch took."""
        return int(SOON / self.pace) if self.pace else 0

    def _extend(self, epochs: int) -> None:
        """Let the run go on for some more epochs, and look how long one takes."""
        began = perf_counter()
        extend(self.run, epochs)
        self.pace = (perf_counter() - began) / epochs

    def _stretch(self, epochs: int) -> None:
        """Run some epochs, and judge them afterwards."""
        seen = len(self.run.history)
        try:
            self._extend(epochs)
        finally:
            for record in self.run.history[seen:]:
                self._note(record, -record.loss)
        self._conclude()

    def _stretch_ahead(self, epochs: int) -> None:
        """Run some epochs, and go back to where the rule fires, if it does."""
        before, seen, broken = self.run.state, len(self.run.history), None
        try:
            self._extend(epochs)
        except (DivergenceError, KeyboardInterrupt) as error:
            broken = error
        losses = [record.loss for record in self.run.history[seen:]]
        stop = self.rule.first(self.course.wait, [-loss for loss in losses])
        if stop is not None and (broken or stop < len(losses)):
            self.run.state = before
            del self.run.history[seen:]
            extend(self.run, stop)
        for record in self.run.history[seen:]:
            self._note(record, -record.loss)
        if broken and stop is None:
            raise broken
        self._conclude()

    # ---- where somebody looks ----

    def _follow(self) -> None:
        """Run epoch by epoch."""
        self.run.last_epoch, self.run.reason = self.run.state.epoch + self.left, None
        records = iter(self.run)
        while self.left > 0 and not self.course.reason:
            self.watch.begin_epoch()
            record = next(records, None)
            if record is not None:
                record = self._seen(record)
            stop = self.watch.end_epoch(record)
            self._take_over()
            before = self.run
            self._conclude(told=stop, over=record is None)
            if self.run is not before:
                records = iter(self.run)

    def _seen(self, record: Record) -> Record:
        """Judge an epoch and show it; return its record with the validation loss."""
        self._look()
        self.show()
        score = None
        if self.held_out is not None:
            loss = self.loss_of(self.held_out)
            self.course.validation_losses.append(loss)
            record = record._replace(validation_loss=loss)
            if self.judge is not None:
                score = self.judge(loss)
                self.course.scores.append(score)
                record = record._replace(metric=score)
        self._note(record, -record.loss if score is None else score)
        self.show()
        if self.tell is not None:
            self.tell(self.course.epochs, record, score)
        return record

    # ---- both ----

    def _look(self) -> None:
        """Take over the state that the run is in."""
        self.course.state = self.run.state

    def _take_over(self) -> None:
        """Go on from other weights, where a callback has set them."""
        theta = self.theta_of()
        if theta is not self.course.state.theta:
            self.run.state = self.run.state._replace(theta=theta)
            self._look()

    def _note(self, record: Record, score: float) -> None:
        """Write down an epoch, and keep θ if its score is the best."""
        course = self.course
        self.records.append(record)
        course.write(record, len(self.run.data.x))
        before, course.wait = course.wait, self.rule.after(course.wait, score)
        if self.judge is not None and score > before.best:
            course.best_theta = self.run.state.theta

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
        if isinstance(self.run, Search) and self.run.exhausted:
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
        self.course.learning_rate, self.course.optimizer = optimizer.learning_rate, optimizer
        self.course.wait = Wait(0, self.course.wait.best)
        self.slowed(optimizer.learning_rate)
        run = self.run
        self.run = Run(
            run.network,
            run.data,
            None,
            optimizer,
            run.settings._replace(epochs=max(self.left, 0)),
            run.state.theta,
            run.state.seed,
            run.state,
            run.path,
        )
        return True


def extend(run: Run, epochs: int) -> None:
    """Let a run go on for some more epochs, as fast as it can."""
    run.last_epoch, run.reason = run.state.epoch + epochs, None
    run.finish()
