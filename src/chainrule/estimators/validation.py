"""Validation data: given by the user or held out of the training data, and their loss and score."""

from collections.abc import Callable
from inspect import signature
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from chainrule.batch import Batch
from chainrule.errors import DivergenceError, InputError
from chainrule.estimators.networks import Forward

Array: TypeAlias = NDArray[Any]
Rows: TypeAlias = NDArray[np.intp]


class ValidationData(NamedTuple):
    """Validation data.

    Attributes
    ----------
    batch : Batch
        The data as the network takes them.
    X, y : array-like
        The data as the user gave them, for scorers.
    weight : array (n,), optional
    held_out : bool
        Whether they are rows of the training data, and not the user's X_val.
    """

    batch: Batch
    X: Any
    y: Array
    weight: Array | None
    held_out: bool = False

    def loss(self, forward: Forward, theta: Array) -> float:
        """Return the loss over these data, without penalty and dropout."""
        with np.errstate(over="ignore", invalid="ignore"):  # the caller examines the number
            o = forward.raw(theta, self.batch.x)  # (n, outputs)
            return float(forward.network.loss.value(o, self.batch.t, self.batch.weight))


class Split(NamedTuple):
    """How rows of the training data are held out.

    Attributes
    ----------
    fraction : float
        The share of samples, or of groups, to hold out.
    order : {"random", "last"}
        Which rows are held out: some at random, or the last ones.
    seed : int
    """

    fraction: float
    order: str
    seed: int

    def rows(self, n: int, classes: Array | None, groups: Any) -> tuple[Rows, Rows]:
        """Return the rows to train on, and the rows that are held out.

        Parameters
        ----------
        n : int
            The number of samples.
        classes : array (n,), optional
            Classes by which to stratify, if there are enough samples of each.
        groups : array (n,), optional
            Groups of rows that stay together.

        Raises
        ------
        InputError
            If too few samples would be held out, or `order` or `groups` is invalid.
        """
        if self.order not in ("random", "last"):
            raise InputError(f"validation_split={self.order!r}: give 'random' or 'last'")
        if groups is not None:
            return self._by_group(n, groups)
        held = self._count(n, "samples")
        if self.order == "last":
            return np.arange(n - held), np.arange(n - held, n)
        strata = classes if classes is not None and can_stratify(classes, n - held, held) else None
        parts: Any = train_test_split(
            np.arange(n), test_size=self.fraction, random_state=self.seed % 2**32, stratify=strata
        )
        return parts[0], parts[1]

    def _by_group(self, n: int, groups: Any) -> tuple[Rows, Rows]:
        """Return the rows of some groups to train on, and those of the others."""
        given = np.asarray(groups)
        if given.shape != (n,):
            raise InputError(
                f"groups has shape {given.shape}, but there are {n} rows; give one each"
            )
        names, first, group_of = np.unique(given, return_index=True, return_inverse=True)
        held = self._count(len(names), "groups")
        if self.order == "last":  # in the order in which they appear
            chosen = np.argsort(first)[-held:]
        else:
            chosen = np.random.default_rng(self.seed).permutation(len(names))[:held]
        out = np.isin(group_of, chosen)
        return np.flatnonzero(~out), np.flatnonzero(out)

    def _count(self, n: int, what: str) -> int:
        """Return how many of n samples or groups are held out."""
        held, least = int(np.ceil(self.fraction * n)), 2 if what == "samples" else 1
        if least <= held < n:
            return held
        raise InputError(
            f"The validation set is too small, {held} of {n} {what}, or leaves none to train on. "
            "Change 'validation_fraction' or the size of your dataset, or give X_val and y_val."
        )


def can_stratify(classes: Array, trained: int, held: int) -> bool:
    """Return whether both parts are large enough to contain every class."""
    counts = np.unique(classes, return_counts=True)[1]
    return counts.min() >= 2 and min(trained, held) >= len(counts)


# ---- scores -------------------------------------------------------------------------------------


class Scorer:
    """The score of an estimator on validation data, by which early stopping compares epochs.

    Parameters
    ----------
    estimator : estimator
        Its `scoring` names the score.
    data : ValidationData
    own_score : callable
        ``own_score()``, the estimator's own score on the data; used if `scoring` is None.

    Raises
    ------
    InputError
        If `scoring` does not name one score.
    """

    def __init__(
        self, estimator: Any, data: ValidationData, own_score: Callable[[], float]
    ) -> None:
        self.estimator, self.data, self.own_score = estimator, data, own_score
        self.scorer = scorer_of(estimator)

    def __call__(self, loss: float) -> float:
        """Return the score, of which larger is better.

        Raises
        ------
        DivergenceError
            If the validation loss is not finite.
        InputError
            If the score is not finite.
        """
        if not np.isfinite(loss):
            raise DivergenceError(f"the validation loss is {loss}; {self._remedy()}")
        score = self._score(loss)
        if not np.isfinite(score):
            raise InputError(
                f"early stopping cannot compare epochs by a score of {score}, which scoring="
                f"{self.estimator.scoring!r} returned for the validation data; use another score "
                "or other validation data"
            )
        return score

    def _remedy(self) -> str:
        """Return what to do about a validation loss that is not finite."""
        slower = f"lower the learning rate (learning_rate_init={self.estimator.learning_rate_init})"
        if self.data.held_out:  # rows of X, scaled as the others are
            return f"{slower}, or scale X and y"
        return f"check that X_val is scaled in the same way as X, or {slower}"

    def _score(self, loss: float) -> float:
        """Return the score, which may not be finite."""
        if self.scorer is not None:
            return self._call_scorer()
        return self.own_score() if self.estimator.scoring is None else -loss

    def _call_scorer(self) -> float:
        """Return the score of scikit-learn's scorer, with sample weights if it accepts them."""
        data = self.data
        if data.weight is not None and data.weight.ndim == 2:
            raise InputError(
                f"scoring={self.estimator.scoring!r} takes a weight for each sample, but there is "
                "one for each target; choose scoring=None or 'loss'"
            )
        weighted = data.weight is not None and accepts_weights(self.scorer)
        weight = {"sample_weight": data.weight} if weighted else {}
        try:
            return float(self.scorer(self.estimator, data.X, data.y, **weight))
        except Exception as error:
            error.add_note(f"(raised by scoring={self.estimator.scoring!r} in early stopping)")
            raise


def scorer_of(estimator: Any) -> Any:
    """Return scikit-learn's scorer, or None for the loss and for the estimator's own score."""
    scoring = estimator.scoring
    if scoring is None or (isinstance(scoring, str) and scoring == "loss"):
        return None
    if not isinstance(scoring, str) and not callable(scoring):
        raise InputError(
            f"scoring={scoring!r}: give one score, as a name, a function or None, since early "
            "stopping compares epochs by one number"
        )
    return check_scoring(estimator, scoring=scoring)


def accepts_weights(scorer: Any) -> bool:
    """Return whether a scorer, or the metric that it calls, accepts ``sample_weight``."""
    try:
        names = signature(getattr(scorer, "_score_func", scorer)).parameters
    except (TypeError, ValueError):  # its signature is unknown
        return False
    return "sample_weight" in names or any(p.kind is p.VAR_KEYWORD for p in names.values())
