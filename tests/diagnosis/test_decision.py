"""The decision between right, wrong and unknown, with a search whose results are given here."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule.diagnosis.decision import (
    Candidate,
    Outcome,
    decide,
    first_correct,
    first_nonfinite,
)
from chainrule.diagnosis.evaluation import Explanation
from chainrule.diagnosis.scales import Scale
from chainrule.diagnosis.search import LEAST_PAIRS, PAIRS
from chainrule.diagnosis.sessions import Observed, Session

SINGLES, SEVERAL, PAIRS_LEVEL = range(3)
AGREED = Scale(2.0, {})  # of arrays that agree in any order


def setting(*, penalty: bool = False) -> Any:
    return SimpleNamespace(network=SimpleNamespace(penalty=penalty), rule=None)


def explanation(
    of: Any, cost: int = 0, reached: int = 3, *, complete: bool = True, by_scale: bool = False
) -> Explanation:
    """Return an explanation by `cost` mistakes, one of which may be a factor."""
    changes: Any = tuple(SimpleNamespace() for _ in range(cost - by_scale))
    scale = Scale(1.0, {}, ("lost-factor",) if by_scale else ())
    return Explanation(of, changes, scale, reached, complete)


@dataclass
class StubSearch:
    """A search with given results, which records its calls.

    Parameters
    ----------
    bases : dict
        By the id of a setting, the explanation without mistakes.
    found : dict
        By level and the id of a setting, the explanations with mistakes.
    """

    bases: dict[int, Explanation]
    found: dict[tuple[int, int], list[Explanation]] = field(
        default_factory=dict[tuple[int, int], list[Explanation]]
    )
    best: dict[int, int] = field(default_factory=dict[int, int])
    agreeing: dict[int, int] = field(default_factory=dict[int, int])
    agreeing_singly: dict[int, int] = field(default_factory=dict[int, int])
    names: tuple[str, ...] = ("loss", "dW1", "db1")
    calls_left: int = 10**6
    seconds_pairs: float = 0.0
    searches: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    evaluator: Any = field(default_factory=lambda: SimpleNamespace(rate=None))

    @property
    def sessions(self) -> list[Session]:
        calls = (tuple(Observed(name, np.ones(1)) for name in self.names),)
        return [Session(np.ones((1, 1)), np.ones((1, 1)), np.ones(1), calls)]

    def sessions_for(self, of: Any) -> list[Session]:
        del of
        return self.sessions

    @property
    def late(self) -> bool:
        return len(self.searches) >= self.calls_left

    def right(self, of: Any) -> Explanation:
        return self.bases[id(of)]

    def first_wrong(self, of: Any) -> Session:
        del of
        return self.sessions[0]

    def agreement(self, of: Any) -> tuple[int, Scale]:
        return self.agreeing.get(id(of), self.bases[id(of)].reached), AGREED

    def single_agreement(self, of: Any) -> tuple[int, Scale]:
        return self.agreeing_singly.get(id(of), 0), AGREED

    def furthest(self, of: Any) -> int:
        return self.best.get(id(of), 0)

    def singles(self, of: Any) -> list[Explanation]:
        return self._found(SINGLES, of)

    def several(self, of: Any) -> list[Explanation]:
        return self._found(SEVERAL, of)

    def pairs(self, of: Any) -> list[Explanation]:
        return self._found(PAIRS_LEVEL, of)

    def _found(self, level: int, of: Any) -> list[Explanation]:
        self.searches.append((level, id(of)))
        return self.found.get((level, id(of)), [])


def wrong_base(of: Any, reached: int = 1) -> Explanation:
    return explanation(of, reached=reached, complete=False)


def candidate(
    *found: tuple[int, Explanation], base: Explanation | None = None, likely: bool = True
) -> Candidate:
    """Return a candidate with one setting, by default wrong, and what each level finds."""
    of = setting()
    results = {(level, id(of)): [e] for level, e in found}
    search: Any = StubSearch({id(of): base or wrong_base(of)}, results)
    return Candidate(search, [of], likely)


def searched(of: Candidate) -> list[int]:
    """Return the levels at which a candidate was searched."""
    search: Any = of.search
    return [level for level, _ in search.searches]


RIGHT = explanation(None)
ONE, TWO = explanation(None, 1), explanation(None, 2)


# ---- one candidate -------------------------------------------------------------------------------


def test_an_attempt_is_right_if_everything_agrees_without_a_mistake():
    assert candidate(base=RIGHT).correct_outcome() is not None
    assert candidate().correct_outcome() is None
    factor = explanation(None, 1, by_scale=True)
    assert factor.changes == ()
    assert candidate(base=factor).correct_outcome() is None


def test_the_first_setting_under_which_it_is_right_counts():
    several = [setting() for _ in range(3)]
    bases = [wrong_base(several[0]), RIGHT, RIGHT]
    search: Any = StubSearch(dict(zip(map(id, several), bases, strict=True)))
    tested = Candidate(search, several)
    outcome = tested.correct_outcome()
    assert outcome is not None
    assert outcome.setting is several[1]
    assert outcome.is_correct
    assert [of for of, _ in tested.bases] == several[:1]


def test_an_outcome_is_correct_only_with_an_explanation_without_mistakes():
    make: Any = Outcome
    arguments = (setting(), None, None, RIGHT)
    assert make(*arguments, (RIGHT,)).is_correct
    assert not make(*arguments, (ONE,)).is_correct
    assert not make(*arguments).is_correct


def with_settings(reached: list[int], **options: Any) -> tuple[Candidate, list[Any], Any]:
    """Return a candidate with several wrong settings, which explain `reached` arrays."""
    several = [setting() for _ in reached]
    bases = {id(of): wrong_base(of, count) for of, count in zip(several, reached, strict=True)}
    search: Any = StubSearch(bases, **options)
    tested = Candidate(search, several)
    assert tested.correct_outcome() is None
    return tested, several, search


def test_mistakes_are_searched_where_most_numbers_agree():
    tested, several, search = with_settings([1, 2, 0, 2])
    for level in (SINGLES, SEVERAL):
        assert tested.mistaken_outcome(level) is None
    searches = [(level, id(several[i])) for level in (SINGLES, SEVERAL) for i in (1, 3)]
    assert search.searches == searches


@pytest.mark.parametrize(("level", "most"), [(SINGLES, 20), (SEVERAL, 4), (PAIRS_LEVEL, 1)])
def test_each_level_is_limited_to_some_settings(level: int, most: int):
    tested, several, search = with_settings([1] * 25)
    tested.mistaken_outcome(level)
    assert search.searches == [(level, id(of)) for of in several[:most]]


def test_settings_where_a_single_mistake_explains_most_come_first():
    tested, several, search = with_settings([1, 1, 1])
    search.best = {id(several[1]): 3, id(several[2]): 2}
    tested.mistaken_outcome(SEVERAL)
    assert search.searches == [(SEVERAL, id(several[i])) for i in (1, 2, 0)]


@pytest.mark.parametrize("counts", ["agreeing", "agreeing_singly"])
def test_settings_where_most_arrays_agree_in_any_order_come_first(counts: str):
    tested, several, search = with_settings([1, 1, 1])
    setattr(search, counts, {id(several[0]): 1, id(several[1]): 3, id(several[2]): 2})
    tested.mistaken_outcome(SEVERAL)
    assert search.searches == [(SEVERAL, id(several[i])) for i in (1, 2, 0)]


def test_the_search_ends_at_the_deadline():
    tested, _, search = with_settings([1, 1, 1], calls_left=2)
    assert tested.mistaken_outcome(SINGLES) is None
    assert len(search.searches) == 2


def test_the_search_ends_with_one_mistake_and_the_fewest_mistakes_count():
    tested, several, search = with_settings([1, 1, 1, 1])
    costs = [3, 2, 1, 1]
    search.found = {
        (SINGLES, id(of)): [explanation(of, cost)] for of, cost in zip(several, costs, strict=True)
    }
    outcome = tested.mistaken_outcome(SINGLES)
    assert outcome is not None
    assert outcome.setting is several[2]
    assert len(search.searches) == 3


def test_rank_prefers_few_mistakes_then_many_numbers_that_agree():
    def rank(found: tuple[Explanation, ...], reached: int) -> tuple[float, int]:
        arguments: Any = (setting(), None, None, wrong_base(None, reached), found)
        return Outcome(*arguments).rank

    order = [rank((ONE,), 2), rank((ONE,), 1), rank((TWO,), 5), rank((), 5), rank((), 4)]
    assert order == sorted(order)
    assert len(set(order)) == len(order)
    assert rank((), 0) > rank((explanation(None, 9),), 0)


def test_without_an_explanation_the_setting_where_most_agrees_is_reported():
    tested, several, _ = with_settings([1, 2, 0])
    outcome = tested.unknown_outcome()
    assert outcome.setting is several[1]
    assert outcome.found == ()


@pytest.mark.parametrize(("agreeing", "reached", "factor"), [(1, 2, 1.0), (2, 2, 1.0), (3, 3, 2.0)])
def test_arrays_that_agree_in_any_order_count_if_they_are_more(
    agreeing: int, reached: int, factor: float
):
    tested, several, search = with_settings([2])
    search.agreeing = {id(several[0]): agreeing}
    base = tested.unknown_outcome().base
    assert (base.reached, base.scale.factor) == (reached, factor)


def test_arrays_that_agree_in_any_order_choose_the_setting_without_an_explanation():
    tested, several, search = with_settings([2, 1])
    search.agreeing = {id(several[1]): 3}
    assert tested.unknown_outcome().setting is several[1]


def test_a_penalty_in_the_loss_alone_is_an_outcome():
    of = setting(penalty=True)
    for reached, expected in ((1, True), (0, False)):
        search: Any = StubSearch({id(of): wrong_base(of, reached)})
        tested = Candidate(search, [of])
        assert tested.correct_outcome() is None
        assert (tested.penalty_outcome() is not None) == expected
    without, _, _ = with_settings([1])
    assert without.penalty_outcome() is None
    search = StubSearch({id(of): wrong_base(of, 1)}, names=("dW1", "loss"))
    later = Candidate(search, [of])
    assert later.correct_outcome() is None
    assert later.penalty_outcome() is None


# ---- several candidates --------------------------------------------------------------------------


def test_a_correct_candidate_wins_before_any_search():
    first, second = candidate((SINGLES, ONE)), candidate(base=RIGHT)
    fallback = candidate(base=RIGHT)
    outcome, used = decide([first, second], [fallback])
    assert outcome.is_correct
    assert used is second
    assert searched(first) == []


def test_a_correct_fallback_counts_after_single_mistakes_of_the_candidates():
    plain, fallback = candidate((SEVERAL, TWO)), candidate(base=RIGHT)
    assert decide([plain], [fallback])[1] is fallback
    assert searched(plain) == [SINGLES]
    mistaken = candidate((SINGLES, ONE))
    assert decide([mistaken], [candidate(base=RIGHT)])[1] is mistaken


def test_a_correct_fallback_can_count_first():
    mistaken, fallback = candidate((SINGLES, ONE)), candidate(base=RIGHT)
    assert decide([mistaken], [fallback], correct_fallback_first=True)[1] is fallback
    assert searched(mistaken) == []


def test_levels_are_searched_in_order_candidates_before_fallbacks():
    first, fallback = candidate((PAIRS_LEVEL, TWO)), candidate((SEVERAL, TWO))
    assert decide([first], [fallback])[1] is fallback
    assert searched(first) == [SINGLES, SEVERAL]
    assert searched(fallback) == [SINGLES, SEVERAL]


def test_pairs_are_not_searched_if_the_attempt_is_explained_otherwise():
    asked: list[list[int]] = []
    for explained, levels in ((True, []), (False, [PAIRS_LEVEL])):
        only = candidate((PAIRS_LEVEL, TWO))

        def is_explained(of: Candidate = only, answer: bool = explained) -> bool:
            asked.append(searched(of))
            return answer

        outcome, _ = decide([only], is_explained=is_explained)
        assert searched(only) == [SINGLES, SEVERAL, *levels]
        assert bool(outcome.found) == (not explained)
    assert asked == [[SINGLES, SEVERAL]] * 2
    found_before = candidate((SINGLES, ONE))
    decide([found_before], is_explained=lambda: pytest.fail("asked although it is explained"))


def test_the_candidate_with_the_fewest_mistakes_wins():
    worse, better = candidate((SEVERAL, explanation(None, 3))), candidate((SEVERAL, TWO))
    assert decide([worse, better])[1] is better


@pytest.mark.parametrize(("level", "fewest"), [(SINGLES, ONE), (SEVERAL, TWO), (PAIRS_LEVEL, TWO)])
def test_the_candidate_where_most_agrees_is_searched_first_and_the_fewest_mistakes_end_it(
    level: int, fewest: Explanation
):
    less = candidate((level, fewest), base=wrong_base(None, 1))
    more = candidate((level, fewest), base=wrong_base(None, 2))
    assert decide([less, more])[1] is more
    assert searched(more)[-1] == level
    assert level not in searched(less)


def test_candidates_are_likely_by_default():
    of = setting()
    search: Any = StubSearch({id(of): wrong_base(of)}, {(SINGLES, id(of)): [ONE]})
    assert decide([Candidate(search, [of])])[0].found == (ONE,)


def test_an_attempt_that_counts_the_wrong_axis_is_the_outcome_without_a_search(
    monkeypatch: pytest.MonkeyPatch,
):
    miscounted = explanation(None, 1, by_scale=True)
    monkeypatch.setattr(
        "chainrule.diagnosis.decision.with_common_convention", lambda *_: miscounted
    )
    first, second = candidate((SINGLES, ONE)), candidate(base=RIGHT)
    outcome, used = decide([first, second])
    assert used is second
    assert outcome.found == (miscounted,)
    assert searched(first) == []


def test_unlikely_candidates_are_tested_only_for_correctness():
    unlikely, likely = candidate((SINGLES, ONE), likely=False), candidate((SEVERAL, TWO))
    assert decide([unlikely, likely])[1] is likely
    assert searched(unlikely) == []
    assert decide([candidate(base=RIGHT, likely=False), likely])[0].is_correct


def test_nothing_found_is_unknown_where_most_numbers_agree():
    few, many = candidate(base=wrong_base(None, 1)), candidate(base=wrong_base(None, 2))
    unlikely = candidate(base=wrong_base(None, 3), likely=False)
    outcome, used = decide([unlikely, few, many])
    assert used is many
    assert outcome.found == ()


def test_the_time_for_pairs_is_shared_but_not_below_a_minimum():
    few = [candidate(), candidate()]
    decide(few[:1], few[1:])
    assert [c.search.seconds_pairs for c in few] == [PAIRS / 2] * 2
    many = [candidate() for _ in range(10)]
    decide(many)
    assert {c.search.seconds_pairs for c in many} == {LEAST_PAIRS}


def test_results_of_an_earlier_test_are_forgotten():
    tested = candidate()
    for _ in range(2):
        assert first_correct([tested]) is None
        assert len(tested.bases) == 1


# ---- NaN and infinity ----------------------------------------------------------------------------


def session(*arrays: Observed) -> Session:
    return Session(np.ones((1, 1)), np.ones((1, 1)), np.ones(1), (arrays,))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_array_that_is_not_finite_is_named(bad: float):
    good, partial = Observed("a1", np.ones(2)), Observed("z1", np.array([bad]), partial=True)
    wrong, later = Observed("dW1", np.array([1.0, bad])), Observed("db1", np.array([bad]))
    assert first_nonfinite([session(good, partial)]) is None
    assert first_nonfinite([session(good), session(partial, wrong, later)]) == "dW1"
