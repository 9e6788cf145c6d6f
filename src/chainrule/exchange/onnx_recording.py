"""Records NumPy formulas as operators of an ONNX graph.

A `Value` stands for an array of the graph. NumPy's functions and arithmetic of values add operators
to the graph instead of computing, so that an activation is converted by calling its own f.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import count
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.elementwise import exp, log, where
from chainrule.errors import InputError, missing

Array: TypeAlias = NDArray[Any]
Operand: TypeAlias = "Value | ArrayLike"

# The operator of each function of NumPy. ONNX has none for expm1 and log1p, which are composed.
OPERATORS: dict[Any, str] = {
    np.add: "Add",
    np.subtract: "Sub",
    np.multiply: "Mul",
    np.divide: "Div",
    np.negative: "Neg",
    np.power: "Pow",
    np.matmul: "MatMul",
    np.exp: "Exp",
    np.log: "Log",
    np.sqrt: "Sqrt",
    np.tanh: "Tanh",
    np.absolute: "Abs",
    np.maximum: "Max",
    np.minimum: "Min",
    np.greater: "Greater",
    np.greater_equal: "GreaterOrEqual",
    np.less: "Less",
    np.less_equal: "LessOrEqual",
    np.equal: "Equal",
    np.isnan: "IsNaN",
}
LARGE = 40.0  # e^x − 1 is e^x in float64 beyond it


def load_onnx() -> Any:
    """Return the package onnx, or raise MissingPackageError."""
    try:
        return import_module("onnx")
    except ImportError:
        raise missing("onnx", "an ONNX file", "exchange") from None


class Recorder:
    """The nodes and constants of a graph, or of the body of a function.

    Parameters
    ----------
    dtype : dtype
        float32 or float64: of the constants that formulas contain.
    in_function : bool, default False
        Whether this is the body of a function, where constants are nodes.
    """

    def __init__(self, dtype: DTypeLike, *, in_function: bool = False) -> None:
        self.onnx, self.dtype, self.in_function = load_onnx(), np.dtype(dtype), in_function
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.functions: dict[str, Any] = {}
        self._taken: set[str] = set()

    def value(self, name: str) -> "Value":
        """Return the value of an input."""
        self._taken.add(name)
        return Value(self, name)

    def unique(self, name: str) -> str:
        """Return a name that nothing in the graph has."""
        candidates = (name if k == 1 else f"{name}_{k}" for k in count(1))
        found = next(one for one in candidates if one not in self._taken)
        self._taken.add(found)
        return found

    def node(
        self,
        operator: str,
        *inputs: "Value",
        to: str = "",
        domain: str = "",
        attributes: Mapping[str, Any] | None = None,
    ) -> "Value":
        """Add a node, and return its output."""
        name = to or self.unique(operator.lower())
        names = [one.name for one in inputs]
        made = self.onnx.helper.make_node(
            operator, names, [name], name=f"{name}_node", domain=domain, **(attributes or {})
        )
        self.nodes.append(made)
        return Value(self, name)

    def constant(
        self, values: Any, name: str = "constant", dtype: DTypeLike | None = None
    ) -> "Value":
        """Add an array, by default of the graph's dtype."""
        array = np.asarray(values, self.dtype if dtype is None else dtype)
        own = self.unique(name)
        tensor = self.onnx.numpy_helper.from_array(array, own)
        if self.in_function:
            return self.node("Constant", to=own, attributes={"value": tensor})
        self.initializers.append(tensor)
        return Value(self, own)

    def cast(self, x: "Value", dtype: DTypeLike) -> "Value":
        """Add a conversion to another type."""
        return self.node("Cast", x, attributes={"to": self.kind(dtype)})

    def kind(self, dtype: DTypeLike) -> int:
        """Return ONNX's number of a dtype; object stands for strings."""
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def operand(self, given: Operand) -> "Value":
        """Return a value, or add a constant."""
        return given if isinstance(given, Value) else self.constant(given)


class Value(NDArrayOperatorsMixin):
    """An array of the graph, which NumPy's functions and operators take.

    Parameters
    ----------
    recorder : Recorder
    name : str
    """

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.recorder, self.name = recorder, name

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> "Value":
        """Record a universal function."""
        own = self.recorder
        if method != "__call__" or settings:
            raise unknown_function(f"{ufunc.__name__} with {method}, {', '.join(settings)}")
        if ufunc in COMPOSED:
            return COMPOSED[ufunc](*inputs)
        if ufunc not in OPERATORS:
            raise unknown_function(ufunc.__name__)
        return own.node(OPERATORS[ufunc], *map(own.operand, inputs))

    def __array_function__(
        self, function: Any, types: Any, inputs: tuple[Any, ...], settings: Mapping[str, Any]
    ) -> "Value":
        """Record ``where`` and ``real``."""
        own = self.recorder
        if function is np.real:
            return self
        if function is not np.where or settings:
            raise unknown_function(function.__name__)
        return own.node("Where", *map(own.operand, inputs))


def unknown_function(name: str) -> InputError:
    """Return the error for a function that has no operator."""
    known = ", ".join(sorted(one.__name__ for one in (*OPERATORS, *COMPOSED)))
    return InputError(f"numpy.{name} has no operator in ONNX; write the function with {known}")


def expm1(x: Value) -> Any:
    """Record e^x − 1 without cancellation near 0 (Kahan): (u − 1) x / log u with u = e^x."""
    u = exp(x)
    near = where(u - 1 == -1, -1.0, (u - 1) * x / log(u))
    return where(x > LARGE, u, where(u == 1, x, near))


def log1p(x: Value) -> Any:
    """Record log(1 + x) without cancellation near 0 (Kahan): x log u / (u − 1) with u = 1 + x."""
    u = 1 + x
    return where(u == 1, x, log(u) * x / (u - 1))


COMPOSED: dict[Any, Callable[..., Value]] = {np.expm1: expm1, np.log1p: log1p}
