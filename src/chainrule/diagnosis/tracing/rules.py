"""Recognize updates that follow another rule than plain gradient descent, such as Adam's.

Then the gradients are right if they occur as such in the program, and the updates depend on them.
"""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from chainrule.diagnosis.tracing.comparing import SAME_FACTOR, TINY, TOLERANCE, same_factor
from chainrule.diagnosis.tracing.evidence import Evidence
from chainrule.diagnosis.tracing.gradients import Entry, Group
from chainrule.diagnosis.tracing.outputs import Iteration
from chainrule.diagnosis.tracing.parameters import ADDITIVE, Parameter
from chainrule.submission import Array, Event

AT_KINK = 1e-5  # error of a derivative, relative to the largest of its array


def follows_another_rule(evidence: Evidence, loss: str) -> float | None:
    """Return the common factor of events that are the true gradients, or None.

    Then the gradients are right, and the update follows another rule, such as Adam's. Every
    gradient that is not zero must occur, in every iteration, with the same factor in all of them,
    or with 1/n times a common one: one output's wrong delta has another factor in each. Each update
    must depend on its gradient, and the first one of each group must go the way that some rule
    would. Gradients that are always zero, as of biases where data and weights are symmetric, show
    with other weights.
    """
    factors: list[float] | None = None
    seen: set[int] = set()
    for i in range(len(evidence.iterations)):
        own = _known_groups(evidence, i, loss)
        if not own:
            continue
        if not all(goes_down(evidence, i, k, loss) for k in own if k not in seen):
            return None
        share = evidence.outputs_of([i]) / evidence.outputs_of([0])
        new = gradient_factors(evidence, i, loss)
        same = [c for c in factors or () if any(same_factor(d, c) for d in new)]
        means = [c for c in factors or () if any(same_factor(d * share, c) for d in new)]
        factors = [d * share for d in new] if factors is None else same or means
        if not factors:
            return None
        seen.update(own)
    return factors[0] if factors else None


def gradient_factors(evidence: Evidence, i: int, loss: str) -> list[float]:
    """Return the common factors of events that are the true gradients of an iteration.

    Gradients that are zero are left out. Each update must depend on its gradient.
    """
    found = {k: gradient_events(evidence, i, k, loss) for k in _known_groups(evidence, i, loss)}
    return _common(evidence, evidence.iterations[i], found) if all(found.values()) else []


def _known_groups(evidence: Evidence, i: int, loss: str) -> list[int]:
    """Return the groups whose gradient in an iteration is known and not zero."""
    return [k for k in range(len(evidence.groups)) if has_gradient(evidence, i, k, loss)]


def has_gradient(evidence: Evidence, i: int, k: int, loss: str) -> bool:
    """Return whether the gradient of a group in an iteration is known and not zero."""
    slopes = evidence.truth[i][k]
    return loss in slopes.values and _is_known(slopes.values[loss], slopes.errors[loss])


def gradient_events(
    evidence: Evidence, i: int, k: int, loss: str
) -> dict[float, list[tuple[Event, ...]]]:
    """Return the events that are a multiple of a group's gradient in an iteration."""
    it, slopes = evidence.iterations[i], evidence.truth[i][k]
    g, e = slopes.values[loss], slopes.errors[loss]
    return equal_events(evidence, it, evidence.groups[k], g, e, window_of(evidence, it))


def _is_known(g: Array, e: Array) -> bool:
    """Return whether a gradient is not zero, or not only within its errors.

    If every number is at a kink, as all biases before a relu are for a sample of zeros, its factor
    is not known well enough to be compared with those of other gradients.
    """
    if not np.all(np.isfinite(g)):
        return True
    sure = e <= AT_KINK * np.abs(g).max()
    return bool(sure.any() and np.abs(g[sure]).max() > max(10 * e[sure].max(), TINY))


def window_of(evidence: Evidence, it: Iteration) -> Sequence[Event]:
    """Return the events of an iteration from where an output meets its targets."""
    return evidence.trace.order[evidence.trace.at[it.pairs[0].error] : it.end + 1]


def accumulated(evidence: Evidence, loss: str) -> list[int]:
    """Return the groups whose second step is that of the sum of the first two gradients.

    There are none if the step of another group is not right.
    """
    with_loss = [i for i, t in enumerate(evidence.truth) if loss in t[0].values]
    if len(with_loss) < 2:
        return []
    one, two = with_loss[:2]
    found: list[int] = []
    for k, group in enumerate(evidence.groups):
        (s0, _), (s1, noise) = (evidence.updates(evidence.iterations[i], group) for i in (one, two))
        g0, g1 = (evidence.truth[i][k].values[loss] for i in (one, two))
        total = float(g0 @ g0)
        if not total or not np.all(np.isfinite(s1)):
            return []
        c = float(s0 @ g0) / total
        bound = 1e-4 * np.abs(s1).max() + noise.max()
        if np.abs(s0 - c * g0).max() > 1e-4 * np.abs(s0).max() + noise.max():
            return []
        if np.abs(s1 - c * g1).max() <= bound:
            continue
        if np.abs(s1 - c * (g0 + g1)).max() > bound:
            return []
        found.append(k)
    return found


def where_accumulated(evidence: Evidence, k: int, loss: str) -> Event:
    """Return where the first two gradients of a group are added, or else its update."""
    update = evidence.iterations[0].parameters[evidence.groups[k].entries[0].parameter].after
    truths = [t[k] for t in evidence.truth if loss in t[k].values][:2]
    if len(truths) < 2:
        return update
    it = next(
        i for i, t in zip(evidence.iterations, evidence.truth, strict=True) if t[k] is truths[1]
    )
    g, e = sum(t.values[loss] for t in truths), sum(t.errors[loss] for t in truths)
    group, window = evidence.groups[k], window_of(evidence, it)
    equal = equal_events(evidence, it, group, np.asarray(g), np.asarray(e), window)
    events = [x for found in equal.values() for events in found for x in events]
    trace = evidence.trace
    sums = [x for x in events if trace.place(x).op in ADDITIVE]
    first = min(sums or events, key=lambda x: trace.at[x], default=None)
    return first or update


def _common(
    evidence: Evidence, it: Iteration, found: dict[int, dict[float, list[tuple[Event, ...]]]]
) -> list[float]:
    """Return the factors that all groups have, if each update depends on such an event."""
    factors: list[float] = []
    for c in sorted(next(iter(found.values())) if found else [], key=abs):
        for k, equal in found.items():
            fits = [e for d, e in equal.items() if same_factor(d, c)]
            if not any(
                _feeds(evidence, it, evidence.groups[k], x) for events in fits for x in events
            ):
                break
        else:
            factors.append(c)
    return factors


def _feeds(evidence: Evidence, it: Iteration, group: Group, events: tuple[Event, ...]) -> bool:
    """Return whether a group's update depends on a gradient."""
    afters = [it.parameters[e.parameter].after for e in group.entries]
    changes = {e: evidence.trace.nudge(e) for e in events}
    made = evidence.trace.run(changes, evidence.trace.order[it.end], afters).values
    return all(a in made and not np.array_equal(made[a], evidence.trace.value(a)) for a in afters)


def goes_down(evidence: Evidence, i: int, k: int, loss: str) -> bool:
    """Return whether a group's steps are those of a rule: against the gradient, or with decay."""
    it, group = evidence.iterations[i], evidence.groups[k]
    g, e = evidence.truth[i][k].values[loss], evidence.truth[i][k].errors[loss]
    s, noise = evidence.updates(it, group)
    w = np.array([_old_value(evidence, it, x) for x in group.entries])
    last = np.array([_last_step(evidence, it, x) for x in group.entries])
    basis = np.stack([g, w, last], axis=1)
    fitted, *_ = np.linalg.lstsq(basis, s, rcond=None)
    off = np.abs(basis @ fitted - s).max()
    if len(s) > 3 and off <= TOLERANCE * np.abs(s).max() * 10:
        shrinks = fitted[1] <= SAME_FACTOR * abs(fitted[0])  # a penalty makes weights smaller
        keeps = -SAME_FACTOR <= fitted[2] < 1  # of the last step, by momentum
        return bool(fitted[0] < 0 and shrinks and keeps)
    signs = _signs((g, e), (s, noise))
    return bool(signs.size and np.all(signs < 0))


def goes_up(evidence: Evidence, i: int, k: int, loss: str) -> bool:
    """Return whether every number of a group's steps has the sign of its gradient."""
    slopes = evidence.truth[i][k]
    steps = evidence.updates(evidence.iterations[i], evidence.groups[k])
    signs = _signs((slopes.values[loss], slopes.errors[loss]), steps)
    return bool(signs.size and np.all(signs > 0))


def _signs(gradient: tuple[Array, Array], steps: tuple[Array, Array]) -> Array:
    """Return the signs of the products of gradients and steps that are not nearly zero."""
    (g, e), (s, noise) = gradient, steps
    clear = (np.abs(g) > 10 * e) & (np.abs(s) > 10 * noise)
    return np.sign(s[clear]) * np.sign(g[clear])


def _last_step(evidence: Evidence, it: Iteration, entry: Entry) -> float:
    """Return the step before this one, or 0 if there is none."""
    p, values = it.parameters[entry.parameter], evidence.trace.base.values
    turn = p.before.turn - p.update.every
    earlier = Event(p.before.code, turn)
    if not p.update.every or turn < 0 or earlier not in values or p.before not in values:
        return 0.0
    if values[earlier].shape != values[p.before].shape:
        return 0.0
    return float((values[p.before] - values[earlier]).reshape(-1)[entry.index])


def _old_value(evidence: Evidence, it: Iteration, entry: Entry) -> float:
    before = evidence.trace.value(it.parameters[entry.parameter].before)
    return float(before.reshape(-1)[entry.index])


def equal_events(
    evidence: Evidence, it: Iteration, group: Group, g: Array, e: Array, window: Sequence[Event]
) -> dict[float, list[tuple[Event, ...]]]:
    """Return the events that are a multiple of a group's gradient, by the factor."""
    found: dict[float, list[tuple[Event, ...]]] = {}
    if not np.all(np.isfinite(g)) or not _is_known(g, e):
        return found
    p = it.parameters[group.entries[0].parameter]
    single = p.size > 1 or len(group.entries) == 1
    index = np.array([x.index for x in group.entries]) if single else np.arange(len(group.entries))
    shape = p.index.shape if single else (len(group.entries),)
    weight = 1 / (e + 1e-6 * np.abs(g).max()) ** 2  # errors are large at kinks
    for events in _like(evidence, p, window) if single else _in_turn(evidence, it, group, window):
        b = np.concatenate([evidence.trace.value(x).reshape(-1) for x in events])
        b = evidence.trace.value(events[0]) if len(events) == 1 else b
        for flat in _orders(b, shape):
            v = flat[index]
            d = float(np.sum(weight * v * g) / np.sum(weight * g * g))
            if d and np.all(np.abs(v - d * g) <= TOLERANCE * np.abs(v).max() + abs(d) * e):
                found.setdefault(d, []).append(events)
    return found


def _like(evidence: Evidence, p: Parameter, window: Sequence[Event]) -> list[tuple[Event, ...]]:
    """Return the events that have as many numbers as a parameter."""
    return [
        (b,)
        for b in window
        if evidence.trace.has(b)
        and evidence.trace.size(b) == p.size
        and b not in (p.after, p.before)
    ]


def _in_turn(
    evidence: Evidence, it: Iteration, group: Group, window: Sequence[Event]
) -> list[tuple[Event, ...]]:
    """Return the events of places that are passed once for each of some scalars.

    If a loop passes the place for other scalars too, each has the event just before its update.
    """
    trace, turns = evidence.trace, dict[int, list[Event]]()
    for b in window:
        if trace.size(b) == 1 and trace.has(b):
            turns.setdefault(b.code, []).append(b)
    ends = [trace.at[it.parameters[e.parameter].after] for e in group.entries]
    found: list[tuple[Event, ...]] = []
    for events in turns.values():
        own = events if len(events) == len(ends) else _last_before(evidence, ends, events)
        if len(set(own)) == len(ends):
            found.append(tuple(own))
    return found


def _last_before(evidence: Evidence, ends: list[int], events: list[Event]) -> list[Event]:
    """Return the last of some events before each of some positions in the program's order."""
    positions = [evidence.trace.at[e] for e in events]
    return [events[i - 1] for i in (bisect_left(positions, end) for end in ends) if i]


def _orders(b: Array, shape: tuple[int, ...]) -> list[Array]:
    """Return an array's numbers in the order of a parameter's: as they are, and transposed."""
    found = [b.reshape(-1)]
    if len(shape) == 2 and min(shape) > 1 and b.shape == shape[::-1]:
        found.append(b.T.reshape(-1))
    return found
