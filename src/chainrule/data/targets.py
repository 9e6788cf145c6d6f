"""The column that a network predicts: classes or a number."""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.data.arrow import arrow
from chainrule.data.facts import Facts, column_numbers, words_of
from chainrule.data.kinds import FEW_VALUES, kind_of_type
from chainrule.data.problems import Missing, missing_error
from chainrule.data.table import Table
from chainrule.errors import InputError, unknown

Array: TypeAlias = NDArray[Any]
Label: TypeAlias = str | int | bool

TASKS = ("auto", "classification", "regression")
LEAVE_OUT = "Leave these rows out (table.without_missing({name!r}))"


@dataclass(frozen=True)
class Target:
    """The column that is predicted.

    Parameters
    ----------
    column : str
    task : {"classification", "regression"}
    classes : tuple of str, int or bool
        Sorted; empty for a regression.
    mean, scale : float
        In a regression the network's target is (number − mean) / scale.
    """

    column: str
    task: str
    classes: tuple[Label, ...] = ()
    mean: float = 0.0
    scale: float = 1.0

    def values(self, table: Table) -> Array:
        """Return the network's targets, (n,): labels, or standardized numbers.

        Raises
        ------
        InputError
            If a value is missing, of another kind, or not finite.
        UnknownNameError
            If the table has no such column.
        """
        if self.task == "classification":
            return self.labels(table)
        return (self.numbers(table) - self.mean) / self.scale

    def labels(self, table: Table) -> Array:
        """Return the class of each row, (n,): strings, int64 or bool."""
        column = self._complete(table)
        first = self.classes[0]
        kind = kind_of_type(column.type, self.column)
        wanted = "boolean" if isinstance(first, bool) else "number"
        if not isinstance(first, str) and kind != wanted:
            raise InputError(
                f"{table.source}: column {self.column!r} holds values like "
                f"{column[0].as_py()!r}, but the classes are {list(self.classes)}; give the column "
                "as it was when the model was trained"
            )
        if isinstance(first, str):
            return np.array(words_of(column).to_pylist(), dtype=np.str_)
        if isinstance(first, bool):
            return np.asarray(column.to_numpy(), dtype=np.bool_)
        if arrow("pyarrow.types").is_signed_integer(column.type):  # exact beyond 2**53, too
            return np.asarray(column.to_numpy(), dtype=np.int64)
        return self._whole(table, column_numbers(column))

    def _whole(self, table: Table, numbers: Array) -> Array:
        """Return class numbers as int64, (n,)."""
        broken = np.flatnonzero(numbers != np.floor(numbers))
        if len(broken):
            row = int(broken[0])
            raise InputError(
                f"{table.source}: column {self.column!r}, {table.place(row)}, is {numbers[row]:g}, "
                f"but the classes are {list(self.classes)}; correct it"
            )
        return numbers.astype(np.int64)

    def numbers(self, table: Table) -> Array:
        """Return the numbers of the column, (n,), in its own unit."""
        column = self._complete(table)
        if kind_of_type(column.type, self.column) not in ("number", "boolean"):
            raise InputError(
                f"{table.source}: column {self.column!r} holds values like "
                f"{column[0].as_py()!r}, but the model predicts numbers; give numbers"
            )
        numbers = column_numbers(column)
        infinite = np.flatnonzero(np.isinf(numbers))
        if len(infinite):
            place = table.place(int(infinite[0]))
            raise InputError(
                f"{table.source}: column {self.column!r}, {place}, is infinite; leave the row out"
            )
        return numbers

    def restore(self, predictions: ArrayLike) -> Array:
        """Return predictions of a regression in the column's own unit; labels as they are."""
        p = np.asarray(predictions)
        return p if self.task == "classification" else p * self.scale + self.mean

    def _complete(self, table: Table) -> Any:
        """Return the column's values, none of which is missing."""
        column = table[self.column]
        if column.missing:
            gaps = Missing(column.missing, table.place(column.first_missing()))
            remedy = LEAVE_OUT.format(name=self.column)
            raise missing_error(table.source, f"{len(table):,} rows", {self.column: gaps}, remedy)
        return column.values


# ---- learning -----------------------------------------------------------------------------------


def learn_target(known: Facts, task: str, *, standardize: bool) -> tuple[Target, list[str]]:
    """Return the target that the training rows have, and remarks.

    Parameters
    ----------
    known : Facts
    task : {"auto", "classification", "regression"}
    standardize : bool
        Whether a number is predicted on a scale of mean 0 and standard deviation 1.

    Raises
    ------
    InputError
        If values are missing, all equal, or of a kind that cannot be predicted.
    """
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    if known.missing:
        gaps = Missing(known.missing, known.first_missing)
        remedy = LEAVE_OUT.format(name=known.name)
        raise missing_error(
            known.source, f"the {known.rows:,} rows to learn from", {known.name: gaps}, remedy
        )
    if known.of == "date":
        raise InputError(
            f"{named(known)} holds dates, which cannot be predicted; make a number of them, "
            "such as the days since an event"
        )
    chosen, remarks = decide(known, task)
    if chosen == "classification":
        return learn_classes(known), remarks
    return learn_numbers(known, standardize=standardize), remarks


def decide(known: Facts, task: str) -> tuple[str, list[str]]:
    """Return the task, and a sentence where it could have been the other."""
    if task != "auto":
        return task, []
    if known.of != "number":
        return "classification", []
    words = f"target {known.name}: {known.different}"
    few = known.counts is not None and len(known.counts) <= FEW_VALUES
    if few and known.whole and not known.fractions:
        remark = f"{words} classes; choose task='regression' if these whole numbers are quantities"
        return "classification", [remark]
    if few or (known.whole and not known.fractions):
        remark = f"{words} different numbers; choose task='classification' if they are classes"
        return "regression", [remark]
    return "regression", []


def named(known: Facts) -> str:
    """Return the beginning of a message on a target."""
    return f"{known.source}: the target {known.name!r}"


def learn_classes(known: Facts) -> Target:
    """Return a target with classes."""
    if known.kind == "text" or known.too_many:
        raise InputError(
            f"{named(known)} has {known.different} classes in {known.rows:,} "
            f"rows{known.example()}; choose a target with fewer"
        )
    classes = sorted(known.counts or ())
    if len(classes) < 2:
        raise InputError(
            f"{named(known)} is always {classes[0]!r}; give rows of at least two classes"
        )
    if any(isinstance(c, float) and not c.is_integer() for c in classes):
        raise InputError(
            f"{named(known)} has numbers like {classes[0]!r}; classes are "
            "words, booleans or whole numbers: choose task='regression'"
        )
    labels = (int(c) if isinstance(c, float) else c for c in classes)
    return Target(known.name, "classification", tuple(labels))


def learn_numbers(known: Facts, *, standardize: bool) -> Target:
    """Return a target of a regression."""
    if known.of not in ("number", "boolean"):
        raise InputError(
            f"{named(known)} holds words{known.example()}, and a regression "
            "predicts numbers; choose task='classification'"
        )
    if known.first_infinite:
        raise InputError(
            f"{known.source}: column {known.name!r}, {known.first_infinite}, is infinite; leave "
            "the row out"
        )
    if known.low == known.high:
        raise InputError(f"{named(known)} is always {known.low:g}")
    if not standardize:
        return Target(known.name, "regression")
    far = not math.isfinite(known.moments.squares)
    if far or known.moments.is_constant:
        raise InputError(
            f"{named(known)} ranges from {known.low:g} to {known.high:g}, which is too "
            f"{'far' if far else 'near'} to standardize; give it in another unit, or take "
            "logarithms"
        )
    return Target(known.name, "regression", (), known.moments.mean, known.moments.deviation)
