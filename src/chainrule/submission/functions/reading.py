"""Read a submitted function's answers, in every layout in which they can be interpreted."""

import itertools
from dataclasses import dataclass, replace

from chainrule.submission.answers import (
    are_close,
    as_float64,
    combine_samples,
    continue_from,
    default_numbers,
    dtype_of,
    select_sample,
)
from chainrule.submission.arrays.formats import IN_OUT, OUT_IN, ArrayFormat
from chainrule.submission.attempts import Attempt, parameters
from chainrule.submission.calls import CallError
from chainrule.submission.functions.answer_kinds import (
    changes_first_column_only,
    possible_kinds,
)
from chainrule.submission.functions.argument_plans import (
    ArgumentPlan,
    names_a_batch,
    plan_from_layout,
)
from chainrule.submission.functions.calling import FunctionAnswer, FunctionCaller, for_one_call
from chainrule.submission.functions.search import PlanSearch, matching_shapes
from chainrule.submission.questions import Array, Failure, Kind, Layout, Question, Reading
from chainrule.submission.randomness import Randomness
from chainrule.submission.snapshots import ModuleSnapshot

UNSUMMED = "given several columns at once, its bias gradients are not summed over them"
ONE_COLUMN = f"it was asked one column at a time; {UNSUMMED}"
SEVERAL_COLUMNS = f"it is right if each call takes one column; {UNSUMMED}, which would be wrong"


def read_function(
    attempt: Attempt,
    question: Question,
    *,
    kind: Kind | None,
    layout: Layout | None,
    seconds: float,
) -> list[Reading] | Failure:
    """Return every reading of a function's answer; see `chainrule.submission.reading.read`."""
    caller = FunctionCaller(attempt.target, ModuleSnapshot(attempt), seconds)
    try:
        if layout is not None:
            plan = plan_from_layout(layout)
            answer = caller.call_fresh(plan, question)
            return _readings(caller, plan, question, answer, kind)
        return _search_readings(caller, question, kind)
    except CallError as error:
        return error.failure
    finally:
        caller.snapshot.restore(0)


# --- Layouts that fit ----------------------------------------------------------------------------


def _search_readings(
    caller: FunctionCaller, question: Question, kind: Kind | None
) -> list[Reading] | Failure:
    """Return the readings in all layouts that fit."""
    search = PlanSearch(caller, question)
    search.run()
    if search.best is None:
        return search.failure()
    _, plan, answer = search.best
    found = _readings(caller, plan, question, answer, kind)
    if isinstance(found, Failure):
        return found
    others = indistinguishable_formats(plan.array_format, question)
    if plan.container == "vector":
        others = _formats_of_vectors(plan.array_format)
    for other in others:
        found += _try_readings(caller, replace(plan, array_format=other), question, kind)
    if plan.array_format.array_type == "arrays":
        found = _with_lists(caller, plan, question, kind, found)
    if search.takes_one_column():
        remark = _column_remark(caller, plan)
        found = [replace(each, remarks=(*each.remarks, remark)) for each in found]
    return _sort_by_first_input(caller, found, question)


def _column_remark(caller: FunctionCaller, plan: ArgumentPlan) -> str:
    """Return the remark on a function that fits one column, but accepts several."""
    names = [p.name for p in parameters(caller.function)]
    name = names[plan.roles.index("x")] if len(names) == len(plan.roles) else ""
    return SEVERAL_COLUMNS if names_a_batch(name) else ONE_COLUMN


def indistinguishable_formats(array_format: ArrayFormat, question: Question) -> list[ArrayFormat]:
    """Return the other formats that have the same shapes as `array_format`."""
    found: list[ArrayFormat] = []
    if array_format.bias in {"first", "last"}:
        other = "first" if array_format.bias == "last" else "last"
        found.append(replace(array_format, bias=other))
    elif all(W.shape[0] == W.shape[1] for W in question.W):
        other = IN_OUT if array_format.weights == OUT_IN else OUT_IN
        found.append(replace(array_format, weights=other))
    x, t = question.x, question.t
    is_square = x.shape[0] == x.shape[1] and t.shape[0] == t.shape[1]
    if is_square and array_format.samples in {"rows", "columns"}:
        other = "columns" if array_format.samples == "rows" else "rows"
        found.append(replace(array_format, samples=other))
    return found


def _formats_of_vectors(array_format: ArrayFormat) -> list[ArrayFormat]:
    """Return the other formats of parameters, none of which shows in a vector of all of them."""
    formats = [
        replace(array_format, weights=weights, bias=bias)
        for weights, bias in itertools.product((OUT_IN, IN_OUT), ("separate", "first", "last"))
    ]
    return [each for each in formats if each != array_format]


def _with_lists(
    caller: FunctionCaller,
    plan: ArgumentPlan,
    question: Question,
    kind: Kind | None,
    found: list[Reading],
) -> list[Reading]:
    """Return readings with arrays and with lists, if the two give different answers.

    ``x + [1]`` appends to a list, but adds 1 to each number of an array.
    """
    array_format = plan.array_format
    if array_format.samples not in {"rows", "one"} or array_format.bias_shape != "flat":
        return found
    with_lists = replace(plan, array_format=replace(array_format, array_type="lists"))
    lists = _try_readings(caller, with_lists, question, kind)
    if not lists or are_close(lists[0].answers, found[0].answers):
        return found
    return lists + found if array_format.takes_one_sample else found + lists


def _sort_by_first_input(
    caller: FunctionCaller, found: list[Reading], question: Question
) -> list[Reading]:
    """Sort readings of equal shape, those confirmed by a question with one input first."""
    orientations = {(reading.layout.bias, reading.layout.weights) for reading in found}
    if len(orientations) == 1:
        return found
    return sorted(found, key=lambda reading: not _is_confirmed(caller, reading, question))


def _is_confirmed(caller: FunctionCaller, reading: Reading, question: Question) -> bool:
    plan = plan_from_layout(reading.layout)
    return changes_first_column_only(caller, plan, question, reading.kind)


def _try_readings(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question, kind: Kind | None
) -> list[Reading]:
    """Return the readings with a plan, empty if the call fails or not all shapes fit."""
    depth = len(question.W)
    try:
        answer = caller.call(plan, for_one_call(question, plan))
        if matching_shapes(plan, answer, question) != (depth, depth):
            return []
        found = _readings(caller, plan, question, answer, kind)
    except CallError:
        return []
    return [] if isinstance(found, Failure) else found


# --- Readings in one layout ----------------------------------------------------------------------


def _readings(
    caller: FunctionCaller,
    plan: ArgumentPlan,
    question: Question,
    answer: FunctionAnswer,
    kind: Kind | None,
) -> list[Reading] | Failure:
    """Return a reading in one layout for each kind that the answer may have."""
    kinds: list[Kind] = [kind] if kind else possible_kinds(caller, plan, question, answer)
    found: list[Reading] = []
    for each in kinds:
        reading = _reading(caller, plan, question, each)
        if isinstance(reading, Failure):
            return reading
        found.append(reading)
    return found


def _reading(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question, kind: Kind
) -> Reading | Failure:
    """Return one reading of all calls, made with several seeds to detect random answers."""
    run = _run(caller, plan, question, kind, 1)
    randomness = Randomness(
        lambda q, seed: _run(caller, plan, q, kind, seed).answers, caller.snapshot
    )
    remark = randomness.describe(caller.name, question, run.answers)
    if isinstance(remark, Failure):
        return remark
    return Reading(
        kind=kind,
        layout=plan.layout(dtype_of(run.answers)),
        answers=tuple(as_float64(answer) for answer in run.answers),
        rate=question.rate if "rate" in plan.roles else None,
        own=default_numbers(caller.function, plan.set_to_one),
        changed=run.changed,
        remarks=(*run.remarks, *([remark] if remark else [])),
    )


@dataclass(frozen=True, eq=False)
class FunctionRun:
    """The answers of consecutive calls of a function."""

    answers: tuple[dict[str, Array], ...]
    changed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def _run(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question, kind: Kind, seed: int
) -> FunctionRun:
    """Make all calls of a question, starting from the restored module."""
    caller.snapshot.restore(seed)
    answers: list[dict[str, Array]] = []
    changed: dict[str, None] = {}
    current = question
    for call in range(question.calls):
        try:
            answer, modified = _answer_once(caller, plan, current, kind)
        except CallError as error:
            if call == 0:
                raise
            remark = f"Call {call + 1}: {error.failure.text}"
            return FunctionRun(tuple(answers), tuple(changed), (remark,))
        answers.append(answer)
        changed.update(dict.fromkeys(modified))
        following = continue_from(current, answer) if kind == "step" else question.at(call + 1)
        if following is None:
            break
        current = following
    return FunctionRun(tuple(answers), tuple(changed))


def _answer_once(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question, kind: Kind
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return the arrays of one call, or of a call for each sample, and the modified arguments."""
    if not plan.array_format.takes_one_sample:
        answer = caller.call(plan, question)
        return answer.by_name(kind), answer.changed
    if kind == "step":
        return _step_through_samples(caller, plan, question)
    each = [caller.call(plan, select_sample(question, i)) for i in range(len(question.x))]
    changed = tuple(dict.fromkeys(name for answer in each for name in answer.changed))
    return combine_samples([answer.by_name(kind) for answer in each], kind), changed


def _step_through_samples(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return the new parameters after a step for each sample in turn."""
    last: dict[str, Array] = {}
    changed: dict[str, None] = {}
    losses: list[Array] = []
    for i in range(len(question.x)):
        answer = caller.call(plan, select_sample(question, i))
        last = answer.by_name("step")
        losses += [last.pop("loss")] if "loss" in last else []
        changed.update(dict.fromkeys(answer.changed))
        following = continue_from(question, last)
        if following is None:
            break
        question = following
    if len(losses) == 1:
        last["loss"] = losses[0]
    return last, tuple(changed)
