"""The preparation of a table for a network: what is learned from the training rows, and applied.

Numbers are standardized, categories become one input each, booleans are 0 and 1.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data.as_json import (
    PREPARATION,
    VERSION,
    as_dict,
    check_fields,
    column_as_dict,
    column_from_dict,
    target_from_dict,
)
from chainrule.data.features import CategoryColumn, Feature, InputColumn
from chainrule.data.learning import Choices, learn_columns
from chainrule.data.problems import Problems
from chainrule.data.table import Table
from chainrule.data.targets import Target, learn_target
from chainrule.errors import InputError, unknown

Array: TypeAlias = NDArray[Any]

ROWS_AT_ONCE = 8192  # rows that are transformed together: their numbers fit into a cache
DTYPES = ("float32", "float64")


class Blocks(Protocol):
    """What a preparation is learned from: a `Table` or a `Stream`."""

    def blocks(self) -> Iterable[Table]:
        """Return the rows in order, in tables of `BLOCK_ROWS` rows; the last may be shorter."""
        ...


@dataclass(frozen=True)
class Preparation:
    """How the columns of a table become the inputs and targets of a network.

    `learn` makes one from training rows; it never changes afterwards. Everything that it needs is
    in the result of `to_dict`, which is plain JSON.

    Parameters
    ----------
    columns : tuple of InputColumn
        NumberColumn, CategoryColumn or BooleanColumn, in the order of the table.
    target : Target, optional
        The column that is predicted; None if only inputs are prepared.
    dtype : {"float64", "float32"}
        Of the inputs, and so the precision in which the network is computed.
    remarks : tuple of str
        Sentences on what was decided while learning, for the user to read.
    decimal : str
        The decimal mark of the text file that it was learned from, if its numbers showed it.

    Attributes
    ----------
    features : tuple of Feature
        For each input of the network its name, its column and, of categories, its category.
    feature_names : tuple of str
        ``"age"`` for numbers and booleans, ``"city=Oslo"`` for categories.

    Examples
    --------
    >>> from chainrule import data
    >>> table = data.read({"age": [20, 40], "city": ["Oslo", "Rome"], "y": ["no", "yes"]})
    >>> preparation = data.Preparation.learn(table, target="y")
    >>> preparation.feature_names
    ('age', 'city=Oslo', 'city=Rome')
    >>> preparation.transform(table).tolist()
    [[-1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    >>> preparation.targets(table).tolist()
    ['no', 'yes']
    """

    columns: tuple[InputColumn, ...]
    target: Target | None = None
    dtype: str = "float64"
    remarks: tuple[str, ...] = ()
    decimal: str = ""

    @classmethod
    def learn(
        cls,
        table: Blocks,
        target: str | None = None,
        *,
        task: str = "auto",
        columns: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        categories: Sequence[str] = (),
        impute: str | Mapping[str, Any] | None = None,
        standardize_target: bool = True,
        dtype: str = "float64",
    ) -> Self:
        """Learn the preparation from training rows; rows to be evaluated must not be among them.

        Parameters
        ----------
        table : Table or Stream
            The training rows.
        target : str, optional
            The column to predict.
        task : {"auto", "classification", "regression"}
            With "auto", words, booleans and whole numbers of at most 20 different values are
            classes, and other numbers are predicted as numbers.
        columns : sequence of str, optional
            The inputs; every column but the target by default.
        drop : sequence of str
            Columns that are left out.
        categories : sequence of str
            Columns of numbers or text that hold categories, such as a zip code.
        impute : str or mapping of str to value, optional
            What replaces missing values: "median", "mean", "most-frequent" or "constant"
            (0, False, or a category "missing"), or by column one of these or the value itself.
            Booleans and categories take the most frequent value under "median" and "mean". By
            default missing values are an error.
        standardize_target : bool, default True
            Whether numbers to predict are brought to mean 0 and standard deviation 1;
            `Target.restore` returns predictions to the column's unit.
        dtype : {"float64", "float32"}

        Returns
        -------
        Preparation

        Raises
        ------
        InputError
            If a column cannot be an input or a target; the message names the columns, the first
            row at fault and the remedy.
        UnknownNameError
            If there is no such column, or no such task, strategy or dtype.
        """
        if dtype not in DTYPES:
            raise unknown("dtype", dtype, DTYPES)
        choices = Choices(target, columns, tuple(drop), tuple(categories), impute)
        first, blocks = peeked(table.blocks())
        learned, facts, remarks = learn_columns(blocks, choices)
        predicted = None
        if facts is not None:
            predicted, more = learn_target(facts, task, standardize=standardize_target)
            remarks += more
        decimal = "" if first is None else first.origin.decimal
        return cls(learned, predicted, dtype, tuple(remarks), decimal)

    @property
    def word_columns(self) -> tuple[str, ...]:
        """The columns whose values were words: a file of other rows may look as if it had numbers.

        Categories that are whole numbers are left out: they may be written 1 or 1.0.
        """
        words = [
            column.name
            for column in self.columns
            if isinstance(column, CategoryColumn) and not are_whole(column.categories)
        ]
        target = self.target
        if target is not None and target.classes and isinstance(target.classes[0], str):
            words += [] if are_whole(target.classes) else [target.column]
        return tuple(words)

    # ---- the inputs ----

    @property
    def features(self) -> tuple[Feature, ...]:
        """Each input of the network, with its column and category."""
        return tuple(feature for column in self.columns for feature in column.features())

    @property
    def width(self) -> int:
        """The number of inputs of the network."""
        return sum(column.width for column in self.columns)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The name of each input of the network."""
        return tuple(feature.name for feature in self.features)

    def transform(self, table: Table, *, unknown_categories: str = "warn") -> Array:
        """Return the inputs of the network.

        Parameters
        ----------
        table : Table
            With the learned columns, in any order; others are ignored.
        unknown_categories : {"warn", "ignore", "error"}
            What happens with a category that was not among the training rows. Unless it is an
            error, all inputs of its column are 0.

        Returns
        -------
        array (n, features)
            Of `dtype`, with rows next to each other in memory.

        Raises
        ------
        InputError
            If a column is missing or has another kind, or a value is missing and there is nothing
            to replace it. The message names the column, the row, and the remedy.
        """
        self._check_columns(table)
        X = np.zeros((len(table), self.width), self.dtype)
        found = Problems(unknown_categories)
        for start in range(0, len(table), ROWS_AT_ONCE):
            block = table.slice(start, start + ROWS_AT_ONCE)
            place = 0
            for column in self.columns:
                stop = place + column.width
                column.fill_in(block, X[start : start + len(block), place:stop], found)
                place = stop
        found.report(table.source, len(table))
        return X

    def targets(self, table: Table) -> Array:
        """Return the network's targets: labels, or standardized numbers.

        Parameters
        ----------
        table : Table
            With the target's column.

        Returns
        -------
        array (n,)
            Labels as strings, int64 or bool; numbers of a regression as float64.

        Raises
        ------
        InputError
            If there is no target, or a value is missing or of another kind.
        """
        return self.known_target.values(table)

    @property
    def known_target(self) -> Target:
        """The target; an error if only inputs were prepared."""
        if self.target is None:
            raise InputError(
                "this preparation has no target; learn it with Preparation.learn(…, target=…)"
            )
        return self.target

    def _check_columns(self, table: Table) -> None:
        """Raise InputError if the table lacks a learned column."""
        lacking = [column.name for column in self.columns if column.name not in table]
        if lacking:
            named = ", ".join(map(repr, lacking))
            raise InputError(
                f"{table.source} has no column {named}, which the model was trained with; its "
                f"columns are {', '.join(map(repr, table.names))}"
            )

    # ---- as JSON ----

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON: dicts, lists, strings, numbers, booleans and None."""
        return {
            "version": VERSION,
            **({"decimal": self.decimal} if self.decimal else {}),
            "dtype": self.dtype,
            "columns": [column_as_dict(column) for column in self.columns],
            "target": None if self.target is None else as_dict(self.target),
            "remarks": list(self.remarks),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the preparation from the result of `to_dict`.

        Raises
        ------
        InputError
            If a field is missing, unknown, or has a value of the wrong type.
        """
        content = {"decimal": "", **content}
        check_fields("preparation", content, PREPARATION)
        if content["version"] != VERSION:
            raise InputError(
                f"preparation: version {content['version']} is not known, but {VERSION} is; "
                "install the release of chainrule that wrote it, or a newer one"
            )
        columns = tuple(map(column_from_dict, content["columns"]))
        target = None if content["target"] is None else target_from_dict(content["target"])
        remarks = tuple(content["remarks"])
        return cls(columns, target, content["dtype"], remarks, content["decimal"])


def peeked(blocks: Iterable[Table]) -> tuple[Table | None, Iterable[Table]]:
    """Return the first block, if there is one, and all of them."""
    several = iter(blocks)
    first = next(several, None)
    return first, several if first is None else chain([first], several)


def are_whole(words: Iterable[Any]) -> bool:
    """Return whether all words are whole numbers as Python writes them."""
    return all(re.fullmatch(r"-?(0|[1-9]\d*)", str(word)) for word in words)
