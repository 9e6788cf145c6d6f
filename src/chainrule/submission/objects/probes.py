"""Proof that numbers of an object are the parameters they are taken for, by running it.

Networks have symmetries that mistakes seldom break; nothing here looks at names or formulas.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from chainrule.submission.answers import same
from chainrule.submission.objects.making import Maker
from chainrule.submission.objects.workers import (
    Recipe,
    answers_once,
    forward_of,
    is_forward,
    output_plan,
)
from chainrule.submission.questions import Array, Question

SHIFT = 0.25
Answers: TypeAlias = Mapping[str, Array]
Proof: TypeAlias = tuple[int, float, int]  # see `proof`


@dataclass(frozen=True, eq=False)
class Witness:
    """A plan that can be asked anything about one arrangement of parameters."""

    maker: Maker
    plan: Recipe
    output: Recipe | None

    def asked(self, question: Question, seed: int = 0) -> dict[str, Array]:
        """Return what it answers: changes of parameters or gradients, the loss, the output."""
        found = answers_once(self.maker, self.plan, question, seed)
        if self.output is not None:
            found = {**found, **forward_of(self.maker, self.output, question, seed)}
        return _changes(found, question)


def _changes(found: Answers, question: Question) -> dict[str, Array]:
    """Return answers with new parameters as their changes, which is what is symmetrical."""
    changes = dict(found)
    for letter, arrays in (("W", question.W), ("b", question.b)):
        for layer, old in enumerate(arrays, 1):
            new = changes.pop(f"{letter}{layer}_new", None)
            if new is not None and new.shape == old.shape:
                changes[f"d{letter}{layer}"] = new - old
    return changes


def proof(maker: Maker, plan: Recipe, question: Question) -> Proof:
    """Return how much speaks for an arrangement of parameters.

    Parameters
    ----------
    maker : Maker
    plan : Recipe
    question : Question

    Returns
    -------
    alive : int
        In how many layers the weights do anything.
    share : float
        Of the symmetries of a network how many hold; 1 is all of them.
    effects : int
        How many arrays of parameters change answers about others, or are changed.
    """
    witness = Witness(maker, plan, None if is_forward(plan) else output_plan(maker, plan, question))
    base = witness.asked(question)
    checks = [same((base,), (witness.asked(question, seed=5),))]
    for other, turn in _rolled(question):
        checks += _agreements(turn(base), witness.asked(other))
    checks.append(_is_blind(witness, question))
    checks += _agreements(*(witness.asked(each) for each in _compensated(question)))
    alive, effects = _effects(witness, base, question)
    return alive, sum(checks) / len(checks), effects


def _agreements(one: Answers, other: Answers) -> list[bool]:
    """Return for each array whether it is the same in both."""
    return [
        name in other
        and one[name].shape == other[name].shape
        and np.allclose(one[name], other[name], rtol=1e-6, atol=1e-10, equal_nan=True)
        for name in one
    ]


@dataclass(frozen=True)
class Turn:
    """The units of one layer (0 for the inputs) in another order."""

    layer: int
    depth: int

    def asked(self, q: Question) -> Question:
        """Return a question with them in that order."""
        W, b, k = list(q.W), list(q.b), self.layer
        x = _turned(q.x, 1) if k == 0 else q.x
        t = _turned(q.t, 1) if k == self.depth else q.t
        if k > 0:
            W[k - 1], b[k - 1] = _turned(W[k - 1], 0), _turned(b[k - 1], 0)
        if k < self.depth:
            W[k] = _turned(W[k], 1)
        return replace(q, W=tuple(W), b=tuple(b), x=x, t=t)

    def __call__(self, answers: Answers) -> dict[str, Array]:
        """Return answers as they are for units in that order."""
        found, k = dict(answers), self.layer
        axes = {f"dW{k}": 0, f"db{k}": 0, f"a{k}": -1, f"dW{k + 1}": 1}
        axes |= {"p": -1} if k == self.depth else {}
        for name, axis in axes.items():
            if name in found and found[name].ndim > axis:
                found[name] = _turned(found[name], axis)
        return found


def _turned(array: Array, axis: int) -> Array:
    """Return an array with its last entries first."""
    return np.roll(array, 1, axis=axis)


def _rolled(question: Question) -> Iterator[tuple[Question, Turn]]:
    """Yield the question with the units of each layer in turn in another order."""
    depth = len(question.W)
    for layer, width in enumerate(question.widths):
        if width > 1:
            turn = Turn(layer, depth)
            yield turn.asked(question), turn


def _is_blind(witness: Witness, question: Question) -> bool:
    """Return whether the first weights do not change without input."""
    found = witness.asked(replace(question, x=np.zeros_like(question.x)))
    return "dW1" not in found or not found["dW1"].any()  # nothing is said of what does not change


def _compensated(question: Question) -> tuple[Question, Question]:
    """Return two questions whose first layer has the same sums: more bias, and less weight."""
    x = question.x.copy()
    x[:, 0] = 0.5
    first = question.W[0].copy()
    first[:, 0] -= SHIFT / 0.5
    W, b = (first, *question.W[1:]), (question.b[0] + SHIFT, *question.b[1:])
    return replace(question, x=x), replace(question, x=x, W=W, b=b)


def _effects(witness: Witness, base: Answers, question: Question) -> tuple[int, int]:
    """Return in how many layers weights do something, and how many arrays do or are changed."""
    changed = {name[1:] for name, array in base.items() if name[0] == "d" and array.any()}
    telling: set[str] = set()
    for layer, letter in itertools.product(range(len(question.W)), "Wb"):
        arrays = list(question.W if letter == "W" else question.b)
        arrays[layer] = arrays[layer] + SHIFT
        other = witness.asked(replace(question, **{letter: tuple(arrays)}))
        own = f"{letter}{layer + 1}"
        rest = {name: array for name, array in base.items() if name != f"d{own}"}
        telling |= set() if all(_agreements(rest, other)) else {own}
    weights = {name for name in changed | telling if name.startswith("W")}
    return len(weights), len(changed) + len(telling)
