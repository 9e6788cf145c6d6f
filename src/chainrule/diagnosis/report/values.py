"""A diagnosis as plain values, following the schema ``chainrule.diagnosis/1``, unrounded."""

from typing import Any

from chainrule.diagnosis.findings import (
    Arithmetic,
    CheckResult,
    Comparison,
    Finding,
    Place,
    SourceFault,
)
from chainrule.diagnosis.report.hints import redacted
from chainrule.pages import json_number


def plain_values(diagnosis: CheckResult) -> dict[str, Any]:
    """Return a diagnosis in plain values.

    Parameters
    ----------
    diagnosis : CheckResult

    Returns
    -------
    dict
    """
    shown = redacted(diagnosis)
    return {
        "schema": "chainrule.diagnosis/1",
        "verdict": shown.verdict,
        "sentence": shown.sentence,
        "differ": int(shown.differ),
        "compared": int(shown.compared),
        "convention": dict(shown.convention),
        "first_wrong": _place(shown.first_wrong) if shown.first_wrong else None,
        "difference": shown.difference,
        "mistakes": [_mistake(finding) for finding in shown.mistakes],
        "comparisons": [_comparison(c) for c in shown.comparisons],
        "tested": list(shown.tested),
        "remarks": list(shown.remarks),
        "faults": [_fault(fault) for fault in shown.faults],
        "added": shown.added,
        "network": shown.network,
        "source": shown.source,
        "seconds": float(shown.seconds),
        "hint": shown.hint,
    }


def _fault(fault: SourceFault) -> dict[str, Any]:
    return {**vars(fault), "lines": [line._asdict() for line in fault.lines]}


def _place(place: Place) -> dict[str, Any]:
    return {"quantity": place.quantity, "layer": place.layer, "step": place.step}


def _mistake(finding: Finding) -> dict[str, Any]:
    """Return a mistake; what its hint withholds is null."""
    mistake, layers = finding.mistake, finding.layers
    return {
        "id": mistake.id,
        "catalogue": mistake.number,
        "layer": layers[0] if len(layers) == 1 else None,
        "layers": list(layers),
        "title": mistake.title,
        "wrong": mistake.wrong or None,
        "right": mistake.right or None,
        "why": mistake.why,
        "repair": mistake.repair or None,
        "falls": finding.falls,
        "arithmetic": _both(finding),
        "distinguishing_input": finding.distinguishing_input,
        "alternatives": [_mistake(other) for other in finding.alternatives],
    }


def _both(finding: Finding) -> dict[str, Any] | None:
    """Return the learner's arithmetic and the repaired one, or None where there is neither."""
    if finding.wrong is None and finding.right is None:
        return None
    return {"wrong": _arithmetic(finding.wrong), "right": _arithmetic(finding.right)}


def _arithmetic(done: Arithmetic | None) -> dict[str, str] | None:
    return None if done is None else vars(done).copy()


def _comparison(compared: Comparison) -> dict[str, Any]:
    theirs, right = json_number(compared.theirs), json_number(compared.right)
    return {"key": compared.key, "theirs": theirs, "right": right}
