"""What is compared with the true gradients of a program: its updates, or the gradients in them."""

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.diagnosis.tracing.gradient_events import GradientEvents, GradientFinder
from chainrule.diagnosis.tracing.gradients import Group
from chainrule.diagnosis.tracing.outputs import Iteration
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.diagnosis.tracing.true_gradients import TrueGradients
from chainrule.submission import Array, Event


class Evidence(TrueGradients):
    """The true gradients of one recorded program, and the steps that its updates take.

    Parameters
    ----------
    trace : Trace
    """

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace)
        self.gradients: list[list[GradientEvents]] | None = None  # by iteration and group
        self.sign = 1.0  # of a step, if they are judged
        self.finder: GradientFinder | None = None
        self.skipped: set[int] = set()  # groups whose gradients are not known

    def observe_gradients(self) -> dict[int, list[GradientEvents]] | None:
        """Judge the gradients that the rule of the updates takes, instead of the updates.

        Returns
        -------
        dict of int to list of GradientEvents, or None
            Of each group of a single number, what may be its gradient; None if the gradients of
            some group are not found.
        """
        self.finder = GradientFinder(self.trace, self.iterations[0], self.groups)
        found = self.finder.find()
        if found is None or not self.observe([each[0] for each in found]):
            return None
        return {k: each for k, each in enumerate(found) if len(self.groups[k].entries) == 1}

    @property
    def is_linear(self) -> bool:
        """Whether gradients are judged that a linear rule takes, such as momentum."""
        return self.gradients is not None and all(g.linear for g in self.gradients[0])

    def observe_opposites(self, groups: Sequence[int]) -> bool:
        """Judge the gradients of some groups after their sign has changed; return if it does."""
        if self.gradients is None or self.finder is None:
            return False
        found = list(self.gradients[0])
        for k in groups:
            other = self.finder.opposite(found[k], self.groups[k])
            if other is None:
                return False
            found[k] = other
        return self.observe(found)

    def observe(self, found: Sequence[GradientEvents]) -> bool:
        """Judge these gradients, in all iterations; return whether they occur there."""
        first = self.iterations[0]
        made = [[g.moved(self.trace, first, it) for g in found] for it in self.iterations]
        kept = [[g for g in one if g is not None] for one in made]
        if any(len(one) < len(found) for one in kept):
            return False
        self.gradients = kept
        return True

    def results_of(self, it: Iteration, group: Group) -> list[Event]:
        """Return the events of a group that are judged: new parameters, or a rule's gradients."""
        made = self._gradients_of(it, group)
        if made is not None:
            return list(made.events)
        return [it.parameters[k].after for k in dict.fromkeys(e.parameter for e in group.entries)]

    def _gradients_of(self, it: Iteration, group: Group) -> GradientEvents | None:
        """Return the gradients that are judged, or None if updates are."""
        if self.gradients is None:
            return None
        i = next(n for n, other in enumerate(self.iterations) if other is it)
        k = next(n for n, other in enumerate(self.groups) if other is group)
        return self.gradients[i][k]

    def steps(
        self, it: Iteration, group: Group, values: Mapping[Event, Array] | None = None
    ) -> tuple[Array, Array]:
        """Return the steps of a group's entries in an iteration, and their rounding.

        If gradients are judged, a step is minus the gradient, up to a common factor.
        """
        made = self._gradients_of(it, group)
        if made is None:
            return self.updates(it, group, values)
        known = values if values is not None else {e: self.trace.value(e) for e in made.events}
        found = made.steps(known, [e.index for e in group.entries])
        if found is None:
            found = np.full(len(group.entries), np.inf)
        return self.sign * found, 1e-15 * np.abs(found)

    def updates(
        self, it: Iteration, group: Group, values: Mapping[Event, Array] | None = None
    ) -> tuple[Array, Array]:
        """Return by how much a group's entries change in an iteration, and their rounding."""
        trace = self.trace
        new: list[float] = []
        old: list[float] = []
        for e in group.entries:
            p = it.parameters[e.parameter]
            after = trace.value(p.after) if values is None else values.get(p.after)
            fits = after is not None and after.shape == p.index.shape
            new.append(float(after.reshape(-1)[e.index]) if after is not None and fits else np.inf)
            old.append(float(trace.value(p.before).reshape(-1)[e.index]))
        was = np.array(old)
        return np.array(new) - was, 1e-15 * np.abs(was)
