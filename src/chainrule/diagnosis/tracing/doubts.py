"""Say what speaks against a program whose updates follow a gradient, so that it is not judged."""

from dataclasses import dataclass

import numpy as np

from chainrule.diagnosis.tracing.judging import Judge, Judgment
from chainrule.diagnosis.tracing.penalties import own_penalty
from chainrule.diagnosis.tracing.reporting import loss_in_words, shown_in
from chainrule.submission import Event, Source

UNUSED = "an output meets several targets, and only some of these errors are used"
CROSS_ENTROPIES = ("logistic cross-entropy", "softmax cross-entropy")
CROSS_ENTROPY = (
    "the updates are those of the squared error, and the program computes the cross-entropy, {}; "
    "if that is the loss that they should reduce, they are wrong, and else right"
)
IDLE = (
    "the updates are those of gradient descent; {} is zero at each of them, so nothing is "
    "kept from one update to the next, as a momentum needs"
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
    """

    why: str
    certain: bool


def doubt(judge: Judge, own: Judgment, source: Source) -> Doubt | None:
    """Return what speaks against updates that follow the gradient of a loss, or None."""
    if any(it.unused for it in judge.iterations):
        return Doubt(UNUSED, certain=False)
    if (event := _other_loss(judge, own)) is not None:
        return Doubt(CROSS_ENTROPY.format(shown_in(judge, event, source)), certain=True)
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


def _other_loss(judge: Judge, own: Judgment) -> Event | None:
    """Return the cross-entropy that a program computes and does not follow, or None.

    A program that computes the squared error and follows the cross-entropy is usual: it shows how
    far off it is.
    """
    if own.loss != "squared error" or judge.is_computed(own.loss):
        return None
    usual = {name: judge.usual_loss(name) for name in judge.own_losses()}
    computed = [name for name, found in usual.items() if found and found[0] in CROSS_ENTROPIES]
    return judge.own_loss(computed[-1]).event if computed else None


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
