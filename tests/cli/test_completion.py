"""What bash and zsh complete, through the protocol between them and the program."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from chainrule.cli import app
from chainrule.cli.completion import in_shell

HEADER = "customer id,income (EUR),churn,city\n1,2.5,yes,Oslo\n2,3.5,no,Bern\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with a table, a model's name, and a folder with a table."""
    monkeypatch.chdir(tmp_path)
    for name in ("customers.csv", "sub/my rows.csv", "mine.safetensors", "many.txt"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(HEADER, encoding="utf-8")
    return tmp_path


def in_bash(*words: str) -> list[str]:
    """Return what is offered for the last of the words, as bash would insert it."""
    env = {
        "_CHAINRULE_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(("chainrule", *words)),
        "COMP_CWORD": str(len(words)),
    }
    out = CliRunner().invoke(app, [], prog_name="chainrule", env=env).stdout
    return [line for line in out.split("\n") if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("train", "customers.csv", "--target", "c"), ["customer\\ id", "churn", "city"]),
        (("train", "customers.csv", "--target", "customer\\ i"), ["customer\\ id"]),
        (("train", "customers.csv", "--target", "'cust"), ["customer id"]),
        (("train", "customers.csv", "--drop", "city,i"), ["city,income\\ \\(EUR\\)"]),
        (("cv", "customers.csv", "--seed", "1", "--categories", "ch"), ["churn"]),
        (("train", "--target", "c"), []),
        (("train", "many.zip", "--target", "c"), []),
        (("train", "customers.csv", "--activation", "relu,ta"), ["relu,tanh"]),
        (("train", "ir"), ["iris"]),
        (("train", "cust"), []),  # files are the shell's
        (("predict", "m"), ["mine.safetensors"]),
        (("predict", "su"), []),
        (("explain", "m"), ["mazur", "mine.safetensors"]),
        (("explain", "mine.safetensors", "i"), ["iris"]),
        (("explain", "mine.safetensors", "--data", "i"), ["iris"]),
        (("check", "mine.safetensors", "wi"), ["wine"]),
    ],
    ids=str,
)
def test_words_are_offered_to_bash(words: tuple[str, ...], offered: list[str]):
    assert in_bash(*words) == offered


def test_zsh_quotes_names_itself():
    env = {
        "_CHAINRULE_COMPLETE": "complete_zsh",
        "_TYPER_COMPLETE_ARGS": "chainrule train customers.csv --target cu",
    }
    out = CliRunner().invoke(app, [], prog_name="chainrule", env=env).stdout
    assert out.strip() == """_arguments '*: :(("customer id"))'"""
    assert in_shell("customer id") == "customer id"
