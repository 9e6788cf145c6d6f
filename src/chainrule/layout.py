"""The layout of θ: one flat vector of all parameters, with a named view for each array.

Optimizers, gradient checks and files work on the flat vector, layers on the views.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]

DTYPES: list[np.dtype[Any]] = [np.dtype(kind) for kind in ("float32", "float64", "complex128")]
MAX_PARAMETERS = 2**30  # 8 GiB of θ in float64
# Parameters from which further copies of θ are avoided: 32 MiB in float64; and 4 MiB for sparse
# samples, which themselves take little memory.
LARGE, LARGE_SPARSE = 2**22, 2**19


@dataclass(frozen=True)
class Block:
    """One parameter array inside θ.

    Parameters
    ----------
    name : str
        Its key, such as ``"W1"``.
    layer : int
        The position of its layer in the network, from 0.
    param : str
        Its name in the layer, such as ``"W"``.
    shape : tuple of int
    start : int
        The index of its first entry in θ.
    decays, trains : bool
        Whether penalties apply to it, and whether training changes it.
    """

    name: str
    layer: int
    param: str
    shape: tuple[int, ...]
    start: int
    decays: bool
    trains: bool

    @cached_property
    def stop(self) -> int:
        """The index after its last entry in θ."""
        return self.start + math.prod(self.shape)

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.stop - self.start

    def view(self, theta: Array) -> Array:
        """Return this array as a view into θ, with its own shape."""
        return theta[self.start : self.stop].reshape(self.shape)


@dataclass(frozen=True)
class Layout:
    """All parameter arrays of a network, in their order in θ.

    Parameters
    ----------
    blocks : tuple of Block
    """

    blocks: tuple[Block, ...]

    @cached_property
    def size(self) -> int:
        """The length of θ."""
        return self.blocks[-1].stop if self.blocks else 0

    @cached_property
    def trainable(self) -> NDArray[np.bool_]:
        """True for the entries of θ that training changes, (size,)."""
        return self._mask(b.trains for b in self.blocks)

    @cached_property
    def decays(self) -> NDArray[np.bool_]:
        """True for the entries of θ that penalties apply to, (size,)."""
        return self._mask(b.decays for b in self.blocks)

    def _mask(self, flags: Iterable[bool]) -> NDArray[np.bool_]:
        mask = np.repeat(np.fromiter(flags, bool), [b.size for b in self.blocks])
        mask.setflags(write=False)  # the cached array is shared
        return mask

    def views(self, theta: Array) -> dict[str, Array]:
        """Return every array of θ by name, as views: writing to one changes θ."""
        return {b.name: b.view(theta) for b in self.blocks}

    def join(self, arrays: Mapping[str, Array], dtype: Any) -> Array:
        """Return the flat vector, (size,), of arrays given by name."""
        flat = np.empty(self.size, dtype)
        for b in self.blocks:
            b.view(flat)[...] = arrays[b.name]
        return flat

    def check(self, theta: ArrayLike) -> Array:
        """Return θ as a one-dimensional float or complex array, or raise InputError."""
        try:
            vector = np.asarray(theta)
        except ValueError as error:
            raise InputError(f"theta is not a vector: {error}; give one flat array") from None
        if vector.shape != (self.size,):
            raise InputError(
                f"theta has shape {vector.shape}, but this network has {self.size} parameters; "
                "create it with network.initialize(seed) or network.pack(W=…, b=…)"
            )
        if vector.dtype not in DTYPES:
            raise InputError(
                f"theta has dtype {vector.dtype}; convert it with theta.astype('float64')"
            )
        return vector
