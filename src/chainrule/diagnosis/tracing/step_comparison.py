"""Compare the steps of a program with its true gradients, under each loss that may be its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.tracing.comparing import (
    CLOSE,
    SAME_FACTOR,
    TINY,
    TOLERANCE,
    ratio,
    same_factor,
)
from chainrule.diagnosis.tracing.evidence import Evidence
from chainrule.diagnosis.tracing.gradients import LOSSES, OWN
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Array


@dataclass(frozen=True)
class GroupResult:
    """How the steps of one group compare with its true gradient under one loss.

    Parameters
    ----------
    right : bool
    factor : float
        step = factor · gradient; NaN if it could not be computed.
    off : float
        The largest deviation, relative to the largest step.
    evidence : bool
        Whether the gradient is not zero.
    """

    right: bool
    factor: float
    off: float
    evidence: bool


class StepComparison(Evidence):
    """The steps of one recorded program, compared with its true gradients.

    Parameters
    ----------
    trace : Trace
    """

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace)
        self.known_followed: dict[bool, list[str]] = {}  # of updates, and of gradients

    def compare(self, loss: str) -> list[GroupResult]:
        """Compare the steps of each group with its gradient under a loss."""
        found = [self._compared(k, loss) for k in range(len(self.groups))]
        usual = self._usual_factor(found)
        if usual is None:
            return found
        return [
            replace(
                r,
                right=r.right
                and (
                    not r.evidence
                    or abs(r.factor - usual) < SAME_FACTOR * abs(usual) + self._slack(k, loss)
                ),
            )
            for k, r in enumerate(found)
        ]

    def _slack(self, k: int, loss: str) -> float:
        """Return how uncertain a group's factor is because its gradient is nearly zero."""
        g, e, s, noise = self._together(k, loss, self.known_in(loss))
        size = float(np.nanmax(np.abs(g)))
        return (
            float(np.nanmax(e)) / size * float(np.nanmax(np.abs(s))) / size
            + float(noise.max()) / size
        )

    def _together(self, k: int, loss: str, its: Sequence[int]) -> tuple[Array, Array, Array, Array]:
        """Return gradients and steps of a group in some iterations, each followed by its error."""
        g = np.concatenate([self.truth[i][k].values[loss] for i in its])
        e = np.concatenate([self.truth[i][k].errors[loss] for i in its])
        steps = (self.steps(self.iterations[i], self.groups[k]) for i in its)
        s, noise = map(np.concatenate, zip(*steps, strict=True))
        return g, e, s, noise

    def _compared(self, k: int, loss: str, only: Sequence[int] | None = None) -> GroupResult:
        """Compare the steps of a group with its gradient, in all iterations or only in some."""
        its = [i for i in self.known_in(loss) if only is None or i in only]
        g, e, s, noise = self._together(k, loss, its)
        if not np.all(np.isfinite(g)):
            return GroupResult(right=False, factor=np.nan, off=np.inf, evidence=False)
        if not np.all(np.isfinite(s)):  # the update changes its shape, or overflows
            return GroupResult(right=False, factor=0.0, off=np.inf, evidence=True)
        certain = np.isfinite(e)
        size = np.abs(s).max()
        if not certain.any() or np.abs(g).max() <= max(10 * e[certain].max(), TINY):
            return GroupResult(size <= 1e-9 + noise.max(), 0.0, 0.0, evidence=False)
        weight = 1.0 / (e[certain] + 1e-6 * np.abs(g).max()) ** 2
        c = float(np.sum(weight * s[certain] * g[certain]) / np.sum(weight * g[certain] ** 2))
        off = np.abs(s - c * g)
        bound = TOLERANCE * size + noise + abs(c) * e
        right = bool(size > 0 and np.all(off <= bound))
        return GroupResult(right, c, float(off.max() / size) if size else np.inf, evidence=True)

    def is_off_throughout(self, k: int, loss: str) -> bool:
        """Return whether most of a group's steps differ a little from a multiple of the gradient.

        Those by finite differences do; where a term of some gradients is wrong, the others agree.
        """
        g, e, s, noise = self._together(k, loss, self.known_in(loss))
        seen = np.isfinite(e) & (np.abs(g) > 10 * e)
        if not seen.any():
            return False
        c = float(np.median(s[seen] / g[seen]))
        bound = TOLERANCE * np.abs(s).max() + noise + abs(c) * e
        return bool(np.mean(np.abs(s - c * g)[seen] > np.broadcast_to(bound, s.shape)[seen]) > 0.5)

    def _usual_factor(self, found: Sequence[GroupResult]) -> float | None:
        """Return the factor of the layer next to the output, else the most frequent one."""
        right = [
            (r.factor, len(self.groups[k].entries), k)
            for k, r in enumerate(found)
            if r.right and r.evidence and k not in self.skipped
        ]
        if not right:
            return None
        for factor, _, k in sorted(right, key=lambda item: -item[1]):  # weights before biases
            if k in self.top:
                return factor
        shares = {c: sum(n for d, n, _ in right if same_factor(d, c)) for c, *_ in right}
        return max(shares, key=lambda c: (shares[c], c < 0))

    def _shared_factor(self, found: Sequence[GroupResult]) -> float:
        """Return the factor of most groups.

        If two are as frequent, it is that of the layer next to the output, or of larger groups.
        """
        known = [k for k, r in enumerate(found) if r.evidence]
        factors = {k: found[k].factor for k in known}
        same = {c: [k for k in known if same_factor(factors[k], c)] for c in factors.values()}
        tops = {c: sum(k in self.top for k in same[c]) for c in same}
        largest = {c: max(self.groups[k].size for k in same[c]) for c in same}
        return max(same, key=lambda c: (len(same[c]), tops[c], largest[c]))

    def losses(self) -> list[str]:
        """Return the losses that are tried."""
        if self.only in (*LOSSES, *self.scalars_of(self.iterations[0])):
            return [self.only]
        if own := self.minimized():
            usual = self.usual_loss(own) if self.outputs_of([0]) > 1 else None
            return [usual[0] if usual else own]
        own = reversed(self.own_losses())  # of equal ones, what is computed last
        return [*LOSSES, *own, *self.followed()]

    def followed(self) -> list[str]:
        """Return the further numbers of the program whose gradient all updates follow.

        Such a number is a loss, whatever its targets are: class numbers, or weighted ones.
        """
        updates = self.gradients is None
        if updates not in self.known_followed:
            names = self.scalars_of(self.iterations[0])
            further = [name for name in names if name not in self.own_losses()]
            self.known_followed[updates] = [name for name in further if self._is_followed(name)]
        return self.known_followed[updates]

    def _is_followed(self, name: str) -> bool:
        """Return whether the steps of each of several iterations are one factor times a gradient.

        The learning rate may change from one to the next.
        """
        its = self.known_in(name)
        if len(its) < 2 or self.outputs_of(its) < 2:
            return False
        return all(self.factor_in(i, name) is not None for i in its)

    def factor_in(self, i: int, loss: str) -> float | None:
        """Return the one negative factor of the steps of an iteration and a gradient, or None."""
        each = [self._compared(k, loss, [i]) for k in range(len(self.groups))]
        factors = [r.factor for r in each if r.evidence]
        if not factors or not all(r.right for r in each):
            return None
        same = all(c < 0 and same_factor(c, factors[0]) for c in factors)
        return factors[0] if same else None

    def share_of_last(self, loss: str, rate: float) -> float | None:
        """Return m if all steps of the second iteration are rate · gradient + m · the first ones.

        None if they are not, or not with the same m.
        """
        rests: list[tuple[Array, Array, Array]] = []
        for k, group in enumerate(self.groups):
            (last, _), (steps, noise) = (self.updates(it, group) for it in self.iterations[:2])
            g, e = self.truth[1][k].values[loss], self.truth[1][k].errors[loss]
            bound = TOLERANCE * np.abs(steps).max() + noise + abs(rate) * e
            rests.append((steps - rate * g, last, bound))
        rest, last, bound = (np.concatenate(part) for part in zip(*rests, strict=True))
        total = float(last @ last)
        if not (np.all(np.isfinite(rest)) and np.all(np.isfinite(bound)) and total > 0):
            return None
        share = float(rest @ last) / total
        return share if np.all(np.abs(rest - share * last) <= bound) else None

    def _score(self, found: Sequence[GroupResult], loss: str) -> tuple[float, ...]:
        """Return how well a loss explains the steps."""
        known = [r for k, r in enumerate(found) if k not in self.skipped]
        right = [k for k, r in enumerate(found) if r.right and r.evidence and k not in self.skipped]
        entries = sum(len(self.groups[k].entries) for k in right)
        off = -sum(min(r.off, 9.0) for r in known)
        several = len(self.known_in(loss)) > 1  # a single number has a factor under any loss
        shown = any(several or len(self.groups[k].entries) > 1 for k in right)
        factor = self._usual_factor(found)
        return (
            all(r.right for r in known),
            all(r.right for r in known) and factor is not None and factor < 0,
            any(k in self.top for k in right),
            shown and self.is_computed(loss),
            entries,
            self.is_computed(loss),
            not loss.startswith(OWN),
            loss == "squared error",
            off,
        )

    def _is_certain(self, found: Sequence[GroupResult]) -> bool:
        """Return whether the layer next to the output has the factor that is assumed.

        The numbers of one output of one sample have a common factor whatever its delta is.
        """
        right = [k for k in self.top if found[k].right and found[k].evidence]
        several = sum(self.trace.size(p.output) for p in self.iterations[0].pairs) > 1
        arrays = [k for k in right if self._is_array(k) and len(self.groups[k].entries) > 2]
        numbers = sum(len(self.groups[k].entries) for k in right)
        factor = self._usual_factor(found)
        if factor is None or factor > 0:
            return False
        return (len(right) == len(self.top) and numbers > 2) or (several and bool(arrays))

    def _is_array(self, k: int) -> bool:
        entry = self.groups[k].entries[0]
        return self.iterations[0].parameters[entry.parameter].size > 1

    def is_known(self, loss: str) -> bool:
        """Return whether a loss has a gradient for these outputs and targets."""
        return all(np.all(np.isfinite(t.values[loss])) for t in self.truth[0])

    def is_computed(self, loss: str) -> bool:
        """Return whether the program computes the value of a loss, up to a factor."""
        if loss.startswith(OWN):
            return True
        for name in self.own_losses():
            both = [t for t in self.truth if name in t[0].values]
            own, g = (np.concatenate([s.values[x] for t in both for s in t]) for x in (name, loss))
            if ratio(own, g, CLOSE):
                return True
        return False

    def has_usual(self, loss: str) -> bool:
        """Return whether the program computes a loss that is a known one, up to a factor."""
        return self.is_computed(loss) and (
            not loss.startswith(OWN) or self.usual_loss(loss) is not None
        )

    def _covers_all(self, loss: str) -> bool:
        """Return whether a loss depends on every output, as its gradient shows.

        It does where all known losses do.
        """
        if not loss.startswith(OWN):
            return True
        for i in self.known_in(loss):
            for slopes in self.truth[i]:
                needed = np.all([_is_large(slopes.values[x]) for x in LOSSES], axis=0)
                if np.any(needed & ~_is_large(slopes.values[loss], 1e-9)):
                    return False
        return True


def _is_large(g: Array, share: float = 1e-6) -> NDArray[np.bool_]:
    """Return which numbers are not nearly zero; all are that are not known."""
    size = np.nanmax(np.abs(g), initial=0.0)
    return ~(np.abs(g) <= share * size) | np.isnan(g)
