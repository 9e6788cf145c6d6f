"""Tests of tests/conftest.py: products cover every pair of values, and CI fails on a skipped test.

The second is tested with sessions that pytest runs inside this one.
"""

from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import cover, pairwise

CONFTEST = Path(__file__).parents[1] / "conftest.py"

pytest_plugins = ["pytester"]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_every_pair_of_values_occurs(sizes: list[int]):
    rows = pairwise([range(size) for size in sizes])
    for i, j in combinations(range(len(sizes)), 2):
        assert {(row[i], row[j]) for row in rows} == set(product(range(sizes[i]), range(sizes[j])))


def test_pairwise_rows_are_far_fewer_than_the_product():
    assert len(pairwise([range(11), range(8), range(3), range(3), range(3), range(2)])) < 120


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_every_value_occurs_in_as_few_rows_as_possible(sizes: list[int]):
    rows = cover([range(size) for size in sizes])
    assert [set(values) for values in zip(*rows, strict=True)] == [set(range(n)) for n in sizes]
    assert len(rows) == max(sizes)


@pytest.fixture
def session(pytester: pytest.Pytester) -> Iterator[pytest.Pytester]:
    """Prepare a session within this one, and undo what it does to Hypothesis."""
    name, profile = settings.get_current_profile_name(), settings()
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    yield pytester
    settings.register_profile(name, profile)
    settings.load_profile(name)


@pytest.mark.parametrize(
    ("marker", "options", "count"),
    [
        ("product", [], 4),
        ("every_value", [], 2),
        ("product", ["--full"], 8),
        ("every_value", ["--full"], 8),
    ],
)
def test_full_runs_the_product(
    session: pytest.Pytester, marker: str, options: list[str], count: int
):
    session.makepyfile(
        "import pytest\n"
        f"@pytest.mark.{marker}(a=[0, 1], b=[0, 1], c=[0, 1])\n"
        "def test_it(a, b, c, full): assert full in (True, False)"
    )
    session.runpytest(*options).assert_outcomes(passed=count)


SKIPS = {
    "call": "import pytest\ndef test_it(): pytest.skip('why')",
    "mark": "import pytest\n@pytest.mark.skip\ndef test_it(): pass",
    "module": "import pytest\npytest.skip('why', allow_module_level=True)",
}


@pytest.mark.parametrize(
    ("kind", "workers"), [("call", 0), ("mark", 0), ("module", 0), ("call", 1), ("module", 1)]
)
def test_a_skip_fails_the_session_in_ci(
    session: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, kind: str, workers: int
):
    monkeypatch.setenv("CI", "true")
    session.makepyfile(test_skips=SKIPS[kind], test_passes="def test_passes(): pass")
    result = session.runpytest("-n", str(workers))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*skipped tests are errors in CI*", "test_skips.py*"])


def test_a_skip_passes_outside_ci(session: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CI", raising=False)
    session.makepyfile(SKIPS["call"])
    assert session.runpytest().ret == pytest.ExitCode.OK


def test_an_expected_failure_does_not_count_as_a_skip(
    session: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CI", "true")
    session.makepyfile("import pytest\n@pytest.mark.xfail\ndef test_it(): assert False")
    assert session.runpytest().ret == pytest.ExitCode.OK
