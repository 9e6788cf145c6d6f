"""Judge whether a program's updates follow the true gradient of its own forward pass.

They do if all steps are one common negative factor times the gradient. The factor, which is the
learning rate times a convention such as a mean, is free.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from chainrule.diagnosis.tracing.comparing import SAME_FACTOR, TOLERANCE, same_factor
from chainrule.diagnosis.tracing.factors import compare_factors, differ
from chainrule.diagnosis.tracing.gradient_events import GradientEvents
from chainrule.diagnosis.tracing.gradients import OWN, targets_of
from chainrule.diagnosis.tracing.histories import changing_rates, constants
from chainrule.diagnosis.tracing.penalties import (
    Taken,
    growing,
    own_penalty,
    taken_by_all,
    taken_by_more,
    taken_otherwise,
)
from chainrule.diagnosis.tracing.rules import accumulated, follows_another_rule, goes_down, goes_up
from chainrule.diagnosis.tracing.stated_losses import is_returned_with_gradients
from chainrule.diagnosis.tracing.step_comparison import GroupResult, StepComparison
from chainrule.submission import Event

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
    changing: bool = False  # whether the learning rate changes as a number of the program
    momentum: float = 0.0  # the share of the last step in each step
    other_losses: list[str] = field(default_factory=list[str])

    accumulated: Sequence[int] = ()  # groups whose second update contains the first gradient
    certain: bool = False  # whether the layer next to the output has this factor, in all numbers
    doubtful: bool = False  # whether what was seen speaks against it, so that it cannot be right
    other_penalty: Taken | None = None  # that updates take, and not the one of the computed loss


class Judge(StepComparison):
    """Judges one recorded program."""

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
        if made.status == "wrong" and self.iterations[0].pairs[0].is_loss:
            return self._of_stated_loss(made)
        if made.status != "wrong" or made.uphill:
            return made
        if (found := self._of_known_form(usable)) is not None:
            return found
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
            return Judgment("not-judged", UNEVEN, loss=observed.loss, doubtful=True)
        return known or made

    def _of_stated_loss(self, made: Judgment) -> Judgment:
        """Return the judgement on updates that do not follow what the program calls its loss.

        Its loss may be another one, unless some updates follow it, its function computes the
        gradients, too, or it is what a reverse pass begins with.
        """
        observed = None if self.observe_gradients() is None else self._of_gradients()
        if observed is not None and observed.status == "right":
            return observed
        self.gradients = None
        follows = any(r.right and r.evidence and r.factor < 0 for r in made.results)
        is_known = self.is_differentiated() or is_returned_with_gradients(
            self.trace, self.iterations[0]
        )
        if follows or is_known:
            return made
        return Judgment("not-judged", NO_LOSS)

    def _of_known_form(self, usable: Sequence[str]) -> Judgment | None:
        """Return what holds if the steps are gradients with something that is known by its form."""
        ways = (
            self._of_schedule,
            self._of_momentum,
            self._of_mixed_signs,
            self._of_other_penalty,
        )
        return next(filter(None, (way(usable) for way in ways)), None)

    def _of_schedule(self, usable: Sequence[str]) -> Judgment | None:
        """Return that updates are right whose learning rate changes as a number of the program."""
        count = len(self.iterations)
        if count < 2 or any(self.outputs_of([i]) < 2 for i in range(count)):
            return None  # all gradients of one output have a common factor, whatever its delta is
        for loss in usable:
            factors = [self.factor_in(i, loss) for i in self.known_in(loss)]
            if len(factors) == count and (rate := factors[0]) and None not in factors:
                ratios = np.array(factors, float) / rate
                if any(np.allclose(ratios, r, SAME_FACTOR) for r in changing_rates(self, count)):
                    found = [self._compared(k, loss, [0]) for k in range(len(self.groups))]
                    return Judgment("right", "", loss, found, rate, changing=True)
        return None

    def _of_momentum(self, usable: Sequence[str]) -> Judgment | None:
        """Return that updates are right whose steps keep a share of the last ones.

        The gradients may be added to a velocity in parts, so that they do not occur as such.
        """
        if len(self.iterations) < 2:
            return None
        own = [c for c in constants(self) if 0 < c < 1]
        for loss in usable if own else ():
            rate = self.factor_in(0, loss) if {0, 1} <= set(self.known_in(loss)) else None
            share = self.share_of_last(loss, rate) if rate is not None else None
            if share is not None and any(same_factor(share, c) for c in own):
                found = [self._compared(k, loss, [0]) for k in range(len(self.groups))]
                return Judgment("right", "", loss, found, rate, momentum=share)
        return None

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

    def _of_other_penalty(self, usable: Sequence[str]) -> Judgment | None:
        """Return what holds if updates take another multiple of the weights than the loss does.

        They are wrong if one function returns both the loss and its gradient, or if other updates
        take the penalty of the loss. Else a loss that is computed elsewhere may be meant so.
        """
        for loss in (x for x in usable if not x.startswith(OWN) and taken_by_all(self, x)):
            penalty = own_penalty(self, loss)
            other = taken_otherwise(self, penalty, loss) if penalty else taken_by_more(self, loss)
            if other is None or other.derivative * other.taken <= 0:
                continue
            if not (other.alone or self._is_with_gradients(other.own)):
                return Judgment("not-judged", "", loss, doubtful=True, other_penalty=other)
            its = self.known_in(other.own)[:1]
            found = [self._compared(k, other.own, its) for k in range(len(self.groups))]
            made = Judgment("wrong", "", other.own, found, other.rate, certain=True)
            return replace(made, other_penalty=other)
        return None

    def _is_with_gradients(self, own: str) -> bool:
        """Return whether the program computes a loss in the function that computes gradients."""
        place, pairs = self.trace.place, self.iterations[0].pairs
        loss = place(self.own_loss(own).event)
        errors = {(place(p.error).function, place(p.error).file) for p in pairs}
        trains = {place(p.after).function for p in self.iterations[0].parameters}
        is_own = bool(loss.function) and loss.function not in trains
        return is_own and (loss.function, loss.file) in errors

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
        if (lacking := self._without_penalty(loss)) is not None:
            return lacking
        if any(self._lacks_a_term(own, loss) for own in self.losses() if own.startswith(OWN)):
            return Judgment("not-judged", PENALTY, loss=loss, doubtful=True)
        return Judgment("right", loss=loss, results=found, factor=-d, rule=True)

    def _without_penalty(self, loss: str) -> Judgment | None:
        """Return what holds if some updates take the penalty of the program's loss, and some not.

        Each follows the gradient with the penalty or without it, with one factor.
        """
        if (penalty := own_penalty(self, loss)) is None:
            return None
        found = self.compare(penalty.own)
        factor = self._usual_factor(found)
        taken = any(s and found[k].right for k, s in penalty.shares.items())
        if not taken or factor is None or all(r.right for r in found):
            return None
        plain = [self._compared(k, loss) for k, r in enumerate(found) if not r.right]
        if not all(r.right and same_factor(r.factor, factor * penalty.scale) for r in plain):
            return None
        return Judgment("wrong", "", penalty.own, found, factor, certain=True)

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
                return Judgment("not-judged", UNEVEN, loss=loss, doubtful=True)
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

    def with_growing_weights(self, loss: str) -> Judgment | None:
        """Return the judgement on updates that add a multiple of the weights to them, or None."""
        if (other := growing(self, loss)) is None:
            return None
        self.gradients, self.sign = None, 1.0  # the multiple of the weights is in the updates
        results = self.compare(loss)
        return Judgment("wrong", "", loss, results, other.rate, other_penalty=other)

    def _of_wrong_penalty(self, loss: str) -> Judgment | None:
        """Return the judgement under the program's own loss if its penalty has the wrong sign."""
        if (penalty := own_penalty(self, loss)) is None:
            return None
        other = taken_otherwise(self, penalty, loss)
        if other is None or other.derivative * other.taken >= 0:
            return None
        self.gradients, self.sign = None, 1.0  # the penalty is in the updates
        return Judgment("wrong", "", penalty.own, self.compare(penalty.own), other.rate)

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
        if (under_own := self._of_wrong_penalty(made.loss)) is not None:
            return under_own
        if (wrong_way := self.with_growing_weights(made.loss)) is not None:
            return wrong_way
        return Judgment("not-judged", "its gradients are right, and the rule of its updates is not")
