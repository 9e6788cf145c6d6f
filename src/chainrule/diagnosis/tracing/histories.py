"""Collect what an update rule took and made over several updates: gradients, weights and steps.

The gradients are events of the program that are a multiple of the true gradient wherever that is
known, so they have the program's own digits.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.tracing.comparing import same_factor
from chainrule.diagnosis.tracing.evidence import Evidence
from chainrule.diagnosis.tracing.gradient_events import GradientEvents, same_in
from chainrule.diagnosis.tracing.gradients import Group
from chainrule.diagnosis.tracing.outputs import Iteration
from chainrule.diagnosis.tracing.rules import gradient_events, has_gradient, window_of
from chainrule.submission import Array, Event

MOST_UPDATES = 5
MOST_LEVELS = 5  # events between the gradient and the update that are tried
MOST_RATES = 6
RANGE = 100.0  # of learning rates, relative to the first

Factors = tuple[float | None, ...]


@dataclass(frozen=True)
class History:
    """Gradients, weights and steps of one group over several updates.

    Parameters
    ----------
    gradients, weights, steps : array (updates, numbers)
        The gradients have the sign of the true ones.
    noise : array (updates, numbers)
        The rounding of the steps.
    norms : array (updates,)
        Of the gradients of the whole group.
    position : array (numbers,)
        Which update of the iteration changes each number, from 0.
    parameters : int
        How many updates an iteration has.
    places : array of int (numbers, 2)
        The row and column of each number.
    shape : tuple of int
        Of the array, (1, 1) if it has no rows and columns.
    scaled : bool
        Whether the gradients are multiples of the true ones that change.
    share : float
        Of the gradient of the sum over outputs and samples: the first multiple.
    """

    gradients: Array
    weights: Array
    steps: Array
    noise: Array
    norms: Array
    position: Array
    parameters: int
    places: NDArray[np.int64]
    shape: tuple[int, int]
    scaled: bool = False
    share: float = 1.0

    def split(self, axis: int, *, last: bool) -> list["History"]:
        """Return the history of the first or last row or column, and that of the others.

        It may contain biases, which have no penalty.
        """
        count = self.shape[axis]
        border = self.places[:, axis] == (count - 1 if last else 0)
        if count < 2 or not border.any() or border.all():
            return [self]
        return [self._of(border), self._of(~border)]

    def _of(self, chosen: NDArray[np.bool_]) -> "History":
        """Return the history of some of the numbers."""
        own = {n: getattr(self, n)[:, chosen] for n in ("gradients", "weights", "steps", "noise")}
        return replace(self, **own, position=self.position[chosen], places=self.places[chosen])


def all_iterations(evidence: Evidence) -> list[Iteration]:
    """Return the first iterations of the program, judged or not."""
    found: list[Iteration] = []
    while len(found) < MOST_UPDATES and (it := evidence.iteration(len(found))) is not None:
        if any(not evidence.trace.has(e) for p in it.parameters for e in (p.before, p.after)):
            break
        found.append(it)
    return found


def histories(evidence: Evidence, loss: str) -> Iterator[list[History]]:
    """Yield the histories of all groups, for each of the events that may be the gradients.

    Those nearest to the update come first. All groups have the same factor of the true gradient,
    in every iteration, which may be another one in each if gradients are clipped. Those whose
    gradient is always zero are left out.
    """
    its = all_iterations(evidence)
    groups = [g for k, g in enumerate(evidence.groups) if _is_seen(evidence, k, loss)]
    levels = [_levels(evidence, k, loss) for k, g in enumerate(evidence.groups) if g in groups]
    if not its or not levels or not all(levels):
        return
    seen: list[Factors] = []
    for factors in (f for _, f in levels[0]):
        if any(_agree(factors, other) for other in seen) or len(seen) >= MOST_LEVELS:
            continue
        seen.append(factors)
        chosen = [next((m for m, f in each if _agree(f, factors)), None) for each in levels]
        made = [
            _history(evidence, its, group, gradient)
            for group, gradient in zip(groups, chosen, strict=True)
            if gradient is not None
        ]
        first = next(f for f in factors if f is not None)
        changed = {"scaled": _change(factors), "share": abs(first)}
        kept = [
            replace(h, gradients=np.sign(first) * h.gradients, **changed)
            for h in made
            if h is not None
        ]
        if len(kept) == len(levels):
            yield kept


def _is_seen(evidence: Evidence, k: int, loss: str) -> bool:
    """Return whether the gradient of a group is not zero in some iteration."""
    return any(has_gradient(evidence, i, k, loss) for i in range(len(evidence.iterations)))


def _levels(evidence: Evidence, k: int, loss: str) -> list[tuple[GradientEvents, Factors]]:
    """Return the events that are multiples of a group's gradient in every iteration, last first.

    They are those of the first iteration in which the gradient is not zero, with the factors of all
    iterations.
    """
    its = range(len(evidence.iterations))
    first, *others = usable = [i for i in its if has_gradient(evidence, i, k, loss)]
    trace, it = evidence.trace, evidence.iterations[first]
    found: list[tuple[int, GradientEvents, Factors]] = []
    for made, factor in oriented(evidence, first, k, loss):
        factors: dict[int, float] = {first: factor}
        for i in others:
            moved = made.moved(trace, it, evidence.iterations[i])
            same = [f for m, f in oriented(evidence, i, k, loss) if moved == m]
            if same:
                factors[i] = same[0]
        if len(factors) == len(usable):
            at = max(trace.at[e] for e in made.events)
            by_number = tuple(factors.get(i) for i in range(len(evidence.iterations)))
            found.append((at, made, by_number))
    return [(made, factors) for _, made, factors in sorted(found, key=lambda x: -x[0])]


def oriented(
    evidence: Evidence, i: int, k: int, loss: str
) -> Iterator[tuple[GradientEvents, float]]:
    """Yield the events that are multiples of a group's gradient, and the factor."""
    g = evidence.truth[i][k].values[loss]
    index = [e.index for e in evidence.groups[k].entries]
    for factor, found in gradient_events(evidence, i, k, loss).items():
        for events in found:
            ways = (GradientEvents(events), GradientEvents(events, transposed=True))
            values = {e: evidence.trace.value(e) for e in events}
            off = [_distance(made.numbers(values, index), factor * g) for made in ways]
            yield ways[int(np.argmin(off))], factor


def _distance(numbers: Array | None, other: Array) -> float:
    if numbers is None or numbers.shape != other.shape:
        return np.inf
    return float(np.abs(numbers - other).max())


def _change(factors: Factors) -> bool:
    """Return whether some of the factors are not the same."""
    known = [f for f in factors if f is not None]
    return not all(same_factor(f, known[0]) for f in known)


def _agree(one: Factors, other: Factors) -> bool:
    """Return whether factors are the same wherever both are known."""
    pairs = zip(one, other, strict=True)
    return all(a is None or b is None or same_factor(a, b) for a, b in pairs)


def _history(
    evidence: Evidence, its: Sequence[Iteration], group: Group, gradient: GradientEvents
) -> History | None:
    """Return a group's history with these gradients, or None if they do not always occur."""
    trace = evidence.trace
    own = _iteration_of(evidence, gradient)
    index = [e.index for e in group.entries]
    rows: list[tuple[Array, ...]] = []
    for it in its:
        moved = gradient.moved(trace, own, it)
        if moved is None or any(not trace.has(e) for e in moved.events):
            break
        g = moved.numbers({e: trace.value(e) for e in moved.events}, index)
        w = np.array(
            [
                _before(trace.value(it.parameters[e.parameter].before), e.index)
                for e in group.entries
            ]
        )
        steps, noise = evidence.updates(it, group)
        if g is None or g.shape != w.shape or not np.all(np.isfinite(steps)):
            break
        norm = np.linalg.norm(np.concatenate([trace.value(e).ravel() for e in moved.events]))
        rows.append((g, w, steps, noise, np.asarray(norm)))
    if not rows:
        return None
    order = sorted(
        range(len(its[0].parameters)), key=lambda n: trace.at[its[0].parameters[n].after]
    )
    turn = {n: place for place, n in enumerate(order)}
    position = np.array([turn[e.parameter] for e in group.entries], float)
    g, w, steps, noise, norms = (np.stack(part) for part in zip(*rows, strict=True))
    places, shape = _places(its[0], group)
    return History(g, w, steps, noise, norms, position, len(order), places, shape)


def _places(it: Iteration, group: Group) -> tuple[NDArray[np.int64], tuple[int, int]]:
    """Return the row and column of each number of a group, and how many there are of both."""
    entries = group.entries
    shapes = {it.parameters[e.parameter].index.shape for e in entries}
    shape = next(iter(shapes)) if len({e.parameter for e in entries}) == 1 else ()
    if len(shape) != 2:
        return np.zeros((len(entries), 2), np.int64), (1, 1)
    return np.stack(np.unravel_index([e.index for e in entries], shape), axis=1), shape


def _before(value: Array, index: int) -> float:
    return float(value.reshape(-1)[index])


def _iteration_of(evidence: Evidence, gradient: GradientEvents) -> Iteration:
    """Return the iteration in which gradients were found."""
    at = evidence.trace.at[gradient.events[0]]
    its = evidence.iterations
    return next((it for it in its if it.begin <= at <= it.end), its[0])


# ---- numbers of the program ----------------------------------------------------------------------


def constants(evidence: Evidence) -> list[float]:
    """Return the numbers that may be hyperparameters: those in the text of updates, or read there.

    They are the same in the first updates.
    """
    it, found = evidence.iterations[0], dict[float, None]()
    trace, following = evidence.trace, all_iterations(evidence)[-1]
    events = window_of(evidence, it)
    for e in reversed(events):
        if _is_single(evidence, e):
            later = same_in(trace, e, it, following)
            if (
                later is None
                or not trace.has(later)
                or _single(evidence, later) == _single(evidence, e)
            ):
                found.setdefault(_single(evidence, e))
    for text in dict.fromkeys(trace.place(e).text for e in reversed(events)):
        found.update(dict.fromkeys(_literals(text)))
    return [c for c in found if np.isfinite(c)]


def _literals(text: str) -> Iterator[float]:
    try:
        nodes = ast.walk(ast.parse(text.strip()))
    except SyntaxError:
        return
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            yield float(node.value)


def changing_rates(evidence: Evidence, count: int) -> list[Array]:
    """Return numbers that the program computes once per update, and that are not always the same.

    They are divided by the first one. A learning rate that follows a schedule is among them.
    """
    trace, its = evidence.trace, all_iterations(evidence)[:count]
    if len(its) < count:
        return []
    found: list[Array] = []
    for e in reversed(trace.order[its[0].begin : its[0].end + 1]):
        turns = [same_in(trace, e, its[0], it) for it in its] if _is_single(evidence, e) else []
        numbers = np.array([_single(evidence, t) for t in turns if t is not None])
        if len(numbers) < count or not np.all(numbers > 0) or np.ptp(numbers) <= 1e-12 * numbers[0]:
            continue
        ratio = numbers / numbers[0]
        if ratio.max() > RANGE or ratio.min() < 1 / RANGE:
            continue
        if not any(np.allclose(ratio, other, rtol=1e-9) for other in found):
            found.append(ratio)
    return list(islice(found, MOST_RATES))


def _is_single(evidence: Evidence, event: Event) -> bool:
    trace = evidence.trace
    known = trace.size(event) == 1 and trace.has(event) and trace.place(event).kind != "repeated"
    return known and not any(event in it.depends for it in evidence.iterations)


def _single(evidence: Evidence, event: Event) -> float:
    return float(evidence.trace.value(event).reshape(-1)[0])


def texts(evidence: Evidence) -> str:
    """Return the source of what is computed from the errors to the updates."""
    it = evidence.iterations[0]
    found: Mapping[str, None] = dict.fromkeys(
        evidence.trace.place(e).text for e in window_of(evidence, it)
    )
    return "\n".join(found)
