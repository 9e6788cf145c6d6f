"""Find layers whose steps have another factor than those of the others, such as a missing mean.

The steps of each group may be a multiple of its gradient, but not the same multiple for all. Other
learning rates for some layers are meant; a number of samples that divides one gradient only is not.
"""

import ast
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from chainrule.diagnosis.tracing.comparing import CLOSE, ratio, same_factor
from chainrule.diagnosis.tracing.evidence import Evidence
from chainrule.diagnosis.tracing.rules import equal_events, window_of
from chainrule.submission import Event

PRODUCTS = ("multiply", "divide", "dot", "matmul")
DEEP = 4  # definitions of names in definitions of names that are followed


@dataclass(frozen=True)
class Chain:
    """What lies between a group's gradient and its step.

    Parameters
    ----------
    multipliers : list of float
        The factor of the first event that is a multiple of the gradient, and by what that is
        multiplied until the step; empty if there is none.
    rates : set of str
        The source of the numbers by which the step is multiplied or divided last.
    """

    multipliers: list[float]
    rates: set[str]


def compare_factors(evidence: Evidence, loss: str, factors: Sequence[float | None]) -> str:
    """Compare the multiples of the gradient that the groups' steps are.

    Parameters
    ----------
    evidence : Evidence
    loss : str
    factors : sequence of float or None
        step = factor · gradient of each group; None where its gradient is zero.

    Returns
    -------
    str
        ``"wrong"`` if one group's gradient is multiplied or divided by a number of samples or
        units that the others' are not, ``"rates"`` if the groups have different learning rates,
        ``"open"`` if it cannot be known, and ``""`` if all have one factor.
    """
    known = [k for k, factor in enumerate(factors) if factor is not None]
    pairs = {(one, k) for before, k in pairwise(known) for one in (known[0], before)}
    chains = {
        k: Chain(_multipliers(evidence, loss, k, factors[k]), rates(evidence, k)) for k in known
    }
    found = {_compared(evidence, chains[one], chains[k]) for one, k in pairs}
    return next((outcome for outcome in ("wrong", "open", "rates") if outcome in found), "")


def differ(evidence: Evidence, chosen: Sequence[int], one: str, other: str) -> bool:
    """Return whether some groups have another gradient under one loss than under another.

    That is so if a loss has a term, such as a penalty, that the other one lacks.
    """
    for k in chosen:
        known = [t[k].values for t in evidence.truth if {one, other} <= t[k].values.keys()]
        first, second = (np.concatenate([values[x] for values in known]) for x in (one, other))
        if not ratio(first, second, CLOSE):
            return True
    return False


def _multipliers(evidence: Evidence, loss: str, k: int, factor: float | None) -> list[float]:
    """Return by what a group's gradient is multiplied, from where it first occurs to its step.

    The first number is the factor of that first event. Empty if it does not occur.
    """
    it, truth = evidence.iterations[0], evidence.truth[0][k]
    slopes = truth.values[loss], truth.errors[loss]
    equal = equal_events(evidence, it, evidence.groups[k], *slopes, window_of(evidence, it))
    at = evidence.trace.at
    placed = sorted((max(at[x] for x in xs), abs(d)) for d, found in equal.items() for xs in found)
    if not placed:
        return []
    chain = [d for _, d in placed] + [abs(factor or 0.0)]
    return [chain[0], *(b / a for a, b in pairwise(chain) if not same_factor(a, b))]


def _compared(evidence: Evidence, one: Chain, other: Chain) -> str:
    """Compare two groups; see `compare_factors`."""
    if not one.multipliers or not other.multipliers:
        return "open"
    ratio = float(np.prod(other.multipliers) / np.prod(one.multipliers))
    if same_factor(ratio, 1.0):
        return ""
    if _have_other_rates(evidence, one, other):
        return "rates"
    if _differ_before(one, other):
        return "wrong"
    return "wrong" if any(same_factor(ratio, r) for r in _ratios(evidence)) else "open"


def _differ_before(one: Chain, other: Chain) -> bool:
    """Return whether gradients of one learning rate differ by a factor from where they occur first.

    Then the backward pass has lost it, such as the scale of a dropout mask.
    """
    later, other_later = one.multipliers[1:], other.multipliers[1:]
    same = len(later) == len(other_later) and all(map(same_factor, later, other_later))
    return same and bool(one.rates) and one.rates == other.rates


def _have_other_rates(evidence: Evidence, one: Chain, other: Chain) -> bool:
    """Return whether two groups are multiplied by different numbers, each by its own."""
    if one.rates - other.rates and other.rates - one.rates:
        return True
    (begin, *rest), (other_begin, *other_rest) = one.multipliers, other.multipliers
    own = _rest(rest, other_rest), _rest(other_rest, rest)
    counts = [r for n in _counts(evidence) for r in (n, 1 / n)]
    are_rates = (len(n) == 1 and not any(same_factor(n[0], c) for c in counts) for n in own)
    return same_factor(begin, other_begin) and all(are_rates)


def rates(evidence: Evidence, k: int) -> set[str]:
    """Return the source of the numbers by which a group's step is multiplied or divided last.

    They are those in the statement of the step, or, if it has none, in that of a name in it.
    Numbers of samples or units are omitted.
    """
    it = evidence.iterations[0]
    parameter = it.parameters[evidence.groups[k].entries[0].parameter]
    places = evidence.trace.places
    steps = [p for p in places[parameter.after.code].parts if p not in (-1, parameter.update.old)]
    texts, counts = [places[step].text for step in steps], _counts(evidence)
    for _ in range(DEEP):
        operands = {o for text in texts for o in _factors(text)}
        numbers = {o: n for o in operands if (n := _number(evidence, o)) is not None}
        if found := {o for o, n in numbers.items() if n not in counts}:
            return found
        named = operands - numbers.keys()
        texts = [p.text for p in places if p.name in named and p.kind == "value"]
    return set()


def _factors(text: str) -> Iterator[str]:
    """Yield the factors and divisors of an expression, those inside a matrix product included."""
    try:
        pending = [ast.parse(text.strip(), mode="eval").body]
    except SyntaxError:
        return
    while pending:
        node = pending.pop()
        if isinstance(node, ast.UnaryOp):
            pending.append(node.operand)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.MatMult):
            pending += [node.left, node.right]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(PRODUCTS):
            pending += node.args
        else:
            yield ast.unparse(node)


def _number(evidence: Evidence, text: str) -> float | None:
    """Return the number that a factor is, or was when it was read first.

    None for an array, and for what depends on the parameters, such as the gradient of one bias.
    """
    with contextlib.suppress(ValueError):
        return float(text)
    trace = evidence.trace
    codes = [c for c, place in enumerate(trace.places) if place.text == text and c in trace.count]
    events = [Event(code, 0) for code in codes]
    it = evidence.iterations[0]
    changing = {e.code for e in it.depends} | {p.before.code for p in it.parameters}
    if {trace.size(e) for e in events} != {1} or not trace.has(events[0]):
        return None
    if changing.intersection(codes):
        return None
    return float(trace.value(events[0]).reshape(-1)[0])


def _rest(these: list[float], those: list[float]) -> list[float]:
    """Return the multipliers that the other group does not have."""
    left, rest = list(those), list[float]()
    for d in these:
        same = next((x for x in left if same_factor(d, x)), None)
        if same is None:
            rest.append(d)
        else:
            left.remove(same)
    return rest


def _counts(evidence: Evidence) -> set[float]:
    """Return the numbers of samples and of units."""
    it = evidence.iterations[0]
    shapes = [evidence.trace.value(p.output).shape for p in it.pairs]
    shapes += [p.index.shape for p in it.parameters]
    return {float(n) for n in (len(it.pairs), *(n for shape in shapes for n in shape)) if n > 1}


def _ratios(evidence: Evidence) -> set[float]:
    """Return by what a factor may be wrong: a number is missing, or there instead of another."""
    counts = {1.0, *_counts(evidence)}
    return {n / m for n in counts for m in counts}
