"""A learner's object taken apart: what it holds, and which of it are weights and biases.

Everything is found by shape and order; the names on the way only tell what belongs together.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from chainrule.submission.arrays import IN_OUT, OUT_IN, numeric
from chainrule.submission.attempts import is_own, own_class
from chainrule.submission.questions import Array, Question
from chainrule.submission.values import (
    is_array,
    is_data,
    is_dict,
    is_list,
    is_sequence,
    is_tuple,
)

Step: TypeAlias = tuple[str, Any]  # ("attr", name) or ("item", key)
Path: TypeAlias = tuple[Step, ...]
DEEPEST = 7
MOST = 4000  # nodes of an object that are looked at
KEYS = ("family", "tail", "exact")  # by which of a node's words its like is told
CHOICES = 24  # ways to choose weights from arrays that have little in common


@dataclass(frozen=True, eq=False)
class Node:
    """Something that an object holds, and the way to it."""

    path: Path
    value: Any

    @property
    def family(self) -> str:
        """The path without its numbers: what has the same belongs together."""
        return "".join(_plain(step) for step in self.path)

    @property
    def exact(self) -> str:
        """The path without its numbers, but names with theirs."""
        return "".join("[]" if _is_number(k) else f".{k}" for _, k in self.path)

    @property
    def tail(self) -> str:
        """The last name on the path, without numbers."""
        names = [_plain(step) for step in self.path if not _is_number(step[1])]
        ends = "[]" * (len(self.path) - _last_name(self.path) - 1)
        return (names[-1] if names else "") + ends


def _last_name(path: Path) -> int:
    """Return the place of the last name on a path."""
    return max((i for i, step in enumerate(path) if not _is_number(step[1])), default=-1)


def _is_number(key: Any) -> bool:
    """Return whether a key is a number."""
    return isinstance(key, int) and not isinstance(key, bool)


def _plain(step: Step) -> str:
    """Return a step of a path without its number."""
    return "[]" if _is_number(step[1]) else "." + re.sub(r"\d+", "", str(step[1])).casefold()


def walk(root: Any) -> list[Node]:
    """Return what `root` holds, in its own order, everything once.

    Parameters
    ----------
    root : object

    Returns
    -------
    list of Node
    """
    return list(itertools.islice(_walk(root, (), {id(root)}), MOST))


def _walk(value: Any, path: Path, seen: set[int]) -> Iterator[Node]:
    """Yield the parts of `value` that were not seen yet, and theirs."""
    if len(path) >= DEEPEST:
        return
    for step, part in _parts(value):
        if id(part) in seen and not isinstance(part, (int, float)):
            continue
        if not isinstance(part, (int, float, str, bytes, type(None))):
            seen.add(id(part))
        yield Node((*path, step), part)
        if not is_array(part) or part.dtype == object:
            yield from _walk(part, (*path, step), seen)


def _parts(value: Any) -> list[tuple[Step, Any]]:
    """Return what a container or an object of the learner's holds, and how to get at it."""
    if is_dict(value):
        return [(("item", k), v) for k, v in value.items() if isinstance(k, (int, str))]
    if is_sequence(value) or (is_array(value) and value.dtype == object):
        found: list[Any] = list(value)
        numbers = all(isinstance(v, (int, float, np.number)) for v in found)
        return (
            [] if numbers or len(found) > 512 else [(("item", i), v) for i, v in enumerate(found)]
        )
    if (
        isinstance(value, type)
        or not is_own(value)
        or (callable(value) and not hasattr(value, "__dict__"))
    ):
        return []
    return [(("attr", name), part) for name, part in attributes(value).items()]


def attributes(thing: Any) -> dict[str, Any]:
    """Return the attributes of an object, those of its class that are data included."""
    found: dict[str, Any] = {}
    for cls in reversed(type(thing).__mro__):
        if own_class(cls):
            shared = {k: v for k, v in vars(cls).items() if not k.startswith("__")}
            found.update({k: v for k, v in shared.items() if is_data(v) and v is not None})
            slots = [s for s in _slots(cls) if hasattr(thing, s)]
            found.update({s: getattr(thing, s) for s in slots})
    found.update(getattr(thing, "__dict__", {}))
    return found


def _slots(cls: type) -> list[str]:
    """Return the names of a class's slots."""
    slots: Any = vars(cls).get("__slots__", ())
    return [slots] if isinstance(slots, str) else list(slots)


def look(root: Any, path: Path) -> Any:
    """Return what stands at `path`."""
    for kind, key in path:
        root = getattr(root, key) if kind == "attr" else root[key]
    return root


def put(root: Any, path: Path, array: Array) -> None:
    """Put numbers at `path`: into the array or list that is there, so that aliases stay."""
    old = look(root, path)
    if _fill(old, array):
        return
    owner, (kind, key) = look(root, path[:-1]), path[-1]
    new = _like(old, array)
    if kind == "attr":
        setattr(owner, key, new)
    elif is_tuple(owner):
        parts = list(owner)
        _replace(root, path[:-1], (*parts[:key], new, *parts[key + 1 :]))
    else:
        owner[key] = new


def _replace(root: Any, path: Path, value: Any) -> None:
    """Replace what stands at `path`, through any tuples above it."""
    owner, (kind, key) = look(root, path[:-1]), path[-1]
    if kind == "attr":
        setattr(owner, key, value)
    elif is_tuple(owner):
        parts = list(owner)
        _replace(root, path[:-1], (*parts[:key], value, *parts[key + 1 :]))
    else:
        owner[key] = value


def _fill(old: Any, array: Array) -> bool:
    """Fill an array or nested lists in place; say whether that was possible."""
    if is_array(old) and old.dtype.kind == "f" and old.shape == array.shape and old.ndim:
        if not old.flags.writeable:
            return False
        old[...] = array
        return True
    if not is_list(old) or array.ndim == 0 or len(old) != len(array):
        return False
    for i, part in enumerate(array):
        if not _fill(old[i], part):
            old[i] = _like(old[i], part)
    return True


def _like(old: Any, array: Array) -> Any:
    """Return numbers in the kind of container that `old` is."""
    if is_array(old):
        return np.array(array, dtype=old.dtype if old.dtype.kind == "f" else float)
    if is_tuple(old):
        return tuple(_like(o, a) for o, a in zip(old, array, strict=True))
    if array.ndim:
        return array.tolist()
    return float(array) if isinstance(old, (float, int)) else type(old)(array)


# --- Which of it are the parameters --------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where the weights or biases of one layer stand.

    Parameters
    ----------
    paths : tuple of path
        One for an array; several for rows or single numbers.
    shape : tuple of int
        The shape that all together have, in their layout.
    """

    paths: tuple[Path, ...]
    shape: tuple[int, ...]

    def put(self, root: Any, array: Array) -> None:
        """Put numbers there."""
        if len(self.paths) == 1:
            put(root, self.paths[0], array.reshape(np.shape(look(root, self.paths[0]))))
            return
        for path, part in zip(self.paths, array.reshape(len(self.paths), -1), strict=True):
            put(root, path, part.reshape(np.shape(look(root, path))))

    def look(self, root: Any) -> Array | None:
        """Return the numbers there; of another shape if the program has made it so."""
        found = [numeric(look(root, path)) for path in self.paths]
        arrays = [array for array in found if array is not None]
        if len(arrays) < len(found):
            return None
        if len(arrays) == 1:
            one = arrays[0]
            return (
                one.reshape(self.shape)
                if one.size == np.prod(self.shape) and _same_axes(one, self.shape)
                else one
            )
        if len({a.shape for a in arrays}) > 1 or sum(a.size for a in arrays) != np.prod(self.shape):
            return None
        return np.concatenate([a.reshape(-1) for a in arrays]).reshape(self.shape)


def _same_axes(array: Array, shape: tuple[int, ...]) -> bool:
    """Return whether two shapes are the same but for axes of length 1."""
    return [n for n in array.shape if n > 1] == [n for n in shape if n > 1]


@dataclass(frozen=True)
class Bound:
    """The parameters of a network, found in an object.

    Parameters
    ----------
    weights : str
        ``"(out, in)"`` or ``"(in, out)"``.
    bias : str
        ``"separate"``, ``"first"``, ``"last"`` or ``"none"``.
    W : tuple of Place
    b : tuple of Place or None
        None for a layer that has none; one number may stand for a whole layer.
    """

    weights: str
    bias: str
    W: tuple[Place, ...]
    b: tuple[Place | None, ...] = ()

    def put(self, root: Any, question: Question) -> None:
        """Put a question's numbers into the object."""
        for i, (W, b) in enumerate(zip(question.W, question.b, strict=True)):
            full = {"first": [b[:, None], W], "last": [W, b[:, None]]}.get(self.bias, [W])
            matrix = np.concatenate(full, axis=1)
            self.W[i].put(root, matrix if self.weights == OUT_IN else matrix.T)
            place = self.b[i] if self.b else None
            if place is not None:
                place.put(root, b[:1] if place.shape == () else b)

    def look(self, root: Any, question: Question) -> dict[str, Array]:
        """Return the object's numbers by name: ``"W1"``, ``"b1"``, in our layout."""
        found: dict[str, Array] = {}
        for i, b in enumerate(question.b, 1):
            matrix = self.W[i - 1].look(root)
            if matrix is not None:
                found.update(self._split(matrix, i))
            place = self.b[i - 1] if self.b else None
            vector = None if place is None else place.look(root)
            if place is not None and vector is not None:
                shared = place.shape == () and vector.size == 1
                found[f"b{i}"] = np.repeat(vector.reshape(-1), len(b)) if shared else vector
        return {name: array.copy() for name, array in found.items()}

    def _split(self, matrix: Array, layer: int) -> dict[str, Array]:
        """Return a matrix of theirs as W, and b if it is inside."""
        if matrix.shape != self.W[layer - 1].shape:
            return {f"W{layer}": matrix}
        W = matrix if self.weights == OUT_IN else matrix.T
        if self.bias == "first":
            return {f"W{layer}": W[:, 1:], f"b{layer}": W[:, 0]}
        if self.bias == "last":
            return {f"W{layer}": W[:, :-1], f"b{layer}": W[:, -1]}
        return {f"W{layer}": W}

    @property
    def names(self) -> tuple[str, ...]:
        """The families of weights and biases, which are the same for every width."""
        places = [*self.W, *(place for place in self.b if place is not None)]
        return tuple(dict.fromkeys(Node(place.paths[0], None).family for place in places))

    @property
    def paths(self) -> set[Path]:
        """All paths to parameters."""
        places = [*self.W, *(place for place in self.b if place is not None)]
        return {path for place in places for path in place.paths}


def bounds(root: Any, widths: Sequence[int]) -> list[Bound]:
    """Return the ways in which an object can hold a network of these widths, the likeliest first.

    Parameters
    ----------
    root : object
    widths : sequence of int

    Returns
    -------
    list of Bound
    """
    nodes = walk(root)
    found: list[tuple[int, Bound]] = []
    for bias, weights in itertools.product(("separate", "last", "first"), (OUT_IN, IN_OUT)):
        for rank, places in _weights(nodes, widths, weights, extra=bias != "separate"):
            rank += 10 * sum(not _lively(root, place) for place in places)  # noqa: PLW2901
            if bias != "separate":
                found.append((rank, Bound(weights, bias, places)))
                continue
            for more, b in _biases(nodes, places, widths):
                mode = "separate" if any(b) else "none"
                found.append((rank + more, Bound(weights, mode, places, b)))
    unique = {bound: rank for rank, bound in reversed(found)}
    return sorted(unique, key=lambda bound: unique[bound])[:CHOICES]


def _lively(root: Any, place: Place) -> bool:
    """Return whether some number there is not 0: weights are drawn, buffers start at 0."""
    array = place.look(root)
    return array is not None and bool(np.any(array))


Choice: TypeAlias = tuple[int, tuple[Place, ...]]


def _weights(
    nodes: list[Node], widths: Sequence[int], weights: str, *, extra: bool
) -> Iterator[Choice]:
    """Yield what may be all weights: one family, rows of one, or arrays anywhere."""
    pairs: list[tuple[int, int]] = [(out, ins + extra) for ins, out in itertools.pairwise(widths)]
    shapes = pairs if weights == OUT_IN else [(ins, out) for out, ins in pairs]
    arrays = [(node, a) for node in nodes if (a := numeric(node.value)) is not None]
    for rank, key in enumerate(KEYS):
        for members in families([pair for pair in arrays if pair[1].ndim == 2], key).values():
            if [array.shape for _, array in members] == shapes:
                yield (
                    rank,
                    tuple(Place((n.path,), s) for (n, _), s in zip(members, shapes, strict=True)),
                )
    for rank, key in enumerate(KEYS):
        if weights == OUT_IN:
            yield from ((rank + 2, p) for p in _rows(families(arrays, key), shapes))
        yield from ((rank + 3, p) for p in _numbers(families(arrays, key), shapes))
    yield from ((5 + i, p) for i, p in enumerate(_anywhere(arrays, shapes)))


def families(arrays: list[tuple[Node, Array]], key: str) -> dict[str, list[tuple[Node, Array]]]:
    """Return nodes by family or by last name, in the order of the numbers in their names."""
    found: dict[str, list[tuple[Node, Array]]] = {}
    for node, array in arrays:
        found.setdefault(getattr(node, key), []).append((node, array))
    return {
        name: sorted(part, key=lambda pair: _order(pair[0].path)) for name, part in found.items()
    }


def _order(path: Path) -> tuple[int, ...]:
    """Return the numbers in the names on a path, to order the members of a family by."""
    digits = (re.findall(r"\d+", key) for _, key in path if isinstance(key, str))
    return tuple(int(number) for found in digits for number in found)


def _rows(
    groups: dict[str, list[tuple[Node, Array]]], shapes: list[tuple[int, int]]
) -> Iterator[tuple[Place, ...]]:
    """Yield weights that stand neuron by neuron."""
    lengths = [ins for out, ins in shapes for _ in range(out)]
    for members in groups.values():
        if [array.shape for _, array in members] == [(length,) for length in lengths]:
            yield _cut(members, [out for out, _ in shapes], shapes)


def _numbers(
    groups: dict[str, list[tuple[Node, Array]]], shapes: list[tuple[int, int]]
) -> Iterator[tuple[Place, ...]]:
    """Yield weights that stand number by number, as w1, w2 and so on."""
    sizes = [out * ins for out, ins in shapes]
    for members in groups.values():
        if len(members) == sum(sizes) > 1 and all(a.shape == () for _, a in members):
            yield _cut(members, sizes, shapes)


def _cut(
    members: list[tuple[Node, Array]], sizes: list[int], shapes: Sequence[tuple[int, ...]]
) -> tuple[Place, ...]:
    """Return the members of a family cut into layers."""
    paths = iter([node.path for node, _ in members])
    pairs = zip(sizes, shapes, strict=True)
    return tuple(Place(tuple(itertools.islice(paths, size)), shape) for size, shape in pairs)


def _anywhere(
    arrays: list[tuple[Node, Array]], shapes: list[tuple[int, int]]
) -> Iterator[tuple[Place, ...]]:
    """Yield weights from arrays that have no name in common, in their order, the lively first."""
    options = [
        [(i, node) for i, (node, a) in enumerate(arrays) if _fits(a, shape)] for shape in shapes
    ]
    dull = {i for i, (_, array) in enumerate(arrays) if array.ndim < 2 or not np.any(array)}
    options = [sorted(part, key=lambda pair: pair[0] in dull)[:6] for part in options]
    chosen = (
        choice
        for choice in itertools.product(*options)
        if all(one[0] < other[0] for one, other in itertools.pairwise(choice))
    )
    for choice in itertools.islice(chosen, CHOICES):
        yield tuple(Place((n.path,), s) for (_, n), s in zip(choice, shapes, strict=True))


def _fits(array: Array, shape: tuple[int, int]) -> bool:
    """Return whether an array can be a layer's weights; those of one unit may be a vector."""
    if array.shape == shape:
        return True
    return 1 in shape and array.ndim == 1 and array.size == max(shape) and array.size > 1


Biases: TypeAlias = tuple[Place | None, ...]


def _biases(
    nodes: list[Node], weights: tuple[Place, ...], widths: Sequence[int]
) -> Iterator[tuple[int, Biases]]:
    """Yield what may be all biases beside these weights, ``none`` at last."""
    taken = {path for place in weights for path in place.paths}
    arrays = _others(nodes, taken)
    outs = list(widths[1:])
    found: list[tuple[int, Biases]] = []
    for rank, key in enumerate(KEYS):
        for members in families(arrays, key).values():
            found += [(rank, p) for p in _vectors(members, outs)]
    if not any(_is_proper(b, outs) for _, b in found):
        found += [(4, b) for b in _each(arrays, outs)]
    near = _neighbors(weights)
    values = {node.path: array for node, array in arrays}
    ordered = sorted(found, key=lambda pair: (pair[0], not near(pair[1]), _dull(pair[1], values)))
    proper = [b for _, b in ordered if _is_proper(b, outs)]
    yield from enumerate(proper[:8])
    if not proper:
        yield from ((20 + i, b) for i, (_, b) in enumerate(ordered[:8]))
        yield 19, (None,) * len(outs)


def _is_proper(b: Biases, outs: list[int]) -> bool:
    """Return whether every layer has biases, and of its own width."""
    pairs = zip(b, outs, strict=True)
    return all(place is not None and place.shape == (out,) for place, out in pairs)


def _dull(b: Biases, values: dict[Path, Array]) -> bool:
    """Return whether all biases are 0 so far."""
    paths = [path for place in b if place is not None for path in place.paths]
    return not any(np.any(values[path]) for path in paths)


def _others(nodes: list[Node], taken: set[Path]) -> list[tuple[Node, Array]]:
    """Return the arrays and numbers that are no weights and no part of them."""
    found: list[tuple[Node, Array]] = []
    for node in nodes:
        inside = any(node.path[: len(path)] == path for path in taken)
        array = None if inside else numeric(node.value)
        if array is not None and (
            array.ndim or isinstance(node.value, (float, np.floating)) or node.value == 0
        ):
            found.append((node, array))
    return found


def _neighbors(weights: tuple[Place, ...]) -> Any:
    """Return a test of whether biases stand where the weights stand."""
    home = {path[:-1] for place in weights for path in place.paths}
    homes = {path[:-2] for place in weights for path in place.paths if len(path) > 1}

    def near(b: Biases) -> bool:
        paths = [path for place in b if place is not None for path in place.paths]
        return all(p[:-1] in home for p in paths) or all(
            p[:-2] in homes for p in paths if len(p) > 1
        )

    return near


def _vectors(members: list[tuple[Node, Array]], outs: list[int]) -> Iterator[Biases]:
    """Yield the biases that one family is: a vector a layer, or a number a unit or a layer."""
    if len(members) == len(outs):
        if all(_is_bias(array, out) for (_, array), out in zip(members, outs, strict=True)):
            yield tuple(Place((n.path,), (out,)) for (n, _), out in zip(members, outs, strict=True))
        elif all(array.size == 1 for _, array in members):
            yield tuple(
                Place((n.path,), () if out > 1 else (1,))
                for (n, _), out in zip(members, outs, strict=True)
            )
    if len(members) == sum(outs) and all(array.size == 1 for _, array in members):
        yield _cut(members, outs, [(out,) for out in outs])


def _is_bias(array: Array, out: int) -> bool:
    """Return whether an array can be the biases of a layer of `out` units."""
    return array.size == out and (array.ndim <= 1 or array.shape in {(1, out), (out, 1)})


def _each(arrays: list[tuple[Node, Array]], outs: list[int]) -> Iterator[Biases]:
    """Yield biases layer by layer, from arrays that have no name in common."""
    options: list[list[Node | None]] = []
    for out in outs:
        fits = [node for node, a in arrays if _is_bias(a, out)]
        options.append([*fits[:4]] or [None])
    for choice in itertools.islice(itertools.product(*options), CHOICES):
        paths = [node.path for node in choice if node is not None]
        if len(set(paths)) == len(paths) and paths:
            yield tuple(
                None if node is None else Place((node.path,), (out,))
                for node, out in zip(choice, outs, strict=True)
            )
