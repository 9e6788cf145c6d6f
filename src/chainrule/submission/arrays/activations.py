"""Find the output and the activations of a forward pass in what a submission returns."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.submission.arrays.containers import as_numeric_array, can_hold_arrays, children
from chainrule.submission.arrays.formats import ArrayFormat
from chainrule.submission.questions import Array, Question


def find_activations(
    result: Any, question: Question, array_format: ArrayFormat
) -> dict[str, Array]:
    """Return the output ``p``, and the activations ``a1`` … if they can be identified.

    Parameters
    ----------
    result : object
        What the submission returned for x: the output, a list of activations, or more.
    question : Question
    array_format : ArrayFormat

    Returns
    -------
    dict of str to array
        Empty if no array has the output's shape.
    """
    leaves = _without_repeated_output(list(_layer_arrays(result, question, array_format)))
    widths, depth = list(question.widths), len(question.W)
    found = [array.shape[1] for array in leaves]
    if found == widths[1:]:
        return _by_name(leaves)
    if found == widths:
        return _by_name(leaves[1:])
    outputs = [array for array in leaves if array.shape[1] == widths[-1]]
    if not outputs:
        return {}
    for z, a in _as_net_inputs_and_activations(leaves, depth):
        if [v.shape for v in z] == [v.shape for v in a] and _are_net_inputs(z, a, question):
            return _by_name(a)
    return {"p": outputs[-1]}


def _without_repeated_output(leaves: list[Array]) -> list[Array]:
    """Leave out an output that is returned first, and again as the last of the activations."""
    repeated = any(np.array_equal(leaves[0], other) for other in leaves[1:])
    return leaves[1:] if repeated else leaves


def _by_name(arrays: list[Array]) -> dict[str, Array]:
    """Return activations by name; the last one is the output too."""
    return {**{f"a{i}": array for i, array in enumerate(arrays, 1)}, "p": arrays[-1]}


def _as_net_inputs_and_activations(
    leaves: list[Array], depth: int
) -> Iterator[tuple[list[Array], list[Array]]]:
    """Yield the ways to divide a result into net inputs z and activations a."""
    for skipped in (0, 1):  # x may come first
        rest = leaves[skipped:]
        if len(rest) == 2 * depth:
            yield rest[0::2], rest[1::2]
            yield rest[1::2], rest[0::2]
            yield rest[:depth], rest[depth:]
            yield rest[depth:], rest[:depth]
    if len(leaves) == 2 * depth + 1:
        yield leaves[:depth], leaves[depth + 1 :]
        yield leaves[depth + 1 :], leaves[1 : depth + 1]


def _are_net_inputs(z: list[Array], a: list[Array], question: Question) -> bool:
    """Return whether z are the layers' net inputs if a are their activations."""
    inputs = [question.x, *a[:-1]]
    layers = zip(z, inputs, question.W, question.b, strict=True)
    with np.errstate(all="ignore"):
        return all(
            v.shape == (len(i), len(b)) and np.allclose(v, i @ W.T + b) for v, i, W, b in layers
        )


def _layer_arrays(node: Any, question: Question, array_format: ArrayFormat) -> Iterator[Array]:
    """Yield the arrays in a result that can be a layer's activations, samples in rows."""
    array = as_numeric_array(node)
    rows = None if array is None else as_rows(array, question, array_format)
    if rows is not None:
        yield rows
        return
    for part in children(node) or [] if can_hold_arrays(node) else []:
        yield from _layer_arrays(part, question, array_format)


def as_rows(array: Array, question: Question, array_format: ArrayFormat) -> Array | None:
    """Return `array` as (n, units) if a layer of the network can have such activations."""
    widths = set(question.widths)
    if array_format.takes_one_sample:
        is_vector = array.ndim <= 1 or (array.ndim == 2 and 1 in array.shape)
        return array.reshape(1, -1) if is_vector and array.size in widths else None
    n = len(question.x)
    if array.ndim == 1 and array.size == n and 1 in widths:
        return array.reshape(-1, 1)
    if array.ndim != 2:
        return None
    rows = array.T if array_format.samples == "columns" else array
    return rows if rows.shape[0] == n and rows.shape[1] in widths else None
