"""The base class of both estimators: fit and related methods, and the fitted attributes."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing

from chainrule.activations import Activation
from chainrule.distributed import as_parallel, same_seed
from chainrule.errors import InputError
from chainrule.estimators.callbacks import Callbacks, CallbackSupportMixin, with_callbacks
from chainrule.estimators.checkpointing import FitCheckpoints, fit_checkpoints, identity_of
from chainrule.estimators.chunk_fits import ChunkFits
from chainrule.estimators.chunks import chunk_source
from chainrule.estimators.data import (
    check_lengths,
    check_precision,
    checked_pair,
    checked_rows,
    checked_targets,
    checked_weights,
)
from chainrule.estimators.fitting import EstimatorHooks, FitLoop, Validation
from chainrule.estimators.history import (
    StoppingRule,
    TrainingData,
    TrainingHistory,
    fingerprint_of,
    make_run,
    restart_rule,
    resume_history,
    seed_from,
    start_history,
)
from chainrule.estimators.hyperparameters import (
    Hyperparameters,
    callbacks_of,
    check_hyperparameters,
    rank_of,
)
from chainrule.estimators.networks import Forward, make_network, output_name
from chainrule.estimators.progress import progress_display, warn
from chainrule.estimators.reports import Reports
from chainrule.estimators.rollback import rollback_on_error
from chainrule.estimators.saving import Saving
from chainrule.estimators.solvers import is_adaptive, is_lbfgs
from chainrule.estimators.validation import Scorer, Split, ValidationData
from chainrule.estimators.weights import placed
from chainrule.layers import Dense
from chainrule.lbfgs_search import CurvatureMemory
from chainrule.losses import Loss
from chainrule.network import Network
from chainrule.training import Run

Array: TypeAlias = NDArray[Any]


class UserData(NamedTuple):
    """Data as the user gave them; all None if there are none."""

    X: Any = None
    y: Any = None
    weight: Any = None
    groups: Any = None


class BaseMLP(CallbackSupportMixin, Saving, Reports, ChunkFits, BaseEstimator, Hyperparameters):
    """The base class of MLPClassifier and MLPRegressor; do not use it directly."""

    # ---- differences between the two ----

    def _learn_targets(self, y: Array, classes: ArrayLike | None) -> None:
        """Determine the outputs from validated targets, or from `classes`."""
        raise NotImplementedError  # abstract

    def _check_targets(self, y: Array, what: str = "y") -> None:
        """Raise InputError unless validated targets are of the kind that was fitted."""
        raise NotImplementedError  # abstract

    def _check_warm_start(self, y: Array) -> None:
        """Raise InputError unless a warm start can go on with validated targets."""

    def _plan(self) -> tuple[int, Loss, Activation | None]:
        """Return the number of outputs, the loss and the output activation."""
        raise NotImplementedError  # abstract

    def _labels_to_stratify(self, y: Array) -> Array | None:
        """Return the classes by which a split is stratified, (n,), or None."""
        return None

    def _check_scored(self, y: Array) -> None:
        """Raise InputError unless validated targets can be compared with predictions."""
        self._check_targets(y)

    def _score_predictions(self, p: Array, y: Array, weight: Array | None) -> float:
        """Return the estimator's own score of predictions p, (n, outputs)."""
        raise NotImplementedError  # abstract

    # ---- fit ----

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit the network to training data.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)
            float32 data are computed in float32, all other data in float64. Arrays of floats are
            not copied, unless early stopping holds out some of the rows. Sparse matrices stay
            sparse; formats other than CSR are converted to it. Data too large for memory are
            chunks, without y: a list or another iterable of pairs (X, y), a function that returns
            one for each epoch, or a stream of `chainrule.data`. Batches reach from one chunk into
            the next.
        y : array (n,) or (n, outputs), optional
            Class labels, rows of 0 and 1 for multilabel classification, columns of labels, each
            with classes of its own, or numbers.
        sample_weight : array (n,), optional
            Regressors also take a weight for each target, (n, outputs). Numbers that are NaN are
            left out if their weight is 0, as with ``sample_weight=~np.isnan(y)``.
        X_val : array (m, features), optional
            Validation data. If given, ``early_stopping`` uses them instead of held-out rows.
        y_val : array (m,) or (m, outputs), optional
            Targets of the same kind as `y`.
        sample_weight_val : array (m,), optional
        groups : array (n,), optional
            The group of each row, such as a patient: early stopping then holds out whole groups.

        Returns
        -------
        self : estimator

        Raises
        ------
        InputError
            If data or parameters are invalid; the estimator is then unchanged.
        DivergenceError
            As soon as a loss, gradient or weight is not finite; also a ValueError. The last finite
            weights are kept.
        Exception
            Any exception of a scorer or callback. If it occurs before the first epoch was
            evaluated, the estimator is unchanged; otherwise it keeps what it has learned.
        """
        resume = bool(self.warm_start) and self._built
        given = UserData(X, y, sample_weight, groups)
        held = UserData(X_val, y_val, sample_weight_val)
        with rollback_on_error(self):
            check_hyperparameters(self)
            self._train(self._prepare(given, held, self.max_iter, fresh=not resume))
        return self

    def initialize(self, X: Any, y: Any) -> Self:
        """Initialize the weights as `fit` does, without training.

        ``fit`` with ``warm_start=True``, and ``partial_fit``, start from these weights.

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
            If data or parameters are invalid.
        """
        with rollback_on_error(self):
            check_hyperparameters(self)
            rows, targets = checked_pair(self, X, y, reset=True, numeric=self._numeric)
            self._learn_targets(targets, None)
            self._check_targets(targets)
            self._make_network(fresh=True)
            self._start(len(rows), rows.dtype, seed_from(self.random_state), keep=True)
        return self

    def _fit_one_epoch(
        self, given: UserData, held: UserData, classes: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch, from where the last call ended."""
        fresh = not self._built
        with rollback_on_error(self):
            check_hyperparameters(self)
            if self.early_stopping and held.X is None:
                raise InputError(
                    "partial_fit does not support early_stopping=True without validation data, "
                    "since every call would hold out other rows; give X_val and y_val"
                )
            loop = self._prepare(given, held, 1, fresh=fresh, classes=classes, part=True)
            self._train(loop, part=True)
        return self

    def _prepare(
        self,
        given: UserData,
        held: UserData,
        epochs: int,
        *,
        fresh: bool,
        classes: ArrayLike | None = None,
        part: bool = False,
    ) -> FitLoop:
        """Check everything, and return the training loop of a fit."""
        if (source := chunk_source(given.X, given.y)) is not None:
            return self._prepare_chunks(
                source, given, held, epochs, fresh=fresh, classes=classes, part=part
            )
        y = self._without_masked(given.y, given.weight)
        rows, targets = checked_pair(self, given.X, y, reset=fresh, numeric=self._numeric)
        weight = checked_weights(given.weight, len(rows), outputs=self._weighted(targets))
        if fresh:
            self._learn_targets(targets, classes)
        elif not part:
            self._check_warm_start(targets)
        self._check_targets(targets)
        self._make_network(fresh=fresh)
        t = self._targets(targets, self.network_.loss)
        check_precision(t, rows.dtype)
        data = TrainingData(rows, t, self._weights(targets, weight))
        seed = self._seed(fresh=fresh)
        checkpoints = fit_checkpoints(self, part=part)
        if checkpoints is not None and fresh:
            seed = checkpoints.seed(seed)
        validation, data = self._split_validation(given, held, data, targets, seed)
        if fresh:
            keep = part or bool(self.warm_start)
            history = self._start(len(data.X), data.X.dtype, seed, keep=keep)
        else:
            history = self._resume(data, part=part)
        self._recognize(history, data, keep=bool(self.warm_start) and not part)
        make = partial(make_run, self, self.network_, data)
        loop = self._fit_loop(make(epochs, history), history, validation, epochs, given)
        return self._continue(loop, checkpoints, data.arrays, validation, make)

    def _seed(self, *, fresh: bool) -> int:
        """Return the seed of a fit, the same for all processes that fit together."""
        seed = seed_from(self.random_state) if fresh else self._history.state.seed
        return same_seed(as_parallel(self.communicator), seed)

    def _network(self, *, fresh: bool, hidden: tuple[int, ...] | None = None) -> Network:
        """Return the network of the hyperparameters; its layers are unchanged unless fresh."""
        outputs, loss, output = self._plan()
        network = make_network(self, self.n_features_in_, outputs, loss, output, hidden)
        if not fresh and network.layout != self.network_.layout:
            raise InputError(
                "warm_start, partial_fit and explain require the fitted layers, but the parameters "
                f"now describe other layers ({network.widths}, fitted: {self.network_.widths}); "
                "set warm_start=False, or restore the parameters"
            )
        return network

    def _make_network(self, *, fresh: bool, hidden: tuple[int, ...] | None = None) -> None:
        """Make the network of the hyperparameters, and set the attributes that describe it."""
        network = self._network(fresh=fresh, hidden=hidden)
        if not fresh and self._forward.network != self.network_:
            warn(
                "out_activation_ was set for predictions; training goes on with "
                f"{output_name(network)!r}, which follows from the loss"
            )
        if fresh or network != self._forward.network or self._forward.engine != self.engine:
            self._forward = Forward(network, self.engine)
        self.network_ = network
        self.n_layers_ = sum(isinstance(layer, Dense) for layer in network.layers) + 1
        self.n_outputs_ = network.outputs

    def _initialize_with(self, widths: Sequence[int], dtype: Any) -> None:
        check_hyperparameters(self)
        self._make_network(fresh=True, hidden=tuple(widths[1:-1]))
        self._start(1, dtype, seed_from(self.random_state), keep=True)

    def _resumed(self, n: int) -> tuple[Network, TrainingHistory]:
        """Return the network and history from which training on n samples would be resumed."""
        check_hyperparameters(self)
        network = self._network(fresh=False)
        return network, resume_history(self, network, n, self._theta, self._history)

    def _resume(self, data: TrainingData, *, part: bool) -> TrainingHistory:
        """Return the history from which training is resumed."""
        history = resume_history(self, self.network_, len(data.X), self._theta, self._history)
        if not (part or is_lbfgs(self)) and self._is_far(history, data):
            history = restart_rule(self, history, len(data.X))
        if part:  # other data have other batches
            state = history.state._replace(batch=0, loss_sum=0.0)
            history.checkpoint = history.checkpoint._replace(state=state)
        return history

    def _recognize(self, history: TrainingHistory, data: TrainingData, *, keep: bool) -> None:
        """Note of which data the history is, and drop what L-BFGS knows of the loss of others."""
        fingerprint = fingerprint_of(data) if keep else None
        known = history.memory is not None and fingerprint == history.fingerprint
        changed = history.checkpoint.state.theta is not self._history.checkpoint.state.theta
        if not (keep and is_lbfgs(self)):
            history.memory = None
        elif known and not changed and history.memory is not None:
            history.memory = history.memory.copy()
        else:
            history.memory = CurvatureMemory()
        history.fingerprint = fingerprint

    def _is_far(self, history: TrainingHistory, data: TrainingData) -> bool:
        """Return whether these are other data, with a loss far above the last one.

        Then no later epoch compares with the best one of the data before. Far is more than twice
        as much, and more than 10 times the tolerance.
        """
        if not history.losses or fingerprint_of(data) == history.fingerprint:
            return False
        theta, last = history.state.theta, history.losses[-1]
        batch = self.network_.batch(theta, *data)
        loss = ValidationData(batch, data.X, data.t, data.weight).loss(self._forward, theta)
        loss += self.network_.penalty_value(theta, batch)
        return bool(loss > last + max(abs(last), 10 * self.tol))

    def _start(self, n: int, dtype: Any, seed: int, *, keep: bool) -> TrainingHistory:
        """Initialize weights, unless the user has set them, and return a new history."""
        theta = self._first_theta(self.network_, seed, dtype)
        set_before = vars(self).pop("_set_before", None)
        if set_before and keep:
            theta = placed(self.network_, theta, **set_before)
        elif set_before:
            warn(
                "coefs_ or intercepts_ were set before fit, which initializes new ones; set "
                "warm_start=True to start from yours"
            )
        self._theta = theta
        self._history = start_history(self, self.network_, n, theta, seed)
        self._publish(self._history)
        return self._history

    def _restart(self, before: TrainingHistory, theta: Array) -> None:
        """Begin a history with other parameters, behind the epochs of the one before."""
        history = start_history(self, self.network_, 1, theta, before.state.seed)
        state = history.state._replace(epoch=before.state.epoch)
        history.checkpoint = history.checkpoint._replace(state=state, samples=before.samples)
        history.losses = [*before.losses]
        history.validation_losses, history.scores = [*before.validation_losses], [*before.scores]
        self._theta = theta
        self._publish(history)

    # ---- validation data ----

    def _split_validation(
        self, given: UserData, held: UserData, data: TrainingData, y: Array, seed: int
    ) -> tuple[ValidationData | None, TrainingData]:
        """Return the validation data, and the data to train on."""
        splits = self.early_stopping and not is_lbfgs(self) and all(part is None for part in held)
        if given.groups is not None and not splits:
            warn(
                "groups has no effect: it decides which rows early_stopping holds out, if there is "
                "no X_val; set early_stopping=True, or leave groups out"
            )
        if any(part is not None for part in held):
            return self._validate_given(held, data.X.dtype), data
        if not splits:
            return None, data
        plan = Split(self.validation_fraction, self.validation_split, seed)
        rows, out = plan.rows(len(data.X), self._labels_to_stratify(y), given.groups)
        kept, chosen = data.take(rows), data.take(out)
        for part, what in ((kept, "left to train on"), (chosen, "held out")):
            if part.weight is not None and not part.weight.any():
                raise InputError(
                    f"every row that is {what} has a sample weight of 0; give X_val and y_val, or "
                    f"another validation_fraction than {self.validation_fraction}"
                )
        X = given.X
        if self.scoring is not None:  # only csr supports the selection of rows
            X = _safe_indexing(X.tocsr() if hasattr(X, "tocsr") else X, out)
        batch = self._batch(chosen.X, chosen.t, chosen.weight)
        return ValidationData(batch, X, y[out], chosen.weight, held_out=True), kept

    def _validate_given(self, held: UserData, dtype: Any) -> ValidationData:
        """Return the user's validation data, checked as the training data are."""
        if held.X is None or held.y is None:
            raise InputError(
                "X_val, y_val and sample_weight_val belong together; give X_val and y_val, or none "
                "of them"
            )
        rows = checked_rows(self, held.X, reset=False, what="X_val")
        wanted = self._without_masked(held.y, held.weight)
        y = checked_targets(wanted, numeric=self._numeric, what="y_val")
        check_lengths(rows, y, "_val")
        weight = checked_weights(held.weight, len(rows), "sample_weight_val", self._weighted(y))
        t = self._targets(y, self.network_.loss, "y_val")
        check_precision(t, dtype, "y_val")
        batch = self._batch(rows.astype(dtype, copy=False), t, weight)
        return ValidationData(batch, held.X, y, weight)

    def _batch(self, X: Array, t: Array, weight: Array | None) -> Any:
        """Return samples as the network takes them."""
        theta = np.zeros(self.network_.layout.size, X.dtype)
        return self.network_.batch(theta, X, t, weight)

    def _validation(self, data: ValidationData | None) -> Validation | None:
        """Return the functions that evaluate the network on validation data."""
        if data is None:
            return None
        loss = partial(data.loss, self._forward)
        if not self.early_stopping or is_lbfgs(self):
            return Validation(loss)
        return Validation(loss, Scorer(self, data, partial(self._own_score, data)))

    def _own_score(self, data: ValidationData) -> float:
        """Return the estimator's own score of validation data."""
        p = self._forward.predict(self._theta, data.batch.x)
        return self._score_predictions(p, data.y, data.weight)

    # ---- the training loop ----

    def _continue(
        self,
        loop: FitLoop,
        checkpoints: FitCheckpoints | None,
        arrays: Mapping[str, Array | None],
        validation: ValidationData | None,
        make: Callable[[int, TrainingHistory], Run],
    ) -> FitLoop:
        """Return a training loop that continues from the newest checkpoint, if it has any.

        `arrays` tell the data from others, and `make` returns a run of so many epochs.
        """
        if checkpoints is None:
            return loop
        checkpoints.identity = identity_of(self, arrays, validation, loop.history)
        history = checkpoints.continued(loop.history, self.network_, loop.epochs)
        run = make(loop.epochs - history.epochs, history)
        self._publish(history)
        return checkpoints.attach(loop, run, history, partial(self._publish, history))

    def _fit_loop(
        self,
        run: Run,
        history: TrainingHistory,
        validation: ValidationData | None,
        epochs: int,
        given: UserData,
    ) -> FitLoop:
        """Return the training loop of a run."""
        return FitLoop(
            run=run,
            history=history,
            start=history.state.theta,
            rule=StoppingRule(self.tol, self.n_iter_no_change),
            epochs=epochs,
            adaptive=is_adaptive(self),
            callbacks=self._callbacks(history, given),
            estimator=EstimatorHooks(
                publish=partial(self._publish, history),
                get_theta=lambda: self._theta,
                set_theta=partial(setattr, self, "_theta"),
                learning_rate_reduced=self._report_learning_rate,
            ),
            validation=self._validation(validation),
        )

    def _callbacks(self, history: TrainingHistory, given: UserData) -> Callbacks:
        """Return the callbacks of a fit."""
        metadata = {} if given.weight is None else {"sample_weight": given.weight}
        arguments = {"X": given.X, "y": given.y, "metadata": metadata}
        functions = callbacks_of(self)
        return Callbacks(self, functions, arguments, lambda: {"_theta": history.state.theta})

    def _train(self, loop: FitLoop, *, part: bool = False) -> None:
        """Execute a training loop and report its end; partial fits have no callbacks' protocol."""
        if not part:
            loop.callbacks.begin_fit(loop.epochs)
        if loop.spares_memory and self.verbose != "health" and loop.checkpoints is None:
            loop.start = None
        try:
            with progress_display(self.verbose, loop.epochs, rank_of(self)) as report_progress:
                loop.report_progress = report_progress
                loop.execute()
        finally:
            if self.verbose == "health" and not rank_of(self):
                self._report_health(loop)
        if loop.stops_by_score and loop.history.best_theta is not None:
            self._theta = loop.history.best_theta.copy()
        loop.callbacks.end_fit()
        self._report_end(loop, part=part)

    def _publish(self, history: TrainingHistory) -> None:
        """Set the fitted attributes from a history."""
        scored = bool(self.early_stopping) and not is_lbfgs(self)
        best = history.plateau.best
        attributes: dict[str, Any] = {
            "_history": history,
            "_theta": history.state.theta,
            "n_iter_": history.epochs,
            "t_": history.samples,
            "stop_reason_": history.reason,
            "loss_curve_": history.losses,
            "validation_loss_curve_": history.validation_losses,
            "validation_scores_": history.scores if scored else None,
            "best_validation_score_": best if scored else None,
            "best_loss_": None if scored else -best,
        }
        if history.losses:
            attributes["loss_"] = history.losses[-1]
        else:
            vars(self).pop("loss_", None)
        vars(self).update(attributes)  # one call: an interruption leaves all set, or none

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _score(self, X: Any, y: Any, weight: ArrayLike | None) -> float:
        """Return the estimator's own score of the user's data."""
        rows = self._rows(X)
        targets = checked_targets(self._without_masked(y, weight), numeric=self._numeric)
        check_lengths(rows, targets)
        self._check_scored(targets)
        p = self._forward.predict(self._theta, rows)
        own = checked_weights(weight, len(rows), outputs=self._weighted(targets))
        return self._score_predictions(p, targets, own)


def trains_by_epochs(estimator: BaseMLP) -> bool:
    """Return True, or raise AttributeError if the solver needs all data at once."""
    if is_lbfgs(estimator):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not "
            "stochastic; choose 'adam' or 'sgd'"
        )
    return True
