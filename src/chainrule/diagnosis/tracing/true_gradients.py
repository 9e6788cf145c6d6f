"""What is known of a program that trains: its parameters, iterations and true gradients."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

import numpy as np

from chainrule.diagnosis.tracing.comparing import CLOSE, TINY, ratio
from chainrule.diagnosis.tracing.gradient_events import same_in, turns_in
from chainrule.diagnosis.tracing.gradients import (
    COARSE,
    LOSSES,
    OWN,
    Differences,
    Group,
    Slopes,
    groups,
)
from chainrule.diagnosis.tracing.outputs import (
    Iteration,
    Pair,
    dependents,
    iteration,
    merged,
    pairs,
    used_turns,
)
from chainrule.diagnosis.tracing.own_losses import (
    OwnLoss,
    gradients_by_group,
    is_like,
    minimized,
    own_losses,
    penalty_shares,
    same_place,
)
from chainrule.diagnosis.tracing.parameter_names import give_names
from chainrule.diagnosis.tracing.parameters import Parameter, ParameterFinder
from chainrule.diagnosis.tracing.seeds import before_seed, seeds_of
from chainrule.diagnosis.tracing.stated_losses import stated_loss
from chainrule.diagnosis.tracing.sufficiency import is_enough
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Array, Change, Event

MOST_ITERATIONS = 4
LONG, LONG_BEGINNING = 3, 1000  # events of a first iteration that is left out
ROUGH, PROBED = 1e-3, 3  # relative difference of two slopes, and how many of a group are tried
TOO_MANY = (
    "it was not found out in time which numbers it updates; give it fewer inputs or "
    "units, such as a few columns of the data"
)


class TrueGradients:
    """The parameters and iterations of one recorded program, and the true gradients of its losses.

    Parameters
    ----------
    trace : Trace
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.parameters: list[Parameter] = []
        self.sources: list[Parameter] = []  # the parameters of the first iteration of the program
        self.iterations: list[Iteration] = []
        self.groups: list[Group] = []
        self.scalars: list[OwnLoss] = []
        self.computing: Iteration | None = None  # that has these numbers, if not the first one
        self._own: list[str] | None = None
        self.only = ""  # the one loss that is tried, if it is known
        self.differences: list[Differences] = []
        self.truth: list[list[Slopes]] = []  # by iteration and group
        self.top: list[int] = []

    # ---- what is trained -----------------------------------------------------------------------

    def prepare(self, *, repeated: bool = False) -> str:
        """Find parameters, outputs and targets; return what is missing, or an empty string.

        Parameters
        ----------
        repeated : bool, default False
            Whether the program is known to have several iterations.
        """
        finder = ParameterFinder(self.trace, repeated=repeated)
        self.parameters = finder.find()
        if finder.is_late:
            return TOO_MANY
        if not self.parameters:
            return "no numbers were found that it updates"
        first = self._first(shared=finder.has_shared)
        if first is None:
            return "no iteration was recorded entirely"
        self.hold_before(first)
        if not self.trace.repeats(self.trace.order[first.end]):
            return "two runs of it differ"
        first = self._with_pairs(first)
        if first.pairs and len(trained := self._trained(first)) < len(self.parameters):
            first = self._with_pairs(first.with_only(trained))
        first.pairs = first.pairs or stated_loss(self.trace, first)
        if not first.pairs:
            return "no place was found where an output meets its targets"
        self.collect(first)
        return ""

    def hold_before(self, it: Iteration) -> None:
        """Hold the program before the first event of an iteration that may be changed."""
        origins = (p.origin for p in it.parameters)
        self.trace.program.hold(min(origins, key=lambda e: self.trace.at[e]))

    def _first(self, *, shared: bool) -> Iteration | None:
        """Return the iteration to begin with: the second one if much comes before the first.

        Before it trains, a program may compute much else, such as a numerical check. Parameters
        that begin as one number are different numbers only after the first update.
        """
        first, second = (iteration(self.trace, self.parameters, n) for n in (0, 1))
        if shared or first is None:
            return second
        if second is None:
            return first
        lengths = [it.end - it.begin for it in (first, second)]
        return second if lengths[0] > LONG * lengths[1] + LONG_BEGINNING else first

    def _with_pairs(self, it: Iteration) -> Iteration:
        """Return an iteration with its outputs and targets."""
        it.depends = dependents(self.trace, it)
        it.pairs = before_seed(self.trace, it, pairs(self.trace, it))
        return it

    def collect(self, first: Iteration) -> None:
        """Compute the true gradients of as many iterations as are needed."""
        kept = {p.update for p in first.parameters}
        self.sources = [p for p in self.parameters if p.update in kept]
        self.parameters = first.parameters
        self.groups = groups(self.trace, first)
        same = len(self.sources) == len(self.parameters)
        give_names(self.trace, self.parameters, self.sources if same else [], self.groups)
        self._add(first)
        while len(self.iterations) < MOST_ITERATIONS and not self.enough():
            following = self.iteration(first.number + len(self.iterations))
            if following is None or not self._add(following):
                break

    def iteration(self, number: int) -> Iteration | None:
        """Return an iteration of the same parameters, or None.

        It may not have been recorded entirely, or the program may begin anew with other weights.
        """
        found = iteration(self.trace, self.sources, number)
        if found is None or len(found.parameters) != len(self.parameters):
            return None
        return found if number == 0 or self._continues(found) else None

    def _continues(self, it: Iteration) -> bool:
        """Return whether an iteration begins with the parameters that the one before has made."""
        trace, marks = self.trace, self.trace.base.marks
        other = [p for p in it.parameters if marks[p.before] != marks[p.origin]]
        if not other:
            return True
        until = max((p.before for p in other), key=lambda e: trace.at[e])
        moved = trace.changed({p.origin: trace.nudge(p.origin) for p in other}, until)
        return all(p.before in moved for p in other)

    def with_pairs_of_first(self, it: Iteration) -> Iteration:
        """Return a later iteration with its outputs and targets, from the places of the first."""
        it.depends = dependents(self.trace, it)
        it.pairs = self._pairs(it)
        if self.is_differentiated():
            it.pairs = before_seed(self.trace, it, [])
        return it

    def is_differentiated(self) -> bool:
        """Return whether the loss is known only as the number that a reverse pass begins with."""
        first = self.iterations[0]
        return first.pairs[0].is_loss and bool(seeds_of(self.trace, first))

    def differentiated(self) -> Self | None:
        """Return the same under the number that a reverse pass begins with, as the loss, or None.

        None if there is no such number, or if it is the loss already.
        """
        first = self.iterations[0]
        if first.pairs[0].is_loss or not (found := before_seed(self.trace, first, [])):
            return None
        made = type(self)(self.trace)
        made.parameters = self.sources
        made.collect(replace(first, pairs=found))
        return made

    def _trained(self, first: Iteration) -> list[Parameter]:
        """Return the parameters that outputs depend on.

        What depends on what is found with NaN, which 0 does not hide: 0 · NaN is NaN. A comparison
        hides it, as in ``np.where(z > 0, z, 0)``; there, small changes show it.
        """
        trace = self.trace
        outputs = [p.output for p in first.pairs]
        until = max(outputs, key=lambda e: trace.at[e])
        origins = list({p.origin for p in first.parameters})
        spoiled = trace.spoiled_by_each([[o] for o in origins], until, outputs)
        reaching = {o for o, reached in zip(origins, spoiled, strict=True) if reached}
        left = [o for o in origins if o not in reaching]
        moved = trace.changed_by_each([{o: trace.nudge(o)} for o in left], until)
        reaching |= {o for o, m in zip(left, moved, strict=True) if not m.isdisjoint(outputs)}
        kept = [p for p in first.parameters if p.origin in reaching]
        return kept or first.parameters

    def _add(self, it: Iteration) -> bool:
        """Compute the true gradients of an iteration; return whether it has outputs."""
        trace = self.trace
        if self.iterations:
            self.with_pairs_of_first(it)
        if not it.pairs:
            return False
        if not self.scalars and len(self.iterations) < 2:  # a cost may be computed after an update
            self.scalars = own_losses(trace, it)
            self.computing = it if self.iterations else None
        made = Differences(trace, it, self.scalars_of(it))
        self.iterations.append(it)
        self.differences.append(made)
        with self._held_before(it):
            self.truth.append([self.truths(made, it, g) for g in self.groups])
        self._add_own_losses(self.truth[-1])
        if not self.top:
            self.top = self._nearest_to_output(it)
        return True

    @contextmanager
    def _held_before(self, it: Iteration) -> Generator[None]:
        """Begin all runs where a later iteration's parameters arise, not with the first one."""
        start = min((p.origin for p in it.parameters), key=lambda e: self.trace.at[e])
        held = len(self.iterations) > 1 and self.trace.program.hold(start)
        yield
        if held:
            self.trace.program.release()

    def scalars_of(self, it: Iteration) -> dict[str, Event]:
        """Return the numbers that may be the program's loss in an iteration, by their name."""
        if it.pairs and it.pairs[0].is_loss:
            return {f"{OWN} 0": it.pairs[0].output}
        first = self.computing or (self.iterations[0] if self.iterations else it)
        made = (same_place(self.trace, one.event, first, it) for one in self.scalars)
        return {f"{OWN} {n}": event for n, event in enumerate(made) if event is not None}

    def own_losses(self) -> list[str]:
        """Return the names of the own losses that can be distinguished from other numbers.

        If an iteration has one output, every number that depends on it has the same gradient up to
        a factor, which is another one in other iterations.
        """
        if self._own is None:
            names = (f"{OWN} {n}" for n in range(len(self.scalars)))
            self._own = [name for name in names if self._is_loss(name)]
        return self._own

    def minimized(self) -> str:
        """Return the name of the own loss that is known to be the one, or an empty text.

        The program has SciPy minimize it, or nothing else is known of its outputs.
        """
        if self.iterations[0].pairs[0].is_loss:
            return f"{OWN} 0"
        value = minimized(self.trace, self.iterations[0])
        marks = self.trace.base.marks
        names = (
            f"{OWN} {n}"
            for n, one in enumerate(self.scalars)
            if value is not None and marks[one.event] == marks[value]
        )
        return next(names, "")

    def own_loss(self, name: str) -> OwnLoss:
        """Return the number of the program that is meant by the name of a loss."""
        return self.scalars[int(name.split()[1])]

    def known_in(self, loss: str) -> list[int]:
        """Return the numbers of the iterations in which a loss is known."""
        return [i for i, t in enumerate(self.truth) if loss in t[0].values]

    def _is_loss(self, name: str) -> bool:
        its = self.known_in(name)
        if not its or (len(its) < 2 and self.outputs_of(its) < 2):
            return False
        one = self.own_loss(name)
        return (one.alone and one.has_targets) or self._is_known(name, its)

    def _is_known(self, name: str, its: Sequence[int]) -> bool:
        """Return whether a number has the gradient of a known loss, and perhaps of a penalty."""
        own, old = self._by_group(name, its), self._old_by_group(its)
        with np.errstate(all="ignore"):
            return any(is_like(own, self._by_group(loss, its), old) for loss in LOSSES)

    def penalties(self, own: str, loss: str) -> dict[int, float] | None:
        """Return s of each group if an own loss has the gradient of a loss and of a penalty.

        It is then that of the loss plus s · w, up to a factor. None if it is not so.
        """
        its = [i for i in self.known_in(own) if i in self.known_in(loss)]
        if not its:
            return None
        with np.errstate(all="ignore"):
            gradients = self._by_group(own, its), self._by_group(loss, its)
            return penalty_shares(*gradients, self._old_by_group(its))

    def _by_group(self, loss: str, its: Sequence[int]) -> dict[int, Array]:
        """Return the gradients of a loss in some iterations, by the group."""
        groups = range(len(self.groups))
        return gradients_by_group([(k, self.truth[i][k].values[loss]) for i in its for k in groups])

    def _old_by_group(self, its: Sequence[int]) -> dict[int, Array]:
        groups = range(len(self.groups))
        return gradients_by_group([(k, self.old_values(i, k)) for i in its for k in groups])

    def old_values(self, i: int, k: int) -> Array:
        """Return the numbers of a group before the update of an iteration."""
        parameters = self.iterations[i].parameters
        entries = self.groups[k].entries
        old = [self.trace.value(parameters[e.parameter].before) for e in entries]
        return np.array([v.reshape(-1)[e.index] for v, e in zip(old, entries, strict=True)])

    def outputs_of(self, its: Sequence[int]) -> int:
        """Return how many output numbers some iterations have."""
        pairs = (p for i in its for p in self.iterations[i].pairs)
        return sum(self.trace.size(p.output) for p in pairs)

    def _add_own_losses(self, truth: Sequence[Slopes]) -> None:
        """Add the gradients of own losses that an iteration does not compute, if they are known.

        A program may compute its loss in some iterations only, to print it. If it is a multiple of
        a usual loss in the first iteration, it is in the others.
        """
        if self.outputs_of([0]) < 2:
            return  # every number that depends on one output is a multiple of every loss
        for n in range(len(self.scalars)):
            own = f"{OWN} {n}"
            if own in truth[0].values or (found := self.usual_loss(own)) is None:
                continue
            loss, factor = found
            for slopes in truth:
                slopes.values[own] = factor * slopes.values[loss]
                slopes.errors[own] = abs(factor) * slopes.errors[loss]

    def usual_loss(self, own: str) -> tuple[str, float] | None:
        """Return of which usual loss an own one is a multiple, and the factor, or None."""
        first = self.truth[self.known_in(own)[0]]
        g = np.concatenate([t.values[own] for t in first])
        for loss in LOSSES:
            if factor := ratio(g, np.concatenate([t.values[loss] for t in first]), CLOSE):
                return loss, factor
        return None

    def _pairs(self, it: Iteration) -> list[Pair]:
        """Return the pairs of a later iteration: the same places as in the first.

        If only some turns of a place were outputs, as of the addition in an automatic derivative,
        they are those that are as late in the iteration.
        """
        trace, first = self.trace, self.iterations[0]
        alike: dict[tuple[int, int, int, bool, bool], list[Pair]] = {}
        for p in first.pairs:
            kind = p.error.code, p.output.code, p.targets.code, p.one_hot, p.is_loss
            alike.setdefault(kind, []).append(p)
        made: list[Pair] = []
        for (error, output, targets, one_hot, is_loss), own in alike.items():
            turns = turns_in(trace, error, it)[-1 if is_loss else 0 :]
            several = len(own) not in (len(turns), len(turns_in(trace, error, first)))
            if several and not one_hot:
                same = [same_in(trace, p.error, first, it) for p in own]
                turns = [e for e in same if e is not None]
            all_turns = [
                Pair(e, Event(output, e.turn), Event(targets, e.turn), one_hot, is_loss)
                for e in turns
            ]
            more = len(turns) > len(own) and trace.has(turns[-1])  # as to show the loss of all data
            made += used_turns(trace, it, all_turns) if more else all_turns
        known = (p for p in made if p.output in trace.at and p.targets in trace.at)
        return merged(trace, sorted(known, key=lambda p: trace.at[p.error]))

    @staticmethod
    def truths(made: Differences, it: Iteration, group: Group) -> Slopes:
        origins = [it.parameters[e.parameter].origin for e in group.entries]
        index = [int(it.parameters[e.parameter].index.ravel()[e.index]) for e in group.entries]
        numbers = list(zip(origins, index, strict=True))
        made.prepare(numbers)
        parts = [made.slopes(origin, [i]) for origin, i in numbers]
        names = parts[0].values
        return Slopes(
            {n: np.array([p.values[n][0] for p in parts]) for n in names},
            {n: np.array([p.errors[n][0] for p in parts]) for n in names},
        )

    def enough(self) -> bool:
        """Return whether the iterations show enough to judge the program by."""
        return is_enough(self.truth, self.outputs_of(range(len(self.iterations))))

    def _nearest_to_output(self, it: Iteration) -> list[int]:
        """Return the groups of the layer next to the output: the fewest events depend on them.

        NaN shows what depends on them even where an input is 0.
        """
        trace = self.trace
        start = max((p.error for p in it.pairs), key=lambda e: trace.at[e])
        origins = [it.parameters[group.entries[0].parameter].origin for group in self.groups]
        nan = [{o: Change(np.full(trace.value(o).shape, np.nan))} for o in origins]
        moved = trace.changed_by_each([*({o: trace.nudge(o)} for o in origins), *nan], start)
        values = {e for e in trace.order[: trace.at[start]] if trace.place(e).kind == "value"}
        each = zip(moved[: len(nan)], moved[len(nan) :], strict=True)
        depth = [len((one | two) & values) for one, two in each]
        later = len({p.error for p in it.pairs})  # a bias enters after W, for each sample
        return [k for k, d in enumerate(depth) if d <= min(depth) + later]

    def is_rough(self, loss: str) -> bool:
        """Return whether the program rounds its numbers, so that differences are no derivatives."""
        differences = self.differences[0]
        slopes = zip(self.groups, self.truth[0], strict=True)
        chosen = [self._probed(g) for g, s in slopes if not self._is_zero(s, loss)]
        differences.prepare((n for numbers in chosen for n in numbers), COARSE)
        for numbers in chosen:
            found = [differences.disagreement(*n, loss) for n in numbers]
            size = max(size for _, size in found)
            if size > 0 and np.median([off for off, _ in found]) > ROUGH * size:
                return True
        return False

    @staticmethod
    def _is_zero(slopes: Slopes, loss: str) -> bool:
        """Return whether a gradient is zero within its errors, as of a bias that is normalized."""
        g, e = slopes.values.get(loss, np.empty(0)), slopes.errors.get(loss, np.empty(0))
        return not g.size or bool(np.abs(g).max() <= max(10 * e.max(), TINY))

    def _probed(self, group: Group) -> list[tuple[Event, int]]:
        """Return some numbers of a group: their origins, and their indices there."""
        entries = group.entries[:: max(1, len(group.entries) // PROBED)][:PROBED]
        parameters = [(self.iterations[0].parameters[e.parameter], e.index) for e in entries]
        return [(p.origin, int(p.index.reshape(-1)[i])) for p, i in parameters]
