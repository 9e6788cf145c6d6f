"""Decide between right, wrong with its mistakes named, and unknown, from what the search finds.

An attempt can often be read in several ways; each is a `Candidate`, and the best outcome counts.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from chainrule.diagnosis.conventions import with_common_convention
from chainrule.diagnosis.evaluation import Explanation
from chainrule.diagnosis.replay import Setting
from chainrule.diagnosis.search import LEAST_PAIRS, PAIRS, Search
from chainrule.diagnosis.sessions import Session
from chainrule.network import Network

# How many networks mistakes are searched for under, at each level of the search.
MOST_SETTINGS = (20, 4, 1)
FEWEST_MISTAKES = (1, 2, 2)  # that an outcome of each level can have
PAIRS_LEVEL = 2


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the search found.

    Parameters
    ----------
    setting : Setting
        The network and the optimizer that it holds for.
    search : Search
    session : Session
        The one that shows what is wrong.
    base : Explanation
        How far the numbers agree without any mistake.
    found : tuple of Explanation
        All that explain the numbers equally well; empty if nothing does. The explanation of a right
        attempt has no mistakes.
    """

    setting: Setting
    search: Search
    session: Session
    base: Explanation
    found: tuple[Explanation, ...] = ()

    @property
    def is_correct(self) -> bool:
        """Whether there is no mistake."""
        return bool(self.found) and self.found[0].cost == 0

    @property
    def fitted(self) -> Setting:
        """The setting with the layer widths of the session shown."""
        return self.search.fitted(self.setting, self.session)

    @property
    def network(self) -> Network:
        """The network of the session shown."""
        return self.fitted.network

    @property
    def rank(self) -> tuple[float, int]:
        """Sort key, smaller is better: fewer mistakes, then more numbers that agree."""
        return (self.found[0].cost if self.found else math.inf, -self.base.reached)


@dataclass(eq=False)
class Candidate:
    """One way to read an attempt, and the settings under which it may be right.

    Parameters
    ----------
    search : Search
    settings : sequence of Setting
        The most likely first.
    likely : bool
        Whether to search for mistakes; with an unlikely optimizer, only correctness is tested.
    """

    search: Search
    settings: Sequence[Setting]
    likely: bool = True
    bases: list[tuple[Setting, Explanation]] = field(
        default_factory=list[tuple[Setting, Explanation]]
    )
    miscounted: Outcome | None = None  # right up to factors that are those of a wrong count

    def correct_outcome(self) -> Outcome | None:
        """Return the outcome if the attempt is right under one of the settings."""
        for setting in self.settings:
            base = self.search.right(setting)
            if base.complete and not base.scale.mistakes:
                best = with_common_convention(self.search, setting, base)
                session = self.search.first_wrong(setting)
                made = Outcome(setting, self.search, session, base, (best,))
                if made.is_correct:
                    return made
                self.miscounted = self.miscounted or made
            self.bases.append((setting, base))
        return None

    def mistaken_outcome(self, level: int) -> Outcome | None:
        """Return the outcome with the fewest mistakes that one level of the search finds.

        Parameters
        ----------
        level : {0, 1, 2}
            One mistake; several that show one after the other; pairs that only show together.
        """
        search = self.search
        look = (search.singles, search.several, search.pairs)[level]
        outcomes: list[Outcome] = []
        likely = sorted(self._closest_first(), key=lambda pair: -search.furthest(pair[0]))
        for setting, base in likely[: MOST_SETTINGS[level]]:
            if search.late:
                break
            if found := tuple(look(setting)):
                session = search.first_wrong(setting)
                outcomes.append(Outcome(setting, search, session, base, found))
                if found[0].cost == 1:
                    break
        return min(outcomes, key=lambda o: o.rank, default=None)

    def unknown_outcome(self) -> Outcome:
        """Return the outcome without an explanation: the network with most arrays that agree."""
        counted = [(self.search.agreement(setting), setting, base) for setting, base in self.bases]
        (count, scale), setting, base = max(counted, key=lambda row: (row[0][0], row[2].reached))
        if count > base.reached:
            base = replace(base, reached=count, scale=scale)
        return Outcome(setting, self.search, self.search.first_wrong(setting), base)

    def penalty_outcome(self) -> Outcome | None:
        """Return the outcome that only the loss includes a penalty, and the gradients do not."""
        for setting, base in self.bases:
            session = self.search.first_wrong(setting)
            names = [seen.name for call in session.calls for seen in call]
            if setting.network.penalty and "loss" in names[: base.reached]:
                return Outcome(setting, self.search, session, base)
        return None

    @property
    def reached(self) -> int:
        """How many arrays agree without any mistake, under the setting with the most."""
        return max(base.reached for _, base in self.bases)

    def _likely(self) -> list[tuple[Setting, Explanation]]:
        """Return the settings under which most numbers agree without any mistake."""
        most = self.reached
        return [(setting, base) for setting, base in self.bases if base.reached == most]

    def _closest_first(self) -> list[tuple[Setting, Explanation]]:
        """Return the likely settings, those with most arrays that agree in any order first."""
        search = self.search

        def closeness(pair: tuple[Setting, Explanation]) -> tuple[int, int]:
            setting, _ = pair
            return -search.agreement(setting)[0], -search.single_agreement(setting)[0]

        return sorted(self._likely(), key=closeness)


def decide(
    candidates: Sequence[Candidate],
    fallbacks: Sequence[Candidate] = (),
    *,
    correct_fallback_first: bool = False,
    is_explained: Callable[[], bool] | None = None,
) -> tuple[Outcome, Candidate]:
    """Return the best outcome of several candidates, and the candidate that has it.

    Parameters
    ----------
    candidates : sequence of Candidate
        One for each way to read an attempt, the most likely first.
    fallbacks : sequence of Candidate
        Readings that ignore answers which may not belong to the attempt; used if the candidates
        have no outcome.
    correct_fallback_first : bool, default False
        Whether a fallback that is right is returned before any search for mistakes.
    is_explained : callable, optional
        Called before the search for pairs of mistakes; if it returns True, that is omitted.
    """
    first = first_correct(candidates) or (
        first_correct(fallbacks) if correct_fallback_first else None
    )
    if first is not None:
        return first
    for candidate in candidates:
        if candidate.miscounted is not None:
            return candidate.miscounted, candidate
    _share_pair_time([candidate for candidate in (*candidates, *fallbacks) if candidate.likely])
    for level in range(len(MOST_SETTINGS)):
        if level == PAIRS_LEVEL and is_explained is not None and is_explained():
            break
        for group in (candidates, fallbacks):
            if level == 0 and group is fallbacks and (found := first_correct(group)) is not None:
                return found
            if (best := _best_mistaken(group, level)) is not None:
                return best
    unknown = [(c.unknown_outcome(), c) for c in candidates if c.likely]
    return min(unknown, key=lambda pair: pair[0].rank)


def _best_mistaken(group: Sequence[Candidate], level: int) -> tuple[Outcome, Candidate] | None:
    """Return the best outcome that a level of the search finds for the likely candidates."""
    made: list[tuple[Outcome, Candidate]] = []
    # those with most numbers that agree come first, so that none after an outcome with the fewest
    # mistakes can be better
    for candidate in sorted((c for c in group if c.likely), key=lambda c: -c.reached):
        if (outcome := candidate.mistaken_outcome(level)) is not None:
            made.append((outcome, candidate))
            if outcome.found[0].cost == FEWEST_MISTAKES[level]:
                break
    return min(made, key=lambda pair: pair[0].rank, default=None)


def _share_pair_time(candidates: Sequence[Candidate]) -> None:
    """Divide the time for pairs of mistakes among candidates."""
    for candidate in candidates:
        candidate.search.seconds_pairs = max(LEAST_PAIRS, PAIRS / len(candidates))


def first_correct(candidates: Sequence[Candidate]) -> tuple[Outcome, Candidate] | None:
    """Return the first outcome that is right, and its candidate."""
    for candidate in candidates:
        candidate.bases.clear()
        if (outcome := candidate.correct_outcome()) is not None:
            return outcome, candidate
    return None


def first_nonfinite(sessions: Sequence[Session]) -> str | None:
    """Return the name of the first array with a NaN or an infinity, or None."""
    for session in sessions:
        for call in session.calls:
            for seen in call:
                if not seen.partial and not np.all(np.isfinite(seen.values)):
                    return seen.name
    return None
