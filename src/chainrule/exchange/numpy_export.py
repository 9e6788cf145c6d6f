"""Exports a model as a NumPy program, and compares what the program prints with the model."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Table
from chainrule.errors import InputError
from chainrule.exchange.comparison import Difference, compare
from chainrule.exchange.numpy_program import numpy_program
from chainrule.exchange.parts import LABEL, PREDICTION, PROBABILITIES, Parts
from chainrule.exchange.records import Exported

Array: TypeAlias = NDArray[Any]


def as_numpy(parts: Parts, name: str, rows: Any) -> Exported:
    """Return the NumPy program of a model of a table."""
    if parts.preparation is None:
        raise InputError(
            f"{type(parts.model).__name__} has no table, whose rows the NumPy program predicts; "
            "export to ONNX (.onnx), or train with TableModel or chainrule train"
        )
    program = numpy_program(parts.preparation, parts.model.estimator, name)
    return Exported({name: program.encode()}, compared_with_program(parts, program, rows))


def compared_with_program(parts: Parts, program: str, rows: Table) -> Difference:
    """Return how much what the program prints differs from the model's predictions."""
    expected = parts.predicted(rows)
    names: dict[str, Any] = {"__name__": "program"}
    exec(program, names)  # noqa: S102 (the text that is exported)
    _, listed = names["predictions"](as_texts(rows))
    found = printed(listed, classifies=PREDICTION not in expected)
    return compare(f"NumPy {np.__version__}", expected, found, parts.theta.dtype)


def printed(listed: list[list[Any]], *, classifies: bool) -> dict[str, Array]:
    """Return what a program prints, by the names of the outputs of an exported model."""
    if not classifies:
        return {PREDICTION: np.array([number for (number,) in listed])}
    labels = np.array([str(label) for label, *_ in listed])
    return {LABEL: labels, PROBABILITIES: np.array([p for _, *p in listed])}


def as_texts(rows: Table) -> list[dict[str, str]]:
    """Return the rows as a CSV file has them: texts by column, empty ones for missing values."""
    columns = {name: [text_of(one) for one in rows[name].values.to_pylist()] for name in rows.names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def text_of(value: Any) -> str:
    """Return a value as a CSV file has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
