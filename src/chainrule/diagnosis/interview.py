"""The interview: which questions an attempt is asked, and its answers as sessions to be explained.

It begins with the designed networks, or with what is declared, and goes on in the layout found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from chainrule.diagnosis.networks import GENERAL, SINGLE, SQUARE, Declared, packed, question
from chainrule.diagnosis.sessions import SINGLE_PRECISION, Observed, Session
from chainrule.multilayer import mlp
from chainrule.submission import (
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
HOPELESS = ("endless", "memory", "non-deterministic", "not-found")  # at other widths too
TELLING = ("made-by-chance", "non-deterministic")  # more than that a layout does not fit
ONE_BY_ONE = "one at a time"
PRECISION = {"float64": 1e-9, "float32": SINGLE_PRECISION}


@dataclass(frozen=True, eq=False)
class Interview:
    """What an attempt answered, in one of the ways to read it.

    Parameters
    ----------
    kind : {"gradients", "step", "forward"}
    layout : Layout
    widths : tuple of int
    rate : float or None
        The learning rate that was handed over.
    first : Reading
    asked : tuple of (Question, Reading)
    failed : tuple of Failure
        Why it could not be asked more.
    """

    kind: Kind
    layout: Layout
    widths: tuple[int, ...]
    rate: float | None
    first: Reading
    asked: tuple[tuple[Question, Reading], ...]
    failed: tuple[Failure, ...] = ()

    @property
    def online(self) -> bool:
        """Whether it takes one sample at a time."""
        return self.layout.samples == ONE_BY_ONE

    @property
    def sessions(self) -> list[Session]:
        """What was asked and answered, as sessions to be explained."""
        return [session(q, r) for q, r in self.asked]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was noticed while asking, each once."""
        first = [text for text in self.first.remarks if text.startswith(SKIPPED_AS_RANDOM)]
        later = [text for _, r in self.asked for text in r.remarks]
        return tuple(dict.fromkeys(first + later))


def interviews(
    asker: Asker, declared: Declared, own: Question | None = None, kind: Kind | None = None
) -> list[Interview] | Failure:
    """Return the interview for every way in which the first answer can be read.

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
    for first in _openings(asker, declared, own):
        if fallbacks and first.widths != fallbacks[0][0].widths:
            break
        found = asker.read(first, kind=kind)
        if isinstance(found, Failure) or not found:
            failures += [found] if isinstance(found, Failure) else []
            if failures and failures[-1].fault in HOPELESS:
                break
            continue
        if kind is None and all(reading.kind == "forward" for reading in found):
            fallbacks.append((first, found))  # with class numbers it may do more
            continue
        return [_go_on(asker, first, reading, declared, own) for reading in found]
    for first, found in fallbacks[:1]:
        return [_go_on(asker, first, reading, declared, own) for reading in found]
    failures.sort(key=lambda failure: failure.fault not in TELLING)
    return failures[0] if failures else Failure("no-layout", "nothing could be asked of it")


def _openings(asker: Asker, declared: Declared, own: Question | None) -> list[Question]:
    """Return the questions to begin with, until one is answered."""
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
    open_targets = declared.loss is None and not one_hot
    found: list[Question] = []
    for widths in shapes:
        found.append(question(widths, one_hot=one_hot))
        if open_targets and widths[-1] > 1:  # which may be class numbers
            found.append(question(widths, one_hot=True))
    return found


def _go_on(
    asker: Asker, first: Question, reading: Reading, declared: Declared, own: Question | None
) -> Interview:
    """Ask further questions in the layout that was found."""
    kind, layout = reading.kind, reading.layout
    asked: list[tuple[Question, Reading]] = []
    failed: list[Failure] = []
    for q in _further(first, reading, declared, own):
        again = asker.read(q, kind=kind, layout=layout)
        if isinstance(again, Failure) or not again:
            failed += [again] if isinstance(again, Failure) else []
        else:
            asked.append((q, again[0]))
    if not asked:
        asked = [(first, reading)]
    return Interview(kind, layout, first.widths, reading.rate, reading, tuple(asked), tuple(failed))


def _further(
    first: Question, reading: Reading, declared: Declared, own: Question | None
) -> list[Question]:
    """Return what to ask: several calls, a single sample, square layers, one output."""
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
        tables = (SQUARE,) if reading.layout.classes else (SQUARE, SINGLE)  # one class is no choice
        ask += [question(t[depth], n, one_hot=one_hot) for t in tables]
    return ask


def session(question: Question, reading: Reading) -> Session:
    """Return a question and its answers as a session to be explained."""
    widths = question.widths
    bias = reading.layout.bias != "none"
    plain = mlp(*widths, activation="identity", loss="squared-error", bias=bias)
    theta = packed(plain, question)
    tolerance = PRECISION[reading.layout.dtype]
    depth = len(widths) - 1
    # what lies beside gradients may be caches with a column of ones, or z: only the output counts
    idle = [f"{q}{i + 1}" for q in "az" for i in range(depth)] if reading.kind != "forward" else []
    skipped = {f"a{depth}", *idle}  # of an output that owns its link, p is what people hand out
    calls = tuple(
        _seen({n: a for n, a in answer.items() if n not in skipped}, depth)
        for answer in reading.answers
    )
    sequential = reading.kind == "step"
    return Session(question.x, question.t, theta, calls, sequential, tolerance, widths)


def order(depth: int) -> list[str]:
    """Return the names that answers may have, in the order in which they are computed."""
    up, down = range(1, depth + 1), range(depth, 0, -1)
    forward = [f"{stem}{i}" for i in up for stem in ("z", "a")]
    backward = [f"{stem}{i}" for i in down for stem in ("da", "delta", "dx")]
    gradients = [f"{stem}{i}" for i in down for stem in ("dW", "db")]
    updates = [f"{stem}{i}_new" for i in down for stem in ("W", "b")]
    return [*forward, "o", "p", "loss", "do", *backward, *gradients, *updates]


def _seen(answer: Mapping[str, Array], depth: int) -> tuple[Observed, ...]:
    """Return an answer's arrays in the order in which they are computed."""
    named = [name for name in order(depth) if name in answer]
    return tuple(Observed(name, np.asarray(answer[name], dtype=float)) for name in named)
