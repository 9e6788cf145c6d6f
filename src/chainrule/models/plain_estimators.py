"""Estimators without a preparation as models of a table, whose columns are their inputs."""

from collections.abc import Sequence
from typing import Any

from chainrule.data import NumberColumn, Preparation, Table, Target
from chainrule.errors import InputError
from chainrule.estimators import MLPClassifier, MLPRegressor, prediction_parts, without_names
from chainrule.models.table_model import TableModel

TARGET = "y"  # without a table


def with_columns(
    estimator: MLPClassifier | MLPRegressor, table: Table | None = None, *, labeled: bool = True
) -> TableModel:
    """Return an estimator as the model of a table, whose columns it takes as they are.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted.
    table : Table, optional
        With the inputs, and one more column, the target. If the estimator was fitted with names of
        inputs, they are the columns; otherwise all columns but the last are.
    labeled : bool, default True
        Whether the table must have the target. Without it, the inputs may be all columns, or some
        if they have names.

    Returns
    -------
    TableModel

    Raises
    ------
    InputError
        If the columns do not fit, or the estimator predicts several targets at once.
    """
    parts = prediction_parts(estimator)
    several = (
        estimator.n_outputs_ > 1 if parts.labels is None else parts.labels.kind == "multilabel"
    )
    if several:
        raise InputError(
            "this estimator predicts several targets at once, and a model of a table predicts one; "
            "explain it in Python, with its method explain"
        )
    names = parts.feature_names or names_by_position(estimator, table, labeled=labeled)
    target = TARGET if table is None else target_of(table, names, labeled=labeled)
    columns = tuple(NumberColumn(name) for name in names)
    dtype = parts.theta.dtype.name
    preparation = Preparation(columns, target_with(estimator, target), dtype)
    return TableModel(preparation, without_names(estimator))


def names_by_position(estimator: Any, table: Table | None, *, labeled: bool) -> tuple[str, ...]:
    """Return the names of inputs that the estimator has no names for."""
    count = estimator.n_features_in_
    if table is None:
        return tuple(f"x{k}" for k in range(count))
    if len(table.names) not in ((count + 1,) if labeled else (count, count + 1)):
        target = "and the target last" if labeled else "with or without the target as the last one"
        raise InputError(
            f"{table.source} has {len(table.names)} columns, but the estimator has {count} inputs; "
            f"give a table with a column for each input, in their order, {target}"
        )
    return tuple(table.names[:count])


def target_of(table: Table, names: Sequence[str], *, labeled: bool) -> str:
    """Return the column that is not an input."""
    lacking = [name for name in names if name not in table]
    if lacking:
        kind = "columns" if lacking[1:] else "column"
        raise InputError(
            f"{table.source} has no {kind} {', '.join(map(repr, lacking))}, which the estimator "
            f"was fitted with; its columns are {', '.join(map(repr, table.names))}"
        )
    others = [name for name in table.names if name not in names]
    if not labeled:
        return others[-1] if others else TARGET
    if len(others) != 1:
        listed = ", ".join(map(repr, others)) or "none"
        raise InputError(
            f"{table.source} must have exactly one column that is not an input, the target, but "
            f"has {listed}; give a table with the inputs and the target only"
        )
    return others[0]


def target_with(estimator: MLPClassifier | MLPRegressor, name: str) -> Target:
    """Return the target of an estimator."""
    if isinstance(estimator, MLPClassifier):
        return Target(name, "classification", tuple(estimator.classes_.tolist()))
    return Target(name, "regression")
