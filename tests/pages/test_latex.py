"""LaTeX of pages that are not worked examples: diagnoses and health reports."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.diagnosis import Diagnosis
from chainrule.health import diagnose
from tests.diagnosis.test_report import SAMPLES, WRONG
from tests.pages.pdflatex import complaints, needs_pdflatex

STRANGE = replace(
    WRONG,
    sentence=r"50 % of \input{x} & $ # _ ^ ~ {braces} -- 中文 é ✓ ✗",
    source=r"a_file\with$signs%.py: f",
    remarks=("x" * 300, "<b>|bars|</b>"),
)


@needs_pdflatex
@pytest.mark.parametrize("name", [*SAMPLES, "strange"])
def test_pdflatex_accepts_a_diagnosis_without_a_warning(name, tmp_path):
    diagnosis: Diagnosis = SAMPLES.get(name, STRANGE)
    assert complaints(diagnosis.to_latex(), tmp_path) == []


@needs_pdflatex
def test_pdflatex_accepts_a_health_report_without_a_warning(tmp_path):
    network = Network(2, (Dense(3, "relu"), Dense(1, "identity")), "squared-error")
    x = np.random.default_rng(0).normal(size=(20, 2)) * 1000
    health = diagnose(network, network.initialize(0), x, x[:, :1])
    assert not health.ok
    health.save(tmp_path / "health.tex")
    assert complaints((tmp_path / "health.tex").read_text(encoding="ascii"), tmp_path) == []


def test_a_diagnosis_in_latex_has_both_formulas_and_the_arithmetic():
    page = WRONG.to_latex()
    mistake = WRONG.mistakes[0]
    assert r"\side{\textcolor{minus}" in page
    assert r"\side{\textcolor{plus}" in page
    assert page.count(r"\defines{") == 2
    assert mistake.wrong is not None
    assert rf"\mathbf{{{mistake.wrong.result}}}" in page


def test_a_hint_hides_the_same_in_latex():
    page = replace(WRONG, hint=1).to_latex()
    assert "delta" not in page
    assert "Repair" not in page
