"""Rows of a table as parameters of a test, some of them only for ``--full``."""

from collections.abc import Iterable
from typing import Any

import pytest


def rows(table: Iterable[str], *full_only: str) -> list[Any]:
    """Return the names in a table, some of them only for ``--full``."""
    marks = {True: [pytest.mark.full_only], False: []}
    return [pytest.param(name, marks=marks[name in full_only]) for name in table]


def few_rows(table: Iterable[str], *always: str) -> list[Any]:
    """Return the names in a table, all but some only for ``--full``."""
    names = list(table)
    return rows(names, *(name for name in names if name not in always))


def more(*values: object) -> Any:
    """Return a row that runs only with ``--full``, because another of its kind always runs."""
    return pytest.param(*values, marks=pytest.mark.full_only)
