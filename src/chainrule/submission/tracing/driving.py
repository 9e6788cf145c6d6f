"""Train with a function or class whose layout is known, so that its calls can be traced."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.submission.answers import continue_from, select_sample
from chainrule.submission.attempts import Attempt, attempt_of
from chainrule.submission.functions.argument_plans import plan_from_layout
from chainrule.submission.functions.calling import FunctionCaller
from chainrule.submission.objects.call_plans import call_plan_from_layout
from chainrule.submission.objects.calling import call_once
from chainrule.submission.objects.factory import ObjectFactory
from chainrule.submission.objects.prepared import PreparedObject, prepare_object
from chainrule.submission.questions import Array, Kind, Layout, Question, Reading
from chainrule.submission.reading import example
from chainrule.submission.snapshots import ModuleSnapshot

ITERATIONS = 4  # whole batches; single samples in turn make more updates
SECONDS = 10.0  # for a call
TRAINING_RATE, TRAINING_SAMPLES = 0.1, 6  # the rate of updates with the gradients of a call
PARAMETER = "    {n} = _training.{letter}[{at}] = _training.{letter}[{at}] * 1.0\n"
UPDATE = "        {n} = _training.{letter}[{at}] = {n} - _training.d{letter}[{at}] * {rate}\n"
TRAIN = """
from chainrule.submission.tracing.driving import Training as _Training
def _train(_training):
{created}    while _training.goes_on():
{updated}
_train(_Training({name}, {layout!r}, {widths!r}, {kind!r}))
"""


def training_lines(name: str, reading: Reading, widths: tuple[int, ...]) -> str:
    """Return lines that train with a function or class, to be added to the program that defines it.

    Parameters
    ----------
    name : str
        The function, method or class.
    reading : Reading
        How it answers a question of these widths.
    widths : tuple of int
        The numbers of inputs and of every layer's units.
    """
    letters = "W" if reading.layout.bias == "none" else "Wb"
    found = [
        {"n": f"{letter}{i + 1}", "letter": letter, "at": i, "rate": TRAINING_RATE}
        for i in range(len(widths) - 1)
        for letter in letters
    ]
    updates = "".join(UPDATE.format(**each) for each in found)
    return TRAIN.format(
        created="".join(PARAMETER.format(**each) for each in found),
        updated=updates if reading.kind == "gradients" else "        pass",
        name=name,
        layout=json.dumps(asdict(reading.layout)),
        widths=widths,
        kind=reading.kind,
    )


def answers_completely(reading: Reading, widths: tuple[int, ...]) -> bool:
    """Return whether it gives all gradients or new parameters, in their shapes."""
    pattern = {"step": "{}{}_new", "gradients": "d{}{}"}.get(reading.kind, "")
    shapes = {pattern.format("W", i): (n, m) for i, (m, n) in enumerate(pairwise(widths), 1)}
    if reading.layout.bias != "none":
        shapes |= {pattern.format("b", i): (n,) for i, n in enumerate(widths[1:], 1)}
    answer = reading.answers[0]
    return bool(pattern) and all(
        name in answer and answer[name].shape == shape for name, shape in shapes.items()
    )


class _FunctionCalls:
    """Calls a function.

    Parameters
    ----------
    attempt : Attempt
    layout : Layout
    """

    def __init__(self, attempt: Attempt, layout: Layout) -> None:
        self.plan = plan_from_layout(layout)
        self.caller = FunctionCaller(attempt.target, ModuleSnapshot(attempt), SECONDS)
        self.takes_one_sample = self.plan.array_format.takes_one_sample

    def answer(self, question: Question, kind: Kind) -> Mapping[str, Array]:
        """Return the new parameters or the gradients."""
        return self.caller.call(self.plan, question).by_name(kind)


class _ObjectCalls:
    """Calls the methods of one object, which keeps what it has learned.

    Parameters
    ----------
    attempt : Attempt
    layout : Layout
    """

    def __init__(self, attempt: Attempt, layout: Layout) -> None:
        self.plan = call_plan_from_layout(layout)
        self.factory = ObjectFactory(attempt, ModuleSnapshot(attempt), SECONDS)
        self.takes_one_sample = self.plan.calls_each_sample
        self.prepared: PreparedObject | None = None

    def answer(self, question: Question, kind: Kind) -> Mapping[str, Array]:
        """Return the new parameters or the gradients."""
        if self.prepared is None:
            self.prepared = prepare_object(self.factory, self.plan, question, 0)
        elif kind == "gradients":
            self.prepared.locations.set_values(self.prepared.thing, question)
        return call_once(self.prepared, self.plan, question).arrays


class Training:
    """Calls a function or an object's methods again and again, and keeps the parameters.

    Parameters
    ----------
    target : callable
        The function, method or class.
    layout : str
        Its layout as JSON.
    widths : tuple of int
    kind : {"step", "gradients"}
        Whether it gives new parameters or gradients.
    """

    def __init__(self, target: Any, layout: str, widths: tuple[int, ...], kind: Kind) -> None:
        known = Layout(**json.loads(layout))
        attempt = attempt_of(target)
        made = _FunctionCalls if known.form == "function" else _ObjectCalls
        self.calls, self.turn = made(attempt, known), 0
        self.kind: Kind = kind
        given = example(widths, TRAINING_SAMPLES)
        self.question = replace(given, x=2 * given.x - 1)  # of both signs
        self.W: list[Array] = list(self.question.W)
        self.b: list[Array] = list(self.question.b)

    def goes_on(self) -> bool:
        """Call it, and return whether it was called; new parameters replace the present ones."""
        single, n = self.calls.takes_one_sample, len(self.question.x)
        if self.turn == ITERATIONS * (n if single else 1):
            return False
        question = replace(self.question, W=tuple(self.W), b=tuple(self.b))
        question = select_sample(question, self.turn % n) if single else question
        self._take(question, self.calls.answer(question, self.kind))
        self.turn += 1
        return True

    def _take(self, question: Question, answer: Mapping[str, Array]) -> None:
        """Keep an answer, as new parameters or as gradients; the lines use what it is."""
        depth = range(1, len(self.W) + 1)
        self.dW = [answer.get(f"dW{i}", np.zeros(0)) for i in depth]
        self.db = [answer.get(f"db{i}", np.zeros(0)) for i in depth]
        following = continue_from(question, answer) if self.kind == "step" else None
        if following is not None:
            self.W, self.b = list(following.W), list(following.b)
