"""Compare the penalty in the loss that a program computes with the one in its updates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.tracing.comparing import CLOSE, TOLERANCE, ratio, same_factor
from chainrule.diagnosis.tracing.evidence import Evidence
from chainrule.submission import Array, Event

DIFFERENT = 1e-3  # relative difference of two factors of the weights
NONE = 1e-9  # a factor of the weights that is none


@dataclass(frozen=True)
class Penalty:
    """A penalty in a loss that a program computes, in addition to a known loss.

    Parameters
    ----------
    own : str
        The name of the program's loss.
    shares : mapping of int to float
        s of each group. The derivative of the program's loss is scale · (that of the known one +
        s · w).
    scale : float
    """

    own: str
    shares: Mapping[int, float]
    scale: float

    def derivative(self, k: int) -> float:
        """Return by what the weights of a group are multiplied in the derivative of the loss."""
        return self.scale * self.shares[k]

    @property
    def largest(self) -> int:
        """The first group with the largest factor."""
        most = max(map(abs, self.shares.values()))
        return next(k for k, s in self.shares.items() if abs(s) > (1 - DIFFERENT) * most)


@dataclass(frozen=True)
class Taken:
    """The updates of a group, whose weights are multiplied by another factor than in the loss.

    Parameters
    ----------
    own : str
        The program's loss.
    group : int
    derivative, taken : float
        The factor of the weights in the derivative of the loss, and in the updates.
    rate : float
        step = rate · (the derivative of the program's loss), but for the penalty.
    partly : bool, default False
        Whether the loss has the penalty on some of the weights only.
    alone : bool, default False
        Whether the updates of another group take the penalty of the loss.
    grows : bool, default False
        Whether the updates make weights larger, as no penalty does, whatever the loss has.
    """

    own: str
    group: int
    derivative: float
    taken: float
    rate: float
    partly: bool = False
    alone: bool = False
    grows: bool = False


def own_penalty(evidence: Evidence, loss: str) -> Penalty | None:
    """Return the penalty in the last loss that a program computes, or None if it has none.

    Parameters
    ----------
    evidence : Evidence
    loss : str
        The loss of the gradients, without a penalty.
    """
    own = evidence.own_losses()
    if not own or own[-1] == loss or (shares := evidence.penalties(own[-1], loss)) is None:
        return None
    if max(map(abs, shares.values())) < NONE:
        return None
    return Penalty(own[-1], shares, _scale(evidence, own[-1], loss, shares))


def taken_by_more(evidence: Evidence, loss: str) -> Taken | None:
    """Return a group of which the updates take a penalty of all weights, and the loss of some.

    None if the penalties are on the same numbers, or not recognized.
    """
    own = evidence.own_losses()
    its = [i for i in evidence.known_in(own[-1]) if i in evidence.known_in(loss)] if own else []
    if not its or own[-1] == loss:
        return None
    values = [t.values for t in evidence.truth[its[0]]]
    c = _usual_ratio([(v[own[-1]], v[loss]) for v in values])
    rests = [(v[own[-1]] / c - v[loss]) if c else np.full(1, np.nan) for v in values]
    shares = [_share_of_some(r, evidence.old_values(its[0], k)) for k, r in enumerate(rests)]
    if None in shares:
        return None
    for k, (rest, share) in enumerate(zip(rests, shares, strict=True)):
        found = _taken(evidence, k, loss)
        if share and np.any(_is_none(rest)) and found and abs(found[1]) > NONE:
            return Taken(own[-1], k, c * share, c * found[1], found[0] / c, partly=True)
    return None


def _usual_ratio(pairs: Sequence[tuple[Array, Array]]) -> float:
    """Return the most frequent ratio of two gradients' numbers, 0 if no three have the same."""
    with np.errstate(all="ignore"):
        each = np.concatenate([own / known for own, known in pairs])
    found = np.sort(each[np.isfinite(each) & (each > 0)])
    near = [int(np.sum(np.abs(found - c) <= CLOSE * c)) for c in found]
    most = int(np.argmax(near)) if near else 0
    return float(found[most]) if near and near[most] > 2 else 0.0


def _is_none(rest: Array) -> NDArray[np.bool_]:
    """Return which numbers of a penalty's derivative are nearly zero."""
    return np.abs(rest) <= CLOSE * max(float(np.abs(rest).max()), 1e-300)


def _share_of_some(rest: Array, w: Array) -> float | None:
    """Return s if each number is s · w or 0, up to errors, else None."""
    if not np.all(np.isfinite(rest)):
        return None
    some = ~_is_none(rest)
    if np.abs(rest).max() < NONE or not some.any():
        return 0.0
    s = float(rest[some] @ w[some]) / max(float(w[some] @ w[some]), 1e-300)
    fits = np.abs(rest[some] - s * w[some]).max() <= 100 * CLOSE * np.abs(rest).max()
    return s if fits else None


def _scale(evidence: Evidence, own: str, loss: str, shares: Mapping[int, float]) -> float:
    """Return c if the gradient of an own loss is c · (that of a loss + s · w)."""
    k = max(shares, key=lambda k: evidence.groups[k].size)
    i = next(n for n, t in enumerate(evidence.truth) if own in t[k].values)
    values = evidence.truth[i][k].values
    whole = values[loss] + shares[k] * evidence.old_values(i, k)
    return float(values[own] @ whole) / float(whole @ whole)


def taken_by_all(evidence: Evidence, loss: str) -> dict[int, tuple[float, float]]:
    """Return c and s of each group if its first steps are c · (the gradient + s · w), else nothing.

    c is the same for all. A group whose weights are all zero, as biases are at first, takes no
    part if its steps are c times the gradient.
    """
    groups = range(len(evidence.groups))
    found = {k: fit for k in groups if (fit := _taken(evidence, k, loss)) is not None}
    factors = [c for c, _ in found.values()]
    if not factors or factors[0] >= 0 or not all(same_factor(c, factors[0]) for c in factors):
        return {}
    rest = (k for k in groups if k not in found)
    return found if all(_is_multiple(evidence, k, loss, factors[0]) for k in rest) else {}


def growing(evidence: Evidence, loss: str) -> Taken | None:
    """Return a group whose updates add a multiple of its weights to them, or None.

    Updates that take a penalty subtract one. Several groups, or several weights, must show it.
    """
    found = taken_by_all(evidence, loss)
    shares = [s for _, s in found.values()]
    if not shares or min(shares) > -NONE or max(shares) > DIFFERENT * -min(shares):
        return None
    k = next(k for k, (_, s) in found.items() if s < -NONE)
    rate, taken = found[k]
    return Taken(loss, k, -taken, taken, rate, grows=True)


def _is_multiple(evidence: Evidence, k: int, loss: str, c: float) -> bool:
    """Return whether the first steps of a group are c times the gradient."""
    steps, noise = evidence.updates(evidence.iterations[0], evidence.groups[k])
    slopes = evidence.truth[0][k]
    expected, errors = c * slopes.values[loss], abs(c) * slopes.errors[loss]
    bound = TOLERANCE * float(np.abs(steps).max()) + noise + errors
    return bool(np.all(np.abs(steps - expected) <= bound))


def taken_otherwise(evidence: Evidence, penalty: Penalty, loss: str) -> Taken | None:
    """Return a group whose updates take another multiple of the weights than the loss, or None."""
    fits = {k: _taken(evidence, k, loss) for k in penalty.shares}
    known = {k: (fit, penalty.shares[k]) for k, fit in fits.items() if fit is not None}
    other = [k for k, ((_, s), share) in known.items() if not _is_same(s, share)]
    if not other:
        return None
    k, ((factor, taken), _) = other[0], known[other[0]]
    both = penalty.derivative(k), penalty.scale * taken
    alone = any(abs(share) > NONE for j, (_, share) in known.items() if j not in other)
    return Taken(penalty.own, k, *both, factor / penalty.scale, alone=alone)


def _is_same(taken: float, share: float) -> bool:
    return abs(taken - share) <= DIFFERENT * max(abs(share), abs(taken))


def _taken(evidence: Evidence, k: int, loss: str) -> tuple[float, float] | None:
    """Return c and s if the first steps of a group are c · (the gradient + s · w), else None.

    They may also contain a multiple of the signs of the weights, the derivative of an L1 penalty.
    """
    steps, _ = evidence.updates(evidence.iterations[0], evidence.groups[k])
    g, w = evidence.truth[0][k].values[loss], evidence.old_values(0, k)
    fitted = _fitted(steps, g, w)
    if fitted is None:
        fitted = _fitted(steps, g, w, np.sign(w))
    return None if fitted is None else (fitted[0], fitted[1])


def _fitted(numbers: Array, g: Array, *terms: Array) -> tuple[float, ...] | None:
    """Return c and s, … if numbers are c · (g + s · a term + …), else None."""
    basis = np.stack([g, *terms], axis=1)
    finite = np.all(np.isfinite(basis)) and np.all(np.isfinite(numbers))
    if len(numbers) <= 2 * len(terms) or not finite or not np.any(basis[:, 1]):
        return None
    found, *_ = np.linalg.lstsq(basis, numbers, rcond=None)
    if not found[0] or np.abs(basis @ found - numbers).max() > CLOSE * np.abs(numbers).max():
        return None
    return float(found[0]), *(float(f / found[0]) for f in found[1:])


@dataclass(frozen=True)
class SignsTaken:
    """The updates of a group that take another multiple of its weights' signs than the loss has.

    Parameters
    ----------
    own : str
        The program's loss.
    group : int
    derivative, taken : float
        The factor of the signs in the derivative of the loss, and in the updates.
    """

    own: str
    group: int
    derivative: float
    taken: float


def signs_taken_otherwise(evidence: Evidence, loss: str) -> SignsTaken | None:
    """Return a group whose updates have another L1 penalty than the loss of the program, or None.

    Parameters
    ----------
    evidence : Evidence
    loss : str
        The loss of the gradients, without a penalty.
    """
    own = evidence.own_losses()
    if not own or own[-1] == loss or 0 not in evidence.known_in(own[-1]):
        return None
    for k, group in enumerate(evidence.groups):
        steps, _ = evidence.updates(evidence.iterations[0], group)
        values, w = evidence.truth[0][k].values, evidence.old_values(0, k)
        both = [_fitted(n, values[loss], np.sign(w), w) for n in (values[own[-1]], steps)]
        derivative, taken = ((f[0], f[1]) if f else (0.0, 0.0) for f in both)
        is_penalty = both[1] is not None and min(abs(derivative[1]), abs(taken[1])) > NONE
        if is_penalty and taken[0] < 0 and not _is_same(taken[1], derivative[1]):
            return SignsTaken(own[-1], k, derivative[0] * derivative[1], derivative[0] * taken[1])
    return None


def where_taken(evidence: Evidence, k: int) -> Event | None:
    """Return where the backward pass computes a multiple of a group's weights, or None."""
    trace, it = evidence.trace, evidence.iterations[0]
    p = it.parameters[evidence.groups[k].entries[0].parameter]
    w, start = trace.value(p.before).ravel(), min(trace.at[e.error] for e in it.pairs)
    for event in trace.order[start : trace.at[p.after]]:
        is_like = trace.place(event).op == "Mult" and trace.size(event) == w.size
        if is_like and trace.has(event) and ratio(trace.value(event).ravel(), w, CLOSE):
            return event
    return None
