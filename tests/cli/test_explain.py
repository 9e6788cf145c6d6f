"""``chainrule explain``: that each option reaches the example, and each format its place.

The numbers themselves are tested with the explanation and in tests/worked.
"""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from chainrule.cli import explain
from chainrule.problems import PROBLEMS
from tests.cli.conftest import Call, Outcome


def document(outcome: Outcome) -> dict:
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def values(outcome: Outcome, key: str, step: int = -1) -> list[float]:
    """Return the values of a quantity in a step of the example."""
    quantities = document(outcome)["steps"][step]["quantities"]
    return [row["value"] for row in quantities if row["key"] == key]


@pytest.mark.parametrize("preset", sorted(PROBLEMS))
def test_every_preset_in_both_formats(call: Call, preset: str):
    text = call("explain", preset)
    assert (text.code, text.err) == (0, "")
    assert text.out.startswith(PROBLEMS[preset].title)
    worked = document(call("explain", preset, "--format", "json"))
    assert worked["title"] == PROBLEMS[preset].title
    Draft202012Validator(json.loads(call("schema", "example").out)).validate(worked)


def test_the_default_is_the_famous_example(call: Call):
    out = call("explain").out
    assert out == call("explain", "mazur", "--steps", "1", "--format", "text", "-o", "-").out
    assert re.search(r"w5⁺ = w5 - η·∂E/∂w5\n +.*\n += 0\.35891648$", out, flags=re.MULTILINE)
    assert "error 0.298371109 → 0.291027774" in out
    assert out.endswith("\n")
    assert not out.endswith("\n\n")


def test_compact_has_one_line_for_a_number(call: Call):
    out = call("explain", "--compact").out
    assert "w5⁺ = 0.4 - 0.5·0.082167040564 = 0.35891648\n" in out


def test_biases_are_trained_or_not(call: Call):
    assert values(call("explain", "--train-biases", "--format", "json"), "b1_new[0]") == [
        pytest.approx(0.345614322655, abs=1e-12)
    ]
    left = values(call("explain", "half-adder", "--no-train-biases", "--format=json"), "b1_new[0]")
    drawn = PROBLEMS["half-adder"].theta(0)
    assert left[0] in drawn.tolist()


def test_steps_show_the_first_and_the_last(call: Call):
    worked = document(call("explain", "--steps", "7", "--format", "json"))
    assert [step["step"] for step in worked["steps"]] == [1, 7]


def test_the_learning_rate(call: Call):
    (new,) = values(call("explain", "--learning-rate", "1", "--format=json"), "W2_new[0,0]")
    assert new == pytest.approx(0.4 - 0.0821670405642308, abs=1e-12)


def test_the_seed_draws_the_weights(call: Call):
    ones = [call("explain", "half-adder", f"--seed={seed}").out for seed in (0, 0, 1)]
    assert ones[0] == ones[1] != ones[2]


def test_a_seed_without_effect_is_told(call: Call):
    assert call("explain", "--seed", "3").err.startswith("Note: ")
    assert call("explain", "half-adder", "--seed", "3").err == ""


def test_digits(call: Call):
    assert "= 0.359\n" in call("explain", "--digits", "3").out


# ---- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["page", "page.txt", "page.TXT"])
def test_a_file_of_text(call: Call, tmp_path: Path, name: str):
    path = tmp_path / name
    assert call("explain", "-o", str(path)) == (0, "", f"Wrote {path}.\n")
    assert path.read_text(encoding="utf-8") == call("explain").out
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("options", [["mazur.json"], ["data", "--format", "json"]], ids=str)
def test_a_file_of_json(call: Call, tmp_path: Path, options: list[str]):
    name, *options = options
    assert call("explain", "-o", str(tmp_path / name), *options)[:2] == (0, "")
    written = (tmp_path / name).read_text(encoding="utf-8")
    assert written == call("explain", "--format", "json").out


def test_a_format_that_is_named_beats_the_ending(call: Call, tmp_path: Path):
    path = tmp_path / "page.html"
    assert call("explain", "-o", str(path), "--format", "text").code == 0
    assert path.read_text(encoding="utf-8").startswith("The 2-2-2 example")


def test_a_place_that_cannot_be_written(call: Call, tmp_path: Path):
    path = tmp_path / "missing" / "page.txt"
    code, out, err = call("explain", "-o", str(path))
    assert (code, out) == (3, "")
    assert err == f"Error: cannot write {path}: No such file or directory; name another file\n"
    assert call("explain", "-o", str(tmp_path)).err.startswith(f"Error: cannot write {tmp_path}: ")


# ---- waiting ------------------------------------------------------------------------------------


def test_a_long_wait_prints_nothing_off_a_terminal(call: Call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(explain, "LONG", 1)
    assert call("explain", "--compact").err == ""


def test_chosen_steps_are_shown(call: Call):
    steps = json.loads(call("explain", "--steps", "5", "--show", "2,4", "--format", "json").out)
    assert [step["step"] for step in steps["steps"]] == [2, 4]


@pytest.mark.parametrize("steps", ["6", "0", "x", "1,,2", "-1"])
def test_steps_that_are_not_run_cannot_be_shown(call: Call, steps: str):
    outcome = call("explain", "--steps", "5", "--show", steps)
    assert outcome.code == 2
    assert "--show" in outcome.err
