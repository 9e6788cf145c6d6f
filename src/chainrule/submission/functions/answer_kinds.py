"""Decide whether a function returns gradients, new parameters or outputs, by calling it again.

With x = 0 the first weights have gradient 0, and with a learning rate of 0 a step returns the old
parameters, whatever the network's activations and loss are.
"""

from dataclasses import replace

import numpy as np

from chainrule.submission.answers import are_identical, with_other_targets
from chainrule.submission.arrays.parameters import ParameterArrays
from chainrule.submission.calls import CallError
from chainrule.submission.functions.argument_plans import ArgumentPlan
from chainrule.submission.functions.calling import FunctionAnswer, FunctionCaller
from chainrule.submission.questions import Array, Kind, Question

STEP_FROM, GRADIENTS_UP_TO = 0.7, 0.3  # share of the old parameters that is surely a step, or not


def possible_kinds(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question, answer: FunctionAnswer
) -> list[Kind]:
    """Return the kinds that an answer may have, the likeliest first; several only if unclear."""
    if "t" not in plan.roles:
        return ["forward"]
    if answer.returned is None:
        return ["step"]
    is_step = _keeps_weights_without_input(caller, plan, question)
    if is_step is None and "rate" in plan.roles:
        is_step = _keeps_weights_without_rate(caller, plan, question)
    if answer.modified is not None and not answer.returns_modified:
        return ["step"] if is_step is True else ["step", "gradients"]
    if is_step is not None:
        return ["step"] if is_step else ["gradients"]
    share = share_of_old_parameters(answer.returned, question)
    if GRADIENTS_UP_TO < share < STEP_FROM:
        return ["step", "gradients"] if share >= 0.5 else ["gradients", "step"]
    return ["step"] if share >= STEP_FROM else ["gradients"]


def share_of_old_parameters(found: ParameterArrays, question: Question) -> float:
    """Return the projection of arrays on the old parameters: about 1 for a step, else about 0."""
    product = norm = 0.0
    for letter, arrays in (("W", question.W), ("b", question.b)):
        for layer, old in enumerate(arrays, 1):
            new = found.arrays.get(f"{letter}{layer}")
            if new is not None and new.shape == old.shape and np.isfinite(new).all():
                product += float((new * old).sum())
                norm += float((old * old).sum())
    return product / norm if norm else 0.5


def _are_close(new: Array, old: Array) -> bool:
    return np.allclose(new, old, rtol=1e-5, atol=1e-7)


def _without_input(question: Question) -> Question:
    return replace(question, x=np.zeros_like(question.x))


def with_first_input_only(question: Question) -> Question:
    """Return the question with all inputs set to 0 except the first."""
    x = np.zeros_like(question.x)
    x[:, 0] = question.x[:, 0]
    return replace(question, x=x)


def _first_weights(caller: FunctionCaller, plan: ArgumentPlan, question: Question) -> Array | None:
    """Return the array for W1 in the result, or None if there is none of its shape."""
    found = caller.returned_arrays(plan, question)
    if found is None or found.arrays["W1"].shape != question.W[0].shape:
        return None
    return found.arrays["W1"]


def _keeps_weights_without_input(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question
) -> bool | None:
    """Return whether x = 0 leaves W1 as it is; None if the result shows neither that nor 0."""
    result = _first_weights(caller, plan, _without_input(question))
    if result is None:
        return None
    if not result.any():
        return False
    return True if _are_close(result, question.W[0]) else None


def _keeps_weights_without_rate(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question
) -> bool | None:
    """Return whether a learning rate of 0 returns the old weights; None if it is unclear."""
    found = caller.returned_arrays(plan, replace(question, rate=0.0))
    if found is None or found.matching[0] < len(question.W):
        return None
    results = [found.arrays[f"W{layer}"] for layer in range(1, len(question.W) + 1)]
    if all(_are_close(new, old) for new, old in zip(results, question.W, strict=True)):
        return True
    return None if any(new.any() for new in results) else False


def uses_input(caller: FunctionCaller, plan: ArgumentPlan, question: Question) -> bool:
    """Return whether the change of W1 depends on x as a gradient does."""
    if "t" not in plan.roles:
        return True
    is_step = _keeps_weights_without_input(caller, plan, question)
    if is_step is None:
        return _only_decays_without_input(caller, plan, question)
    result = _first_weights(caller, plan, with_first_input_only(question))
    if result is None:
        return False
    change = result - (question.W[0] if is_step else 0)
    return any(bool(m[:, 0].any()) and np.allclose(m[:, 1:], 0) for m in (change, change.T))


def _only_decays_without_input(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question
) -> bool:
    """Return whether x = 0 multiplies W1 by a number, in the result or in place: weight decay."""
    try:
        found = caller.call_fresh(plan, _without_input(question)).main
    except CallError:
        return False
    new, old = None if found is None else found.arrays["W1"], question.W[0]
    if new is None or new.shape != old.shape:
        return False
    share = float((new * old).sum() / (old * old).sum())
    return _are_close(new, share * old)


def uses_targets(caller: FunctionCaller, plan: ArgumentPlan, question: Question) -> bool:
    """Return whether other targets change the answer."""
    questions = (question, with_other_targets(question))
    one, other = (caller.returned_arrays(plan, each) for each in questions)
    if one is None or other is None:
        return False
    return not are_identical((one.arrays,), (other.arrays,))


def changes_first_column_only(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question, kind: Kind
) -> bool:
    """Return whether only the first column of W1 changes if only the first input is not 0."""
    result = _first_weights(caller, plan, with_first_input_only(question))
    if result is None:
        return False
    change = result - (question.W[0] if kind == "step" else 0)
    return bool(change[:, 0].any() and not change[:, 1:].any())
