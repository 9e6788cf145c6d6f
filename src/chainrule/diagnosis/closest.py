"""Count which of an attempt's arrays agree with a network, in whatever order they are computed.

The search stops at the first array that is wrong. Where that is the first one of all, only the
others show which network the attempt is about.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from chainrule.diagnosis.evaluation import ARITHMETIC_ERRORS, Evaluator
from chainrule.diagnosis.replay import Setting, is_update
from chainrule.diagnosis.scales import Scale, ScaleContext, common_factor, matching_scales
from chainrule.diagnosis.sessions import Observed, Session
from chainrule.equations import Scope

SAME_FACTOR = 1e-6  # relative; factors of two arrays that differ by less are one factor


def agreement(evaluator: Evaluator, setting: Setting, session: Session) -> tuple[int, Scale]:
    """Return how many arrays of the first call agree with a network, and in which scale.

    Arrays of the backward pass agree if they have one common factor, the same for most of them,
    that is a convention; all others agree only without a factor.
    """
    factors = _factors(evaluator, setting, session)
    plain = sum(abs(f - 1) < SAME_FACTOR for name, f in factors.items() if _is_forward(name))
    rounded = Counter(float(f"{f:.7g}") for name, f in factors.items() if not _is_forward(name))
    context = ScaleContext(
        1 if setting.online else len(session.x),
        setting.network.outputs,
        evaluator.rate if setting.rule is None else None,
        step=any(map(is_update, factors)),
        strict=evaluator.strict,
    )
    for factor, count in rounded.most_common():
        known = matching_scales(factor, context, SAME_FACTOR)
        if not known and context.step and evaluator.open_rate and factor > 0:
            return plain + count, Scale(factor, {"learning rate": f"{factor:.6g} (inferred)"})
        if known and not known[0].mistakes:
            return plain + count, known[0]
    return plain, Scale(1.0, {})


def _factors(evaluator: Evaluator, setting: Setting, session: Session) -> dict[str, float]:
    """Return the factor between each array of the first call and the right one, if it has one."""
    fitted = evaluator.fitted(setting, session)
    found: dict[str, float] = {}
    with np.errstate(all="ignore"):
        for seen in session.calls[0]:
            try:
                replay = evaluator.replay(fitted, session, ())
                right = replay.value_of(0, seen.name)
                factor = common_factor(
                    *_squeezed(_change(seen, replay.steps(0)[0].arrays), right),
                    seen.half,
                    session.tolerance,
                )
            except ARITHMETIC_ERRORS:
                continue
            if factor is not None:
                found[seen.name] = factor
    return found


def _change(seen: Observed, arrays: Mapping[str, Scope]) -> np.ndarray:
    """Return reported values; for a new parameter, its change."""
    if not is_update(seen.name):
        return seen.values
    old = np.asarray(arrays[seen.name.removesuffix("_new")]["w"])
    return seen.values - old if seen.values.shape == old.shape else seen.values


def _squeezed(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays, without axes of length 1 if their shapes differ."""
    return (one, other) if one.shape == other.shape else (np.squeeze(one), np.squeeze(other))


def _is_forward(name: str) -> bool:
    """Return whether an array is computed in the forward pass, so that it has no factor."""
    return not (is_update(name) or name.startswith(("d", "dW", "db")))
