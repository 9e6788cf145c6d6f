"""Find out whether a submission's answers depend on random numbers, and describe how.

The same question is asked with many seeds, because a few dropout masks may well be equal.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.submission.answers import are_close, are_identical, select_sample
from chainrule.submission.calls import CallError
from chainrule.submission.questions import Array, Failure, Question
from chainrule.submission.snapshots import ModuleSnapshot
from chainrule.submission.time_limit import TimeLimit

Answers: TypeAlias = tuple[dict[str, Array], ...]

SEEDS = range(2, 18)  # compared with seed 1; only the first if no random numbers seem to be used
LONGEST = 2.0  # s for trying seeds
SKIPPED_AS_RANDOM = "not called, because it draws random numbers: "
SHUFFLED = "It processes the samples in random order; a seed kept the order fixed."
RANDOM_SELECTION = (
    "Its numbers depend on which samples it selects, or in which random order; a seed kept that "
    "fixed."
)


@dataclass(frozen=True, eq=False)
class Randomness:
    """A submission that is asked with one seed after the other.

    Parameters
    ----------
    ask : callable
        Returns the answers to a question with a seed.
    snapshot : ModuleSnapshot
    """

    ask: Callable[[Question, int], Answers]
    snapshot: ModuleSnapshot

    def describe(self, name: str, question: Question, first: Answers) -> str | Failure:
        """Return a remark on answers with seed 1, empty if they are not random, or a failure."""
        other = self.other_answers(question, first)
        if other is None:
            return ""
        if self.is_order_only(question, first):
            return SHUFFLED if are_close(first, other) else RANDOM_SELECTION
        return self.failure(name, question, first)

    def other_answers(self, question: Question, first: Answers) -> Answers | None:
        """Return answers that differ from those with seed 1, or None if no seed changes them."""
        limit = TimeLimit(LONGEST)
        for seed in SEEDS:
            with contextlib.suppress(CallError):
                found = self.ask(question, seed)
                if not are_identical(first, found):
                    return found
            if not self.snapshot.may_have_drawn or limit.is_over:
                break
        return None

    def is_order_only(self, question: Question, first: Answers) -> bool:
        """Return whether random numbers only select or order the samples, and a seed fixes them.

        In that case the answer to a single sample is always the same.
        """
        if len(question.x) < 2 or not are_identical(first, self.ask(question, 1)):
            return False
        single = select_sample(question, 0)
        return self.other_answers(single, self.ask(single, 1)) is None

    def failure(self, name: str, question: Question, first: Answers) -> Failure:
        """Return the failure of answers that are different each time."""
        why = "it draws random numbers"
        if not are_identical(first, self.ask(question, 1)):
            why += (
                " that no seed fixes, or it keeps values from one call to the next; submit a "
                "function that takes everything it needs as arguments"
            )
        text = f"{name} answers the same question differently each time: {why}"
        return Failure("non-deterministic", text)
