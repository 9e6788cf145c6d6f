"""Bare numbers under examination: any quantities of a network, in any notation, rounded or not.

They are compared within the rounding of what was typed.
"""

import re
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.decision import Candidate, decide
from chainrule.diagnosis.evaluation import Evaluator
from chainrule.diagnosis.interview import order
from chainrule.diagnosis.networks import Declared, trained, words
from chainrule.diagnosis.replay import Setting, is_update, quantity_of
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.rules import with_learning_rate
from chainrule.diagnosis.search import Search
from chainrule.diagnosis.sessions import Observed, Session
from chainrule.diagnosis.terms import Terms
from chainrule.diagnosis.verdicts import diagnosis
from chainrule.errors import ChainruleError, InputError
from chainrule.network import Network
from chainrule.optimizers import SGD
from chainrule.submission import ReportedNumbers, resolve_names
from chainrule.wiring import Step, wire

Array: TypeAlias = NDArray[Any]


def check_numbers(figures: ReportedNumbers, terms: Terms) -> Diagnosis:
    """Return the diagnosis of numbers that were handed in without a program.

    Raises
    ------
    InputError
        If there is no network, or no theta, x and t, for them to belong to.
    """
    network = terms.known
    if network is None or terms.theta is None or terms.x is None or terms.t is None:
        raise InputError("numbers need to know what they belong to: give network, theta, x and t")
    theta = network.layout.check(terms.theta)
    batch = network.batch(theta, terms.x, terms.t)
    declared = terms.declared()
    rule = declared.rule or "sgd"
    named = resolve_names(figures, network, len(batch.x), terms.notation, rule, theta)
    session, idle = figured(named, network, np.asarray(theta, float), batch.x, batch.t)
    if not any(session.calls):
        raise InputError(f"nothing that is computed was handed in, only {', '.join(idle)}")
    ways = [session, session.transposed()] if _may_be_turned(named, network) else [session]
    candidates = [Candidate(*_bench(way, network, declared, terms)) for way in ways]
    fallbacks = [Candidate(*_bench(way.truncated(), network, declared, terms)) for way in ways]
    outcome, used = decide(candidates, fallbacks, correct_fallback_first=True)
    made = diagnosis(outcome)
    cut = ["some numbers agree only if digits were cut off instead of rounded"] * (
        used in fallbacks
    )
    turned = used in (*candidates[1:], *fallbacks[1:]) or named.weights != "(out, in)"
    own = {"weights": "(in, out)"} if turned else {}
    own |= {"samples": named.samples} if named.samples != "rows" else {}
    unjudged = [f"not judged: {', '.join(idle)}"] if idle else []
    return replace(
        made,
        convention={**own, **made.convention},
        source="numbers",
        remarks=(*named.remarks, *made.remarks, *cut, *unjudged),
        network=words(network),
    )


def _may_be_turned(figures: ReportedNumbers, network: Network) -> bool:
    """Tell whether nothing says how weights lie: whole arrays alone, and all of them square."""
    weights = [b for b in network.layout.blocks if b.param == "W"]
    square = all(len(b.shape) == 2 and b.shape[0] == b.shape[1] for b in weights)
    single = any(re.match(r"d?W", item.name) and item.index is not None for item in figures.entries)
    return square and not single


def _bench(
    session: Session, network: Network, declared: Declared, terms: Terms
) -> tuple[Search, list[Setting]]:
    """Return the search over a session, and what is taken to be right in turn."""
    rule = declared.rule or SGD(0.5)
    rule = rule if declared.rate is None else with_learning_rate(rule, declared.rate)
    updates = any(is_update(s.name) for call in session.calls for s in call)
    several = updates or len(session.calls) > 1
    is_open = several and declared.rate is None and declared.rule is None
    search = Search([session], Evaluator(terms.strict, declared.rate, is_open), terms.deadline)
    modes = [False, True] if several and len(session.x) > 1 else [False]
    nets = [network, *trained(network)]
    return search, [Setting(n, rule if several else None, o) for o in modes for n in nets]


def figured(
    figures: ReportedNumbers, network: Network, theta: Array, x: Array, t: Array
) -> tuple[Session, list[str]]:
    """Return numbers as a session, and the names of those that are given rather than computed."""
    calls: list[tuple[Observed, ...]] = []
    idle: set[str] = set()
    step = wire(network, theta, network.batch(theta, x, t), SGD(0.5))
    for number in range(1, max(figures.steps) + 1):
        given = figures.steps.get(number, {})
        idle |= {name for name in given if not _is_computed(name, step)}
        ranked = sorted(given.values(), key=lambda f: _rank(f.name, network))
        judged = (f for f in ranked if f.name not in idle)
        calls.append(
            tuple(
                Observed(f.name, f.values, np.nan_to_num(f.half_unit), partial=True) for f in judged
            )
        )
    return Session(x, t, theta, tuple(calls), sequential=True, tolerance=1e-11), sorted(idle)


def _is_computed(name: str, step: Step) -> bool:
    """Tell whether a name is of something that a step computes and that can be judged."""
    if name in step.arrays or name in ("x", "t"):
        return False
    if is_update(name) and name[:-4] in step.arrays:
        return True
    try:
        quantity_of(step, name)
    except ChainruleError:
        return False
    return True


def _rank(name: str, network: Network) -> int:
    """Return how early a quantity is computed."""
    names = order(len(network.labels))
    return names.index(name) if name in names else len(names)
