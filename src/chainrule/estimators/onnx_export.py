"""Conversion to ONNX: the methods by which skl2onnx asks an estimator for its converter."""

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.errors import InputError, missing
from chainrule.estimators.labels import Labels
from chainrule.estimators.rebuilding import Rebuilding
from chainrule.layers import Dense, Dropout, LayerNorm, Params
from chainrule.losses import Loss
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]
Convert: TypeAlias = Callable[[Any, Any, Any], None]

# Activations that are one operator, with the names of their constants there and here.
OPERATORS: dict[str, tuple[str, dict[str, str]]] = {
    "logistic": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "leaky-relu": ("LeakyRelu", {"alpha": "slope"}),
    "elu": ("Elu", {"alpha": "alpha"}),
    "selu": ("Selu", {}),
    "softplus": ("Softplus", {}),
}
OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}  # skl2onnx's for classifiers
LINKS = {
    "logistic-cross-entropy": "Sigmoid",
    "softmax-cross-entropy": "Softmax",
    "softmax-squared-error": "Softmax",
    "poisson": "Exp",
}


class OnnxExport(Rebuilding):
    """The methods of an estimator that skl2onnx calls."""

    def _output_labels(self) -> Labels | None:
        """Return the classes of a classifier; None for a regressor."""
        return None

    def onnx_parser(self) -> None:
        """Register the converter, which skl2onnx asks for options; its own parser is right."""
        import_module("skl2onnx").update_registered_converter(
            type(self),
            f"Chainrule{type(self).__name__}",
            set_shapes,
            convert,
            options=None if self._output_labels() is None else OPTIONS,
        )

    def onnx_shape_calculator(self) -> Callable[[Any], None]:
        """Return what tells skl2onnx the shapes of the outputs."""
        return set_shapes

    def onnx_converter(self) -> Convert:
        """Return what tells skl2onnx the operators."""
        return convert

    def _to_onnx(self, scope: Any, operator: Any, container: Any) -> None:
        """Add the estimator to an ONNX graph."""
        graph = Graph(scope, container, double=is_double(operator))
        p = predicted(graph, self._forward.network, self._theta, operator.inputs[0].full_name)
        outputs, labels = [output.full_name for output in operator.outputs], self._output_labels()
        if labels is None:
            graph.node("Identity", p, to=outputs[0])
            return
        chosen = probabilities(graph, labels, self._forward.network.loss, p)
        graph.node("Identity", chosen, to=outputs[1])
        add_labels(graph, labels, chosen, outputs[0])


def is_double(operator: Any) -> bool:
    """Return whether the inputs are of double precision."""
    return type(operator.inputs[0].type).__name__.startswith("Double")


def set_shapes(operator: Any) -> None:
    """Set the shapes of the outputs."""
    estimator: Any = operator.raw_operator
    types, outputs = import_module("skl2onnx.common.data_types"), estimator.n_outputs_
    labels: Labels | None = estimator._output_labels()  # noqa: SLF001 (a method of this module)
    if labels is None:
        kind = types.DoubleTensorType if is_double(operator) else types.FloatTensorType
        operator.outputs[0].type = kind([None, outputs])
        return
    shapes = import_module("skl2onnx.common.shape_calculator")
    shapes.calculate_linear_classifier_output_shapes(operator)
    if labels.kind == "multilabel":
        operator.outputs[0].type = types.Int64TensorType([None, outputs])


def convert(scope: Any, operator: Any, container: Any) -> None:
    """Add an estimator to an ONNX graph."""
    operator.raw_operator._to_onnx(scope, operator, container)  # noqa: SLF001 (its own method)


class Graph:
    """The ONNX graph that is being made.

    Parameters
    ----------
    scope, container : object
        skl2onnx's, of which the first makes names and the second takes nodes.
    double : bool
        Whether to compute in double precision.
    """

    def __init__(self, scope: Any, container: Any, *, double: bool) -> None:
        try:
            types = import_module("onnx").TensorProto
        except ImportError:
            raise missing("onnx", "an ONNX file", "files") from None
        self.scope, self.container, self.types = scope, container, types
        self.dtype = types.DOUBLE if double else types.FLOAT

    def node(
        self, operator: str, *inputs: str, to: str = "", attributes: dict[str, Any] | None = None
    ) -> str:
        """Add a node, and return the name of its output."""
        output = to or self.scope.get_unique_variable_name(operator.lower())
        name = self.scope.get_unique_operator_name(operator)
        self.container.add_node(operator, list(inputs), output, name=name, **(attributes or {}))
        return output

    def constant(self, values: Any, dtype: int | None = None) -> str:
        """Add an array or a number, and return its name."""
        array, name = np.asarray(values), self.scope.get_unique_variable_name("constant")
        kind = self.dtype if dtype is None else dtype
        self.container.add_initializer(name, kind, list(array.shape), array.ravel().tolist())
        return name

    def cast(self, x: str, dtype: int, to: str = "") -> str:
        """Add a conversion to another type, and return the name of its output."""
        return self.node("Cast", x, to=to, attributes={"to": dtype})


# ---- the network --------------------------------------------------------------------------------


def predicted(graph: Graph, network: Network, theta: Array, x: str) -> str:
    """Add the forward pass, and return the name of the prediction p, (n, outputs)."""
    a = graph.cast(x, graph.dtype)
    for layer, params in zip(network.layers, network.params(theta), strict=True):
        if isinstance(layer, Dense):
            product = graph.node("MatMul", a, graph.constant(params["W"].T))
            z = graph.node("Add", product, graph.constant(params["b"][None, :]))
            a = activated(graph, layer.activation, z)
        elif isinstance(layer, LayerNorm):
            a = normalized(graph, layer, params, a)
        elif not isinstance(layer, Dropout):  # which is for training only
            raise InputError(f"{layer!r} cannot be converted to ONNX; use predict")
    return linked(graph, network.loss, a)


def activated(graph: Graph, activation: Activation, z: str) -> str:
    """Add an activation."""
    name = activation.name
    if name == "identity":
        return z
    if name in OPERATORS:
        operator, constants = OPERATORS[name]
        values = {there: activation.numbers[here] for there, here in constants.items()}
        return graph.node(operator, z, attributes=values)
    if name not in PRODUCTS:
        raise InputError(
            f"the activation {name!r} cannot be converted to ONNX; choose one of "
            f"{', '.join([*OPERATORS, *PRODUCTS])}"
        )
    return graph.node("Mul", z, PRODUCTS[name](graph, z))


def silu(graph: Graph, z: str) -> str:
    """Add what z is multiplied with: σ(z)."""
    return graph.node("Sigmoid", z)


def gelu(graph: Graph, z: str) -> str:
    """Add what z is multiplied with: (1 + erf(z / √2)) / 2."""
    erf = graph.node("Erf", graph.node("Mul", z, graph.constant(math.sqrt(0.5))))
    return half_of_one_plus(graph, erf)


def gelu_tanh(graph: Graph, z: str) -> str:
    """Add what z is multiplied with: (1 + tanh(√(2/π) (z + 0.044715 z³))) / 2."""
    square = graph.node("Mul", z, z)
    factor = graph.node("Add", graph.node("Mul", square, graph.constant(0.044715)), one(graph))
    inner = graph.node("Mul", graph.node("Mul", z, factor), graph.constant(math.sqrt(2 / math.pi)))
    return half_of_one_plus(graph, graph.node("Tanh", inner))


def half_of_one_plus(graph: Graph, x: str) -> str:
    """Add (1 + x) / 2."""
    return graph.node("Mul", graph.node("Add", x, one(graph)), graph.constant(0.5))


def one(graph: Graph) -> str:
    """Add the number 1."""
    return graph.constant(1.0)


PRODUCTS: dict[str, Callable[[Graph, str], str]] = {
    "silu": silu,
    "gelu": gelu,
    "gelu-tanh": gelu_tanh,
}


def normalized(graph: Graph, layer: LayerNorm, params: Params, x: str) -> str:
    """Add a LayerNorm; the mean of a row is a product with a column of 1/d."""
    width = len(params["b"])
    average = graph.constant(np.full((width, 1), 1 / width))  # (d, 1)
    centered = graph.node("Sub", x, graph.node("MatMul", x, average))  # (n, d)
    variance = graph.node("MatMul", graph.node("Mul", centered, centered), average)  # (n, 1)
    deviation = graph.node("Sqrt", graph.node("Add", variance, graph.constant(layer.eps)))
    xhat = graph.node("Div", centered, deviation)  # (n, d)
    scaled = graph.node("Mul", xhat, graph.constant(params["W"][None, :]))
    return graph.node("Add", scaled, graph.constant(params["b"][None, :]))


def linked(graph: Graph, loss: Loss, o: str) -> str:
    """Add the loss's link of the raw output."""
    if not loss.owns_link:
        return o
    operator = LINKS[loss.name]
    return graph.node(operator, o, attributes={"axis": 1} if operator == "Softmax" else None)


# ---- classes ------------------------------------------------------------------------------------


def probabilities(graph: Graph, labels: Labels, loss: Loss, p: str) -> str:
    """Add what `Labels.probabilities` computes."""
    if labels.kind == "binary" and not loss.classes:
        return graph.node("Concat", graph.node("Sub", one(graph), p), p, attributes={"axis": 1})
    if labels.kind == "multilabel" or loss.classes:
        return p
    count = len(labels.classes)
    total = graph.node("MatMul", p, graph.constant(np.ones((count, 1))))  # (n, 1)
    positive = graph.node("Greater", total, graph.constant(0.0))
    shares = graph.node("Div", p, graph.node("Where", positive, total, one(graph)))
    return graph.node("Where", positive, shares, graph.constant(1 / count))


def add_labels(graph: Graph, labels: Labels, p: str, to: str) -> None:
    """Add the label of each row, or rows of 0 and 1, of probabilities."""
    if labels.kind == "multilabel":
        above = graph.node("Greater", p, graph.constant(0.5))
        graph.cast(above, graph.types.INT64, to)
        return
    classes = labels.classes if len(labels.classes) > 1 else np.repeat(labels.classes, 2)
    place = graph.node("ArgMax", p, attributes={"axis": 1, "keepdims": 0})  # (n,)
    words = classes.dtype.kind not in "biuf"
    kind = graph.types.STRING if words else graph.types.INT64
    values = [str(one).encode() for one in classes] if words else classes.astype(np.int64)
    graph.node("Gather", graph.constant(values, kind), place, to=to)
