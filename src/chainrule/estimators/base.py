"""What both estimators share: fit and its relatives, and what they leave behind.

No algorithm stands here: chainrule's engine trains, explains and checks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from inspect import signature
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.utils import _safe_indexing

from chainrule.activations import Activation
from chainrule.errors import DivergenceError, InputError
from chainrule.estimators.callbacks import CallbackSupportMixin, Watch, with_callbacks
from chainrule.estimators.choices import Choices, callbacks_of, check_choices, hidden_layers
from chainrule.estimators.course import Course
from chainrule.estimators.data import (
    check_lengths,
    check_precision,
    checked_pair,
    checked_rows,
    checked_targets,
    checked_weights,
)
from chainrule.estimators.fitting import Fitting
from chainrule.estimators.forward import Forward
from chainrule.estimators.held_out import HeldOut, split
from chainrule.estimators.insight import Insight
from chainrule.estimators.networks import network_of, output_name
from chainrule.estimators.progress import say, show, shown
from chainrule.estimators.runs import Samples, begun, continued, run_of, seed_of
from chainrule.estimators.solvers import is_adaptive, is_lbfgs
from chainrule.estimators.stopping import Rule
from chainrule.estimators.warned import warn
from chainrule.estimators.weights import placed
from chainrule.health import Health, Names, diagnose
from chainrule.losses import Loss
from chainrule.network import Network
from chainrule.training import Run

Array: TypeAlias = NDArray[Any]

ENDS = {
    "epochs": "Stochastic Optimizer: Maximum iterations (%d) reached and the optimization hasn't "
    "converged yet.",
    "search": "lbfgs failed to converge after %d iteration(s): increase max_iter, or scale the "
    "data, for example with StandardScaler.",
    "calls": "lbfgs failed to converge after %d iteration(s): max_fun calls of the loss were made; "
    "increase max_fun.",
}


class Given(NamedTuple):
    """Data as they are handed in; all None where there are none."""

    X: Any = None
    y: Any = None
    weight: Any = None


class BaseMLP(CallbackSupportMixin, Insight, BaseEstimator, Choices):
    """What MLPClassifier and MLPRegressor share; not to be used by itself."""

    # ---- what the two do differently ----

    def _take_targets(self, y: Array, classes: ArrayLike | None) -> None:
        """Learn from checked targets, or from `classes`, what the outputs are."""
        raise NotImplementedError  # abstract

    def _check_targets(self, y: Array, what: str = "y") -> None:
        """Raise InputError where checked targets are not of the kind that was fitted."""
        raise NotImplementedError  # abstract

    def _plan(self) -> tuple[int, Loss, Activation | None]:
        """Return the number of outputs, the loss and the output activation."""
        raise NotImplementedError  # abstract

    def _classes_of(self, y: Array) -> Array | None:
        """Return what a split shares out evenly, (n,), or None."""
        return None

    def _check_scored(self, y: Array) -> None:
        """Raise InputError where checked targets cannot be compared with predictions."""
        self._check_targets(y)

    def _score_of(self, p: Array, y: Array, weight: Array | None) -> float:
        """Return the estimator's own score of predictions p, (n, outputs)."""
        raise NotImplementedError  # abstract

    # ---- fit ----

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the network to samples and targets.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)
            float32 is computed in float32, all else in float64. Arrays of floats are not copied,
            but parted into two where early stopping holds rows out; sparse matrices are made dense.
        y : array (n,) or (n, outputs)
            Class labels, rows of 0 and 1 for many labels at once, or numbers.
        sample_weight : array (n,), optional
        X_val : array (m, features), optional
            Validation data; ``early_stopping`` then looks at them and holds nothing out.
        y_val : array (m,) or (m, outputs), optional
            Targets of the same kind as `y`.
        sample_weight_val : array (m,), optional

        Returns
        -------
        self : estimator

        Raises
        ------
        InputError
            If something does not fit or is not finite; the estimator is then as it was before.
        DivergenceError
            If a loss, gradient or weight is not finite, at once; a ValueError, too. The last finite
            weights are kept.
        Exception
            What a scorer or callback raises. Where no epoch had been judged the estimator is as it
            was before, else it keeps what it has learned.
        """
        goes_on = bool(self.warm_start) and self.__sklearn_is_fitted__()
        given, held = Given(X, y, sample_weight), Given(X_val, y_val, sample_weight_val)
        with unchanged(self):
            check_choices(self)
            self._train(self._prepared(given, held, self.max_iter, fresh=not goes_on))
        return self

    def initialize(self, X: Any, y: Any) -> Self:
        """MaskSeed the weights that `fit` would begin with, and train nothing.

        With ``warm_start=True``, or by ``partial_fit``, training goes on from them.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)
        y : array (n,) or (n, outputs)

        Returns
        -------
        self : estimator

        Raises
        ------
        InputError
            If something does not fit or is not finite.
        """
        with unchanged(self):
            check_choices(self)
            rows, wanted = checked_pair(self, X, y, reset=True, numeric=self._numeric)
            self._take_targets(wanted, None)
            self._check_targets(wanted)
            self._make_network(fresh=True)
            self._begin(len(rows), rows.dtype, seed_of(self.random_state), keep=True)
        return self

    def _one_epoch(self, given: Given, held: Given, classes: ArrayLike | None = None) -> Self:
        """Train one epoch over some data, going on where the last one ended."""
        fresh = not self.__sklearn_is_fitted__()
        with unchanged(self):
            check_choices(self)
            if self.early_stopping and held.X is None:
                raise InputError(
                    "partial_fit does not support early_stopping=True without validation data, "
                    "since every call would hold out others; give X_val and y_val"
                )
            fitting = self._prepared(given, held, 1, fresh=fresh, classes=classes, part=True)
            self._train(fitting, part=True)
        return self

    def _prepared(
        self,
        given: Given,
        held: Given,
        epochs: int,
        *,
        fresh: bool,
        classes: ArrayLike | None = None,
        part: bool = False,
    ) -> Fitting:
        """Check everything, and return a fit that is ready to go."""
        rows, wanted = checked_pair(self, given.X, given.y, reset=fresh, numeric=self._numeric)
        weight = checked_weights(given.weight, len(rows))
        if fresh:
            self._take_targets(wanted, classes)
        self._check_targets(wanted)
        self._make_network(fresh=fresh)
        loss = self.network_.loss
        t = self._targets(wanted, loss)
        check_precision(t, rows.dtype)
        data = Samples(rows, t, self._weights(wanted, weight))
        seed = seed_of(self.random_state) if fresh else self._course.state.seed
        validation, data = self._validation(given, held, data, wanted, seed)
        if fresh:
            keep = part or bool(self.warm_start)
            course = self._begin(len(data.X), data.X.dtype, seed, keep=keep)
        else:
            course = self._going_on(data, part=part)
        run = run_of(self, self.network_, data, epochs, course)
        return self._fitting(run, course, validation, epochs, given)

    def _network(self, *, fresh: bool) -> Network:
        """Return the network of the choices; its layers stay unless it is fresh."""
        outputs, loss, output = self._plan()
        network = network_of(self, self.n_features_in_, outputs, loss, output)
        if not fresh and network.layout != self.network_.layout:
            raise InputError(
                "warm_start, partial_fit and explain go on with the layers that were fitted, but "
                f"the choices make others now ({network.widths}, they were "
                f"{self.network_.widths}); set warm_start=False, or change them back"
            )
        return network

    def _make_network(self, *, fresh: bool) -> None:
        """Make the network of the choices, and what says how it is built."""
        network = self._network(fresh=fresh)
        if fresh or network != self.network_ or self._forward.engine != self.engine:
            self._forward = Forward(network, self.engine)
        self.network_ = network
        self.n_layers_ = len(hidden_layers(self)) + 2
        self.n_outputs_ = network.outputs
        self.out_activation_ = output_name(network)

    def _next(self, n: int) -> tuple[Network, Course]:
        """Return the network and the course that training goes on with; nothing changes."""
        check_choices(self)
        network = self._network(fresh=False)
        return network, continued(self, network, n, self._theta, self._course)

    def _going_on(self, data: Samples, *, part: bool) -> Course:
        """Return the course of training where it goes on."""
        course = continued(self, self.network_, len(data.X), self._theta, self._course)
        if part:  # other data have other batches
            state = course.state._replace(batch=0, loss_sum=0.0)
            course.reached = course.reached._replace(state=state)
        return course

    def _begin(self, n: int, dtype: Any, seed: int, *, keep: bool) -> Course:
        """MaskSeed weights, unless they were set before, and return the course at its beginning."""
        theta = self.network_.initialize(seed, dtype)
        set_before = vars(self).pop("_set_before", None)
        if set_before and keep:
            theta = placed(self.network_, theta, **set_before)
        elif set_before:
            warn(
                "coefs_ or intercepts_ were set before fit, which draws others; set "
                "warm_start=True to begin with yours"
            )
        self._theta = theta
        self._course = begun(self, self.network_, n, theta, seed)
        self._show(self._course)
        return self._course

    def _validation(
        self, given: Given, held: Given, data: Samples, y: Array, seed: int
    ) -> tuple[HeldOut | None, Samples]:
        """Return the validation data, and what is left to train on."""
        if any(part is not None for part in held):
            return self._handed_in(held, data.X.dtype), data
        if not self.early_stopping or is_lbfgs(self):
            return None, data
        rows, out = split(len(data.X), self.validation_fraction, seed, self._classes_of(y))
        kept, chosen = data.take(rows), data.take(out)
        for part, what in ((kept, "left to train on"), (chosen, "held out")):
            if part.weight is not None and not part.weight.any():
                raise InputError(
                    f"every row that is {what} weighs 0; give X_val and y_val, or another "
                    f"validation_fraction than {self.validation_fraction}"
                )
        X = given.X
        if self.scoring is not None:  # of sparse samples csr has rows to take
            X = _safe_indexing(X.tocsr() if hasattr(X, "tocsr") else X, out)
        batch = self._batch(chosen.X, chosen.t, chosen.weight)
        return HeldOut(batch, X, y[out], chosen.weight), kept

    def _handed_in(self, held: Given, dtype: Any) -> HeldOut:
        """Return validation data that were handed in, checked as the training data are."""
        if held.X is None or held.y is None:
            raise InputError(
                "X_val and y_val belong together, and sample_weight_val to them; give both or none"
            )
        rows = checked_rows(self, held.X, reset=False, what="X_val")
        y = checked_targets(held.y, numeric=self._numeric, what="y_val")
        check_lengths(rows, y, "_val")
        weight = checked_weights(held.weight, len(rows), "sample_weight_val")
        t = self._targets(y, self.network_.loss, "y_val")
        check_precision(t, dtype, "y_val")
        return HeldOut(self._batch(rows.astype(dtype, copy=False), t, weight), held.X, y, weight)

    def _batch(self, X: Array, t: Array, weight: Array | None) -> Any:
        """Return samples as the network takes them."""
        theta = np.zeros(self.network_.layout.size, X.dtype)
        return self.network_.batch(theta, X, t, weight)

    def _fitting(
        self, run: Run, course: Course, held_out: HeldOut | None, epochs: int, given: Given
    ) -> Fitting:
        """Return a fit of a run."""
        judge = None
        if self.early_stopping and held_out is not None and not is_lbfgs(self):
            judge = partial(self._judged, held_out, self._scorer())
        metadata = {} if given.weight is None else {"sample_weight": given.weight}
        told = {"X": given.X, "y": given.y, "metadata": metadata}
        forward = self._forward
        return Fitting(
            run=run,
            course=course,
            rule=Rule(self.tol, self.n_iter_no_change),
            epochs=epochs,
            adaptive=is_adaptive(self),
            held_out=held_out,
            judge=judge,
            loss_of=lambda held, theta: held.loss(forward, theta),
            watch=Watch(self, callbacks_of(self), told, lambda: {"_theta": course.state.theta}),
            tell=None,
            show=lambda: self._show(course),
            preview=partial(setattr, self, "_theta"),
            theta_of=lambda: self._theta,
            slowed=lambda learning_rate: self._tell_standstill(
                f"Setting learning rate to {learning_rate:f}"
            ),
        )

    def _scorer(self) -> Any:
        """Return scikit-learn's scorer, None for the loss and for the estimator's own score."""
        scoring = self.scoring
        if scoring is None or (isinstance(scoring, str) and scoring == "loss"):
            return None
        if not isinstance(scoring, str) and not callable(scoring):
            raise InputError(
                f"scoring={scoring!r}: give one score, as a name, a function or None, for epochs "
                "are compared by one number"
            )
        return check_scoring(self, scoring=scoring)

    def _judged(self, held_out: HeldOut, scorer: Any, loss: float) -> float:
        """Return the score of validation data, of which more is better."""
        if not np.isfinite(loss):
            raise DivergenceError(
                f"the validation loss is {loss}; see whether X_val is scaled as X"
            )
        if scorer is not None:
            score = self._asked(held_out, scorer)
        elif self.scoring is None:
            p = self._forward.predict(self._theta, held_out.batch.x)
            score = self._score_of(p, held_out.y, held_out.weight)
        else:
            score = -loss
        if not np.isfinite(score):
            raise InputError(
                f"early stopping cannot compare epochs by a score of {score}, which scoring="
                f"{self.scoring!r} gives for the validation data; choose another, or other data"
            )
        return score

    def _asked(self, held_out: HeldOut, scorer: Any) -> float:
        """Return a scorer's number; weights go to those that take them."""
        weighs = held_out.weight is not None and takes_weights(scorer)
        weight = {"sample_weight": held_out.weight} if weighs else {}
        try:
            return float(scorer(self, held_out.X, held_out.y, **weight))
        except Exception as error:
            error.add_note(f"(early stopping asked scoring={self.scoring!r} for a number)")
            raise

    def _scored(self, X: Any, y: Any, weight: ArrayLike | None) -> float:
        """Return the estimator's own score of data that are handed in."""
        rows = self._rows(X)
        wanted = checked_targets(y, numeric=self._numeric)
        check_lengths(rows, wanted)
        self._check_scored(wanted)
        p = self._forward.predict(self._theta, rows)
        return self._score_of(p, wanted, checked_weights(weight, len(rows)))

    def _train(self, fitting: Fitting, *, part: bool = False) -> None:
        """Let a fit go, and finish what it leaves; scikit-learn's callbacks see no parts."""
        if not part:
            fitting.watch.begin_fit(fitting.epochs)
        start = fitting.run.state.theta
        try:
            with shown(self.verbose, fitting.epochs) as tell:
                fitting.tell = tell
                fitting.go()
        finally:
            if self.verbose == "health":
                self._take_pulse(fitting, start)
        if fitting.judge is not None and fitting.course.best_theta is not None:
            self._theta = fitting.course.best_theta.copy()
        fitting.watch.end_fit()
        self._tell_end(fitting, part=part)

    def _tell_end(self, fitting: Fitting, *, part: bool) -> None:
        """Warn where the end was no standstill, and say that it was one where that is wanted."""
        reason = fitting.course.reason
        key = "search" if reason == "epochs" and is_lbfgs(self) else reason
        if key in ENDS and not part:
            warn(ENDS[key] % self.n_iter_, ConvergenceWarning)
        if reason in ("converged", "early stopping") and not is_lbfgs(self):
            small = "Learning rate too small. " if is_adaptive(self) else ""
            self._tell_standstill(f"{small}Stopping.")

    def _tell_standstill(self, then: str) -> None:
        """Say that nothing improves and what is done then, where that is wanted."""
        if self.verbose:
            what = "Validation score" if self.validation_scores_ else "Training loss"
            say(
                f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} "
                f"consecutive epochs. {then}"
            )

    def _take_pulse(self, fitting: Fitting, start: Array) -> None:
        """Say how healthy the run was, also one that diverged."""
        x, t, weight, _ = fitting.run.data
        names = Names(getattr(self, "feature_names_in_", None), getattr(self, "classes_", None))
        self._health = diagnose(
            self.network_,
            fitting.course.state.theta,
            x,
            t,
            sample_weight=weight,
            history=fitting.records,
            optimizer=fitting.course.optimizer,
            theta_start=start,
            names=names,
        )
        show(self._health)

    def _show(self, course: Course) -> None:
        """Show what the course of training is now."""
        scored = bool(self.early_stopping) and not is_lbfgs(self)
        best = course.wait.best
        shown: dict[str, Any] = {
            "_course": course,
            "_theta": course.state.theta,
            "n_iter_": course.epochs,
            "t_": course.samples,
            "stop_reason_": course.reason,
            "loss_curve_": course.losses,
            "validation_loss_curve_": course.validation_losses,
            "validation_scores_": course.scores if scored else None,
            "best_validation_score_": best if scored else None,
            "best_loss_": None if scored else -best,
        }
        if course.losses:
            shown["loss_"] = course.losses[-1]
        else:
            vars(self).pop("loss_", None)
        vars(self).update(shown)  # one call: an interruption finds all of it, or nothing

    @property
    def health_(self) -> Health:
        """The report on the last fit with ``verbose="health"``."""
        if "_health" not in vars(self):
            raise AttributeError(
                "health_ is made by fit with verbose='health', which looks at the training data"
            )
        return self._health

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def trains_by_epochs(estimator: BaseMLP) -> bool:
    """Return True, or raise AttributeError where the solver takes all data at once."""
    if is_lbfgs(estimator):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not "
            "stochastic; choose 'adam' or 'sgd'"
        )
    return True


def takes_weights(scorer: Any) -> bool:
    """Tell whether a scorer, or what scikit-learn's scorer calls, takes ``sample_weight``."""
    try:
        names = signature(getattr(scorer, "_score_func", scorer)).parameters
    except (TypeError, ValueError):  # nothing is known about it
        return False
    return "sample_weight" in names or any(p.kind is p.VAR_KEYWORD for p in names.values())


@contextmanager
def unchanged(estimator: Any) -> Iterator[None]:
    """Leave an estimator as it was where something raises before the first epoch is judged."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        course: Course | None = vars(estimator).get("_course")
        begun = course is not before.get("_course")
        if not (course and begun and (course.epochs or course.reason)):
            vars(estimator).clear()
            vars(estimator).update(before)
        raise
