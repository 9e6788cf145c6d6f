"""Judge a function or class by its own forward pass, if no known network gives its numbers."""

import time
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.tracing.checking import check_with_lines
from chainrule.diagnosis.tracing.reporting import Verdict
from chainrule.submission import (
    TRAINING_RATE,
    TRAINING_SAMPLES,
    Asker,
    Failure,
    Reading,
    Source,
    answers_completely,
    example,
    training_lines,
)

WIDTHS = ((3, 4, 4, 2), (3, 4, 2), (3, 4, 1), (3, 2), (3, 1))  # that it is called for
KEPT = ("arguments", "weights", "samples", "bias", "arrays")  # conventions that stay true
CALLED = (
    "no network of this package gives its numbers, so that they were compared with derivatives of "
    "its own forward pass"
)


class TracedCalls:
    """The calls of a function or class, which are traced when that is asked for.

    Parameters
    ----------
    asker : Asker
        Finds out how it is called.
    name : str
        The function or class.
    source : Source
    path : Path
    seconds : float
        Time limit, from now on.
    """

    def __init__(self, asker: Asker, name: str, source: Source, path: Path, seconds: float) -> None:
        self.asker, self.name, self.source, self.path = asker, name, source, path
        self.end = time.monotonic() + seconds

    @cached_property
    def found(self) -> tuple[Diagnosis, Reading] | None:
        """The diagnosis of lines that call it, and how they do, or None if they are not judged."""
        known, seconds = _reading(self.asker), self.end - time.monotonic()
        if known is None or seconds < 1:
            return None
        reading, widths = known
        lines = training_lines(self.name, reading, widths)
        traced, verdict = check_with_lines(self.source, self.path, seconds, lines)
        if not isinstance(traced, Diagnosis) or verdict is None:
            return None
        if not _is_complete(verdict, reading, widths):
            return None
        if not _is_about_the_program(traced, self.source):
            return None
        if reading.kind == "gradients" and not _is_usual(verdict.judgement.factor, widths[-1]):
            return None
        return traced, reading

    def are_explained(self) -> bool:
        """Return whether they are right, or wrong by mistakes with a name."""
        return self.found is not None and (self.found[0].ok or bool(self.found[0].mistakes))

    def diagnosis(self, asked: Diagnosis) -> Diagnosis:
        """Return their diagnosis, or `asked` if tracing them does not judge them.

        Parameters
        ----------
        asked : Diagnosis
            What is known from its numbers alone.
        """
        return asked if self.found is None else _worded(self.found[0], asked, self.found[1])


def _worded(traced: Diagnosis, asked: Diagnosis, reading: Reading) -> Diagnosis:
    """Return a diagnosis of the lines that call it as one of what they call."""
    known = {k: text for k, text in asked.convention.items() if k in KEPT}
    loss = {k: text for k, text in traced.convention.items() if k == "loss"}
    given = "updates" if reading.kind == "step" else "gradients"
    return replace(
        traced,
        sentence=traced.sentence.replace("the updates of", f"the {given} of", 1),
        convention={**known, **loss},
        tested=tuple(text.replace("updates of", f"{given} of") for text in traced.tested),
        remarks=(*traced.remarks, CALLED),
    )


def _is_usual(factor: float | None, outputs: int) -> bool:
    """Return whether gradients have a factor that a loss may have, such as that of a mean."""
    if factor is None:
        return True
    counts = (1, TRAINING_SAMPLES, outputs, TRAINING_SAMPLES * outputs)
    usual = (loss / count for loss in (0.5, 1, 2) for count in counts)
    return any(abs(-factor / TRAINING_RATE - c) < 1e-4 * c for c in usual)


def _reading(asker: Asker) -> tuple[Reading, tuple[int, ...]] | None:
    """Return how it answers, and for which network, or None if that shows too little."""
    for widths in WIDTHS:
        made = asker.read(example(widths))
        if isinstance(made, Failure) or not made:
            continue
        return (made[0], widths) if answers_completely(made[0], widths) else None
    return None


def _is_complete(verdict: Verdict, reading: Reading, widths: tuple[int, ...]) -> bool:
    """Return whether all parameters of the network were judged."""
    bias = reading.layout.bias != "none"
    count = sum((m + bias) * n for m, n in pairwise(widths))
    return sum(p.size for p in verdict.judge.parameters) == count


def _is_about_the_program(traced: Diagnosis, source: Source) -> bool:
    """Return whether all faults lie in the program, not in the lines that call it."""
    lines = len(source.text.splitlines())
    return all(fault.line <= lines for fault in traced.faults)
