"""Compare an attempt's numbers with the right ones: which differ, and how.

The report shows the first numbers that differ, and describes the difference if no mistake explains
it.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.decision import Outcome
from chainrule.diagnosis.evaluation import Explanation
from chainrule.diagnosis.findings import Comparison
from chainrule.diagnosis.replay import Replay, is_update
from chainrule.diagnosis.scales import common_factor, within_rounding
from chainrule.diagnosis.sessions import Observed
from chainrule.errors import ChainruleError

Array: TypeAlias = NDArray[Any]

MOST_COMPARED = 4


class Difference(NamedTuple):
    """A number that is wrong, or an array that has the wrong shape.

    Attributes
    ----------
    call : int
        From 0.
    seen : Observed
        The array that it belongs to.
    place : tuple of int
        Empty for an array of the wrong shape.
    theirs, right : float
        NaN for an array of the wrong shape.
    """

    call: int
    seen: Observed
    place: tuple[int, ...]
    theirs: float
    right: float


def compared_arrays(
    outcome: Outcome, e: Explanation
) -> Iterator[tuple[int, Observed, Array, Array]]:
    """Yield call, array, reported values and right values, in the attempt's convention."""
    scale = 1.0 if e.scale.mistakes else e.scale.factor
    correct = Replay(outcome.fitted, outcome.session, (), scale)
    for call, arrays in enumerate(outcome.session.calls):
        for seen in arrays:
            try:
                right = correct.value_of(call, seen.name)
            except ChainruleError:
                continue
            if is_update(seen.name):
                right = right + np.asarray(correct.steps(call)[0].arrays[seen.name[:-4]]["w"])
            yield call, seen, seen.values, right


def differences(outcome: Outcome, e: Explanation) -> list[Difference]:
    """Return the numbers that are wrong, in the order in which they are computed."""
    found: list[Difference] = []
    with np.errstate(all="ignore"):
        for call, seen, theirs, right in compared_arrays(outcome, e):
            if theirs.shape != right.shape:
                found.append(Difference(call, seen, (), float("nan"), float("nan")))
                continue
            close = _is_close(seen, theirs, right, outcome.session.tolerance)
            for position in np.argwhere(~close & ~(np.isnan(theirs) & seen.partial)):
                place = tuple(int(i) for i in position)
                found.append(
                    Difference(call, seen, place, float(theirs[place]), float(right[place]))
                )
    return found


def _is_close(seen: Observed, theirs: Array, right: Array, tolerance: float) -> Array:
    """Return which entries are right within rounding; a NaN is not."""
    size = float(np.max(np.abs(right), initial=0.0))
    return np.asarray(np.abs(theirs - right) <= seen.half + tolerance * size)


def comparisons(found: list[Difference]) -> Iterator[Comparison]:
    """Yield the first number that differs of each array, for a few arrays."""
    shown: set[str] = set()
    for difference in found:
        name, place = difference.seen.name, difference.place
        if name in shown or (not place and np.isnan(difference.right)):
            continue
        shown.add(name)
        suffix = f"[{','.join(map(str, place))}]" if place else ""
        yield Comparison(f"{name}{suffix}", difference.theirs, difference.right)
        if len(shown) == MOST_COMPARED:
            return


def agreeing(outcome: Outcome, found: list[Difference]) -> Iterator[str]:
    """Yield the names of the arrays that are right in all calls."""
    wrong = {difference.seen.name for difference in found}
    yield from (seen.name for seen in outcome.session.calls[0] if seen.name not in wrong)


def descriptions(outcome: Outcome, base: Explanation, found: list[Difference]) -> Iterator[str]:
    """Yield how each wrong array of the first call differs, in words."""
    wrong = {(difference.call, difference.seen.name) for difference in found}
    with np.errstate(all="ignore"):
        for call, seen, theirs, right in compared_arrays(outcome, base):
            if (call, seen.name) in wrong and call == 0:
                yield f"{seen.name}: {_described(seen, theirs, right, outcome.session.tolerance)}"


def _described(seen: Observed, theirs: Array, right: Array, tolerance: float) -> str:
    """Return how an array differs: by a factor, by signs, transposed, or in which entries."""
    if theirs.shape != right.shape:
        return f"has shape {theirs.shape}, but should have {right.shape}"
    factor = common_factor(theirs, right, seen.half, tolerance)
    if factor is not None and np.isclose(factor, -1):
        return "all signs are reversed"
    if factor is not None:
        return f"{factor:.6g} times the right one"
    square = right.ndim == 2 and right.shape[0] == right.shape[1]
    if square and within_rounding(theirs.T, right, seen.half, tolerance):
        return "transposed"
    if within_rounding(np.abs(theirs), np.abs(right), seen.half, tolerance):
        return "some signs are reversed"
    wrong = np.argwhere(~_is_close(seen, theirs, right, tolerance))
    if len(wrong) == right.size:
        return "every entry differs, by no common factor"
    shown = ", ".join(f"[{','.join(map(str, place))}]" for place in wrong[:3])
    return f"{len(wrong)} of {right.size} entries differ: {shown}{' …' if len(wrong) > 3 else ''}"
