"""The weights of an estimator: views of one flat array, in the shapes that scikit-learn uses."""

from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import InputError
from chainrule.layers import Dense
from chainrule.layout import Block
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

OTHER_LAYERS = "for other layers, as after pruning, use from_weights(coefs, intercepts)"


class Views(list[Array]):
    """Views of θ in a list: an array that is put in the place of one is written into θ.

    Parameters
    ----------
    name : str
        What messages call it.
    views : iterable of array
    """

    def __init__(self, name: str, views: Iterable[Array]) -> None:
        super().__init__(views)
        self.name = name

    def __reduce__(self) -> tuple[type[list[Array]], tuple[list[Array]]]:
        """Copy and pickle as a plain list, whose arrays belong to no network any more."""
        return list, (list(self),)

    def __setitem__(self, place: SupportsIndex | slice, given: Any) -> None:
        """Write an array into θ, or one for each place of a slice.

        Raises
        ------
        InputError
            If there are too few or too many, or one has another shape or is not finite.
        """
        places = range(len(self))[place]
        places, arrays = ([places], [given]) if isinstance(places, int) else (places, list(given))
        if len(places) != len(arrays):
            raise InputError(
                f"{self.name} has {len(places)} places there, but {len(arrays)} arrays are put "
                "into them; give one for each"
            )
        pairs = [
            (self[i], placeable(array, self[i], f"{self.name}[{i}]"))
            for i, array in zip(places, arrays, strict=True)
        ]
        for view, array in pairs:
            view[...] = array


class Weights:
    """What an estimator has of weights, before and after it is fitted."""

    network_: Network
    _theta: Array

    @property
    def _built(self) -> bool:
        """Whether there is a network, of a fit or of weights."""
        return "network_" in vars(self)

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether there are weights to predict with, of a fit or set by the user."""
        before = vars(self).get("_set_before", {})
        return self._built or ("coefs" in before and "intercepts" in before)

    @property
    def theta_(self) -> Array:
        """All parameters in one flat array, (parameters,), as ``network_`` lays them out."""
        self._require("theta_")
        return self._theta

    @property
    def coefs_(self) -> list[Array]:
        """The weights into each layer, (inputs, units): transposed views of ``theta_``."""
        before = vars(self).get("_set_before", {}).get("coefs")
        if before is not None:
            return before
        self._require("coefs_")
        views = (block.view(self._theta).T for block in blocks(self.network_, "W"))
        return Views("coefs_", views)

    @coefs_.setter
    def coefs_(self, coefs: Sequence[ArrayLike]) -> None:
        self._set(coefs=coefs)

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer, (units,): views of ``theta_``."""
        before = vars(self).get("_set_before", {}).get("intercepts")
        if before is not None:
            return before
        self._require("intercepts_")
        return Views(
            "intercepts_", (block.view(self._theta) for block in blocks(self.network_, "b"))
        )

    @intercepts_.setter
    def intercepts_(self, intercepts: Sequence[ArrayLike]) -> None:
        self._set(intercepts=intercepts)

    def _set(self, **arrays: Sequence[ArrayLike]) -> None:
        """Set weights, or keep them for the first fit."""
        if self._built:
            self._theta = placed(self.network_, self._theta, **arrays)
            return
        listed = {name: [np.asarray(array) for array in given] for name, given in arrays.items()}
        self._set_before = {**vars(self).get("_set_before", {}), **listed}

    def _require(self, name: str) -> None:
        """Raise AttributeError, as for any attribute, if nothing is fitted."""
        if not self._built:
            raise AttributeError(
                f"{type(self).__name__} has no {name} yet; call fit, initialize(X, y) or "
                "from_weights(coefs, intercepts)"
            )


def blocks(network: Network, name: str) -> list[Block]:
    """Return where the weights "W" or biases "b" of the Dense layers lie in θ."""
    dense = {place for place, layer in enumerate(network.layers) if isinstance(layer, Dense)}
    return [b for b in network.layout.blocks if b.param == name and b.layer in dense]


def placed(
    network: Network,
    theta: Array,
    coefs: Sequence[ArrayLike] | None = None,
    intercepts: Sequence[ArrayLike] | None = None,
) -> Array:
    """Return θ with weights in their places; those that are None stay.

    Raises
    ------
    InputError
        If there are too few or too many arrays, or one has another shape or is not finite.
    """
    theta = theta.copy()
    for name, param, arrays in (("coefs_", "W", coefs), ("intercepts_", "b", intercepts)):
        if arrays is not None:
            write(theta, blocks(network, param), name, list(arrays))
    return theta


def write(theta: Array, places: list[Block], name: str, arrays: list[ArrayLike]) -> None:
    """Write arrays into θ."""
    if len(arrays) != len(places):
        raise InputError(
            f"{name} has {len(arrays)} arrays, but the network has {len(places)} layers; give one "
            f"for each, or {OTHER_LAYERS}"
        )
    for i, (block, array) in enumerate(zip(places, arrays, strict=True)):
        to = block.view(theta).T
        to[...] = placeable(array, to, f"{name}[{i}]")


def placeable(array: ArrayLike, to: Array, what: str) -> Array:
    """Return an array that fits into the place of another, or raise InputError."""
    given = np.asarray(array)
    if given.shape != to.shape:
        raise InputError(f"{what} has shape {given.shape}, but must be {to.shape}; {OTHER_LAYERS}")
    if given.dtype.kind not in "buif" or not np.isfinite(given).all():
        raise InputError(f"{what} is not finite; give finite numbers")
    return given
