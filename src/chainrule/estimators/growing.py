"""More classes for a fitted classifier: its network with more outputs, and the weights kept."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.estimators.labels import Labels
from chainrule.estimators.weights import blocks
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]


def with_more_outputs(
    old: Network, theta: Array, labels: Labels, new: Network, drawn: Array, more: Labels
) -> Array:
    """Return θ of a network with more classes, which knows of the others what it knew.

    Parameters
    ----------
    old, new : Network
        They differ in the last layer and the loss.
    theta : array (parameters,)
        Of the old network.
    labels, more : Labels
        The classes of both.
    drawn : array (new parameters,)
        First weights of the new network, of which the outputs of new classes are kept.
    """
    result = drawn.copy()
    last = [blocks(old, name)[-1].name for name in ("W", "b")]
    for block, other in zip(old.layout.blocks, new.layout.blocks, strict=True):
        if block.name not in last:
            other.view(result)[...] = block.view(theta)
            continue
        rows = rows_by_class(block.view(theta), labels, halves=new.loss.classes)
        write_rows(other.view(result), rows, more)
    return result


def rows_by_class(array: Array, labels: Labels, *, halves: bool) -> dict[Any, Array]:
    """Return what belongs to the output of each class, in the last layer's weights or biases.

    One output o is that of the second class, and −o that of the first. With softmax each gets half
    of it: softmax(−o/2, o/2) is σ(o).
    """
    known = labels.classes.tolist()
    if len(array) > 1:
        return dict(zip(known, array, strict=True))
    own = array[0] / 2 if halves else array[0]
    return dict(zip(known, (-own, own), strict=False))


def write_rows(to: Array, rows: dict[Any, Array], more: Labels) -> None:
    """Write what belongs to known classes into weights or biases with more outputs."""
    if len(to) == 1:  # from one class to two
        first, second = more.classes.tolist()
        to[0] = rows[second] if second in rows else -rows[first]
        return
    for place, label in enumerate(more.classes.tolist()):
        if label in rows:
            to[place] = rows[label]


def is_larger(classes: Array, known: Array) -> bool:
    """Return whether classes are the known ones and others."""
    return len(classes) > len(known) and bool(np.isin(known, classes).all())
