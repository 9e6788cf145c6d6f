"""Explains a pipeline of scikit-learn: the prediction for a row, in the original columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Feature, Table, Target, read
from chainrule.errors import InputError
from chainrule.estimators import MLPClassifier, without_names
from chainrule.exchange.pipelines import features_of, network_inputs
from chainrule.models import Explanation, explain_prediction

Array: TypeAlias = NDArray[Any]
Rows: TypeAlias = Any  # a data frame, or an array (n, columns)

TARGET = "the target"  # whose name a pipeline does not know


class OriginalColumn(NamedTuple):
    """A column of the data, and the inputs of the network that it becomes.

    Attributes
    ----------
    name : str
    inputs : tuple of Feature
    kind : str
        "number" if the column becomes one input that changes with it.
    scale : float
        How far the column has to change to change the input by 1.
    """

    name: str
    inputs: tuple[Feature, ...]
    kind: str = "category"
    scale: float = 1.0

    def features(self) -> tuple[Feature, ...]:
        """Return the inputs."""
        return self.inputs


@dataclass(frozen=True)
class PipelineColumns:
    """What the steps before the network make of one row, with the interface of a `Preparation`.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
    row : data frame or array (1, columns)
    estimator : MLPClassifier or MLPRegressor
    """

    pipeline: Any
    row: Rows
    estimator: Any

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The inputs in the order of the network."""
        return features_of(self.pipeline, self.row)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The name of each input."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def columns(self) -> tuple[OriginalColumn, ...]:
        """The columns in the order of the network's inputs."""
        groups = groupby(self.features, lambda feature: feature.column)
        made: list[OriginalColumn] = []
        for name, group in groups:
            inputs = tuple(group)
            place = sum(len(one.inputs) for one in made)
            slope = self._slope(name, place) if len(inputs) == 1 else 0.0
            number = ("number", 1 / slope) if slope else ("category", 1.0)
            made.append(OriginalColumn(name, inputs, *number))
        return tuple(made)

    def _slope(self, column: str, place: int) -> float:
        """Return how an input changes with its column, by a central difference; 0 for words."""
        try:
            value = float(value_of(self.row, column))
        except (TypeError, ValueError, KeyError):
            return 0.0
        h = 1e-3 * max(1.0, abs(value))
        above, below = (
            network_inputs(self.pipeline, with_value(self.row, column, value + step))[0, place]
            for step in (h, -h)
        )
        return float(above - below) / (2 * h)

    @property
    def known_target(self) -> Target:
        """The target, whose name a pipeline does not know."""
        if isinstance(self.estimator, MLPClassifier):
            return Target(TARGET, "classification", tuple(self.estimator.classes_.tolist()))
        return Target(TARGET, "regression")

    def transform(self, table: Table) -> Array:
        """Return the inputs of the network for the row, (1, inputs)."""
        return network_inputs(self.pipeline, self.row)

    def table(self) -> Table:
        """Return the row as a table, with each column that an input is computed from."""
        names = [column.name for column in self.columns]
        return read({name: [shown(self.row, name)] for name in dict.fromkeys(names)})


def explain_row(
    pipeline: Any,
    estimator: Any,
    rows: Rows,
    row: int,
    output: Any = None,
    notation: Any = "plain",
    digits: int | None = None,
    decimals: int | None = None,
) -> Explanation:
    """Explain what a pipeline predicts for a row, in the columns of the data.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
    estimator : MLPClassifier or MLPRegressor
        Its last step.
    rows : data frame or array (n, columns)
    row : int
        Counted from 0.
    output : str, int or bool, optional
        The class or label whose probability is explained; by default the one that is predicted.
        Of several numbers that are predicted at once, which one, counted from 0.
    notation, digits, decimals
        As in `chainrule.explain`.

    Raises
    ------
    InputError
        If there is no such row, or none of several numbers is chosen.
    """
    if not 0 <= row < len(rows):
        raise InputError(f"there is no row {row}; give a number from 0 to {len(rows) - 1:,}")
    one = rows.iloc[[row]] if hasattr(rows, "iloc") else np.asarray(rows)[[row]]
    columns: Any = PipelineColumns(pipeline, one, estimator)
    found = explain_prediction(
        columns, without_names(estimator), columns.table(), 0, output, notation, digits, decimals
    )
    return replace(found, place=f"row {row}")


def value_of(row: Rows, column: str) -> Any:
    """Return the value of a column in a row."""
    if hasattr(row, "iloc"):
        return row[column].iloc[0]
    return row[0, int(column.removeprefix("x"))]


def shown(row: Rows, column: str) -> Any:
    """Return the value of a column as a table has it; of several columns a text."""
    try:
        value = value_of(row, column)
    except (KeyError, ValueError):
        return column
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and np.isnan(value) else value


def with_value(row: Rows, column: str, value: float) -> Rows:
    """Return a row with another value in a column."""
    if hasattr(row, "assign"):
        return row.assign(**{column: value})
    changed = np.array(row, float)
    changed[0, int(column.removeprefix("x"))] = value
    return changed


def legend(features: Sequence[Feature]) -> str:
    """Return which columns the inputs of a network are."""
    listed = [
        f"x[{k}] is {f.name}" + (f" of the column {f.column}" if f.column != f.name else "")
        for k, f in enumerate(features)
    ]
    return f"The inputs: {', '.join(listed)}"
