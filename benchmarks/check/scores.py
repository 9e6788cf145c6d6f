"""Compare the verdicts of `check` with the truth.

The truth follows from the numbers only: an attempt whose numbers are the right ones in a usual
convention is right, whatever was changed in it.
"""

import time
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.check.attempts import (
    Case,
    Numbers,
    declared,
    function,
    reported_numbers,
    rounding,
    scale,
)
from benchmarks.check.distinguishing import equal_mistakes, factors
from benchmarks.check.setups import Setup
from chainrule.diagnosis import Diagnosis, check
from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]

CALLS = {"gradients": 2, "step": 3, "dW numbers": 1, "W_new numbers": 1}


@dataclass(frozen=True)
class Score:
    """The result of a case.

    Parameters
    ----------
    case : Case
    truth : {"wrong", "right", "invisible", "convention", "impossible"}
        `invisible`: the mistake changes no number here; `convention`: its numbers are those of
        another convention; `impossible`: it cannot be computed here. The first two count as right;
        the last is not checked.
    outcome : str
        "named", "one of", "ambiguous", "misnamed", "unknown", "right", "wrong", "refused", …
    named, true : int
        How many mistakes were named, and how many of these are in the attempt.
    seconds : float
    summary : str
        The verdict on one line.
    """

    case: Case
    truth: str
    outcome: str = ""
    named: int = 0
    true: int = 0
    seconds: float = 0.0
    summary: str = ""


def score(case: Case) -> Score:
    """Return the result of a case."""
    truth = truth_of(case)
    if truth == "impossible":
        return Score(case, truth)
    begin = time.perf_counter()
    try:
        found = check_case(case)
    except InputError as error:
        return Score(case, truth, "refused", summary=str(error))
    seconds = time.perf_counter() - begin
    if truth != "wrong":
        outcome = found.verdict
        return Score(case, truth, outcome, len(found.mistakes), 0, seconds, summary_line(found))
    outcome, true = outcome_of(case, found)
    return Score(case, truth, outcome, len(found.mistakes), true, seconds, summary_line(found))


def check_case(case: Case) -> Diagnosis:
    """Return the diagnosis of a case."""
    attempt = reported_numbers(case) if case.reports_numbers else function(case)
    return check(attempt, **declared(case))


def summary_line(found: Diagnosis) -> str:
    """Return a verdict on one line."""
    named = (
        f"{f.mistake.id}{list(f.layers)}"
        + (f" or {'/'.join(a.mistake.id for a in f.alternatives)}" if f.alternatives else "")
        for f in found.mistakes
    )
    mistakes = " + ".join(named)
    also = (
        f" {found.difference or found.sentence}" if found.verdict not in ("right", "wrong") else ""
    )
    scale = found.convention.get("scale", "") if found.verdict == "right" else ""
    return f"{found.verdict}: {mistakes}{also}{scale}"


def outcome_of(case: Case, found: Diagnosis) -> tuple[str, int]:
    """Return the outcome for a wrong attempt, and how many of the named mistakes it contains."""
    if found.verdict != "wrong":
        return found.verdict, 0
    firsts = [f for f in found.mistakes if f.mistake.id == case.id]
    others = [f for f in found.mistakes if any(a.mistake.id == case.id for a in f.alternatives)]
    if firsts:
        return "named", len(firsts)
    if not others:
        return "misnamed", 0
    return ("one of" if others[0].mistake.id in equal_mistakes(case) else "ambiguous"), 1


# ---- the truth -----------------------------------------------------------------------------------


def truth_of(case: Case) -> str:
    """Return the truth of a case, by its numbers."""
    if case.variant is None:
        return "right"
    setups = [case.setup] if case.reports_numbers else [case.setup, case.setup.alone()]
    fitting: list[set[float]] = []
    for setup in setups:
        calls = arrays_of_calls(case, setup)
        if not calls or not all(np.all(np.isfinite(a)) for c, _ in calls for a in c.values()):
            return "impossible"
        own = scale(case.convention, len(setup.x))
        known = factors(setup, updates=case.updates)
        fitting.append({f for f in known if all(agrees(case, c, f / own) for c in calls)})
        if not fitting[-1]:
            transposed = may_be_transposed(case) and agrees_transposed(
                case, calls, [f / own for f in known]
            )
            return "convention" if transposed else "wrong"
    base = all(scale(case.convention, len(p.x)) in f for p, f in zip(setups, fitting, strict=True))
    return "invisible" if base else "convention"


def arrays_of_calls(case: Case, setup: Setup) -> list[tuple[dict[str, Array], dict[str, Array]]]:
    """Return the arrays of all calls, and the right ones."""
    return list(Numbers(case).calls(setup, CALLS[case.form], Numbers(case, right=True)))


def may_be_transposed(case: Case) -> bool:
    """Return whether the orientation of matrices is open: gradients, all of them square."""
    return case.reports_numbers and not case.updates and len(set(case.setup.network.widths)) == 1


def agrees_transposed(
    case: Case, calls: list[tuple[dict[str, Array], dict[str, Array]]], known: list[float]
) -> bool:
    """Return whether the numbers are the right ones with all matrices transposed."""
    transposed = [
        ({n: a.T if n.startswith("dW") else a for n, a in theirs.items()}, good)
        for theirs, good in calls
    ]
    return any(all(agrees(case, c, f) for c in transposed) for f in known)


def agrees(case: Case, call: tuple[dict[str, Array], dict[str, Array]], factor: float) -> bool:
    """Return whether the numbers of a call are the right ones, up to a factor and rounding."""
    for name, theirs in call[0].items():
        good = call[1][name] * (abs(factor) if name == "loss" else factor)
        if theirs.shape != good.shape:
            return False
        limit = tolerance(case) * float(np.max(np.abs(good), initial=0.0)) + 1e-14
        shown = theirs + old(case, name) if name.endswith("_new") else theirs
        if not np.all(np.abs(theirs - good) <= limit + rounding(case, shown)):
            return False
    return True


def old(case: Case, name: str) -> Array:
    """Return the initial parameters of a case, to which reported changes are added."""
    layer = int(name[1:].removesuffix("_new")) - 1
    return (case.setup.W if name[0] == "W" else case.setup.b)[layer]


def tolerance(case: Case) -> float:
    """Return the rounding error of a function's own arithmetic, relative to the largest number."""
    return 5e-5 if case.precision == "float32" and not case.reports_numbers else 1e-9
