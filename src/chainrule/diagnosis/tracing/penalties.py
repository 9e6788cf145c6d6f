"""Compare the penalty in the loss that a program computes with the one in its updates."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.diagnosis.tracing.comparing import CLOSE
from chainrule.diagnosis.tracing.evidence import Evidence

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
    group : int
    derivative, taken : float
        The factor of the weights in the derivative of the loss, and in the updates.
    rate : float
        step = rate · (the derivative of the program's loss), but for the penalty.
    """

    group: int
    derivative: float
    taken: float
    rate: float


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


def _scale(evidence: Evidence, own: str, loss: str, shares: Mapping[int, float]) -> float:
    """Return c if the gradient of an own loss is c · (that of a loss + s · w)."""
    k = max(shares, key=lambda k: evidence.groups[k].size)
    i = next(n for n, t in enumerate(evidence.truth) if own in t[k].values)
    values = evidence.truth[i][k].values
    whole = values[loss] + shares[k] * evidence.old_values(i, k)
    return float(values[own] @ whole) / float(whole @ whole)


def taken_otherwise(evidence: Evidence, penalty: Penalty, loss: str) -> Taken | None:
    """Return a group whose updates take another multiple of the weights than the loss, or None."""
    for k, share in penalty.shares.items():
        if (found := _taken(evidence, k, loss)) is None:
            continue
        factor, taken = found
        if abs(taken - share) > DIFFERENT * max(abs(share), abs(taken)):
            both = penalty.derivative(k), penalty.scale * taken
            return Taken(k, *both, factor / penalty.scale)
    return None


def _taken(evidence: Evidence, k: int, loss: str) -> tuple[float, float] | None:
    """Return c and s if the first steps of a group are c · (the gradient + s · w), else None."""
    steps, _ = evidence.updates(evidence.iterations[0], evidence.groups[k])
    basis = np.stack([evidence.truth[0][k].values[loss], evidence.old_values(0, k)], axis=1)
    finite = np.all(np.isfinite(basis)) and np.all(np.isfinite(steps))
    if len(steps) < 3 or not finite or not np.any(basis[:, 1]):
        return None
    fitted, *_ = np.linalg.lstsq(basis, steps, rcond=None)
    if not fitted[0] or np.abs(basis @ fitted - steps).max() > CLOSE * np.abs(steps).max():
        return None
    return float(fitted[0]), float(fitted[1] / fitted[0])
