"""Read the output of an object's forward pass, also if another method trains."""

import contextlib
import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chainrule.submission.answers import combine_samples, select_sample
from chainrule.submission.arrays.activations import find_activations
from chainrule.submission.calls import CallError
from chainrule.submission.objects.call_plans import CallPlan
from chainrule.submission.objects.call_sequences import DATA_FORMATS, forward_calls
from chainrule.submission.objects.factory import ObjectFactory
from chainrule.submission.objects.prepared import PreparedObject, prepare_object
from chainrule.submission.questions import Array, Question

SHIFT = 0.25  # added to weights to see whether the output depends on them


def forward_outputs(
    factory: ObjectFactory, plan: CallPlan, question: Question, seed: int
) -> dict[str, Array]:
    """Return the output and activations of a forward plan; each single sample gets a new object."""
    if not plan.data_format.takes_one_sample:
        return _outputs_of(prepare_object(factory, plan, question, seed), plan, question)
    each: list[dict[str, Array]] = []
    for i in range(len(question.x)):
        one = select_sample(question, i)
        each.append(_outputs_of(prepare_object(factory, plan, one, seed), plan, one))
    return combine_samples(each, "forward") if all(each) else {}


def _outputs_of(prepared: PreparedObject, plan: CallPlan, question: Question) -> dict[str, Array]:
    """Call an object once; return its outputs, empty if they are integers: class numbers."""
    results = prepared.call(plan.sequence, plan.data_format, question)
    outputs = find_activations(results[-1], question, plan.data_format)
    p = outputs.get("p")
    return {} if p is None or np.array_equal(p, np.round(p)) else outputs


def output_before_step(
    factory: ObjectFactory, plan: CallPlan, question: Question
) -> dict[str, Array]:
    """Return the output before a step, by the first method that returns one."""
    found = find_output_plan(factory, plan, question)
    return {} if found is None else forward_outputs(factory, found, question, 0)


def find_output_plan(factory: ObjectFactory, plan: CallPlan, question: Question) -> CallPlan | None:
    """Return the plan of the first method whose output depends on the weights of all layers."""
    own = plan.data_format
    rest = [each for each in DATA_FORMATS if each.targets == "rows" and each != own]
    data_formats = [own, *sorted(rest, key=lambda each: not each.takes_one_sample)]
    for sequence, each in itertools.product(forward_calls(factory.attempt.cls), data_formats):
        candidate = replace(plan, sequence=sequence, data_format=each)
        with contextlib.suppress(CallError):
            if _gives_output(factory, candidate, question):
                return candidate
    return None


def _gives_output(factory: ObjectFactory, plan: CallPlan, question: Question) -> bool:
    """Return whether a plan gives an output, modifies no parameters and uses all weights."""
    prepared = prepare_object(factory, plan, question, 0)
    one = select_sample(question, 0) if plan.data_format.takes_one_sample else question
    before = prepared.parameters(question)
    outputs = _outputs_of(prepared, plan, one)
    if not _are_unchanged(before, prepared.parameters(question)) or not outputs:
        return False
    found = forward_outputs(factory, plan, question, 0)
    return bool(found) and depends_on_all_weights(factory, plan, question, found)


def depends_on_all_weights(
    factory: ObjectFactory, plan: CallPlan, question: Question, found: Mapping[str, Array]
) -> bool:
    """Return whether an output depends on the weights of every layer."""
    for layer in range(len(question.W)):
        W = list(question.W)
        W[layer] = W[layer] + SHIFT
        other = forward_outputs(factory, plan, replace(question, W=tuple(W)), 0)
        if np.array_equal(other.get("p", found["p"]), found["p"], equal_nan=True):
            return False
    return True


def _are_unchanged(before: Mapping[str, Array], after: Mapping[str, Array]) -> bool:
    return all(name in after and np.array_equal(after[name], before[name]) for name in before)
