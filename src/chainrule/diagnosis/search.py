"""Search for the known mistakes that give exactly an attempt's numbers.

Conventions are tried before mistakes, and the explanation with the fewest mistakes wins. `decision`
turns what the search finds into an outcome.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from chainrule.diagnosis.closest import agreement
from chainrule.diagnosis.evaluation import Evaluator, Explanation
from chainrule.diagnosis.hypotheses import Variant, variants
from chainrule.diagnosis.replay import Setting
from chainrule.diagnosis.scales import Scale
from chainrule.diagnosis.sessions import Session
from chainrule.submission import TimeLimit

MOST_MISTAKES = 3
PAIRS = 5.0  # seconds for pairs that only show together, divided among the readings of an attempt
LEAST_PAIRS = 1.0  # seconds for each reading
WIDTH = 12  # how many partial explanations are extended


@dataclass(eq=False)
class Search:
    """A search over one or more sessions of one attempt.

    Parameters
    ----------
    sessions : sequence of Session
    evaluator : Evaluator
    time_limit : TimeLimit, optional
    """

    sessions: Sequence[Session]
    evaluator: Evaluator = field(default_factory=Evaluator)
    time_limit: TimeLimit = field(default_factory=TimeLimit)
    seconds_pairs: float = PAIRS
    unfinished: bool = False
    _singles: dict[Setting, list[Explanation]] = field(
        default_factory=dict[Setting, list[Explanation]]
    )
    _partial: dict[Setting, list[Explanation]] = field(
        default_factory=dict[Setting, list[Explanation]]
    )
    _agreements: dict[Setting, tuple[int, Scale]] = field(
        default_factory=dict[Setting, tuple[int, Scale]]
    )
    _pool: dict[Setting, list[Variant]] = field(default_factory=dict[Setting, list[Variant]])

    @property
    def late(self) -> bool:
        """Whether the time limit is reached."""
        return self.time_limit.is_over

    def fitted(self, setting: Setting, session: Session) -> Setting:
        """Return a setting with the layer widths of a session."""
        return self.evaluator.fitted(setting, session)

    def right(self, setting: Setting) -> Explanation:
        """Return how far a session agrees without any mistake: the first that does not entirely."""
        return self.evaluator.explain(setting, (), self.first_wrong(setting))

    def first_wrong(self, setting: Setting) -> Session:
        """Return the first session that needs a mistake to be explained, else the first."""
        sessions = self.sessions_for(setting)
        for session in sessions:
            found = self.evaluator.explain(setting, (), session)
            if not found.complete or found.scale.mistakes:
                return session
        return sessions[0]

    def sessions_for(self, setting: Setting) -> Sequence[Session]:
        """Return the sessions that show something about a setting.

        The softmax of one output is 1 whatever the weights are, and programs that divide by 1 - p
        cannot compute it: such a network is not trained. Of updates in turn, one sample shows most
        at the least cost, so it comes first.
        """
        sessions = self.sessions
        if setting.network.loss.name.startswith("softmax"):
            sessions = [s for s in sessions if s.t.shape[1] > 1] or sessions
        return sorted(sessions, key=lambda s: len(s.x)) if setting.online else sessions

    def agreement(self, setting: Setting) -> tuple[int, Scale]:
        """Return how many arrays agree with a setting in any order, and in which scale."""
        if setting not in self._agreements:
            found = agreement(self.evaluator, setting, self.first_wrong(setting))
            self._agreements[setting] = found
        return self._agreements[setting]

    def single_agreement(self, setting: Setting) -> tuple[int, Scale]:
        """Return the same for one sample, where updates do not depend on each other."""
        single = next((s for s in self.sessions_for(setting) if len(s.x) == 1), None)
        if single is None:
            return 0, Scale(1.0, {})
        return agreement(self.evaluator, setting, single)

    # ---- one mistake ----------------------------------------------------------------------------

    def singles(self, setting: Setting) -> list[Explanation]:
        """Return the explanations by one mistake, or by a factor."""
        session = self.first_wrong(setting)
        base = self.evaluator.explain(setting, (), session)
        found = [
            self.evaluator.explain(setting, (v,), session)
            for v in self.relevant(base, session)
            if not self.late
        ]
        self._singles[setting] = found
        self._partial[setting] = [e for e in found if e.reached > base.reached]
        return self._valid([base, *found], session)

    def furthest(self, setting: Setting) -> int:
        """Return how many arrays the best single mistake explains, 0 if none was tried."""
        return max((e.reached for e in self._partial.get(setting, [])), default=0)

    def relevant(self, base: Explanation, session: Session) -> list[Variant]:
        """Return the variants that can change something up to the first array that is wrong."""
        names = [seen.name for call in session.calls for seen in call][: base.reached + 1]
        in_turn = base.setting.online and len(session.x) > 1  # any update affects the next one
        if base.complete or base.reached >= len(session.calls[0]) or in_turn:  # state, or a factor
            return self.pool(base.setting)
        network = base.setting.network
        return [v for v in self.pool(base.setting) if any(v.affects(n, network) for n in names)]

    def pool(self, setting: Setting) -> list[Variant]:
        """Return all variants of mistakes for a setting."""
        if setting not in self._pool:
            self._pool[setting] = variants(setting.network, setting.rule)
        return self._pool[setting]

    # ---- several that show one after the other ---------------------------------------------------

    def several(self, setting: Setting) -> list[Explanation]:
        """Return the explanations by two or three mistakes that are found one after the other."""
        session = self.first_wrong(setting)
        level = self._distinct(self._partial.get(setting, []), session)
        for _ in range(MOST_MISTAKES - 1):
            extended = list(self._extended(level, session))
            if found := self._valid(extended, session):
                return [*found, *self._with_substitutes(found[0], session)]
            level = self._distinct(extended, session)
        return []

    def _distinct(self, partial: list[Explanation], session: Session) -> list[Explanation]:
        """Return the best partial explanations, only one of those that give equal numbers."""
        kept: dict[tuple[int, bytes], Explanation] = {}
        for e in sorted(partial, key=lambda e: -e.reached):
            rest = self.evaluator.fingerprint(e, session, first=e.reached)
            kept.setdefault((e.reached, rest), e)
            if len(kept) == WIDTH:
                break
        return list(kept.values())

    def _extended(self, level: list[Explanation], session: Session) -> Iterable[Explanation]:
        """Yield explanations with one more mistake that explain more numbers."""
        for known in level:
            for variant in self.relevant(known, session):
                if self.late:
                    return
                if variant.mistake not in [v.mistake for v in known.changes] and not any(
                    variant.conflicts_with(v) for v in known.changes
                ):
                    changes = (*known.changes, variant)
                    e = self.evaluator.explain(known.setting, changes, session)
                    if e.reached > known.reached or e.complete:
                        yield e

    def _with_substitutes(self, found: Explanation, session: Session) -> list[Explanation]:
        """Return explanations in which one mistake is replaced by another that fits as well."""
        mistakes = [change.mistake for change in found.changes]
        others: list[Explanation] = []
        for out in found.changes:
            rest = [v for v in found.changes if v is not out]
            for v in self.pool(found.setting):
                conflict = any(v.conflicts_with(c) for c in rest)
                if v.mistake not in mistakes and not conflict and not self.late:
                    others.append(self.evaluator.explain(found.setting, (*rest, v), session))
        return self._valid(others, session)

    # ---- pairs that only show together -----------------------------------------------------------

    def pairs(self, setting: Setting) -> list[Explanation]:
        """Return the explanations by two mistakes that show in the same numbers."""
        session = self.first_wrong(setting)
        limit = TimeLimit(self.seconds_pairs)
        for first, second in self._pairs(setting, session):
            if self.late or limit.is_over:
                self.unfinished = True
                break
            if first.mistake is second.mistake or first.conflicts_with(second):
                continue
            e = self.evaluator.explain(setting, (first, second), session)
            if e.complete and (found := self._valid([e], session)):
                return found
        return []

    def _pairs(self, setting: Setting, session: Session) -> list[tuple[Variant, Variant]]:
        """Return pairs of variants that give wrong numbers, each other ones.

        Pairs whose first wrong array is the same come first, since one must undo what the other
        does there.
        """
        base = self.evaluator.explain(setting, (), session)
        kept: dict[bytes, tuple[Variant, int]] = {}
        for e in self._singles.get(setting, []) if not self.late else []:
            made = self.evaluator.fingerprint(e, session)
            kept.setdefault(made, (e.changes[0], min(e.reached, base.reached)))
        kept.pop(self.evaluator.fingerprint(base, session), None)
        pairs = sorted(combinations(kept.values(), 2), key=lambda two: two[0][1] != two[1][1])
        return [(first, second) for (first, _), (second, _) in pairs]

    # ---- what counts ----------------------------------------------------------------------------

    def _valid(self, candidates: Iterable[Explanation], session: Session) -> list[Explanation]:
        """Return the complete explanations with the fewest mistakes that hold in all sessions."""
        complete = sorted((e for e in candidates if e.complete), key=lambda e: e.cost)
        valid: list[Explanation] = []
        for e in complete:
            if valid and e.cost > valid[0].cost:
                break
            others = [s for s in self.sessions_for(e.setting) if s is not session]
            if self.evaluator.explains_all(e, others) and self._is_minimal(e):
                valid.append(e)
        return valid

    def _changes_numbers(self, setting: Setting, change: Variant) -> bool:
        """Return whether a mistake changes some number by itself."""
        alone = Explanation(setting, (change,), Scale(1.0, {}), 0, complete=False)
        none = Explanation(setting, (), Scale(1.0, {}), 0, complete=False)
        made = self.evaluator.fingerprint
        return any(made(alone, s) != made(none, s) for s in self.sessions_for(setting))

    def _is_minimal(self, e: Explanation) -> bool:
        """Return whether every mistake of an explanation is needed for it."""
        if len(e.changes) < 2:
            return True
        if not all(self._changes_numbers(e.setting, change) for change in e.changes):
            return False
        for out in e.changes:
            rest = tuple(v for v in e.changes if v is not out)
            sessions = self.sessions_for(e.setting)
            explained = (self.evaluator.explain(e.setting, rest, s) for s in sessions)
            if all(found.complete for found in explained):
                return False
        return True
