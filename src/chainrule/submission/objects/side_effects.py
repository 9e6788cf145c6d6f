"""Remarks on a learner's object: shared lists, missing biases, outputs that grow with each call."""

import contextlib
from dataclasses import replace
from typing import Any

from chainrule.submission.answers import select_sample
from chainrule.submission.arrays.containers import as_numeric_array
from chainrule.submission.calls import CallError
from chainrule.submission.objects.call_plans import CallPlan
from chainrule.submission.objects.call_sequences import forward_calls
from chainrule.submission.objects.factory import ObjectFactory, lists_of
from chainrule.submission.objects.prepared import prepare_object
from chainrule.submission.questions import Question

GROWING_RESULT = "its result grows with every call"
CALLS = 3  # of a method, to see whether its result grows


def describe_side_effects(factory: ObjectFactory, plan: CallPlan, question: Question) -> list[str]:
    """Return remarks on shared lists, missing or shared biases, and growing results."""
    locations = prepare_object(factory, plan, question, 0).locations
    found = _shared_lists(factory, plan, question)
    if locations.bias in {"separate", "none"}:
        for layer, place in enumerate(locations.b or (None,) * len(locations.W), 1):
            if place is None:
                found.append(f"layer {layer} has no bias")
            elif place.shape == () and len(question.b[layer - 1]) > 1:
                found.append(f"all units of layer {layer} share one bias")
    return found + _growing_results(factory, plan, question)


def _shared_lists(factory: ObjectFactory, plan: CallPlan, question: Question) -> list[str]:
    """Return a remark for each list of a class that its objects fill."""
    snapshot = factory.snapshot
    snapshot.restore(0)
    with contextlib.suppress(CallError):
        factory.create(plan.constructor, question, set_to_one=plan.set_to_one)
    found = [
        f"{cls.__name__}.{name} is an attribute of the class, so all objects share it"
        for cls, data in snapshot.class_data.items()
        for name in lists_of(data)
        if _size(vars(cls).get(name)) != _size(data[name])
        or name in snapshot.filled_lists.get(cls, ())
    ]
    snapshot.restore(0)
    return found


def _size(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else 0


def _growing_results(factory: ObjectFactory, plan: CallPlan, question: Question) -> list[str]:
    """Return a remark if a method returns more numbers with each call."""
    sequences = [plan.sequence] if plan.is_forward else forward_calls(factory.attempt.cls)
    for sequence in sequences:
        with contextlib.suppress(CallError):
            sizes = _result_sizes(factory, replace(plan, sequence=sequence), question)
            if 0 < sizes[0] < sizes[1] < sizes[2]:
                numbers = ", ".join(map(str, sizes))
                return [f"{GROWING_RESULT}: {sequence.calls[0][0]} returns {numbers} numbers"]
    return []


def _result_sizes(factory: ObjectFactory, plan: CallPlan, question: Question) -> list[int]:
    """Return how many numbers a method returns in consecutive calls for the same sample."""
    prepared = prepare_object(factory, plan, question, 0)
    one = select_sample(question, 0) if plan.data_format.takes_one_sample else question
    found: list[int] = []
    for _ in range(CALLS):
        result = prepared.call(plan.sequence, plan.data_format, one)[-1]
        array = as_numeric_array(result)
        found.append(0 if array is None else array.size)
    return found
