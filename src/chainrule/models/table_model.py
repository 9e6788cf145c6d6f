"""`TableModel`: a preparation and an estimator, which are trained, saved and used together."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Preparation, Stream, Table, Target, read
from chainrule.distributed import Communicator, as_parallel
from chainrule.errors import InputError, unknown
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.files import Checkpoints, Functions
from chainrule.health import Health
from chainrule.models.card import ModelCard, card_of
from chainrule.models.held_out import Parts, hold_out
from chainrule.models.prediction import explain_prediction, row_of
from chainrule.models.records import Epoch, TrainingReport
from chainrule.models.scores import Scores, class_scores, number_scores
from chainrule.models.streamed_parts import learned, stream_parts
from chainrule.models.table_files import load_table_model, save_table_model
from chainrule.pages import Document
from chainrule.training import Record

Array: TypeAlias = NDArray[Any]
Path: TypeAlias = str | os.PathLike[str]
Estimator: TypeAlias = MLPClassifier | MLPRegressor
Callback: TypeAlias = Callable[[Any, Record], object]

OWN_SETTINGS = ("random_state", "callbacks", "warm_start", "verbose")  # which TableModel sets
SHARE = 0.2  # of the rows that are held out by default
# Defaults that differ from the estimators': tables may be small, so that a batch of 200 makes few
# updates, and the share of right predictions does not change in every epoch.
BATCH_SIZE, SCORING = 32, "loss"


class Observers(NamedTuple):
    """What watches a training run.

    Attributes
    ----------
    callbacks : sequence of callable
        ``callback(estimator, record)``, called after every epoch; training ends if one returns
        True. The metric of the record is the accuracy or R² on the rows held out.
    checkpoints : Checkpoints, optional
        Where the run is saved while it lasts, and from where it continues.
    """

    callbacks: Sequence[Callback] = ()
    checkpoints: Checkpoints | None = None


@dataclass(frozen=True, eq=False, repr=False)
class TableModel:
    """A network for the rows of a table, with the preparation of their columns.

    `train` makes one, and `chainrule.load` reads one from a file.

    Parameters
    ----------
    preparation : Preparation
        How columns become inputs and targets; with a target.
    estimator : MLPClassifier or MLPRegressor
        Fitted.
    report : TrainingReport
        On what it was trained, and with which scores.

    Attributes
    ----------
    target : Target
        The column that is predicted.
    classes : tuple of str, int or bool
        Empty for a regression.
    history : tuple of Epoch
        Loss, validation loss and score of each epoch.
    health : Health or None
        What keeps the network from learning, if anything.

    Examples
    --------
    >>> import chainrule
    >>> from chainrule import data
    >>> model = chainrule.TableModel.train(data.read("iris"), "species", max_iter=300, seed=0)
    >>> model.classes
    ('setosa', 'versicolor', 'virginica')
    >>> model.evaluate(data.read("iris"))["accuracy"] > 0.9
    True
    >>> model.save("iris.safetensors")
    >>> chainrule.load("iris.safetensors").predict(data.read("iris"))[:2].tolist()
    ['setosa', 'setosa']
    """

    preparation: Preparation
    estimator: Estimator
    report: TrainingReport = field(default_factory=TrainingReport)

    # ---- training ----

    @classmethod
    def train(  # noqa: PLR0913 (data, preparation, validation; each by name)
        cls,
        table: Table | Stream | Any,
        target: str | None = None,
        *,
        task: str = "auto",
        columns: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        categories: Sequence[str] = (),
        impute: str | Mapping[str, Any] | None = None,
        standardize_target: bool = True,
        dtype: str = "float64",
        validation: float | Table | Any = SHARE,
        seed: int = 0,
        observers: Observers = Observers(),  # noqa: B008 (immutable)
        **settings: Any,
    ) -> Self:
        """Train a network on the rows of a table.

        Parameters
        ----------
        table : Table, Stream, data frame, or mapping of str to column
            A stream is read again in every epoch. Processes that train together, with the setting
            ``communicator``, each read their own part of it.
        target : str, optional
            The column to predict; by default that of a data set with a name.
        task, columns, drop, categories, impute, standardize_target, dtype
            As in `Preparation.learn`, which sees the training rows only.
        validation : float, Table or data frame, default 0.2
            The share of rows that are held out, or other rows. They decide when training stops,
            unless ``early_stopping=False``. Tables of fewer than 20 rows are used completely.
        seed : int, default 0
            Of the rows held out, the first weights, the order of rows and dropout.
        observers : Observers
            Callbacks, and checkpoints from which an interrupted run continues.
        **settings
            Parameters of `MLPClassifier` or `MLPRegressor`, such as ``hidden_layer_sizes=(64,)``.
            By default, ``batch_size`` is 32, and ``scoring`` is ``"loss"``: early stopping depends
            on the loss of the validation rows.

        Returns
        -------
        TableModel

        Raises
        ------
        InputError
            If the data or a setting cannot be used; the message has the remedy.
        UnknownNameError
            If there is no such column or setting.
        DivergenceError
            As soon as a loss or weight is not finite.
        """
        table = table if isinstance(table, Stream) else as_table(table)
        name = target_of(table, target)
        parallel = as_parallel(settings.get("communicator"))
        communicator = None if parallel is None else parallel.communicator
        parts = split(table, name, validation, seed, communicator)
        learn = partial(
            Preparation.learn,
            target=name,
            task=task,
            columns=columns,
            drop=drop,
            categories=categories,
            impute=impute,
            standardize_target=standardize_target,
            dtype=dtype,
        )
        training = parts.training
        streamed = isinstance(training, Stream)
        preparation = learned(training, learn, communicator) if streamed else learn(training)
        estimator = make_estimator(preparation.known_target, seed, settings, parts)
        seconds = fit(preparation, estimator, parts, observers)
        untested = cls(preparation, estimator)
        rows = training.sample(seed) if streamed else training
        report = untested._reported(rows, parts.validation, seconds)
        return cls(preparation, estimator, report)

    def _reported(self, training: Table, held: Table | None, seconds: float) -> TrainingReport:
        """Return the report of a run that has ended."""
        X = self.inputs(training, unknown_categories="ignore")
        y = self.preparation.targets(training)
        health = self.estimator.diagnose(X, y, feature_names=self.preparation.feature_names)
        return TrainingReport(
            training.source,
            seconds,
            self.evaluate(training),
            None if held is None else self.evaluate(held, unknown_categories="ignore"),
            health,
        )

    # ---- what it is ----

    @property
    def target(self) -> Target:
        """The column that is predicted."""
        return self.preparation.known_target

    @property
    def classes(self) -> tuple[Any, ...]:
        """The classes, sorted; empty for a regression."""
        return self.target.classes

    @property
    def history(self) -> tuple[Epoch, ...]:
        """Loss, validation loss and score of each epoch."""
        fitted: Any = self.estimator
        held: list[float] = fitted.validation_loss_curve_
        scored = fitted.scoring != "loss"  # which is in the curve of losses
        scores: list[float] = (fitted.validation_scores_ or []) if scored else []
        return tuple(
            Epoch(i + 1, loss, held[i] if held else None, scores[i] if scores else None)
            for i, loss in enumerate(fitted.loss_curve_)
        )

    @property
    def health(self) -> Health | None:
        """What keeps the network from learning, if anything; None if it was not examined."""
        return self.report.health

    # ---- predictions ----

    def inputs(self, table: Table | Any, *, unknown_categories: str = "warn") -> Array:
        """Return the network's inputs, (n, features); see `Preparation.transform`."""
        return self.preparation.transform(as_table(table), unknown_categories=unknown_categories)

    def predict(self, table: Table | Any, *, unknown_categories: str = "warn") -> Array:
        """Return the class of each row, or the number in the unit of the target.

        Parameters
        ----------
        table : Table or data frame (n rows)
            The target's column may be missing.
        unknown_categories : {"warn", "ignore", "error"}

        Returns
        -------
        array (n,)

        Raises
        ------
        InputError
            If a column or a value is missing; the message names it, the row and the remedy.
        """
        X = self.inputs(table, unknown_categories=unknown_categories)
        p = self.estimator.predict(X) if len(X) else np.array(self.classes or [0.0])[:0]
        return self.target.restore(p)

    def predict_proba(self, table: Table | Any, *, unknown_categories: str = "warn") -> Array:
        """Return the probability of each class, (n, classes), in the order of `classes`.

        Raises
        ------
        InputError
            If the target is a number, or as in `predict`.
        """
        if isinstance(self.estimator, MLPRegressor):
            raise InputError(
                f"the target {self.target.column!r} is a number, which has no probabilities; use "
                "predict"
            )
        X = self.inputs(table, unknown_categories=unknown_categories)
        empty = np.zeros((0, len(self.classes)))
        return np.asarray(self.estimator.predict_proba(X) if len(X) else empty)

    def evaluate(self, table: Table | Any, *, unknown_categories: str = "warn") -> Scores:
        """Return how good the predictions for the rows of a table are.

        Parameters
        ----------
        table : Table or data frame (n rows)
            With the target's column.
        unknown_categories : {"warn", "ignore", "error"}

        Returns
        -------
        Scores

        Raises
        ------
        InputError
            If the table has no rows, or as in `predict`.
        """
        table = as_table(table)
        if not len(table):
            raise InputError(f"{table.source} has no rows to evaluate; give at least one")
        return self.scores(table.source, self.answers(table, unknown_categories=unknown_categories))

    def answers(self, table: Table, *, unknown_categories: str = "warn") -> dict[str, Array]:
        """Return what scores are computed from: ``truth`` and ``predicted``, (n,).

        Of a classification also ``p``, (n, classes). Answers for parts of a table can be joined.
        """
        if isinstance(self.estimator, MLPRegressor):
            predicted = self.predict(table, unknown_categories=unknown_categories)
            return {"truth": self.target.numbers(table), "predicted": predicted}
        p = self.predict_proba(table, unknown_categories=unknown_categories)
        predicted = np.asarray(self.estimator.classes_)[np.argmax(p, axis=1)]
        return {"truth": self.target.labels(table), "predicted": predicted, "p": p}

    def scores(self, source: str, answers: Mapping[str, Array]) -> Scores:
        """Return the scores of the result of `answers`; `source` is what messages call the rows."""
        truth, predicted = answers["truth"], answers["predicted"]
        if isinstance(self.estimator, MLPRegressor):
            return number_scores(source, truth, predicted)
        return class_scores(source, truth, answers["p"], self.estimator.classes_, predicted)

    # ---- explanations ----

    def explain(
        self,
        table: Table | Any,
        row: int = 0,
        *,
        output: Any = None,
        step: bool = False,
        parameter: str | None = None,
        level: Any = None,
        notation: Any = "plain",
        digits: int | None = None,
        decimals: int | None = None,
    ) -> Document:
        """Explain the prediction for a row, or the training step that the row would make.

        Parameters
        ----------
        table : Table, data frame or mapping of str to value
            A mapping has one value for each column.
        row : int, default 0
            Counted from 0.
        output : str, int or bool, optional
            The class whose probability is explained; by default the one that is predicted.
        step : bool, default False
            Work out the next training step on this row, whose target must be known.
        parameter : str, optional
            Derive this parameter's update only, such as ``"W2[0,3]"``; implies `step`.
        level : {"scalars", "matrices", "summary"}, optional
            Of a step.
        notation, digits, decimals
            As in `chainrule.explain`.

        Returns
        -------
        Explanation or WorkedExample

        Raises
        ------
        InputError
            If there is no such row, or a value is missing.
        UnknownNameError
            If there is no such class or parameter.
        """
        rows = as_table(table)
        if step or parameter is not None:
            one = row_of(rows, row)
            return self.estimator.explain(
                self.inputs(one),
                self.preparation.targets(one),
                parameter=parameter,
                level=level,
                notation=notation,
                digits=digits,
                decimals=decimals,
            )
        if level is not None:
            raise InputError(f"level={level!r} has no effect on a prediction; give step=True, too")
        return explain_prediction(
            self.preparation, self.estimator, rows, row, output, notation, digits, decimals
        )

    # ---- files, conversion and display ----

    def save(self, path: Path) -> None:
        """Save the model to a file, from which `chainrule.load` returns it.

        Parameters
        ----------
        path : str or path
            Such as ``"model.safetensors"``. An existing file is replaced when the new one is
            complete.

        Raises
        ------
        FileError
            If the operating system cannot write the file; an existing one is then unchanged.
        """
        save_table_model(path, self.preparation, self.estimator, self.report)

    @classmethod
    def load(cls, path: Path, functions: Functions | None = None) -> Self:
        """Return the model in a file; see `chainrule.load`."""
        return cls(*load_table_model(path, functions))

    def to_sklearn(self) -> Any:
        """Return the equivalent pipeline of scikit-learn's own steps and the estimator.

        It takes a data frame with the columns of the table, and predicts the same numbers. Of a
        regression it is a TransformedTargetRegressor around the pipeline.

        Returns
        -------
        sklearn.pipeline.Pipeline or sklearn.compose.TransformedTargetRegressor

        Raises
        ------
        MissingPackageError
            If pandas is not installed.
        """
        from chainrule.models.pipeline import as_pipeline

        return as_pipeline(self.preparation, self.estimator)

    def card(self) -> ModelCard:
        """Return a description for people: layers, data, scores, history and health."""
        return card_of(self.preparation, self.estimator, self.report, self.history)

    def __repr__(self) -> str:
        widths = "-".join(map(str, self.estimator.network_.widths))
        best = self.report.validation or self.report.training
        scored = f", {best.main[0]} {best.main[1]:.3g} on {best.rows:,} rows" if best else ""
        return f"<TableModel of {self.target.column!r}: {self.target.task}, {widths}{scored}>"

    def _repr_html_(self) -> str:
        return self.card()._repr_html_()


def as_table(source: Any) -> Table:
    """Return a table, a data frame, or one row as a mapping, as a table.

    Raises
    ------
    InputError
        If it is something else, such as a path.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, str | os.PathLike):
        raise InputError(f"{source!r} is a path; give its table: chainrule.data.read({source!r})")
    if isinstance(source, Mapping):
        single = {k: v if isinstance(v, list | np.ndarray) else [v] for k, v in source.items()}
        return read(single)
    return read(source)


def target_of(table: Table | Stream, target: str | None) -> str:
    """Return the column to predict."""
    if target is None and table.target is None:
        raise InputError(
            f"target is missing; give the column of {table.source} to predict: one of "
            f"{', '.join(map(repr, table.names))}"
        )
    name = target if target is not None else str(table.target)
    table.check_name(name)
    return name


def split(
    table: Table | Stream,
    target: str,
    validation: float | Table,
    seed: int,
    communicator: Communicator | None = None,
) -> Parts:
    """Return the rows to train on, and those that are held out."""
    if isinstance(table, Stream):
        return stream_parts(table, validation, seed, communicator)
    if not isinstance(validation, int | float):
        return Parts(table, as_table(validation))
    return hold_out(table, target, float(validation), seed)


def make_estimator(
    target: Target, seed: int, settings: Mapping[str, Any], parts: Parts
) -> Estimator:
    """Return an estimator that is not fitted yet."""
    cls = MLPClassifier if target.task == "classification" else MLPRegressor
    known = [name for name in cls._get_param_names() if name not in OWN_SETTINGS]
    for name in settings:
        if name not in known:
            raise unknown(f"setting of a {target.task}", name, known)
    stops = settings.get("early_stopping", parts.validation is not None)
    own = {"early_stopping": stops, "scoring": SCORING, "batch_size": batch_size(parts.training)}
    return cls(random_state=seed, **{**own, **settings})


def batch_size(training: Table | Stream) -> int:
    """Return the number of rows in a batch."""
    return max(1, min(BATCH_SIZE, len(training)))


def fit(
    preparation: Preparation, estimator: Estimator, parts: Parts, observers: Observers
) -> float:
    """Fit an estimator; return how many seconds it took."""
    training = parts.training
    samples: tuple[Any, ...] = (
        (training.chunks(preparation),)
        if isinstance(training, Stream)
        else (preparation.transform(training), preparation.targets(training))
    )
    held: dict[str, Any] = {}
    if parts.validation is not None:
        rows = preparation.transform(parts.validation)
        held = {"X_val": rows, "y_val": preparation.targets(parts.validation)}
    saves = [] if observers.checkpoints is None else [observers.checkpoints]
    watching = [with_metric(one, held) for one in observers.callbacks]
    estimator.callbacks = [*watching, *saves] or None
    began = perf_counter()
    try:
        with warnings.catch_warnings():
            # The health report says more, and in terms of the table.
            warnings.filterwarnings("ignore", message="The network has learned nothing")
            estimator.fit(*samples, **held)
    finally:
        estimator.callbacks = None  # a file of the model needs no functions
    return perf_counter() - began


def with_metric(callback: Callback, held: Mapping[str, Any]) -> Callback:
    """Return a callback that gets records with the accuracy or R² of the rows held out."""

    def measured(estimator: Any, record: Record) -> object:
        if held and estimator.scoring in (None, "loss"):
            record = record._replace(metric=estimator.score(held["X_val"], held["y_val"]))
        return callback(estimator, record)

    return measured
