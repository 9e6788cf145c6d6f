"""Scores: what `check` says of an attempt beside what is true of it.

What is true is found by numbers alone: an attempt whose numbers are the right ones, in a convention
that textbooks use, is right whatever was changed to make it.
"""

import time
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.check.apart import factors, twins
from benchmarks.check.attempts import Case, Numbers, declared, figures, function, rounding, scale
from benchmarks.check.grounds import Ground
from chainrule.diagnosis import Diagnosis, check
from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]

CALLS = {"gradients": 2, "step": 3, "dW typed": 1, "W_new typed": 1}


@dataclass(frozen=True)
class Score:
    """What came of a case.

    Parameters
    ----------
    case : Case
    truth : {"wrong", "right", "invisible", "convention", "impossible"}
        `invisible`: the mistake changes no number here; `convention`: it makes the numbers of
        another convention; `impossible`: it cannot be computed here. They are "right" but the last,
        which is not asked about.
    outcome : str
        "named", "one of", "ambiguous", "misnamed", "unknown", "right", "wrong", "refused", …
    named, entries : int
        How many mistakes were named, and how many of these are in the attempt.
    seconds : float
    said : str
        The verdict, for whoever looks into it.
    """

    case: Case
    truth: str
    outcome: str = ""
    named: int = 0
    true: int = 0
    seconds: float = 0.0
    said: str = ""


def score(case: Case) -> Score:
    """Return what came of a case."""
    truth = truth_of(case)
    if truth == "impossible":
        return Score(case, truth)
    begin = time.perf_counter()
    try:
        found = ask(case)
    except InputError as error:
        return Score(case, truth, "refused", said=str(error))
    seconds = time.perf_counter() - begin
    if truth != "wrong":
        outcome = found.verdict
        return Score(case, truth, outcome, len(found.mistakes), 0, seconds, words(found))
    outcome, true = judged(case, found)
    return Score(case, truth, outcome, len(found.mistakes), true, seconds, words(found))


def ask(case: Case) -> Diagnosis:
    """Return what `check` says of a case."""
    attempt = figures(case) if case.typed else function(case)
    return check(attempt, **declared(case))


def words(found: Diagnosis) -> str:
    """Return a verdict in a line."""
    named = (
        f"{f.mistake.id}{list(f.layers)}"
        + (f" or {'/'.join(a.mistake.id for a in f.alternatives)}" if f.alternatives else "")
        for f in found.mistakes
    )
    told = " + ".join(named)
    also = (
        f" {found.difference or found.sentence}" if found.verdict not in ("right", "wrong") else ""
    )
    scale = found.convention.get("scale", "") if found.verdict == "right" else ""
    return f"{found.verdict}: {told}{also}{scale}"


def judged(case: Case, found: Diagnosis) -> tuple[str, int]:
    """Return the outcome for a wrong attempt, and how many of the mistakes named it has."""
    if found.verdict != "wrong":
        return found.verdict, 0
    firsts = [f for f in found.mistakes if f.mistake.id == case.id]
    others = [f for f in found.mistakes if any(a.mistake.id == case.id for a in f.alternatives)]
    if firsts:
        return "named", len(firsts)
    if not others:
        return "misnamed", 0
    return ("one of" if others[0].mistake.id in twins(case) else "ambiguous"), 1


# ---- what is true --------------------------------------------------------------------------------


def truth_of(case: Case) -> str:
    """Return whether a case is wrong, by its numbers."""
    if case.variant is None:
        return "right"
    places = [case.place] if case.typed else [case.place, case.place.alone()]
    fitting: list[set[float]] = []
    for place in places:
        calls = called(case, place)
        if not calls or not all(np.all(np.isfinite(a)) for c, _ in calls for a in c.values()):
            return "impossible"
        own = scale(case.convention, len(place.x))
        known = factors(place, updates=case.updates)
        fitting.append({f for f in known if all(agrees(case, c, f / own) for c in calls)})
        if not fitting[-1]:
            turned = can_be_turned(case) and agrees_turned(case, calls, [f / own for f in known])
            return "convention" if turned else "wrong"
    base = all(scale(case.convention, len(p.x)) in f for p, f in zip(places, fitting, strict=True))
    return "invisible" if base else "convention"


def called(case: Case, place: Ground) -> list[tuple[dict[str, Array], dict[str, Array]]]:
    """Return what all calls give, beside what is right."""
    return list(Numbers(case).calls(place, CALLS[case.form], Numbers(case, right=True)))


def can_be_turned(case: Case) -> bool:
    """Tell whether nothing says if matrices are (out, in) or (in, out): gradients, all square."""
    return case.typed and not case.updates and len(set(case.place.network.widths)) == 1


def agrees_turned(
    case: Case, calls: list[tuple[dict[str, Array], dict[str, Array]]], known: list[float]
) -> bool:
    """Tell whether the numbers are the right ones with all matrices the other way round."""
    turned = [
        ({n: a.T if n.startswith("dW") else a for n, a in theirs.items()}, good)
        for theirs, good in calls
    ]
    return any(all(agrees(case, c, f) for c in turned) for f in known)


def agrees(case: Case, call: tuple[dict[str, Array], dict[str, Array]], factor: float) -> bool:
    """Tell whether the numbers of a call are the right ones, times a factor, within rounding."""
    for name, theirs in call[0].items():
        good = call[1][name] * (abs(factor) if name == "loss" else factor)
        if theirs.shape != good.shape:
            return False
        limit = slack(case) * float(np.max(np.abs(good), initial=0.0)) + 1e-14
        shown = theirs + old(case, name) if name.endswith("_new") else theirs
        if not np.all(np.abs(theirs - good) <= limit + rounding(case, shown)):
            return False
    return True


def old(case: Case, name: str) -> Array:
    """Return the parameters that a case begins with, which typed numbers are changes of."""
    place = int(name[1:].removesuffix("_new")) - 1
    return (case.place.W if name[0] == "W" else case.place.b)[place]


def slack(case: Case) -> float:
    """Return what is rounding of a function's own arithmetic, relative to the largest number."""
    return 5e-5 if case.precision == "float32" and not case.typed else 1e-9
