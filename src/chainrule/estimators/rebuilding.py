"""Estimators from weights that the user has, instead of from a fit."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import InputError
from chainrule.estimators.networks import Forward, output_name, with_output
from chainrule.estimators.private_names import PrivateNames

Array: TypeAlias = NDArray[Any]


class Rebuilding(PrivateNames):
    """What an estimator does with weights and fitted attributes that were set before a fit."""

    n_layers_: int
    n_outputs_: int

    def _learn_outputs(self, outputs: int) -> None:
        """Determine what the outputs mean from the attributes that were set."""
        raise NotImplementedError  # abstract

    def _initialize_with(self, widths: Sequence[int], dtype: Any) -> None:
        """Make the network of these widths, with the weights that were set."""
        raise NotImplementedError  # abstract

    @property
    def out_activation_(self) -> str:
        """scikit-learn's name of the output activation, which can be set for predictions."""
        before = vars(self).get("_set_activation")
        if before is not None:
            return before
        self._require("out_activation_")
        return output_name(self._forward.network)

    @out_activation_.setter
    def out_activation_(self, name: str) -> None:
        if not self._built:
            self._set_activation = name
        elif name != self.out_activation_:
            self._forward = Forward(with_output(self.network_, name), self.engine)

    def _adopt(self) -> None:
        """Become fitted by the weights and attributes that the user has set."""
        before, given = dict(vars(self)), vars(self)["_set_before"]
        try:
            widths = widths_of(given["coefs"], given["intercepts"])
            self._learn_outputs(widths[-1])
            self.n_features_in_ = widths[0]
            single = all(array.dtype == np.float32 for array in given["coefs"])
            self._initialize_with(widths, np.float32 if single else np.float64)
            name = vars(self).pop("_set_activation", None)
            if name is not None:
                self.out_activation_ = name
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    @classmethod
    def _made_from(
        cls,
        coefs: Sequence[ArrayLike],
        intercepts: Sequence[ArrayLike],
        params: dict[str, Any],
        attributes: dict[str, Any],
    ) -> Self:
        """Return an estimator with these weights, parameters and fitted attributes."""
        make: Any = cls
        made: Self = make(hidden_layer_sizes=widths_of(coefs, intercepts)[1:-1], **params)
        made.coefs_, made.intercepts_ = coefs, intercepts
        for name, value in attributes.items():
            setattr(made, name, value)
        made._require_fitted()
        return made


def widths_of(coefs: Sequence[ArrayLike], intercepts: Sequence[ArrayLike]) -> tuple[int, ...]:
    """Return the inputs and the units of each layer of weights (inputs, units) and biases (units,).

    Raises
    ------
    InputError
        If they are not the weights of layers that follow each other.
    """
    shapes = [np.shape(one) for one in coefs]
    if not shapes or any(len(shape) != 2 for shape in shapes):
        raise InputError(
            f"coefs have shapes {shapes}; give an array (inputs, units) for each layer"
        )
    for i, (below, above) in enumerate(pairwise(shapes), 1):
        if below[1] != above[0]:
            raise InputError(
                f"coefs[{i}] has shape {above}, but the layer below has {below[1]} units; give an "
                f"array ({below[1]}, units)"
            )
    biases, wanted = [np.shape(one) for one in intercepts], [(shape[1],) for shape in shapes]
    if biases != wanted:
        raise InputError(f"intercepts have shapes {biases}, but must have {wanted}")
    return (shapes[0][0], *(shape[1] for shape in shapes))
