"""The search: which of the known mistakes give exactly the numbers that were handed in.

Conventions come before accusations, and the fewest mistakes that explain everything win. It finds
explanations; what is said of them stands in judge.py.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.hypotheses import Variant, variants
from chainrule.diagnosis.networks import resized
from chainrule.diagnosis.replay import Replay, Seen, Session, Setting, is_late, is_update
from chainrule.diagnosis.rules import ADAPTIVE, rate_of
from chainrule.diagnosis.scales import Context, Scale, fits, near, ratio, scales
from chainrule.errors import ChainruleError

Array: TypeAlias = NDArray[Any]

MOST_MISTAKES = 3
LOSS = 1e-5  # relative, since people write log(p + 1e-8)
NOTHING = 1e-7  # a loss that is 0, so written
PAIRS = 5.0  # seconds for pairs that only show together, shared by all ways to read an attempt
LEAST_PAIRS = 1.0  # seconds that each of these has
WIDTH = 12  # how many partial explanations are followed


@dataclass(frozen=True, eq=False)
class Explanation:
    """Mistakes that together give what was handed in.

    Parameters
    ----------
    setting : Setting
    changes : tuple of Variant
    scale : Scale
        What the factor of all gradients is.
    reached : int
        How many arrays it gives, of those in the order in which they are computed.
    complete : bool
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
class Search:
    """A search over one or more sessions of one attempt.

    Parameters
    ----------
    sessions : sequence of Session
    strict : bool
    rate : float or None
        The learning rate, where it is known.
    deadline : float
        Of ``time.monotonic()``.
    open_rate : bool
        Whether a step's rate is unknown, so that every positive factor is one.
    """

    sessions: Sequence[Session]
    strict: bool = False
    rate: float | None = None
    deadline: float = np.inf
    open_rate: bool = False
    seconds_pairs: float = PAIRS
    unfinished: bool = False
    _singles: dict[Setting, list[Explanation]] = field(
        default_factory=dict[Setting, list[Explanation]]
    )
    _partial: dict[Setting, list[Explanation]] = field(
        default_factory=dict[Setting, list[Explanation]]
    )
    _bases: dict[tuple[Setting, Session], Explanation] = field(
        default_factory=dict[tuple[Setting, Session], Explanation]
    )
    _truths: dict[tuple[Setting, Session, float], Replay] = field(
        default_factory=dict[tuple[Setting, Session, float], Replay]
    )
    _fitted: dict[tuple[Setting, tuple[int, ...]], Setting] = field(
        default_factory=dict[tuple[Setting, tuple[int, ...]], Setting]
    )
    _pool: dict[Setting, list[Variant]] = field(default_factory=dict[Setting, list[Variant]])

    # ---- one hypothesis -------------------------------------------------------------------------

    def explain(
        self, setting: Setting, changes: tuple[Variant, ...], session: Session
    ) -> Explanation:
        """Return how far a hypothesis explains a session; the truth is tried once."""
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
        """Return how far a hypothesis explains a session, in one scale of the update if given."""
        known = {} if scale is None else {"update": scale}
        trial = _Trial(self, self.fitted(setting, session), changes, session, known)
        return replace(trial.run(), setting=setting)

    def _adaptive(self, setting: Setting, session: Session) -> list[Scale]:
        """Return the conventions of scale that an adaptive update hardly shows."""
        trial = _Trial(self, self.fitted(setting, session), (), session)
        return [s for s in scales(trial.context("update")) if not s.mistakes]

    def fitted(self, setting: Setting, session: Session) -> Setting:
        """Return a setting for the widths that a session has."""
        network = setting.network
        if len(session.widths) != len(network.widths) or session.widths == network.widths:
            return setting
        key = (setting, session.widths)
        if key not in self._fitted:
            self._fitted[key] = replace(setting, network=resized(network, session.widths))
        return self._fitted[key]

    def everywhere(self, found: Explanation, sessions: Iterable[Session]) -> bool:
        """Tell whether an explanation holds in further sessions, with the same convention."""
        for session in sessions:
            again = self.explain(found.setting, found.changes, session)
            same = again.scale.mistakes == found.scale.mistakes
            if not again.complete or (len(session.x) > 1 and not same):
                return False
        return True

    def replay(
        self, setting: Setting, session: Session, changes: tuple[Variant, ...], scale: float = 1.0
    ) -> Replay:
        """Return a session under a hypothesis; the truth's numbers are computed once."""
        key = (setting, session, scale)
        if key not in self._truths:
            self._truths[key] = Replay(setting, session, (), scale)
        truth = self._truths[key]
        return Replay(setting, session, changes, scale, truth) if changes else truth

    # ---- all of them ----------------------------------------------------------------------------

    def right(self, setting: Setting) -> Explanation:
        """Return how far the truth explains the first session that it does not explain whole."""
        return self.explain(setting, (), self.first_wrong(setting))

    def first_wrong(self, setting: Setting) -> Session:
        """Return the first session that the truth does not explain, else the first."""
        for session in self.sessions:
            found = self.explain(setting, (), session)
            if not found.complete or found.scale.mistakes:
                return session
        return self.sessions[0]

    def singles(self, setting: Setting) -> list[Explanation]:
        """Return the explanations by one mistake, or by a factor."""
        session = self.first_wrong(setting)
        base = self.explain(setting, (), session)
        found = [
            self.explain(setting, (v,), session)
            for v in self.reaching(base, session)
            if not self.late
        ]
        self._singles[setting] = found
        self._partial[setting] = [e for e in found if e.reached > base.reached]
        return self._whole([base, *found], session)

    def furthest(self, setting: Setting) -> int:
        """Return how far one mistake alone goes under a setting, 0 where that was not tried."""
        return max((e.reached for e in self._partial.get(setting, [])), default=0)

    def several(self, setting: Setting) -> list[Explanation]:
        """Return the explanations by two or three mistakes that are found one by one."""
        session = self.first_wrong(setting)
        level = self._distinct(self._partial.get(setting, []), session)
        for _ in range(MOST_MISTAKES - 1):
            grown = list(self._grown(level, session))
            if found := self._whole(grown, session):
                return [*found, *self._exchanged(found[0], session)]
            level = self._distinct(grown, session)
        return []

    def _exchanged(self, found: Explanation, session: Session) -> list[Explanation]:
        """Return an explanation with one of its mistakes exchanged for one that fits as well."""
        others = [
            self.explain(found.setting, (*[v for v in found.changes if v is not out], v), session)
            for out in found.changes
            for v in self.pool(found.setting)
            if v.mistake not in [c.mistake for c in found.changes]
            and not any(v.clashes(c) for c in found.changes if c is not out)
            and not self.late
        ]
        return self._whole(others, session)

    def pairs(self, setting: Setting) -> list[Explanation]:
        """Return the explanations by two mistakes that show in the very same numbers."""
        session = self.first_wrong(setting)
        end = min(self.deadline, time.monotonic() + self.seconds_pairs)
        for first, second in self._couples(setting, session):
            if time.monotonic() > end:
                self.unfinished = True
                break
            if first.mistake is second.mistake or first.clashes(second):
                continue
            e = self.explain(setting, (first, second), session)
            if e.complete and (found := self._whole([e], session)):
                return found
        return []

    def _couples(self, setting: Setting, session: Session) -> list[tuple[Variant, Variant]]:
        """Return the pairs of variants that give other numbers than the truth and each other.

        Those that go wrong at the same array come first: one must undo what the other does there.
        """
        base = self.explain(setting, (), session)
        names = [(c, seen.name) for c, call in enumerate(session.calls) for seen in call]
        fitted = self.fitted(setting, session)
        kept: dict[bytes, tuple[Variant, int]] = {}
        for e in self._singles.get(setting, []) if not self.late else []:
            made = _bytes(self.replay(fitted, session, e.changes, e.scale.factor), names)
            kept.setdefault(made, (e.changes[0], min(e.reached, base.reached)))
        kept.pop(_bytes(self.replay(fitted, session, (), base.scale.factor), names), None)
        couples = sorted(combinations(kept.values(), 2), key=lambda two: two[0][1] != two[1][1])
        return [(first, second) for (first, _), (second, _) in couples]

    def reaching(self, base: Explanation, session: Session) -> list[Variant]:
        """Return the variants that can change something up to the first array that is wrong."""
        names = [seen.name for call in session.calls for seen in call][: base.reached + 1]
        if base.complete or base.reached >= len(session.calls[0]):  # state, or a factor
            return self.pool(base.setting)
        network = base.setting.network
        return [v for v in self.pool(base.setting) if any(v.reaches(n, network) for n in names)]

    def pool(self, setting: Setting) -> list[Variant]:
        """Return the variants that there are for a setting."""
        if setting not in self._pool:
            self._pool[setting] = variants(setting.network, setting.rule)
        return self._pool[setting]

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self.deadline

    def _distinct(self, partial: list[Explanation], session: Session) -> list[Explanation]:
        """Return the partial explanations that go furthest, one of those that give the same."""
        names = [(c, seen.name) for c, call in enumerate(session.calls) for seen in call]
        kept: dict[tuple[int, bytes], Explanation] = {}
        for e in sorted(partial, key=lambda e: -e.reached):
            setting = self.fitted(e.setting, session)
            replay = self.replay(setting, session, e.changes, e.scale.factor)
            kept.setdefault((e.reached, _bytes(replay, names[e.reached :])), e)
            if len(kept) == WIDTH:
                break
        return list(kept.values())

    def _grown(self, level: list[Explanation], session: Session) -> Iterable[Explanation]:
        for known in level:
            for variant in self.reaching(known, session):
                if self.late:
                    return
                if variant.mistake not in [v.mistake for v in known.changes] and not any(
                    variant.clashes(v) for v in known.changes
                ):
                    e = self.explain(known.setting, (*known.changes, variant), session)
                    if e.reached > known.reached or e.complete:
                        yield e

    def _whole(self, candidates: Iterable[Explanation], session: Session) -> list[Explanation]:
        """Return the complete explanations with the fewest mistakes that hold in all sessions."""
        others = [s for s in self.sessions if s is not session]
        whole = sorted((e for e in candidates if e.complete), key=lambda e: e.cost)
        held: list[Explanation] = []
        for e in whole:
            if held and e.cost > held[0].cost:
                break
            if self.everywhere(e, others) and self._needed(e):
                held.append(e)
        return held

    def _needed(self, e: Explanation) -> bool:
        """Tell whether every mistake of an explanation is needed for it."""
        if len(e.changes) < 2:
            return True
        for out in e.changes:
            rest = tuple(v for v in e.changes if v is not out)
            if all(self.explain(e.setting, rest, s).complete for s in self.sessions):
                return False
        return True


@dataclass(eq=False)
class _Trial:
    """One hypothesis on one session, array after array until one does not fit."""

    search: Search
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
                for seen in sorted(call, key=lambda a: is_late(a.name, self.changes)):
                    if not self.fits(number, seen):
                        return self.result(reached, complete=False)
                    reached += 1
        except (ChainruleError, OverflowError, ValueError):  # not to be computed on this network
            return self.result(0, complete=False)
        return self.result(reached, complete=reached == total)

    def result(self, reached: int, *, complete: bool) -> Explanation:
        return Explanation(self.setting, self.changes, self.joined(), reached, complete)

    def joined(self) -> Scale:
        """Return what is to be said of all scales together; the factor is the last group's."""
        known = list(self.scales.values())
        if not known:
            return Scale(1.0, {})
        words = {aspect: text for scale in known for aspect, text in scale.words.items()}
        mistakes = dict.fromkeys(m for scale in known for m in scale.mistakes)
        return Scale(known[-1].factor, words, tuple(mistakes))

    def replay(self, factor: float = 1.0) -> Replay:
        if factor not in self.replays:
            made = self.search.replay(self.setting, self.session, self.changes, factor)
            self.replays[factor] = made
        return self.replays[factor]

    def signal(self, call: int, name: str) -> Array:
        """Return what the hypothesis gives, in the scale of the group that a name belongs to."""
        late = is_late(name, self.changes)
        scale = self.scales.get("update" if late else group(name))
        return self.replay(scale.factor if scale else 1.0).signal(call, name)

    def fits(self, call: int, seen: Seen) -> bool:
        """Tell whether the hypothesis gives an array."""
        if seen.name == "loss":
            return self._loss(call, seen, self.signal(call, seen.name))
        if group(seen.name) and group(seen.name) not in self.scales:
            return self._solve(call, seen)
        return self.agrees(call, seen, self.signal(call, seen.name))

    def agrees(self, call: int, seen: Seen, right: Array) -> bool:
        values, half = self.shown(call, seen)
        known = np.isfinite(values)
        if seen.partial and values.shape == right.shape and not known.all():
            half = half[known] if np.shape(half) else half
            values, right = values[known], right[known]
        return fits(values, right, half, self.session.tolerance, self.session.floor)

    def shown(self, call: int, seen: Seen) -> tuple[Array, Any]:
        """Return what was handed in as a signal, and its rounding: of new parameters the change."""
        if not is_update(seen.name):
            return seen.values + seen.shift, seen.half
        truth = self.search.replay(self.setting, self.session, ())
        start = (self.replay() if call else truth).steps(call)[0]
        old = np.asarray(start.arrays[seen.name[:-4]]["w"])
        eps = 4 * np.finfo(float).eps if self.session.tolerance < 1e-7 else 2e-7
        size = float(np.max(np.abs(old), initial=0.0))
        return seen.values + seen.shift - old, seen.half + eps * size

    def context(self, which: str) -> Context:
        """Return what the factor of a group may be made of."""
        n = 1 if self.setting.online else len(self.session.x)
        k, step = self.setting.network.outputs, which == "update"
        rate = self.search.rate if self.setting.rule is None else rate_of(self.setting.rule)
        loss = self.loss
        if step and loss is None and "gradient" in self.scales:
            loss = abs(self.scales["gradient"].factor)
        return Context(n, k, rate, step, self.search.strict, loss)

    def _loss(self, call: int, seen: Seen, right: Array) -> bool:
        """Tell whether a loss value is the right one, times a factor that losses may have."""
        values = (seen.values + seen.shift).reshape(-1)
        if self.setting.network.penalty and not is_late(seen.name, self.changes):
            penalty = self.signal(call, "penalty")  # which has none of the loss's conventions
            values, right = values - penalty, right - penalty
        if not np.any(np.abs(right) > NOTHING) and not np.any(np.abs(values) > NOTHING):
            return values.size == 1  # softmax of one output: no factor shows
        context = replace(self.context("gradient"), strict=self.search.strict, loss=None, rate=None)
        factor = ratio(values, right.reshape(-1), seen.half, LOSS)
        if factor is None:
            return False
        known = near(factor, context, max(LOSS, self.rounding(values, seen.half)))[:1]
        if not known or known[0].factor < 0 or known[0].mistakes:
            return False
        self.loss = known[0].factor
        return True

    def _solve(self, call: int, seen: Seen) -> bool:
        """Solve the factor of a group by the first array that has it."""
        values, half = self.shown(call, seen)
        right = self.replay().signal(call, seen.name)
        nothing = self.session.floor
        if np.all(np.abs(right) <= nothing) and np.all(np.abs(values) <= nothing):
            # zeros tell nothing of the factor
            return np.squeeze(values).shape == np.squeeze(right).shape
        which = group(seen.name)
        context = self.context(which)
        plain = [s for s in scales(context) if s.factor == 1.0 and not s.mistakes][:1]
        if np.any(half) and self._try_each(call, seen, plain, which):
            return True  # few digits: the plainest scale that fits is the one that is meant
        factor = ratio(values, right, half, self.session.tolerance)
        if factor is not None:
            named = self._named(factor, context, self.rounding(values, half), which)
            if self._try_each(call, seen, named, which):
                return True
            if not is_adaptive(self.setting):
                return False  # an adaptive update is nearly the same whatever its gradient's factor
        plain = [s for s in scales(context) if not s.mistakes or s.mistakes == ("sign",)]
        return self._bends() and self._try_each(call, seen, plain, which)

    def _named(self, factor: float, context: Context, rounding: float, which: str) -> list[Scale]:
        """Return what a factor may be; where a step's rate is open, any positive one is a rate."""
        found = near(factor, context, rounding)
        if not found and which == "update" and self.search.open_rate and factor > 0:
            return [Scale(factor, {"learning rate": f"{factor:.6g}, found out"})]
        return found

    def _bends(self) -> bool:
        """Tell whether what is seen may be no multiple of what the loss's gradient gives.

        An update's rule, a mistake or a penalty does that.
        """
        changed = any(key[1] == "w_new" for v in self.changes for key in v.replace)
        in_turn = self.setting.online and len(self.session.x) > 1
        penalized = bool(self.setting.network.penalty)
        return changed or in_turn or penalized or is_adaptive(self.setting)

    def _try_each(self, call: int, seen: Seen, candidates: Iterable[Scale], which: str) -> bool:
        """Take the first scale under which an array agrees."""
        for scale in candidates:
            self.scales[which] = scale
            if self.agrees(call, seen, self.signal(call, seen.name)):
                return True
        self.scales.pop(which, None)
        return False

    def rounding(self, values: Array, half: Any) -> float:
        """Return how uncertain a ratio is, relatively."""
        size = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
        return max(1e-7, 10 * self.session.tolerance, 1.5 * float(np.nanmax(half)) / size)


def is_adaptive(setting: Setting) -> bool:
    """Tell whether updates are no multiple of the gradient."""
    return setting.rule is not None and setting.rule.name in ADAPTIVE


def _bytes(replay: Replay, places: list[tuple[int, str]]) -> bytes:
    """Return what tells a hypothesis from others, as far as it can be computed."""
    made: list[bytes] = []
    with np.errstate(all="ignore"):
        for place in places:
            try:
                made.append(np.round(replay.signal(*place), 12).tobytes())
            except (ChainruleError, OverflowError, ValueError):
                break
    return b"".join(made)


def group(name: str) -> str:
    """Return which factor a quantity has: that of adjoints, of gradients, of updates, or none."""
    if is_update(name):
        return "update"
    if name.startswith(("dW", "db", "dC_", "g_")):
        return "gradient"
    return "adjoint" if name.startswith(("da", "delta", "dx", "do")) else ""
