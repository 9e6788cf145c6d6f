"""Characters that could manipulate a terminal or the order of a text are shown as their numbers."""

import json
from pathlib import Path

import pytest

from chainrule import WorkedExample, explain_problem, read_problem
from chainrule.cli import main
from chainrule.visible import UNSEEN, all_visible, visible, visible_json

HARMFUL = "\x1b[31m\x07\x7f\x9b\u202e\u2066\u2028"


@pytest.fixture
def example(tmp_path: Path) -> WorkedExample:
    """A worked example whose title and source come from a file."""
    file = tmp_path / "problem.json"
    settings = {"layers": [2, 1], "activation": "tanh", "loss": "squared-error"}
    data = {"inputs": [[0.1, 0.2]], "targets": [[1.0]], "learning-rate": 0.1}
    texts = {"title": f"begin {HARMFUL} end", "source": f"by {HARMFUL}."}
    file.write_text(json.dumps({**settings, **data, **texts}))
    return explain_problem(read_problem(file).problem)


@pytest.mark.parametrize("name", sorted(WorkedExample.formats))
def test_no_format_has_them(example: WorkedExample, name: str):
    text = example.to_format(name)
    assert not UNSEEN.search(text)
    assert "begin" in text


@pytest.mark.parametrize("name", ["text", "html", "markdown", "latex"])
def test_their_numbers_are_shown(example: WorkedExample, name: str):
    text = example.to_format(name).replace("\\allowbreak{}", "").replace("\\", "")
    assert all(f"[U+{n:04X}]" in text for n in (0x1B, 7, 0x7F, 0x9B, 0x202E, 0x2066))


def test_a_terminal_and_a_notebook_do_not_get_them(
    example: WorkedExample, capsys: pytest.CaptureFixture[str]
):
    example.print()
    assert not UNSEEN.search(capsys.readouterr().out + example._repr_html_())


def test_json_has_the_same_content(example: WorkedExample):
    assert json.loads(example.to_json())["title"] == example.title == f"begin {HARMFUL} end"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"w{HARMFUL[0]}\u202e.csv", "w1+,0.1\n"),
        ("w.csv", f"w{HARMFUL[:-1]},0.1\n"),
        ("w.json", json.dumps({HARMFUL: 0.1})),
    ],
)
def test_messages_do_not_have_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str
):
    file = tmp_path / name
    file.write_text(content)
    main(["check", str(file), "--problem", "mazur", "-o", f"{file}.txt"])
    printed = capsys.readouterr()
    assert not UNSEEN.search(printed.out + printed.err)


def test_other_text_stays_as_it_is():
    text = "tabs\tand\nlines, öß \u05d0 \U0001f600 \u200d δ₁ ∂E/∂w"
    assert visible(text) == visible_json(text) == text


def test_content_without_them_is_the_same_object(example: WorkedExample):
    clean = all_visible(example.page())
    assert all_visible(clean) is clean
