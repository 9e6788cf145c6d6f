"""Find out whether some of a program's steps follow the gradient of the loss that it computes.

Then the others are wrong, even if no line is found that makes them so.
"""

import numpy as np

from chainrule.diagnosis.tracing.comparing import SAME_FACTOR
from chainrule.diagnosis.tracing.judging import Judge, Judgment
from chainrule.submission import Array

FEWEST = 3  # numbers that show by which factor a gradient is multiplied


def follows_partly(judge: Judge, made: Judgment) -> bool:
    """Return whether the steps of some numbers are one multiple of it, in all iterations."""
    its = [i for i, t in enumerate(judge.truth) if made.loss in t[0].values]
    if len(its) < 2 or not judge.is_computed(made.loss):
        return False
    factors = np.array([_factors(judge, i, made.loss) for i in its])
    same = np.ptp(factors, axis=0) <= SAME_FACTOR * np.abs(factors).max(axis=0)
    known = np.sort(factors[0, same & np.all(factors < 0, axis=0)])
    alike = known[FEWEST - 1 :] - known[: len(known) - FEWEST + 1]
    return bool(np.any(alike <= SAME_FACTOR * np.abs(known[FEWEST - 1 :])))


def _factors(judge: Judge, i: int, loss: str) -> Array:
    """Return step / gradient of each number in an iteration, NaN where the gradient is nearly 0."""
    found: list[Array] = []
    for group, slopes in zip(judge.groups, judge.truth[i], strict=True):
        g, e = slopes.values[loss], slopes.errors[loss]
        steps, _ = judge.steps(judge.iterations[i], group)
        usable = (np.abs(g) > 1e4 * e) & np.isfinite(steps)
        found.append(np.where(usable, steps, np.nan) / np.where(usable, g, 1.0))
    return np.concatenate(found)
