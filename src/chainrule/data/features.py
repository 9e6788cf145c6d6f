"""Columns as inputs of a network: numbers, categories and booleans, as they were learned."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data.arrow import arrow, compute
from chainrule.data.facts import column_numbers, words_of
from chainrule.data.kinds import ArrowColumn, kind_of_type
from chainrule.data.problems import Problems
from chainrule.data.table import Column, Table
from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]


class Feature(NamedTuple):
    """An input of the network.

    Attributes
    ----------
    name : str
    column : str
        The column of the table that it comes from.
    category : str or None
        The category that it stands for; None for numbers and booleans.
    """

    name: str
    column: str
    category: str | None = None


@dataclass(frozen=True)
class InputColumn(ABC):
    """A column of a table as one or more inputs of a network.

    Parameters
    ----------
    name : str
    """

    kind: ClassVar[str]
    name: str

    @abstractmethod
    def features(self) -> tuple[Feature, ...]:
        """Return the inputs that the column becomes."""

    @abstractmethod
    def fill_in(self, block: Table, out: Array, problems: Problems) -> None:
        """Write the inputs of some rows.

        Parameters
        ----------
        block : Table (n rows)
        out : array (n, inputs of the column)
            Zeros.
        problems : Problems
            Missing values and unknown categories are added to it.
        """

    def _check_kind(self, block: Table, column: Column, allowed: tuple[str | None, ...]) -> None:
        """Raise InputError if a column has values of another kind."""
        kind = kind_of_type(column.values.type, self.name)
        if kind in allowed or column.missing == len(column):
            return
        row = int(compute().index(column.values.is_valid(), True).as_py())
        value = column.values[row].as_py()
        raise InputError(
            f"{block.source}: column {self.name!r}, {block.place(row)}, is {value!r}, but the "
            f"model was trained with a {self.kind} there; give the column as it was then"
        )


@dataclass(frozen=True)
class NumberColumn(InputColumn):
    """A column of numbers, which is standardized.

    Parameters
    ----------
    name : str
    mean, scale : float
        The input is (number − mean) / scale. `scale` is the standard deviation, or 1 if all
        numbers were equal.
    fill : float, optional
        What replaces missing numbers; None if they are an error.
    """

    kind: ClassVar[str] = "number"
    mean: float = 0.0
    scale: float = 1.0
    fill: float | None = None

    def features(self) -> tuple[Feature, ...]:
        """Return the input that the column becomes."""
        return (Feature(self.name, self.name),)

    def fill_in(self, block: Table, out: Array, problems: Problems) -> None:
        """Write the standardized numbers into out, (n, 1)."""
        column = block[self.name]
        self._check_kind(block, column, ("number", "boolean"))
        numbers = self._numbers(column, len(block))
        if column.missing and self.fill is None:
            problems.add_missing(self.name, column.missing, block.place(column.first_missing()))
        elif self.fill is not None and column.missing:
            numbers = np.where(np.isnan(numbers), self.fill, numbers)
        infinite = np.flatnonzero(np.isinf(numbers))
        if len(infinite):
            row = int(infinite[0])
            raise InputError(
                f"{block.source}: column {self.name!r}, {block.place(row)}, is {numbers[row]}; "
                "give finite numbers, or leave the row out"
            )
        out[:, 0] = (numbers - self.mean) / self.scale

    @staticmethod
    def _numbers(column: Column, rows: int) -> Array:
        """Return the numbers, (n,), with NaN for missing ones; no value may have any type."""
        if column.missing == rows:
            return np.full(rows, np.nan)
        return column_numbers(column.values)


@dataclass(frozen=True)
class CategoryColumn(InputColumn):
    """A column of categories, each of which becomes an input that is 1 or 0.

    Parameters
    ----------
    name : str
    categories : tuple of str
        Sorted.
    fill : str, optional
        What replaces missing values; None if they are an error.
    """

    kind: ClassVar[str] = "category"
    categories: tuple[str, ...] = ()
    fill: str | None = None

    def features(self) -> tuple[Feature, ...]:
        """Return an input for each category."""
        return tuple(Feature(f"{self.name}={c}", self.name, c) for c in self.categories)

    def fill_in(self, block: Table, out: Array, problems: Problems) -> None:
        """Write 1 at the category of each row of out, (n, categories)."""
        column = block[self.name]
        self._check_kind(block, column, (None, "category", "number", "boolean"))
        places = self._places(column.values)
        if column.missing and self.fill is None:
            problems.add_missing(self.name, column.missing, block.place(column.first_missing()))
        rows = np.flatnonzero(places >= 0)
        out[rows, places[rows]] = 1
        strange = np.flatnonzero(places == -1)
        if len(strange):
            values = column.values.take(arrow().array(strange)).to_pylist()
            problems.add_unknown(self.name, values, block.place(int(strange[0])))

    def _places(self, values: ArrowColumn) -> Array:
        """Return the place of each category, (n,): −1 for unknown ones, −2 for missing ones."""
        pa, pc = arrow(), compute()
        words = words_of(values)
        if self.fill is not None:
            words = words.fill_null(self.fill)
        known = pc.index_in(words, value_set=pa.array(self.categories, pa.string()))
        places = pc.if_else(words.is_valid(), known.fill_null(-1), -2)
        return np.asarray(places.to_numpy(), dtype=np.int64)


@dataclass(frozen=True)
class BooleanColumn(InputColumn):
    """A column of true and false, which become 1 and 0.

    Parameters
    ----------
    name : str
    fill : bool, optional
        What replaces missing values; None if they are an error.
    """

    kind: ClassVar[str] = "boolean"
    fill: bool | None = None

    def features(self) -> tuple[Feature, ...]:
        """Return the input that the column becomes."""
        return (Feature(self.name, self.name),)

    def fill_in(self, block: Table, out: Array, problems: Problems) -> None:
        """Write 0 or 1 into out, (n, 1)."""
        column = block[self.name]
        self._check_kind(block, column, ("boolean",))
        if column.missing and self.fill is None:
            problems.add_missing(self.name, column.missing, block.place(column.first_missing()))
            return
        if column.missing == len(block):
            out[:, 0] = bool(self.fill)
            return
        values = column.values if self.fill is None else column.values.fill_null(self.fill)
        out[:, 0] = column_numbers(values)
