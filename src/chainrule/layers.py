"""Layers: each a pure pair, forward and below it backward, with its equations beside them.

A layer holds no arrays: parameters come in, and what the backward pass needs goes out as a plain
record. Kept instead of thrown away, those records are the trace that explanations are made of.

Shapes: x is (n, in), z, a and delta are (n, out), W is (out, in), b is (out,); da = ∂C/∂a.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.activations import activation as named_activation
from chainrule.descriptions import Converted, Count, Description, Positive, Share, check_subset
from chainrule.elementwise import sqrt
from chainrule.initializers import Constant, Glorot, Initializer
from chainrule.initializers import initializer as named_initializer

Array: TypeAlias = NDArray[Any]
Params: TypeAlias = Mapping[str, Array]  # by name: W, b
Record: TypeAlias = Any  # a NamedTuple with a field `a` (saved) or `dx` (grads)


class Layer(Description):
    """A step of the network: a frozen description with a pure forward and backward pass.

    Attributes
    ----------
    kind : str
        What files and keys call it, such as ``"dense"``.
    weights : tuple of str
        The parameters that penalties and weight decay apply to.
    """

    kind: ClassVar[str]
    weights: ClassVar[tuple[str, ...]] = ()

    def width(self, inputs: int) -> int:
        """Return the number of outputs for so many inputs."""
        return inputs

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter by name, in the order of θ."""
        return {}

    def initializers(self) -> dict[str, Initializer]:
        """Return the initializer of each parameter by name."""
        return {}

    def trains(self, name: str) -> bool:
        """Tell whether training changes the parameter `name`."""
        return True

    def equations(self, *, training: bool = True) -> dict[str, str]:
        """Return the layer in equations, complete."""
        raise NotImplementedError  # abstract

    @property
    def constants(self) -> dict[str, float]:
        """The numbers that the equations name, such as ``{"eps": 1e-5}``."""
        return self.numbers

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions that the equations name, such as ``f`` and ``df``."""
        return {}

    def forward(self, params: Params, x: Array, mask: Array | None = None) -> Record:
        """Return what the pass computed: a record with x and a, and what backward needs."""
        raise NotImplementedError  # abstract

    def backward(self, params: Params, saved: Record, da: Array) -> Record:
        """Return a record of gradients: d + name for each parameter, and dx."""
        raise NotImplementedError  # abstract


# ---- Dense: a = f(x Wᵀ + b) ---------------------------------------------------------------------


class DenseSaved(NamedTuple):
    x: Array  # (n, in)
    z: Array  # (n, out)
    a: Array  # (n, out)


class DenseGrads(NamedTuple):
    delta: Array  # (n, out)
    dW: Array  # (out, in)
    db: Array  # (out,)
    dx: Array  # (n, in)


@dataclass(frozen=True)
class Dense(Layer):
    """The textbook's layer: every unit sees every input, a = f(x Wᵀ + b).

    Parameters
    ----------
    units : int
        The number of outputs.
    activation : str or Activation
        f, by name or as an object; there is no default.
    initializer : str or Initializer, default Glorot()
        How W is drawn.
    bias_initializer : str or Initializer, default Constant(0.0)
        How b is drawn.
    bias : bool, default True
        Whether there is a b.
    trainable : bool or tuple of str, default True
        What training changes: all, nothing, or the parameters named, such as ``("W",)``.

    Raises
    ------
    InputError
        If `units` is not a positive whole number or `trainable` names no parameter.
    UnknownNameError
        If no activation or initializer has that name.
    """

    units: Count
    activation: Converted[Activation | str, Activation] = Converted(named_activation)
    initializer: Converted[Initializer | str, Initializer] = Converted(named_initializer, Glorot())
    bias_initializer: Converted[Initializer | str, Initializer] = Converted(
        named_initializer, Constant(0.0)
    )
    bias: bool = True
    trainable: bool | tuple[str, ...] = True

    kind = "dense"
    weights = ("W",)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_subset(self.shapes(1), trainable=self.trainable)

    def width(self, inputs: int) -> int:
        return self.units

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        weights: dict[str, tuple[int, ...]] = {"W": (self.units, inputs)}
        return {**weights, "b": (self.units,)} if self.bias else weights

    def initializers(self) -> dict[str, Initializer]:
        return {"W": self.initializer, "b": self.bias_initializer}

    def trains(self, name: str) -> bool:
        return name in self.trainable if isinstance(self.trainable, tuple) else self.trainable

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        return {"f": self.activation, "df": self.activation.derivative}

    def equations(self, *, training: bool = True) -> dict[str, str]:
        return {
            "z": "x @ W.T + b" if self.bias else "x @ W.T",
            "a": "f(z)",
            "delta": "da * df(z, a)",
            "dW": "delta.T @ x",
            **({"db": "sum(delta, axis=0)"} if self.bias else {}),
            "dx": "delta @ W",
        }

    def forward(self, params: Params, x: Array, mask: Array | None = None) -> DenseSaved:
        z = x @ params["W"].T  # (n, out)
        if self.bias:
            z = z + params["b"]  # (n, out)
        a = self.activation(z)  # (n, out)
        return DenseSaved(x, z, a)

    def backward(self, params: Params, saved: DenseSaved, da: Array) -> DenseGrads:
        delta = da * self.activation.derivative(saved.z, saved.a)  # (n, out)
        dW = delta.T @ saved.x  # (out, in)
        db = np.sum(delta, axis=0)  # (out,)
        dx = delta @ params["W"]  # (n, in)
        return DenseGrads(delta, dW, db, dx)


# ---- LayerNorm: each sample brought to mean 0 and variance 1, then scaled -----------------------


class LayerNormSaved(NamedTuple):
    x: Array  # (n, d)
    r: Array  # (n, 1), one over the standard deviation
    xhat: Array  # (n, d)
    a: Array  # (n, d)


class LayerNormGrads(NamedTuple):
    dxhat: Array  # (n, d)
    dW: Array  # (d,)
    db: Array  # (d,)
    dx: Array  # (n, d)


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Layer normalization: every sample to mean 0 and variance 1, times W, plus b (Ba et al. 2016).

    Parameters
    ----------
    eps : float, default 1e-5
        Added to the variance.
    trainable : bool or tuple of str, default True
        What training changes.

    Raises
    ------
    InputError
        If `eps` is not positive or `trainable` names no parameter.
    """

    eps: Positive = 1e-5
    trainable: bool | tuple[str, ...] = True

    kind = "layer-norm"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_subset(self.shapes(1), trainable=self.trainable)

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        return {"W": (inputs,), "b": (inputs,)}

    def initializers(self) -> dict[str, Initializer]:
        return {"W": Constant(1.0), "b": Constant(0.0)}

    def trains(self, name: str) -> bool:
        return name in self.trainable if isinstance(self.trainable, tuple) else self.trainable

    def equations(self, *, training: bool = True) -> dict[str, str]:
        return {
            "mu": "mean(x, axis=1, keepdims=True)",
            "c": "x - mu",
            "var": "mean(c * c, axis=1, keepdims=True)",
            "r": "1 / sqrt(var + eps)",
            "xhat": "c * r",
            "a": "xhat * W + b",
            "dxhat": "da * W",
            "dW": "sum(da * xhat, axis=0)",
            "db": "sum(da, axis=0)",
            "dx": "r * (dxhat - mean(dxhat, axis=1, keepdims=True)"
            " - xhat * mean(dxhat * xhat, axis=1, keepdims=True))",
        }

    def forward(self, params: Params, x: Array, mask: Array | None = None) -> LayerNormSaved:
        mu = np.mean(x, axis=1, keepdims=True)  # (n, 1)
        c = x - mu  # (n, d)
        var = np.mean(c * c, axis=1, keepdims=True)  # (n, 1)
        r = 1 / sqrt(var + self.eps)  # (n, 1)
        xhat = c * r  # (n, d)
        a = xhat * params["W"] + params["b"]  # (n, d)
        return LayerNormSaved(x, r, xhat, a)

    def backward(self, params: Params, saved: LayerNormSaved, da: Array) -> LayerNormGrads:
        xhat = saved.xhat
        dxhat = da * params["W"]  # (n, d)
        dW = np.sum(da * xhat, axis=0)  # (d,)
        db = np.sum(da, axis=0)  # (d,)
        mean = np.mean(dxhat, axis=1, keepdims=True)  # (n, 1)
        along = np.mean(dxhat * xhat, axis=1, keepdims=True)  # (n, 1)
        dx = saved.r * (dxhat - mean - xhat * along)  # (n, d)
        return LayerNormGrads(dxhat, dW, db, dx)


# ---- ActivationLayer: a = f(x), for layers that are not Dense ------------------------------------


class Saved(NamedTuple):
    x: Array  # (n, d)
    a: Array  # (n, d)
    mask: Array | None = None  # (n, d), of zeros and ones


class Grads(NamedTuple):
    dx: Array  # (n, d)


@dataclass(frozen=True)
class ActivationLayer(Layer):
    """An activation by itself, as after a LayerNorm: a = f(x).

    Parameters
    ----------
    activation : str or Activation
    """

    activation: Converted[Activation | str, Activation] = Converted(named_activation)

    kind = "activation"

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        return {"f": self.activation, "df": self.activation.derivative}

    def equations(self, *, training: bool = True) -> dict[str, str]:
        return {"a": "f(x)", "dx": "da * df(x, a)"}

    def forward(self, params: Params, x: Array, mask: Array | None = None) -> Saved:
        return Saved(x, self.activation(x))

    def backward(self, params: Params, saved: Saved, da: Array) -> Grads:
        return Grads(da * self.activation.derivative(saved.x, saved.a))


# ---- Dropout: units left out at random while training -------------------------------------------


@dataclass(frozen=True)
class Dropout(Layer):
    """Inverted dropout: in training a unit is 0 with probability `rate`, else divided by 1 − rate.

    The mask is no state: it is a hash of (seed, update, layer, sample, unit). Without a mask, as in
    prediction, the layer passes x on.

    Parameters
    ----------
    rate : float, default 0.5
        At least 0 and below 1.

    Raises
    ------
    InputError
        If `rate` is outside [0, 1).

    References
    ----------
    Srivastava et al.: Dropout, JMLR 2014.
    """

    rate: Share = 0.5

    kind = "dropout"

    @property
    def constants(self) -> dict[str, float]:
        return {"keep": 1 - self.rate}

    def equations(self, *, training: bool = True) -> dict[str, str]:
        if training:
            return {"a": "x * mask / keep", "dx": "da * mask / keep"}
        return {"a": "x", "dx": "da"}

    def forward(self, params: Params, x: Array, mask: Array | None = None) -> Saved:
        return Saved(x, x if mask is None else x * mask / (1 - self.rate), mask)

    def backward(self, params: Params, saved: Saved, da: Array) -> Grads:
        return Grads(da if saved.mask is None else da * saved.mask / (1 - self.rate))


def dropout_mask(seed: int, step: int, layer: int, shape: tuple[int, int], rate: float) -> Array:
    """Return zeros and ones (n, d), uint8: 1 where a unit is kept.

    Each is a hash of (seed, step, layer, sample, unit) alone, so that every engine and every replay
    draws the same.

    Parameters
    ----------
    seed, step, layer : int
        The run's seed, the number of updates made so far, and the place of the layer from 0.
    shape : (int, int)
        Samples of the batch and units.
    rate : float
        The probability of 0.
    """
    n, d = shape
    key = np.array([0], dtype=np.uint64)
    for part in (seed, step, layer):
        key = mix(key + np.array([part % 2**64], dtype=np.uint64))
    sample = mix(key + np.arange(n, dtype=np.uint64))  # (n,)
    unit = mix(sample[:, None] + np.arange(d, dtype=np.uint64))  # (n, d)
    return (unit >= np.uint64(int(rate * 2**64))).astype(np.uint8)


def mix(key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64 bits: the finalizer of splitmix64 (Steele, Lea, Flood 2014)."""
    key = key + np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


LAYERS: dict[str, type[Layer]] = {
    "dense": Dense,
    "layer-norm": LayerNorm,
    "activation": ActivationLayer,
    "dropout": Dropout,
}
