"""Find out whether a function answers as a network does: x must act through the weights.

Helpers such as ``update(W, b, dW, db, rate)`` may take and return arrays of the right shapes, but
they add them up. In a network, how much x changes the answer depends on the weights.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from chainrule.submission.calls import CallError
from chainrule.submission.functions.argument_plans import ArgumentPlan
from chainrule.submission.functions.calling import FunctionCaller
from chainrule.submission.questions import Array, Question

FACTOR = 1.3  # of the inputs
SHIFT = 0.2  # added to the weights of an input of a layer
MOST_INPUTS = 3  # of a layer whose weights are shifted, one after the other
LEAST = 1e-9  # relative size of an effect that is not rounding


def answers_as_network(caller: FunctionCaller, plan: ArgumentPlan, question: Question) -> bool:
    """Return whether x and the first and last weights act together on the answer.

    A result that none of them changes is not decided here.
    """
    trains, depth = "t" in plan.roles, len(question.W)
    base = _answer(caller, plan, question)
    other = _answer(caller, plan, _with_other_x(question))
    if base is None or other is None:
        return True  # it fails elsewhere, with an error that says why
    layers = {0, depth - 1} if trains else set(range(depth))
    acts = partial(_acts_together, caller, plan, question, base, other)
    found = [any(acts(layer, unit) for unit in _inputs(question, layer)) for layer in layers]
    return all(found) or (trains and _is_constant(caller, plan, question, base, other))


def uses_every_sample(caller: FunctionCaller, plan: ArgumentPlan, question: Question) -> bool:
    """Return whether the samples after the first one change the answer, if there are any."""
    if plan.array_format.takes_one_sample:
        return True
    x = question.x.copy()
    x[1:] *= FACTOR
    one, two = _answer(caller, plan, question), _answer(caller, plan, replace(question, x=x))
    if one is None or two is None:
        return True
    return any(not np.array_equal(one[name], two[name]) for name in one.keys() & two.keys())


def averages_samples(caller: FunctionCaller, plan: ArgumentPlan, question: Question) -> bool:
    """Return whether some weights are the same when every sample comes twice: it counts them."""
    twice = replace(
        question, x=np.concatenate([question.x] * 2), t=np.concatenate([question.t] * 2)
    )
    one, two = _answer(caller, plan, question), _answer(caller, plan, twice)
    if one is None or two is None:
        return False
    pairs = [(one[n], two[n]) for n in one.keys() & two.keys() if n.startswith("W")]
    return any(a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=0) for a, b in pairs)


def _answer(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question
) -> Mapping[str, Array] | None:
    """Return the arrays of a fresh call, None if it fails."""
    try:
        answer = caller.call_fresh(plan, question)
    except CallError:
        return None
    if "t" not in plan.roles:
        return {"p": answer.outputs["p"]} if "p" in answer.outputs else None
    return None if answer.main is None else answer.main.arrays


def _with_other_x(question: Question) -> Question:
    return replace(question, x=question.x * FACTOR)


def _inputs(question: Question, layer: int) -> range:
    """Return the inputs of a layer to try: a single sample may leave the first unit below at 0."""
    return range(min(question.W[layer].shape[1], MOST_INPUTS))


def _with_other_weights(question: Question, layer: int, unit: int = 0) -> Question:
    """Return the question with other weights of one input of a layer.

    Each unit's weight is shifted by another amount, because softmax ignores a common shift.
    """
    W = list(question.W)
    W[layer] = W[layer].copy()
    W[layer][:, unit] += SHIFT * np.arange(1, len(W[layer]) + 1)
    return replace(question, W=tuple(W))


def _acts_together(
    caller: FunctionCaller,
    plan: ArgumentPlan,
    question: Question,
    base: Mapping[str, Array],
    other: Mapping[str, Array],
    layer: int,
    unit: int,
) -> bool:
    """Return whether the effect of x on numbers other than the shifted weights depends on these."""
    shifted = _with_other_weights(question, layer, unit)
    third = _answer(caller, plan, shifted)
    fourth = _answer(caller, plan, _with_other_x(shifted))
    if third is None or fourth is None:
        return False
    own = f"W{layer + 1}"
    for name, array in base.items():
        arrays = [array, other.get(name), third.get(name), fourth.get(name)]
        if any(a is None or a.shape != array.shape for a in arrays):
            continue
        a, b, c, d = (np.asarray(each, dtype=float) for each in arrays)
        effect, size = (d - c) - (b - a), max(float(np.max(np.abs(v), initial=0)) for v in (a, b))
        if name == own and effect.ndim == 2:
            effect = np.delete(effect, unit, axis=1) if effect.shape[1] > 1 else effect
        if not np.all(np.abs(effect) <= LEAST * size):
            return True
    return False


def _is_constant(
    caller: FunctionCaller,
    plan: ArgumentPlan,
    question: Question,
    base: Mapping[str, Array],
    other: Mapping[str, Array],
) -> bool:
    """Return whether the answer is zero, the weights themselves, or the same for all questions."""
    old = {f"W{i}": W for i, W in enumerate(question.W, 1)}
    if all(not array.any() for array in base.values()):
        return True
    if all(np.array_equal(base[name], old[name]) for name in old if name in base):
        return True
    answers = [other, *_with_each_weight(caller, plan, question)]
    return all(
        np.array_equal(each[name], base[name], equal_nan=True)
        for each in answers
        for name in each.keys() & base.keys()
    )


def _with_each_weight(
    caller: FunctionCaller, plan: ArgumentPlan, question: Question
) -> Iterator[Mapping[str, Array]]:
    for layer in range(len(question.W)):
        answer = _answer(caller, plan, _with_other_weights(question, layer))
        if answer is not None:
            yield answer
