"""Find, call and read a learner's function or class, and find out which networks it can handle."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.submission.answers import are_identical
from chainrule.submission.attempts import (
    USUAL,
    Attempt,
    SubmissionError,
    candidates,
    list_available,
    named_attempt,
)
from chainrule.submission.functions.reading import read_function
from chainrule.submission.objects.fixed_widths import fixed_widths
from chainrule.submission.objects.reading import read_object
from chainrule.submission.questions import Failure, Kind, Layout, Question, Reading

TRIED_WIDTHS = {  # by depth; some programs need more inputs than units, others one output
    2: ((3, 4, 2), (4, 3, 2), (3, 4, 1)),
    3: ((3, 4, 5, 2), (5, 4, 3, 2), (3, 4, 4, 1)),
    1: ((3, 2), (3, 1)),
}


UNLIKELY = 3  # rank of a function that answers, but hardly as a network does
NOTHING_TRAINS = (
    "no function was found that takes weights, samples and targets and gives gradients or new "
    "weights; add one that joins your forward and backward pass, such as gradients(weights, "
    "biases, x, t)"
)


def find(namespace: Mapping[str, Any], name: str | None = None) -> Attempt:
    """Return the attempt in a module's `namespace`.

    Parameters
    ----------
    namespace : mapping
        The module's names.
    name : str, optional
        A function, a class, or ``Class.method``. By default a function ``step`` or ``gradients``,
        then ``forward``, then the first class or function that gives answers.

    Returns
    -------
    Attempt

    Raises
    ------
    SubmissionError
        With fault ``"not-found"``; the message lists the functions and classes.
    """
    if name is not None:
        return named_attempt(namespace, name)
    found = candidates(namespace)
    others: list[tuple[int, Attempt]] = []
    for attempt in found if len(found) > 1 else []:
        rank = _rank(attempt)
        if rank == 0:
            return attempt
        others += [(rank, attempt)] if rank is not None else []
    likely = [pair for pair in others if pair[0] < UNLIKELY]
    if not likely and len(found) > 1 and (others or _answers(found[0])):
        raise SubmissionError(f"{NOTHING_TRAINS}; {list_available(namespace)}")
    return min(likely, key=lambda pair: pair[0])[1] if likely else found[0]


def _answers(attempt: Attempt) -> bool:
    """Return whether an attempt answers at all, rather than failing with an error."""
    widths = itertools.chain(*TRIED_WIDTHS.values())
    questions = map(example, widths)
    return any(not isinstance(read(attempt, q, seconds=1.0), Failure) for q in questions)


def _rank(attempt: Attempt) -> int | None:
    """Return how likely an attempt is the one that trains, 0 if it surely is, None if not at all.

    Without input, the first weights do not change. Where they do, either there is a mistake, or
    it is not backpropagation, as when a forward pass is given a bias for targets.
    """
    kind = _kind(attempt)
    if kind is None or kind == "forward":
        return 2 if kind else None
    if not attempt.is_function or _keeps_first_weights(attempt):
        return 0
    return 1 if any(word in attempt.name.casefold() for word in USUAL) else UNLIKELY


def _keeps_first_weights(attempt: Attempt) -> bool:
    """Return whether x = 0 leaves the first weights as they are, or only shrinks them."""
    for widths in itertools.chain(*TRIED_WIDTHS.values()):
        question = example(widths)
        found = read(attempt, question, seconds=1.0)
        if isinstance(found, Failure):
            continue
        blank = replace(question, x=0 * question.x)
        first = found[0]
        again = read(attempt, blank, kind=first.kind, layout=first.layout, seconds=1.0)
        if isinstance(again, Failure):
            return False
        answer, old = again[0].answers[0], question.W[0]
        if first.kind == "gradients":
            return not np.any(answer.get("dW1", old))
        new = answer.get("W1_new", 0 * old)
        share = float((new * old).sum() / (old * old).sum()) if new.shape == old.shape else 0.0
        return np.allclose(new, share * old, rtol=1e-5, atol=1e-7) and share > 0
    return False


def _kind(attempt: Attempt) -> Kind | None:
    """Return the kind of answers that an attempt gives, or None if it gives none."""
    fixed = widths_of(attempt)
    for widths in [fixed] if fixed else itertools.chain(*TRIED_WIDTHS.values()):
        question = example(widths)
        found = read(attempt, question, seconds=1.0)
        if not isinstance(found, Failure):
            nothing = _ignores_samples(attempt, question, found[0])
            return None if nothing or _changes_nothing(question, found[0]) else found[0].kind
    return None


def _changes_nothing(question: Question, first: Reading) -> bool:
    """Return whether an answer is the weights themselves, as in what a forward pass keeps."""
    old = {f"W{i}_new": W for i, W in enumerate(question.W, 1)}
    answer = first.answers[0]
    found = [np.array_equal(answer[n], old[n]) for n in old.keys() & answer.keys()]
    return bool(found) and all(found)


def _ignores_samples(attempt: Attempt, question: Question, first: Reading) -> bool:
    """Return whether other samples give the same answer, as in functions that are not networks."""
    other = replace(question, x=1.3 * question.x)
    found = read(attempt, other, kind=first.kind, layout=first.layout, seconds=1.0)
    return not isinstance(found, Failure) and are_identical(
        tuple(map(dict, first.answers)), tuple(map(dict, found[0].answers))
    )


def read(
    attempt: Attempt,
    question: Question,
    *,
    kind: Kind | None = None,
    layout: Layout | None = None,
    seconds: float = 10.0,
) -> list[Reading] | Failure:
    """Return a submission's answer to a question, in every layout in which it can be interpreted.

    Parameters
    ----------
    attempt : Attempt
    question : Question
    kind : {"gradients", "step", "forward"}, optional
        The kind of answers, if it is known.
    layout : Layout, optional
        The layout of an earlier reading; only this one is used.
    seconds : float, default 10
        Time limit of one call.

    Returns
    -------
    list of Reading, or Failure
        The most usual reading first.
    """
    reader = read_function if attempt.is_function else read_object
    return reader(attempt, question, kind=kind, layout=layout, seconds=seconds)


def widths_of(attempt: Attempt) -> tuple[int, ...] | None:
    """Return the layer widths that a class has fixed, from inputs to outputs.

    Parameters
    ----------
    attempt : Attempt

    Returns
    -------
    tuple of int, or None
        None for a function, and for a class whose constructor takes the widths.
    """
    return None if attempt.is_function else fixed_widths(attempt)


def layers_of(attempt: Attempt, seconds: float = 1.0) -> int | None:
    """Return the number of layers that a submission can handle.

    Parameters
    ----------
    attempt : Attempt
    seconds : float, default 1
        Time limit of one call.

    Returns
    -------
    int or None
        None if it can handle several numbers of layers, or none that was tried.
    """
    fixed = widths_of(attempt)
    if fixed is not None:
        return len(fixed) - 1
    works = [depth for depth in (2, 3) if _works(attempt, depth, seconds)]
    if works:
        return works[0] if len(works) == 1 else None
    return 1 if _works(attempt, 1, seconds) else None


def _works(attempt: Attempt, depth: int, seconds: float) -> bool:
    """Return whether a submission gives answers for a network with `depth` layers."""
    answers = (read(attempt, example(widths), seconds=seconds) for widths in TRIED_WIDTHS[depth])
    return any(not isinstance(found, Failure) for found in answers)


def example(widths: Sequence[int], samples: int = 6) -> Question:
    """Return a question about a network of these widths with arbitrary numbers.

    Parameters
    ----------
    widths : sequence of int
    samples : int, default 6

    Returns
    -------
    Question
    """
    generator = np.random.default_rng(4)
    pairs = list(itertools.pairwise(widths))
    return Question(
        W=tuple(generator.uniform(-0.9, 0.9, (out, ins)) for ins, out in pairs),
        b=tuple(generator.uniform(-0.9, 0.9, out) for _, out in pairs),
        x=generator.uniform(0.1, 0.9, (samples, widths[0])),
        t=np.eye(widths[-1])[np.arange(samples) % widths[-1]]
        if widths[-1] > 1
        else generator.uniform(0.1, 0.9, (samples, 1)),
        rate=0.37,
    )
