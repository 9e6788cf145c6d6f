"""Reads PyTorch's ``nn.Sequential`` as layers of this package, and its parameters as arrays.

Modules are recognized by the names of their classes, so that nothing here imports PyTorch.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import (
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
from chainrule.errors import InputError
from chainrule.layers import ActivationLayer, Dense, Dropout, Layer, LayerNorm

Array: TypeAlias = NDArray[Any]
Module: TypeAlias = Any  # torch.nn.Module
Parameters: TypeAlias = list[tuple[str, Any]]  # names in the state dict, and tensors

SOFTMAX, LOG_SOFTMAX = "Softmax", "LogSoftmax"
LINKS = (SOFTMAX, LOG_SOFTMAX)  # modules that a loss of this package contains
NOTHING = ("Identity", "Flatten")  # modules that pass samples of one dimension on as they are


def is_module(thing: Any) -> bool:
    """Return whether an object is a PyTorch module."""
    return any(
        cls.__module__ == "torch.nn.modules.module" and cls.__name__ == "Module"
        for cls in type(thing).__mro__
    )


def gelu_of(module: Module) -> Activation:
    """Return the GELU of a module, exact or approximate."""
    return GELUTanh() if module.approximate == "tanh" else GELU()


def softplus_of(module: Module) -> Activation:
    """Return the softplus of a module.

    PyTorch's becomes linear at z = 20, which changes it by 2e-9 there.
    """
    require(module, beta=1, threshold=20)
    return Softplus()


# The activation of each module, by the name of its class.
ACTIVATIONS: dict[str, Callable[[Module], Activation]] = {
    "Sigmoid": lambda _: Logistic(),
    "Tanh": lambda _: Tanh(),
    "ReLU": lambda _: ReLU(),
    "LeakyReLU": lambda module: LeakyReLU(module.negative_slope),
    "ELU": lambda module: ELU(module.alpha),
    "SELU": lambda _: SELU(),
    "GELU": gelu_of,
    "SiLU": lambda _: SiLU(),
    "Softplus": softplus_of,
}


class TorchNetwork(NamedTuple):
    """What a module consists of.

    Attributes
    ----------
    inputs : int
    layers : tuple of Layer
    parameters : tuple of (str, object)
        The name in the state dict and the tensor of each array, in the order of θ.
    link : str
        The module at the end that a loss of this package contains: "Softmax" or "LogSoftmax".
    """

    inputs: int
    layers: tuple[Layer, ...]
    parameters: tuple[tuple[str, Any], ...]
    link: str = ""

    def theta(self, tensors: Callable[[Any], Any] = lambda tensor: tensor) -> Array:
        """Return the parameters, or what a function gives of each, as one vector."""
        arrays = [as_array(tensors(tensor)).ravel() for _, tensor in self.parameters]
        return np.concatenate(arrays) if arrays else np.empty(0)


def as_array(tensor: Any) -> Array:
    """Return a tensor as an array of its own, in double precision unless it is float32."""
    array = np.array(tensor.detach().cpu().numpy())
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def read_module(module: Module) -> TorchNetwork:
    """Return what an ``nn.Sequential`` consists of; Sequentials inside it are unfolded.

    Raises
    ------
    InputError
        If a module is unknown or has an option that this package does not have; the message names
        it and its position.
    """
    if type(module).__name__ not in ("Sequential", *MODULES):
        raise InputError(
            f"{type(module).__name__} has a forward pass of its own, which cannot be read; give an "
            "nn.Sequential of its layers"
        )
    layers: list[Layer] = []
    parameters: Parameters = []
    link = ""
    for name, part in parts_of_module(module):
        kind = type(part).__name__
        if link:
            raise InputError(f"module {name} ({kind}) follows {link}, which must be the last")
        if kind in LINKS:
            link = link_of(name, part)
        elif kind not in NOTHING:
            layers = with_module(layers, name, part)
            parameters += own_parameters(name, part, parameters)
    return TorchNetwork(inputs_of(parameters, layers), tuple(layers), tuple(parameters), link)


def own_parameters(name: str, part: Module, earlier: Parameters) -> Parameters:
    """Return a part's parameters by their names in the state dict, if none is an earlier one."""
    own = [(f"{name}.{each}", p) for each, p in part.named_parameters()]
    for new, p in own:
        if first := next((other for other, old in earlier if old is p), None):
            raise InputError(
                f"{new} is {first} again; weights of two layers that are trained as one cannot be "
                "read"
            )
    return own


def parts_of_module(module: Module, prefix: str = "") -> Iterator[tuple[str, Module]]:
    """Yield the parts of a Sequential with their names in the state dict."""
    if type(module).__name__ != "Sequential":
        yield prefix.rstrip(".") or "0", module
        return
    # Not named_children, which leaves out a module that was there before, such as a shared ReLU.
    for name, part in module._modules.items():  # noqa: SLF001 (theirs)
        yield from parts_of_module(part, f"{prefix}{name}.")


def link_of(name: str, module: Module) -> str:
    """Return the name of a Softmax or LogSoftmax over the outputs."""
    if module.dim not in (1, -1):
        raise InputError(
            f"module {name} is {module!r}, which does not normalize over the outputs; give dim=1"
        )
    return type(module).__name__


def with_module(layers: list[Layer], name: str, module: Module) -> list[Layer]:
    """Return layers with one more module; an activation belongs to a linear layer below it."""
    kind = type(module).__name__
    if kind in ACTIVATIONS:
        own = ACTIVATIONS[kind](module)
        below = layers[-1] if layers else None
        if isinstance(below, Dense) and isinstance(below.activation, Identity):
            return [*layers[:-1], replace(below, activation=own)]
        return [*layers, ActivationLayer(own)]
    if kind not in MODULES:
        known = ", ".join(("Linear", *ACTIVATIONS, "LayerNorm", "Dropout", *LINKS, *NOTHING))
        raise InputError(f"module {name} is {module!r}, which cannot be read; known are {known}")
    return [*layers, MODULES[kind](module)]


def linear_of(module: Module) -> Layer:
    """Return the layer of a Linear."""
    return Dense(module.out_features, "identity", bias=module.bias is not None)


def layer_norm_of(module: Module) -> Layer:
    """Return the layer of a LayerNorm."""
    require(module, elementwise_affine=True)
    if len(module.normalized_shape) != 1 or module.bias is None:
        raise InputError(f"{module!r} cannot be read; give one width, and a bias")
    return LayerNorm(module.eps)


def dropout_of(module: Module) -> Layer:
    """Return the layer of a Dropout."""
    return Dropout(module.p)


# The layer of each module that is not an activation, by the name of its class.
MODULES: dict[str, Callable[[Module], Layer]] = {
    "Linear": linear_of,
    "LayerNorm": layer_norm_of,
    "Dropout": dropout_of,
}


def require(thing: Any, **values: Any) -> None:
    """Raise InputError if an object of PyTorch has an option with another value than these."""
    for name, value in values.items():
        given = getattr(thing, name)
        if given != value:
            raise InputError(
                f"{type(thing).__name__}({name}={given!r}) cannot be read; give {name}={value!r}"
            )


def inputs_of(parameters: Parameters, layers: list[Layer]) -> int:
    """Return the number of inputs, from the first weights."""
    if not parameters or not layers:
        raise InputError("the module has no parameters; give an nn.Sequential with a Linear")
    return int(parameters[0][1].shape[-1])


def natural(names: Mapping[str, Any]) -> list[str]:
    """Return names sorted so that ``fc10.weight`` follows ``fc2.bias``, and that ``fc2.weight``."""

    def key(name: str) -> list[list[tuple[int, int | str]]]:
        order = {"weight": "0", "bias": "1"}
        parts = [re.findall(r"\d+|\D+", order.get(part, part)) for part in name.split(".")]
        return [[(0, int(p)) if p.isdigit() else (1, p) for p in part] for part in parts]

    return sorted(names, key=key)
