"""Evaluate one hypothesis: how many of an attempt's numbers certain mistakes explain.

`Evaluator` compares sessions with replays, array after array, and determines the factor of all
gradients on the way. The search calls it for every combination of mistakes that it tries.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.hypotheses import Variant
from chainrule.diagnosis.networks import resized
from chainrule.diagnosis.replay import Replay, Setting, is_loss_after_update, is_update
from chainrule.diagnosis.rules import ADAPTIVE, rate_of
from chainrule.diagnosis.scales import (
    Scale,
    ScaleContext,
    common_factor,
    matching_scales,
    named_scales,
    within_rounding,
)
from chainrule.diagnosis.sessions import Observed, Session
from chainrule.errors import ChainruleError

Array: TypeAlias = NDArray[Any]

LOSS_TOLERANCE = 1e-5  # relative, since people write log(p + 1e-8)
MOST_REFERENCES = 100  # replays kept; thousands of them make Python's garbage collection slow
ZERO_LOSS = 1e-7  # absolute: a loss below this counts as 0
ARITHMETIC_ERRORS = (ChainruleError, OverflowError, ValueError)  # of an impossible hypothesis


@dataclass(frozen=True, eq=False)
class Explanation:
    """Mistakes that together explain an attempt's numbers, completely or in part.

    Parameters
    ----------
    setting : Setting
    changes : tuple of Variant
    scale : Scale
        The factor of all gradients.
    reached : int
        How many arrays agree before the first that does not, in the order of computation.
    complete : bool
        Whether all arrays agree.
    """

    setting: Setting
    changes: tuple[Variant, ...]
    scale: Scale
    reached: int
    complete: bool

    @property
    def cost(self) -> int:
        """The number of mistakes."""
        return len(self.changes) + len(self.scale.mistakes)


@dataclass(eq=False)
class Evaluator:
    """Evaluates hypotheses on sessions; correct values are computed only once.

    Parameters
    ----------
    strict : bool
        Whether the loss's factor and the mean over samples must be as declared.
    rate : float or None
        The learning rate, if it is known.
    open_rate : bool
        Whether an update's learning rate is unknown, so that any positive factor may be one.
    """

    strict: bool = False
    rate: float | None = None
    open_rate: bool = False
    _bases: dict[tuple[Setting, Session], Explanation] = field(
        default_factory=dict[tuple[Setting, Session], Explanation]
    )
    _references: dict[tuple[Setting, Session, float], Replay] = field(
        default_factory=dict[tuple[Setting, Session, float], Replay]
    )
    _fitted: dict[tuple[Setting, tuple[int, ...]], Setting] = field(
        default_factory=dict[tuple[Setting, tuple[int, ...]], Setting]
    )

    def explain(
        self, setting: Setting, changes: tuple[Variant, ...], session: Session
    ) -> Explanation:
        """Return how far a hypothesis explains a session; results without changes are cached."""
        if changes:
            return self._explained(setting, changes, session)
        key = (setting, session)
        if key not in self._bases:
            self._bases[key] = self._explained(setting, (), session)
        return self._bases[key]

    def _explained(
        self, setting: Setting, changes: tuple[Variant, ...], session: Session
    ) -> Explanation:
        with np.errstate(all="ignore"):
            found = self._tried(setting, changes, session)
            if found.complete or not found.reached or not is_adaptive(setting):
                return found
            others = (
                self._tried(setting, changes, session, s) for s in self._adaptive(setting, session)
            )
            return next((e for e in others if e.complete), found)

    def _tried(
        self,
        setting: Setting,
        changes: tuple[Variant, ...],
        session: Session,
        scale: Scale | None = None,
    ) -> Explanation:
        """Return how far a hypothesis explains a session, with a given scale of updates if any."""
        known = {} if scale is None else {"update": scale}
        trial = _Trial(self, self.fitted(setting, session), changes, session, known)
        return replace(trial.run(), setting=setting)

    def _adaptive(self, setting: Setting, session: Session) -> list[Scale]:
        """Return the conventions of scale, which hardly change an adaptive update."""
        trial = _Trial(self, self.fitted(setting, session), (), session)
        return [s for s in named_scales(trial.context("update")) if not s.mistakes]

    def fitted(self, setting: Setting, session: Session) -> Setting:
        """Return a setting with the layer widths of a session."""
        network = setting.network
        if len(session.widths) != len(network.widths) or session.widths == network.widths:
            return setting
        key = (setting, session.widths)
        if key not in self._fitted:
            self._fitted[key] = replace(setting, network=resized(network, session.widths))
        return self._fitted[key]

    def explains_all(self, found: Explanation, sessions: Iterable[Session]) -> bool:
        """Return whether an explanation holds in further sessions, with the same convention."""
        for session in sessions:
            again = self.explain(found.setting, found.changes, session)
            same = again.scale.mistakes == found.scale.mistakes
            if not again.complete or (len(session.x) > 1 and not same):
                return False
        return True

    def replay(
        self, setting: Setting, session: Session, changes: tuple[Variant, ...], scale: float = 1.0
    ) -> Replay:
        """Return a session under a hypothesis; the correct values are computed once."""
        key = (setting, session, scale)
        if key not in self._references:
            if len(self._references) == MOST_REFERENCES:
                self._references.pop(next(iter(self._references)))  # the oldest
            self._references[key] = Replay(setting, session, (), scale)
        reference = self._references[key]
        return Replay(setting, session, changes, scale, reference) if changes else reference

    def fingerprint(self, e: Explanation, session: Session, first: int = 0) -> bytes:
        """Return a session's arrays under an explanation, from the `first` on, to compare by."""
        names = [(c, seen.name) for c, call in enumerate(session.calls) for seen in call]
        replay = self.replay(self.fitted(e.setting, session), session, e.changes, e.scale.factor)
        made: list[bytes] = []
        with np.errstate(all="ignore"):
            for call, name in names[first:]:
                try:
                    made.append(np.round(replay.value_of(call, name), 12).tobytes())
                except ARITHMETIC_ERRORS:
                    break
        return b"".join(made)


@dataclass(eq=False)
class _Trial:
    """One hypothesis on one session, compared array after array until one does not agree."""

    evaluator: Evaluator
    setting: Setting
    changes: tuple[Variant, ...]
    session: Session
    scales: dict[str, Scale] = field(default_factory=dict[str, Scale])
    loss: float | None = None
    replays: dict[float, Replay] = field(default_factory=dict[float, Replay])

    def run(self) -> Explanation:
        reached, total = 0, sum(len(call) for call in self.session.calls)
        try:
            for number, call in enumerate(self.session.calls):
                for seen in sorted(call, key=lambda a: is_loss_after_update(a.name, self.changes)):
                    if not self.explains(number, seen):
                        return self.result(reached, complete=False)
                    reached += 1
        except ARITHMETIC_ERRORS:
            return self.result(0, complete=False)
        return self.result(reached, complete=reached == total)

    def result(self, reached: int, *, complete: bool) -> Explanation:
        return Explanation(self.setting, self.changes, self.joined(), reached, complete)

    def joined(self) -> Scale:
        """Return all scales as one, with the factor of the last group."""
        known = list(self.scales.values())
        if not known:
            return Scale(1.0, {}, determined=False)
        words = {aspect: text for scale in known for aspect, text in scale.words.items()}
        mistakes = dict.fromkeys(m for scale in known for m in scale.mistakes)
        return Scale(known[-1].factor, words, tuple(mistakes))

    def replay(self, factor: float = 1.0) -> Replay:
        if factor not in self.replays:
            made = self.evaluator.replay(self.setting, self.session, self.changes, factor)
            self.replays[factor] = made
        return self.replays[factor]

    def value_of(self, call: int, name: str) -> Array:
        """Return what the hypothesis gives, in the scale of the group that a name belongs to."""
        late = is_loss_after_update(name, self.changes)
        scale = self.scales.get("update" if late else group(name))
        return self.replay(scale.factor if scale else 1.0).value_of(call, name)

    def explains(self, call: int, seen: Observed) -> bool:
        """Return whether the hypothesis gives an array, in a scale that is known or found here."""
        if seen.name == "loss":
            return self._explains_loss(call, seen, self.value_of(call, seen.name))
        if group(seen.name) and group(seen.name) not in self.scales:
            return self._determine_scale(call, seen)
        return self.agrees(call, seen, self.value_of(call, seen.name))

    def agrees(self, call: int, seen: Observed, right: Array) -> bool:
        values, half = self.reported(call, seen)
        known = np.isfinite(values)
        if seen.partial and values.shape == right.shape and not known.all():
            half = half[known] if np.shape(half) else half
            values, right = values[known], right[known]
        tolerance, floor = self.session.tolerance, self.session.zero_tolerance
        return within_rounding(values, right, half, tolerance, floor)

    def reported(self, call: int, seen: Observed) -> tuple[Array, Any]:
        """Return reported values and their rounding; for a new parameter, those of its change."""
        if not is_update(seen.name):
            return seen.values + seen.shift, seen.half
        reference = self.evaluator.replay(self.setting, self.session, ())
        start = (self.replay() if call else reference).steps(call)[0]
        old = np.asarray(start.arrays[seen.name[:-4]]["w"])
        eps = 4 * np.finfo(float).eps if self.session.tolerance < 1e-7 else 2e-7
        size = float(np.max(np.abs(old), initial=0.0))
        return seen.values + seen.shift - old, seen.half + eps * size

    def context(self, which: str) -> ScaleContext:
        """Return what the possible factors of a group depend on."""
        n = 1 if self.setting.online else len(self.session.x)
        k, step = self.setting.network.outputs, which == "update"
        rate = self.evaluator.rate if self.setting.rule is None else rate_of(self.setting.rule)
        loss = self.loss
        if step and loss is None and "gradient" in self.scales:
            loss = abs(self.scales["gradient"].factor)
        return ScaleContext(n, k, rate, step, self.evaluator.strict, loss)

    def _explains_loss(self, call: int, seen: Observed, right: Array) -> bool:
        """Return whether a loss value is right, up to a factor that is a convention."""
        values = (seen.values + seen.shift).reshape(-1)
        if self.setting.network.penalty and not is_loss_after_update(seen.name, self.changes):
            penalty = self.value_of(call, "penalty")  # not scaled by the loss's conventions
            values, right = values - penalty, right - penalty
        if not np.any(np.abs(right) > ZERO_LOSS) and not np.any(np.abs(values) > ZERO_LOSS):
            return values.size == 1  # softmax of one output: no factor shows
        factor = common_factor(values, right.reshape(-1), seen.half, LOSS_TOLERANCE)
        if factor is None:
            return False
        context = replace(self.context("gradient"), loss=None, rate=None)
        tolerance = max(LOSS_TOLERANCE, self.ratio_tolerance(values, seen.half))
        known = matching_scales(factor, context, tolerance)[:1]
        if not known or known[0].factor < 0 or known[0].mistakes:
            return False
        self.loss = known[0].factor
        return True

    def _determine_scale(self, call: int, seen: Observed) -> bool:
        """Return whether an array agrees in some scale, which then holds for its group."""
        values, half = self.reported(call, seen)
        right = self.replay().value_of(call, seen.name)
        zero = self.session.zero_tolerance
        if np.all(np.abs(right) <= zero) and np.all(np.abs(values) <= zero):
            return np.squeeze(values).shape == np.squeeze(right).shape  # no factor shows
        which = group(seen.name)
        context = self.context(which)
        unscaled = [s for s in named_scales(context) if s.factor == 1.0 and not s.mistakes][:1]
        if np.any(half) and self._try_each(call, seen, unscaled, which):
            return True  # with few digits, the simplest scale that agrees is the one that is meant
        factor = common_factor(values, right, half, self.session.tolerance)
        if factor is not None:
            named = self._named(factor, context, self.ratio_tolerance(values, half), which)
            if self._try_each(call, seen, named, which):
                return True
            # an adaptive update hardly depends on the factor of its gradient, and single numbers
            # always have one
            if values.size > 1 and not is_adaptive(self.setting):
                return False
        simple = [s for s in named_scales(context) if not s.mistakes or s.mistakes == ("sign",)]
        return self._may_be_no_multiple() and self._try_each(call, seen, simple, which)

    def _named(
        self, factor: float, context: ScaleContext, tolerance: float, which: str
    ) -> list[Scale]:
        """Return the known scales of a factor; any positive one if the learning rate is unknown."""
        found = matching_scales(factor, context, tolerance)
        if not found and which == "update" and self.evaluator.open_rate and factor > 0:
            return [Scale(factor, {"learning rate": f"{factor:.6g} (inferred)"})]
        return found

    def _may_be_no_multiple(self) -> bool:
        """Return whether the array may be no multiple of what the loss's gradient gives.

        An update rule, a mistake, several updates in a row, or a penalty can cause that.
        """
        changed = any(key[1] == "w_new" for v in self.changes for key in v.replace)
        in_turn = self.setting.online and len(self.session.x) > 1
        penalized = bool(self.setting.network.penalty)
        return changed or in_turn or penalized or is_adaptive(self.setting)

    def _try_each(self, call: int, seen: Observed, candidates: Iterable[Scale], which: str) -> bool:
        """Keep the first scale in which an array agrees; return whether there is one."""
        for scale in candidates:
            self.scales[which] = scale
            if self.agrees(call, seen, self.value_of(call, seen.name)):
                return True
        self.scales.pop(which, None)
        return False

    def ratio_tolerance(self, values: Array, half: Any) -> float:
        """Return the relative uncertainty of a ratio of arrays."""
        size = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
        return max(1e-7, 10 * self.session.tolerance, 1.5 * float(np.nanmax(half)) / size)


def is_adaptive(setting: Setting) -> bool:
    """Return whether updates are not a multiple of the gradient."""
    return setting.rule is not None and setting.rule.name in ADAPTIVE


def group(name: str) -> str:
    """Return the group of quantities that share a factor: adjoint, gradient, update, or none."""
    if is_update(name):
        return "update"
    if name.startswith(("dW", "db", "dC_", "g_")):
        return "gradient"
    return "adjoint" if name.startswith(("da", "delta", "dx", "do")) else ""
