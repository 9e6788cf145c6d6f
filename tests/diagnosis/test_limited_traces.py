"""What is said of a program whose trace reached a limit, and whose functions were asked instead."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chainrule import Diagnosis
from chainrule.diagnosis import checking
from chainrule.diagnosis.tracing.checking import NotTraced

MISTAKE: Any = SimpleNamespace(mistake=None)


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (Diagnosis("wrong", "Wrong: a number has overflowed."), "could-not-run"),
        (Diagnosis("unknown", "Unknown."), "could-not-run"),
        (Diagnosis("could-not-run", "Could not be run."), "could-not-run"),
        (Diagnosis("wrong", "Wrong: it has a name.", mistakes=(MISTAKE,)), "wrong"),
        (Diagnosis("right", "Right."), "right"),
    ],
)
def test_only_what_is_explained_counts(
    monkeypatch: pytest.MonkeyPatch, asked: Diagnosis, verdict: str
):
    monkeypatch.setattr(checking, "_asked", lambda *_: asked)
    options: Any = None
    traced = NotTraced("its runs took too long", limited=True)
    found = checking._asked_instead(Path("net.py"), options, None, traced)
    assert found.verdict == verdict
    assert (found.sentence == "Not judged: its runs took too long.") == (verdict == "could-not-run")
