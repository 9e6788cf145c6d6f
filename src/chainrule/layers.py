"""Layers: the equations, the forward pass and, directly below it, the backward pass of each kind.

A layer holds no arrays: the parameters are arguments, and what the backward pass needs is returned
as a record. A `Trace` keeps these records, and the explanations are written from them.

Shapes: x is (n, in), z, a and delta are (n, out), W is (out, in), b is (out,), for n samples;
da = ∂C/∂a has the shape of a.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.activations import activation as named_activation
from chainrule.descriptions import Converted, Count, Description, Positive, Share, check_subset
from chainrule.elementwise import sqrt
from chainrule.initializers import Constant, Glorot, Initializer
from chainrule.initializers import initializer as named_initializer
from chainrule.sparse_samples import SparseSamples

Array: TypeAlias = NDArray[Any]
Params: TypeAlias = Mapping[str, Array]  # by name: W, b


# ---- what the passes return ---------------------------------------------------------------------


class Saved(Protocol):
    """What a forward pass saves: a NamedTuple with x, a, and what the backward pass needs.

    Attributes
    ----------
    x : array (n, in)
    a : array (n, out)
    """

    @property
    def x(self) -> Array: ...

    @property
    def a(self) -> Array: ...

    def __iter__(self) -> Iterator[Array | None]: ...


class Gradients(Protocol):
    """What a backward pass returns: a NamedTuple with dx, and d + name for each parameter.

    Attributes
    ----------
    dx : array (n, in)
        ∂C/∂x, which is the da of the layer below.
    """

    @property
    def dx(self) -> Array: ...

    def __iter__(self) -> Iterator[Array]: ...


def fields_of(record: Saved | Gradients) -> dict[str, Any]:
    """Return the fields of a record by name; except for x, a and dx, they depend on the layer."""
    named_tuple: Any = record
    return named_tuple._asdict()


# ---- the base class -----------------------------------------------------------------------------


class Layer(Description):
    """A step of the network: a frozen description with a pure forward and backward pass.

    A subclass defines `equations`, `forward` and `backward`; if it has parameters, `shapes` and
    `initializers` too.

    Attributes
    ----------
    kind : str
        The name in `LAYERS`, in files and in keys, such as ``"dense"``.
    weights : tuple of str
        The parameters that penalties and weight decay apply to.
    """

    kind: ClassVar[str]
    weights: ClassVar[tuple[str, ...]] = ()

    def width(self, inputs: int) -> int:
        """Return the number of outputs for a number of inputs."""
        return inputs

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter by name, in the order of θ."""
        return {}

    def initializers(self) -> dict[str, Initializer]:
        """Return the initializer of each parameter by name."""
        return {}

    def trains(self, name: str) -> bool:
        """Return whether training changes the parameter `name`."""
        return True

    def equations(self, *, training: bool = True) -> dict[str, str]:
        """Return the equations of both passes, by the name that each defines.

        Parameters
        ----------
        training : bool, default True
            Whether dropout masks apply.
        """
        raise NotImplementedError  # abstract

    @property
    def constants(self) -> dict[str, float]:
        """The numbers that the equations name, such as ``{"eps": 1e-5}``."""
        return self.numbers

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions that the equations name, such as ``f`` and ``df``."""
        return {}

    def forward(self, params: Params, x: Array, mask: Array | None = None) -> Saved:
        """Return x, a and what `backward` needs.

        Parameters
        ----------
        params : mapping of str to array
            The parameters by name.
        x : array (n, in)
        mask : array (n, out), optional
            The dropout mask; only Dropout uses it.
        """
        raise NotImplementedError  # abstract

    # `saved` is Any here because each subclass takes the record that its own `forward` returns.
    def backward(self, params: Params, saved: Any, da: Array) -> Gradients:
        """Return dx and the gradient of each parameter.

        Parameters
        ----------
        params : mapping of str to array
        saved : Saved
            What `forward` returned.
        da : array (n, out)
            ∂C/∂a.
        """
        raise NotImplementedError  # abstract


# ---- Dense: a = f(x Wᵀ + b) ---------------------------------------------------------------------


class DenseSaved(NamedTuple):
    """What the forward pass of Dense saves."""

    x: Array  # (n, in)
    z: Array  # (n, out)
    a: Array  # (n, out)


class DenseGradients(NamedTuple):
    """The gradients of Dense."""

    delta: Array  # (n, out), ∂C/∂z
    dW: Array  # (out, in)
    db: Array  # (out,)
    dx: Array  # (n, in); (0, in) for sparse samples


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer: a = f(x Wᵀ + b).

    Parameters
    ----------
    units : int
        The number of outputs.
    activation : str or Activation
        f, by name or as an object; it has no default, because no choice suits every network.
    initializer : str or Initializer, default Glorot()
        How W is drawn before training.
    bias_initializer : str or Initializer, default Constant(0.0)
        How b is drawn before training.
    bias : bool, default True
        Whether the layer has biases.
    trainable : bool or tuple of str, default True
        What training changes: all parameters, none, or those named, such as ``("W",)``.

    Raises
    ------
    InputError
        If `units` is not a positive integer, or `trainable` is not as above.
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
        z = x @ params["W"].T  # (n, in) @ (in, out) -> (n, out)
        if self.bias:
            z = z + params["b"]  # (n, out); b is added to every row
        a = self.activation(z)  # (n, out)
        return DenseSaved(x, z, a)

    def backward(self, params: Params, saved: DenseSaved, da: Array) -> DenseGradients:
        # f is elementwise, so the chain rule through it is a product entry by entry.
        delta = da * self.activation.derivative(saved.z, saved.a)  # (n, out), ∂C/∂z
        # W is shared by all samples: the product adds up each sample's δ xᵀ. The mean over the
        # samples is part of da already, because the loss divides by n.
        dW = delta.T @ saved.x  # (out, n) @ (n, in) -> (out, in)
        db = np.sum(delta, axis=0)  # (out,); ∂z/∂b = 1; not used if there are no biases
        # An input feeds every unit, so its gradient sums over all, by W. Sparse data need none.
        below = delta[:0] if isinstance(saved.x, SparseSamples) else delta
        dx = below @ params["W"]  # (n, out) @ (out, in) -> (n, in)
        return DenseGradients(delta, dW, db, dx)


# ---- LayerNorm: each sample to mean 0 and variance 1, then scaled and shifted -------------------


class LayerNormSaved(NamedTuple):
    """What the forward pass of LayerNorm saves."""

    x: Array  # (n, d)
    r: Array  # (n, 1), one over the standard deviation
    xhat: Array  # (n, d), of mean 0 and variance 1 in every row
    a: Array  # (n, d)


class LayerNormGradients(NamedTuple):
    """The gradients of LayerNorm."""

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
        Added to the variance, so that a sample of equal numbers does not divide by 0.
    trainable : bool or tuple of str, default True
        What training changes: all parameters, none, or those named, such as ``("b",)``.

    Raises
    ------
    InputError
        If `eps` is not positive, or `trainable` is not as above.
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
        mu = np.mean(x, axis=1, keepdims=True)  # (n, 1), over the d numbers of each sample
        c = x - mu  # (n, d)
        var = np.mean(c * c, axis=1, keepdims=True)  # (n, 1), divided by d and not d − 1
        r = 1 / sqrt(var + self.eps)  # (n, 1)
        xhat = c * r  # (n, d)
        a = xhat * params["W"] + params["b"]  # (n, d); W and b are the same for every row
        return LayerNormSaved(x, r, xhat, a)

    def backward(self, params: Params, saved: LayerNormSaved, da: Array) -> LayerNormGradients:
        xhat = saved.xhat
        dxhat = da * params["W"]  # (n, d)
        dW = np.sum(da * xhat, axis=0)  # (d,), over the samples that share W
        db = np.sum(da, axis=0)  # (d,)
        # x̂ stays the same when a row of x is shifted or scaled, so dx has no part in these two
        # directions: (1, …, 1), which moves the mean, and x̂, which moves the variance.
        mean = np.mean(dxhat, axis=1, keepdims=True)  # (n, 1), the part that moves the mean
        along = np.mean(dxhat * xhat, axis=1, keepdims=True)  # (n, 1), that moves the variance
        dx = saved.r * (dxhat - mean - xhat * along)  # (n, d)
        return LayerNormGradients(dxhat, dW, db, dx)


# ---- ActivationLayer: a = f(x), for layers that are not Dense ------------------------------------


class ElementwiseSaved(NamedTuple):
    """What the forward pass of an elementwise layer saves."""

    x: Array  # (n, d)
    a: Array  # (n, d)
    mask: Array | None = None  # (n, d), of zeros and ones


class ElementwiseGradients(NamedTuple):
    """The gradient of an elementwise layer without parameters."""

    dx: Array  # (n, d)


@dataclass(frozen=True)
class ActivationLayer(Layer):
    """An activation as a layer of its own, such as after a LayerNorm: a = f(x).

    Parameters
    ----------
    activation : str or Activation
        f, by name or as an object.
    """

    activation: Converted[Activation | str, Activation] = Converted(named_activation)

    kind = "activation"

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        return {"f": self.activation, "df": self.activation.derivative}

    def equations(self, *, training: bool = True) -> dict[str, str]:
        return {"a": "f(x)", "dx": "da * df(x, a)"}

    def forward(self, params: Params, x: Array, mask: Array | None = None) -> ElementwiseSaved:
        return ElementwiseSaved(x, self.activation(x))  # (n, d)

    def backward(self, params: Params, saved: ElementwiseSaved, da: Array) -> ElementwiseGradients:
        dx = da * self.activation.derivative(saved.x, saved.a)  # (n, d)
        return ElementwiseGradients(dx)


# ---- Dropout: random units are 0 during training ------------------------------------------------


@dataclass(frozen=True)
class Dropout(Layer):
    """Inverted dropout: in training a unit is 0 with probability `rate`, else divided by 1 − rate.

    The masks are not stored: each is a hash of (seed, update, layer, sample, unit). Without a mask,
    as in prediction, a = x.

    Parameters
    ----------
    rate : float, default 0.5
        The probability that a unit is 0; at least 0 and below 1.

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

    def forward(self, params: Params, x: Array, mask: Array | None = None) -> ElementwiseSaved:
        # Division by 1 − rate keeps the expected value, so that prediction needs no correction.
        a = x if mask is None else x * mask / (1 - self.rate)  # (n, d)
        return ElementwiseSaved(x, a, mask)

    def backward(self, params: Params, saved: ElementwiseSaved, da: Array) -> ElementwiseGradients:
        dx = da if saved.mask is None else da * saved.mask / (1 - self.rate)  # (n, d)
        return ElementwiseGradients(dx)


def dropout_mask(
    seed: int, step: int, layer: int, shape: tuple[int, int], rate: float, first: int = 0
) -> Array:
    """Return a mask of zeros and ones (n, d), uint8: 1 where a unit is kept.

    Each entry is a hash of (seed, step, layer, sample, unit), so that every engine, and every
    repetition of an update, draws the same mask.

    Parameters
    ----------
    seed, step, layer : int
        The run's seed, the number of updates made so far, and the place of the layer from 0.
    shape : (int, int)
        Samples of the batch and units.
    rate : float
        The probability of 0.
    first : int, default 0
        The number in its batch of the first sample.
    """
    n, d = shape
    key = np.array([0], dtype=np.uint64)  # (1,); an array, since NumPy warns when a scalar wraps
    for part in (seed, step, layer):
        key = mix(key + np.array([part % 2**64], dtype=np.uint64))
    sample = mix(key + np.arange(first, first + n, dtype=np.uint64))  # (n,)
    unit = mix(sample[:, None] + np.arange(d, dtype=np.uint64))  # (n, d)
    # The hashes are uniform over 0 … 2⁶⁴ − 1; the share `rate` of them lies below the threshold.
    return (unit >= np.uint64(int(rate * 2**64))).astype(np.uint8)  # (n, d)


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
