"""What all tests share: the option ``--full``, the size of products, and no skips unseen.

``@pytest.mark.product(activation=ACTIVATIONS, loss=LOSSES, width=[1, 3])`` runs a test over every
combination with ``--full``, and otherwise over enough of them that every pair of values occurs.
``@pytest.mark.every_value`` does the same, but normally runs over so few that every value occurs.
"""

import os
import shutil
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any, TypeAlias

import hypothesis
import pytest

Value: TypeAlias = tuple[int, int]  # the number of an axis, and of a value on it
Pair: TypeAlias = tuple[Value, Value]

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--no-first-run",
]
IN_CI = os.environ.get("CI", "") not in {"", "0", "false"}

hypothesis.settings.register_profile("default", deadline=None, derandomize=IN_CI)
hypothesis.settings.register_profile("full", deadline=None, derandomize=IN_CI, max_examples=2_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="full products and more examples")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in a shell's background jobs
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in CHOICES:
        config.addinivalue_line("markers", f"{name}(**axes): run over combinations of values")
    config.addinivalue_line("markers", "full_only: run only with --full, one of several of a kind")
    hypothesis.settings.load_profile("full" if config.getoption("full") else "default")
    if IN_CI and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipsAreErrors(), "skips-are-errors")


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether ``--full`` was asked for."""
    return bool(pytestconfig.getoption("full"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("full"):
        left_out = [item for item in items if item.get_closest_marker("full_only")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full_only")]


# ---- a browser ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return a real Chromium; there is one for all tests, because Playwright starts only once."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with playwright.sync_playwright() as started:
        path = found or started.chromium.executable_path
        if not os.path.exists(path):  # noqa: PTH110 (a path that Playwright names)
            pytest.skip("Chromium is not installed")
        launched = started.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


# ---- products -----------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    full = metafunc.config.getoption("full")
    for name, choose in CHOICES.items():
        for marker in metafunc.definition.iter_markers(name):
            names, axes = list(marker.kwargs), [list(axis) for axis in marker.kwargs.values()]
            rows = list(product(*axes)) if full else choose(axes)
            ids = ["-".join(label(value) for value in row) for row in rows]
            metafunc.parametrize(names, rows, ids=ids)


def label(value: object) -> str:
    """Name a value in a test's name: classes and functions by theirs."""
    return getattr(value, "__name__", str(value))


def pairwise(axes: Sequence[Sequence[object]]) -> list[tuple[object, ...]]:
    """Choose rows of the product so that every pair of values of two axes occurs in one."""
    if len(axes) < 2:
        return list(product(*axes))
    values = [[(i, k) for k in range(len(axis))] for i, axis in enumerate(axes)]
    missing = {pair for two in combinations(values, 2) for pair in product(*two)}
    rows = []
    while missing:
        row = complete(min(missing), values, missing)
        missing.difference_update(combinations(row, 2))
        rows.append(tuple(axes[i][k] for i, k in row))
    return rows


def complete(pair: Iterable[Value], values: list[list[Value]], missing: set[Pair]) -> list[Value]:
    """Extend a pair to a row, on each axis by the value that meets most of the missing pairs."""
    row = dict(pair)
    for axis, choices in enumerate(values):
        if axis not in row:
            row[axis] = max(choices, key=lambda value: gain(value, row, missing))[1]
    return sorted(row.items())


def gain(value: Value, row: Mapping[int, int], missing: set[Pair]) -> int:
    """Count the missing pairs that a value makes with those of a row."""
    return sum((min(value, other), max(value, other)) in missing for other in row.items())


def cover(axes: Sequence[Sequence[object]]) -> list[tuple[object, ...]]:
    """Return as few rows as contain every value.

    Shorter axes are repeated, shifted so that axes of one length do not always meet alike.
    """
    return [
        tuple(axis[(i + k * (i // len(axis))) % len(axis)] for k, axis in enumerate(axes))
        for i in range(max(map(len, axes)))
    ]


CHOICES = {"product": pairwise, "every_value": cover}  # by marker


# ---- skips --------------------------------------------------------------------------------------


class SkipsAreErrors:
    """Fails a session in which a test was skipped, and names the tests."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skipped:
            terminalreporter.section("skipped tests are errors in CI", red=True)
            terminalreporter.write_line("\n".join(self.skipped))
