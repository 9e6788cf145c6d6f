"""What is odd about a learner's object: shared lists, missing biases, outputs that grow.

These are remarks; none of them decides anything.
"""

import contextlib
from dataclasses import replace
from typing import Any

from chainrule.submission.answers import only
from chainrule.submission.arrays import numeric
from chainrule.submission.calls import Crashed
from chainrule.submission.objects.call_sequences import forward_acts
from chainrule.submission.objects.making import Maker, lists_of
from chainrule.submission.objects.workers import Recipe, is_forward, work
from chainrule.submission.questions import Question


def oddities(maker: Maker, plan: Recipe, question: Question) -> list[str]:
    """Return what is odd about an object: shared lists, missing biases, outputs that grow."""
    worker = work(maker, plan, question, 0)
    found = _shared(maker, plan, question)
    bound = worker.bound
    if bound.bias in {"separate", "none"}:
        for layer, place in enumerate(bound.b or (None,) * len(bound.W), 1):
            if place is None:
                found.append(f"no-bias: layer {layer}")
            elif place.shape == () and len(question.b[layer - 1]) > 1:
                found.append(f"shared-bias: layer {layer}")
    return found + _grows(maker, plan, question)


def _shared(maker: Maker, plan: Recipe, question: Question) -> list[str]:
    """Return a remark for each list that stands on a class and was filled by its objects."""
    maker.ground.restore(0)
    with contextlib.suppress(Crashed):
        maker.make(plan.way, question, ones=plan.ones)
    found = [
        f"shared: {cls.__name__}.{name} stands on the class, so all its objects have the same one"
        for cls, data in maker.ground.shared.items()
        for name in lists_of(data)
        if _size(vars(cls).get(name)) != _size(data[name])
        or name in maker.ground.filled.get(cls, ())
    ]
    maker.ground.restore(0)
    return found


def _size(value: Any) -> int:
    """Return how much a container holds."""
    return len(value) if hasattr(value, "__len__") else 0


def _grows(maker: Maker, plan: Recipe, question: Question) -> list[str]:
    """Return a remark for a method whose answer grows from call to call."""
    acts = [plan.act] if is_forward(plan) else forward_acts(maker.attempt.cls)
    for act in acts:
        with contextlib.suppress(Crashed):
            sizes = _sizes(maker, replace(plan, act=act), question)
            if sizes and sizes[0] and sizes[0] < sizes[1] < sizes[2]:
                told = ", ".join(map(str, sizes))
                return [f"grows: {act.calls[0][0]} returns {told} numbers, more with every call"]
    return []


def _sizes(maker: Maker, plan: Recipe, question: Question) -> list[int]:
    """Return how many numbers a method returns when called three times for the same sample."""
    worker = work(maker, plan, question, 0)
    one = only(question, 0) if plan.data.single else question
    found: list[int] = []
    for _ in range(3):
        array = numeric(worker.say(plan.act, plan.data, one)[-1])
        found.append(0 if array is None else array.size)
    return found
