"""The how-to on health lists every examination, and shows the report that its program prints."""

import inspect
import re
from pathlib import Path

import pytest

from chainrule.health import EXAMINATIONS, Examination, diagnose
from chainrule.health.findings import SOLVED
from chainrule.health.formatting import format_percent
from chainrule.health.snapshot import (
    CURVATURE_SAMPLES,
    MIN_DECREASE,
    MIN_LBFGS_ITERATIONS,
    MIN_UPDATES,
    STUCK,
)

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "why-isnt-it-learning.md"
TEXT = PAGE.read_text(encoding="utf-8")


def row(examination: Examination) -> str:
    proof = examination.proof.replace("|", "\\|")
    return f"| `{examination.id}` | {proof} | {examination.remedy} |"


@pytest.mark.parametrize(("title", "sign"), [("Reasons", False), ("Signs", True)])
def test_every_examination_has_its_row(title: str, sign: bool):
    part = TEXT.partition(f"### {title}\n")[2].partition("\n#")[0]
    rows = [line for line in part.splitlines() if line.startswith("| `")]
    assert rows == [row(e) for e in EXAMINATIONS.values() if e.sign is sign]


def test_the_text_states_the_limits_of_the_code():
    words = " ".join(TEXT.split())
    limit = inspect.signature(diagnose).parameters["limit"].default
    for sentence in (
        f"A run with {format_percent(SOLVED)} or less has learned",
        f"One with {format_percent(STUCK)} or more has learned nothing",
        f"at most {limit:,} samples",
        f"on {CURVATURE_SAMPLES} samples at most",
        f"*stuck* after {MIN_UPDATES} updates ({MIN_LBFGS_ITERATIONS} iterations of L-BFGS)",
        f"fallen by less than {format_percent(MIN_DECREASE)}",
    ):
        assert sentence in words


def test_the_report_is_what_the_program_prints(capsys: pytest.CaptureFixture[str]):
    program, report = re.findall(r"^```(?:python|text)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)[
        :2
    ]
    exec(program, {})  # noqa: S102 (the program on the page)
    assert capsys.readouterr().out.rstrip() == report.rstrip()
