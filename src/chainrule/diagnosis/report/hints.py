"""Limit a diagnosis to what its hint reveals: symptom, place, mistake, repair.

All formats show the result, so that none reveals more than another or contains terminal control
characters.
"""

from dataclasses import replace

from chainrule.diagnosis.findings import CheckResult, Finding
from chainrule.diagnosis.report.words import counted, place_words
from chainrule.visible import all_visible

PLACE, MISTAKE, REPAIR = 2, 3, 4
FAULTY = ("wrong", "unknown")


def redacted(diagnosis: CheckResult) -> CheckResult:
    """Return a diagnosis without what its hint withholds; a right one is unchanged.

    Parameters
    ----------
    diagnosis : CheckResult

    Returns
    -------
    CheckResult
        What was found right is withheld with the place, because it reveals it; remarks, which may
        name a mistake, are withheld with the mistake.
    """
    diagnosis, hint = all_visible(diagnosis), diagnosis.hint
    if diagnosis.verdict not in FAULTY or hint >= REPAIR:
        return diagnosis
    if hint >= MISTAKE:
        return replace(diagnosis, mistakes=tuple(map(_named, diagnosis.mistakes)))
    cut = replace(diagnosis, mistakes=(), remarks=(), difference="")
    if hint >= PLACE:
        places = tuple(replace(f, right="", meaning="", new_weights="") for f in diagnosis.faults)
        return replace(cut, sentence=_place(diagnosis), faults=places)
    sentence = f"This is not right yet: {counted(diagnosis)}."
    return replace(cut, sentence=sentence, first_wrong=None, comparisons=(), tested=(), faults=())


def _place(diagnosis: CheckResult) -> str:
    where = diagnosis.first_wrong
    first = f", the first of them in {place_words(where)}" if where else ""
    if diagnosis.faults:
        first = f", the first of them in {diagnosis.faults[0].where}"
    return f"This is not right yet: {counted(diagnosis)}{first}."


def _named(finding: Finding) -> Finding:
    """Return a finding without its formulas, its arithmetic and its repair."""
    return replace(
        finding,
        mistake=replace(finding.mistake, wrong="", right="", repair=""),
        alternatives=tuple(map(_named, finding.alternatives)),
        wrong=None,
        right=None,
    )
