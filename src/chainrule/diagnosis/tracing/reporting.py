"""The diagnosis of a traced program: the verdict, the line of a fault, and the mistake's name."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.diagnosis.catalogue import MISTAKES
from chainrule.diagnosis.findings import Finding, SourceFault
from chainrule.diagnosis.networks import words
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.tracing.gradients import OWN
from chainrule.diagnosis.tracing.judging import Judge, Judgment
from chainrule.diagnosis.tracing.later import Later
from chainrule.diagnosis.tracing.learning import reasons
from chainrule.diagnosis.tracing.naming import Named, network_of
from chainrule.diagnosis.tracing.neglected import Neglected
from chainrule.diagnosis.tracing.network import read_network
from chainrule.diagnosis.tracing.own_losses import output_name
from chainrule.diagnosis.tracing.penalties import (
    Penalty,
    Taken,
    own_penalty,
    taken_otherwise,
    where_taken,
)
from chainrule.diagnosis.tracing.quantities import Fault
from chainrule.diagnosis.tracing.recognizing import Recognized, where_made
from chainrule.diagnosis.tracing.rules import where_accumulated
from chainrule.diagnosis.tracing.source_faults import fault_at
from chainrule.diagnosis.tracing.update_rules import UpdateRule
from chainrule.diagnosis.verdicts import wrong_sentence
from chainrule.submission import Array, Event, Place, Source

SHOWN = 4  # numbers of an array in a report
LOSS_WORDS = {
    "squared error": "squared error",
    "logistic cross-entropy": "cross-entropy",
    "softmax cross-entropy": "cross-entropy",
    "absolute error": "absolute error",
    "hinge": "hinge loss",
    "Poisson": "Poisson loss",
}
RATES = "some layers have another learning rate than others"
OTHER_WEIGHTS = "the same with other starting weights"
STEP = "the learning rate times the derivative of the loss, with a minus sign"
GRADIENT = "the derivative of the loss, up to a factor that all gradients have"
UPHILL = "Wrong: the updates increase {}, because they have the wrong sign."
HIDDEN = "with its own starting weights and data, the fault does not show; with others it does"
ONCE = "of an element that the index names twice, only the last sum is kept; np.add.at adds both"
SINCE = "the updates before are right; the fault shows at {}"
OTHER_PENALTY = (
    "the penalty in {0} has the derivative {2:.6g} · {1}, and the updates take {3:.6g} · {1}"
)
PENALTY_OF_ALL = (
    "the penalty in {0} leaves out some numbers of {1}, such as biases, and the updates take "
    "{3:.6g} times each of them"
)
GROWING = (
    "the updates add {2:.6g} · {1} to the derivative of {0} with a sign that makes {1} larger, and "
    "a penalty makes it smaller"
)
OTHER_LOSS = "{} is not the loss of these gradients, so it may rise while the program learns"


@dataclass
class Verdict:
    """The judgement of a program on its own and on other weights, and its faults."""

    judge: Judge
    judgement: Judgment
    faults: list[Fault] = field(default_factory=list[Fault])
    left: set[int] = field(default_factory=set[int])
    named: Named | None = None
    network: str = ""
    only_other: bool = False
    axis: bool = False
    neglected: list[Neglected] = field(default_factory=list[Neglected])
    later: Later | None = None
    once: Event | None = None  # where elements are named twice, and change once
    rule: Recognized | None = None  # that the updates follow

    @property
    def is_right(self) -> bool:
        """Whether nothing wrong was found."""
        broken = self.neglected or (self.rule is not None and self.rule.rule.mistake)
        return self.judgement.status == "right" and not broken

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The mistakes by name: those of the network that was read off, or what the places show."""
        if self.named:
            return self.named.findings
        reused = bool(self.faults) and all(f.new_weights for f in self.faults)
        return (Finding(MISTAKES["updated-weights"]),) if reused else ()


class Report:
    """Words a verdict.

    Parameters
    ----------
    source : Source
    verdict : Verdict
    """

    def __init__(self, source: Source, verdict: Verdict) -> None:
        self.source, self.verdict = source, verdict

    def diagnosis(self) -> Diagnosis:
        """Return the diagnosis."""
        verdict = self.verdict
        if verdict.judgement.accumulated:
            return self._accumulated(verdict)
        if verdict.axis:
            return self._summed_wrongly(verdict)
        if verdict.once is not None:
            return self._counted_once(verdict, verdict.judge.trace.place(verdict.once))
        if verdict.neglected:
            return self._neglected(verdict)
        if verdict.rule is not None and verdict.rule.rule.mistake:
            return self._of_wrong_rule(verdict, verdict.rule.rule)
        is_right = verdict.judgement.status == "right"
        return self._right(verdict) if is_right else self._wrong(verdict)

    def _right(self, verdict: Verdict) -> Diagnosis:
        """Return the diagnosis of a program that is right."""
        judge, judgement = verdict.judge, verdict.judgement
        read = read_network(judge)
        known = network_of(read, judgement.loss) if read is not None else None
        network = words(known[0]) if known else ""
        loss = loss_in_words(judge, judgement.loss, self.source)
        what = "gradients" if judgement.rule else "updates"
        sentence = f"Right: the {what} of {self._names(judge)} are those of {loss}."
        remarks = [RATES] * judgement.rates
        plain = not (judgement.rule or judgement.rates)
        if read is not None and known and judgement.factor and plain:
            rate = -judgement.factor * len(read.x)
            remarks += reasons(*known, read.x, read.t, rate)
        return Diagnosis(
            "right",
            sentence,
            convention=self._convention(verdict),
            tested=tuple(self._tested(verdict)),
            remarks=(*remarks, *self._about_the_loss(judge, judgement)),
            network=network,
            compared=self._compared(judge),
        )

    def _accumulated(self, verdict: Verdict) -> Diagnosis:
        """Return the diagnosis of a program whose gradients are not set to zero."""
        finding = Finding(MISTAKES["not-zeroed"])
        judge, judgement = verdict.judge, verdict.judgement
        event = where_accumulated(judge, judgement.accumulated[0], judgement.loss)
        place = judge.trace.place(event)
        fault = fault_at(
            self.source,
            place,
            name=place.shown,
            theirs="at the second update, it contains the gradients of the first",
        )
        sentence = wrong_sentence([finding.mistake.title]).rstrip(".")
        return Diagnosis(
            "wrong",
            f"{sentence} ({fault.where}); the first update is right.",
            mistakes=(finding,),
            faults=(fault,),
            compared=self._compared(judge),
        )

    def _summed_wrongly(self, verdict: Verdict) -> Diagnosis:
        """Return the diagnosis of a program whose softmax is summed over the samples."""
        judge, finding = verdict.judge, Finding(MISTAKES["softmax-over-the-wrong-axis"])
        output = judge.iterations[0].pairs[0].output
        mark = judge.trace.base.marks[output]
        events = [e for e in judge.trace.order if judge.trace.base.marks[e] == mark]
        place = judge.trace.place(events[0])
        fault = fault_at(
            self.source,
            place,
            name=place.shown,
            theirs="it sums to 1 over the samples and not over the classes",
        )
        return Diagnosis(
            "wrong",
            f"{wrong_sentence([finding.mistake.title]).rstrip('.')} ({fault.where}).",
            mistakes=(finding,),
            faults=(fault,),
            compared=self._compared(judge),
        )

    def _of_wrong_rule(self, verdict: Verdict, rule: UpdateRule) -> Diagnosis:
        """Return the diagnosis of a program with right gradients and a mistake in its rule."""
        judge = verdict.judge
        place = judge.trace.place(where_made(judge, verdict.judgement.loss, rule))
        theirs = "the gradient is right, and what is made of it is not"
        fault = fault_at(self.source, place, name=place.shown, theirs=theirs, right="")
        return Diagnosis(
            "wrong",
            f"{wrong_sentence([rule.mistake]).rstrip('.')} ({fault.where}).",
            mistakes=(Finding(rule.entry),) if rule.entry else (),
            faults=(fault,),
            tested=(f"the gradients of {self._names(judge)}",),
            compared=self._compared(judge),
        )

    def _counted_once(self, verdict: Verdict, place: Place) -> Diagnosis:
        """Return the diagnosis of a program that adds to some elements once instead of twice."""
        fault = fault_at(self.source, place, name=place.name, theirs=ONCE, right="")
        return Diagnosis(
            "wrong",
            f"Wrong: an index of {place.name} names elements twice, and each changes only once "
            f"({fault.where}).",
            faults=(fault,),
            remarks=tuple(self._when(verdict)),
            compared=self._compared(verdict.judge),
        )

    def _neglected(self, verdict: Verdict) -> Diagnosis:
        """Return the diagnosis of a program that never updates some of its parameters."""
        judge = verdict.judge
        first, *more = [self._neglected_fault(judge, n) for n in verdict.neglected]
        faults = (first, *more)
        verb = "are" if len(faults) > 1 else "is"
        biases = all(not n.like for n in verdict.neglected)
        names = listed(list(dict.fromkeys(f.name for f in faults)))
        finding = (Finding(MISTAKES["biases-never-updated"]),) if biases else ()
        return Diagnosis(
            "wrong",
            f"Wrong: {names} ({first.where}) {verb} never updated.",
            mistakes=finding,
            faults=faults,
            tested=(f"the updates of {self._names(judge)}",),
            compared=self._compared(judge),
        )

    def _neglected_fault(self, judge: Judge, found: Neglected) -> SourceFault:
        place = judge.trace.place(found.event)
        return fault_at(
            self.source,
            place,
            name=found.name,
            theirs="never updated",
        )

    def _wrong(self, verdict: Verdict) -> Diagnosis:
        """Return the diagnosis of a program that is wrong."""
        judge, judgement = verdict.judge, verdict.judgement
        pairs = list(zip(judge.groups, judgement.results, strict=True))
        names = [g.name for g, r in pairs if r.right and r.evidence and not judgement.uphill]
        right = list(dict.fromkeys(names))
        faults = tuple(_different(self._faults(verdict)))
        return Diagnosis(
            "wrong",
            self._sentence(verdict, faults),
            convention={"loss": loss_in_words(judge, judgement.loss, self.source)},
            mistakes=verdict.findings,
            faults=faults,
            tested=(f"the updates of {listed(right)}",) if right else (),
            remarks=tuple(self._when(verdict)),
            network=verdict.network,
            compared=self._compared(judge),
            differ=sum(len(g.entries) for g, r in pairs if not r.right),
        )

    def _when(self, verdict: Verdict) -> Iterator[str]:
        """Yield a remark if a fault does not show in the first update of the program."""
        if verdict.only_other:
            yield HIDDEN
        if verdict.later:
            why = f", the first in which {verdict.later.why}" if verdict.later.why else ""
            yield SINCE.format(f"update {verdict.later.it.number + 1}{why}")

    def _faults(self, verdict: Verdict) -> Iterator[SourceFault]:
        """Yield the faults that were found, then the updates that stay wrong."""
        if verdict.judgement.uphill:
            yield self._group_fault(verdict, 0)
            return
        if (other := verdict.judgement.other_penalty) is not None:
            yield from self._penalty_fault(verdict.judge, other)
        yield from (self._source_fault(verdict.judge, f) for f in verdict.faults)
        yield from (self._group_fault(verdict, k) for k in sorted(verdict.left))

    def _sentence(self, verdict: Verdict, faults: tuple[SourceFault, ...]) -> str:
        """Return the sentence of a wrong program: the mistake's name, or the place."""
        if (other := verdict.judgement.other_penalty) is not None:
            loss = loss_in_words(verdict.judge, verdict.judgement.loss, self.source)
            return f"Wrong: {penalty_in_words(verdict.judge, loss, other)}."
        if verdict.judgement.uphill:
            return UPHILL.format(loss_in_words(verdict.judge, verdict.judgement.loss, self.source))
        if verdict.findings:
            where = f" ({faults[0].where})" if faults else ""
            titles = [f.mistake.title for f in verdict.findings]
            return f"{wrong_sentence(titles).rstrip('.')}{where}."
        first = next(iter(faults), None)
        return f"Wrong: {first.sentence}." if first else "Wrong: it does not follow the gradient."

    def _source_fault(self, judge: Judge, fault: Fault) -> SourceFault:
        """Return a fault in the learner's words."""
        place = fault.place
        of = fault.derivative_of.shown if fault.derivative_of else ""
        meaning = f"the derivative of the loss with respect to {of}" if of else ""
        if abs(abs(fault.factor) - 1.0) > 1e-9 and meaning:
            meaning += f", times {fault.factor:.6g}"
        elif fault.factor < 0 and meaning:
            meaning = f"minus {meaning}"
        return fault_at(
            self.source,
            place,
            name=place.shown,
            theirs=numbers(fault.theirs, fault.right),
            right=numbers(fault.right, fault.theirs),
            meaning=meaning,
            new_weights=fault.new_weights,
        )

    def _penalty_fault(self, judge: Judge, other: Taken) -> Iterator[SourceFault]:
        """Yield the place of a multiple of the weights in the backward pass, if there is one."""
        k = other.group
        old = judge.old_values(0, k)
        if (event := where_taken(judge, k)) is not None:
            place = judge.trace.place(event)
            yield fault_at(
                self.source,
                place,
                name=place.shown,
                theirs=f"in the updates, {judge.groups[k].name} is multiplied by {other.taken:.6g}",
                right=numbers(other.derivative * old, other.taken * old),
                meaning="the derivative of the penalty",
            )

    def _group_fault(self, verdict: Verdict, k: int) -> SourceFault:
        """Return the fault of an update for which no earlier place was found."""
        judge, judgement = verdict.judge, verdict.judgement
        it = judge.iterations[0]
        group = judge.groups[k]
        event = judge.results_of(it, group)[0]
        place, of_rule = judge.trace.place(event), judge.gradients is not None
        steps, _ = judge.steps(it, group)
        g = judge.truth[0][k].values[judgement.loss]
        factor = judgement.factor or np.nan
        right = -abs(factor) * g
        if judge.gradients is not None:
            one = judge.sign * judge.gradients[0][k].gain
            steps, right = steps / one, right / one
        return fault_at(
            self.source,
            place,
            name=place.shown if of_rule else f"the change of {group.name}",
            theirs=numbers(steps, right),
            right=numbers(right, steps) if np.all(np.isfinite(right)) else "",
            meaning=GRADIENT if of_rule else STEP,
        )

    def _names(self, judge: Judge) -> str:
        return listed(list(dict.fromkeys(g.name for g in judge.groups)))

    def _convention(self, verdict: Verdict) -> dict[str, str]:
        """Return the conventions of a program."""
        judge, judgement = verdict.judge, verdict.judgement
        found = {"loss": loss_in_words(judge, judgement.loss, self.source)}
        if judgement.factor is not None and not (judgement.rule or judgement.rates):
            found["learning rate"] = (
                f"{-judgement.factor:.6g}{' at first' if judgement.changing else ''}, times the "
                "gradient of the sum over outputs and samples"
            )
        if judgement.momentum:
            found["rule"] = f"momentum, with {judgement.momentum:.6g} of the last step"
        return found | ({"rule": verdict.rule.words} if verdict.rule else {})

    def _tested(self, verdict: Verdict) -> list[str]:
        """Return what was found right."""
        judge, rule = verdict.judge, verdict.rule
        its = len(judge.iterations)
        parts = [f"{g.name} ({g.size:,} number{'s' * (g.size > 1)})" for g in judge.groups]
        times = f"the first {its} updates" if its > 1 else "the first update"
        if rule is None:
            return [f"{times} of {listed(parts)}", OTHER_WEIGHTS]
        steps = f"the first {rule.updates} steps" if rule.updates > 1 else "the first step"
        gradients = f"the gradients for {times} of {listed(parts)}"
        return [gradients, OTHER_WEIGHTS, f"{steps}, as those of the rule"]

    def _about_the_loss(self, judge: Judge, judgement: Judgment) -> list[str]:
        """Return a remark if a loss that the program computes is not that of its gradients."""
        if (penalty := own_penalty(judge, judgement.loss)) is not None:
            return self._about_the_penalty(judge, judgement, penalty)
        own = [name for name in judge.own_losses() if judge.own_loss(name).has_targets]
        if not own or judgement.loss.startswith(OWN):
            return []
        if judge.is_computed(judgement.loss):
            return []
        return [OTHER_LOSS.format(loss_in_words(judge, own[-1], self.source))]

    def _about_the_penalty(self, judge: Judge, judgement: Judgment, penalty: Penalty) -> list[str]:
        """Return a remark if a penalty is another one in the loss than in the updates."""
        if (other := taken_otherwise(judge, penalty, judgement.loss)) is None:
            return []
        return [penalty_in_words(judge, loss_in_words(judge, penalty.own, self.source), other)]

    @staticmethod
    def _compared(judge: Judge) -> int:
        return sum(len(g.entries) for g in judge.groups) * len(judge.iterations)


def penalty_in_words(judge: Judge, loss: str, other: Taken) -> str:
    """Return how the penalty of a loss differs from that of the updates."""
    w = judge.groups[other.group].name
    text = PENALTY_OF_ALL if other.partly else GROWING if other.grows else OTHER_PENALTY
    return text.format(loss, w, other.derivative, other.taken)


def shown_in(judge: Judge, event: Event, source: Source) -> str:
    """Return what the program calls a number, with its line."""
    place = judge.trace.place(event)
    return f"{place.shown} ({source.where(place.line, place.file)})"


def loss_in_words(judge: Judge, loss: str, source: Source) -> str:
    """Return a loss in words: a known one of an output, or a number of the program."""
    if loss.startswith(OWN):
        return shown_in(judge, judge.own_loss(loss).event, source)
    it = judge.iterations[0]
    return f"the {LOSS_WORDS[loss]} of {output_name(judge.trace, it, it.pairs[0])}"


def _different(faults: Iterable[SourceFault]) -> Iterator[SourceFault]:
    """Yield faults without those that show no difference, or a part of one that is shown."""
    kept: list[SourceFault] = []
    for fault in faults:
        shown = any(f.where == fault.where and f.name in fault.name for f in kept)
        if fault.theirs != fault.right and not shown:
            kept.append(fault)
            yield fault


def listed(names: Sequence[str]) -> str:
    """Return names as "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def numbers(values: Array, other: Array | None = None) -> str:
    """Return the first few numbers of an array as a text, from where another one differs."""
    flat = np.ravel(values)
    flat = flat + 0.0  # -0 is 0
    if flat.size == 1:
        return f"{flat[0]:.6g}"
    start = 0 if other is None else _first_shown(flat, np.ravel(other))
    before, after = "… " * (start > 0), " …" * (flat.size > start + SHOWN)
    return f"[{before}{' '.join(f'{v:.5g}' for v in flat[start : start + SHOWN])}{after}]"


def _first_shown(one: Array, other: Array) -> int:
    """Return 0 if the first few numbers of two arrays differ, else where they begin to."""
    if one.shape != other.shape or not np.all(np.isfinite(other)):
        return 0
    off = np.abs(one - other) > 1e-4 * max(np.abs(one).max(), np.abs(other).max())
    return int(np.argmax(off)) if off.any() and not off[:SHOWN].any() else 0
