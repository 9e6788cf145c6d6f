"""Find the line of a fault: put the right number in the place of each backward one, in order.

The right numbers are the true derivatives by the forward quantities. The first place at which one
of them makes a wrong update right is where the fault is.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule.diagnosis.tracing.comparing import SAME_FACTOR, TINY, TOLERANCE, ratio, shaped
from chainrule.diagnosis.tracing.directions import Probes
from chainrule.diagnosis.tracing.gradients import moved_by_targets
from chainrule.diagnosis.tracing.judging import Judge, Judgment
from chainrule.diagnosis.tracing.outputs import Iteration
from chainrule.diagnosis.tracing.quantities import Fault, Quantity, Steps, between, rows_of
from chainrule.diagnosis.tracing.quantity_slopes import quantity_slopes
from chainrule.submission import Array, Change, Event, Place

LARGEST = 2_000  # numbers of a quantity that is tried
LARGEST_ALONE = 300  # the same under a loss of which the samples' parts are not known
MOST_FAULTS = 4
MOST_PROBED = 60  # quantities with which backward ones are compared to find factors
MOST_RUNS = 1_200  # of the program
MOST_RUNS_OWN = 500  # under the program's own loss, where single places show less
MOST_TURNS = 64
MOST_FACTORS = 6
CLOSE = 1e-5  # relative, of numbers that count as equal


class Placer:
    """Finds the faults of a program that was judged wrong.

    Parameters
    ----------
    judge : Judge
    judgement : Judgment
    seconds : float
        Time limit.
    """

    def __init__(self, judge: Judge, judgement: Judgment, seconds: float = 12.0) -> None:
        self.judge, self.loss = judge, judgement.loss
        self.trace = judge.trace
        self.number = self._best_iteration()
        self.it: Iteration = judge.iterations[self.number]
        self.truth = judge.truth[self.number]
        self.differences = judge.differences[self.number]
        self.factor = judgement.factor if judgement.certain else None
        self.uneven = judgement.uneven
        self.end = time.monotonic() + seconds
        runs = MOST_RUNS if self.loss in self.differences.weights else MOST_RUNS_OWN
        self.last = self.trace.program.requests + runs
        self.probes = Probes(self.differences, self.loss)
        self.known: dict[Event, Array] = {}
        self.fixes: dict[Event, Change] = {}
        self.left: set[int] = set()
        self.unchanged: tuple[int, dict[Event, Array]] | None = None

    def _best_iteration(self) -> int:
        """Return the iteration with the most numbers whose gradient is not zero."""
        usable = self.judge.known_in(self.loss)
        seen = [
            sum(int(np.sum(np.abs(s.values[self.loss]) > 1e-9)) for s in self.judge.truth[i])
            for i in usable
        ]
        return usable[int(np.argmax(seen))]

    @property
    def is_late(self) -> bool:
        """Whether the runs or the time are used up: what is found depends on the time last."""
        return self.trace.program.requests > self.last or time.monotonic() > self.end

    def faults(self) -> list[Fault]:
        """Return the faults in program order; the groups that stay wrong are in `left`."""
        self.forward = list(self._forward())
        self.backward = self._backward()
        self.factors = self._factors()
        found: list[Fault] = []
        right = self._right_groups({})
        everything = set(range(len(self.judge.groups))) - self.judge.skipped
        while right < everything and len(found) < MOST_FAULTS and not self.is_late:
            fault = self._next(right)
            if fault is None:
                break
            found.append(fault)
            right |= set(fault.repaired)
        for k in sorted(everything - right):
            fault = self._misfit(k, right)
            if fault is not None:
                found.append(fault)
                right |= set(fault.repaired)
        self.left = everything - right
        return found

    def _misfit(self, k: int, right: set[int]) -> Fault | None:
        """Return the first quantity of another size that a gradient repairs, as of a wrong sum."""
        group = self.judge.groups[k]
        p = self.it.parameters[group.entries[0].parameter]
        if len(group.entries) != p.size:
            return None
        g = self.truth[k].values[self.loss].reshape(p.index.shape)
        place = replace(self.trace.place(p.after), name=p.name)
        for q in self.backward:
            if len(q.events) > 1 or q.size == p.size or self.is_late or not self._reaches(q, right):
                continue
            for c in self.factors:
                fixes = dict.fromkeys(q.events, Change(c * g))
                now = self._right_groups(fixes)
                if k in now and right < now:
                    self.fixes.update(fixes)
                    b, shown = self.value(q), self.trace.place(next(iter(fixes)))
                    return Fault(shown, b, c * g, place, c, "", tuple(sorted(now - right)))
        return None

    def adds_a_term(self) -> bool:
        """Return whether updates are right but for a part that does not come from the error.

        A penalty on activations is one, such as a sparsity or a KL term. It stays when the errors
        are set to zero; what a mistake does to the gradients vanishes with them.
        """
        errors = [p.error for p in self.it.pairs if not p.is_loss]
        if self.number or not errors:
            return False
        zeros = {e: Change(np.zeros_like(self.trace.value(e))) for e in errors}
        added = self._steps(zeros)
        rest = [(s - a, n + m) for (s, n), (a, m) in zip(self._steps({}), added, strict=True)]
        everything = set(range(len(self.judge.groups))) - self.judge.skipped
        if not all(np.all(np.isfinite(s)) for s, _ in rest) or not everything <= self._agreeing(
            rest
        ):
            return False
        return any(self._is_other_term(k, a, 1e3 * n) for k, (a, n) in enumerate(added))

    def _is_other_term(self, k: int, added: Array, noise: Array) -> bool:
        """Return whether steps without an error are not zero, and no penalty on the weights."""
        w = self.judge.old_values(0, k)
        if np.all(np.abs(added) <= noise + TINY):
            return False
        return not any(ratio(added, known, CLOSE) for known in (w, np.sign(w)) if np.any(known))

    # ---- quantities ----------------------------------------------------------------------------

    def _forward(self) -> Iterator[Quantity]:
        """Yield the forward quantities: those with a name, sums, and what functions return."""
        trace, it = self.trace, self.it
        origins = {p.origin for p in it.parameters}
        start = trace.at[it.pairs[-1 if len(it.pairs) > 1 else 0].error]
        events = [
            e
            for e in trace.order[it.begin : start + 1]
            if e in it.depends and e not in origins and trace.has(e) and self._is_named(e)
        ]
        events = self._without_terms(events)
        last = {(e.code, trace.value(e).tobytes()): e for e in events}  # what is computed twice
        yield from self._quantities([e for e in events if e in set(last.values())], distinct=True)

    def _without_terms(self, events: Sequence[Event]) -> list[Event]:
        """Leave out terms without a name, which have the same derivative as their sum."""
        shapes, place = self.trace.base.shapes, self.trace.place
        sums = [e for e in events if place(e).op == "Add"]
        parts = {(Event(c, e.turn), shapes[e]) for e in sums for c in place(e).parts}
        return [e for e in events if place(e).name or (e, shapes[e]) not in parts]

    def _is_named(self, event: Event) -> bool:
        place, shapes = self.trace.place(event), self.trace.base.shapes
        if place.op == "Mult":  # a product of np.matrix has another shape than its factors
            parts = [Event(c, event.turn) for c in place.parts if c >= 0]
            return bool(place.name) or all(shapes.get(p) != shapes[event] for p in parts)
        return place.kind in ("value", "argument") and bool(
            place.name or place.op in ("call", "MatMult", "Add")
        )

    def _backward(self) -> list[Quantity]:
        """Return the quantities from the first error to the updates, in program order.

        Those with a name are tried even if they do not depend on the targets, by mistake.
        """
        trace, it = self.trace, self.it
        moved = moved_by_targets(trace, it)
        afters = {p.after for p in it.parameters}
        start = trace.at[it.pairs[0].error]
        events = [
            e
            for e in trace.order[start : it.end + 1]
            if e not in afters
            and trace.has(e)
            and trace.place(e).kind in ("value", "update", "argument", "container")
            and (e in moved or (trace.place(e).name and e in it.depends))
        ]
        return list(self._quantities(events, distinct=False))

    def _quantities(self, events: Sequence[Event], *, distinct: bool) -> Iterator[Quantity]:
        """Yield single arrays, and all turns of places that are passed several times."""
        trace = self.trace
        turns: dict[int, list[Event]] = {}
        for e in events:
            turns.setdefault(e.code, []).append(e)
        seen: set[tuple[int, ...]] = set()
        done: set[int] = set()
        for e in events:
            own = turns[e.code]
            shapes = {trace.base.shapes[x] for x in own}
            if len(own) > 1 and len(shapes) == 1 and e.code not in done and len(own) <= MOST_TURNS:
                done.add(e.code)
                together = Quantity(tuple(own), next(iter(shapes)))
                if together.size <= LARGEST and self._is_new(together, seen, distinct=distinct):
                    yield together
            alone = Quantity((e,), trace.base.shapes[e])
            is_single = (len(own) == 1 or trace.size(e) > 1) and alone.size <= LARGEST
            if is_single and self._is_new(alone, seen, distinct=distinct):
                yield alone

    def _is_new(self, q: Quantity, seen: set[tuple[int, ...]], *, distinct: bool) -> bool:
        if not distinct:
            return True
        marks = (len(q.shape), *(hash(self.trace.value(e).tobytes()) for e in q.events))
        is_new = marks not in seen
        seen.add(marks)
        return is_new

    def value(self, q: Quantity) -> Array:
        """Return a quantity's numbers, one row for each event."""
        return np.stack([self.trace.value(e) for e in q.events])

    # ---- right numbers -------------------------------------------------------------------------

    def derivative(self, q: Quantity) -> Array:
        """Return the derivative of the loss by a forward quantity."""
        if new := tuple(e for e in q.events if e not in self.known):
            made = quantity_slopes(self.differences, Quantity(new, q.shape), self.loss)
            self.known |= dict(zip(new, made, strict=True))
        return np.stack([self.known[e] for e in q.events])

    def _wanted(self, size: int) -> Iterator[tuple[Place, Array]]:
        """Yield the derivatives by forward quantities and by parameters of some size."""
        by_samples = self.loss in self.differences.weights
        for q in self.forward if by_samples or size <= LARGEST_ALONE else ():
            if q.size == size and not self.is_late:
                yield self.trace.place(q.events[0]), self.derivative(q)
        yield from self._by_parameters(size)

    def _by_parameters(self, size: int) -> Iterator[tuple[Place, Array]]:
        """Yield the derivatives by parameters of some size."""
        for k, group in enumerate(self.judge.groups):
            if len(group.entries) == group.size == size:
                p = self.it.parameters[group.entries[0].parameter]
                shape = p.index.shape if p.size > 1 else (group.size,)
                yield self.trace.place(p.after), self.truth[k].values[self.loss].reshape(1, *shape)

    def _factors(self) -> list[float]:
        """Return factors of backward quantities and derivatives, the likeliest first."""
        found = {1.0: 3.0, -1.0: 1.0}
        if self.factor:
            found[self.factor] = found[-self.factor] = 2.0
        several = [q for q in self.backward[:60] if q.size > 1]
        sizes = {q.size for q in several}
        likely = sorted(self.forward, key=lambda q: len(q.events) > 1)  # then the last ones
        self.probed = [q for q in likely if q.size in sizes][-MOST_PROBED:]
        self.probes.prepare(self.probed)
        for c in (float(f"{c:.6g}") for q in several for c in self._multiples(q)):
            found[c] = found.get(c, 0.0) + 1.0
        return sorted(found, key=lambda c: -found[c])[:MOST_FACTORS]

    def _multiples(self, q: Quantity) -> Iterator[float]:
        """Yield c for the derivatives of which a backward quantity is c times."""
        b = self.value(q)
        for known in self.probed:
            if known.size == q.size:
                yield from self.probes.ratios(b, known)
        for _, g in self._by_parameters(q.size):
            yield from (c for h in shaped(g, b.shape) if (c := ratio(b, h)))

    # ---- interventions -------------------------------------------------------------------------

    def _run(self, fixes: dict[Event, Change]) -> dict[Event, Array]:
        """Return what is judged after numbers have been replaced."""
        wanted = [e for g in self.judge.groups for e in self.judge.results_of(self.it, g)]
        pins = self.differences.pins(self.it.pairs[0].error) if self.it.number else {}
        return self.trace.run({**pins, **fixes}, self.trace.order[self.it.end], wanted).values

    def _steps(self, fixes: dict[Event, Change]) -> Steps:
        """Return the steps of each group after numbers have been replaced, and their rounding."""
        values = self._run({**self.fixes, **fixes})
        return [self.judge.steps(self.it, group, values) for group in self.judge.groups]

    def _right_groups(self, fixes: dict[Event, Change]) -> set[int]:
        """Return the groups that have one common factor after numbers have been replaced."""
        return self._agreeing(self._steps(fixes))

    def _agreeing(self, steps: Steps) -> set[int]:
        """Return the groups whose steps have one common factor."""
        factors = {k: self._own_factor(k, *each) for k, each in enumerate(steps)}
        zero = {k for k, c in factors.items() if c == 0}
        known = {k: c for k, c in factors.items() if c is not None and c < 0}
        if self.factor is not None:
            return zero | {k for k, c in known.items() if self._is_close(k, c, self.factor)}
        alike = [{j for j, d in known.items() if self._is_close(j, d, c)} for c in known.values()]
        sizes = [sum(len(self.judge.groups[k].entries) for k in found) for found in alike]
        if max(sizes, default=0) < 2:  # one number alone has a factor whatever it is
            return zero
        return zero | alike[int(np.argmax(sizes))]

    def _is_close(self, k: int, c: float, usual: float) -> bool:
        g, e = self.truth[k].values[self.loss], self.truth[k].errors[self.loss]
        uncertain = float(np.max(e)) / max(float(np.abs(g).max()), 1e-300)
        return abs(c - usual) <= (SAME_FACTOR + 10 * min(uncertain, 1.0)) * abs(usual)

    def _own_factor(self, k: int, s: Array, noise: Array) -> float | None:
        """Return a group's factor, 0 if gradient and steps are zero, or None."""
        g, e = self.truth[k].values[self.loss], self.truth[k].errors[self.loss]
        if not np.all(np.isfinite(s)):
            return None
        if np.abs(g).max() <= max(10 * np.max(e), TINY):
            return 0.0 if np.abs(s).max() <= 1e-9 + 10 * noise.max() else None
        c = float(s @ g / (g @ g))
        size = max(np.abs(s).max(), np.abs(c * g).max())
        fits = np.all(np.abs(s - c * g) <= 10 * TOLERANCE * size + 10 * noise + abs(c) * e)
        return c if fits and c else None

    def _next(self, right: set[int]) -> Fault | None:
        """Return the first place that makes a further group right.

        Numbers that are a right derivative as they are come last: a later place that repairs as
        much is wrong, and not they.
        """
        spare: Fault | None = None
        for q in self.backward:
            if self.is_late:
                break
            known = any(e in self.fixes for e in q.events) or self._is_judged_alone(q, right)
            if known or not self._reaches(q, right):
                continue
            fault = self._first_repair(q, right)
            if fault is None:
                continue
            if spare is None and not self.uneven and self._is_derivative(q):
                spare = fault
            elif spare is None or set(fault.repaired) >= set(spare.repaired):
                return self._kept(fault)
        return None if spare is None else self._kept(spare)

    def _is_judged_alone(self, q: Quantity, right: set[int]) -> bool:
        """Return whether a quantity is itself judged as a gradient, and none is right.

        What is put in its place is right then, whether or not it is meant as the gradient.
        """
        if right or self.judge.gradients is None:
            return False
        judged = (self.judge.results_of(self.it, group) for group in self.judge.groups)
        return set(q.events) <= {e for events in judged for e in events}

    def _first_repair(self, q: Quantity, right: set[int]) -> Fault | None:
        """Return the fault if some right numbers in the place of a quantity's repair a group."""
        b, zero = self.value(q), None
        for place, g in self._wanted(q.size):
            for h in shaped(g, b.shape):
                if not np.all(np.isfinite(h)):
                    continue
                zero = zero or self._steps({e: Change(0.0 * row) for e, row in rows_of(q, b)})
                once = self._steps({e: Change(row) for e, row in rows_of(q, h)})
                for c in self.factors:
                    if not right < self._agreeing(between(zero, once, c)):
                        continue
                    fault = self._tried(q, b, place, c, h, right)
                    if fault is not None:
                        return fault
        return None

    def _is_derivative(self, q: Quantity) -> bool:
        """Return whether a quantity is the derivative by a forward one, up to a usual factor."""
        return q.size > 1 and any(
            abs(c - usual) <= 1e-5 * abs(usual)
            for c in self._multiples(q)
            for usual in self.factors
        )

    def _kept(self, fault: Fault) -> Fault:
        """Return a fault, whose right numbers are used from here on."""
        self.fixes.update(fault.fixes)
        return fault

    def _unchanged(self) -> dict[Event, Array]:
        """Return what is judged with what has been repaired so far."""
        if self.unchanged is None or self.unchanged[0] != len(self.fixes):
            self.unchanged = len(self.fixes), self._run(self.fixes)
        return self.unchanged[1]

    def _reaches(self, q: Quantity, right: set[int]) -> bool:
        """Return whether a quantity has an effect on an update that is wrong."""
        return not self._reached(q) <= right

    def _reached(self, q: Quantity) -> frozenset[int]:
        """Return the groups on whose updates a quantity has an effect."""
        changes = {e: self.trace.nudge(e) for e in q.events}
        before, after = self._unchanged(), self._run({**self.fixes, **changes})
        moved = {e for e in before if e in after and not np.array_equal(before[e], after[e])}
        return frozenset(
            k
            for k, group in enumerate(self.judge.groups)
            if k not in self.judge.skipped
            and any(e in moved for e in self.judge.results_of(self.it, group))
        )

    def _tried(
        self, q: Quantity, b: Array, place: Place, c: float, h: Array, right: set[int]
    ) -> Fault | None:
        """Return the fault if these right numbers make a further group right."""
        made = c * h
        size = np.abs(b).max()
        if not np.all(np.isfinite(made)) or np.abs(made - b).max() <= CLOSE * (size + 1e-300):
            return None
        fixes = {e: Change(row) for e, row in zip(q.events, made, strict=True)}
        now = self._right_groups(fixes)
        if not right < now:
            return None
        reached = self._reached(q)
        shown = self.trace.place(q.events[0])
        reused = self._new_weights(q)
        repaired = tuple(sorted(now - right))
        return Fault(shown, b, made, place, c, reused, repaired, reached, fixes)

    def _new_weights(self, q: Quantity) -> str:
        """Return the parameter whose new value a quantity was computed with, if there is one."""
        trace = self.trace
        position = trace.at[q.events[0]]
        for p in self.it.parameters:
            if trace.at[p.after] < position:
                moved = trace.changed({p.after: trace.nudge(p.after)}, q.events[-1])
                if any(e in moved for e in q.events):
                    return p.name
        return ""
