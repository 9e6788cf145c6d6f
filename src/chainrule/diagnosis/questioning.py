"""Ask an attempt questions, and turn its answers into sessions for the search to explain.

The first questions use the designed networks or what is declared; the others use the layout found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from chainrule.diagnosis.networks import CHAIN, GENERAL, SINGLE, SQUARE, Declared, packed, question
from chainrule.diagnosis.sessions import SINGLE_PRECISION, Observed, Session
from chainrule.multilayer import mlp
from chainrule.submission import (
    ONE_COLUMN,
    SEVERAL_COLUMNS,
    SKIPPED_AS_RANDOM,
    Array,
    Asker,
    Failure,
    Kind,
    Layout,
    Question,
    Reading,
)

CALLS: dict[Kind, int] = {"gradients": 2, "step": 3, "forward": 2}
DEPTHS = (3, 2, 1)
FATAL_FAULTS = ("endless", "memory", "non-deterministic", "not-found")  # not worth a second try
INFORMATIVE_FAULTS = ("made-by-chance", "non-deterministic")  # reported before any other fault
ONE_BY_ONE = "one at a time"
UNUSED_RATE = "the learning rate that it takes is not used: updates are the same for another rate"
COLUMNS = (ONE_COLUMN, SEVERAL_COLUMNS)
PRECISION = {"float64": 1e-9, "float32": SINGLE_PRECISION}


@dataclass(frozen=True, eq=False)
class Transcript:
    """The questions and an attempt's answers, in one of the ways to read them.

    Parameters
    ----------
    kind : {"gradients", "step", "forward"}
    layout : Layout
    widths : tuple of int
    rate : float or None
        The learning rate passed to the attempt.
    first : Reading
    asked : tuple of (Question, Reading)
    failed : tuple of Failure
        Why further questions were not answered.
    own_remarks : tuple of str
        What was noticed from several answers.
    """

    kind: Kind
    layout: Layout
    widths: tuple[int, ...]
    rate: float | None
    first: Reading
    asked: tuple[tuple[Question, Reading], ...]
    failed: tuple[Failure, ...] = ()
    own_remarks: tuple[str, ...] = ()

    @property
    def online(self) -> bool:
        """Whether it takes one sample at a time."""
        return self.layout.samples == ONE_BY_ONE

    @property
    def sessions(self) -> list[Session]:
        """The questions and answers as sessions, which the search explains."""
        return [session_of(q, r) for q, r in self.asked]

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks made while asking, without duplicates."""
        first = [
            text
            for text in self.first.remarks
            if self.kind == "forward" or text.startswith((SKIPPED_AS_RANDOM, *COLUMNS))
        ]
        later = [text for _, r in self.asked for text in r.remarks]
        return tuple(dict.fromkeys([*first, *later, *self.own_remarks]))


def transcripts(
    asker: Asker, declared: Declared, own: Question | None = None, kind: Kind | None = None
) -> list[Transcript] | Failure:
    """Return a transcript for every way in which the first answer can be read.

    Parameters
    ----------
    asker : Asker
    declared : Declared
    own : Question, optional
        The learner's own network and data, asked first.
    kind : {"gradients", "step", "forward"}, optional
    """
    failures: list[Failure] = []
    fallbacks: list[tuple[Question, list[Reading]]] = []
    for first in _first_questions(asker, declared, own):
        if fallbacks and not _shows_as_little(first, fallbacks[0][0]):
            break
        found = asker.read(first, kind=kind)
        if isinstance(found, Failure) or not found:
            failures += [found] if isinstance(found, Failure) else []
            if failures and failures[-1].fault in FATAL_FAULTS:
                break
            continue
        if kind is None and all(reading.kind == "forward" for reading in found):
            fallbacks.append((first, found))  # given class numbers, it may return gradients
            continue
        return [_ask_further(asker, first, reading, declared, own) for reading in found]
    for first, found in fallbacks[:1]:
        return [_ask_further(asker, first, reading, declared, own) for reading in found]
    failures.sort(key=lambda failure: failure.fault not in INFORMATIVE_FAULTS)
    return failures[0] if failures else Failure("no-layout", "it answers no question")


def _shows_as_little(one: Question, other: Question) -> bool:
    """Return whether two networks are the same or both square, where any array fits anywhere."""
    squares = SQUARE.values()
    return one.widths == other.widths or (one.widths in squares and other.widths in squares)


def _first_questions(asker: Asker, declared: Declared, own: Question | None) -> list[Question]:
    """Return the questions to try until one is answered."""
    if own is not None:
        return [own]
    one_hot = (declared.loss or "").startswith("softmax")
    if declared.layers:
        shapes = [declared.layers]
    elif fixed := asker.widths_of():
        shapes = [fixed]
    else:
        count = len(declared.activation or ())
        depths = [count] if count > 1 else DEPTHS
        shapes = [table[d] for table in (GENERAL, SINGLE, SQUARE) for d in depths if d in table]
        # shapes show nothing about single units: two layers are the most usual
        shapes += [CHAIN[d] for d in sorted(depths, key=lambda d: d != 2) if d in CHAIN]
    open_targets = declared.loss is None and not one_hot
    found: list[Question] = []
    for widths in shapes:
        found.append(question(widths, one_hot=one_hot))
        if open_targets and widths[-1] > 1:  # which may be class numbers
            found.append(question(widths, one_hot=True))
    return found


def _ask_further(
    asker: Asker, first: Question, reading: Reading, declared: Declared, own: Question | None
) -> Transcript:
    """Return the transcript with the answers to further questions, in the layout found."""
    kind, layout = reading.kind, reading.layout
    asked: list[tuple[Question, Reading]] = []
    failed: list[Failure] = []
    for q in _further_questions(first, reading, declared, own):
        again = asker.read(q, kind=kind, layout=layout)
        if isinstance(again, Failure) or not again:
            failed += [again] if isinstance(again, Failure) else []
        else:
            asked.append((q, again[0]))
    if not asked:
        asked = [(first, reading)]
    rate = None if _ignores_rate(asker, asked[0], layout) else reading.rate
    remarks = (UNUSED_RATE,) if rate != reading.rate else ()
    return Transcript(
        kind, layout, first.widths, rate, reading, tuple(asked), tuple(failed), remarks
    )


def _ignores_rate(asker: Asker, asked: tuple[Question, Reading], layout: Layout) -> bool:
    """Return whether an update is the same for another learning rate."""
    question, reading = asked
    if reading.kind != "step" or reading.rate is None:
        return False
    other = replace(question, rate=2 * question.rate, calls=1)
    again = asker.read(other, kind="step", layout=layout)
    if isinstance(again, Failure) or not again:
        return False
    one, two = reading.answers[0], again[0].answers[0]
    return all(np.array_equal(one[n], two[n]) for n in one.keys() & two.keys())


def _further_questions(
    first: Question, reading: Reading, declared: Declared, own: Question | None
) -> list[Question]:
    """Return further questions: several calls, a single sample, square layers, one output."""
    kind, depth = reading.kind, len(first.W)
    calls = CALLS[kind]
    one_hot = (declared.loss or "").startswith("softmax") or reading.layout.classes
    if own is not None:
        return [replace(own, calls=calls)]
    if reading.layout.samples == ONE_BY_ONE:
        ask = [
            question(first.widths, 1, calls=calls, one_hot=one_hot),
            question(first.widths, 1, seed=1, one_hot=one_hot),
        ]
        ask += [question(first.widths, 3, one_hot=one_hot)] if kind == "step" else []
    else:
        ask = [
            question(first.widths, calls=calls, one_hot=one_hot),
            question(first.widths, 1, one_hot=one_hot),
        ]
    if declared.layers is None and first.widths in GENERAL.values():
        n = 1 if reading.layout.samples == ONE_BY_ONE else 0
        tables = (
            (SQUARE,) if reading.layout.classes else (SQUARE, SINGLE)
        )  # a single class leaves nothing to choose
        ask += [question(t[depth], n, one_hot=one_hot) for t in tables]
    return ask


def session_of(question: Question, reading: Reading) -> Session:
    """Return a question and its answers as a session."""
    widths = question.widths
    bias = reading.layout.bias != "none"
    plain = mlp(*widths, activation="identity", loss="squared-error", bias=bias)
    theta = packed(plain, question)
    tolerance = PRECISION[reading.layout.dtype]
    depth = len(widths) - 1
    # arrays returned with gradients may be caches, such as z or a with a column of ones: ignore all
    # but the output
    ignored = (
        [f"{q}{i + 1}" for q in "az" for i in range(depth)] if reading.kind != "forward" else []
    )
    skipped = {f"a{depth}", *ignored}  # p is the output that people return
    calls = tuple(
        _observed({n: a for n, a in answer.items() if n not in skipped}, depth)
        for answer in reading.answers
    )
    sequential = reading.kind == "step"
    return Session(question.x, question.t, theta, calls, sequential, tolerance, widths)


def names_in_order(depth: int) -> list[str]:
    """Return the names that answers may have, in the names_in_order in which they are computed."""
    up, down = range(1, depth + 1), range(depth, 0, -1)
    forward = [f"{stem}{i}" for i in up for stem in ("z", "a")]
    backward = [f"{stem}{i}" for i in down for stem in ("da", "delta", "dx")]
    gradients = [f"{stem}{i}" for i in down for stem in ("dW", "db")]
    updates = [f"{stem}{i}_new" for i in down for stem in ("W", "b")]
    return [*forward, "o", "p", "loss", "do", *backward, *gradients, *updates]


def _observed(answer: Mapping[str, Array], depth: int) -> tuple[Observed, ...]:
    """Return an answer's arrays in the names_in_order in which they are computed."""
    named = [name for name in names_in_order(depth) if name in answer]
    return tuple(Observed(name, np.asarray(answer[name], dtype=float)) for name in named)
