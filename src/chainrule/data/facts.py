"""What a preparation learns from a column, block by block.

The blocks are the same for a table in memory and for a stream, so that both give the same numbers.
"""

import math
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data.arrow import arrow, compute
from chainrule.data.kinds import MOST_CATEGORIES, ArrowColumn, kind_of_type, kind_of_words
from chainrule.data.table import Table
from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]

MOST_COUNTED = 100_000  # different values; a column of more is text


@dataclass
class Moments:
    """The mean of numbers and the sum of their squared distances from it.

    Parameters
    ----------
    count : int
    mean, squares : float
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, count: int, mean: float, squares: float) -> None:
        """Combine with the moments of other numbers (Chan, Golub, LeVeque 1979)."""
        if not count:
            return
        total, distance = self.count + count, mean - self.mean
        self.squares += squares + distance * distance * (self.count * count / total)
        self.mean += distance * (count / total)
        self.count = total

    def add_numbers(self, numbers: Array) -> None:
        """Combine with the moments of numbers, (n,)."""
        if len(numbers):
            with np.errstate(over="ignore", invalid="ignore"):
                mean = float(numbers.mean())
                self.add(len(numbers), mean, float(((numbers - mean) ** 2).sum()))

    @property
    def is_constant(self) -> bool:
        """Whether the numbers differ by no more than the rounding of their mean and squares."""
        eps = float(np.finfo(np.float64).eps)
        variance = self.deviation**2
        return variance <= self.count * eps * variance + (self.count * self.mean * eps) ** 2

    @property
    def deviation(self) -> float:
        """The standard deviation, dividing by n."""
        return math.sqrt(self.squares / self.count) if self.count else 0.0


@dataclass
class Facts:
    """What is known of a column after some blocks.

    Parameters
    ----------
    name : str
    as_words : bool
        Whether numbers and booleans count as words, because the column holds categories.
    keep_counts, keep_numbers : bool
        Whether every number is counted, for the most frequent one, or kept, for the median.

    Attributes
    ----------
    rows, missing : int
    first_missing, first_infinite : str
        What messages call these rows; empty if there are none.
    of : str or None
        The kind that the type decides; None for words and for no values.
    fractions : bool
        Whether the type is that of fractions, even if every number is whole.
    source : str
        What messages call the table.
    note : str
        Why the column is words although most of its values are numbers.
    counts : Counter or None
        How often each value occurs; None if there are too many.
    """

    name: str
    as_words: bool = False
    keep_counts: bool = False
    keep_numbers: bool = False
    rows: int = 0
    missing: int = 0
    first_missing: str = ""
    first_infinite: str = ""
    of: str | None = None
    fractions: bool = False
    source: str = "the table"
    note: str = ""
    counts: Counter[Any] | None = field(default_factory=Counter)
    moments: Moments = field(default_factory=Moments)
    low: float = math.inf
    high: float = -math.inf
    whole: bool = True
    steps: bool = True  # whether each number is the one before it plus 1
    last: float | None = None
    numbers: list[Array] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The kind of the column."""
        if self.of is not None and not self.as_words:
            return self.of
        if self.as_words:
            return "category"
        present = self.rows - self.missing
        return "text" if self.counts is None else kind_of_words(len(self.counts), present)

    @property
    def present(self) -> int:
        """How many values are not missing."""
        return self.rows - self.missing

    def add(self, block: Table) -> None:
        """Learn from the next rows."""
        column = block[self.name]
        values = words_of(column.values) if self.as_words else column.values
        self.rows, self.source = self.rows + len(values), block.source
        self.note = block.origin.notes.get(self.name, "")
        if column.missing:
            self.missing += column.missing
            self.first_missing = self.first_missing or block.place(column.first_missing())
        kind = kind_of_type(values.type, self.name)
        self._settle(kind)
        if kind in ("number", "boolean"):
            self.fractions = self.fractions or arrow("pyarrow.types").is_floating(values.type)
            self._add_numbers(column_numbers(values), block)
        if kind != "number" or self.keep_counts:
            self._count(values)

    def _settle(self, kind: str | None) -> None:
        """Note the kind of a block; blocks without a value have none."""
        if self.of is not None and kind is not None and kind != self.of:
            raise InputError(
                f"column {self.name!r} holds a {self.of} in some rows and a {kind} in others; give "
                "it one type"
            )
        self.of = self.of or kind

    def _count(self, values: ArrowColumn) -> None:
        """Count the different values."""
        if self.counts is None:
            return
        for pair in compute().value_counts(values.drop_null()).to_pylist():
            self.counts[pair["values"]] += pair["counts"]
        if len(self.counts) > MOST_COUNTED:
            self.counts = None

    def _add_numbers(self, numbers: Array, block: Table) -> None:
        """Learn from numbers, of which missing ones are NaN."""
        infinite = np.flatnonzero(np.isinf(numbers))
        if len(infinite):
            self.first_infinite = self.first_infinite or block.place(int(infinite[0]))
        kept = numbers[np.isfinite(numbers)]
        if not len(kept):
            return
        self.moments.add_numbers(kept)
        self.low, self.high = min(self.low, float(kept.min())), max(self.high, float(kept.max()))
        self.whole = self.whole and bool((kept == np.floor(kept)).all())
        before = kept[:1] - 1 if self.last is None else [self.last]
        self.steps = self.steps and bool((np.diff(kept, prepend=before) == 1).all())
        self.last = float(kept[-1])
        if self.keep_numbers:
            self.numbers.append(kept)

    def median(self) -> float:
        """Return the median of the numbers."""
        return float(np.median(np.concatenate(self.numbers)))

    def most_frequent(self) -> Any:
        """Return the value that occurs most often, of several the smallest."""
        if not self.counts:
            return None
        most = max(self.counts.values())
        return min(value for value, count in self.counts.items() if count == most)

    def example(self) -> str:
        """Return one of the values, for a message."""
        first = next(iter(self.counts or ()), None)
        return "" if first is None else f", such as {first!r}"

    @property
    def different(self) -> str:
        """How many values are different, in words."""
        return f"over {MOST_COUNTED:,}" if self.counts is None else f"{len(self.counts):,}"

    @property
    def too_many(self) -> bool:
        """Whether there are too many categories to give each an input."""
        return self.counts is None or len(self.counts) > MOST_CATEGORIES


def column_numbers(values: ArrowColumn) -> Array:
    """Return a column of numbers or booleans as float64, (n,), with NaN for missing ones."""
    pa = arrow()
    if arrow("pyarrow.types").is_boolean(values.type):
        values = values.cast(pa.int64())
    numbers = values.cast(pa.float64(), safe=False)
    return np.asarray(numbers.to_numpy(), dtype=np.float64)


def words_of(values: ArrowColumn) -> ArrowColumn:
    """Return a column as words; 3 and 3.0 are the same word.

    Parameters
    ----------
    values : pyarrow.ChunkedArray (rows,)
        Words, numbers or booleans.

    Returns
    -------
    pyarrow.ChunkedArray (rows,)
        Of strings; missing values stay missing.
    """
    pa, types = arrow(), arrow("pyarrow.types")
    if types.is_floating(values.type):
        with suppress(pa.ArrowInvalid):  # a number is not whole
            values = values.cast(pa.int64())
    return values.cast(pa.string())
