"""Find a further input on which mistakes that explain the numbers equally well would differ.

The report suggests it to the learner, so that a second check can name the mistake.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.decision import Outcome
from chainrule.diagnosis.hypotheses import Variant, replacements
from chainrule.diagnosis.networks import GENERAL, SINGLE, SQUARE, packed, question, resized
from chainrule.diagnosis.replay import Replay, Setting
from chainrule.diagnosis.sessions import Session
from chainrule.errors import ChainruleError

Array: TypeAlias = NDArray[Any]


def distinguishing_input(outcome: Outcome, change: Variant) -> str:
    """Return an input on which a mistake and its alternatives give different numbers, in words.

    The result is empty if no input that is tried distinguishes all of them.
    """
    rivals = [v for e in outcome.found for v in e.changes if v.mistake is not change.mistake]
    for words, setting, session in _inputs(outcome.setting):
        own = _numbers(change, setting, session)
        if own is None:
            continue
        if all(_differ(own, _numbers(v, setting, session)) for v in rivals):
            return words
    return ""


def _inputs(setting: Setting) -> Iterator[tuple[str, Setting, Session]]:
    """Yield further networks and batches: in words, and as a setting and a session."""
    network = setting.network
    depth = len(network.widths) - 1
    tables = (
        ("a network with several outputs and layers of different widths", GENERAL),
        ("a network whose layers all have the same width", SQUARE),
        ("a network with one output", SINGLE),
    )
    for n, batch in ((5, "a batch of several samples"), (1, "a single sample")):
        for words, table in tables:
            if depth not in table or (table is SINGLE and network.loss.classes):
                continue
            q = question(table[depth], n, one_hot=network.loss.classes)
            other = resized(network, table[depth])
            yield (
                f"{words}, and {batch}",
                replace(setting, network=other, online=False),
                Session(q.x, q.t, packed(other, q), ()),
            )


def _numbers(change: Variant, setting: Setting, session: Session) -> list[Array] | None:
    """Return the gradients (or updates) that a mistake gives, None if it cannot be computed."""
    try:
        again = replace(
            change,
            replace=replacements(change.form, change.labels, setting.network)
            if change.labels
            else change.replace,
        )
        replay = Replay(setting, session, (again,))
        suffix = "_new" if setting.rule is not None else ""
        names = [b.name for b in setting.network.layout.blocks]
        with np.errstate(all="ignore"):
            return [replay.value_of(0, f"{n}{suffix}" if suffix else f"d{n}") for n in names]
    except (ChainruleError, ValueError, IndexError):
        return None


def _differ(one: list[Array], two: list[Array] | None) -> bool:
    """Return whether two mistakes give different numbers; one that gives none differs."""
    if two is None:
        return True
    return any(
        a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-12)
        for a, b in zip(one, two, strict=True)
    )
