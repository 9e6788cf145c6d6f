"""The forward pass of a network as ONNX operators.

Where onnxruntime has an activation as an operator in the graph's precision, it is used. Others
become functions of the model, whose bodies are recorded from the activation's own f.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation, Custom
from chainrule.elementwise import sqrt
from chainrule.errors import InputError
from chainrule.exchange.onnx_recording import Recorder, Value
from chainrule.layers import ActivationLayer, Dense, Dropout, Layer, LayerNorm, Params
from chainrule.losses import Loss
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]
Attributes: TypeAlias = Callable[[Mapping[str, float]], dict[str, Any]]

DOMAIN = "chainrule"  # of functions
OPSET = 20  # the first with Gelu; Equal takes strings since 19


def none(constants: Mapping[str, float]) -> dict[str, Any]:
    """Return no attributes."""
    return {}


def by_tanh(constants: Mapping[str, float]) -> dict[str, Any]:
    """Return the attribute of the GELU's approximation."""
    return {"approximate": "tanh"}


# Operators of activations, and their attributes from the activation's constants. onnxruntime has
# the first in both precisions, and the others in float32 only.
IN_BOTH: dict[str, tuple[str, Attributes]] = {
    "logistic": ("Sigmoid", none),
    "tanh": ("Tanh", none),
    "relu": ("Relu", none),
}
IN_FLOAT32: dict[str, tuple[str, Attributes]] = {
    "leaky-relu": ("LeakyRelu", lambda constants: {"alpha": constants["slope"]}),
    "elu": ("Elu", lambda constants: {"alpha": constants["alpha"]}),
    "selu": ("Selu", none),
    "gelu": ("Gelu", none),
    "gelu-tanh": ("Gelu", by_tanh),
    "softplus": ("Softplus", none),
}
LINKS = {
    "logistic-cross-entropy": ("Sigmoid", {}),
    "softmax-cross-entropy": ("Softmax", {"axis": 1}),
    "softmax-squared-error": ("Softmax", {"axis": 1}),
    "poisson": ("Exp", {}),
}


def record_prediction(network: Network, theta: Array, x: Value) -> Value:
    """Add the forward pass and the loss's link, and return the prediction p, (n, outputs).

    Parameters
    ----------
    network : Network
    theta : array (parameters,)
    x : Value
        The inputs, (n, inputs).

    Raises
    ------
    InputError
        If a layer or an activation cannot be converted; the message names it.
    """
    a = x
    for layer, label, params in zip(
        network.layers, network.labels, network.params(theta), strict=True
    ):
        a = record_layer(layer, label, params, a)
    return record_link(network.loss, a)


def record_layer(layer: Layer, label: str, params: Params, x: Value) -> Value:
    """Add a layer, and return its output a, (n, units)."""
    own = x.recorder
    if isinstance(layer, Dense):
        arrays = [own.constant(params[name], f"{name}{label}") for name in params]
        z = own.node("Gemm", x, *arrays, to=own.unique(f"z{label}"), attributes={"transB": 1})
        return record_activation(layer.activation, z)
    if isinstance(layer, LayerNorm):
        arrays = [own.constant(params[name], f"{name}{label}") for name in ("W", "b")]
        return record_layer_norm(layer, x, arrays)
    if isinstance(layer, ActivationLayer):
        return record_activation(layer.activation, x)
    if isinstance(layer, Dropout):  # which is for training only
        return x
    raise InputError(f"{layer!r} cannot be converted to ONNX; leave the layer out")


def record_activation(activation: Activation, z: Value) -> Value:
    """Add an activation, and return a = f(z)."""
    own, name = z.recorder, activation.name
    known = {**IN_BOTH, **(IN_FLOAT32 if own.dtype == np.float32 else {})}
    if name == "identity":
        return z
    if name in known and not isinstance(activation, Custom):
        operator, attributes = known[name]
        return own.node(operator, z, attributes=attributes(activation.constants))
    constants = [own.constant(value, key) for key, value in activation.constants.items()]
    text = f"{name}: {activation.formula or 'a function of the user'}"
    try:
        return call(function_name(activation), activation.f, [z, *constants], text)
    except (InputError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the activation {name!r} cannot be converted to ONNX: {error}") from None


def record_layer_norm(layer: LayerNorm, x: Value, arrays: list[Value]) -> Value:
    """Add a LayerNorm, in float64 as a function: the operator's epsilon has single precision."""
    own = x.recorder
    if own.dtype == np.float32:
        attributes = {"axis": -1, "epsilon": layer.eps}
        return own.node("LayerNormalization", x, *arrays, attributes=attributes)
    inputs = [x, *arrays, own.constant(layer.eps, "eps")]
    return call("LayerNorm", normalized, inputs, "every sample to mean 0 and variance 1")


def normalized(x: Value, W: Value, b: Value, eps: Value) -> Any:
    """Record what `LayerNorm.forward` computes."""
    c = x - row_mean(x)  # (n, d)
    return c / sqrt(row_mean(c * c) + eps) * W + b  # (n, d)


def row_mean(x: Value) -> Value:
    """Record the mean of every row, (n, 1)."""
    own = x.recorder
    return own.node("ReduceMean", x, own.constant([1], dtype=np.int64))


def function_name(activation: Activation) -> str:
    """Return the name of the function of an activation, such as ``LeakyReLU``."""
    name = type(activation).__name__
    return name if not isinstance(activation, Custom) else f"Custom_{identifier(activation.name)}"


def identifier(text: str) -> str:
    """Return a text with an underscore for each character that identifiers cannot have."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)


def call(kind: str, formula: Callable[..., Any], inputs: list[Value], text: str) -> Value:
    """Add a call of a function of the model, which is defined when it is first called.

    Parameters
    ----------
    kind : str
        The name of the function.
    formula : callable
        Its body, written with NumPy.
    inputs : list of Value
    text : str
        What it computes.
    """
    own = inputs[0].recorder
    if kind not in own.functions:
        own.functions[kind] = defined(kind, formula, own.dtype, len(inputs), text)
    return own.node(kind, *inputs, domain=DOMAIN)


def defined(kind: str, formula: Callable[..., Any], dtype: Any, inputs: int, text: str) -> Any:
    """Return a function of the model, with the operators that its formula consists of."""
    body = Recorder(dtype, in_function=True)
    values = [body.value(f"x{k}") for k in range(inputs)]
    result = body.node("Identity", body.operand(formula(*values)), to=body.unique("result"))
    make = body.onnx.helper
    names, opsets = [one.name for one in values], [make.make_opsetid("", OPSET)]
    return make.make_function(
        DOMAIN, kind, names, [result.name], body.nodes, opsets, doc_string=text
    )


def record_link(loss: Loss, o: Value) -> Value:
    """Add the prediction p of raw outputs o."""
    if not loss.owns_link:
        return o
    operator, attributes = LINKS[loss.name]
    return o.recorder.node(operator, o, attributes=attributes)
