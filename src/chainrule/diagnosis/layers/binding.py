"""How a backward function gets its arguments from what the forward function took and returned."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from chainrule.diagnosis.layers.calling import required
from chainrule.diagnosis.layers.values import Array, as_array

CACHE = r".*(cache|ctx|context|saved|store|memory|tape|intermediate|stuff|state|data).*"
UPSTREAM = r"d(?!ata|im|rop|ecay|ef).+|.*grad.*|delta.*|upstream.*|g|.*error.*|.*_d|nabla.*|eta"
OUTPUT = r"out(put)?s?|a|s|p|probs?|y_?hat|al|h|result|activations?"


@dataclass(frozen=True, eq=False)
class Binding:
    """The arguments of a backward function.

    Parameters
    ----------
    arguments : mapping
    outputs : tuple
        The indices of the outputs with an upstream gradient; the whole result is index None.
    upstream : tuple of arrays
        Their upstream gradients.
    note : str
        What was assumed.
    """

    arguments: Mapping[str, Any]
    outputs: tuple[int | None, ...]
    upstream: tuple[Array, ...]
    note: str = ""


def bindings(
    backward: Callable[..., Any], inputs: Mapping[str, Any], result: Any, seed: int
) -> Iterator[Binding]:
    """Yield ways of calling a backward function, the likeliest first.

    Parameters
    ----------
    backward : callable
    inputs : mapping
        The forward function's arguments.
    result : Any
        What the forward function returned.
    seed : int
        Of the upstream gradients.

    Yields
    ------
    Binding
    """
    names = required(backward)
    roles = {name: _role(name, inputs) for name in names}
    if not any(role == "upstream" for role in roles.values()) and not _is_number(result):
        free = [n for n in names if roles[n] in ("unknown", "output")]
        roles |= dict.fromkeys(free[:1], "upstream")
    roles |= {name: "cache" for name in names if roles[name] == "unknown"}
    upstream = [name for name in names if roles[name] == "upstream"]
    caches = [name for name in names if roles[name] == "cache"]
    for kept, stored, note in _splits(result, inputs, len(caches)):
        if len(kept) < max(len(upstream), 1):
            continue
        outs = [_part(result, index) for index in kept[: max(len(upstream), 1)]]
        arrays = [array for array in map(as_array, outs) if array is not None]
        if len(arrays) != len(outs) or any(array.dtype.kind not in "fc" for array in arrays):
            continue
        grads = _upstream(arrays, seed) if upstream else [np.ones(arrays[0].shape)]
        bound = dict(zip(upstream, grads, strict=False)) | dict(zip(caches, stored, strict=False))
        bound |= {n: inputs[n] for n in names if roles[n] == "input"}
        bound |= {n: outs[0] for n in names if roles[n] == "output"}
        order = {n: bound[n] for n in names if n in bound}
        if len(order) == len(names):
            yield Binding(order, tuple(kept[: len(outs)]), tuple(grads), note)


def _role(name: str, inputs: Mapping[str, Any]) -> str:
    low = name.lower()
    if name in inputs:
        return "input"
    if re.fullmatch(CACHE, low):
        return "cache"
    if re.fullmatch(UPSTREAM, low) and not re.fullmatch(r"D\d*", name):
        return "upstream"
    return "output" if re.fullmatch(OUTPUT, low) else "unknown"


def _splits(
    result: Any, inputs: Mapping[str, Any], caches: int
) -> Iterator[tuple[list[int | None], list[Any], str]]:
    """Yield the indices of outputs and the caches: from the result, else what was passed in."""
    if isinstance(result, tuple) and len(parts := cast("tuple[Any, ...]", result)) > caches:
        kept: list[int | None] = list(range(len(parts) - caches))
        yield kept, list(parts[len(parts) - caches :]), ""
    if caches and not isinstance(result, tuple):
        values = list(inputs.values())
        single = values[0] if len(values) == 1 else tuple(values)
        yield [None], [single] * caches, "the cache was taken to be the inputs"
        yield [None], [result] * caches, "the cache was taken to be the output"
        if len(values) > 1:
            yield [None], [values[0]] * caches, "the cache was taken to be the first input"
            yield [None], [dict(inputs)] * caches, "the cache was taken to be a dict of the inputs"
    elif not isinstance(result, tuple):
        yield [None], [], ""


def _part(result: Any, index: int | None) -> Any:
    return result if index is None else result[index]


def _is_number(result: Any) -> bool:
    """Return whether the (first) result is one number, such as a loss."""
    parts = cast("tuple[Any, ...]", result) if isinstance(result, tuple) else (result,)
    array = as_array(parts[0]) if parts else None
    return array is not None and array.size == 1


def _upstream(outputs: list[Array], seed: int) -> list[Array]:
    """Return upstream gradients that look random, none of them near 0."""
    rng = np.random.default_rng((seed, len(outputs)))
    drawn = [rng.normal(size=out.shape) for out in outputs]
    return [d + 0.2 * np.where(d < 0, -1, 1) for d in drawn]
