"""The right gradients of a layer: derivatives of its forward function, with error bounds.

The complex step is used if central differences confirm it, else central differences with two steps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.derivatives import STEP
from chainrule.diagnosis.layers.binding import Binding
from chainrule.diagnosis.layers.calling import CallFailedError, call
from chainrule.diagnosis.layers.candidates import is_label
from chainrule.diagnosis.layers.values import Array, Leaf, as_array, leaves, replaced

H = 1e-3  # the larger step of central differences; the smaller is half of it
SMOOTH = 1e-3  # relative change between the two steps above which there may be a kink
CONFIRMED = 1e-5  # relative agreement of the complex step with central differences
ROUNDING = 1e-11  # of central differences, relative to the value


class KinkError(Exception):
    """The function has no single slope at these inputs."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A forward function at given inputs, whose outputs are weighted by upstream gradients.

    Parameters
    ----------
    forward : callable
    inputs : mapping
    binding : Binding
    """

    forward: Callable[..., Any]
    inputs: Mapping[str, Any]
    binding: Binding

    @property
    def variables(self) -> list[Leaf]:
        """The inputs that have a gradient: arrays of real numbers, but no labels."""
        found = [
            leaf for name, value in self.inputs.items() for leaf in leaves(value, name, (name,))
        ]
        return [
            leaf
            for leaf in found
            if leaf.array is not None
            and leaf.array.dtype.kind in "fc"
            and leaf.array.ndim
            and not is_label(leaf.name)
        ]

    def output(self, result: Any, place: int) -> Array:
        """Return an output as an array."""
        index = self.binding.outputs[place]
        array = as_array(result if index is None else result[index])
        return np.zeros(0) if array is None else array

    def value(self, inputs: Mapping[str, Any], weights: tuple[Array, ...], *, strict: bool) -> Any:
        """Return the sum of the outputs, weighted by upstream gradients."""
        result = call(self.forward, inputs, strict=strict)
        return sum(np.sum(w * self.output(result, i)) for i, w in enumerate(weights))


@dataclass(frozen=True, eq=False)
class Truth:
    """The right gradients of a layer's inputs.

    Parameters
    ----------
    gradients, errors : mapping of str to array
        By the input's name.
    method : str
    """

    gradients: Mapping[str, Array]
    errors: Mapping[str, Array]
    method: str


def truth_of(layer: Layer, upstream: tuple[Array, ...] | None = None) -> Truth:
    """Return the derivatives of a layer by its inputs.

    Parameters
    ----------
    layer : Layer
    upstream : tuple of arrays, optional
        Other upstream gradients than those of the binding.

    Returns
    -------
    Truth

    Raises
    ------
    KinkError
        If the function has a kink at these inputs; other inputs may have none.
    CallFailedError
        If the forward function fails.
    """
    weights = layer.binding.upstream if upstream is None else upstream
    try:
        found = {leaf.name: _complex(layer, leaf, weights) for leaf in layer.variables}
        if all(_confirmed(layer, leaf, weights, found[leaf.name]) for leaf in layer.variables):
            errors = {name: np.zeros(g.shape) for name, g in found.items()}
            return Truth(found, errors, "the complex step")
    except (CallFailedError, FloatingPointError):
        pass  # operations that take no complex numbers
    pairs = {leaf.name: _differences(layer, leaf, weights) for leaf in layer.variables}
    return Truth(
        {name: pair[0] for name, pair in pairs.items()},
        {name: pair[1] for name, pair in pairs.items()},
        "central differences with two steps",
    )


def _complex(layer: Layer, leaf: Leaf, weights: tuple[Array, ...]) -> Array:
    """Return the gradient of one input by the complex step."""
    inputs: Any = layer.inputs
    for other in layer.variables:  # so that np.zeros_like makes complex arrays
        inputs = replaced(inputs, other.path, _as_complex)
    gradient = np.zeros(_shape(leaf))
    for index in np.ndindex(gradient.shape):
        moved = replaced(inputs, leaf.path, lambda a, i=index: _added(a, i, 1j * STEP))
        value = layer.value(moved, weights, strict=True)
        gradient[index] = np.imag(value) / STEP
    if not np.isfinite(gradient).all():
        raise FloatingPointError
    return gradient


def _confirmed(layer: Layer, leaf: Leaf, weights: tuple[Array, ...], gradient: Array) -> bool:
    """Return whether a gradient has the slope of central differences in a random direction."""
    direction = np.random.default_rng(5).uniform(0.3, 1.0, gradient.shape)
    direction *= np.where(np.arange(direction.size).reshape(direction.shape) % 2, 1.0, -1.0)
    slope, error = _slope(layer, leaf, weights, direction)
    expected = float(np.sum(gradient * direction))
    scale = float(np.sum(np.abs(gradient * direction)))
    return error <= SMOOTH * scale + 1e-9 and abs(slope - expected) <= CONFIRMED * scale + 1e-9


def _differences(layer: Layer, leaf: Leaf, weights: tuple[Array, ...]) -> tuple[Array, Array]:
    """Return the gradient of one input by central differences, and its error bounds."""
    gradient, errors = np.zeros(_shape(leaf)), np.zeros(_shape(leaf))
    for index in np.ndindex(gradient.shape):
        unit = np.zeros(gradient.shape)
        unit[index] = 1.0
        gradient[index], errors[index] = _slope(layer, leaf, weights, unit)
    largest = float(np.max(np.abs(gradient), initial=0.0))
    if (errors > SMOOTH * max(largest, 1e-6)).any():
        raise KinkError
    return gradient, errors


def _slope(
    layer: Layer, leaf: Leaf, weights: tuple[Array, ...], direction: Array
) -> tuple[float, float]:
    """Return a directional derivative and its error bound, by steps h and h / 2."""

    def value(h: float) -> float:
        moved: Any = replaced(layer.inputs, leaf.path, lambda a: np.asarray(a) + h * direction)
        return complex(layer.value(moved, weights, strict=False)).real

    here, up, down, near, below = (value(h) for h in (0.0, H, -H, H / 2, -H / 2))
    coarse, fine = (up - down) / (2 * H), (near - below) / H
    rounding = ROUNDING * max(abs(up), abs(down), 1.0)
    # At a kink the slopes on the two sides differ by as much however small the step is.
    bends = abs(up - 2 * here + down) / H, abs(near - 2 * here + below) / (H / 2)
    bend = bends[1] if bends[1] > 0.8 * bends[0] and bends[1] > 10 * rounding / H else 0.0
    return (4 * fine - coarse) / 3, abs(fine - coarse) + rounding + bend  # extrapolated to h = 0


def _shape(leaf: Leaf) -> tuple[int, ...]:
    return leaf.array.shape if leaf.array is not None else ()


def _as_complex(array: Any) -> Array:
    return np.asarray(array).astype(complex)


def _added(array: Array, index: tuple[int, ...], amount: complex) -> Array:
    moved = array.copy()
    moved[index] += amount
    return moved
