"""Networks from ONNX files: chains of Gemm, MatMul, Add, LayerNormalization and activations."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    GELUTanh,
    Identity,
    LeakyReLU,
    Logistic,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)
from chainrule.errors import FileError, InputError, system_reason
from chainrule.exchange.onnx_network import DOMAIN
from chainrule.exchange.onnx_recording import load_onnx
from chainrule.files import TrainedNetwork
from chainrule.layers import ActivationLayer, Dense, Layer, LayerNorm
from chainrule.losses import LOSSES, Loss
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]
Node: TypeAlias = Any  # onnx.NodeProto

PASSED_ON = ("Identity", "Cast", "Dropout", "Flatten")  # operators that keep the numbers
SQUEEZE = "Squeeze"  # at the end: the numbers of a single output without their axis
ALPHA, GAMMA = 1.6732632423543772, 1.0507009873554805  # of Selu
FLOATS = (1, 11)  # the numbers of float and double in ONNX
# The loss whose link is the last operator.
LINKS = {
    "Softmax": "softmax-cross-entropy",
    "LogSoftmax": "softmax-cross-entropy",
    "Sigmoid": "logistic-cross-entropy",
    "Exp": "poisson",
}


def gelu_of(attributes: Mapping[str, Any]) -> Activation:
    """Return the GELU with these attributes."""
    return GELUTanh() if attributes.get("approximate") == b"tanh" else GELU()


def selu_of(attributes: Mapping[str, Any]) -> Activation:
    """Return the SELU, whose constants are those of its authors."""
    alpha, gamma = attributes.get("alpha", ALPHA), attributes.get("gamma", GAMMA)
    if np.float32(alpha) != np.float32(ALPHA) or np.float32(gamma) != np.float32(GAMMA):
        raise InputError(f"Selu with alpha={alpha:g} and gamma={gamma:g} cannot be read")
    return SELU()


# The activation of each operator, from its attributes.
OPERATORS: dict[str, Callable[[Mapping[str, Any]], Activation]] = {
    "Sigmoid": lambda _: Logistic(),
    "Tanh": lambda _: Tanh(),
    "Relu": lambda _: ReLU(),
    "LeakyRelu": lambda attributes: LeakyReLU(short(attributes.get("alpha", 0.01))),
    "Elu": lambda attributes: ELU(short(attributes.get("alpha", 1.0))),
    "Selu": selu_of,
    "Gelu": gelu_of,
    "Softplus": lambda _: Softplus(),
}
# The activations that `export` writes as functions, by name.
FUNCTIONS = {type(one).__name__: type(one) for one in ACTIVATIONS.values()}


def short(number: float) -> float:
    """Return the shortest decimal number that a single-precision attribute stands for."""
    return float(str(np.float32(number)))


def from_onnx(source: Any, *, output: str | None = None) -> TrainedNetwork:
    """Return the network in an ONNX file.

    Parameters
    ----------
    source : str, path or onnx.ModelProto
        A chain of Gemm, MatMul, Add, LayerNormalization and activations, with a Softmax, Sigmoid
        or Exp at its end, or without, and a Squeeze of a single output.
    output : str, optional
        Which output of the graph; by default ``probabilities`` or the only one.

    Returns
    -------
    TrainedNetwork
        Its parameters are the same numbers, and its predictions the same within rounding. After
        LogSoftmax, they are the probabilities and not their logarithms. Its loss has the link at
        the end of the graph: softmax or logistic cross-entropy, Poisson, or the squared error.

    Raises
    ------
    FileError
        If the operating system cannot read the file.
    InputError
        If it is not an ONNX file, or has another operator; the message names the node.
    MissingPackageError
        If onnx is not installed.

    Examples
    --------
    >>> from chainrule import MLPRegressor, export, from_onnx
    >>> line = MLPRegressor.from_weights([[[2.0]]], [[1.0]])
    >>> exported = export(line, "line.onnx")
    >>> from_onnx("line.onnx").predict([[3.0]]).tolist()
    [[7.0]]
    """
    graph = Chain(model_of(source).graph)
    reading = Reading()
    for node in reversed(list(graph.nodes_to(graph.output_named(output)))):
        reading.add(node, graph)
    return reading.network()


def model_of(source: Any) -> Any:
    """Return the model in a file, or the argument itself if it is one."""
    onnx = load_onnx()
    if isinstance(source, onnx.ModelProto):
        return source
    path = os.fspath(source)
    try:
        return onnx.load(path)
    except OSError as error:
        raise FileError(error.errno, f"cannot read {path}: {system_reason(error)}") from None
    except Exception as error:
        if type(error).__name__ != "DecodeError":
            raise
        raise InputError(f"{path} is not an ONNX file; give one, such as model.onnx") from None


# ---- the graph ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chain:
    """A graph whose nodes are followed from an output back to the input.

    Parameters
    ----------
    graph : onnx.GraphProto
    """

    graph: Any

    @cached_property
    def arrays(self) -> dict[str, Array]:
        """The constants by name."""
        to_array = load_onnx().numpy_helper.to_array
        arrays = {one.name: to_array(one) for one in self.graph.initializer}
        for node in self.graph.node:
            if node.op_type == "Constant" and "value" in (own := attributes_of(node)):
                arrays[node.output[0]] = to_array(own["value"])
        return arrays

    @cached_property
    def makers(self) -> dict[str, Node]:
        """The node that computes each value, by the name of the value."""
        return {name: node for node in self.graph.node for name in node.output}

    def output_named(self, name: str | None) -> str:
        """Return the name of the output that is read."""
        names = [one.name for one in self.graph.output]
        if not names:
            raise InputError("the graph has no output; give a complete ONNX file")
        chosen = name or ("probabilities" if "probabilities" in names else names[0])
        if chosen not in names:
            raise InputError(f"the graph has no output {name!r}, but {', '.join(names)}")
        if name is None and len(names) > 1 and chosen != "probabilities":
            raise InputError(f"the graph has the outputs {', '.join(names)}; choose output=")
        return chosen

    def nodes_to(self, name: str) -> Iterator[Node]:
        """Yield the nodes from a value back to the input."""
        while name in self.makers:
            node = self.makers[name]
            if node.op_type == "Concat":
                name = self._second_of_two(node)
                continue
            yield node
            name = self._input_of(node)

    def _input_of(self, node: Node) -> str:
        """Return the only input of a node that is not a constant."""
        inputs = [name for name in node.input if name and name not in self.arrays]
        if node.op_type == "Mul" and not node.domain and len(inputs) == 2:  # z σ(z)
            gate = next((n for n in inputs if self._is_gate(n, inputs)), None)
            inputs = [name for name in inputs if name != gate]
        if len(set(inputs)) != 1:
            raise unreadable(node, "it must have one input that is not a constant")
        return inputs[0]

    def _is_gate(self, name: str, inputs: list[str]) -> bool:
        """Return whether a value is the sigmoid of another one of these."""
        node = self.makers.get(name)
        return node is not None and node.op_type == "Sigmoid" and node.input[0] in inputs

    def _second_of_two(self, node: Node) -> str:
        """Return p of the probabilities 1 − p and p of two classes."""
        *others, p = node.input
        first = self.makers.get(others[0]) if len(others) == 1 else None
        if first is None or first.op_type != "Sub" or first.input[1] != p:
            raise unreadable(node, "only the probabilities 1 − p and p are joined")
        return p


def attributes_of(node: Node) -> dict[str, Any]:
    """Return the attributes of a node by name."""
    value = load_onnx().helper.get_attribute_value
    return {one.name: value(one) for one in node.attribute}


def unreadable(node: Node, why: str) -> InputError:
    """Return the error for a node that cannot be read."""
    known = ", ".join(("Gemm", "MatMul", "Add", "LayerNormalization", *OPERATORS, *PASSED_ON))
    kind = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    return InputError(
        f"the node {node.name or node.output[0]!r} is {kind}, which cannot be read: {why}. Known "
        f"are {known}, and {', '.join(LINKS)} at the end"
    )


# ---- layers -------------------------------------------------------------------------------------


@dataclass
class Reading:
    """The layers that have been read so far.

    Parameters
    ----------
    layers : list of Layer
    arrays : list of array
        W and b of each layer, in the order of θ.
    link : str
        The operator at the end that is a loss's link.
    squeezed : bool
        Whether a single output has lost its axis.
    """

    layers: list[Layer] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=list)
    link: str = ""
    squeezed: bool = False

    def add(self, node: Node, graph: Chain) -> None:
        """Add the layer of a node, or complete the layer below."""
        kind, own = node.op_type, attributes_of(node)
        constants = [graph.arrays[name] for name in node.input if name in graph.arrays]
        if kind in PASSED_ON and not node.domain:
            require_the_same_numbers(node, own, constants)
            return
        if self.squeezed or (self.link and kind != SQUEEZE):
            last = SQUEEZE if self.squeezed else self.link
            raise unreadable(node, f"it follows {last}, which must be the last")
        if kind in PRODUCTS and node.input[1] not in graph.arrays:
            raise unreadable(node, "its matrix must be a constant, on the right")
        if node.domain == DOMAIN:
            self._add_function(node, constants)
        elif kind in READERS:
            READERS[kind](self, node, own, constants)
        elif kind in OPERATORS:
            self.activate(OPERATORS[kind](own))
        elif kind in LINKS:
            self._end_with(node, own)
        elif kind == SQUEEZE:
            self.squeezed = True
        else:
            raise unreadable(node, "no layer computes this")

    def _add_function(self, node: Node, constants: list[Array]) -> None:
        """Add a function that `export` has written."""
        numbers = [float(one) for one in constants if one.ndim == 0]
        if node.op_type == "LayerNorm":
            self.dense_or_norm(LayerNorm(numbers[0]), constants[:2])
        elif node.op_type in FUNCTIONS:
            self.activate(FUNCTIONS[node.op_type](*numbers))
        else:
            raise unreadable(node, "it is a function of the user")

    def _end_with(self, node: Node, own: Mapping[str, Any]) -> None:
        if own.get("axis", -1) not in (1, -1):
            raise unreadable(node, f"axis={own['axis']} is not that of the outputs")
        self.link = node.op_type

    def dense_or_norm(self, layer: Layer, arrays: list[Array]) -> None:
        """Add a layer with its arrays."""
        self.layers.append(layer)
        self.arrays += arrays

    def activate(self, activation: Activation) -> None:
        """Add an activation, to the dense layer below if it has none yet."""
        below = self.layers[-1] if self.layers else None
        if isinstance(below, Dense) and isinstance(below.activation, Identity):
            self.layers[-1] = replace(below, activation=activation)
        else:
            self.layers.append(ActivationLayer(activation))

    def network(self) -> TrainedNetwork:
        """Return the network that was read."""
        if not self.arrays:
            raise InputError("the graph has no weights; give a network with a Gemm or MatMul")
        loss, layers = self._ending()
        network = Network(self.arrays[0].shape[-1], tuple(layers), loss)
        if self.squeezed and network.outputs != 1:
            raise InputError(f"the graph ends in a Squeeze of {network.outputs} outputs, not one")
        dtype = np.result_type(np.float32, *self.arrays)  # half precision becomes single
        theta = np.concatenate([array.ravel() for array in self.arrays]).astype(dtype)
        return TrainedNetwork(network, theta)

    def _ending(self) -> tuple[Loss, list[Layer]]:
        """Return the loss, and the layers without an activation that it contains."""
        last = self.layers[-1]
        if self.link:
            return LOSSES[LINKS[self.link]], self.layers
        if isinstance(last, Dense) and isinstance(last.activation, Logistic):
            return LOSSES[LINKS["Sigmoid"]], [
                *self.layers[:-1],
                replace(last, activation=Identity()),
            ]
        return LOSSES["squared-error"], self.layers


def require_the_same_numbers(node: Node, own: Mapping[str, Any], constants: list[Array]) -> None:
    """Raise InputError if an operator that usually keeps numbers changes them or their order."""
    if node.op_type == "Cast" and own.get("to") not in FLOATS:
        raise unreadable(node, "it rounds to another type than float and double")
    if node.op_type == "Flatten" and own.get("axis", 1) != 1:
        raise unreadable(node, "its axis must be 1")
    if node.op_type == "Dropout" and any(one.dtype == bool and one.any() for one in constants):
        raise unreadable(node, "it is in training mode, so it draws masks")


PRODUCTS = ("Gemm", "MatMul")


def read_gemm(reading: Reading, node: Node, own: Mapping[str, Any], constants: list[Array]) -> None:
    """Add the dense layer of a Gemm."""
    if own.get("alpha", 1.0) != 1 or own.get("beta", 1.0) != 1 or own.get("transA"):
        raise unreadable(node, "alpha and beta must be 1, and transA 0")
    W = constants[0] if own.get("transB") else constants[0].T
    biases = [one.reshape(-1) for one in constants[1:]]
    if biases and biases[0].size != len(W):
        raise unreadable(node, f"it adds {biases[0].size} numbers to {len(W)} units")
    reading.dense_or_norm(Dense(len(W), Identity(), bias=bool(biases)), [W, *biases])


def read_matmul(
    reading: Reading, node: Node, own: Mapping[str, Any], constants: list[Array]
) -> None:
    """Add the dense layer of a MatMul, whose biases an Add may bring."""
    if constants[0].ndim != 2:
        raise unreadable(node, f"its matrix has {constants[0].ndim} axes")
    W = constants[0].T
    reading.dense_or_norm(Dense(len(W), Identity(), bias=False), [W])


def read_add(reading: Reading, node: Node, own: Mapping[str, Any], constants: list[Array]) -> None:
    """Add the biases to the dense layer below."""
    below = reading.layers[-1] if reading.layers else None
    linear = isinstance(below, Dense) and isinstance(below.activation, Identity)
    if not (linear and isinstance(below, Dense) and not below.bias and len(constants) == 1):
        raise unreadable(node, "only the biases behind a MatMul are added")
    if constants[0].size != below.units:
        raise unreadable(node, f"it adds {constants[0].size} numbers to {below.units} units")
    reading.layers[-1] = replace(below, bias=True)
    reading.arrays.append(constants[0].reshape(-1))


def read_layer_norm(
    reading: Reading, node: Node, own: Mapping[str, Any], constants: list[Array]
) -> None:
    """Add a LayerNorm."""
    if own.get("axis", -1) != -1 or len(constants) != 2:
        raise unreadable(node, "it must normalize the last axis, and have scales and shifts")
    reading.dense_or_norm(LayerNorm(short(own.get("epsilon", 1e-5))), constants)


def read_product(
    reading: Reading, node: Node, own: Mapping[str, Any], constants: list[Array]
) -> None:
    """Add z σ(z), the only product that is read."""
    if constants:
        raise unreadable(node, "only z · Sigmoid(z) is read")
    reading.activate(SiLU())


READERS: dict[str, Callable[[Reading, Node, Mapping[str, Any], list[Array]], None]] = {
    "Gemm": read_gemm,
    "MatMul": read_matmul,
    "Add": read_add,
    "LayerNormalization": read_layer_norm,
    "Mul": read_product,
}
