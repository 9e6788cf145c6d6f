"""Chance: whether a program's answers depend on random numbers, and what is to be said of it.

The same question is asked with many seeds, since a few masks of dropout may well be alike; what
the answers mean is not looked at here.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.submission.answers import near, only, same
from chainrule.submission.calls import Crashed, Ground
from chainrule.submission.questions import Array, Failure, Question

Answers: TypeAlias = tuple[dict[str, Array], ...]

SEEDS = range(2, 18)  # beside 1; only the first where nothing random is in sight
LONGEST = 2.0  # s that seeds are tried
SKIPPED_AS_RANDOM = "it draws random numbers, so that it was not asked: "
SHUFFLED = "It goes through the samples in a random order; the order was held still by a seed."
RANDOM_SELECTION = (
    "Which samples it takes, or in which random order, changes its numbers; a seed held it still."
)


@dataclass(frozen=True, eq=False)
class Chance:
    """A program to be asked with one seed and another.

    Parameters
    ----------
    ask : callable
        Gives the answers to a question with a seed.
    ground : Ground
    """

    ask: Callable[[Question, int], Answers]
    ground: Ground

    def told(self, name: str, question: Question, first: Answers) -> str | Failure:
        """Return what is to be said of answers with seed 1: nothing, a remark or a failure."""
        other = self.other(question, first)
        if other is None:
            return ""
        if self.is_order(question, first):
            return SHUFFLED if near(first, other) else RANDOM_SELECTION
        return self.failure(name, question, first)

    def other(self, question: Question, first: Answers) -> Answers | None:
        """Return other answers to a question than those with seed 1; None if there are none."""
        end = time.monotonic() + LONGEST
        for seed in SEEDS:
            with contextlib.suppress(Crashed):
                found = self.ask(question, seed)
                if not same(first, found):
                    return found
            if not self.ground.draws or time.monotonic() > end:
                break
        return None

    def is_order(self, question: Question, first: Answers) -> bool:
        """Return whether chance only orders the samples or takes some, and a seed holds it still.

        Then one sample alone is always answered the same.
        """
        if len(question.x) < 2 or not same(first, self.ask(question, 1)):
            return False
        alone = only(question, 0)
        return self.other(alone, self.ask(alone, 1)) is None

    def failure(self, name: str, question: Question, first: Answers) -> Failure:
        """Return the failure of answers that differ: with the seed alone, or without it too."""
        why = "it draws random numbers"
        if not same(first, self.ask(question, 1)):
            why += (
                ", and no seed holds them still, or it keeps something from call to call that "
                "cannot be put back; hand in a function that has all it needs as arguments"
            )
        text = f"{name} answers the same question differently each time: {why}"
        return Failure("non-deterministic", text)
