"""Check a program by tracing it while it runs: judge its updates, and find and name a fault."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chainrule.diagnosis.networks import words
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.tracing.comparing import differs_by_slope
from chainrule.diagnosis.tracing.coverage import also_trained
from chainrule.diagnosis.tracing.doubts import (
    doubt,
    with_other_penalty,
    with_other_signs,
    without_penalty,
)
from chainrule.diagnosis.tracing.gradients import targets_of
from chainrule.diagnosis.tracing.judging import NO_LOSS, Judge, Judgment
from chainrule.diagnosis.tracing.late_penalties import with_other_late_penalty
from chainrule.diagnosis.tracing.later import (
    FEW_ENTRIES,
    Later,
    counted_once,
    focused,
    hold_before,
    is_right_alone,
    later_iterations,
    what_repeats,
)
from chainrule.diagnosis.tracing.limits import RECORDINGS, with_limit
from chainrule.diagnosis.tracing.naming import named, network_of
from chainrule.diagnosis.tracing.neglected import Neglected, is_meant_to_be_trained, neglected
from chainrule.diagnosis.tracing.network import read_network
from chainrule.diagnosis.tracing.overlooked import Overlooked
from chainrule.diagnosis.tracing.partly import follows_partly
from chainrule.diagnosis.tracing.placing import Placer
from chainrule.diagnosis.tracing.recognizing import recognize
from chainrule.diagnosis.tracing.reporting import LOSS_WORDS, Report, Verdict, listed
from chainrule.diagnosis.tracing.sampling import why_not_a_gradient
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.diagnosis.tracing.true_gradients import TOO_MANY
from chainrule.diagnosis.tracing.update_rules import names_of_rules
from chainrule.diagnosis.tracing.weights import on_other_weights
from chainrule.diagnosis.tracing.zeros import zero_diagnosis
from chainrule.submission import (
    Record,
    Source,
    SubmissionError,
    TracedProgram,
    TraceTimeoutError,
)

ROUNDED = "it rounds its numbers, so that their derivatives cannot be measured"
FROZEN = (
    "{} {} never updated, and no gradient for that is computed; if it is meant, as for random "
    "features, the updates of all others are right"
)
SEVERAL_LOSSES = (
    "several outputs meet targets of their own, and the program computes no loss that shows how "
    "they belong together"
)
OTHER_LOSS = (
    "the updates follow the gradient of a loss that is not known here; have the program compute "
    "its loss before the update, so that it can be compared"
)
ADDED_TERM = (
    "the updates are those of the {}, and a part that does not depend on its errors; if that is "
    "the derivative of another term of the loss, such as a penalty on activations, they are right, "
    "and else wrong. Have the program compute its whole loss before the update"
)
COARSE = (
    "the updates agree with the gradient only to within {:.1g} of the largest step, as those by "
    "finite differences do; if they are meant as such, they are right"
)
NEAR = 0.02  # of the largest step: a difference of all numbers that finite differences have
TIME_TO_PLACE = 30.0  # s, only reached on a busy machine: the runs are limited, too
USUAL_LOSSES = ("softmax cross-entropy", "logistic cross-entropy", "squared error")
SEEDS = (1, 2)  # of other starting weights
FEW = 24  # numbers of a group that are judged with them, if all are right with its own


NO_RULE = (
    "the gradients are right; the updates follow no rule that is known here ({}), so they could "
    "not be judged"
)
LATER = (
    "its first updates are right; update {} is the first in which {}, and it could not be judged"
)


@dataclass(frozen=True)
class NotTraced:
    """A program that tracing could not judge.

    Parameters
    ----------
    why : str
    trains : bool
        Whether it was seen to update numbers.
    error : str
        The exception with which it ended, with its line.
    call : str
        Lines that a user could complete, to make it train.
    differs : bool
        Whether it is right in one way of running it, and wrong in another.
    doubtful : bool
        Whether something was seen that speaks against it, so that no function of it that is right
        makes the program right.
    limited : bool
        Whether it reached a limit of time or of numbers before it had shown what it does.
    """

    why: str
    trains: bool = False
    error: str = ""
    call: str = ""
    differs: bool = False
    doubtful: bool = False
    limited: bool = False


def check_with_lines(
    source: Source, path: Path, seconds: float, run: str
) -> tuple[Diagnosis | NotTraced, Verdict | None]:
    """Return the diagnosis of a program with some lines added, and what it is the report of."""
    text = f"{source.text.rstrip()}\n{run}\n" if run else source.text
    try:
        with TracedProgram(path, text, seconds) as program:
            made = Check(program, source, path, seconds)
            return made.diagnosis(), made.verdict
    except SubmissionError as error:
        return NotTraced(str(error), limited=isinstance(error, TraceTimeoutError)), None


class Check:
    """One check of one program.

    Parameters
    ----------
    program : TracedProgram
    source : Source
    path : Path
    seconds : float
    designed : bool, default False
        Whether it is run by designed lines, with several iterations.
    partly : bool, default False
        Whether these lines update only some of what they could.
    """

    def __init__(
        self,
        program: TracedProgram,
        source: Source,
        path: Path,
        seconds: float,
        *,
        designed: bool = False,
        partly: bool = False,
    ) -> None:
        self.program, self.source, self.path = program, source, path
        self.designed, self.partly = designed, partly
        self.end = time.monotonic() + 0.9 * seconds
        self.verdict: Verdict | None = None

    def diagnosis(self) -> Diagnosis | NotTraced:
        """Return the diagnosis, or why there is none."""
        record, judge, missing = self._recorded()
        error = self._error(record)
        unsure = bool(judge.parameters or error) or missing == TOO_MANY
        zero = None if unsure else zero_diagnosis(judge.trace, self.source)
        if zero is not None:
            return replace(zero, source=self.path.name)
        if missing:
            trains = bool(judge.parameters) or missing == TOO_MANY
            why = missing if missing == TOO_MANY else with_limit(missing, record, self.source)
            return NotTraced(why, trains, error, limited=bool(record.reason))
        verdict = self._under_differentiated(judge, self._judged(judge))
        if isinstance(verdict, NotTraced):
            return replace(verdict, error=error)
        self.verdict = verdict
        remarks = [*self.source.remarks, *self.program.remarks]
        remarks += (
            [f"after the part that was checked, the program stopped: {error}"] if error else []
        )
        made = Report(self.source, verdict).diagnosis()
        return replace(made, source=self.path.name, remarks=(*made.remarks, *remarks))

    def is_right(self) -> bool:
        """Return whether the updates are right with the program's own weights and with others."""
        _, judge, missing = self._prepared(*RECORDINGS[0])
        if missing or judge.judge().status != "right":
            return False
        other = on_other_weights(judge, SEEDS[0])
        return other is not None and other.judge().status != "wrong" and not self._neglected(judge)

    def _recorded(self) -> tuple[Record, Judge, str]:
        """Record more and more of the run, until an iteration was recorded entirely."""
        last = len(RECORDINGS) - 1
        for i, limits in enumerate(RECORDINGS):
            record, judge, missing = self._prepared(*limits, is_last=i == last)
            if not missing or missing == TOO_MANY or not record.reason or i == last:
                return record, judge, missing
            self.program.restart()
        raise AssertionError("there is a last recording")

    def _prepared(
        self, seconds: float, events: int, *, is_last: bool = True
    ) -> tuple[Record, Judge, str]:
        """Record the run, and find what it trains.

        If a limit ended the recording, what was updated only once hardly belongs to the training.
        """
        record = self.program.record(seconds, events)
        judge = Judge(Trace(self.program, record))
        is_cut = bool(record.reason) and not is_last
        return record, judge, judge.prepare(repeated=self.designed or is_cut)

    def _error(self, record: Record) -> str:
        """Return the exception with which the program ended, with its place."""
        if not record.error:
            return ""
        where = f" ({self.source.where(record.line)})" if record.line else ""
        return f"{record.error}{where}"

    # ---- the verdict ---------------------------------------------------------------------------

    def _under_differentiated(
        self, judge: Judge, found: Verdict | NotTraced
    ) -> Verdict | NotTraced:
        """Return what was found, or else what holds under the loss that the program differentiates.

        An automatic derivative shows which number that is.
        """
        if not isinstance(found, NotTraced) or found.why not in (NO_LOSS, OTHER_LOSS):
            return found
        hold_before(judge)
        again = judge.differentiated()
        return found if again is None else self._judged(again)

    def _judged(self, judge: Judge) -> Verdict | NotTraced:
        """Return what holds on the program's own weights and on others."""
        own = judge.judge()
        if own.status == "right" and Overlooked(judge, own).add_to_groups():
            own = judge.judge()
        if own.status == "not-judged":
            why = with_other_signs(judge, self.source) or own.why
            why = why or with_other_penalty(judge, own, self.source)
            return NotTraced(why, trains=True, doubtful=own.doubtful)
        if own.accumulated or own.other_penalty is not None:
            return Verdict(judge, own)
        if judge.wrong_axis() is not None:
            own.status = "wrong"
            return Verdict(judge, own, axis=True)
        other = on_other_weights(judge, SEEDS[0], FEW if own.status == "right" else None)
        certain = own.status == "wrong" and own.certain
        if other is not None and (certain or own.loss in judge.followed()):
            other.only = own.loss  # one iteration shows less
        judged = (other, other.judge()) if other else None
        if own.status == "right":
            found = self._with_rule(judge, own, self._of_right(judge, own, judged))
            return self._with_later(judge, own, self._with_penalty(found))
        return self._of_wrong(judge, own, judged)

    def _of_right(
        self, judge: Judge, own: Judgment, judged: tuple[Judge, Judgment] | None
    ) -> Verdict | NotTraced:
        """Return the verdict on a program that is right with its own weights."""
        if (found := doubt(judge, own, self.source)) is not None:
            under = (self._under_computed_loss(judge, own, loss) for loss in found.losses)
            meant = next(filter(None, under), None)
            return meant or NotTraced(found.why, trains=True, doubtful=found.certain)
        if (name := also_trained(judge)) and not self.partly:
            why = f"{name} is trained too, in a way that could not be judged"
            return NotTraced(why, trains=True)
        if judged is None or judged[1].status != "wrong":
            return self._if_all_is_trained(judge, own)
        other = on_other_weights(judge, SEEDS[1])
        if other is not None:
            other.only = judged[0].only
        again = other.judge() if other else None
        if other is None or again is None or again.status != "wrong":
            return self._if_all_is_trained(judge, own)
        placed = self._placed(other, again)
        if isinstance(placed, Verdict):
            placed.only_other = True
        return placed

    def _if_all_is_trained(self, judge: Judge, own: Judgment) -> Verdict | NotTraced:
        """Return the verdict on a program with right updates, unless something is never updated."""
        found = self._neglected(judge)
        meant = [one for one in found if is_meant_to_be_trained(judge, one)]
        if meant or not found:
            return Verdict(judge, own, neglected=meant)
        names = list(dict.fromkeys(one.name for one in found))
        return NotTraced(FROZEN.format(", ".join(names), "are" if names[1:] else "is"), trains=True)

    def _neglected(self, judge: Judge) -> list[Neglected]:
        return [] if self.partly else neglected(judge, self.source.own if self.designed else 0)

    def _of_wrong(
        self, judge: Judge, own: Judgment, judged: tuple[Judge, Judgment] | None
    ) -> Verdict | NotTraced:
        """Return the verdict on a program that is wrong with its own weights."""
        if judged and judged[1].status == "right":
            again = on_other_weights(judge, SEEDS[1]) if self.designed else None
            if again is not None and again.judge().status == "right":  # its own were too small
                return self._if_all_is_trained(*judged)
            if (late := self._late_fault(judge)) is not None:
                return late
            return NotTraced(
                "its updates are wrong with its own starting weights and right with others",
                trains=True,
                doubtful=True,
            )
        if judged and judged[1].status == "wrong":
            once = counted_once(judge, own)
            if once is not None and counted_once(*judged) == once:
                return Verdict(judge, own, once=once)
            placed = self._placed(*judged)
            if isinstance(placed, Verdict):
                return placed
        return self._placed(judge, own)

    def _with_rule(
        self, judge: Judge, own: Judgment, found: Verdict | NotTraced
    ) -> Verdict | NotTraced:
        """Return a verdict with the rule of the updates, or that the rule is not known."""
        if isinstance(found, NotTraced) or not found.is_right or not own.rule:
            return found
        found.rule = recognize(judge, own.loss)
        if found.rule is None and (made := judge.with_growing_weights(own.loss)) is not None:
            return Verdict(judge, made)
        if found.rule is None and (why := with_other_signs(judge, self.source)):
            return NotTraced(why, trains=True, doubtful=True)
        if found.rule is None:
            return NotTraced(NO_RULE.format(listed(names_of_rules())), trains=True)
        return found

    def _with_penalty(self, found: Verdict | NotTraced) -> Verdict | NotTraced:
        """Return a verdict, unless the updates take another penalty than the program's own loss."""
        if isinstance(found, NotTraced) or not found.is_right:
            return found
        decays = found.rule is not None and bool(found.rule.constants.get("decay"))
        if decays:
            why = with_other_late_penalty(found, self.source)
        else:
            why = without_penalty(found.judge, found.judgement.loss, self.source)
        return NotTraced(why, trains=True, doubtful=True) if why else found

    # ---- later iterations ----------------------------------------------------------------------

    def _late_fault(self, judge: Judge) -> Verdict | None:
        """Return the verdict on the first iteration after the first one that is wrong, or None."""
        for it in judge.iterations[1:]:
            alone = focused(judge, it)
            own = alone.judge() if alone is not None else None
            if alone is None or own is None or own.status != "wrong":
                continue
            found = self._wrong_later(alone, own, what_repeats(judge, it))
            return found if isinstance(found, Verdict) else None
        return None

    def _wrong_later(self, alone: Judge, own: Judgment, later: Later) -> Verdict | NotTraced:
        """Return the verdict on a later iteration that is wrong with its own weights."""
        other = on_other_weights(alone, SEEDS[0])
        found = self._of_wrong(alone, own, (other, other.judge()) if other else None)
        if isinstance(found, Verdict):
            found.later = later
        return found

    def _with_later(
        self, judge: Judge, own: Judgment, found: Verdict | NotTraced
    ) -> Verdict | NotTraced:
        """Return a verdict, or another one if a later iteration that does more is not right."""
        if isinstance(found, NotTraced) or not found.is_right:
            return found
        hold_before(judge)
        for later in later_iterations(judge):
            if (made := self._of_later(judge, own, later)) is not None:
                return made
        hold_before(judge)
        return found

    def _of_later(self, judge: Judge, own: Judgment, later: Later) -> Verdict | NotTraced | None:
        """Return what holds if a later iteration is not right, or cannot be judged, else None."""
        few = focused(judge, later.it, FEW_ENTRIES)
        if few is None:
            return _not_later(later)
        if is_right_alone(judge, few, own):
            return None
        alone = None if own.rule else focused(judge, later.it)
        if alone is None or is_right_alone(judge, alone, own):
            return _not_later(later)
        made = alone.judge()
        return (
            self._wrong_later(alone, made, later) if made.status == "wrong" else _not_later(later)
        )

    def _placed(self, judge: Judge, judgement: Judgment) -> Verdict | NotTraced:
        """Return a wrong verdict with its faults, if there is enough evidence."""
        if judge.is_rough(judgement.loss):
            return NotTraced(ROUNDED, trains=True)
        if why := why_not_a_gradient(judge, judgement.loss):
            return NotTraced(why, trains=True)
        if self._has_several_losses(judge, judgement):
            return NotTraced(SEVERAL_LOSSES, trains=True)
        if (off := self._coarse(judge, judgement)) is not None:
            return NotTraced(COARSE.format(off), trains=True)
        if judgement.uphill:
            return Verdict(judge, judgement)
        found = self._located(judge, judgement)
        if found == NotTraced(OTHER_LOSS, trains=True):
            return next(self._under_other_losses(judge, judgement), found)
        return found

    @staticmethod
    def _coarse(judge: Judge, judgement: Judgment) -> float | None:
        """Return by how much all updates differ from the gradient, None unless each by a little."""
        seen = {k: r for k, r in enumerate(judgement.results) if r.evidence}
        several = {k: r for k, r in seen.items() if len(judge.groups[k].entries) > 1}
        if not several or any(r.right or not r.off <= NEAR for r in several.values()):
            return None
        if not all(judge.is_off_throughout(k, judgement.loss) for k in several):
            return None
        usual = next(iter(several.values())).factor
        alike = all(abs(r.factor - usual) <= NEAR * abs(usual) for r in seen.values())
        return max(r.off for r in several.values()) if alike and usual < 0 else None

    @staticmethod
    def _has_several_losses(judge: Judge, judgement: Judgment) -> bool:
        """Return whether outputs may have losses of their own, and the program computes none."""
        pairs = judge.iterations[0].pairs
        several = len({p.error.code for p in pairs}) > 1
        arrays = any(judge.trace.size(p.output) > 1 for p in pairs)
        return several and arrays and not judge.is_computed(judgement.loss)

    def _under_other_losses(self, judge: Judge, judgement: Judgment) -> Iterator[Verdict]:
        """Yield wrong verdicts under the losses that explain less of the updates.

        No layer is right under any of them if the deltas of the outputs are wrong. The program may
        compute one of them, or its deltas may be those of one, with a slope that does not belong.
        """
        others = [x for x in USUAL_LOSSES if x != judgement.loss and judge.is_known(x)]
        for loss in sorted(others, key=lambda x: not judge.is_computed(x)):
            results = judge.compare(loss)
            under = replace(judgement, loss=loss, results=results, factor=None, certain=False)
            found = self._located(judge, under)
            if isinstance(found, Verdict) and found.faults:
                yield found

    def _under_computed_loss(self, judge: Judge, own: Judgment, loss: str) -> Verdict | None:
        """Return a wrong verdict if a mistake explains the difference to the loss's gradient."""
        if not judge.is_known(loss):
            return None
        results = judge.compare(loss)
        under = replace(own, status="wrong", loss=loss, results=results, factor=None)
        found = self._located(judge, replace(under, certain=False, rule=False))
        return found if isinstance(found, Verdict) and found.faults and not found.left else None

    def _located(self, judge: Judge, judgement: Judgment) -> Verdict | NotTraced:
        """Return a wrong verdict with its faults under one loss."""
        placer = Placer(judge, judgement, min(TIME_TO_PLACE, max(1.0, self.end - time.monotonic())))
        if placer.adds_a_term():
            why = ADDED_TERM.format(LOSS_WORDS.get(judgement.loss, "loss"))
            return NotTraced(why, trains=True, doubtful=True)
        faults = placer.faults()
        certain = judgement.certain or bool(judge.minimized())  # then the loss is known
        known = bool(faults) or certain or follows_partly(judge, judgement)
        if not known or not (faults or placer.left):  # on other weights, nothing may show
            return NotTraced(NO_LOSS, trains=True)
        verdict = Verdict(judge, judgement, faults, placer.left)
        self._name(verdict, placer)
        of_output = bool(faults) and all(
            f.reached | judge.skipped >= set(judge.top) for f in faults
        )
        only_delta = of_output and not placer.left and not certain
        if only_delta and not (verdict.named or self._is_known_loss(verdict)):
            return NotTraced(OTHER_LOSS, trains=True)
        return verdict

    @staticmethod
    def _is_known_loss(verdict: Verdict) -> bool:
        """Return whether a wrong delta of the outputs is a mistake, and not another loss's.

        It is if the program computes the loss, or if the delta is the right one times a usual
        function of the output, such as a slope that is missing.
        """
        judge, fault = verdict.judge, verdict.faults[0]
        if judge.is_computed(verdict.judgement.loss):
            return True
        pairs = judge.iterations[0].pairs
        o = np.concatenate([judge.trace.value(p.output).ravel() for p in pairs])
        t = np.concatenate([targets_of(judge.trace, p).ravel() for p in pairs])
        return differs_by_slope(fault.theirs.ravel(), fault.right.ravel(), o, t)

    def _name(self, verdict: Verdict, placer: Placer) -> None:
        """Read the network off and find the mistakes of the catalogue that give the same steps."""
        read = read_network(verdict.judge, placer.number)
        known = network_of(read, verdict.judgement.loss) if read is not None else None
        if read is None or known is None:
            return
        verdict.network = words(known[0])
        verdict.named = named(read, *known, placer.factor)


def _not_later(later: Later) -> NotTraced:
    why = LATER.format(later.it.number + 1, later.why)
    return NotTraced(why, trains=True, doubtful=True)
