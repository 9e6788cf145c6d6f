"""Search for the plan with which a function can be called, from the most usual layouts on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chainrule.submission.attempts import optional_count, parameters
from chainrule.submission.calls import CallError
from chainrule.submission.functions.answer_kinds import uses_input, uses_targets
from chainrule.submission.functions.argument_plans import (
    ArgumentPlan,
    Grouping,
    is_usual,
    matching_names,
    plans,
)
from chainrule.submission.functions.calling import FunctionAnswer, FunctionCaller
from chainrule.submission.functions.dependence import (
    answers_as_network,
    averages_samples,
    uses_every_sample,
)
from chainrule.submission.questions import Failure, Question
from chainrule.submission.time_limit import TimeLimit

SHORT_LIMIT = 0.5  # s for a call, once another call has reached its time limit
MOST_GROUPINGS = 3  # groupings for which unusual array formats are tried
LONGEST = 15.0  # s for a whole search
NO_NETWORK = (
    "{} returns arrays of the right shapes, but x does not act through the weights on them, as it "
    "does in a network; name the function that takes weights, samples and targets"
)
MOST_TIMEOUTS = 3  # calls that may reach their time limit


def matching_shapes(
    plan: ArgumentPlan, answer: FunctionAnswer, question: Question
) -> tuple[int, int] | None:
    """Return how many W and how many b of an answer have their expected shapes."""
    depth = len(question.W)
    if "t" not in plan.roles:
        return (depth, depth) if "p" in answer.outputs else None
    found = answer.main
    if found is None:
        return None
    has_biases = plan.array_format.bias == "separate"
    return found.matching[0], found.matching[1] if has_biases else depth


@dataclass(eq=False)
class PlanSearch:
    """The search for a plan that works, with the errors of those that do not.

    Parameters
    ----------
    caller : FunctionCaller
    question : Question
    """

    caller: FunctionCaller
    question: Question
    best: tuple[tuple[int, int], ArgumentPlan, FunctionAnswer] | None = None
    error: CallError | None = None
    helper: ArgumentPlan | None = None  # which fits by its shapes, but is not a network
    timeouts: int = 0
    tried: int = 0
    unsummed: bool = False  # whether bias gradients of several columns would not be summed
    excluded: set[Grouping] = field(default_factory=set["Grouping"])
    reached: dict[Grouping, int] = field(default_factory=dict["Grouping", int])
    time_limit: TimeLimit = field(init=False)

    def __post_init__(self) -> None:
        self.time_limit = TimeLimit(LONGEST + self.caller.seconds)

    def run(self) -> None:
        """Try plans until one fits; if none trains, pass the targets to an optional parameter."""
        function = self.caller.function
        self._try_formats(list(plans(function, self.question)))
        if self._trains() or not optional_count(parameters(function)):
            return
        known, self.best = self.best, None
        self._try_formats(list(plans(function, self.question, optional=True)))
        if not self._trains() or not self._uses_targets():
            self.best = known

    @property
    def _depth(self) -> int:
        return len(self.question.W)

    def _trains(self) -> bool:
        """Return whether the best plan takes targets and gives all weights."""
        if self.best is None:
            return False
        (weights, _), plan, _ = self.best
        return weights == self._depth and "t" in plan.roles

    def _uses_targets(self) -> bool:
        return self.best is not None and uses_targets(self.caller, self.best[1], self.question)

    def _try_formats(self, candidates: list[ArgumentPlan]) -> None:
        """Try usual array formats, then all formats for the groupings that got farthest."""
        if self._try_all([plan for plan in candidates if is_usual(plan.array_format)]):
            return
        promising = self._promising_groupings()
        rest = [
            plan
            for plan in candidates
            if not is_usual(plan.array_format) and _grouping(plan) in promising
        ]
        self._try_all(sorted(rest, key=lambda plan: plan.array_format.targets == "rows"))

    def _try_all(self, candidates: Sequence[ArgumentPlan]) -> bool:
        """Try plans until one fits, batches before single samples; return whether to stop."""
        for one_sample in (False, True):
            for plan in candidates:
                if plan.array_format.takes_one_sample is not one_sample:
                    continue
                if _grouping(plan) in self.excluded:
                    continue
                if self._try(plan) == (self._depth, self._depth) or self._is_late():
                    return True
            is_found = self.best is not None and self.best[0][0] == self._depth
            if is_found and not self._may_take_one_column():
                return True
        return False

    def _may_take_one_column(self) -> bool:
        """Return whether a function for one column may have been given several.

        Its bias gradients are then not summed, and nothing in it counts the samples.
        """
        if self.best is None or self.best[1].array_format.samples != "columns":
            return False
        (_, biases), plan, _ = self.best
        self.unsummed = biases == 0 and not averages_samples(self.caller, plan, self.question)
        return self.unsummed

    def _is_late(self) -> bool:
        """Return whether the search has taken long enough."""
        return self.time_limit.is_over or self.timeouts >= MOST_TIMEOUTS

    def _promising_groupings(self) -> set[Grouping]:
        """Return the groupings whose calls got farthest, and the first that was tried."""
        ranked = sorted(self.reached, key=lambda grouping: -self.reached[grouping])
        return {*ranked[:MOST_GROUPINGS], *list(self.reached)[:1]}

    def _try(self, plan: ArgumentPlan) -> tuple[int, int] | None:
        """Try one plan and keep it if it is the best so far."""
        caller = self.caller
        if self.timeouts:
            caller = replace(caller, seconds=min(caller.seconds, SHORT_LIMIT))
        self.tried += 1
        try:
            answer = caller.call_fresh(plan, self.question)
        except CallError as error:
            self._record(error, plan)
            return None
        score = self._score(caller, plan, answer)
        if score is not None and not answers_as_network(caller, plan, self.question):
            self.helper = plan
            return None
        if score is None or not self._is_better(score, plan):
            return None
        self.best = (score, plan, answer)
        return score

    def _is_better(self, score: tuple[int, int], plan: ArgumentPlan) -> bool:
        """Return whether a plan gives more arrays than the best one so far.

        One that gives all weights is replaced only by one whose roles suit the names as well: with
        targets as biases, broadcasting may make any shapes fit.
        """
        if self.best is None:
            return True
        known, best, _ = self.best
        if known[0] == self._depth and self._names(plan) < self._names(best):
            return False
        return score > known

    def _names(self, plan: ArgumentPlan) -> int:
        """Return how many parameters have names that suit their roles in a plan."""
        return matching_names(plan.roles, [p.name for p in parameters(self.caller.function)])

    def takes_one_column(self) -> bool:
        """Return whether it fits one column at a time, and accepts several without summing."""
        return (
            self.unsummed
            and self.best is not None
            and self.best[1].array_format.samples == "one column"
        )

    def _score(
        self, caller: FunctionCaller, plan: ArgumentPlan, answer: FunctionAnswer
    ) -> tuple[int, int] | None:
        """Return how many arrays fit, fewer where shapes show nothing and x = 0 denies it."""
        score = matching_shapes(plan, answer, self.question)
        if score is None:
            return None
        if score[0] < self._depth and not uses_input(caller, plan, self.question):
            return None  # neither shapes nor what x = 0 gives speak for gradients
        if self._is_square() and not uses_input(caller, plan, self.question):
            score = (score[0] - 1, score[1])
        if self._is_chain() and not uses_every_sample(caller, plan, self.question):
            score = (score[0] - 1, score[1])  # it takes numbers, the first one of an array
        return score

    def _is_square(self) -> bool:
        """Return whether all widths are equal, so that any array fits anywhere."""
        return len(set(self.question.widths)) == 1

    def _is_chain(self) -> bool:
        """Return whether all layers have one unit, so that a sample is a number."""
        return set(self.question.widths) == {1}

    def _record(self, error: CallError, plan: ArgumentPlan) -> None:
        """Record how far a call got, and its error if it is the most informative one."""
        grouping = _grouping(plan)
        is_timeout = error.fault == "endless"
        self.timeouts += is_timeout
        known = self.error
        if known is None or (
            known.fault != "endless" and (is_timeout or error.depth > known.depth)
        ):
            self.error = error
        self.reached[grouping] = max(error.depth, self.reached.get(grouping, -1))
        if plan.container and isinstance(error.cause, (KeyError, AttributeError)):
            self.excluded.add(grouping)

    def failure(self) -> Failure:
        """Return why no plan works."""
        if self.helper is not None:
            return Failure("no-layout", NO_NETWORK.format(self.caller.name))
        if self.error is not None and self.error.depth >= 0:
            return self.error.failure
        name = self.caller.name
        widths = "-".join(map(str, self.question.widths))
        text = (
            f"{name} could not be called for a {widths} network: none of the known argument "
            "layouts fits its parameters"
        )
        if self.error is None:
            text = f"{name} returns no arrays with the shapes of the network's parameters or output"
        detail = f"{self.tried} layouts were tried, beginning with (weights, biases, x, t)"
        return Failure("no-layout", text, detail)


def _grouping(plan: ArgumentPlan) -> Grouping:
    return plan.roles, plan.container
