"""Read off the network that a program computes, so that the catalogue can be tried on its numbers.

A layer is a net input z and its activation a. Which weight or bias a trained number is follows from
what a change of it does: ∂z/∂w is an input of the layer, ∂z/∂b is 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.diagnosis.tracing.gradients import targets_of
from chainrule.diagnosis.tracing.judging import Judge
from chainrule.diagnosis.tracing.outputs import Iteration
from chainrule.diagnosis.tracing.parameters import Parameter
from chainrule.submission import Array, Change, Event

SMALL = 1e-4  # by which a trained number is changed
MOST = 330  # trained numbers of a network that is read off
LONGEST = 6_000  # events of its forward pass
SIGNED = ("logistic", "tanh")  # programs compute their z with either sign


@dataclass(frozen=True)
class ReadLayer:
    """A layer as the program computes it: samples in rows.

    Parameters
    ----------
    activation : str
    W, b : array
        (out, in) and (out,); b is None if the layer has none.
    W_step, b_step : array
        By how much the program changed them.
    """

    activation: str
    W: Array
    b: Array | None
    W_step: Array
    b_step: Array | None


@dataclass(frozen=True)
class ReadNetwork:
    """A network as the program computes it, in one iteration.

    Parameters
    ----------
    layers : tuple of ReadLayer
    x, t : array
        (n, in) and (n, out).
    """

    layers: tuple[ReadLayer, ...]
    x: Array
    t: Array


@dataclass(frozen=True)
class _Layer:
    """The events of a layer's z and a, its activation, and the sign of z."""

    z: Event
    a: Event
    activation: str
    sign: int = 1


@dataclass(frozen=True)
class _Number:
    """A trained number: where it is, its value and step, and ∂z/∂number of its layer."""

    value: float
    step: float
    layer: int
    slope: Array


def read_network(judge: Judge, number: int = 0) -> ReadNetwork | None:
    """Return the network of an iteration, or None if it is not a plain feed-forward network.

    Parameters
    ----------
    judge : Judge
    number : int
        The iteration.
    """
    it = judge.iterations[number]
    size = sum(p.size for p in it.parameters)
    one_event = len(it.pairs) == 1 and not it.pairs[0].is_loss
    if not one_event or size > MOST or any(not g.complete for g in judge.groups):
        return None
    if judge.trace.at[it.pairs[0].error] - it.begin > LONGEST:
        return None
    layers = list(_layers(judge, it))
    numbers = _numbers(judge, it, layers)
    if numbers is None:
        return None
    try:
        return _assembled(judge, it, layers, numbers)
    except (ValueError, IndexError, KeyError):
        return None


# ---- layers ----------------------------------------------------------------------------------


def _layers(judge: Judge, it: Iteration) -> Iterator[_Layer]:
    """Yield the layers in order: pairs of events of which one is an activation of the other."""
    trace, pair = judge.trace, it.pairs[0]
    start = trace.at[pair.error]
    events = [
        e
        for e in trace.order[it.begin : start]
        if e in it.depends and trace.has(e) and trace.place(e).kind in ("value", "argument", "use")
    ]
    output, activations = trace.value(pair.output), _Activations(judge, events)
    seen: set[bytes] = set()
    last: _Layer | None = None
    for e in events:
        key = trace.value(e).tobytes()
        if key in seen:
            continue
        made = activations.layer(e)
        if made is not None:
            seen.add(key)
            last = made
            yield made
        if key == output.tobytes():
            break
    if last is None or not np.array_equal(trace.value(last.a), output):
        yield _softmax(judge, pair.output, events)


class _Activations:
    """Finds events that are an activation of an earlier one.

    Sums are compared first, for all events of a shape at once: only a few are then compared number
    by number.

    Parameters
    ----------
    judge : Judge
    events : sequence of Event
        In program order.
    """

    def __init__(self, judge: Judge, events: Sequence[Event]) -> None:
        self.trace = judge.trace
        self.alike: dict[tuple[int, ...], list[Event]] = {}
        for e in events:
            self.alike.setdefault(self.trace.value(e).shape, []).append(e)
        self.sums: dict[tuple[int, ...], list[tuple[str, int, Array]]] = {}

    def layer(self, event: Event) -> _Layer | None:
        """Return the layer whose activation an event is, or None."""
        a = self.trace.value(event)
        alike, position = self.alike[a.shape], self.trace.at[event]
        total, slack = float(a.sum()), 1e-8 * float(np.abs(a).sum()) + 1e-12 * a.size
        found: list[tuple[int, int, str, int]] = []
        for rank, (name, sign, sums) in enumerate(self._sums(a.shape)):
            near = np.flatnonzero(np.abs(sums - total) <= slack)
            found += [(-int(i), rank, name, sign) for i in near]
        for i, _, name, sign in sorted(found):  # the nearest, since a bias of 0 changes nothing
            z = alike[-i]
            if self.trace.at[z] < position and self._is_activation(name, sign, z, a):
                return _Layer(z, event, name, sign)
        return None

    def _is_activation(self, name: str, sign: int, z: Event, a: Array) -> bool:
        value = self.trace.value(z)
        with np.errstate(all="ignore"):
            made = ACTIVATIONS[name](sign * value)
        return not np.array_equal(value, a) and np.allclose(made, a, rtol=1e-9, atol=1e-13)

    def _sums(self, shape: tuple[int, ...]) -> list[tuple[str, int, Array]]:
        """Return the sum of each activation of each event of a shape."""
        if shape not in self.sums:
            z = np.stack([self.trace.value(e) for e in self.alike[shape]])
            with np.errstate(all="ignore"):
                self.sums[shape] = [
                    (name, sign, f(sign * z).reshape(len(z), -1).sum(axis=1))
                    for name, f in ACTIVATIONS.items()
                    if name != "identity"
                    for sign in ((1, -1) if name in SIGNED else (1,))
                ]
        return self.sums[shape]


def _softmax(judge: Judge, output: Event, events: Sequence[Event]) -> _Layer:
    """Return the output layer with a softmax, or without an activation."""
    trace, o = judge.trace, judge.trace.value(output)
    shifted: Event | None = None  # z minus its largest number, which each number of z changes
    for z in reversed(events):
        value = trace.value(z)
        if value.shape != o.shape or trace.at[z] >= trace.at[output] or o.size < 2:
            continue
        axis = _softmax_axis(value, o)
        if axis is not None and np.any(value.max(axis=axis)):
            return _Layer(z, output, "softmax")
        shifted = z if axis is not None and shifted is None else shifted
    return _Layer(shifted or output, output, "softmax" if shifted else "identity")


def _softmax_axis(z: Array, o: Array) -> int | None:
    """Return the axis along which some outputs are the softmax of z, or None."""
    with np.errstate(all="ignore"):
        e = np.exp(z - z.max())
        ways = (e / e.sum(axis=axis, keepdims=True) for axis in range(o.ndim))
        return next((i for i, p in enumerate(ways) if np.allclose(p, o, rtol=1e-9)), None)


# ---- trained numbers -------------------------------------------------------------------------


def _numbers(judge: Judge, it: Iteration, layers: Sequence[_Layer]) -> list[_Number] | None:
    """Return what each trained number does to the first net input that depends on it."""
    trace = judge.trace
    zs = [layer.z for layer in layers]
    until = max(zs, key=lambda e: trace.at[e])
    entries = [e for group in judge.groups for e in group.entries]
    steps = np.concatenate([judge.steps(it, group)[0] for group in judge.groups])
    runs = [_changed(it.parameters[e.parameter], e.index) for e in entries]
    found: list[_Number] = []
    for e, step, record in zip(entries, steps, trace.run_all(runs, until, zs), strict=True):
        p, made = it.parameters[e.parameter], record.values
        depth = next(
            (d for d, z in enumerate(zs) if z in made and not _same(made[z], trace.value(z))), None
        )
        if depth is None:
            return None
        slope = layers[depth].sign * (made[zs[depth]] - trace.value(zs[depth])) / SMALL
        value = float(trace.value(p.before).reshape(-1)[e.index])
        found.append(_Number(value, float(step), depth, slope))
    return found


def _changed(p: Parameter, index: int) -> dict[Event, Change]:
    """Return the change of one number of a parameter."""
    chosen = p.index.reshape(-1)[index : index + 1]
    return {p.origin: Change(np.array([SMALL]), chosen, add=True)}


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and float(np.abs(a - b).max()) < 1e-9 * SMALL


# ---- the network -----------------------------------------------------------------------------


def _assembled(
    judge: Judge, it: Iteration, layers: Sequence[_Layer], numbers: Sequence[_Number]
) -> ReadNetwork | None:
    """Return the network that the numbers make up, or None if some do not fit."""
    trace = judge.trace
    in_rows = [
        _samples_in_rows(trace.value(z.z), [n for n in numbers if n.layer == d])
        for d, z in enumerate(layers)
    ]
    if None in in_rows:
        return None
    firm = [r for r in in_rows if r != "either"]
    if len(set(firm)) > 1:
        return None
    rows = firm[0] if firm else True
    below: Array | None = None
    made: list[ReadLayer] = []
    x = np.zeros((0, 0))
    for d, layer in enumerate(layers):
        own = [n for n in numbers if n.layer == d]
        z = _rows(layer.sign * trace.value(layer.z), rows=bool(rows))
        inputs, read = _one_layer(own, z, below, layer.activation, rows=bool(rows))
        if read is None:
            return None
        x = inputs if d == 0 else x
        made.append(read)
        below = _rows(trace.value(layer.a), rows=bool(rows))
    output = trace.value(it.pairs[0].output)
    targets = targets_of(trace, it.pairs[0]).reshape(output.shape)
    return ReadNetwork(tuple(made), np.round(x, 8), _rows(targets, rows=bool(rows)))


def _rows(a: Array, *, rows: bool) -> Array:
    """Return numbers with samples in rows."""
    flat = a.reshape(1, -1) if a.ndim < 2 else a
    return flat if rows or a.ndim < 2 else flat.T


def _samples_in_rows(z: Array, own: Sequence[_Number]) -> bool | str | None:
    """Return whether each number changes one column, one row, or "either"; None if neither."""
    if not own:
        return None
    if z.ndim < 2:
        return "either"
    columns = all(len(np.flatnonzero((np.abs(n.slope) > 1e-9).any(axis=0))) <= 1 for n in own)
    rows = all(len(np.flatnonzero((np.abs(n.slope) > 1e-9).any(axis=1))) <= 1 for n in own)
    if columns and rows:
        return "either"
    return columns if columns or rows else None


def _one_layer(
    own: Sequence[_Number], z: Array, below: Array | None, activation: str, *, rows: bool
) -> tuple[Array, ReadLayer | None]:
    """Return the inputs of a layer and the layer, or None if some number does not fit in."""
    units = z.shape[1]
    columns: list[Array] = [] if below is None else list(below.T)
    weights: dict[tuple[int, int], _Number] = {}
    biases: dict[int, _Number] = {}
    for n in own:
        slope = _rows(n.slope, rows=rows)
        unit = int(np.abs(slope).max(axis=0).argmax())
        x = slope[:, unit]
        near = next(
            (
                i
                for i, c in enumerate(columns)
                if np.allclose(c, x, atol=1e-6) and (unit, i) not in weights
            ),
            None,
        )
        if np.allclose(x, 1, atol=1e-6) and unit not in biases and (near is None or len(x) > 1):
            biases[unit] = n
            continue
        if near is None:
            if below is not None:
                return z, None
            near = len(columns)
            columns.append(x)
        weights[unit, near] = n
    return _checked(weights, biases, columns, z, units, activation)


def _checked(
    weights: dict[tuple[int, int], _Number],
    biases: dict[int, _Number],
    columns: Sequence[Array],
    z: Array,
    units: int,
    activation: str,
) -> tuple[Array, ReadLayer | None]:
    """Return the inputs and the layer, if its net input comes out."""
    inputs = len(columns)
    if len(weights) != units * inputs or len(biases) not in (0, units) or not inputs:
        return z, None
    x = np.array(columns).T
    W = np.array([[weights[u, i].value for i in range(inputs)] for u in range(units)])
    W_step = np.array([[weights[u, i].step for i in range(inputs)] for u in range(units)])
    b = np.array([biases[u].value for u in range(units)]) if biases else None
    b_step = np.array([biases[u].step for u in range(units)]) if biases else None
    if not np.allclose(np.round(x, 7) @ W.T + (0 if b is None else b), z, atol=1e-4):
        return x, None
    return x, ReadLayer(activation, W, b, W_step, b_step)
