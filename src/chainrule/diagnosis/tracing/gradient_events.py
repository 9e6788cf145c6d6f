"""Find the gradients that an update rule such as Adam's takes, whatever it does with them.

They are the numbers through which alone an update depends on the targets, each of them changing
one number of its parameter. What comes before them is the backward pass, which is linear in the
error; what comes after them is the rule.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.tracing.gradients import Group, moved_by_targets
from chainrule.diagnosis.tracing.outputs import Iteration, target_changes
from chainrule.diagnosis.tracing.parameters import READ
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Array, Change, Event

MOST = 12  # quantities of a group that are tried


@dataclass(frozen=True)
class GradientEvents:
    """The events whose numbers a rule takes as the gradient of a group.

    Parameters
    ----------
    events : tuple of Event
        One with the shape of the parameter, or one for each of some single numbers.
    transposed : bool
        Whether its numbers are in the order of the transposed parameter.
    gain : float
        By how much the new parameter changes with it, if the rule is linear.
    linear : bool
        Whether it is.
    """

    events: tuple[Event, ...]
    transposed: bool = False
    gain: float = -1.0
    linear: bool = False

    def steps(self, values: Mapping[Event, Array], index: Sequence[int]) -> Array | None:
        """Return what a linear rule would make of the gradients, or None if some are missing."""
        found = self.numbers(values, index)
        return None if found is None else self.gain * found

    def numbers(self, values: Mapping[Event, Array], index: Sequence[int]) -> Array | None:
        """Return the gradients of the numbers with these indices, or None if some are missing."""
        if any(e not in values for e in self.events):
            return None
        if len(self.events) > 1:
            return np.array([float(values[e].reshape(-1)[0]) for e in self.events])
        found = values[next(iter(self.events))]
        flat = (found.T if self.transposed else found).reshape(-1)
        return flat[np.array(index)] if flat.size > max(index) else None

    def moved(self, trace: Trace, one: Iteration, other: Iteration) -> "GradientEvents | None":
        """Return the events of the same places in another iteration, or None."""
        made = [same_in(trace, e, one, other) for e in self.events]
        found = tuple(e for e in made if e is not None)
        return replace(self, events=found) if len(found) == len(made) else None


def same_in(trace: Trace, event: Event, one: Iteration, other: Iteration) -> Event | None:
    """Return the event of the same place, and as late among its turns, in another iteration."""
    own, others = (turns_in(trace, event.code, it) for it in (one, other))
    # the last turns of the iteration before may be among them, so they are counted from the end
    place = len(own) - own.index(event) if event in own else 0
    return others[-place] if 0 < place <= len(others) else None


def turns_in(trace: Trace, code: int, it: Iteration) -> list[Event]:
    """Return the events of a place in an iteration."""
    events = (Event(code, n) for n in range(trace.count[code]))
    return [e for e in events if e in trace.at and it.begin <= trace.at[e] <= it.end]


class GradientFinder:
    """Finds the gradients that the rule of an iteration takes.

    Parameters
    ----------
    trace : Trace
    it : Iteration
    groups : sequence of Group
    """

    def __init__(self, trace: Trace, it: Iteration, groups: Sequence[Group]) -> None:
        self.trace, self.it, self.groups = trace, it, groups
        self.targets = target_changes(trace, it, it.pairs)
        start = min(trace.at[p.error] for p in it.pairs)
        moved = moved_by_targets(trace, it)
        own = {p.after for p in it.parameters}
        seen: set[tuple[int, tuple[int, ...]]] = set()
        self.window: list[Event] = []
        for e in trace.order[start : it.end + 1]:
            key = trace.base.marks[e], trace.base.shapes[e]
            written = trace.place(e).kind not in READ and e in moved and e not in own
            if written and trace.has(e) and (trace.size(e) == 1 or key not in seen):
                seen.add(key)
                self.window.append(e)

    def find(self) -> list[list[GradientEvents]] | None:
        """Return what may be the gradient of each group, or None if nothing may be one's.

        A rule may mix the groups, as clipping by the norm of all gradients does. The first events
        may be parts of sums; then later ones are the gradients. Of a single number it does not
        show which of the numbers before its update is its gradient.
        """
        several = [k for k, group in enumerate(self.groups) if len(group.entries) > 1]
        chosen = self._of_arrays([self.groups[k] for k in several])
        if not chosen:
            return None
        found: list[list[GradientEvents]] = []
        arrays = dict(zip(several, chosen, strict=True))
        for k, group in enumerate(self.groups):
            found.append([arrays[k]] if k in arrays else self._of_single(group, chosen))
        gained = self._with_gains(found)
        return gained if all(gained) else None

    def _of_arrays(self, groups: Sequence[Group]) -> list[GradientEvents] | None:
        """Return the gradients of groups with several numbers, or None."""
        made = [list(islice(self._entrywise(group), MOST)) for group in groups]
        if not all(made):
            return None
        first = [each[0] for each in made]
        if self._are_all(first, groups):
            return first
        pairs = zip(made, groups, strict=True)
        alone = [next((m for m in each if self._are_all([m], [g])), None) for each, g in pairs]
        found = [m for m in alone if m is not None]
        return found if len(found) == len(made) else None

    def _of_single(self, group: Group, others: Sequence[GradientEvents]) -> list[GradientEvents]:
        """Return what may be the gradient of a single number, the nearest to its update first."""
        likely = list(self._candidates(group))[::-1][: 2 * MOST]
        return [
            made
            for made in likely
            if self._is_entrywise(made, group)
            and (self._are_all([made], [group]) or self._are_all([*others, made], [group]))
        ]

    def _with_gains(self, found: list[list[GradientEvents]]) -> list[list[GradientEvents]]:
        """Return the gradients with the rates of the groups if the rule is linear in all of them.

        Under an adaptive rule such as Adam's, a factor of the gradients has hardly an effect.
        """
        gains = [
            [self._gain(made, group) for made in each]
            for each, group in zip(found, self.groups, strict=True)
        ]
        if any(c is None for each in gains for c in each):
            return found
        return [
            [
                replace(m, gain=c, linear=True)
                for m, c in zip(each, own, strict=True)
                if c is not None
            ]
            for each, own in zip(found, gains, strict=True)
        ]

    def _gain(self, made: GradientEvents, group: Group) -> float | None:
        """Return by how much new parameters change with the gradients, or None if not linearly."""
        trace, afters, ratios = self.trace, self._afters(group), list[float]()
        if len(made.events) > 1 and len(afters) != len(made.events):
            return None
        for size in (0.5, 1.0, -1.0):
            added = {e: size * trace.value(e) for e in made.events}
            changes = {e: Change(a, add=True) for e, a in added.items()}
            ran = trace.run(changes, trace.order[self.it.end], afters).values
            if any(a not in ran or ran[a].shape != trace.value(a).shape for a in afters):
                return None
            moved = np.concatenate([(ran[a] - trace.value(a)).ravel() for a in afters])
            given = [added[e].T if made.transposed else added[e] for e in made.events]
            flat = np.concatenate([a.ravel() for a in given])
            if flat.size != moved.size or not np.any(flat):
                return None
            c = float(moved @ flat) / float(flat @ flat)
            if not c or np.abs(moved - c * flat).max() > 1e-6 * np.abs(moved).max():
                return None
            ratios.append(c)
        return ratios[0] if np.ptp(ratios) <= 1e-5 * abs(ratios[0]) else None

    def opposite(self, made: GradientEvents, group: Group) -> GradientEvents | None:
        """Return the first events after some that are a negative multiple of them, or None."""
        own = np.concatenate([self.trace.value(e).ravel() for e in made.events])
        for other in islice(self._entrywise(group), MOST):
            numbers = np.concatenate([self.trace.value(e).ravel() for e in other.events])
            c = float(own @ numbers) / max(float(own @ own), 1e-300)
            same = other.transposed == made.transposed and own.shape == numbers.shape
            if same and c < 0 and np.allclose(numbers, c * own, rtol=1e-9):
                return other
        return None

    def _entrywise(self, group: Group) -> Iterator[GradientEvents]:
        """Yield the events each number of which changes one number of a parameter."""
        for made in self._candidates(group):
            if self._is_entrywise(made, group):
                yield made

    def _candidates(self, group: Group) -> Iterator[GradientEvents]:
        p = self.it.parameters[group.entries[0].parameter]
        if p.size == 1 and len(group.entries) > 1:
            turns: dict[int, list[Event]] = {}
            for e in self.window:
                if self.trace.size(e) == 1:
                    turns.setdefault(e.code, []).append(e)
            yield from (
                GradientEvents(tuple(v)) for v in turns.values() if len(v) == len(group.entries)
            )
            return
        shape = _squeezed(p.index.shape)
        shapes = self.trace.base.shapes
        last = {(e.code, shapes[e]): e for e in self.window}  # earlier ones may be parts of a sum
        for e in sorted(self.window, key=lambda e: last[e.code, shapes[e]] != e):
            own = _squeezed(self.trace.base.shapes[e])
            if own == shape:
                yield GradientEvents((e,))
            if len(shape) == 2 and own == shape[::-1] and own[0] > 1:
                yield GradientEvents((e,), transposed=True)

    def _afters(self, group: Group) -> list[Event]:
        used = dict.fromkeys(e.parameter for e in group.entries)
        return [self.it.parameters[k].after for k in used]

    def _is_entrywise(self, made: GradientEvents, group: Group) -> bool:
        """Return whether some of the numbers change the same numbers of the parameter only.

        They get the other sign, which neither clipping hides nor a norm shows.
        """
        trace, afters = self.trace, self._afters(group)
        size = sum(trace.size(e) for e in made.events)
        half = trace.rng.permutation(size) < (size + 1) // 2
        ran = trace.run(self._flipped(made, half), trace.order[self.it.end], afters).values
        if any(a not in ran or ran[a].shape != trace.value(a).shape for a in afters):
            return False
        changed = np.concatenate([(ran[a] != trace.value(a)).ravel() for a in afters])
        if len(changed) != size:
            return False
        if made.transposed:
            half = half.reshape(_squeezed(trace.base.shapes[made.events[0]])).T.ravel()
        return bool(changed.any() and not np.any(changed & ~half))

    def _flipped(self, made: GradientEvents, chosen: NDArray[np.bool_]) -> dict[Event, Change]:
        """Return changes of the sign of the chosen numbers of some events."""
        found: dict[Event, Change] = {}
        at = 0
        for e in made.events:
            value = self.trace.value(e)
            own = chosen[at : at + value.size].reshape(value.shape)
            found[e] = Change(np.where(own, -value, value))
            at += value.size
        return found

    def _are_all(self, made: Sequence[GradientEvents], groups: Sequence[Group]) -> bool:
        """Return whether updates do not depend on the targets while their gradients are kept."""
        trace = self.trace
        afters = [a for group in groups for a in self._afters(group)]
        kept = {e: Change(trace.value(e)) for each in made for e in each.events}
        changes = {e: c for e, c in self.targets.items() if e not in kept}
        ran = trace.run({**changes, **kept}, trace.order[self.it.end], afters).values
        return all(a in ran and np.array_equal(ran[a], trace.value(a)) for a in afters)


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n > 1)
