"""Where an object holds a network's parameters, and how to read and write them there."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.submission.arrays.containers import as_numeric_array
from chainrule.submission.arrays.formats import OUT_IN
from chainrule.submission.objects.graph import Node, ObjectPath, get_value, set_value
from chainrule.submission.questions import Array, Question


@dataclass(frozen=True)
class ArrayLocation:
    """Where an object holds the weights or biases of one layer.

    Parameters
    ----------
    paths : tuple of ObjectPath
        One for an array; several for rows or single numbers.
    shape : tuple of int
        The shape of all of them together, in the object's format.
    """

    paths: tuple[ObjectPath, ...]
    shape: tuple[int, ...]

    def set_values(self, root: Any, array: Array) -> None:
        """Write numbers to this location."""
        if len(self.paths) == 1:
            shape = np.shape(get_value(root, self.paths[0]))
            set_value(root, self.paths[0], array.reshape(shape))
            return
        for path, part in zip(self.paths, array.reshape(len(self.paths), -1), strict=True):
            set_value(root, path, part.reshape(np.shape(get_value(root, path))))

    def get_values(self, root: Any) -> Array | None:
        """Return the numbers at this location; in another shape if the program changed it."""
        found = [as_numeric_array(get_value(root, path)) for path in self.paths]
        arrays = [array for array in found if array is not None]
        if len(arrays) < len(found):
            return None
        if len(arrays) == 1:
            return self._reshaped(arrays[0])
        sizes = sum(array.size for array in arrays)
        if len({array.shape for array in arrays}) > 1 or sizes != np.prod(self.shape):
            return None
        return np.concatenate([array.reshape(-1) for array in arrays]).reshape(self.shape)

    def _reshaped(self, array: Array) -> Array:
        """Return an array in this location's shape, if they differ in axes of length 1 only."""
        fits = array.size == np.prod(self.shape) and _same_axes(array, self.shape)
        return array.reshape(self.shape) if fits else array


def _same_axes(array: Array, shape: tuple[int, ...]) -> bool:
    """Return whether two shapes are equal apart from axes of length 1."""
    return [n for n in array.shape if n > 1] == [n for n in shape if n > 1]


@dataclass(frozen=True)
class ParameterLocations:
    """Where an object holds the parameters of a network.

    Parameters
    ----------
    weights : str
        ``"(out, in)"`` or ``"(in, out)"``.
    bias : str
        ``"separate"``, ``"first"``, ``"last"`` or ``"none"``.
    W : tuple of ArrayLocation
    b : tuple of ArrayLocation or None
        None for a layer without biases; one number may be the bias of a whole layer.
    """

    weights: str
    bias: str
    W: tuple[ArrayLocation, ...]
    b: tuple[ArrayLocation | None, ...] = ()

    def set_values(self, root: Any, question: Question) -> None:
        """Write a question's parameters to the object."""
        for i, (W, b) in enumerate(zip(question.W, question.b, strict=True)):
            columns = {"first": [b[:, None], W], "last": [W, b[:, None]]}.get(self.bias, [W])
            matrix = np.concatenate(columns, axis=1)
            self.W[i].set_values(root, matrix if self.weights == OUT_IN else matrix.T)
            location = self.b[i] if self.b else None
            if location is not None:
                location.set_values(root, b[:1] if location.shape == () else b)

    def get_values(self, root: Any, question: Question) -> dict[str, Array]:
        """Return the object's parameters by name, ``"W1"``, ``"b1"``, in the standard layout."""
        found: dict[str, Array] = {}
        for layer, b in enumerate(question.b, 1):
            matrix = self.W[layer - 1].get_values(root)
            if matrix is not None:
                found.update(self._split(matrix, layer))
            location = self.b[layer - 1] if self.b else None
            vector = None if location is None else location.get_values(root)
            if location is not None and vector is not None:
                is_shared = location.shape == () and vector.size == 1
                found[f"b{layer}"] = np.repeat(vector.reshape(-1), len(b)) if is_shared else vector
        return {name: array.copy() for name, array in found.items()}

    def _split(self, matrix: Array, layer: int) -> dict[str, Array]:
        """Return a matrix of the object as W, and b if it is a part of it."""
        if matrix.shape != self.W[layer - 1].shape:
            return {f"W{layer}": matrix}
        W = matrix if self.weights == OUT_IN else matrix.T
        if self.bias == "first":
            return {f"W{layer}": W[:, 1:], f"b{layer}": W[:, 0]}
        if self.bias == "last":
            return {f"W{layer}": W[:, :-1], f"b{layer}": W[:, -1]}
        return {f"W{layer}": W}

    @property
    def locations(self) -> tuple[ArrayLocation, ...]:
        """All locations, weights first."""
        return (*self.W, *(location for location in self.b if location is not None))

    @property
    def names(self) -> tuple[str, ...]:
        """The families of weights and biases, which are the same for all widths."""
        families = (Node(location.paths[0], None).family for location in self.locations)
        return tuple(dict.fromkeys(families))

    @property
    def paths(self) -> set[ObjectPath]:
        """The paths of all parameters."""
        return {path for location in self.locations for path in location.paths}

    @property
    def weight_paths(self) -> list[tuple[ObjectPath, ...]]:
        """The paths of each layer's weights."""
        return [location.paths for location in self.W]
