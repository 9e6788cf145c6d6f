"""Learns the columns of a preparation from training rows, and refuses what cannot be an input."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from chainrule.data.facts import Facts
from chainrule.data.features import BooleanColumn, CategoryColumn, InputColumn, NumberColumn
from chainrule.data.kinds import MOST_CATEGORIES
from chainrule.data.problems import Missing, listed, missing_error
from chainrule.data.table import Table
from chainrule.errors import InputError, unknown

STRATEGIES = ("median", "mean", "most-frequent", "constant")
MISSING_CATEGORY = "missing"  # what impute="constant" calls the category of missing values
IMPUTE = "Choose impute='median', or leave the columns out with drop={names}"


class Choices(NamedTuple):
    """Which columns are learned, and how.

    Attributes
    ----------
    target : str or None
    columns : sequence of str, optional
    drop, categories : tuple of str
    impute : str, mapping or None
    """

    target: str | None
    columns: Sequence[str] | None
    drop: tuple[str, ...]
    categories: tuple[str, ...]
    impute: str | Mapping[str, Any] | None

    def inputs(self, table: Table) -> list[str]:
        """Return the names of the inputs.

        Raises
        ------
        InputError
            If there are none, or the target is among them.
        """
        for name in (*(self.columns or ()), *self.drop, *self.categories, *self._targets):
            table.check_name(name)
        if self.target in (self.columns or ()):
            raise InputError(f"columns has the target {self.target!r}; leave it out there")
        out = {*self.drop, *self._targets}
        names = [name for name in self.columns or table.names if name not in out]
        if not names:
            raise InputError(
                f"{table.source} has the columns {listed([repr(n) for n in table.names])}, of "
                "which none is left as an input; give a table with other columns than the target, "
                "or check the delimiter"
            )
        return names

    @property
    def _targets(self) -> tuple[str, ...]:
        """The target, if there is one."""
        return () if self.target is None else (self.target,)

    def strategy(self, name: str) -> Any:
        """Return how missing values of a column are replaced: a strategy, a value, or None.

        Raises
        ------
        UnknownNameError
            If the strategy of all columns is unknown.
        """
        if isinstance(self.impute, Mapping):
            return self.impute.get(name)
        if self.impute is not None and self.impute not in STRATEGIES:
            raise unknown("strategy to impute", self.impute, STRATEGIES)
        return self.impute


def learn_columns(
    blocks: Iterable[Table], choices: Choices
) -> tuple[tuple[InputColumn, ...], Facts | None, list[str]]:
    """Return the learned inputs, what is known of the target, and remarks.

    Raises
    ------
    InputError
        If there are no rows, or a column cannot be an input.
    """
    facts: dict[str, Facts] = {}
    source = "the table"
    for block in blocks:
        if not facts:
            facts, source = begin(block, choices), block.source
        for known in facts.values():
            known.add(block)
    if not facts:
        raise InputError("there are no rows to learn from; give at least one")
    target = facts.pop(choices.target, None) if choices.target is not None else None
    check_inputs(source, facts, choices)
    remarks: list[str] = []
    learned = tuple(learn_column(known, choices, remarks) for known in facts.values())
    return learned, target, remarks


def begin(block: Table, choices: Choices) -> dict[str, Facts]:
    """Return empty facts of each input and of the target."""
    facts = {}
    for name in choices.inputs(block):
        strategy = choices.strategy(name)
        facts[name] = Facts(
            name,
            as_words=name in choices.categories,
            keep_counts=strategy == "most-frequent",
            keep_numbers=strategy == "median",
        )
    if isinstance(choices.impute, Mapping):
        for name in choices.impute:
            if name not in facts:
                raise unknown("column to impute", name, facts)
    if choices.target is not None:
        facts[choices.target] = Facts(choices.target, keep_counts=True)
    return facts


# ---- what cannot be an input --------------------------------------------------------------------


def check_inputs(source: str, facts: Mapping[str, Facts], choices: Choices) -> None:
    """Raise InputError for columns that cannot be inputs: all of one kind in one message."""
    for known in facts.values():
        if known.note and not known.as_words:
            raise InputError(
                f"{source}: column {known.name!r} holds {known.note}, correct it, or name the "
                f"column in categories=[{known.name!r}]"
            )
    check_text(source, [known for known in facts.values() if known.kind == "text"])
    check_dates(source, [known for known in facts.values() if known.kind == "date"])
    check_categories(source, [known for known in facts.values() if known.kind == "category"])
    gaps = {
        name: Missing(known.missing, known.first_missing)
        for name, known in facts.items()
        if known.missing and choices.strategy(name) is None
    }
    if gaps:
        rows = f"the {next(iter(facts.values())).rows:,} rows to learn from"
        raise missing_error(source, rows, gaps, IMPUTE.format(names=list(gaps)))
    for known in facts.values():
        check_numbers(source, known)


def check_text(source: str, columns: list[Facts]) -> None:
    """Raise InputError for text, which is no category, and for columns without any value."""
    empty = [known.name for known in columns if not known.present]
    if empty:
        raise InputError(
            f"{source}: no values in column {listed(list(map(repr, empty)))}; leave it out with "
            f"drop={empty}"
        )
    if not columns:
        return
    named = [f"{known.name!r} ({describe_text(known)})" for known in columns]
    raise InputError(
        f"{source}: text cannot be an input: column {listed(named)}; leave it out with "
        f"drop={[known.name for known in columns]}, or name it in categories=[…] if its values "
        "are categories"
    )


def describe_text(known: Facts) -> str:
    """Return how many values are different, and an example."""
    if known.counts is not None and len(known.counts) == known.present:
        return f"an identifier: all {known.present:,} values are different{known.example()}"
    return f"{known.different} different values in {known.present:,} rows{known.example()}"


def check_dates(source: str, columns: list[Facts]) -> None:
    """Raise InputError for dates."""
    if columns:
        names = [known.name for known in columns]
        raise InputError(
            f"{source}: dates cannot be inputs: column {listed([repr(n) for n in names])}; make "
            "numbers or categories of what matters in them, such as the month or the days since "
            f"an event, or leave them out with drop={names}"
        )


def check_categories(source: str, columns: list[Facts]) -> None:
    """Raise InputError for columns of too many categories."""
    for known in columns:
        if known.too_many:
            raise InputError(
                f"{source}: column {known.name!r} has {known.different} categories, and each "
                f"would be an input; at most {MOST_CATEGORIES:,} are possible: group them, or "
                f"leave the column out with drop=[{known.name!r}]"
            )


def check_numbers(source: str, known: Facts) -> None:
    """Raise InputError for numbers that are not finite, or of too large a range to standardize."""
    if known.kind != "number":
        return
    if known.first_infinite:
        raise InputError(
            f"{source}: column {known.name!r}, {known.first_infinite}, is infinite; give finite "
            "numbers, or leave the row out"
        )
    if not math.isfinite(known.moments.squares):
        raise InputError(
            f"{source}: column {known.name!r} ranges from {known.low:g} to {known.high:g}, which "
            "is too far to standardize; take logarithms, or leave it out"
        )


# ---- columns ------------------------------------------------------------------------------------


def learn_column(known: Facts, choices: Choices, remarks: list[str]) -> InputColumn:
    """Return a column as an input, and add remarks."""
    strategy = choices.strategy(known.name)
    if known.kind == "number":
        return learn_numbers(known, strategy, remarks)
    fill = fill_of(known, strategy)
    if known.missing:
        remarks.append(f"{known.name}: missing values ({known.missing:,}) are replaced by {fill!r}")
    if known.kind == "boolean":
        if fill is not None and not isinstance(fill, bool):
            raise InputError(f"impute={{{known.name!r}: {fill!r}}}: give True or False")
        return BooleanColumn(known.name, fill)
    categories = {str(value) for value in known.counts or ()}
    if fill is not None:
        fill = str(fill)
        categories |= {fill} if known.missing else set()
    if len(categories) == 1:
        remarks.append(f"{known.name}: a single category, {min(categories)!r}; it says nothing")
    return CategoryColumn(known.name, tuple(sorted(categories)), fill)


def learn_numbers(known: Facts, strategy: Any, remarks: list[str]) -> NumberColumn:
    """Return a column of numbers as an input, and add remarks.

    Mean and standard deviation are those after missing numbers are replaced.
    """
    fill = number_to_fill(known, strategy)
    if known.missing and fill is not None:
        known.moments.add(known.missing, fill, 0.0)
        known.low, known.high = min(known.low, fill), max(known.high, fill)
        remarks.append(f"{known.name}: missing values ({known.missing:,}) are replaced by {fill:g}")
    scale = known.moments.deviation
    if known.moments.is_constant:
        scale = 1.0
        always = f"always {known.low:g}" if known.low == known.high else f"about {known.low:g}"
        remarks.append(f"{known.name}: {always}; it says nothing")
    elif known.whole and known.steps and known.rows > 2:
        remarks.append(
            f"{known.name}: counts the rows from {known.low:g} to {known.high:g}; leave it out "
            "unless it says something"
        )
    return NumberColumn(known.name, known.moments.mean, scale, fill)


def number_to_fill(known: Facts, strategy: Any) -> float | None:
    """Return what replaces missing numbers, or None."""
    if strategy is None:
        return None
    if not known.present and strategy in STRATEGIES[:3]:
        raise InputError(
            f"{known.source}: no values in column {known.name!r}, so none can replace the missing "
            f"ones; leave it out with drop={[known.name]}"
        )
    if strategy == "median":
        return known.median()
    if strategy == "mean":
        return known.moments.mean
    if strategy in ("most-frequent", "constant"):
        return float(known.most_frequent()) if strategy == "most-frequent" else 0.0
    if isinstance(strategy, bool) or not isinstance(strategy, int | float):
        raise InputError(
            f"impute={{{known.name!r}: {strategy!r}}}: the column holds numbers; give a number, or "
            f"one of {', '.join(STRATEGIES)}"
        )
    if not math.isfinite(strategy):
        raise InputError(f"impute={{{known.name!r}: {strategy!r}}}: give a finite number")
    return float(strategy)


def fill_of(known: Facts, strategy: Any) -> Any:
    """Return what replaces missing booleans or categories, or None."""
    if strategy is None:
        return None
    if strategy == "constant":
        return False if known.kind == "boolean" else MISSING_CATEGORY
    return known.most_frequent() if strategy in STRATEGIES else strategy
