"""Tests of the runner of the documents' examples, and of the README.

The documents themselves are collected by the conftest.py in the root folder.
"""

import re
import subprocess
from pathlib import Path

import pytest
from sybil import Document

from tests.documents import DOCUMENTS, commands, fault, matches, run_block

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 120


def test_the_readme_links_to_files_that_exist():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text(encoding="utf-8"))
    assert [link for link in links if not (README.parent / link).exists()] == []
    assert len(links) > 5


def test_the_design_names_modules_that_exist():
    text = (README.parent / "docs" / "design.md").read_text(encoding="utf-8")
    names = set(re.findall(r"(?:`|^)(\w+(?:\.py|/))(?:`| )", text, flags=re.MULTILINE))
    source = README.parent / "src" / "chainrule"
    there = {path.name + ("/" if path.is_dir() else "") for path in source.rglob("*")}
    assert names - there == set()
    assert len(names) > 50


@pytest.mark.parametrize(
    "shown", ["a b c", "...", "a ...", "... c", "a ... c", "a ... b c", "... b ..."]
)
def test_lines_match(shown: str):
    assert matches(shown.split(), ["a", "b", "c"])


@pytest.mark.parametrize("shown", ["", "a b", "b c", "a b c d", "a ... b", "A ...", "a ... d ..."])
def test_lines_do_not_match(shown: str):
    assert not matches(shown.split(), ["a", "b", "c"])


def test_a_block_is_split_into_commands():
    block = "$ chainrule one \\\n  --more\nshown  \n\nlines\n\n$ echo $?\n"
    assert list(commands(block)) == [
        ("chainrule one \\\n  --more", ["shown", "", "lines"]),
        ("echo $?", []),
    ]


def outcome(out: str = "", err: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, out, err)


@pytest.mark.parametrize(
    ("shown", "done"),
    [
        ([], outcome("anything")),
        (["a", "", "b"], outcome("a  \n\nb\n\n", "progress")),
        (["an error"], outcome("", "an error\n", 2)),
        (["wrong"], outcome("wrong\n", "", 1)),
    ],
)
def test_expected_outcomes_pass(shown: list[str], done: subprocess.CompletedProcess[str]):
    assert fault("command", shown, done) is None


@pytest.mark.parametrize(
    ("shown", "done"),
    [
        ([], outcome("", "an error", 2)),
        (["a"], outcome("b")),
        (["a"], outcome("")),
        (["..."], outcome("", "Traceback (most recent call last):\n", 1)),
    ],
)
def test_unexpected_outcomes_are_found(shown: list[str], done: subprocess.CompletedProcess[str]):
    assert "command" in (fault("command", shown, done) or "")


def test_an_exit_code_can_be_shown():
    block = "$ chainrule --no-such-option 2>/dev/null || (exit 3)\n...\n$ echo $?\n{}\n"
    assert run_block(block.format(3)) is None
    assert "prints:\n3" in (run_block(block.format(4)) or "")


def test_only_blocks_of_three_languages_are_run(tmp_path: Path):
    path = tmp_path / "page.md"
    fence = "```"
    languages = ["python", "pycon", "console", "text", "bash", "make"]
    path.write_text("\n".join(f"{fence}{name}\n>>> 1 + 1\n2\n{fence}\n" for name in languages))
    document = Document.parse(str(path), *DOCUMENTS.parsers)
    assert len(list(document.examples())) == 3
