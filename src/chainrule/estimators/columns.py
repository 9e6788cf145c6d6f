"""Several columns of labels, each of which has classes of its own."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.estimators.labels import Labels, labels_named, labels_of
from chainrule.losses import Loss

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ColumnLabels:
    """The classes of a classifier that predicts several columns, with the methods of `Labels`.

    The network has an output for each class of each column, or one for a column of two classes;
    the probabilities of a column's classes are divided by their sum.

    Parameters
    ----------
    columns : tuple of Labels
    """

    columns: tuple[Labels, ...]
    kind = "multioutput"

    @property
    def classes(self) -> list[Array]:
        """The classes of each column."""
        return [labels.classes for labels in self.columns]

    def outputs(self, loss: Loss) -> int:
        """Return how many outputs the network needs."""
        return sum(self._widths(loss))

    def _widths(self, loss: Loss) -> list[int]:
        if loss.classes:
            raise InputError(
                f"loss={loss.name!r} chooses one of many classes, but y has {len(self.columns)} "
                "columns, each with classes of its own; choose 'log_loss'"
            )
        return [labels.outputs(loss) for labels in self.columns]

    def check_kind(self, y: Array, what: str = "y") -> None:
        """Raise InputError if targets are not labels of the same kind; new labels are allowed."""
        if y.ndim != 2 or y.shape[1] != len(self.columns):
            raise InputError(
                f"{what} has shape {y.shape}, but this classifier has {len(self.columns)} columns "
                f"of labels; give (n, {len(self.columns)})"
            )
        for j, labels in enumerate(self.columns):
            labels.check_kind(column_of(y, j), f"{what}[:, {j}]")

    def numbers(self, y: Array, what: str = "y") -> Array:
        """Return class numbers (n, columns).

        Raises
        ------
        InputError
            If a label is unknown, or y is of another kind.
        """
        self.check_kind(y, what)
        numbered = [
            labels.numbers(column_of(y, j), f"{what}[:, {j}]")
            for j, labels in enumerate(self.columns)
        ]
        return np.column_stack(numbered)

    def targets(self, y: Array, loss: Loss, what: str = "y") -> Array:
        """Return targets for the network: rows of 0 and 1 (n, outputs)."""
        self.check_kind(y, what)
        parts = [
            labels.targets(column_of(y, j), loss, f"{what}[:, {j}]")
            for j, labels in enumerate(self.columns)
        ]
        return np.hstack(parts).astype(np.float32)

    def predict(self, p: Array) -> Array:
        """Return labels (n, columns) of predictions (n, outputs)."""
        pairs = zip(self.columns, self._split(p), strict=True)
        found = [labels.predict(part) for labels, part in pairs]
        if len({column.dtype.kind for column in found}) == 1:
            return np.column_stack(found)
        return np.column_stack([column.astype(object) for column in found])

    def probabilities(self, p: Array, loss: Loss) -> list[Array]:
        """Return a probability for each class of each column, (n, classes) for each."""
        pairs = zip(self.columns, self._split(p), strict=True)
        return [labels.probabilities(part, loss) for labels, part in pairs]

    def _split(self, p: Array) -> list[Array]:
        """Return the outputs (n, k) of each column."""
        two = [len(labels.classes) <= 2 for labels in self.columns]
        counts = zip(two, self.columns, strict=True)
        widths = [1 if few else len(labels.classes) for few, labels in counts]
        return np.split(p, np.cumsum(widths)[:-1], axis=1)

    def weights(self, y: Array, choice: Any) -> None:
        """Raise InputError if there are class weights, which are for one class a sample."""
        if choice is not None:
            raise InputError(
                f"class_weight={choice!r} is for one class a sample; give sample_weight instead"
            )


def column_of(y: Array, place: int) -> Array:
    """Return a column of targets, in the type of its own labels."""
    column = y[:, place]
    return np.asarray(column.tolist()) if column.dtype.kind == "O" else column


def classes_of(y: Array, classes: Any = None) -> Labels | ColumnLabels:
    """Return the classes that are in y, or those of a list, one entry for each column.

    Raises
    ------
    InputError
        If y does not hold class labels, or the list does not fit.
    """
    if y.ndim == 1:
        return labels_of(y) if classes is None else labels_named(classes)
    if not has_columns(y):
        return labels_of(y)
    if classes is None:
        return ColumnLabels(tuple(labels_of(column_of(y, j)) for j in range(y.shape[1])))
    if len(classes) != y.shape[1] or any(np.ndim(one) != 1 for one in classes):
        raise InputError(
            f"classes={classes!r}, but y has {y.shape[1]} columns of labels; give "
            "a list of classes for each"
        )
    return ColumnLabels(tuple(map(labels_named, classes)))


def has_columns(y: Array) -> bool:
    """Return whether each column of y has classes of its own, more than 0 and 1."""
    if y.dtype.kind == "f":  # 1.5 is not a class
        return bool(np.all(y == np.floor(y))) and len(np.unique(y)) > 2
    return y.dtype.kind in "OUS" or len(np.unique(y)) > 2
