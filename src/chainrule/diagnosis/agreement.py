"""One diagnosis of a program from two: of its answers, and of its run with added lines."""

from dataclasses import replace

from chainrule.diagnosis.programs import FORWARD_ONLY
from chainrule.diagnosis.report import Diagnosis

DISAGREE = (
    "Not judged: what it returns is {} by its numbers ({}), and {} by its run with the lines that "
    "were added ({})."
)


def agreed(asked: Diagnosis, traced: Diagnosis) -> Diagnosis:
    """Return what two diagnoses of one program say together.

    Parameters
    ----------
    asked : Diagnosis
        Of the answers of a function or class to test networks.
    traced : Diagnosis
        Right or wrong, of its run with lines that were added.

    Returns
    -------
    Diagnosis
        That of the answers, with the places in the source, if both agree; that of the run if the
        answers could not be judged; else it is not judged.
    """
    verdicts = asked.verdict, traced.verdict
    if asked.verdict == "could-not-run" or _is_forward_only(asked):
        return traced
    if set(verdicts) == {"unknown", "wrong"}:
        return asked if asked.verdict == "wrong" else _with_tested(traced, asked)
    if asked.verdict != traced.verdict:
        return _not_judged(asked, traced)
    return replace(asked, faults=traced.faults, added=traced.added)


def _with_tested(traced: Diagnosis, asked: Diagnosis) -> Diagnosis:
    """Return a diagnosis of a run, with what the answers have that is right."""
    tested = tuple(dict.fromkeys((*traced.tested, *asked.tested)))
    return replace(traced, tested=tested, network=traced.network or asked.network)


def _is_forward_only(asked: Diagnosis) -> bool:
    """Return whether only a forward pass answered."""
    return FORWARD_ONLY in asked.remarks


def _not_judged(asked: Diagnosis, traced: Diagnosis) -> Diagnosis:
    first, second = (_sentence(d) for d in (asked, traced))
    text = DISAGREE.format(asked.verdict, first, traced.verdict, second)
    return Diagnosis("could-not-run", text, source=traced.source, added=traced.added)


def _sentence(made: Diagnosis) -> str:
    """Return the sentence of a diagnosis without the verdict and the full stop."""
    return made.sentence.rstrip(".").partition(": ")[2] or made.sentence.rstrip(".")
