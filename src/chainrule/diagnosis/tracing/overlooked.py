"""Find numbers of large arrays whose steps are wrong, though those that were judged are right.

Of a large array only some numbers are judged by themselves. Of all others together, the derivatives
along a few random directions are compared with the steps; where they differ, the numbers are found
by halving the array again and again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.tracing.directions import slopes_along
from chainrule.diagnosis.tracing.gradients import Entry
from chainrule.diagnosis.tracing.histories import oriented
from chainrule.diagnosis.tracing.judging import Judge, Judgment
from chainrule.submission import Array, Event

Indices: TypeAlias = NDArray[np.int64]

CLOSE = 1e-4  # relative difference along a direction; each number is judged by itself afterwards
SMALLEST = 1e-6  # steps, relative to the largest, that are made as large as the others
DIRECTIONS = 2
MOST_FOUND = 3  # numbers of a group that are looked for
MOST_PARTS = 80  # of arrays that are compared
SEED = 3


class Overlooked:
    """Looks for numbers whose steps are not the multiple of the gradient that the others are.

    Parameters
    ----------
    judge : Judge
    own : Judgment
        Its judgement, which is right.
    """

    def __init__(self, judge: Judge, own: Judgment) -> None:
        self.judge, self.own = judge, own
        known = judge.known_in(own.loss)
        self.number = known[0] if known else 0
        self.is_known = bool(known)
        self.rng = np.random.default_rng(SEED)
        self.left = MOST_PARTS

    def add_to_groups(self) -> bool:
        """Add such numbers to those that are judged; return whether there are any."""
        found = {k: self._entries(k) for k in range(len(self.judge.groups)) if self._is_sampled(k)}
        for k, entries in found.items():
            group = self.judge.groups[k]
            self.judge.groups[k] = replace(group, entries=[*entries, *group.entries])
        if any(found.values()):
            self._compute_again([k for k, entries in found.items() if entries])
        return any(found.values())

    def _is_sampled(self, k: int) -> bool:
        return self.is_known and not self.judge.groups[k].complete

    def _compute_again(self, groups: Sequence[int]) -> None:
        """Compute the true gradients of groups with more numbers, where they can be computed."""
        judge = self.judge
        for i, it in enumerate(judge.iterations):
            for k in groups:
                judge.truth[i][k] = judge.truths(judge.differences[i], it, judge.groups[k])

    def _entries(self, k: int) -> list[Entry]:
        """Return some numbers of a group whose steps are wrong."""
        every, steps = self.judge.groups[k].every, self._steps(k)
        factor = self._factor(k, steps)
        if steps is None or factor is None:
            return []
        numbers = np.arange(len(every))
        if not self._differs(k, steps, factor, numbers):
            return []
        found = [every[n] for n in self._halved(k, steps, factor, numbers)]
        return [entry for entry in found if entry not in self.judge.groups[k].entries]

    def _steps(self, k: int) -> Array | None:
        """Return the steps of all numbers of a group, or minus the gradients that a rule takes."""
        judge, group = self.judge, self.judge.groups[k]
        it = judge.iterations[self.number]
        if not self.own.rule or judge.gradients is not None:
            whole = replace(group, entries=group.every)
            judge.groups[k] = whole  # a group is found by its identity
            steps, _ = judge.steps(it, whole)
            judge.groups[k] = group
            return steps
        made = next((m for m, _ in oriented(judge, self.number, k, self.own.loss)), None)
        if made is None:
            return None
        values = {e: judge.trace.value(e) for e in made.events}
        return made.numbers(values, [e.index for e in group.every])

    def _factor(self, k: int, steps: Array | None) -> float | None:
        """Return step / gradient of the numbers that were judged."""
        group = self.judge.groups[k]
        g = self.judge.truth[self.number][k].values[self.own.loss]
        total = float(g @ g)
        if steps is None or not total or not np.all(np.isfinite(steps)):
            return None
        at = {entry: n for n, entry in enumerate(group.every)}
        own = np.array([steps[at[entry]] for entry in group.entries])
        return float(own @ g) / total

    def _halved(self, k: int, steps: Array, factor: float, numbers: Indices) -> Iterator[int]:
        """Yield numbers that differ, some of those among the given ones."""
        parts: list[Indices] = [numbers]
        count = 0
        while parts and count < MOST_FOUND and self.left > 0:
            part = parts.pop()
            if len(part) == 1:
                count += 1
                yield int(part[0])
                continue
            halves = (part[: len(part) // 2], part[len(part) // 2 :])
            parts += [h for h in halves if self._differs(k, steps, factor, h)]

    def _differs(self, k: int, steps: Array, factor: float, numbers: Indices) -> bool:
        """Return whether steps are not a multiple of the gradient, along all of some directions."""
        self.left -= 1
        ways = self._ways(steps[numbers])
        made = [self._direction(k, numbers, v) for v in ways]
        differences = self.judge.differences[self.number]
        slopes = np.array(slopes_along(differences, made, self.own.loss))
        own = ways @ steps[numbers]
        sizes = np.linalg.norm(ways * steps[numbers], axis=1)
        known = self.judge.truth[self.number][k]
        noise = 10 * abs(factor) * float(np.median(known.errors[self.own.loss]))
        agree = np.abs(own - factor * slopes) <= CLOSE * sizes + noise  # NaN does not
        plain, scaled = np.split(~agree, 2)
        return bool(plain.all() or scaled.all())

    def _ways(self, steps: Array) -> Array:
        """Return directions: some in which all numbers move alike, and some by their steps.

        In the latter, those with small steps, as of small inputs, move more than the others.
        """
        shape = (DIRECTIONS, len(steps))
        plain = self.rng.uniform(0.5, 1.5, shape) * self.rng.choice([-1.0, 1.0], shape)
        largest = max(float(np.abs(steps).max()), 1e-300)
        share = np.abs(steps) / largest
        scaled = plain / np.where(share > 0, np.maximum(share, SMALLEST), 1.0)
        both = np.concatenate([plain, scaled])
        return both / np.linalg.norm(both, axis=1, keepdims=True)

    def _direction(self, k: int, numbers: Indices, v: Array) -> dict[Event, Array]:
        """Return how the numbers of the origins change along a direction."""
        judge = self.judge
        it = judge.iterations[self.number]
        found: dict[Event, Array] = {}
        for n, way in zip(numbers, v, strict=True):
            entry = judge.groups[k].every[int(n)]
            p = it.parameters[entry.parameter]
            added = found.setdefault(p.origin, np.zeros(judge.trace.value(p.origin).shape))
            added.reshape(-1)[int(p.index.reshape(-1)[entry.index])] += float(way)
        return found
