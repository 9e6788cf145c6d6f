"""Judge whether a program's updates follow the true gradient of its own forward pass.

They do if all steps are one common negative factor times the gradient. The factor, which is the
learning rate times a convention such as a mean, is free.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.tracing.comparing import CLOSE, ratio
from chainrule.diagnosis.tracing.evidence import SAME_FACTOR, TINY, TOLERANCE, Evidence, same_factor
from chainrule.diagnosis.tracing.factors import compare_factors, differ
from chainrule.diagnosis.tracing.gradient_events import GradientEvents
from chainrule.diagnosis.tracing.gradients import LOSSES, OWN, Slopes, targets_of
from chainrule.diagnosis.tracing.rules import accumulated, follows_another_rule, goes_down, goes_up
from chainrule.submission import Array, Event

UNEVEN = (
    "the steps of its layers are different multiples of their gradients, and it could not be found "
    "out whether that is meant"
)
NO_LOSS = "it could not be found out which loss its updates reduce"
PENALTY = (
    "some of its updates are the gradient of the loss that it computes, and others lack a term of "
    "that, such as a penalty"
)
Status: TypeAlias = Literal["right", "wrong", "not-judged"]


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


@dataclass
class Judgment:
    """What is known of a program after it has been judged on one set of weights.

    Parameters
    ----------
    status : {"right", "wrong", "not-judged"}
    why : str
        Why it was not judged, or what is special about it.
    loss : str
        The loss that the gradients are those of.
    results : list of GroupResult
        For each group.
    factor : float or None
        The common factor.
    """

    status: Status
    why: str = ""
    loss: str = ""
    results: list[GroupResult] = field(default_factory=list[GroupResult])
    factor: float | None = None
    rule: bool = False
    uneven: bool = False  # whether all are multiples of the gradient, and not all the same ones
    rates: bool = False  # whether some layers have another learning rate than others
    uphill: bool = False
    other_losses: list[str] = field(default_factory=list[str])

    accumulated: Sequence[int] = ()  # groups whose second update contains the first gradient
    certain: bool = False  # whether the layer next to the output has this factor, in all numbers


class Judge(Evidence):
    """Judges one recorded program."""

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
        g = np.concatenate([t[k].values[loss] for t in self._with(loss)])
        e = np.concatenate([t[k].errors[loss] for t in self._with(loss)])
        s, noise = self._stacked(k, loss)
        size = float(np.nanmax(np.abs(g)))
        return (
            float(np.nanmax(e)) / size * float(np.nanmax(np.abs(s))) / size
            + float(noise.max()) / size
        )

    def _with(self, loss: str) -> list[list[Slopes]]:
        """Return the true gradients of the iterations in which a loss is known."""
        return [t for t in self.truth if loss in t[0].values]

    def _stacked(self, k: int, loss: str) -> tuple[Array, Array]:
        its = [it for it, t in zip(self.iterations, self.truth, strict=True) if loss in t[0].values]
        steps, noise = zip(*(self.steps(it, self.groups[k]) for it in its), strict=True)
        return np.concatenate(steps), np.concatenate(noise)

    def _compared(self, k: int, loss: str) -> GroupResult:
        g = np.concatenate([t[k].values[loss] for t in self._with(loss)])
        e = np.concatenate([t[k].errors[loss] for t in self._with(loss)])
        s, noise = self._stacked(k, loss)
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

    def losses(self) -> list[str]:
        """Return the losses that are tried."""
        if self.only in (*LOSSES, *self.own_losses()):
            return [self.only]
        return [*LOSSES, *self.own_losses()]

    def wrong_axis(self) -> Event | None:
        """Return an output whose shares sum to 1 over the samples and not over the classes."""
        for pair in self.iterations[0].pairs:
            o, t = self.trace.value(pair.output), targets_of(self.trace, pair)
            if o.ndim != 2 or o.shape != t.shape or 1 in o.shape or o.min() <= 0:
                continue
            for classes in (0, 1):
                one_hot = np.allclose(t.sum(axis=classes), 1)
                own = np.allclose(o.sum(axis=classes), 1)
                other = np.allclose(o.sum(axis=1 - classes), 1) or np.isclose(o.sum(), 1)
                if one_hot and not own and other:
                    return pair.output
        return None

    def judge(self) -> Judgment:
        """Return the judgement on these weights, without the place of a fault."""
        if self.gradients is not None:
            return self._of_gradients()
        made, usable = self._best()
        if made.status != "wrong" or made.uphill:
            return made
        if (mixed := self._of_mixed_signs(usable)) is not None:
            return mixed
        known = self._with_known_gradients(usable)
        if (known is not None and not known.rule) or made.certain:
            return known or made
        if (choices := self.observe_gradients()) is None:
            return known or made
        self._choose(choices)
        observed = self._of_gradients()
        if observed.status == "wrong" and not self._has_evidence(observed):
            linear = self.is_linear
            self.gradients, self.skipped = None, set()
            return known or (made if linear else Judgment("not-judged", NO_LOSS))
        uneven = self.is_linear and self._differs_by_factors(observed)
        if known is None and not uneven:
            return observed
        self.gradients = None
        if (uneven and known is None) or (known is not None and known.rule and uneven):
            return Judgment("not-judged", UNEVEN, loss=observed.loss)
        return known or made

    def _of_mixed_signs(self, usable: Sequence[str]) -> Judgment | None:
        """Return what holds if every step is the gradient times ±c, and not all go down."""
        for loss in usable:
            alone = [self._compared(k, loss) for k in range(len(self.groups))]
            factors = [r.factor for r in alone if r.evidence]
            down = min(factors, default=0.0)
            same = all(same_factor(abs(c), abs(down)) for c in factors)
            if same and down < 0 < max(factors) and all(r.right for r in alone):
                found = [replace(r, right=r.right and r.factor <= 0) for r in alone]
                return Judgment("wrong", "", loss, found, down, certain=True)
        return None

    def _has_evidence(self, made: Judgment) -> bool:
        """Return whether a loss is known: a gradient is right, or the program computes it."""
        known = (r for k, r in enumerate(made.results) if k not in self.skipped)
        return any(r.right and r.evidence for r in known) or self.is_computed(made.loss)

    def _differs_by_factors(self, made: Judgment) -> bool:
        """Return whether each gradient is right up to a factor, which is not the same for all."""
        results = zip(made.results, range(len(self.groups)), strict=True)
        bounds = (10 * TOLERANCE + self._slack(k, made.loss) for _, k in results)
        off = (r.off <= b for r, b in zip(made.results, bounds, strict=True))
        return made.status == "wrong" and not self.skipped and all(off)

    def _best(self) -> tuple[Judgment, list[str]]:
        """Return the judgement under the loss that explains most, and all usable losses."""
        results = {loss: self.compare(loss) for loss in self.losses()}
        usable = [
            x
            for x in results
            if not any(np.isnan(r.factor) for r in results[x]) and self._covers_all(x)
        ]
        usable.sort(key=lambda x: self._score(results[x], x), reverse=True)
        if not usable:
            return Judgment("not-judged", "no gradient could be computed"), []
        best, found = usable[0], results[usable[0]]
        factor = self._usual_factor(found)
        made = Judgment("wrong", loss=best, results=found, factor=factor)
        made.certain = self._is_certain(found)
        made.rule = self.gradients is not None
        if all(r.right for k, r in enumerate(found) if k not in self.skipped):
            made.other_losses = [x for x in usable if all(r.right for r in results[x])]
            return self._agreeing(made), usable
        return made, usable

    def _agreeing(self, made: Judgment) -> Judgment:
        """Return the judgement on steps that all agree with the gradient, up to a factor."""
        if made.factor is None:
            return Judgment("not-judged", "all gradients are zero, so nothing can be compared")
        made.uphill = made.factor > 0
        made.status = "wrong" if made.uphill else "right"
        if made.uphill and made.loss.startswith(OWN):
            where = self.trace.place(self.own_loss(made.loss).event)
            why = f"the updates increase the number of line {where.line}, which may be meant"
            return Judgment("not-judged", why)
        return made

    def _with_known_gradients(self, usable: Sequence[str]) -> Judgment | None:
        """Return the judgement if the true gradients occur as such and feed another rule."""
        by_rule = (self._by_rule(loss, self.compare(loss)) for loss in usable)
        return next(filter(None, by_rule), None)

    def _by_rule(self, loss: str, found: list[GroupResult]) -> Judgment | None:
        """Return what holds if the gradients of a loss occur, and updates follow another rule."""
        if (uneven := self._uneven(loss)) is not None:
            return uneven
        if piled := accumulated(self, loss):
            return Judgment("wrong", loss=loss, results=found, accumulated=piled)
        if sum(g.size for g in self.groups) == 1:  # any factor of one number is right
            return None
        if (d := follows_another_rule(self, loss)) is None:
            return None
        if any(self._lacks_a_term(own, loss) for own in self.losses() if own.startswith(OWN)):
            return Judgment("not-judged", PENALTY, loss=loss)
        return Judgment("right", loss=loss, results=found, factor=-d, rule=True)

    def _lacks_a_term(self, own: str, loss: str) -> bool:
        """Return whether only some updates are those of the program's own loss."""
        found = self.compare(own)
        follow = [k for k, r in enumerate(found) if r.right and r.evidence and r.factor < 0]
        return not all(r.right for r in found) and differ(self, follow, own, loss)

    def _uneven(self, loss: str) -> Judgment | None:
        """Return what holds if all steps are multiples of their gradients, but not the same ones.

        None if they are not, or if the multiples follow from a rule.
        """
        alone = [self._compared(k, loss) for k in range(len(self.groups))]
        if any(not r.right or (r.evidence and not r.factor < 0) for r in alone):
            return None
        factor = self._shared_factor(alone)
        match compare_factors(self, loss, [r.factor if r.evidence else None for r in alone]):
            case "wrong":
                found = [
                    replace(r, right=not r.evidence or same_factor(r.factor, factor)) for r in alone
                ]
                return Judgment("wrong", "", loss, found, factor, uneven=True, certain=True)
            case "rates":
                return Judgment("right", loss=loss, results=alone, factor=factor, rates=True)
            case "open":
                return Judgment("not-judged", UNEVEN, loss=loss)
            case _:
                return None

    def _choose(self, choices: Mapping[int, Sequence[GradientEvents]]) -> None:
        """Choose the gradients of single numbers: those that are right together with the others'.

        If none is right, it cannot be known which number is the gradient.
        """
        self.skipped = set(choices)
        for k, each in choices.items():
            first = list(self.gradients[0]) if self.gradients else []
            for made in each:
                first[k] = made
                if self.observe(first) and self._best()[0].results[k].right:
                    self.skipped.remove(k)
                    break

    def _of_gradients(self) -> Judgment:
        """Return the judgement on the gradients that the rule takes, with either sign."""
        made, _ = self._best()
        if not self.is_linear and self._is_opposite(made.loss):
            self.sign = -self.sign
            made, _ = self._best()
        wrong = {k for k, r in enumerate(made.results) if not r.right}
        if self.skipped and (made.status == "right" or wrong <= self.skipped):
            why = "it could not be found out which number is the gradient of a single one"
            return Judgment("not-judged", why)
        if made.status != "right":
            return made
        down = [goes_down(self, 0, k, made.loss) for k in range(len(self.groups))]
        zero = [not r.evidence for r in made.results]
        if all(d or z for d, z in zip(down, zero, strict=True)):
            return made
        return self._of_wrong_signs(made, [k for k, d in enumerate(down) if not d])

    def _is_opposite(self, loss: str) -> bool:
        """Return whether most gradients that are right have the other sign."""
        found = [(self._compared(k, loss), len(g.entries)) for k, g in enumerate(self.groups)]
        return sum(n * np.sign(r.factor) for r, n in found if r.right and n > 1) > 0

    def _of_wrong_signs(self, made: Judgment, wrong: Sequence[int]) -> Judgment:
        """Return the judgement if the rule does not go against the gradients of some groups."""
        up = [k for k in range(len(self.groups)) if goes_up(self, 0, k, made.loss)]
        if len(up) == len(self.groups) and not made.loss.startswith(OWN):
            return replace(made, status="wrong", uphill=True)
        if len(up) == len(wrong) and self.observe_opposites(wrong):
            return self._best()[0]
        return Judgment("not-judged", "its gradients are right, and the rule of its updates is not")

    def _shared_factor(self, found: Sequence[GroupResult]) -> float:
        """Return the factor of most groups, and of the larger ones if two are as frequent."""
        known = [(r.factor, self.groups[k].size) for k, r in enumerate(found) if r.evidence]
        same = {c: [n for d, n in known if same_factor(d, c)] for c, _ in known}
        return max(same, key=lambda c: (len(same[c]), max(same[c])))

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
        for truth in self._with(loss):
            for slopes in truth:
                needed = np.all([_is_large(slopes.values[x]) for x in LOSSES], axis=0)
                if np.any(needed & ~_is_large(slopes.values[loss], 1e-9)):
                    return False
        return True

    def _score(self, found: Sequence[GroupResult], loss: str) -> tuple[float, ...]:
        """Return how well a loss explains the steps."""
        known = [r for k, r in enumerate(found) if k not in self.skipped]
        right = [k for k, r in enumerate(found) if r.right and r.evidence and k not in self.skipped]
        entries = sum(len(self.groups[k].entries) for k in right)
        off = -sum(min(r.off, 9.0) for r in known)
        several = len(self._with(loss)) > 1  # a single number has a factor under any loss
        shown = any(several or len(self.groups[k].entries) > 1 for k in right)
        factor = self._usual_factor(found)
        return (
            all(r.right for r in known),
            all(r.right for r in known) and factor is not None and factor < 0,
            any(k in self.top for k in right),
            shown and self.is_computed(loss),
            entries,
            not loss.startswith(OWN),
            loss == "squared error",
            off,
        )


def _is_large(g: Array, share: float = 1e-6) -> NDArray[np.bool_]:
    """Return which numbers are not nearly zero; all are that are not known."""
    size = np.nanmax(np.abs(g), initial=0.0)
    return ~(np.abs(g) <= share * size) | np.isnan(g)
