"""Judge a backward function at given inputs: call it, and compare with the right gradients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from chainrule.diagnosis.layers.binding import Binding
from chainrule.diagnosis.layers.calling import call, parameters
from chainrule.diagnosis.layers.matching import Match, matches
from chainrule.diagnosis.layers.source import returned_names
from chainrule.diagnosis.layers.truth import Layer, Truth, truth_of
from chainrule.diagnosis.layers.values import Leaf, as_array, leaves


@dataclass(frozen=True, eq=False)
class Judgment:
    """What a backward function returned at given inputs, and the right values.

    Parameters
    ----------
    layer : Layer
    truth : Truth
    matches : list of Match
    samples : int
        The number of samples; 0 if it is not known.
    convention : str
        A scale that explains gradients that are not the derivatives themselves.
    """

    layer: Layer
    truth: Truth
    matches: list[Match]
    samples: int
    convention: str = ""

    @property
    def wrong(self) -> list[Match]:
        """The gradients that are wrong, given the convention."""
        divided = self.convention == DIVIDED
        return [
            m
            for m in self.matches
            if m.variable
            and m.status not in ("right", "close")
            and not (m.status == "over samples" and divided)
            and self.convention != SUMMED
        ]

    @property
    def consistent(self) -> bool:
        """Whether every returned array has the shape of an input."""
        return bool(self.matches) and all(m.same_shape for m in self.matches)

    @property
    def right(self) -> bool:
        """Whether all returned gradients are right, and one of them is not zero."""
        nonzero = any(np.any(np.abs(m.right) > 1e-8) for m in self.matches if m.variable)
        return self.consistent and nonzero and not self.wrong


DIVIDED, SUMMED = "divided by the samples", "summed over the samples"


def returned_leaves(backward: Callable[..., Any], value: Any, *, fused: bool) -> list[Leaf]:
    """Return the arrays that a backward function returned, with the names it gives them."""
    taken = parameters(backward)  # an argument that is returned has no name of its own
    names = [f"return[{i}]" if n in taken else n for i, n in enumerate(returned_names(backward))]
    if fused:
        place = loss_place(value)
        value = tuple(part for i, part in enumerate(value) if i != place)
        names = [name for i, name in enumerate(names) if i != place]
        value = value[0] if len(value) == 1 else value
    if isinstance(value, tuple):
        parts = cast("tuple[Any, ...]", value)
        if len(names) != len(parts):
            names = [f"return[{i}]" for i in range(len(parts))]
        return [leaf for n, part in zip(names, parts, strict=True) for leaf in leaves(part, n)]
    return list(leaves(value, names[0] if len(names) == 1 else "the returned array"))


def loss_place(value: Any) -> int | None:
    """Return the index of the loss in what a function returns with it, or None."""
    parts = cast("tuple[Any, ...]", value) if isinstance(value, tuple) else ()
    for index in (0, len(parts) - 1):
        array = as_array(parts[index]) if len(parts) > 1 else None
        if array is not None and array.size == 1:
            return index
    return None


def judge(
    backward: Callable[..., Any],
    layer: Layer,
    samples: int,
    *,
    fused: bool = False,
    strict: bool = False,
    truth: Truth | None = None,
) -> Judgment:
    """Call a backward function, and compare what it returns with the derivatives.

    Parameters
    ----------
    backward : callable
    layer : Layer
    samples : int
    fused : bool
        Whether the function returns the loss first, and then the gradients.
    strict : bool
        Whether no other scale than that of the derivatives is right.
    truth : Truth, optional
        Computed already.

    Returns
    -------
    Judgment

    Raises
    ------
    CallFailedError
        If the function raises an exception.
    KinkError
        If the layer has a kink at these inputs.
    """
    value = call(backward, layer.binding.arguments)
    decisive = isinstance(value, Mapping)
    found = returned_leaves(backward, value, fused=fused)
    truth = truth or truth_of(layer)
    compared = matches(found, truth, samples, decisive=decisive)
    judgment = Judgment(layer, truth, compared, samples)
    if strict or fused:
        return judgment
    return Judgment(layer, truth, compared, samples, _convention(judgment))


def _convention(judgment: Judgment) -> str:
    """Return the scale in which all gradients are right, if it is a usual one.

    With an upstream gradient: those of parameters divided by the number of samples, and those of
    data not. Of a loss that is a mean: those of data times the number of samples.
    """
    n, found = judgment.samples, [m for m in judgment.matches if m.variable]
    data = [m for m in found if n in m.right.shape]
    parameters = [m for m in found if n not in m.right.shape]
    if n < 2:
        return ""
    divided = [m.status == "over samples" for m in parameters]
    exact = any(m.status in ("right", "close") for m in parameters)
    if any(divided) and not exact:
        return DIVIDED if not any(m.status == "over samples" for m in data) else ""
    return SUMMED if _is_loss(judgment) and _all_summed(found) else ""


def _all_summed(found: list[Match]) -> bool:
    """Return whether all gradients are those of a sum over an axis in place of a mean."""
    return bool(found) and any(
        all(n > 1 and _is_summed(m, n) for m in found) for n in set(found[0].right.shape)
    )


def _is_loss(judgment: Judgment) -> bool:
    return all(w.size == 1 for w in judgment.layer.binding.upstream)


def _is_summed(match: Match, samples: int) -> bool:
    if match.theirs is None or not match.same_shape:
        return False
    theirs = match.theirs.reshape(match.right.shape)
    return bool(np.allclose(theirs, match.right * samples, rtol=1e-6, atol=1e-9))


def other_layer(layer: Layer, inputs: Mapping[str, Any], binding: Binding) -> Layer:
    """Return a layer at other inputs."""
    return Layer(layer.forward, inputs, binding)
