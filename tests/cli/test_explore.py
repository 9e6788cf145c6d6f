"""``chainrule explore``: it writes the page that explain describes, and opens it."""

import tempfile
import webbrowser
from pathlib import Path

import pytest
import typer

from chainrule import explain_problem, explore, problem
from chainrule.cli import app
from chainrule.cli.explore import OF_FORMATS
from chainrule.names import DATA_SETS
from tests.cli.conftest import Call


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Return the addresses that are opened; temporary files go to a folder."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: not addresses.append(address))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return addresses


def names(command: str) -> set[str]:
    """Return the names of a command's parameters."""
    commands = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
    return {parameter.name for parameter in commands[command].params}


def test_its_options_are_those_of_explain():
    assert names("explore") == names("explain") - {*OF_FORMATS} | {"file"}


def test_it_opens_a_temporary_file(call: Call, opened: list[str], tmp_path: Path):
    code, out, err = call("explore")
    (file,) = tmp_path.glob("chainrule-*.html")
    assert (code, out) == (0, "")
    assert err.replace("\n", "") == f"Opened {file}."
    assert opened == [file.as_uri()]
    assert file.read_text(encoding="utf-8") == explain_problem(problem("mazur")).to_html()


def test_without_a_browser_it_names_the_file(
    call: Call, monkeypatch: pytest.MonkeyPatch, opened: list[str], tmp_path: Path
):
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    code, _, err = call("explore", "xor")
    (file,) = tmp_path.glob("chainrule-*.html")
    assert code == 0
    assert f"Wrote {file}; no browser was found" in err


def test_a_file_is_written_and_nothing_opened(call: Call, opened: list[str], tmp_path: Path):
    file = tmp_path / "page.html"
    assert call("explore", "huddar", "-o", str(file)) == (0, "", f"Wrote {file}.\n")
    explained = tmp_path / "explained.html"
    assert call("explain", "huddar", "-o", str(explained)).code == 0
    assert file.read_bytes() == explained.read_bytes()
    assert opened == []


def test_the_page_goes_to_standard_output(call: Call, opened: list[str]):
    code, out, err = call("explore", "-o", "-")
    assert (code, err) == (0, "")
    assert out.startswith("<!DOCTYPE html>")
    assert opened == []


def test_a_file_of_settings_and_options(call: Call, tmp_path: Path):
    settings = tmp_path / "mine.toml"
    settings.write_text('preset = "mazur"\ntitle = "Mine"\n')
    file = str(tmp_path / "page.html")
    code, _, err = call("explore", str(settings), "--optimizer", "adam", "-o", file)
    assert code == 0, err
    page = Path(file).read_text(encoding="utf-8")
    assert "<title>Mine</title>" in page
    assert '"name":"adam"' in page


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_data_set_is_opened_as_python_opens_it(call: Call, tmp_path: Path, name: str):
    file = tmp_path / "page.html"
    assert call("explore", name, "-o", str(file)) == (0, "", f"Wrote {file}.\n")
    assert file.read_text(encoding="utf-8") == explore(name).to_html()


def test_options_apply_to_a_data_set(call: Call, tmp_path: Path):
    file = tmp_path / "page.html"
    words = ("spiral", "--optimizer", "sgd", "--parameter", "W2[0,3]", "-o", str(file))
    assert call("explore", *words).code == 0
    page = file.read_text(encoding="utf-8")
    assert '"name":"sgd"' in page
    assert '"validation"' in page


def test_help_names_the_data_sets(call: Call):
    text = call("explore", "--help").out
    assert all(name in text for name in DATA_SETS)
    assert not any(
        name in call("explain", "--help").out for name in DATA_SETS if name != "regression"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["mazr"], 2, "did you mean 'mazur'?"),
        (["spirl"], 2, "did you mean 'spiral'?"),
        (["--lerning-rate", "1"], 2, "did you mean '--learning-rate'?"),
        (["--learning-rate", "0"], 2, "--learning-rate: must be a number above 0"),
        (["--format", "html"], 2, "unknown option '--format'"),
        (["--seed", "1"], 2, "has no effect, because all weights are given"),
        (["--level", "summary", "--residual", "o-t"], 2, "--residual: has no effect"),
        (["--parameter", "w99"], 2, "--parameter"),
        (["no-such.toml"], 3, "no-such.toml"),
        (["-o", "no-such-folder/page.html"], 3, "cannot write no-such-folder/page.html"),
    ],
    ids=str,
)
def test_errors_are_as_clear_as_those_of_explain(
    call: Call, opened: list[str], arguments: list[str], code: int, message: str
):
    got = call("explore", *arguments)
    assert got.code == code
    assert got.out == ""
    assert message in got.err.replace("\n", " ")
    assert opened == []
