"""Read the answers of a submitted class or object, in every way in which it can be used."""

from dataclasses import dataclass, replace
from typing import Any

from chainrule.submission.answers import (
    are_close,
    as_float64,
    combine_samples,
    continue_from,
    default_numbers,
    dtype_of,
    select_sample,
)
from chainrule.submission.attempts import Attempt
from chainrule.submission.calls import CallError
from chainrule.submission.objects.call_plans import CallPlan, call_plan_from_layout
from chainrule.submission.objects.call_sequences import CallSequence
from chainrule.submission.objects.calling import answer_of_same_object, call_once
from chainrule.submission.objects.factory import ObjectFactory
from chainrule.submission.objects.fixed_widths import fixed_widths
from chainrule.submission.objects.graph import attributes
from chainrule.submission.objects.outputs import forward_outputs, output_before_step
from chainrule.submission.objects.prepared import PreparedObject, prepare_object
from chainrule.submission.objects.search import ObjectSearch
from chainrule.submission.objects.side_effects import describe_side_effects
from chainrule.submission.questions import Array, Failure, Kind, Layout, Question, Reading
from chainrule.submission.randomness import RANDOM_SELECTION, SKIPPED_AS_RANDOM, Randomness
from chainrule.submission.snapshots import ModuleSnapshot
from chainrule.submission.values import is_number

DOUBTFUL = "it is not clear which of its numbers are the weights and biases"
IDLE = (
    "runs without an error, but changes no weights and gives no gradients; all of them may be 0, "
    "because a value is never computed or never used"
)


def read_object(
    attempt: Attempt,
    question: Question,
    *,
    kind: Kind | None,
    layout: Layout | None,
    seconds: float,
) -> list[Reading] | Failure:
    """Return every reading of a class's answer; see `chainrule.submission.reading.read`."""
    factory = ObjectFactory(attempt, ModuleSnapshot(attempt), seconds)
    try:
        if layout is not None:
            found = _reading(factory, call_plan_from_layout(layout), question, kind)
            return found if isinstance(found, Failure) else [found]
        return _search_readings(factory, question, kind)
    except CallError as error:
        return error.failure
    finally:
        factory.snapshot.restore(0)


# --- The plans that work -------------------------------------------------------------------------


def _search_readings(
    factory: ObjectFactory, question: Question, kind: Kind | None
) -> list[Reading] | Failure:
    """Return the readings with all plans that work."""
    search = ObjectSearch(factory, question, kind)
    search.run()
    if not search.found:
        return _failure(search)
    readings = [_reading(factory, plan, question, kind) for plan in search.found]
    if search.found[0].is_forward and (why := _why_not_trained(search)):
        readings = [_with_remark(reading, why) for reading in readings]
    failures = [r for r in readings if isinstance(r, Failure)]
    good = [r for r in readings if isinstance(r, Reading)]
    is_random = any(RANDOM_SELECTION in r.remarks for r in good)
    is_random |= any(f.fault == "non-deterministic" for f in failures)
    if is_random and factory.attempt.method is None:
        good = _without_random_methods(factory, question, kind, search.found[0].sequence) or good
    return _distinct(good) if good else failures[0]


def _why_not_trained(search: ObjectSearch) -> str:
    """Return why no method that trains could be used, empty if none was called."""
    error = search.error
    if search.idle is not None and not (error and _calls(error.function, search.idle)):
        return f"{search.idle.words} {IDLE}"
    inside = error is not None and error.depth >= 0
    return error.failure.text if error is not None and inside else ""


def _calls(function: Any, idle: CallSequence) -> bool:
    """Return whether a function calls what runs without an effect, and so says more about it."""
    code = getattr(function, "__code__", None)
    return code is not None and not idle.methods.isdisjoint(code.co_names)


def _with_remark(reading: Reading | Failure, text: str) -> Reading | Failure:
    if isinstance(reading, Failure):
        return reading
    return replace(reading, remarks=(*reading.remarks, text))


def _without_random_methods(
    factory: ObjectFactory, question: Question, kind: Kind | None, random: CallSequence
) -> list[Reading]:
    """Return the readings of other methods than those that draw random numbers."""
    search = ObjectSearch(factory, question, kind, without=random.methods)
    search.run()
    plans = [plan for plan in search.found if not plan.is_forward]
    readings = [_reading(factory, plan, question, kind) for plan in plans]
    remark = f"{SKIPPED_AS_RANDOM}{random.words}"
    good = [r for r in readings if isinstance(r, Reading) and RANDOM_SELECTION not in r.remarks]
    return [replace(r, remarks=(*r.remarks, remark)) for r in good]


def _distinct(readings: list[Reading]) -> list[Reading]:
    """Return the readings with different answers."""
    found: list[Reading] = []
    for reading in readings:
        if not any(are_close(reading.answers, other.answers) for other in found):
            found.append(reading)
    return found


def _failure(search: ObjectSearch) -> Failure:
    """Return why a class cannot be used."""
    error, attempt = search.error, search.factory.attempt
    if error is not None and error.depth >= 0:
        had_timeouts, can_be_created = (
            search.timeouts > 0,
            any(True for _ in search.constructions()),
        )
        if had_timeouts or can_be_created:
            return error.failure
    if search.idle is not None:
        text = f"{attempt.name}: {search.idle.words} {IDLE}"
        return Failure("no-layout", text)
    widths = "-".join(map(str, search.question.widths))
    text = f"{attempt.name} could not be used for a {widths} network"
    fixed = fixed_widths(attempt)
    if fixed is not None:
        sizes = "-".join(map(str, fixed))
        return Failure("no-layout", f"{text}: its layer sizes are fixed at {sizes}", sizes)
    why = "it has no weights of these sizes, or no method that trains or predicts"
    return Failure("no-layout", f"{text}: {why}")


# --- Readings ------------------------------------------------------------------------------------


def _reading(
    factory: ObjectFactory, plan: CallPlan, question: Question, kind: Kind | None
) -> Reading | Failure:
    """Return one reading of all calls, made with several seeds to detect random answers."""
    run = _run(factory, plan, question, 1)
    randomness = Randomness(lambda q, seed: _run(factory, plan, q, seed).answers, factory.snapshot)
    remark = randomness.describe(factory.attempt.name, question, run.answers)
    if isinstance(remark, Failure):
        return _random_at_creation(factory, plan, question) or remark
    answers = _with_output(factory, plan, question, run)
    remarks = [*run.remarks, *([remark] if remark else [])]
    remarks += describe_side_effects(factory, plan, question)
    remarks += [DOUBTFUL] if plan.doubtful else []
    return Reading(
        kind=run.kind if kind is None else kind,
        layout=plan.layout(dtype_of(run.answers), factory.attempt.cls.__name__),
        answers=tuple(as_float64(answer) for answer in answers),
        rate=question.rate if plan.takes_rate else None,
        own=_own_numbers(factory, plan, question),
        changed=run.changed,
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _random_at_creation(
    factory: ObjectFactory, plan: CallPlan, question: Question
) -> Failure | None:
    """Return a failure if the answers depend on random numbers from the object's creation."""
    if plan.is_forward:
        return None
    randomness = Randomness(
        lambda q, seed: (answer_of_same_object(factory, plan, q, seed),), factory.snapshot
    )
    first = (answer_of_same_object(factory, plan, question, 1),)
    if randomness.other_answers(question, first) is not None:
        return None
    text = (
        f"{factory.attempt.name} is created with random numbers that are not parameters of the "
        "network in question, and its answers depend on them; declare its layers, or let the "
        "constructor take the weights"
    )
    return Failure("made-by-chance", text)


def _own_numbers(factory: ObjectFactory, plan: CallPlan, question: Question) -> dict[str, float]:
    """Return the object's own numbers, and the default arguments of its methods."""
    prepared = prepare_object(factory, plan, question, 0)
    parameters = {path for path in prepared.locations.paths if len(path) == 1}
    found = {
        name: float(value)
        for name, value in attributes(prepared.thing).items()
        if is_number(value) and (("attr", name),) not in parameters
    }
    for name, _ in plan.sequence.calls:
        found.update(default_numbers(getattr(factory.attempt.cls, name)))
    return found


# --- Runs ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ObjectRun:
    """The answers of consecutive calls of one object."""

    kind: Kind
    answers: tuple[dict[str, Array], ...]
    changed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def _run(factory: ObjectFactory, plan: CallPlan, question: Question, seed: int) -> ObjectRun:
    """Make all calls of a question with one object."""
    if plan.is_forward:
        outputs = forward_outputs(factory, plan, question, seed)
        return ObjectRun("forward", (outputs,) if outputs else ())
    prepared = prepare_object(factory, plan, question, seed)
    answers: list[dict[str, Array]] = []
    kind: Kind = "step"
    current = question
    for call in range(question.calls):
        try:
            kind, answer = _answer_once(prepared, plan, current)
        except CallError as error:
            if call == 0:
                raise
            remark = f"Call {call + 1}: {error.failure.text}"
            return ObjectRun(kind, tuple(answers), (), (remark,))
        answers.append(answer)
        following = continue_from(current, answer) if kind == "step" else question.at(call + 1)
        if following is None:
            break
        current = following
    return ObjectRun(kind, tuple(answers))


def _answer_once(
    prepared: PreparedObject, plan: CallPlan, question: Question
) -> tuple[Kind, dict[str, Array]]:
    """Return the arrays of one call, or of a call for each sample in turn."""
    if not plan.calls_each_sample:
        result = call_once(prepared, plan, question)
        return result.kind or "step", result.arrays or _new_parameters(prepared, question)
    samples = [select_sample(question, i) for i in range(len(question.x))]
    results = [call_once(prepared, plan, sample) for sample in samples]
    kinds = {result.kind for result in results} - {None}
    if kinds == {"gradients"}:
        return "gradients", combine_samples([result.arrays for result in results], "gradients")
    is_single = len(results) == 1
    return "step", results[-1].arrays if is_single else _new_parameters(prepared, question)


def _new_parameters(prepared: PreparedObject, question: Question) -> dict[str, Array]:
    """Return the current parameters as the answer of a step."""
    return {f"{name}_new": array for name, array in prepared.parameters(question).items()}


def _with_output(
    factory: ObjectFactory, plan: CallPlan, question: Question, run: ObjectRun
) -> list[dict[str, Array]]:
    """Return the answers of a run; the first one of a step with the output before the step."""
    answers = [dict(answer) for answer in run.answers]
    if run.kind == "step" and answers:
        output = output_before_step(factory, plan, question)
        answers[0] |= {name: a for name, a in output.items() if name not in answers[0]}
    return answers
