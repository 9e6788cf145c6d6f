"""Rows that fit a model's preparation, on which an exported model is compared with the model."""

from typing import Any

import numpy as np

from chainrule.data import BooleanColumn, CategoryColumn, Preparation, Table, read

SPREAD = 2.0  # standard deviations of the numbers, so that activations saturate, too
MISSING = 10  # every so many rows a value is missing, if the model replaces missing values
UNKNOWN = "(a category that the model does not know)"


def sample_table(preparation: Preparation, rows: int) -> Table:
    """Return random rows with the columns of a preparation; the same for the same preparation.

    Parameters
    ----------
    preparation : Preparation
    rows : int

    Returns
    -------
    Table
        With unknown categories, and with missing values where the model replaces them.
    """
    rng = np.random.default_rng(0)
    return read({column.name: values_of(column, rng, rows) for column in preparation.columns})


def values_of(column: Any, rng: np.random.Generator, rows: int) -> list[Any]:
    """Return random values of a column."""
    values: list[Any]
    if isinstance(column, CategoryColumn):
        values = rng.choice([*column.categories, UNKNOWN], rows).tolist()
    elif isinstance(column, BooleanColumn):
        values = (rng.random(rows) < 0.5).tolist()
    else:
        values = rng.normal(column.mean, SPREAD * column.scale, rows).tolist()
    if column.fill is None:
        return values
    gaps = rng.permutation(rows) % MISSING == 0
    return [None if gap else value for value, gap in zip(values, gaps, strict=True)]
