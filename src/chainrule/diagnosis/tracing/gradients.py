"""The true gradient of a program: differences of its own output, with a bound of their error.

The derivative of a loss by a number V of the program is ∑ ∂L/∂o · ∂o/∂V over its outputs o. ∂o/∂V
is a central difference: the program runs with V + h and with V - h. ∂L/∂o is known for each loss.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.diagnosis.tracing.outputs import Iteration, Pair, target_changes
from chainrule.diagnosis.tracing.parameters import Parameter
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Array, Change, Event

STEP = 1e-5  # of a difference, relative to numbers above 1
COARSE = 3e-4  # of a difference that is compared with it
FINE = 3e-7  # of a difference near a kink
EPSILON = 2.3e-16
KINK = 1e-3  # relative difference of the slopes on both sides above which there may be a kink
MOST_ENTRIES, SAMPLED = 120, 40  # numbers of a group that are all judged; else how many of them

OWN = "own"  # the program's own loss; followed by its number


def squared(o: Array, t: Array) -> Array:
    """Return dL/do of L = ½ ∑ (o - t)²."""
    return o - t


def logistic_cross_entropy(o: Array, t: Array) -> Array:
    """Return dL/do of L = -∑ (t ln o + (1 - t) ln (1 - o))."""
    return (o - t) / np.where((o > 0) & (o < 1), o * (1 - o), np.nan)


def softmax_cross_entropy(o: Array, t: Array) -> Array:
    """Return dL/do of L = -∑ t ln o."""
    return -t / np.where((o > 0) & (o <= 1), o, np.nan)


def absolute(o: Array, t: Array) -> Array:
    """Return dL/do of L = ∑ |o - t|."""
    return np.sign(o - t)


def margin(o: Array, t: Array) -> Array:
    """Return dL/do of L = ∑ max(0, 1 - t o), for targets of -1 and 1."""
    is_label = np.all(np.abs(t) == 1)
    return np.where(o * t < 1, -t, 0.0) if is_label else np.full(o.shape, np.nan)


def poisson(o: Array, t: Array) -> Array:
    """Return dL/do of L = ∑ (o - t ln o), for counts; shares below 1 have other losses."""
    is_count = o.min() > 0 and o.max() > 1 and t.min() >= 0 and t.max() > 1
    return 1 - t / o if is_count else np.full(o.shape, np.nan)


LOSSES: dict[str, Callable[[Array, Array], Array]] = {
    "squared error": squared,
    "logistic cross-entropy": logistic_cross_entropy,
    "softmax cross-entropy": softmax_cross_entropy,
    "absolute error": absolute,
    "hinge": margin,
    "Poisson": poisson,
}


@dataclass(frozen=True)
class Entry:
    """One trained number: which parameter of the iteration, and its flat index there."""

    parameter: int
    index: int


@dataclass
class Group:
    """Parameters that are judged together, such as an array, or all weights of a line of code.

    Parameters
    ----------
    name : str
    entries : list of Entry
        Those that are judged.
    size : int
        How many numbers it has.
    every : list of Entry
        All of them.
    """

    name: str
    entries: list[Entry] = field(default_factory=list[Entry])
    size: int = 0
    every: list[Entry] = field(default_factory=list[Entry])

    @property
    def complete(self) -> bool:
        """Whether all of its numbers are judged."""
        return len(self.entries) == self.size


def groups(trace: Trace, it: Iteration) -> list[Group]:
    """Return the groups of an iteration's parameters, with a sample of the entries of large ones.

    Single numbers that one line of code updates are a group if as many results of functions depend
    on them, which separates the layers.
    """
    start = max((p.error for p in it.pairs), key=lambda e: trace.at[e])
    single = [k for k, p in enumerate(it.parameters) if p.size == 1]
    deep = depths(trace, [it.parameters[k] for k in single], start)
    depth = dict(zip(single, deep, strict=True))
    found: dict[object, Group] = {}
    for k, p in enumerate(it.parameters):
        own = ("depth", depth[k]) if k in depth else ("turn", p.after.turn)
        key = p.after.code, own
        group = found.setdefault(key, Group(p.name))
        group.entries += [Entry(k, i) for i in range(p.size)]
    for group in found.values():
        group.size, group.every = len(group.entries), group.entries
        if group.size > MOST_ENTRIES:
            group.entries = sample(trace, it, group.every, SAMPLED)
    return list(found.values())


def sample(
    trace: Trace, it: Iteration, entries: Sequence[Entry], count: int, rows: Collection[int] = ()
) -> list[Entry]:
    """Return some entries, at least half of them such that the update changes, if there are any.

    An update may change few rows only, such as those of the words that occur. Those in some rows
    are taken first.
    """
    shuffled: list[int] = trace.rng.permutation(len(entries)).tolist()
    order = [entries[i] for i in shuffled]
    changing = [e for e in order if _changes(trace, it.parameters[e.parameter], e.index)]
    first = [e for e in order if row_of(it.parameters[e.parameter], e.index) in rows]
    chosen = set([*first, *changing][: count // 2])
    chosen.update([e for e in order if e not in chosen][: count - len(chosen)])
    return [e for e in entries if e in chosen]


def row_of(parameter: Parameter, index: int) -> int:
    """Return the row of one number of a parameter."""
    shape = parameter.index.shape
    return int(np.unravel_index(index, shape)[0]) if shape else 0


def _changes(trace: Trace, parameter: Parameter, index: int) -> bool:
    """Return whether the update changes one number of a parameter, as far as is known."""
    after, before = parameter.after, parameter.before
    if not (trace.has(after) and trace.has(before)):
        return False
    old, new = trace.value(before), trace.value(after)
    return old.shape == new.shape and bool(old.reshape(-1)[index] != new.reshape(-1)[index])


def depths(trace: Trace, parameters: Sequence[Parameter], until: Event) -> list[int]:
    """Return on how many results of functions, such as activations, parameters have an effect.

    NaN shows it even where an input is 0. Other results, such as the parts of a sum that a loop
    adds up, differ in number within one layer.
    """
    starts = ((p.origin, p.index.reshape(-1)[:1]) for p in parameters)
    changes = [{origin: Change(np.full(1, np.nan), index)} for origin, index in starts]
    calls = {e for e in trace.order[: trace.at[until]] if trace.place(e).op == "call"}
    return [len(moved & calls) for moved in trace.changed_by_each(changes, until)]


@dataclass
class Slopes:
    """Derivatives of each loss by some numbers, and bounds of their errors.

    Parameters
    ----------
    values, errors : dict of str to array
        By the loss.
    """

    values: dict[str, Array]
    errors: dict[str, Array]


class Differences:
    """Derivatives of a program's outputs in one iteration.

    Parameters
    ----------
    trace : Trace
    it : Iteration
    scalars : mapping of str to Event
        Numbers that may be the program's own loss, by the name of the loss.
    """

    def __init__(
        self, trace: Trace, it: Iteration, scalars: Mapping[str, Event] | None = None
    ) -> None:
        self.trace, self.it, self.scalars = trace, it, dict(scalars or {})
        self.outputs = list(dict.fromkeys(p.output for p in it.pairs))
        wanted = list(dict.fromkeys([*self.outputs, *self.scalars.values()]))
        self.until = max(wanted, key=lambda e: trace.at[e])
        self.wanted = wanted
        self.base = {e: trace.value(e) for e in wanted}
        self.weights = {name: self._weights(name) for name in LOSSES} if it.pairs else {}
        self.unknown = {  # losses that these outputs and targets do not have
            name
            for name, weights in self.weights.items()
            if any(np.any(np.isnan(w)) for w in weights.values())
        }
        self.known: dict[tuple[Event, int], dict[str, tuple[float, float]]] = {}
        self.ahead: dict[tuple[Event, int, float], dict[Event, Array]] = {}  # runs that are made

    def _weights(self, loss: str) -> dict[Event, Array]:
        """Return dL/do for each output."""
        found: dict[Event, Array] = {}
        for pair in self.it.pairs:
            o, t = self.trace.value(pair.output), targets_of(self.trace, pair)
            if pair.is_loss:
                found[pair.output] = np.full(o.shape, np.nan)
                continue
            with np.errstate(all="ignore"):
                made = LOSSES[loss](o, t.reshape(o.shape) if t.size == o.size else t)
            made = made if made.shape == o.shape else np.full(o.shape, np.nan)
            found[pair.output] = found.get(pair.output, 0.0) + made
        return found

    def slopes(self, event: Event, indices: Iterable[int]) -> Slopes:
        """Return the derivative of each loss by numbers of an event."""
        numbers = [int(i) for i in indices]
        self.prepare([(event, i) for i in numbers])
        rows = [self._slope(event, i) for i in numbers]
        names = [*self.weights, *self.scalars]
        values = {name: np.array([row[name][0] for row in rows]) for name in names}
        errors = {name: np.array([row[name][1] for row in rows]) for name in names}
        return Slopes(values, errors)

    def prepare(self, numbers: Iterable[tuple[Event, int]], step: float = STEP) -> None:
        """Make the runs for the derivatives by some numbers of events, all in one go."""
        new = [n for n in dict.fromkeys(numbers) if step != STEP or n not in self.known]
        keys = [(e, i, way) for e, i in new for way in self._ways(e, i, step)]
        keys = [key for key in keys if key not in self.ahead]
        made = self.outputs_of(self._change(*key) for key in keys)
        self.ahead |= dict(zip(keys, made, strict=True))
        if step == STEP:
            self.prepare([n for n in new if self._is_bent(*n)], FINE)

    def _is_bent(self, event: Event, index: int) -> bool:
        """Return whether there is a kink near a number, as its runs that have been made show."""
        ways = [self.ahead.get((event, index, way)) for way in self._ways(event, index, STEP)]
        up, down = ways
        return up is not None and down is not None and self._has_kink(up, down)

    def outputs_of(self, runs: Iterable[Mapping[Event, Change]]) -> list[dict[Event, Array]]:
        """Return the outputs and scalars of some runs, made in one go."""
        return [r.values for r in self.trace.run_all(runs, self.until, self.wanted)]

    def total(
        self, up: dict[Event, Array], down: dict[Event, Array], width: float, loss: str
    ) -> float:
        """Return the difference quotient of a loss between two runs; NaN if it has none."""
        with np.errstate(all="ignore"):
            return self._sum(up, down, self._weights_of(loss), width / 2, bent=False)[0]

    def _weights_of(self, loss: str) -> dict[Event, Array]:
        """Return dL/do of each output, or of the scalar that is the loss."""
        if loss in self.weights:
            return self.weights[loss]
        scalar = self.scalars[loss]
        return {scalar: np.ones(self.base[scalar].shape)}

    def _slope(self, event: Event, index: int) -> dict[str, tuple[float, float]]:
        key = (event, index)
        if key not in self.known:
            self.known[key] = self._difference(event, index, STEP)
        return self.known[key]

    def disagreement(self, event: Event, index: int, loss: str) -> tuple[float, float]:
        """Return by how much the slopes of a small and of a larger step differ, and their size.

        They differ where the program rounds its numbers, which no derivative shows.
        """
        near = self._slope(event, index)[loss][0]
        far = self._difference(event, index, COARSE)[loss][0]
        return abs(near - far), max(abs(near), abs(far))

    def _difference(self, event: Event, index: int, step: float) -> dict[str, tuple[float, float]]:
        value = float(self.trace.value(event).reshape(-1)[index])
        ways = self._ways(event, index, step)
        up, down = (self._moved(event, index, way) for way in ways)
        h = ((value + ways[0]) - (value + ways[1])) / 2
        if step > FINE and self._has_kink(up, down):
            return self._difference(event, index, FINE)
        bent = step <= FINE and self._has_kink(up, down)
        found: dict[str, tuple[float, float]] = {}
        with np.errstate(all="ignore"):
            for name, weights in self.weights.items():
                is_known = name not in self.unknown
                sums = self._sum(up, down, weights, h, bent=bent) if is_known else (np.nan, np.inf)
                found[name] = sums
            for name in self.scalars:
                found[name] = self._sum(up, down, self._weights_of(name), h, bent=bent)
        return found

    def _sum(
        self,
        up: dict[Event, Array],
        down: dict[Event, Array],
        weights: dict[Event, Array],
        h: float,
        *,
        bent: bool,
    ) -> tuple[float, float]:
        """Return ∑ weight · ∂o/∂V and the bound of its error."""
        total = error = 0.0
        for e, w in weights.items():
            if e not in up or e not in down or up[e].shape != w.shape or down[e].shape != w.shape:
                return np.nan, np.inf
            total += float(np.sum(w * (up[e] - down[e]))) / (2 * h)
            rounding = float(np.sum(np.abs(w) * (np.abs(self.base[e]) + 1e-6))) * EPSILON * 4 / h
            curve = float(np.sum(np.abs(w * (up[e] + down[e] - 2 * self.base[e])))) / h
            error += rounding + (curve if bent else 1e-3 * curve)
        return total, error

    def _ways(self, event: Event, index: int, step: float) -> tuple[float, float]:
        """Return by how much a number is changed, up and down."""
        value = float(self.trace.value(event).reshape(-1)[index])
        h = step * max(1.0, abs(value))
        return h, -h

    def _moved(self, event: Event, index: int, way: float) -> dict[Event, Array]:
        """Return the outputs after one number has been changed."""
        made = self.ahead.pop((event, index, way), None)
        if made is not None:
            return made
        return self.trace.run(self._change(event, index, way), self.until, self.wanted).values

    def _change(self, event: Event, index: int, way: float) -> dict[Event, Change]:
        """Return the changes of a run in which one number is another one."""
        change = Change(np.array([way]), np.array([index]), add=True)
        return {**self.pins(event), event: change}

    def pins(self, event: Event) -> dict[Event, Change]:
        """Return changes that keep the other parameters, which are updated later in the pass."""
        if not self.it.number or event not in self.trace.at:
            return {}
        later = [p for p in self.it.parameters if self.trace.at[p.origin] > self.trace.at[event]]
        return {p.origin: Change(self.trace.value(p.origin)) for p in later if p.origin != event}

    def _has_kink(self, up: dict[Event, Array], down: dict[Event, Array]) -> bool:
        """Return whether some output has different slopes on both sides."""
        for e in self.outputs:
            if e not in up or e not in down or up[e].shape != down[e].shape:
                return False
            right, left = up[e] - self.base[e], self.base[e] - down[e]
            size = np.abs(right) + np.abs(left)
            noise = 1e-13 * np.abs(self.base[e])
            if np.any(np.abs(right - left) > KINK * size + noise):
                return True
        return False


def targets_of(trace: Trace, pair: Pair) -> Array:
    """Return the targets of a pair, with the other sign where they are used with a minus sign.

    So they are if they are added to an output, or if shares are negative, as in ``-t / p``.
    """
    if pair.one_hot:
        return trace.value(pair.output) - trace.value(pair.targets)
    t, op = trace.value(pair.targets), trace.place(pair.error).op
    are_negative = op == "Div" and bool(np.all(t <= 0))
    return -t if op == "Add" or are_negative else t


def moved_by_targets(trace: Trace, it: Iteration) -> set[Event]:
    """Return the events of an iteration that depend on the targets."""
    changes = target_changes(trace, it, it.pairs)
    return trace.changed(changes, trace.order[it.end]) if changes else set()
