"""The reading of a learner's program: one door to functions and classes alike.

It also finds out which networks a program can be asked about; nothing here judges an answer.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.submission.attempts import Attempt, candidates, named_attempt
from chainrule.submission.functions.asking import read_function
from chainrule.submission.objects.asking import fixed_widths, read_object
from chainrule.submission.questions import Failure, Kind, Layout, Question, Reading

TRIALS = {  # by depth the networks that are tried: the last serve programs that need them so
    2: ((3, 4, 2), (4, 3, 2), (3, 4, 1)),
    3: ((3, 4, 5, 2), (5, 4, 3, 2), (3, 4, 4, 1)),
    1: ((3, 2), (3, 1)),
}


def find(namespace: Mapping[str, Any], name: str | None = None) -> Attempt:
    """Return the attempt in a module's `namespace`.

    Parameters
    ----------
    namespace : mapping
        The module's names.
    name : str, optional
        A function, a class, or ``Class.method``. Without it: a function ``step`` or ``gradients``,
        then ``forward``, then the first class or function that answers when it is asked.

    Returns
    -------
    Attempt

    Raises
    ------
    SubmissionError
        With fault ``"not-found"``; the message lists what there is.
    """
    if name is not None:
        return named_attempt(namespace, name)
    found = candidates(namespace)
    second: Attempt | None = None
    for attempt in found if len(found) > 1 else []:
        kind = _kind(attempt)
        if kind in {"step", "gradients"}:
            return attempt
        second = second or (attempt if kind else None)
    return second or found[0]


def _kind(attempt: Attempt) -> Kind | None:
    """Return what kind of answers an attempt gives, None if none."""
    fixed = widths_of(attempt)
    for widths in [fixed] if fixed else itertools.chain(*TRIALS.values()):
        found = read(attempt, example(widths), seconds=1.0)
        if not isinstance(found, Failure):
            return found[0].kind
    return None


def read(
    attempt: Attempt,
    question: Question,
    *,
    kind: Kind | None = None,
    layout: Layout | None = None,
    seconds: float = 10.0,
) -> list[Reading] | Failure:
    """Return what a program answers to a question, in every way in which that can be read.

    Parameters
    ----------
    attempt : Attempt
    question : Question
    kind : {"gradients", "step", "forward"}, optional
        What the answers are, if that is known already.
    layout : Layout, optional
        The layout of an earlier reading: then there is only this one.
    seconds : float, default 10
        How long one call may take.

    Returns
    -------
    list of Reading, or Failure
        The most usual reading first.
    """
    reader = read_function if attempt.is_function else read_object
    return reader(attempt, question, kind=kind, layout=layout, seconds=seconds)


def widths_of(attempt: Attempt) -> tuple[int, ...] | None:
    """Return the widths that a class has fixed, from inputs to outputs.

    Parameters
    ----------
    attempt : Attempt

    Returns
    -------
    tuple of int, or None
        None for a function, and for a class that takes its widths.
    """
    return None if attempt.is_function else fixed_widths(attempt)


def layers_of(attempt: Attempt, seconds: float = 1.0) -> int | None:
    """Return how many layers a program is made for.

    Parameters
    ----------
    attempt : Attempt
    seconds : float, default 1
        How long one call may take.

    Returns
    -------
    int or None
        None if it takes any number of them, or none that was tried.
    """
    fixed = widths_of(attempt)
    if fixed is not None:
        return len(fixed) - 1
    works = [depth for depth in (2, 3) if _works(attempt, depth, seconds)]
    if works:
        return works[0] if len(works) == 1 else None
    return 1 if _works(attempt, 1, seconds) else None


def _works(attempt: Attempt, depth: int, seconds: float) -> bool:
    """Return whether a program can be asked about a network with so many layers."""
    answers = (read(attempt, example(widths), seconds=seconds) for widths in TRIALS[depth])
    return any(not isinstance(found, Failure) for found in answers)


def example(widths: Sequence[int], samples: int = 6) -> Question:
    """Return a question about a network of these widths, with numbers that mean nothing.

    Parameters
    ----------
    widths : sequence of int
    samples : int, default 6

    Returns
    -------
    Question
    """
    dice = np.random.default_rng(4)
    pairs = list(itertools.pairwise(widths))
    return Question(
        W=tuple(dice.uniform(-0.9, 0.9, (out, ins)) for ins, out in pairs),
        b=tuple(dice.uniform(-0.9, 0.9, out) for _, out in pairs),
        x=dice.uniform(0.1, 0.9, (samples, widths[0])),
        t=np.eye(widths[-1])[np.arange(samples) % widths[-1]]
        if widths[-1] > 1
        else dice.uniform(0.1, 0.9, (samples, 1)),
        rate=0.37,
    )
