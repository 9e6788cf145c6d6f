"""Work out what a mistake does: one wrong number and the right one, and whether training works.

Every number comes from the engine, wired with the mistake and without it.
"""

from typing import Any, TypeAlias

import numpy as np

from chainrule.diagnosis.decision import Outcome
from chainrule.diagnosis.evaluation import Explanation
from chainrule.diagnosis.findings import Arithmetic
from chainrule.diagnosis.hypotheses import Variant
from chainrule.diagnosis.replay import Replay, Setting, theta_before
from chainrule.diagnosis.rules import with_learning_rate
from chainrule.diagnosis.sessions import Session
from chainrule.errors import ChainruleError
from chainrule.explanation import one_number
from chainrule.optimizers import SGD, Optimizer
from chainrule.wiring import Step

Index: TypeAlias = tuple[int, ...]
Location: TypeAlias = tuple[str, str, Index]  # scope, name of the quantity, index

DESCENT_STEPS, DESCENT_RATE = 30, 0.1  # of the test whether the loss still falls


def arithmetic(outcome: Outcome, change: Variant) -> dict[str, Arithmetic | None]:
    """Return the wrong and the right arithmetic of a number, from the smallest batch that shows it.

    Returns
    -------
    dict
        With the keys ``"wrong"`` and ``"right"``; None if no number shows the mistake.
    """
    for session in sorted(outcome.search.sessions, key=lambda s: len(s.x)):
        setting = outcome.search.fitted(outcome.setting, session)
        if (found := _arithmetic_in(setting, session, change)) is not None:
            return {"wrong": found[0], "right": found[1]}
    return {"wrong": None, "right": None}


def _arithmetic_in(
    setting: Setting, session: Session, change: Variant
) -> tuple[Arithmetic, Arithmetic] | None:
    setting = Setting(setting.network, setting.rule)  # all samples at once
    bad, good = Replay(setting, session, (change,)), Replay(setting, session, ())
    for call in range(len(session.calls)):
        try:
            with np.errstate(all="ignore"):
                steps = bad.steps(call)[0], good.steps(call)[0]
                if (location := _first_difference(*steps, change)) is not None:
                    wrong, right = (_worked(step, setting.rule, location) for step in steps)
                    return wrong, right
        except (ChainruleError, ValueError, IndexError, TypeError):
            return None
    return None


def _first_difference(bad: Step, good: Step, change: Variant) -> Location | None:
    """Return the first number that a mistake clearly changes."""
    where, name = change.location
    numbered = where in good.network.labels and where.isdigit()
    label = f"layer{where}" if numbered else where
    a, b = (np.asarray(step.scope(label)[name]) for step in (bad, good))
    if a.shape != b.shape:
        return label, name, (0,) * min(a.ndim, b.ndim)
    differs = np.abs(a - b) > 1e-9 * max(float(np.max(np.abs(b), initial=0.0)), 1e-300)
    places = np.argwhere(differs)
    return (label, name, tuple(int(i) for i in places[0])) if len(places) else None


def _worked(step: Step, rule: Optimizer | None, location: Location) -> Arithmetic:
    quantity = one_number(step, rule, *location)
    line = quantity.equation
    formula = line.formula if line else ""
    substituted = (line.substituted or "") if line else ""
    return Arithmetic(quantity.key, formula, substituted, quantity.shown)


def loss_falls(outcome: Outcome, e: Explanation) -> bool | None:
    """Return whether training with the mistakes reduces the loss; None if it cannot be computed."""
    session, rule = outcome.session, e.setting.rule
    rule = SGD(DESCENT_RATE) if rule is None else with_learning_rate(rule, DESCENT_RATE)
    calls = ((),) * (DESCENT_STEPS + 1)
    training = Session(session.x, session.t, session.theta, calls, sequential=True)
    replay = Replay(Setting(outcome.network, rule), training, e.changes)
    try:
        with np.errstate(all="ignore"):
            before, after = (_loss_before(replay.steps(n)[0]) for n in (0, DESCENT_STEPS))
    except (ChainruleError, ValueError):
        return None
    return bool(np.isfinite(after) and after < before)


def _loss_before(step: Step) -> Any:
    """Return the right loss at the parameters that a step starts from."""
    return float(step.network.value(theta_before(step), step.batch))
