"""Say what speaks against a program whose updates follow a gradient, so that it is not judged."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.diagnosis.tracing.comparing import same_factor
from chainrule.diagnosis.tracing.gradients import LOSSES
from chainrule.diagnosis.tracing.judging import Judge, Judgment
from chainrule.diagnosis.tracing.penalties import own_penalty, signs_taken_otherwise
from chainrule.diagnosis.tracing.reporting import (
    LOSS_WORDS,
    loss_in_words,
    penalty_in_words,
    shown_in,
)
from chainrule.submission import DESCENT_RATE, Change, Event, Source

UNUSED = "an output meets several targets, and only some of these errors are used"
CROSS_ENTROPIES = ("logistic cross-entropy", "softmax cross-entropy")
OTHERS = {"squared error": CROSS_ENTROPIES, **dict.fromkeys(CROSS_ENTROPIES, ("squared error",))}
SQUARE = re.compile(r"\*\* ?2|square|norm\(|pow\(|mse|quadratic", re.IGNORECASE)
OF_ERROR = re.compile(  # the square of a difference, or of a number that is called an error
    r"^(\(.+ - .+\)|\w*(err|diff|delta|fehler)\w*) ?\*\* ?2$|(square|pow|norm)\(.+ - .+\)$",
    re.IGNORECASE,
)
LOG = re.compile(r"(\w+\.)?log\(")
OTHER_LOSS = "the updates are those of the {}, and the program computes the {}, {}"
MULTIPLE = (
    "the gradient is {:.6g} times the derivative of the cost that SciPy minimizes, {}, and SciPy "
    "takes it as the derivative itself; divide it by this number"
)
LOGARITHM = (
    "the updates are those of the squared error, and the program takes logarithms, {}; if the loss "
    "that they should reduce is the cross-entropy, they are wrong, and else right"
)
IF_MEANT = "{}; if that is the loss that they should reduce, they are wrong, and else right"
IDLE = (
    "the updates are those of gradient descent; {} is zero at each of them, so nothing is "
    "kept from one update to the next, as a momentum needs"
)
OTHER_SIGNS = (
    "the penalty in {} has the derivative {:.6g} · sign({}), and the updates take {:.6g} times it"
)
NO_PENALTY = (
    "the updates are those of {} without a penalty; {} also has a penalty, with the "
    "derivative {}, which is not in the updates. If that is meant, they are right"
)


@dataclass(frozen=True)
class Doubt:
    """What speaks against a program.

    Parameters
    ----------
    why : str
    certain : bool
        Whether it was seen. Else it could only not be found out.
    losses : tuple of str
        The other losses, one of which the updates should reduce if a mistake explains that they do
        not.
    """

    why: str
    certain: bool
    losses: tuple[str, ...] = ()


def doubt(judge: Judge, own: Judgment, source: Source) -> Doubt | None:
    """Return what speaks against updates that follow the gradient of a loss, or None."""
    if any(it.unused for it in judge.iterations):
        return Doubt(UNUSED, certain=False)
    if (factor := _factor_of_cost(judge)) is not None:
        cost = loss_in_words(judge, judge.minimized(), source)
        return Doubt(MULTIPLE.format(factor, cost), certain=True)
    if (found := _other_loss(judge, own) or _squared_error_shown(judge, own)) is not None:
        loss, event = found
        words = (LOSS_WORDS[name] for name in (own.loss, loss))
        why = IF_MEANT.format(OTHER_LOSS.format(*words, shown_in(judge, event, source)))
        return Doubt(why, certain=True, losses=(loss,) if own.loss == "squared error" else ())
    if (event := _logarithm_shown(judge, own)) is not None:
        losses = () if SQUARE.search(source.text) else CROSS_ENTROPIES
        return Doubt(LOGARITHM.format(shown_in(judge, event, source)), certain=True, losses=losses)
    if not own.rule and (event := _idle_memory(judge)) is not None:
        return Doubt(IDLE.format(shown_in(judge, event, source)), certain=True)
    return None


def without_penalty(judge: Judge, loss: str, source: Source) -> str:
    """Return that updates lack the penalty of the program's own loss, or an empty string."""
    if (penalty := own_penalty(judge, loss)) is None:
        return ""
    k = penalty.largest
    derivative = f"{penalty.derivative(k):.6g} · {judge.groups[k].name}"
    plain, own = (loss_in_words(judge, name, source) for name in (loss, penalty.own))
    return NO_PENALTY.format(plain, own, derivative)


def with_other_penalty(judge: Judge, own: Judgment, source: Source) -> str:
    """Return that updates take another penalty than the program's own loss has."""
    if (other := own.other_penalty) is None:
        return ""
    loss = loss_in_words(judge, other.own, source)
    return IF_MEANT.format(penalty_in_words(judge, loss, other))


def with_other_signs(judge: Judge, source: Source) -> str:
    """Return that updates take another L1 penalty than the program's own loss, or an empty text."""
    known = (loss for loss in LOSSES if judge.is_known(loss))
    found = (signs_taken_otherwise(judge, loss) for loss in known)
    if (other := next(filter(None, found), None)) is None:
        return ""
    loss, w = loss_in_words(judge, other.own, source), judge.groups[other.group].name
    return IF_MEANT.format(
        OTHER_SIGNS.format(loss, other.derivative, w, other.taken / other.derivative)
    )


def _factor_of_cost(judge: Judge) -> float | None:
    """Return by what the gradient of a cost that SciPy minimizes is multiplied, None if by 1."""
    cost = judge.minimized()
    if not cost or judge.iterations[0].pairs[0].is_loss:
        return None
    factors = [r.factor for r in judge.compare(cost) if r.evidence]
    found = -factors[0] / DESCENT_RATE if factors else 1.0
    return None if same_factor(found, 1.0) else found


def _other_loss(judge: Judge, own: Judgment) -> tuple[str, Event] | None:
    """Return the usual loss that a program computes instead of the one that it follows, or None.

    Many a program that follows the cross-entropy computes the squared error, to show how far off it
    is, and many a one has left out the slope at its output. Which one it is cannot be seen.
    """
    others = OTHERS.get(own.loss, ())
    if not others or judge.is_computed(own.loss) or own_penalty(judge, own.loss) is not None:
        return None
    usual = {name: judge.usual_loss(name) for name in judge.own_losses()}
    computed = [(found[0], name) for name, found in usual.items() if found and found[0] in others]
    return (computed[-1][0], judge.own_loss(computed[-1][1]).event) if computed else None


def _logarithm_shown(judge: Judge, own: Judgment) -> Event | None:
    """Return a logarithm that a program takes, and that may be one of its outputs, or None.

    It may take it long after the updates that are judged, as to show the loss of an epoch.
    """
    if own.loss != "squared error" or judge.is_computed(own.loss):
        return None
    return _logarithm(judge)


def _squared_error_shown(judge: Judge, own: Judgment) -> tuple[str, Event] | None:
    """Return the squared error and the square of an error, if no logarithm is taken, or None.

    A program then shows it after an epoch, and its updates are those of the cross-entropy.
    """
    if own.loss not in CROSS_ENTROPIES or judge.own_losses():
        return None
    squares = [c for c, p in enumerate(judge.trace.places) if OF_ERROR.search(p.text)]
    if not squares or _logarithm(judge) is not None:
        return None
    event = _reached(judge, squares, sign=1)
    return None if event is None else ("squared error", event)


def _logarithm(judge: Judge) -> Event | None:
    """Return the first logarithm of a program that depends on the weights, or None."""
    places = enumerate(judge.trace.places)
    codes = [c for c, p in places if p.op == "call" and LOG.match(p.text)]
    return _reached(judge, codes, sign=-1)


def _reached(judge: Judge, codes: Sequence[int], sign: int) -> Event | None:
    """Return the first event of some places that depends on the weights and has a sign, or None."""
    trace, origins = judge.trace, {p.origin for p in judge.iterations[0].parameters}
    changes: dict[Event, Change] = {o: trace.nudge(o) for o in origins}
    for event in (Event(code, 0) for code in codes):
        one, two = (r.values.get(event) for r in trace.run_all([{}, changes], event, [event]))
        if one is None or two is None or not one.size or np.any(sign * one < 0):
            continue
        if not np.array_equal(one, two):
            return event
    return None


def _idle_memory(judge: Judge) -> Event | None:
    """Return a product with what an update should keep, if it is zero at every update, or None.

    It is zero at the first one, as every velocity is. If it is at all others, it is made anew each
    time, and the program trains without momentum.
    """
    trace = judge.trace
    if len(judge.iterations) < 2:
        return None
    it = judge.iterations[1]
    start = max(trace.at[p.error] for p in it.pairs)
    shapes = {p.index.shape for p in it.parameters}
    zeros = [e for e in trace.order[start : it.end + 1] if _is_idle(judge, e, shapes)]
    afters = [p.after for p in it.parameters]
    used = trace.spoiled_by_each([[e] for e in zeros], trace.order[it.end], afters)
    return next((e for e, spoiled in zip(zeros, used, strict=True) if spoiled), None)


def _is_idle(judge: Judge, event: Event, shapes: set[tuple[int, ...]]) -> bool:
    """Return whether a product of a number and an array with parameters' shapes is always zero."""
    trace, place = judge.trace, judge.trace.place(event)
    if place.op != "Mult" or trace.base.shapes[event] not in shapes or len(place.parts) != 2:
        return False
    parts = [Event(c, event.turn) for c in place.parts]
    if not all(e in trace.at and trace.has(e) for e in parts):
        return False
    one, other = (trace.value(e) for e in parts)
    kept, number = (one, other) if one.size >= other.size else (other, one)
    if number.size > 1 or not np.any(number) or np.any(kept):
        return False
    turns = [Event(event.code, n) for n in range(trace.count[event.code])]
    return all(not np.any(trace.value(e)) for e in turns if trace.has(e))
