"""Arrays between our layout and a learner's: a question put into theirs, their results read back.

What a result means (new weights or gradients) is not decided here, only which array is which.
"""

import contextlib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.submission.questions import Array, Question
from chainrule.submission.values import is_array, is_dict, is_list, is_sequence

OUT_IN, IN_OUT = "(out, in)", "(in, out)"


@dataclass(frozen=True)
class Form:
    """How a program has its arrays, as far as its numbers go.

    Parameters
    ----------
    weights : {"(out, in)", "(in, out)"}
    bias : {"separate", "first", "last", "none"}
    upright : {"flat", "row", "column"}
        b as (out,), (1, out) or (out, 1).
    samples : {"rows", "columns", "one", "one row", "one column"}
        The last three take a single sample: as (d,), (1, d) or (d, 1).
    lists : {"arrays", "lists", "tuples"}
    targets : {"rows", "flat", "classes"}
        t as it is, as (n,), or as class numbers.
    """

    weights: str = OUT_IN
    bias: str = "separate"
    upright: str = "flat"
    samples: str = "rows"
    lists: str = "arrays"
    targets: str = "rows"

    @property
    def single(self) -> bool:
        """Whether samples are handed in one at a time."""
        return self.samples.startswith("one")


# --- Ours to theirs ------------------------------------------------------------------------------


def plain(array: Array, lists: str) -> Any:
    """Return a fresh copy of `array`: as an array, nested lists or nested tuples."""
    if lists == "arrays":
        return array.astype(float, order="C", copy=True)
    nested: Any = array.astype(float).tolist()
    return _tuples(nested) if lists == "tuples" else nested


def _tuples(nested: Any) -> Any:
    """Return nested lists as nested tuples."""
    return tuple(_tuples(part) for part in nested) if is_list(nested) else nested


def weight_array(W: Array, b: Array, form: Form) -> Array:
    """Return a layer's weights in their orientation, with b inside them for the bias trick."""
    parts = {"first": [b, W], "last": [W, b]}.get(form.bias, [W])
    whole = np.column_stack(parts)
    return whole if form.weights == OUT_IN else whole.T


def bias_array(b: Array, form: Form) -> Array:
    """Return a layer's biases, lying or standing."""
    return {"flat": b, "row": b[None, :], "column": b[:, None]}[form.upright]


def samples(rows: Array, form: Form) -> Array:
    """Return samples in rows as the form has them; a single one for forms that take one."""
    one = {"one": lambda: rows[0], "one row": lambda: rows[:1], "one column": lambda: rows[:1].T}
    if form.single:
        return one[form.samples]()
    return rows.T if form.samples == "columns" else rows


def targets(t: Array, form: Form) -> Array:
    """Return targets as the form has them."""
    if form.targets == "classes":
        found = np.argmax(t, axis=1)
        return found[0] if form.single else found
    if form.targets == "flat":
        return t.reshape(-1)[0] if form.single else t.reshape(-1)
    return samples(t, form)


def list_of(parts: Sequence[Any], form: Form) -> Any:
    """Return a list, or a tuple where they have tuples."""
    return tuple(parts) if form.lists == "tuples" else list(parts)


# --- Theirs to ours ------------------------------------------------------------------------------


def numeric(node: Any) -> Array | None:
    """Return `node` as an array of numbers, or None if it is not one throughout."""
    if is_array(node) and node.dtype.kind in "fiu":
        return node
    if isinstance(node, (bool, np.bool_, str, bytes)) or node is None:
        return None
    if isinstance(node, (int, float, np.number)):
        return np.asarray(node)
    if is_sequence(node) or is_array(node):
        return _nested(node)
    return None


def _nested(node: Any) -> Array | None:
    """Return nested lists of numbers as an array, or None if they are ragged or no numbers."""
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        array = np.asarray(node)
        if array.dtype == object and array.size:
            array = np.asarray(array.tolist(), dtype=float)
        if array.dtype.kind in "fiu" and array.size:
            return array
    return None


def children(node: Any) -> list[Any] | None:
    """Return the parts of a container in order (of a dictionary by the numbers in its keys)."""
    if is_dict(node):
        return [node[key] for key in sorted(node, key=_number)]
    if is_sequence(node):
        return [part for part in node if part is not None]
    if is_array(node) and (node.ndim > 1 or node.dtype == object):
        return list(node)
    if hasattr(node, "__dict__") and not callable(node) and not is_array(node):
        return list(vars(node).values())
    return None


def _number(key: Any) -> float:
    """Return the number in a key such as ``"W2"``, to order by; 0 without one."""
    if isinstance(key, (int, float)):
        return key
    found = re.findall(r"\d+", str(key))
    return int(found[-1]) if found else 0


@dataclass(frozen=True, eq=False)
class Named:
    """Arrays found in a result, by name: ``"W1"``, ``"b1"``, in our layout.

    Parameters
    ----------
    arrays : dict of str to array
    fits : tuple of int
        How many W and how many b have the shapes they should.
    rest : tuple
        What else the result has.
    transposed : bool
        Whether all weights came the other way round than they were handed in.
    """

    arrays: dict[str, Array]
    fits: tuple[int, int]
    rest: tuple[Any, ...] = ()
    transposed: bool = False

    @property
    def loss(self) -> float | None:
        """The lone number beside the arrays, if there is exactly one."""
        lone = [a for a in map(numeric, self.rest) if a is not None and a.size == 1]
        return float(lone[0].reshape(())) if len(lone) == 1 else None


@dataclass(frozen=True, eq=False)
class Slot:
    """One array that is looked for, and the shape that it has in their layout."""

    name: str
    shape: tuple[int, ...]
    loose: bool = False
    is_weight: bool = field(default=True)

    def accept(self, node: Any) -> Array | None:
        """Return `node` as an array if it can be this one."""
        array = numeric(node)
        if array is None:
            return None
        if self.is_weight:
            fits = array.shape == self.shape
            return array if fits or (self.loose and array.ndim >= 1 and array.size > 1) else None
        fits = fits_bias(array, self.shape[0])
        if fits:
            return array.reshape(-1)
        return array if self.loose else None


def fits_bias(array: Array, out: int) -> bool:
    """Return whether `array` is a layer's b, lying, standing or flat."""
    return array.size == out and (array.ndim <= 1 or array.shape in {(1, out), (out, 1)})


def weight_slots(question: Question, form: Form, *, loose: bool, turned: bool) -> list[Slot]:
    """Return what is looked for as weights; with `turned` all the other way round."""
    shapes = [weight_array(W, b, form).shape for W, b in zip(question.W, question.b, strict=True)]
    return [
        Slot(f"W{layer}", shape[::-1] if turned else shape, loose)
        for layer, shape in enumerate(shapes, 1)
    ]


def bias_slots(question: Question, *, loose: bool) -> list[Slot]:
    """Return what is looked for as biases."""
    return [Slot(f"b{i}", (len(b),), loose, is_weight=False) for i, b in enumerate(question.b, 1)]


def named(tree: Any, question: Question, form: Form) -> Named | None:
    """Return the arrays of a result that has one of weights for each layer, and maybe of biases.

    Parameters
    ----------
    tree : object
        What the program returned: any nesting of tuples, lists, dictionaries and arrays.
    question : Question
    form : Form

    Returns
    -------
    Named or None
        None if there is no such array at all.
    """
    for loose, turned in ((False, False), (False, True), (True, False)):
        if turned and all(W.shape[0] == W.shape[1] for W in question.W):
            continue
        ws = weight_slots(question, form, loose=loose, turned=turned)
        found = _with_biases(tree, question, ws, form) or _alone(tree, children(tree), ws)
        if found is None:
            continue
        ours = _ours(found[0], tuple(found[1]), question, form, turned=turned)
        if ours.fits[0]:
            return ours
    return None


def _with_biases(tree: Any, question: Question, ws: list[Slot], form: Form) -> "_Found | None":
    """Return weights and biases, if the form has these apart; biases of any shape if need be."""
    if form.bias != "separate":
        return None
    right = _top(tree, ws, bias_slots(question, loose=False))
    return right or _top(tree, ws, bias_slots(question, loose=True))


def _ours(
    found: dict[str, Array], rest: tuple[Any, ...], question: Question, form: Form, *, turned: bool
) -> Named:
    """Return arrays that were found, brought to our layout."""
    arrays: dict[str, Array] = {}
    fits = [0, 0]
    for layer, (W, b) in enumerate(zip(question.W, question.b, strict=True), 1):
        theirs = found[f"W{layer}"]
        expected = weight_array(W, b, form).shape
        if theirs.shape == (expected[::-1] if turned else expected):
            fits[0] += 1
            arrays.update(_split(theirs.T if turned else theirs, layer, form))
        else:
            arrays[f"W{layer}"] = theirs
        if f"b{layer}" in found:
            arrays[f"b{layer}"] = found[f"b{layer}"]
            fits[1] += fits_bias(found[f"b{layer}"], len(b))
        elif f"b{layer}" in arrays:
            fits[1] += 1
    return Named(arrays, (fits[0], fits[1]), rest, turned)


def _split(theirs: Array, layer: int, form: Form) -> dict[str, Array]:
    """Return a matrix of theirs as W, and b where it is a part of it."""
    W = theirs if form.weights == OUT_IN else theirs.T
    if form.bias == "first":
        return {f"W{layer}": W[:, 1:].copy(), f"b{layer}": W[:, 0].copy()}
    if form.bias == "last":
        return {f"W{layer}": W[:, :-1].copy(), f"b{layer}": W[:, -1].copy()}
    return {f"W{layer}": W.copy()}


# A result is looked through for: (weights, biases), W1 b1 W2 b2 …, pairs by layer, weights alone.
_Found = tuple[dict[str, Array], list[Any]]


def _top(tree: Any, ws: list[Slot], bs: list[Slot]) -> _Found | None:
    """Return the arrays in `tree` and the rest, by the first reading that fits."""
    kids = children(tree)
    if not kids:
        return None
    for reading in (_pair, _flat, _by_layer):
        found = reading(kids, ws, bs)
        if found is not None:
            return found
    for i, kid in enumerate(kids):
        found = _top(kid, ws, bs) if _deep(kid) else None
        if found is not None:
            return found[0], [*found[1], *_without(kids, i)]
    return None


def _alone(tree: Any, kids: list[Any] | None, ws: list[Slot]) -> _Found | None:
    """Return weights without biases: the tree itself, some of its parts in a row, or inside one."""
    whole = _group(tree, ws)
    if whole is not None:
        return whole, []
    if ws[0].loose:
        return None
    for first in range(len(kids or []) - len(ws) + 1):
        part = (kids or [])[first : first + len(ws)]
        found = _row(part, ws)
        if found is not None and kids is not None:
            return found, kids[:first] + kids[first + len(ws) :]
    for i, kid in enumerate(kids or []):
        found = _alone(kid, children(kid), ws) if _deep(kid) else None
        if found is not None:
            return found[0], [*found[1], *_without(kids or [], i)]
    return None


def _deep(node: Any) -> bool:
    """Return whether `node` is worth looking into."""
    return is_sequence(node) or is_dict(node) or (is_array(node) and node.dtype == object)


def _without(kids: list[Any], *places: int) -> list[Any]:
    """Return `kids` without those at some places."""
    return [kid for i, kid in enumerate(kids) if i not in places]


def _row(kids: list[Any], slots: list[Slot]) -> dict[str, Array] | None:
    """Return `kids` as the slots in order, or from last to first where only that fits."""
    if len(kids) != len(slots):
        return None
    for order in (slots, slots[::-1]):
        arrays = [slot.accept(kid) for slot, kid in zip(order, kids, strict=True)]
        if all(array is not None for array in arrays):
            return {s.name: a for s, a in zip(order, arrays, strict=True) if a is not None}
    return None


def _group(node: Any, slots: list[Slot]) -> dict[str, Array] | None:
    """Return the parts of `node` as the slots; a single slot may be `node` itself."""
    kids = children(node)
    found = _row(kids, slots) if kids is not None else None
    return found if found is not None or len(slots) > 1 else _row([node], slots)


def _pair(kids: list[Any], ws: list[Slot], bs: list[Slot]) -> _Found | None:
    """Return (weights, biases), in either order, whatever stands beside them."""
    pairs = sorted(itertools.permutations(range(len(kids)), 2), key=lambda ij: (ij[0] > ij[1], ij))
    for i, j in pairs[:400]:
        weights = _group(kids[i], ws)
        biases = _group(kids[j], bs) if weights is not None else None
        if weights is not None and biases is not None:
            return {**weights, **biases}, _without(kids, i, j)
    return None


def _flat(kids: list[Any], ws: list[Slot], bs: list[Slot]) -> _Found | None:
    """Return W1 b1 W2 b2 …, or W1 W2 … b1 b2 …, in a row among the parts."""
    mixed = [slot for pair in zip(ws, bs, strict=True) for slot in pair]
    swapped = [slot for pair in zip(bs, ws, strict=True) for slot in pair]
    back = [slot for pair in zip(ws[::-1], bs[::-1], strict=True) for slot in pair]
    orders = (mixed, ws + bs, back, ws[::-1] + bs[::-1], swapped, bs + ws)
    places = (
        range(len(kids) - 2 * len(ws) + 1)
        if not ws[0].loose or len(kids) <= 2 * len(ws) + 1
        else ()
    )
    for order, first in itertools.product(orders, places):
        part = kids[first : first + len(order)]
        arrays = [slot.accept(kid) for slot, kid in zip(order, part, strict=True)]
        if all(array is not None for array in arrays):
            found = {s.name: a for s, a in zip(order, arrays, strict=True) if a is not None}
            return found, kids[:first] + kids[first + len(order) :]
    return None


def _by_layer(kids: list[Any], ws: list[Slot], bs: list[Slot]) -> _Found | None:
    """Return a list that has (W, b) of each layer, from either end."""
    if len(kids) != len(ws):
        return None
    for order in (1, -1):
        found: dict[str, Array] = {}
        for kid, W, b in zip(kids, ws[::order], bs[::order], strict=True):
            inside = children(kid) if _deep(kid) else None
            pair = _flat(inside, [W], [b]) if inside else None
            found.update(pair[0] if pair else {})
        if len(found) == 2 * len(ws):
            return found, []
    return None


# --- The forward pass ----------------------------------------------------------------------------


def activations(tree: Any, question: Question, form: Form) -> dict[str, Array]:
    """Return the output ``p``, and the activations ``a1`` … where it is certain which they are.

    Parameters
    ----------
    tree : object
        What the program returned for x: the output, a list of activations, or more.
    question : Question
    form : Form

    Returns
    -------
    dict of str to array
        Empty if there is no array of the output's shape.
    """
    leaves = list(_leaves(tree, question, form))
    widths, depth = list(question.widths), len(question.W)
    found = [array.shape[1] for array in leaves]
    if found == widths[1:]:
        return _layers(leaves)
    if found == widths:
        return _layers(leaves[1:])
    outputs = [array for array in leaves if array.shape[1] == widths[-1]]
    if not outputs:
        return {}
    for z, a in _halves(leaves, depth):
        if [v.shape for v in z] == [v.shape for v in a] and _are_net_inputs(z, a, question):
            return _layers(a)
    return {"p": outputs[-1]}


def _layers(arrays: list[Array]) -> dict[str, Array]:
    """Return activations by name, the last as the output too."""
    return {**{f"a{i}": array for i, array in enumerate(arrays, 1)}, "p": arrays[-1]}


def _halves(leaves: list[Array], depth: int) -> Iterator[tuple[list[Array], list[Array]]]:
    """Yield the ways in which a result may be net inputs and activations."""
    for skip in (0, 1):  # the input may stand first
        rest = leaves[skip:]
        if len(rest) == 2 * depth:
            yield rest[0::2], rest[1::2]
            yield rest[1::2], rest[0::2]
            yield rest[:depth], rest[depth:]
            yield rest[depth:], rest[:depth]
    if len(leaves) == 2 * depth + 1:
        yield leaves[:depth], leaves[depth + 1 :]
        yield leaves[depth + 1 :], leaves[1 : depth + 1]


def _are_net_inputs(z: list[Array], a: list[Array], question: Question) -> bool:
    """Return whether z is what the layers make of x and a, and so a is not."""
    ins = [question.x, *a[:-1]]
    pairs = zip(z, ins, question.W, question.b, strict=True)
    with np.errstate(all="ignore"):
        return all(
            v.shape == (len(i), len(b)) and np.allclose(v, i @ W.T + b) for v, i, W, b in pairs
        )


def _leaves(node: Any, question: Question, form: Form) -> Iterator[Array]:
    """Yield the arrays in a result that can be a layer's activations, samples in rows."""
    array = numeric(node)
    rows = None if array is None else as_rows(array, question, form)
    if rows is not None:
        yield rows
        return
    for kid in children(node) or [] if _deep(node) else []:
        yield from _leaves(kid, question, form)


def as_rows(array: Array, question: Question, form: Form) -> Array | None:
    """Return `array` as (n, units) if it can be that of a layer."""
    n = 1 if form.single else len(question.x)
    widths = set(question.widths)
    if form.single:
        one = array.ndim <= 1 or 1 in array.shape
        return array.reshape(1, -1) if one and array.size in widths and array.ndim <= 2 else None
    if array.ndim == 1 and array.size == n and 1 in widths:
        return array.reshape(-1, 1)
    if array.ndim != 2:
        return None
    rows = array.T if form.samples == "columns" else array
    return rows if rows.shape[0] == n and rows.shape[1] in widths else None
