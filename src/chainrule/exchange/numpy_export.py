"""Exports a model as a NumPy program."""

from typing import Any

from chainrule.errors import InputError
from chainrule.exchange.numpy_program import numpy_program
from chainrule.exchange.parts import Parts
from chainrule.exchange.records import Exported


def as_numpy(parts: Parts, name: str, rows: Any) -> Exported:
    """Return the NumPy program of a model of a table."""
    if parts.preparation is None:
        raise InputError(
            f"{type(parts.model).__name__} has no table, whose rows the NumPy program predicts; "
            "export to ONNX (.onnx), or train with TableModel or chainrule train"
        )
    program = numpy_program(parts.preparation, parts.model.estimator, name)
    remark = f"The predictions were not compared; run it with: python {name} rows.csv"
    return Exported({name: program.encode()}, None, remark)
