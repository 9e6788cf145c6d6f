"""Call an object once, and see whether it changed its parameters or computed gradients."""

import copy
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.submission.answers import select_sample
from chainrule.submission.arrays.containers import as_numeric_array
from chainrule.submission.arrays.formats import ArrayFormat
from chainrule.submission.arrays.parameters import ParameterArrays, find_parameter_arrays
from chainrule.submission.objects.call_plans import CallPlan
from chainrule.submission.objects.factory import ObjectFactory
from chainrule.submission.objects.graph import Node, ObjectPath, walk
from chainrule.submission.objects.outputs import forward_outputs
from chainrule.submission.objects.parameter_locations import ParameterLocations
from chainrule.submission.objects.parameter_matching import group_by_name
from chainrule.submission.objects.prepared import (
    PreparedObject,
    prepare_object,
    seed_generators_inside,
)
from chainrule.submission.questions import Array, Kind, Question


@dataclass(frozen=True, eq=False)
class CallResult:
    """What a call sequence returned or changed.

    Parameters
    ----------
    kind : {"gradients", "step"} or None
        None if neither parameters nor gradients were found.
    arrays : dict of str to array
        By name, such as ``"dW1"``.
    matching : int
        How many arrays of weights have the expected shapes.
    """

    kind: Kind | None
    arrays: dict[str, Array]
    matching: int


def call_once(prepared: PreparedObject, plan: CallPlan, question: Question) -> CallResult:
    """Call an object once and return its new parameters or gradients."""
    before, contents = prepared.parameters(question), prepared.array_contents()
    results = prepared.call(plan.sequence, plan.data_format, copy.deepcopy(question))
    after = prepared.parameters(question)
    if _weights_changed(before, after):
        return _as_step(before, after, results[-1])
    parameter_format = _parameter_format(prepared, plan)
    for result in results[::-1]:
        found = find_parameter_arrays(result, question, parameter_format)
        if found is not None and found.matching[0] == len(question.W):
            loss = {} if found.loss is None else {"loss": np.asarray(found.loss)}
            return _as_gradients(found, loss)
    return _gradients_in_attributes(prepared, question, contents, parameter_format)


def _weights_changed(before: Mapping[str, Array], after: Mapping[str, Array]) -> bool:
    return any(
        not np.array_equal(after[name], before[name], equal_nan=True)
        for name in after
        if name in before and name.startswith("W")
    )


def _as_step(before: Mapping[str, Array], after: Mapping[str, Array], result: Any) -> CallResult:
    """Return changed parameters as the result of a step, with the loss if it is returned."""
    arrays = {f"{name}_new": array for name, array in after.items()}
    kept = [n for n in before if n in after and after[n].shape == before[n].shape]
    number = as_numeric_array(result)
    if number is not None and number.size == 1:
        arrays["loss"] = number.reshape(())
    return CallResult("step", arrays, sum(name.startswith("W") for name in kept))


def _as_gradients(found: ParameterArrays, loss: Mapping[str, Array]) -> CallResult:
    arrays = {f"d{name}": array for name, array in found.arrays.items()}
    return CallResult("gradients", {**arrays, **loss}, found.matching[0])


def _parameter_format(prepared: PreparedObject, plan: CallPlan) -> ArrayFormat:
    """Return the format that gradients have if they are stored like the parameters."""
    locations = prepared.locations
    bias = locations.bias
    if bias == "none" and any(locations.b):
        bias = "separate"
    return replace(plan.data_format, weights=locations.weights, bias=bias, array_type="arrays")


# --- Gradients in attributes ---------------------------------------------------------------------


def _gradients_in_attributes(
    prepared: PreparedObject,
    question: Question,
    contents: Mapping[ObjectPath, bytes],
    parameter_format: ArrayFormat,
) -> CallResult:
    """Return gradients from attributes: changed arrays with the shapes of the parameters."""
    changed = [
        (node, array)
        for node in walk(prepared.thing)
        if node.path not in prepared.locations.paths
        and (array := as_numeric_array(node.value)) is not None
        and contents.get(node.path) != array.tobytes()
    ]
    tree = _gradient_arrays(changed, question, prepared.locations)
    found = None if tree is None else find_parameter_arrays(tree, question, parameter_format)
    if found is None or found.matching[0] < len(question.W):
        return CallResult(None, {}, 0)
    return _as_gradients(found, {})


def _gradient_arrays(
    changed: list[tuple[Node, Array]], question: Question, locations: ParameterLocations
) -> Any:
    """Return arrays shaped like the weights, and like the biases if there are any of those."""
    shapes = [location.shape for location in locations.W]
    sizes = [len(b) for b in question.b]
    for grouping in ("family", "tail"):
        groups = group_by_name(changed, grouping)
        weights = [n for n, g in groups.items() if [a.shape for _, a in g] == shapes]
        biases = [n for n, g in groups.items() if [a.size for _, a in g] == sizes]
        if weights:
            name = weights[0]
            ws = [array for _, array in groups[name]]
            others = _most_similar_first(name, [other for other in biases if other != name])
            return (ws, [array for _, array in groups[others[0]]]) if others else ws
    return None


def _most_similar_first(name: str, others: list[str]) -> list[str]:
    """Sort names by similarity to `name`: db is more similar to dW than delta."""

    def difference(other: str) -> tuple[int, int]:
        pairs = zip(name, other, strict=False)
        common = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))
        return -common, abs(len(name) - len(other))

    return sorted(others, key=difference)


# --- Answers from a fresh object -----------------------------------------------------------------


def answer_once(
    factory: ObjectFactory, plan: CallPlan, question: Question, seed: int = 0
) -> dict[str, Array]:
    """Return the arrays of one call of a fresh object."""
    if plan.is_forward:
        return forward_outputs(factory, plan, question, seed)
    prepared = prepare_object(factory, plan, question, seed)
    return call_once(prepared, plan, for_one_call(question, plan)).arrays


def answer_of_same_object(
    factory: ObjectFactory, plan: CallPlan, question: Question, seed: int
) -> dict[str, Array]:
    """Return the arrays of one call with a seed, of an object created with a fixed seed."""
    prepared = prepare_object(factory, plan, question, 1)
    factory.snapshot.restore(seed)
    seed_generators_inside(prepared.thing, seed)
    return call_once(prepared, plan, for_one_call(question, plan)).arrays


def for_one_call(question: Question, plan: CallPlan) -> Question:
    """Return the question for one call: only the first sample if the plan takes one at a time."""
    return select_sample(question, 0) if plan.calls_each_sample else question
