"""Find a network's parameters in a dictionary by its keys, which say more than order and shapes.

A dictionary such as ``{"dA1": …, "dW2": …, "db2": …}`` may hold other arrays of the same shapes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chainrule.submission.arrays.containers import children
from chainrule.submission.values import is_dict

STARTS = (1, 0)  # the number of the first layer in keys
WEIGHT_KEYS = ("dw", "w", "weight", "theta")  # what is left of keys without digits and signs
BIAS_KEYS = ("db", "b", "bias", "biases")
GRADIENT_WORDS = ("gradient", "grads", "grad", "delta", "d_", "new")


def keyed_parameters(result: Any, depth: int, *, biases: bool) -> dict[str, Any] | None:
    """Return the values in a result whose keys name weights and biases, by ``W1``, ``b1``.

    Parameters
    ----------
    result : object
    depth : int
        The number of layers.
    biases : bool
        Whether biases must be there, too.

    Returns
    -------
    dict or None
        None if no dictionary in the result names exactly one array of weights for each layer.
    """
    for found in _dictionaries(result):
        families = _families(found)
        weights = _family(families, WEIGHT_KEYS, depth)
        bias = _family(families, BIAS_KEYS, depth)
        if weights is None or (biases and bias is None):
            continue
        arrays = {f"W{layer}": value for layer, value in enumerate(weights, 1)}
        if biases and bias is not None:
            arrays |= {f"b{layer}": value for layer, value in enumerate(bias, 1)}
        return arrays
    return None


def _dictionaries(node: Any, deep: int = 2) -> Iterator[Mapping[Any, Any]]:
    """Yield the dictionaries in a result, the outer ones first."""
    if is_dict(node):
        yield node
    if deep:
        for part in children(node) or [] if isinstance(node, (list, tuple, dict)) else []:
            yield from _dictionaries(part, deep - 1)


def _families(found: Mapping[Any, Any]) -> dict[str, dict[int, Any]]:
    """Return values by the letters of their keys, and by the number in them."""
    families: dict[str, dict[int, Any]] = {}
    for key, value in found.items():
        parts = re.fullmatch(r"(\D+)(\d+)(\D*)", key) if isinstance(key, str) else None
        if parts is not None:
            families.setdefault(f"{parts[1]}{parts[3]}", {})[int(parts[2])] = value
    return families


def _family(
    families: Mapping[str, Mapping[int, Any]], names: tuple[str, ...], depth: int
) -> list[Any] | None:
    """Return the values of the only family with such a name that has one for each layer."""
    found = [
        [numbered[start + i] for i in range(depth)]
        for name, numbered in families.items()
        for start in STARTS
        if _plain(name) in names and sorted(numbered) == list(range(start, start + depth))
    ]
    return found[0] if len(found) == 1 else None


def _plain(name: str) -> str:
    """Return a key without words for gradients and signs: ``grad_W`` and ``dW`` give w and dw."""
    text = name.casefold()
    for word in GRADIENT_WORDS:
        text = text.replace(word, "")
    return re.sub(r"[^a-z]", "", text)
