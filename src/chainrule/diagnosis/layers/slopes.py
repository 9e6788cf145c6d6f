"""Mistakes in the slope of an activation at the end of a layer.

The right gradients are linear in the upstream gradient, so that a wrong slope gives the right
gradients of another upstream gradient. This needs no equations of the layer.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.diagnosis.layers.judging import Judgment
from chainrule.diagnosis.layers.matching import Match
from chainrule.diagnosis.layers.mistakes import Found, mistake
from chainrule.diagnosis.layers.truth import KinkError, truth_of
from chainrule.diagnosis.layers.values import Array

TANH, LOGISTIC = "1 - a²", "a (1 - a)"


def slope_mistakes(judgment: Judgment, match: Match) -> Iterator[Found]:
    """Yield the gradients that wrong slopes of the layer's activation give.

    Parameters
    ----------
    judgment : Judgment
    match : Match
        A wrong gradient.

    Yields
    ------
    tuple of array and callable
        The numbers, and the mistake that gives them.
    """
    layer = judgment.layer
    douts = layer.binding.upstream
    if any(dout.size < 2 for dout in douts):
        return
    result = _output(judgment)
    for factor, id_, words in _factors(result):
        upstream = (
            (douts[0] * factor, *douts[1:])
            if id_ != "upstream-left-out"
            else tuple(np.ones(dout.shape) for dout in douts)
        )
        try:
            gradients = truth_of(layer, upstream).gradients
        except KinkError:
            return
        entry = mistake(id_, g=match.label, x=match.variable, **words)
        yield gradients[match.variable], lambda m=entry: m


def _output(judgment: Judgment) -> Array:
    from chainrule.diagnosis.layers.calling import call

    layer = judgment.layer
    return layer.output(call(layer.forward, layer.inputs), 0)


def _factors(a: Array) -> Iterator[tuple[Any, str, dict[str, str]]]:
    """Yield factors of the upstream gradient, from outputs that an activation may have."""
    yield 1.0, "upstream-left-out", {}
    size = np.abs(a)
    if ((size < 1) & (size > 0)).all():
        words = {"f": "tanh", "slope": TANH}
        slope = 1 - a**2
        yield 1 / slope, "slope-missing", words
        yield 1 / (1 + a), "slope-wrong", words | {"theirs": "1 - a"}
        yield a**2 / slope, "slope-wrong", words | {"theirs": "a²"}
        yield (1 - np.tanh(a) ** 2) / slope, "slope-wrong", words | {"theirs": "1 - tanh(a)²"}
        yield (1 - np.arctanh(a) ** 2) / slope, "slope-wrong", words | {"theirs": "1 - z²"}
        yield slope, "slope-wrong", words | {"theirs": "(1 - a²)²"}
    if ((a > 0) & (a < 1)).all():
        words = {"f": "the logistic function", "slope": LOGISTIC}
        slope, again, z = a * (1 - a), 1 / (1 + np.exp(-a)), np.log(a / (1 - a))
        yield 1 / slope, "slope-missing", words
        yield 1 / (1 - a), "slope-wrong", words | {"theirs": "a"}
        yield 1 / a, "slope-wrong", words | {"theirs": "1 - a"}
        yield again * (1 - again) / slope, "slope-wrong", words | {"theirs": "σ(a) (1 - σ(a))"}
        yield z * (1 - z) / slope, "slope-wrong", words | {"theirs": "z (1 - z)"}
        yield slope, "slope-wrong", words | {"theirs": "(a (1 - a))²"}
