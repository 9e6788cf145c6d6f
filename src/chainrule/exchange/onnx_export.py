"""Exports a model as an ONNX file, and compares what onnxruntime computes from it."""

from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import missing
from chainrule.exchange.comparison import Difference, compare
from chainrule.exchange.onnx_models import feeds, onnx_model
from chainrule.exchange.parts import Parts
from chainrule.exchange.records import Exported

Array: TypeAlias = NDArray[Any]


def as_onnx(parts: Parts, name: str, rows: Any) -> Exported:
    """Return a model as an ONNX file; see `onnx_model`."""
    content = onnx_model(parts).SerializeToString(deterministic=True)
    return Exported({name: content}, compared_with_onnxruntime(parts, content, rows))


def compared_with_onnxruntime(parts: Parts, content: bytes, rows: Any) -> Difference:
    """Return the largest difference between onnxruntime's predictions and the model's."""
    runtime = load_runtime()
    expected, found = parts.predicted(rows), run_onnx(content, feeds(parts, rows))
    named = dict(zip(expected, found, strict=True))
    return compare(f"onnxruntime {runtime.__version__}", expected, named, parts.theta.dtype)


def load_runtime() -> Any:
    """Return the package onnxruntime, or raise MissingPackageError."""
    try:
        return import_module("onnxruntime")
    except ImportError:
        raise missing("onnxruntime", "an ONNX file", "exchange") from None


def run_onnx(content: bytes, inputs: dict[str, Array]) -> list[Array]:
    """Return the outputs that onnxruntime computes, in their order."""
    session = load_runtime().InferenceSession(content, providers=["CPUExecutionProvider"])
    return [np.asarray(output) for output in session.run(None, inputs)]
