"""Judge a function or class by its own forward pass, if no known network gives its numbers."""

from dataclasses import replace
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


def check_calls(
    asker: Asker, name: str, asked: Diagnosis, source: Source, path: Path, seconds: float
) -> Diagnosis:
    """Return the diagnosis of its calls, or `asked` if tracing them does not judge them.

    Parameters
    ----------
    asker : Asker
        Finds out how it is called.
    name : str
        The function or class.
    asked : Diagnosis
        What is known from its numbers alone.
    source : Source
    path : Path
    seconds : float
        Time limit.
    """
    found = _reading(asker)
    if found is None or seconds < 1:
        return asked
    reading, widths = found
    lines = training_lines(name, reading, widths)
    traced, verdict = check_with_lines(source, path, seconds, lines)
    if not isinstance(traced, Diagnosis) or verdict is None:
        return asked
    if not _is_complete(verdict, reading, widths) or not _is_about_the_program(traced, source):
        return asked
    if reading.kind == "gradients" and not _is_usual(verdict.judgement.factor, widths[-1]):
        return asked
    return _worded(traced, asked, reading)


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
