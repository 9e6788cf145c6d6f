"""Choose which of an object's numbers are the parameters, if there are several possibilities."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from chainrule.submission.calls import CallError
from chainrule.submission.objects.call_plans import CallPlan
from chainrule.submission.objects.calling import call_once, for_one_call
from chainrule.submission.objects.factory import ObjectFactory
from chainrule.submission.objects.graph import ObjectPath
from chainrule.submission.objects.parameter_locations import ParameterLocations
from chainrule.submission.objects.parameter_orders import paths_of_numbers
from chainrule.submission.objects.prepared import create_object, prepare_object
from chainrule.submission.objects.probes import (
    FAILED,
    Score,
    best_score,
    confirmed_by_single_input,
    parameter_effects,
    score_parameters,
)
from chainrule.submission.questions import Question

MOST_TRIED = 12  # choices of arrays that are tried
MOST_SCORED = 64  # choices of single numbers that are tried
LEAST_SYMMETRY = 0.75  # share of a network's symmetries; below, the parameters are doubtful
MOST_EQUAL = 3  # choices with the same score that are kept


@dataclass(frozen=True, eq=False)
class ParameterChoice:
    """The choice among the locations where an object may hold the parameters.

    Parameters
    ----------
    factory : ObjectFactory
    question : Question
    choices : list of ParameterLocations
    is_late : callable
        Returns whether the search has taken long enough.
    """

    factory: ObjectFactory
    question: Question
    choices: list[ParameterLocations]
    is_late: Callable[[], bool]

    def plans(self, plan: CallPlan) -> list[CallPlan]:
        """Return the plan with the parameters that have an effect; several if it is unclear."""
        candidates = [
            replace(plan, choice=i, weights=each.weights, bias=each.bias, names=each.names)
            for i, each in enumerate(self.choices)
        ]
        if self._has_single_numbers(plan):
            return self._plans_by_score(candidates)
        best = self._most_effective(candidates)
        paths = self._of(best).weight_paths
        alike = [
            each
            for each in candidates
            if self._of(each).weight_paths == paths
            and (each.weights, each.bias) != (best.weights, best.bias)
        ]
        return self._confirmed([best, *_first_of_each_format(alike)])

    def _of(self, plan: CallPlan) -> ParameterLocations:
        return self.choices[plan.choice]

    def _has_single_numbers(self, plan: CallPlan) -> bool:
        """Return whether single numbers may be parameters, so that shapes show little."""
        self.factory.snapshot.restore(0)
        numbers = set(paths_of_numbers(create_object(self.factory, plan, self.question)))
        return any(each.paths & numbers for each in self.choices)

    # ---- arrays ----------------------------------------------------------------------------------

    def _most_effective(self, candidates: list[CallPlan]) -> CallPlan:
        """Return the first candidate with the most parameters that have an effect."""
        best, most = candidates[0], (-1, -1)
        for each in candidates[:MOST_TRIED] if len(candidates) > 1 else []:
            effects = self._effects(each)
            best, most = (each, effects) if effects > most else (best, most)
            if effects == (1, 2 * len(self.question.W)):
                break
        return best

    def _effects(self, plan: CallPlan) -> tuple[int, int]:
        try:
            return parameter_effects(self.factory, plan, self.question)
        except CallError:
            return (-1, 0)

    def _confirmed(self, candidates: list[CallPlan]) -> list[CallPlan]:
        """Return the candidates that a question with a single input confirms, or all if none is."""
        if len(candidates) == 1:
            return candidates
        return [plan for plan in candidates if self._is_confirmed(plan)] or candidates

    def _is_confirmed(self, plan: CallPlan) -> bool:
        try:
            return confirmed_by_single_input(self.factory, plan, self.question)
        except CallError:
            return False

    # ---- single numbers --------------------------------------------------------------------------

    def _plans_by_score(self, candidates: list[CallPlan]) -> list[CallPlan]:
        """Return the candidates with the best score, those with biases if they are certain."""
        changed = self._changed_paths(candidates[0])
        ranked = sorted(candidates, key=lambda plan: len(self._of(plan).paths - changed))
        with_bias = self._best([plan for plan in ranked if plan.bias != "none"])
        with_bias = [(score, _marked(plan, score)) for score, plan in with_bias]
        if with_bias and with_bias[0][0] == self._best_score:
            return [plan for _, plan in with_bias]
        without_bias = self._best([plan for plan in ranked if plan.bias == "none"])[:1]
        if with_bias and without_bias and without_bias[0][0] > with_bias[0][0]:
            return [plan for _, plan in without_bias + with_bias]
        return [plan for _, plan in with_bias or without_bias]

    @property
    def _best_score(self) -> Score:
        return best_score(len(self.question.W))

    def _best(self, candidates: list[CallPlan]) -> list[tuple[Score, CallPlan]]:
        """Return the candidates with the highest score, and that score."""
        scored: list[tuple[Score, CallPlan]] = []
        for plan in candidates[:MOST_SCORED]:
            scored.append((self._score(plan), plan))
            if scored[-1][0] == self._best_score or self.is_late():
                break
        highest = max((score for score, _ in scored), default=None)
        return [pair for pair in scored if pair[0] == highest][:MOST_EQUAL]

    def _score(self, plan: CallPlan) -> Score:
        locations = self._of(plan)
        b = tuple(
            np.repeat(b[:1], len(b)) if location is not None and location.shape == () else b
            for b, location in zip(
                self.question.b, locations.b or (None,) * len(locations.W), strict=True
            )
        )  # one number for a whole layer cannot be rotated with its units
        try:
            return score_parameters(self.factory, plan, replace(self.question, b=b))
        except CallError:
            return FAILED

    def _changed_paths(self, plan: CallPlan) -> set[ObjectPath]:
        """Return the paths of all numbers that a call changes."""
        with contextlib.suppress(CallError):
            prepared = prepare_object(self.factory, plan, self.question, 0)
            before = prepared.array_contents()
            call_once(prepared, plan, for_one_call(self.question, plan))
            after = prepared.array_contents()
            return {path for path, value in before.items() if after.get(path) != value}
        return set()


def _first_of_each_format(plans: list[CallPlan]) -> list[CallPlan]:
    """Return the first plan of each orientation and kind of bias."""
    found: dict[tuple[str, str], CallPlan] = {}
    for plan in plans:
        found.setdefault((plan.weights, plan.bias), plan)
    return list(found.values())


def _marked(plan: CallPlan, score: Score) -> CallPlan:
    """Return a plan that says whether its parameters are doubtful."""
    return replace(plan, doubtful=score.symmetry < LEAST_SYMMETRY)
