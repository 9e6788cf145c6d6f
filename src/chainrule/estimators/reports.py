"""What an estimator says after a fit: warnings, scikit-learn's lines, and the health report."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning

from chainrule.estimators.fitting import FitLoop
from chainrule.estimators.history import TrainingData, TrainingHistory
from chainrule.estimators.onnx_export import OnnxExport
from chainrule.estimators.progress import print_line, print_report, warn
from chainrule.estimators.solvers import is_adaptive, is_lbfgs
from chainrule.health import Finding, Health, Names, diagnose, share_left
from chainrule.network import Network
from chainrule.training import Record

Array: TypeAlias = NDArray[Any]

# Samples of a health report, and of the check after every fit, which has to be fast.
REPORTED_SAMPLES, CHECKED_SAMPLES = 2000, 500
# With less than this share of a constant prediction's error left, nothing is looked for.
SURELY_LEARNED = 0.9
NOT_LEARNED = ("one-class", "constant-output", "stuck-loss")  # findings that are warned of

NOT_CONVERGED = {
    "epochs": "Stochastic Optimizer: Maximum iterations (%d) reached and the optimization hasn't "
    "converged yet.",
    "search": "lbfgs failed to converge after %d iteration(s): increase max_iter, or scale the "
    "data, for example with StandardScaler.",
    "calls": "lbfgs failed to converge after %d iteration(s): max_fun calls of the loss were made; "
    "increase max_fun.",
}


class Reports(OnnxExport):
    """What an estimator says after a fit."""

    n_iter_: int
    stop_reason_: str
    validation_scores_: list[float] | None

    def _report_end(self, loop: FitLoop, *, part: bool) -> None:
        """Warn if training stopped before converging, or learned nothing; report convergence."""
        reason = loop.history.reason
        key = "search" if reason == "epochs" and is_lbfgs(self) else reason
        if key in NOT_CONVERGED and not part:
            warn(NOT_CONVERGED[key] % self.n_iter_, ConvergenceWarning)
        if reason in ("converged", "early stopping") and not is_lbfgs(self):
            small = "Learning rate too small. " if is_adaptive(self) else ""
            self._report_no_improvement(f"{small}Stopping.")
        judged = reason in ("epochs", "calls", "converged", "early stopping")
        if judged and not part and self.verbose != "health":
            self._warn_unless_learned(loop)

    def _report_learning_rate(self, learning_rate: float) -> None:
        """If verbose, report that an adaptive learning rate is reduced."""
        self._report_no_improvement(f"Setting learning rate to {learning_rate:f}")

    def _report_no_improvement(self, consequence: str) -> None:
        """If verbose, report that nothing improves, and the consequence."""
        if self.verbose:
            what = "Validation score" if self.validation_scores_ else "Training loss"
            print_line(
                f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} "
                f"consecutive epochs. {consequence}"
            )

    def _warn_unless_learned(self, loop: FitLoop) -> None:
        """Warn with the health finding if predictions are no better than a constant."""
        check = check_learning(self.network_, self._theta, loop)
        if check.learned or (loop.spares_memory and not check.sentence):
            return
        found: tuple[Finding, ...] = ()
        if not loop.spares_memory:  # the health report computes many gradients
            found = self._diagnose(loop, CHECKED_SAMPLES).findings
        sentence = next((f.sentence for f in found if f.id in NOT_LEARNED), check.sentence)
        reason = found[0] if found else None
        if sentence:
            warn(not_learned(sentence, reason), ConvergenceWarning)

    def _report_health(self, loop: FitLoop) -> None:
        """Make and print the health report of a run, which may have diverged."""
        self._health = self._diagnose(loop, REPORTED_SAMPLES)
        print_report(self._health)

    def _diagnose(self, loop: FitLoop, samples: int) -> Health:
        """Return the health report of a run."""
        x, t, weight, _ = loop.run.data
        start = loop.start
        if start is None:
            start = self._first_theta(self.network_, loop.history.state.seed, self._theta.dtype)
        data = TrainingData(x, t, weight)
        names = Names(getattr(self, "feature_names_in_", None), self._class_names())
        return self._examine(data, loop.history, loop.records, start, samples, names)

    def diagnose(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        feature_names: Sequence[str] | None = None,
    ) -> Health:
        """Find out why the fit did not learn: the report of ``verbose="health"``, at any time.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)
            The training data.
        y : array (n,) or (n, outputs)
        sample_weight : array (n,), optional
        feature_names : sequence of str, optional
            Names of the columns for the report; those of the data frame of `fit` by default.

        Returns
        -------
        chainrule.health.Health

        Raises
        ------
        InputError
            If the data do not fit the estimator.
        """
        data = self._samples(X, y, sample_weight, by_class=True)
        history = self._history
        start = self._first_theta(self.network_, history.state.seed, self._theta.dtype)
        updates = max(history.state.step // max(len(history.losses), 1), 1)
        records = [
            Record(epoch, epoch * updates, loss, None, None, None, 0.0)
            for epoch, loss in enumerate(history.losses, 1)
        ]
        columns = feature_names or getattr(self, "feature_names_in_", None)
        names = Names(columns, self._class_names())
        return self._examine(data, history, records, start, REPORTED_SAMPLES, names)

    def _class_names(self) -> Any:
        """Return the classes if each is an output of its own, else None."""
        classes = getattr(self, "classes_", None)
        several = isinstance(classes, list) or (classes is not None and len(classes) == 1)
        return None if several else classes

    def _examine(
        self,
        data: TrainingData,
        history: TrainingHistory,
        records: Sequence[Record],
        start: Array,
        samples: int,
        names: Names,
    ) -> Health:
        return diagnose(
            self.network_,
            history.state.theta,
            *data[:2],
            sample_weight=data.weight,
            history=records,
            optimizer=history.optimizer,
            theta_start=start,
            limit=samples,
            names=names,
        )

    @property
    def health_(self) -> Health:
        """The health report of the last fit with ``verbose="health"``."""
        if "_health" not in vars(self):
            raise AttributeError(
                "health_ is available after fit with verbose='health', which examines the training "
                "data"
            )
        return self._health


class LearningCheck(NamedTuple):
    """Whether some predictions are better than the best constant one.

    Attributes
    ----------
    learned : bool
        Whether they clearly are.
    sentence : str
        What is wrong without doubt; empty if that needs the health report.
    """

    learned: bool
    sentence: str = ""


def check_learning(network: Network, theta: Array, loop: FitLoop) -> LearningCheck:
    """Check some predictions, by NumPy's engine: nothing is to be compiled for it."""
    data, loss = loop.run.data, network.loss
    if data.weight is not None and data.weight.ndim == 2:  # targets that do not count are not there
        return LearningCheck(learned=True)
    some = data.take(slice(None, None, max(1, len(data.x) // CHECKED_SAMPLES)))  # y may be sorted
    with np.errstate(all="ignore"):
        o = network.forward(network.params(theta), some.x)[-1].a  # (rows, outputs)
        share = share_left(loss, some, float(loss.value(o, some.t, some.weight)))
    if np.ptp(some.t, axis=0).any() and not np.ptp(o, axis=0).any():
        return LearningCheck(
            learned=False, sentence=f"every prediction is {short(loss.predict(o)[0])}"
        )
    return LearningCheck(learned=np.isnan(share) or share < SURELY_LEARNED)


def not_learned(sentence: str, reason: Finding | None) -> str:
    """Return the text of the warning, with the first reason of the health report."""
    text = f"The network has learned nothing from X: {sentence}."
    if reason is not None and reason.sentence != sentence:
        text += f" A reason may be: {reason.sentence}."
    if reason is not None:
        text += f" Remedy: {reason.remedy}."
    return f"{text} fit with verbose='health' gives the whole report."


def short(values: Array) -> str:
    """Return a prediction as a number, or a few of them."""
    return np.array2string(values if len(values) > 1 else values[0], precision=4, threshold=6)
