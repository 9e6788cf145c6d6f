"""Probes: call an object to find out whether arrays are the assumed parameters.

The probes use symmetries of networks that mistakes rarely break, rather than names or formulas.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np

from chainrule.submission.answers import are_identical
from chainrule.submission.objects.call_plans import CallPlan
from chainrule.submission.objects.calling import answer_once
from chainrule.submission.objects.factory import ObjectFactory
from chainrule.submission.objects.outputs import SHIFT, find_output_plan, forward_outputs
from chainrule.submission.questions import Array, Question

OTHER_SEED = 5
Answers: TypeAlias = Mapping[str, Array]


class Score(NamedTuple):
    """How well a choice of parameters is confirmed; higher scores compare greater.

    Attributes
    ----------
    active_layers : int
        The number of layers whose weights change or affect the answer.
    symmetry : float
        The share of a network's symmetries that hold; 1 if all do.
    effects : int
        The number of parameter arrays that affect the answers about others, plus the number of
        those that are changed.
    """

    active_layers: int
    symmetry: float
    effects: int


FAILED = Score(-1, -1.0, 0)


def best_score(depth: int) -> Score:
    """Return the score of parameters that are confirmed by all probes."""
    return Score(depth, 1.0, 4 * depth)


@dataclass(frozen=True, eq=False)
class Probe:
    """A plan with one choice of parameters, which can be asked any question.

    Parameters
    ----------
    factory : ObjectFactory
    plan : CallPlan
    output : CallPlan or None
        A plan that gives the output too.
    """

    factory: ObjectFactory
    plan: CallPlan
    output: CallPlan | None

    def answer(self, question: Question, seed: int = 0) -> dict[str, Array]:
        """Return the changes of parameters or the gradients, the loss and the output."""
        found = answer_once(self.factory, self.plan, question, seed)
        if self.output is not None:
            found = {**found, **forward_outputs(self.factory, self.output, question, seed)}
        return _with_changes(found, question)


def _with_changes(found: Answers, question: Question) -> dict[str, Array]:
    """Return answers with new parameters replaced by their changes, which are symmetric."""
    changes = dict(found)
    for letter, arrays in (("W", question.W), ("b", question.b)):
        for layer, old in enumerate(arrays, 1):
            new = changes.pop(f"{letter}{layer}_new", None)
            if new is not None and new.shape == old.shape:
                changes[f"d{letter}{layer}"] = new - old
    return changes


def score_parameters(factory: ObjectFactory, plan: CallPlan, question: Question) -> Score:
    """Return how well a plan's choice of parameters is confirmed.

    Parameters
    ----------
    factory : ObjectFactory
    plan : CallPlan
    question : Question

    Returns
    -------
    Score
    """
    output = None if plan.is_forward else find_output_plan(factory, plan, question)
    probe = Probe(factory, plan, output)
    base = probe.answer(question)
    checks = [are_identical((base,), (probe.answer(question, seed=OTHER_SEED),))]
    for rotated, rotation in _rotated_questions(question):
        checks += _agreements(rotation.rotate_answers(base), probe.answer(rotated))
    checks.append(_keeps_first_weights_without_input(probe, question))
    checks += _agreements(*(probe.answer(each) for each in _with_equal_net_inputs(question)))
    active, effects = _effects(probe, base, question)
    return Score(active, sum(checks) / len(checks), effects)


def _agreements(one: Answers, other: Answers) -> list[bool]:
    """Return for each array whether it is equal in both answers."""
    return [
        name in other
        and one[name].shape == other[name].shape
        and np.allclose(one[name], other[name], rtol=1e-6, atol=1e-10, equal_nan=True)
        for name in one
    ]


# --- Symmetries ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class UnitRotation:
    """The units of one layer (0 for the inputs) in another order, the last one first.

    Parameters
    ----------
    layer, depth : int
    """

    layer: int
    depth: int

    def rotate_question(self, q: Question) -> Question:
        """Return a question with the units in that order."""
        W, b, k = list(q.W), list(q.b), self.layer
        x = _rotate(q.x, 1) if k == 0 else q.x
        t = _rotate(q.t, 1) if k == self.depth else q.t
        if k > 0:
            W[k - 1], b[k - 1] = _rotate(W[k - 1], 0), _rotate(b[k - 1], 0)
        if k < self.depth:
            W[k] = _rotate(W[k], 1)
        return replace(q, W=tuple(W), b=tuple(b), x=x, t=t)

    def rotate_answers(self, answers: Answers) -> dict[str, Array]:
        """Return the answers that a network gives to the rotated question."""
        found, k = dict(answers), self.layer
        axes = {f"dW{k}": 0, f"db{k}": 0, f"a{k}": -1, f"dW{k + 1}": 1}
        axes |= {"p": -1} if k == self.depth else {}
        for name, axis in axes.items():
            if name in found and found[name].ndim > axis:
                found[name] = _rotate(found[name], axis)
        return found


def _rotate(array: Array, axis: int) -> Array:
    return np.roll(array, 1, axis=axis)


def _rotated_questions(question: Question) -> Iterator[tuple[Question, UnitRotation]]:
    """Yield the question with the units of each layer in turn rotated."""
    depth = len(question.W)
    for layer, width in enumerate(question.widths):
        if width > 1:
            rotation = UnitRotation(layer, depth)
            yield rotation.rotate_question(question), rotation


def _keeps_first_weights_without_input(probe: Probe, question: Question) -> bool:
    """Return whether x = 0 leaves the first weights unchanged, if they can be changed at all."""
    found = probe.answer(replace(question, x=np.zeros_like(question.x)))
    return "dW1" not in found or not found["dW1"].any()


def _with_equal_net_inputs(question: Question) -> tuple[Question, Question]:
    """Return two questions with the same first net inputs: one has more bias and less weight."""
    x = question.x.copy()
    x[:, 0] = 0.5
    first = question.W[0].copy()
    first[:, 0] -= SHIFT / 0.5
    W, b = (first, *question.W[1:]), (question.b[0] + SHIFT, *question.b[1:])
    return replace(question, x=x), replace(question, x=x, W=W, b=b)


# --- Effects -------------------------------------------------------------------------------------


def _shifted(question: Question) -> Iterator[tuple[str, Question]]:
    """Yield the name of each parameter array, and the question with that array shifted."""
    for layer, letter in itertools.product(range(len(question.W)), "Wb"):
        arrays = list(question.W if letter == "W" else question.b)
        arrays[layer] = arrays[layer] + SHIFT
        yield f"{letter}{layer + 1}", replace(question, **{letter: tuple(arrays)})


def _effects(probe: Probe, base: Answers, question: Question) -> tuple[int, int]:
    """Return the `active_layers` and `effects` of a score."""
    changed = {name[1:] for name, array in base.items() if name[0] == "d" and array.any()}
    effective: set[str] = set()
    for name, shifted in _shifted(question):
        rest = {key: array for key, array in base.items() if key != f"d{name}"}
        if not all(_agreements(rest, probe.answer(shifted))):
            effective.add(name)
    weights = {name for name in changed | effective if name.startswith("W")}
    return len(weights), len(changed) + len(effective)


def parameter_effects(
    factory: ObjectFactory, plan: CallPlan, question: Question
) -> tuple[int, int]:
    """Return whether the chosen arrays are all parameters, and how many have an effect.

    If the answers are the same for every seed (1, else 0), no parameter was left at random. The
    second number counts the arrays that change the answers about others.
    """
    base = answer_once(factory, plan, question)
    again = answer_once(factory, plan, question, seed=OTHER_SEED)
    count = 0
    for own, shifted in _shifted(question):
        other = answer_once(factory, plan, shifted)
        names = [name for name in base if name != f"{own}_new" and name in other]
        count += any(not np.array_equal(base[n], other[n], equal_nan=True) for n in names)
    return int(are_identical((base,), (again,))), count


def confirmed_by_single_input(factory: ObjectFactory, plan: CallPlan, question: Question) -> bool:
    """Return whether only the first column of W1 changes if only the first input is not 0."""
    x = np.zeros_like(question.x)
    x[:, 0] = question.x[:, 0]
    answer = answer_once(factory, plan, replace(question, x=x))
    change = answer["W1_new"] - question.W[0] if "W1_new" in answer else answer.get("dW1")
    if change is None or change.shape != question.W[0].shape:
        return False
    return bool(change[:, 0].any() and not change[:, 1:].any())
