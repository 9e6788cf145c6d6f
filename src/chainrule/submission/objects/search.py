"""Search for a plan with which a class can be used: how to create an object and what to call."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from chainrule.submission.answers import are_identical, with_other_targets
from chainrule.submission.arrays.formats import ArrayFormat
from chainrule.submission.attempts import is_for_one_sample
from chainrule.submission.calls import CallError
from chainrule.submission.functions.search import MOST_TIMEOUTS, SHORT_LIMIT
from chainrule.submission.objects.call_plans import CallPlan
from chainrule.submission.objects.call_sequences import (
    DATA_FORMATS,
    CallSequence,
    forward_calls,
    several_calls,
    single_calls,
)
from chainrule.submission.objects.calling import CallResult, answer_once, call_once, for_one_call
from chainrule.submission.objects.factory import ObjectFactory, lists_of
from chainrule.submission.objects.outputs import depends_on_all_weights, forward_outputs
from chainrule.submission.objects.parameter_choice import MOST_TRIED, ParameterChoice
from chainrule.submission.objects.parameter_locations import ParameterLocations
from chainrule.submission.objects.prepared import known_locations, prepare_object
from chainrule.submission.questions import Array, Kind, Question
from chainrule.submission.time_limit import TimeLimit

TRAINS = ("back", "train", "fit", "learn", "update", "step", "grad", "slope")


@dataclass(frozen=True)
class Construction:
    """A way to create objects that can hold the network.

    Parameters
    ----------
    arguments : str
        The arguments of the constructor.
    separate_class_lists : bool
        Whether each object gets its own copies of the lists that its class holds.
    locations : list of ParameterLocations
        Where the objects may hold the parameters.
    """

    arguments: str
    separate_class_lists: bool
    locations: list[ParameterLocations]


@dataclass(eq=False)
class ObjectSearch:
    """The search for a plan: how to create an object, what it holds, and what to call.

    Parameters
    ----------
    factory : ObjectFactory
    question : Question
    kind : {"gradients", "step", "forward"} or None
        The kind of answers to look for, if it is known.
    without : frozenset of str
        Methods that are not called.
    """

    factory: ObjectFactory
    question: Question
    kind: Kind | None
    error: CallError | None = None
    idle: CallSequence | None = None  # which runs, but changes and returns nothing
    timeouts: int = 0
    found: list[CallPlan] = field(default_factory=list[CallPlan])
    without: frozenset[str] = frozenset()
    time_limit: TimeLimit = field(init=False)

    def __post_init__(self) -> None:
        self.time_limit = TimeLimit(3 * self.factory.seconds)

    def run(self) -> None:
        """Find the simplest plan that works."""
        for construction in self.constructions():
            first = construction.locations[0]
            base = CallPlan(
                construction.arguments,
                CallSequence(()),
                DATA_FORMATS[0],
                first.weights,
                first.bias,
                separate_class_lists=construction.separate_class_lists,
            )
            plan = self._find_calls(base)
            if plan is not None:
                locations = construction.locations
                choice = ParameterChoice(self.factory, self.question, locations, self.is_late)
                self.found = choice.plans(plan)
                return

    def is_late(self) -> bool:
        """Return whether the search has taken long enough."""
        return self.timeouts >= MOST_TIMEOUTS or self.time_limit.is_over

    def record(self, error: CallError) -> None:
        """Keep the most informative error."""
        is_timeout = error.fault == "endless"
        self.timeouts += is_timeout
        known = self.error
        if known is None or (
            known.fault != "endless" and (is_timeout or _progress(error) > _progress(known))
        ):
            self.error = error

    # ---- objects ---------------------------------------------------------------------------------

    def constructions(self) -> Iterator[Construction]:
        """Yield the ways to create an object that can hold a network of the right widths."""
        has_lists = any(map(lists_of, self.factory.snapshot.class_data.values()))
        for separate in (False, True) if has_lists else (False,):
            for arguments in self.factory.argument_choices():
                locations = self._locations(arguments, separate_class_lists=separate)
                if locations:
                    yield Construction(arguments, separate, locations)

    def _locations(self, arguments: str, *, separate_class_lists: bool) -> list[ParameterLocations]:
        """Return where an object that is created with these arguments may hold the network."""
        try:
            self.factory.snapshot.restore(0)
            thing = self.factory.create(
                arguments, self.question, separate_class_lists=separate_class_lists
            )
            return self.factory.locations(
                thing, arguments, self.question, separate_class_lists=separate_class_lists
            )
        except CallError as error:
            self.record(error)
            return []

    # ---- calls -----------------------------------------------------------------------------------

    def _find_calls(self, base: CallPlan) -> CallPlan | None:
        """Return the plan with the first calls that work, and the format of the data they take."""
        cls, method = self.factory.attempt.cls, self.factory.attempt.method
        for sequences in (single_calls(cls, method), several_calls(cls, method)):
            other: CallPlan | None = None
            for plan, kind in self._training_plans(base, sequences):
                if method is not None or kind in {"step", self.kind}:
                    return plan
                other = other or plan
            if other is not None:
                return other
        return self._find_forward(base)

    def _training_plans(
        self, base: CallPlan, sequences: Iterable[CallSequence]
    ) -> Iterator[tuple[CallPlan, Kind | None]]:
        """Yield the plans that compute gradients or steps from samples and targets."""
        for sequence in sequences:
            if self.without & sequence.methods:
                continue
            plan = self._with_data_format(replace(base, sequence=sequence))
            if plan is None or self.is_late():
                continue
            kind = self.kind_of(plan)
            if kind == "gradients" and plan.uses_pairs and not self._uses_input(plan):
                continue
            if sequence.optional and not self._uses_targets(plan):
                continue
            yield plan, kind

    def _uses_input(self, plan: CallPlan) -> bool:
        """Return whether the gradient of the first weights is 0 if x = 0.

        If all arrays are square, a method that takes x only also accepts pairs of x and t.
        """
        blank = replace(self.question, x=np.zeros_like(self.question.x))
        try:
            found = answer_once(self.factory, plan, blank).get("dW1")
        except CallError:
            return False
        return found is not None and not found.any()

    def _uses_targets(self, plan: CallPlan) -> bool:
        """Return whether other targets change the answer."""
        questions = (self.question, with_other_targets(self.question))
        try:
            one, other = (answer_once(self.factory, plan, each) for each in questions)
        except CallError:
            return False
        return not are_identical((one,), (other,))

    def _find_forward(self, base: CallPlan) -> CallPlan | None:
        """Return the first plan that runs the forward pass only."""
        for sequence in forward_calls(self.factory.attempt.cls, self.factory.attempt.method):
            for data_format in self._usable_formats(sequence):
                plan = replace(base, sequence=sequence, data_format=data_format)
                if self._gives_output(plan):
                    return plan
        return None

    def _gives_output(self, plan: CallPlan) -> bool:
        """Return whether a forward plan returns an output of the network."""
        try:
            found = forward_outputs(self.factory, plan, self.question, 0)
            return bool(found) and self._depends_on_weights(plan, found)
        except CallError as error:
            self.record(error)
            return False

    def _depends_on_weights(self, plan: CallPlan, found: Mapping[str, Array]) -> bool:
        """Return whether an output depends on the weights, for any choice of them."""
        locations = known_locations(self.factory, plan, self.question)
        plans = [
            replace(plan, choice=i, weights=each.weights, bias=each.bias)
            for i, each in enumerate(locations)
        ]
        return any(
            depends_on_all_weights(self.factory, each, self.question, found)
            for each in plans[:MOST_TRIED]
        )

    # ---- data ------------------------------------------------------------------------------------

    def _usable_formats(self, sequence: CallSequence) -> list[ArrayFormat]:
        """Return the data formats that can be tried for a sequence."""
        roles = {role for _, roles in sequence.calls for role in roles}
        t = self.question.t
        one_output = t.shape[1] == 1
        one_hot = bool(np.isin(t, (0, 1)).all() and (t.sum(axis=1) == 1).all())
        usable = {"rows": True, "flat": one_output, "classes": not one_output and one_hot}
        takes_targets = bool(roles & {"t", "pairs"})
        return [
            each
            for each in DATA_FORMATS
            if usable[each.targets]
            and (each.targets == "rows" or takes_targets)
            and ("pairs" not in roles or each.takes_one_sample)
        ]

    def _with_data_format(self, plan: CallPlan) -> CallPlan | None:
        """Return the plan with the data format for which most weights have their shapes."""
        best: tuple[int, CallPlan] | None = None
        depth, for_column = len(self.question.W), False
        for data_format in self._usable_formats(plan.sequence):
            tried = replace(plan, data_format=data_format)
            if best is not None and data_format.takes_one_sample and best[0] == depth:
                if not for_column:
                    break
                if data_format.samples != "one column":
                    continue
            result = self.call(tried)
            if result is None or result.kind is None:
                continue
            complete = result.matching == depth and all(map(np.size, result.arrays.values()))
            if complete and not self._is_column_in_batch(tried, result):
                return tried
            for_column |= complete
            if best is None or result.matching > best[0]:
                best = result.matching, tried
        return None if best is None or best[0] < 1 else best[1]

    def _is_column_in_batch(self, plan: CallPlan, result: CallResult) -> bool:
        """Return whether a method for one column was given several, which it does not add up."""
        biases = [result.arrays.get(f"db{i}") for i in range(1, len(self.question.b) + 1)]
        own = [b for b, right in zip(biases, self.question.b, strict=True) if _is_wide(b, right)]
        functions = [getattr(self.factory.attempt.cls, name) for name in plan.sequence.methods]
        is_batch = plan.data_format.samples == "columns"
        return is_batch and bool(own) and all(map(is_for_one_sample, functions))

    def call(self, plan: CallPlan) -> CallResult | None:
        """Return the result of one call, or None if it fails or there is no time left."""
        limit = self.factory.seconds
        seconds = min(limit, SHORT_LIMIT) if self.timeouts else limit
        if self.is_late():
            return None
        try:
            factory = replace(self.factory, seconds=seconds)
            prepared = prepare_object(factory, plan, self.question, 0)
            result = call_once(prepared, plan, for_one_call(self.question, plan))
        except CallError as error:
            self.record(error)
            return None
        if result.kind is None and _says_that_it_trains(plan):
            self.idle = self.idle or plan.sequence
        return result

    def kind_of(self, plan: CallPlan) -> Kind | None:
        """Return the kind of answers that a plan gives."""
        result = self.call(plan)
        return None if result is None else result.kind


def _says_that_it_trains(plan: CallPlan) -> bool:
    """Return whether a method's name says that it computes gradients or updates."""
    names = [name.casefold() for name in plan.sequence.methods]
    return any(word in name for name in names for word in TRAINS)


def _is_wide(array: Array | None, right: Array) -> bool:
    """Return whether an array has a column for each sample, where one number is right."""
    return array is not None and array.ndim == 2 and array.shape[0] == len(right)


def _progress(error: CallError) -> tuple[bool, int]:
    """Return how far a call got; an error inside a method says more than one of a constructor."""
    in_method = getattr(error.function, "__self__", None) is not None
    return error.depth >= 0 and in_method, error.depth if in_method else -1
