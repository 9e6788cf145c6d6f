"""The judge: right, wrong with its mistakes named, or unknown; never a guess.

It asks the search; what is said of the outcome stands in verdicts.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.diagnosis.replay import Session, Setting
from chainrule.diagnosis.search import LEAST_PAIRS, PAIRS, Explanation, Search
from chainrule.network import Network

MOST_SETTINGS = (20, 4, 1)  # networks under which mistakes are looked for, at each level


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the search found.

    Parameters
    ----------
    setting : Setting
        The network and the rest that it holds for.
    search : Search
    session : Session
        The one that shows what is wrong.
    base : Explanation
        How far the truth goes.
    found : tuple of Explanation
        All that explain equally well; empty if nothing does. Right is an explanation without
        mistakes.
    """

    setting: Setting
    search: Search
    session: Session
    base: Explanation
    found: tuple[Explanation, ...] = ()

    @property
    def right(self) -> bool:
        """Whether there is no mistake."""
        return bool(self.found) and self.found[0].cost == 0

    @property
    def fitted(self) -> Setting:
        """The setting for the widths of the session that is shown."""
        return self.search.fitted(self.setting, self.session)

    @property
    def network(self) -> Network:
        """The network of the session that is shown."""
        return self.fitted.network

    @property
    def rank(self) -> tuple[int, int]:
        """Less is better: right, few mistakes, then how far the truth goes."""
        return (self.found[0].cost if self.found else 99, -self.base.reached)


@dataclass(eq=False)
class Court:
    """A judge over the sessions of one attempt.

    Parameters
    ----------
    search : Search
    settings : sequence of Setting
        The likeliest first.
    likely : bool
        Whether mistakes are looked for; an unlikely optimizer is only asked whether it is right.
    """

    search: Search
    settings: Sequence[Setting]
    likely: bool = True
    bases: list[tuple[Setting, Explanation]] = field(
        default_factory=list[tuple[Setting, Explanation]]
    )

    def is_right(self) -> Outcome | None:
        """Return the outcome if it is right under one of the settings."""
        for setting in self.settings:
            base = self.search.right(setting)
            if base.complete and not base.scale.mistakes:
                return Outcome(setting, self.search, self.search.sessions[0], base, (base,))
            self.bases.append((setting, base))
        return None

    def wrong(self, level: int) -> Outcome | None:
        """Return the outcome with the fewest mistakes that one way of looking finds.

        Parameters
        ----------
        level : {0, 1, 2}
            One mistake; several, one by one; pairs that only show together.
        """
        search = self.search
        look = (search.singles, search.several, search.pairs)[level]
        outcomes: list[Outcome] = []
        likely = sorted(self._likely(), key=lambda pair: -search.furthest(pair[0]))
        for setting, base in likely[: MOST_SETTINGS[level]]:
            if search.late:
                break
            if found := tuple(look(setting)):
                session = search.first_wrong(setting)
                outcomes.append(Outcome(setting, search, session, base, found))
                if found[0].cost == 1:
                    break
        return min(outcomes, key=lambda o: o.rank, default=None)

    def unknown(self) -> Outcome:
        """Return the outcome that nothing is found."""
        setting, base = self._likely()[0]
        return Outcome(setting, self.search, self.search.first_wrong(setting), base)

    def other_penalty(self) -> Outcome | None:
        """Return the outcome that a loss has a penalty which what comes after it has not."""
        for setting, base in self.bases:
            session = self.search.first_wrong(setting)
            names = [seen.name for call in session.calls for seen in call]
            if setting.network.penalty and "loss" in names[: base.reached]:
                return Outcome(setting, self.search, session, base)
        return None

    def _likely(self) -> list[tuple[Setting, Explanation]]:
        """Return the settings to look for mistakes under: those where the truth goes furthest."""
        most = max(base.reached for _, base in self.bases)
        return [(setting, base) for setting, base in self.bases if base.reached == most]


def decide(
    courts: Sequence[Court], spare: Sequence[Court] = (), *, lenient: bool = False
) -> tuple[Outcome, Court]:
    """Return the best outcome of several courts, and the court that found it.

    Parameters
    ----------
    courts : sequence of Court
        One for each way to read an attempt, the likeliest first.
    spare : sequence of Court
        For the same without what may be no part of it; asked where the others find nothing.
    lenient : bool, default False
        Whether what is right before a spare court is right before any mistake is looked for.
    """
    first = right_of(courts) or (right_of(spare) if lenient else None)
    if first is not None:
        return first
    _share([court for court in (*courts, *spare) if court.likely])
    for level in range(len(MOST_SETTINGS)):
        for group in (courts, spare):
            if level == 0 and group is spare and (found := right_of(spare)) is not None:
                return found
            likely = (court for court in group if court.likely)
            made = [(o, court) for court in likely if (o := court.wrong(level)) is not None]
            if made:
                return min(made, key=lambda pair: pair[0].rank)
    made = [(c.unknown(), c) for c in courts if c.likely]
    return min(made, key=lambda pair: pair[0].rank)


def _share(courts: Sequence[Court]) -> None:
    """Share the time for pairs among courts."""
    for court in courts:
        court.search.seconds_pairs = max(LEAST_PAIRS, PAIRS / len(courts))


def right_of(courts: Sequence[Court]) -> tuple[Outcome, Court] | None:
    """Return the first outcome that is right, and its court."""
    for court in courts:
        court.bases.clear()
        if (outcome := court.is_right()) is not None:
            return outcome, court
    return None


def not_finite(sessions: Sequence[Session]) -> str | None:
    """Return the name of the first array that has become NaN or infinite, or None."""
    for session in sessions:
        for call in session.calls:
            for seen in call:
                if not seen.partial and not np.all(np.isfinite(seen.values)):
                    return seen.name
    return None
