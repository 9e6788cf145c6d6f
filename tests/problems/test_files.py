"""Problem files: TOML and JSON are equivalent, and errors name the file."""

import json
from pathlib import Path
from typing import Any

import pytest

from chainrule.errors import InputError, UnknownNameError
from chainrule.problems import PROBLEMS, Problem, read_problem

TOML = """
title = "Two samples"
layers = [2, 3, 1]
activation = ["tanh", "logistic"]
inputs = [[0.05, 0.10], [0.2, 0.3]]
targets = [[0.1], [0.9]]
learning-rate = 0.25
train-biases = false
steps = 10
show = [1, 10]
digits = 5
"""


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str | bytes, name: str = "net.toml") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_toml(write: Any):
    spec = read_problem(write(TOML))
    p = spec.problem
    assert (p.title, p.network.widths) == ("Two samples", (2, 3, 1))
    assert (p.x, p.t) == (((0.05, 0.10), (0.2, 0.3)), ((0.1,), (0.9,)))
    assert not p.network.layout.blocks[1].trains
    assert (spec.steps, spec.show, spec.digits, spec.seed) == (10, (1, 10), 5, 0)


def test_json_is_equivalent(write: Any):
    import tomllib

    path = write(json.dumps(tomllib.loads(TOML)), "net.json")
    assert read_problem(str(path)) == read_problem(write(TOML))


def test_uppercase_endings_and_byte_order_mark(write: Any):
    assert read_problem(write("\ufeff" + TOML, "NET.TOML")) == read_problem(write(TOML))


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_preset_without_changes(write: Any, name: str):
    assert read_problem(write(f'preset = "{name}"')).problem == PROBLEMS[name]


def test_preset_with_changes(write: Any):
    changed: Problem = read_problem(write('preset = "mazur"\nlayers = [2, 4, 2]')).problem
    assert changed.network.widths == (2, 4, 2)
    assert changed.x == PROBLEMS["mazur"].x


@pytest.mark.parametrize(
    "text",
    [
        "0.05,0.1\n0.2,0.3\n",
        "first,second\r\n.05,.1\r\n.2,.3",
        "0.05;0.1\n\n0.2;0.3",
        "a\tb\n.05\t.1\n.2\t.3",
    ],
)
def test_rows_in_a_csv_file(write: Any, text: str):
    write(text, "rows.csv")
    own = TOML.replace("[[0.05, 0.10], [0.2, 0.3]]", '"rows.csv"')
    assert read_problem(write(own)) == read_problem(write(TOML))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "has no rows"),
        ("", "has no rows"),
        ("1,2\n3,x\n", "line 2: 'x' is not a finite number"),
        ("1,2\n3,nan\n", "line 2: 'nan' is not a finite number"),
        ("1,b\n3,4\n", "line 1: 'b' is not a finite number"),
        ("1,2\n3\n", "rows of equal length"),
    ],
)
def test_invalid_csv_files(write: Any, text: str, message: str):
    write(text, "rows.csv")
    with pytest.raises(InputError, match=message) as caught:
        read_problem(write('preset = "mazur"\ninputs = "rows.csv"'))
    assert "net.toml: inputs: " in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("net.toml", "layers = [2, 3", r"net\.toml: not valid TOML at end of document; check"),
        ("net.toml", "seed = 1\nseed = 2", r"net\.toml: not valid TOML at end of document; check"),
        ("net.json", "{", r"net\.json: not valid JSON at line 1, column 2; check"),
        ("net.json", "[1]", r"net\.json: the file must contain an object"),
        ("net.json", '{"seed": 1, "seed": 2}', r"net\.json: the key 'seed' is repeated"),
        ("net.json", "[" * 100_000, r"net\.json: not valid JSON; its brackets"),
        ("net.json", '{"preset": "mazur", "inputs": [NaN, 1]}', r"net\.json: inputs: nan is not"),
        ("net.toml", 'preset = "mazur"\ninputs = [nan, 1]', r"net\.toml: inputs: nan is not"),
        (
            "net.toml",
            'preset = "mazur"\nsteps = "two"',
            r"net\.toml: steps: must be a whole number from 1, not 'two'",
        ),
        ("net.toml", "preset = 3", r"net\.toml: preset: must be text, not 3"),
        ("net.toml", "layers = [2, 3, 1]", r"net\.toml: inputs: missing"),
        ("net.toml", "", r"net\.toml: layers: missing"),
        ("net.toml", 'preset = "mazur"\nweights = [1]', r"net\.toml: weights: got 1 numbers"),
        (
            "net.yaml",
            "layers: [2, 3, 1]",
            r"net\.yaml: a problem file must end in \.toml or \.json",
        ),
        ("net.toml", b"\xff\xfe", r"cannot read .*net\.toml: it is not UTF-8"),
    ],
)
def test_invalid_files(write: Any, name: str, text: str, message: str):
    with pytest.raises(InputError, match=message):
        read_problem(write(text, name))


@pytest.mark.parametrize("text", ["layer = [2, 3, 1]", "[layer]\nsizes = 3"])
def test_unknown_keys_are_rejected_with_a_suggestion(write: Any, text: str):
    with pytest.raises(UnknownNameError, match=r"net\.toml: unknown setting 'layer'; did you "):
        read_problem(write(text))


@pytest.mark.parametrize("name", ["missing.toml", "folder.toml"])
def test_missing_files(tmp_path: Path, name: str):
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(InputError, match=f"cannot read .*{name}: .*; choose another file"):
        read_problem(tmp_path / name)
