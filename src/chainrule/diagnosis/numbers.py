"""Check bare numbers: any quantities of a network, in any notation, rounded or not.

They are compared within the rounding of the digits that were typed.
"""

import re
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.diagnosis.decision import Candidate, decide
from chainrule.diagnosis.evaluation import Evaluator
from chainrule.diagnosis.networks import Declared, trained, words
from chainrule.diagnosis.options import CheckOptions
from chainrule.diagnosis.questioning import names_in_order
from chainrule.diagnosis.replay import Setting, is_update, quantity_of
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.rules import with_learning_rate
from chainrule.diagnosis.search import Search
from chainrule.diagnosis.sessions import Observed, Session
from chainrule.diagnosis.verdicts import diagnosis
from chainrule.errors import ChainruleError, InputError
from chainrule.network import Network
from chainrule.optimizers import SGD
from chainrule.submission import ReportedNumbers, resolve_names
from chainrule.wiring import Step, wire

Array: TypeAlias = NDArray[Any]


def check_numbers(numbers: ReportedNumbers, options: CheckOptions) -> Diagnosis:
    """Return the diagnosis of numbers that were submitted without a program.

    Raises
    ------
    InputError
        If the network, theta, x or t is missing.
    """
    network, theta, batch = _required(options)
    declared = options.declared()
    rule = declared.rule or "sgd"
    named = resolve_names(numbers, network, len(batch.x), options.notation, rule, theta)
    in_double = np.asarray(theta, float)
    session, not_computed = session_of_numbers(named, network, in_double, batch.x, batch.t)
    if not any(session.calls):
        raise InputError(
            f"only given quantities were submitted, {', '.join(not_computed)}; add a computed one"
        )
    may_be_transposed = _may_be_transposed(named, network)
    readings = [session, session.transposed()] if may_be_transposed else [session]
    candidates = [_candidate(reading, network, declared, options) for reading in readings]
    fallbacks = [_candidate(r.truncated(), network, declared, options) for r in readings]
    outcome, used = decide(candidates, fallbacks, correct_fallback_first=True)
    is_transposed = used in (*candidates[1:], *fallbacks[1:])
    remarks = _remarks(truncated=used in fallbacks, not_computed=not_computed)
    return _described(diagnosis(outcome), named, network, remarks, is_transposed=is_transposed)


def _required(options: CheckOptions) -> tuple[Network, Array, Batch]:
    """Return the network, theta and the samples, which numbers require."""
    network = options.known
    if network is None or options.theta is None or options.x is None or options.t is None:
        raise InputError(
            "numbers require the network that they belong to: pass network, theta, x and t"
        )
    theta = network.layout.check(options.theta)
    return network, theta, network.batch(theta, options.x, options.t)


def _described(
    made: Diagnosis,
    named: ReportedNumbers,
    network: Network,
    remarks: tuple[str, ...],
    *,
    is_transposed: bool,
) -> Diagnosis:
    """Return a diagnosis with the conventions of the numbers, the remarks and the network."""
    own: dict[str, str] = {}
    if is_transposed or named.weights != "(out, in)":
        own["weights"] = "(in, out)"
    if named.samples != "rows":
        own["samples"] = named.samples
    return replace(
        made,
        convention={**own, **made.convention},
        source="numbers",
        remarks=(*named.remarks, *made.remarks, *remarks),
        network=words(network),
    )


def _remarks(*, truncated: bool, not_computed: list[str]) -> tuple[str, ...]:
    """Return what to know about how the numbers were compared."""
    remarks: list[str] = []
    if truncated:
        remarks.append("some numbers agree only if their digits were truncated instead of rounded")
    if not_computed:
        remarks.append(f"not checked: {', '.join(not_computed)}")
    return tuple(remarks)


def _may_be_transposed(numbers: ReportedNumbers, network: Network) -> bool:
    """Return whether the orientation of weights is open: all are whole, square arrays."""
    weights = [b for b in network.layout.blocks if b.param == "W"]
    square = all(len(b.shape) == 2 and b.shape[0] == b.shape[1] for b in weights)
    single = any(re.match(r"d?W", item.name) and item.index is not None for item in numbers.entries)
    return square and not single


def _candidate(
    session: Session, network: Network, declared: Declared, options: CheckOptions
) -> Candidate:
    """Return the search over a session, with the settings to compare it with."""
    rule = declared.rule or SGD(0.5)
    rule = rule if declared.rate is None else with_learning_rate(rule, declared.rate)
    updates = any(is_update(s.name) for call in session.calls for s in call)
    several = updates or len(session.calls) > 1
    is_open = several and declared.rate is None and declared.rule is None
    search = Search(
        [session], Evaluator(options.strict, declared.rate, is_open), options.time_limit
    )
    modes = [False, True] if several and len(session.x) > 1 else [False]
    nets = [network, *trained(network)]
    settings = [Setting(n, rule if several else None, o) for o in modes for n in nets]
    return Candidate(search, settings)


def session_of_numbers(
    numbers: ReportedNumbers, network: Network, theta: Array, x: Array, t: Array
) -> tuple[Session, list[str]]:
    """Return numbers as a session, and the names of those that are not computed but given."""
    calls: list[tuple[Observed, ...]] = []
    not_computed: set[str] = set()
    step = wire(network, theta, network.batch(theta, x, t), SGD(0.5))
    for number in range(1, max(numbers.steps) + 1):
        given = numbers.steps.get(number, {})
        not_computed |= {name for name in given if not _is_computed(name, step)}
        ranked = sorted(given.values(), key=lambda f: _position(f.name, network))
        judged = (f for f in ranked if f.name not in not_computed)
        calls.append(
            tuple(
                Observed(f.name, f.values, np.nan_to_num(f.half_unit), partial=True) for f in judged
            )
        )
    return Session(x, t, theta, tuple(calls), sequential=True, tolerance=1e-11), sorted(
        not_computed
    )


def _is_computed(name: str, step: Step) -> bool:
    """Return whether a name is that of a quantity that a step computes."""
    if name in step.arrays or name in ("x", "t"):
        return False
    if is_update(name) and name[:-4] in step.arrays:
        return True
    try:
        quantity_of(step, name)
    except ChainruleError:
        return False
    return True


def _position(name: str, network: Network) -> int:
    """Return the position of a quantity in the order of computation."""
    names = names_in_order(len(network.labels))
    return names.index(name) if name in names else len(names)
