"""Time limits: of searches, by a clock that each test sets, and of calls."""

import gc
import sys
from typing import Any

import pytest

from chainrule import check
from chainrule.submission import TimeLimit, time_limit
from chainrule.submission.calls import CallError, call_guarded
from tests.diagnosis.test_testing import NETWORK, odd


class Clock:
    """A clock that advances by `step` seconds each time it is read."""

    def __init__(self, step: float) -> None:
        self.step, self.time = step, 0.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time


def test_a_limit_is_over_after_its_seconds(monkeypatch: pytest.MonkeyPatch):
    clock = Clock(0.0)
    monkeypatch.setattr(time_limit, "now", clock)
    limit = TimeLimit(2.0)
    clock.time = 2.0
    assert not limit.is_over
    clock.time = 2.1
    assert limit.is_over


def test_a_limit_without_seconds_is_never_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(time_limit, "now", Clock(1e9))
    assert not TimeLimit().is_over


def test_a_search_without_time_is_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(time_limit, "now", Clock(100.0))
    found = check(odd, NETWORK)
    assert found.verdict == "unknown"
    assert any("because the time limit was reached" in text for text in found.remarks)


def test_a_time_limit_loses_no_exception_in_a_callback_of_garbage_collection(
    monkeypatch: pytest.MonkeyPatch,
):
    """Python prints such an exception and ignores it, so it must be raised elsewhere."""
    lost: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)

    def takes_long(phase: str, info: dict[str, int]) -> None:
        total = 0
        for number in range(20_000):
            total += number

    def endless() -> None:
        while True:
            gc.collect()

    gc.callbacks.append(takes_long)
    try:
        with pytest.raises(CallError, match="still running"):
            call_guarded(endless, [], seconds=0.2)
    finally:
        gc.callbacks.remove(takes_long)
    assert lost == []
