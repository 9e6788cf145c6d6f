"""Rules for every command: exit codes, streams, help and imports."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chainrule import explanation
from chainrule.activations import ACTIVATIONS
from chainrule.cli import app, formats, main, options
from chainrule.cli import output as output_module
from chainrule.errors import InputError
from chainrule.explanation import NOTATIONS, build
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from chainrule.pages.digits import EXACT
from chainrule.problems import PROBLEMS
from chainrule.problems import settings as problem_settings
from tests.cli.conftest import COMMAND, Call, environment

COMMANDS = [
    "explain",
    "explore",
    "check",
    "train",
    "evaluate",
    "predict",
    "inspect",
    "cv",
    "launch",
    "export",
    "demo",
    "schema",
]
ESCAPE = "\x1b"


def imported_packages(*arguments: str) -> set[str]:
    """Return the top-level packages that a command imports."""
    python = [sys.executable, "-X", "importtime", "-m", "chainrule"]
    done = subprocess.run([*python, *arguments], capture_output=True, text=True, check=False)
    return set(re.findall(r"\| +(\w+)\S*$", done.stderr, flags=re.MULTILINE))


# ---- help ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=str)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_printed_to_standard_output(call: Call, command: list[str], option: str):
    code, out, err = call(*command, option)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: ")
    assert not re.search(r" .*\.\.\.$", out.partition("Commands:")[2], flags=re.MULTILINE), (
        "a summary is cut off"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_eighty_columns(call: Call, monkeypatch: pytest.MonkeyPatch, command: str):
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, call(command, "--help").out.splitlines())) <= 80


def test_every_command_is_listed(call: Call):
    out = call("--help").out
    listed = re.findall(r"^  ([a-z]+)  ", out, flags=re.MULTILINE)
    assert listed == COMMANDS == [command.name for command in app.registered_commands]
    assert "Exit codes: 0 success, 1 a check failed" in out


def test_without_a_command_help_is_printed(call: Call):
    code, out, err = call()
    assert code == 2
    assert "Usage: " in out + err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_top_level_help_imports_little(arguments: list[str]):
    heavy = {"numpy", "rich", "pydantic", "sklearn", "chainrule"}
    assert imported_packages(*arguments) & heavy == {"chainrule"}


LIGHT = [
    *([name, "--help"] for name in COMMANDS),
    ["schema"],
    ["explain", "mazr"],
    ["explain", "--loss", "squared"],
    ["explain", "-o", "page.pdf"],
]


def test_help_and_wrong_usage_import_no_numpy():
    """In one process: the first command that imports one of them is named."""
    program = f"""
import sys
from chainrule.cli import main
for arguments in {LIGHT}:
    main(arguments)
    heavy = {{"numpy", "sklearn"}} & set(sys.modules)
    print("imported by", arguments, heavy, file=sys.stderr) if heavy else None
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "imported by" not in done.stderr
    assert done.stdout.count("Usage: chainrule") == len(COMMANDS)
    assert done.stderr.count("Error: ") == 3


def test_explain_imports_no_scikit_learn():
    assert imported_packages("explain") & {"numpy", "sklearn", "scipy", "numba"} == {"numpy"}


@pytest.mark.parametrize(
    ("listed", "known"),
    [
        (options.RESIDUALS, problem_settings.RESIDUALS),
        (options.LEVELS, build.LEVELS),
        (tuple(formats.EXAMPLE_FORMATS), explanation.WorkedExample.formats),
    ],
)
def test_names_listed_without_numpy_are_complete(listed: tuple[str, ...], known: Iterable[str]):
    assert sorted(listed) == sorted(known)


def test_limits_defined_without_numpy_are_correct():
    assert options.MOST_STEPS == build.MOST_STEPS
    assert options.MOST_DIGITS == EXACT


def test_help_lists_all_names(call: Call):
    words = set(re.findall(r"[a-z0-9-]+", call("explain", "--help").out))
    assert {*PROBLEMS, *ACTIVATIONS, *LOSSES, *OPTIMIZERS, *NOTATIONS} <= words


@pytest.mark.parametrize("call_it", ["call", "process"])
def test_version(request: pytest.FixtureRequest, call_it: str):
    code, out, err = request.getfixturevalue(call_it)("--version")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"chainrule \d+\.\d+\.\d+\n", out)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("chainrule expla", ["explain"]),
        ("chainrule explain m", ["mazur"]),
        ("chainrule explore m", ["mazur", "moons"]),
        ("chainrule explain --loss q", ["quantile"]),
        ("chainrule schema ", ["example", "diagnosis", "notation"]),
    ],
)
def test_shell_completion(line: str, offered: list[str]):
    env = {
        "_CHAINRULE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
    }
    assert CliRunner().invoke(app, [], prog_name="chainrule", env=env).stdout.split() == offered


# ---- exit codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "mazr"], "did you mean 'mazur'?"),
        (["exlpain"], "unknown command 'exlpain'; did you mean 'explain'?"),
        (["explain", "--step", "2"], "unknown option '--step'; did you mean '--steps'?"),
        (["explain", "--foo"], "unknown option '--foo'; see --help for the options"),
        (["explain", "--weight-decay", "1"], "'l2' adds L Σw² to the loss"),
        (["explain", "--sample-weights", "1"], "did you mean '--sample-weight'?"),
        (["explain", "mazur", "more", "words"], "unexpected argument 'more words'; remove it"),
        (["explain", "--compact=1"], "--compact takes no value"),
        (["explain", "--steps"], "--steps needs a value"),
        (["explain", "--steps", "0"], "must be a whole number from 1 to 10,000,000, not '0'"),
        (["explain", "--steps", "-1"], "whole number from 1 to 10,000,000, not '-1'"),
        (["explain", "--steps", "1000000000000"], "whole number from 1 to 10,000,000"),
        (["explain", "--steps", "two"], "--steps: must be a whole number from 1"),
        (["explain", "--digits", "0"], "whole number from 1 to 17"),
        (["explain", "--digits", "18"], "whole number from 1 to 17"),
        (["explain", "--seed", "-1"], "whole number from 0"),
        (["explain", "--dropout", "x"], "--dropout: must be a number, such as 0.5, not 'x'"),
        (["explain", "--activation", "softmax"], "softmax is part of the loss"),
        (["explain", "--loss", "mse"], "use 'squared-error' and allow for the factor"),
        (["explain", "--learning-rate", "0"], "above 0"),
        (["explain", "--learning-rate", "nan"], "above 0"),
        (["explain", "--learning-rate", "inf"], "above 0"),
        (["explain", "--format", "yaml"], "--format"),
        (["explain", "-o", "page.pdf"], "add --format, or choose one of the endings .txt .md .tex"),
        (["explain", "--output", "page.html"], "to write a file, use -o page.html"),
        (
            ["explain", "--digits", "3", "--decimals", "3"],
            "cannot be combined with decimals",
        ),
        (["explain", "--seed", "1"], "has no effect, because all weights are given"),
        (["explain", "--compact", "--format", "json"], "works with text only"),
        (["schema", "exampel"], "did you mean 'example'?"),
        (["demo", "--seed", "-1"], "whole number from 0"),
    ],
    ids=" ".join,
)
def test_wrong_usage(call: Call, arguments: list[str], message: str):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("Error: ") == 1
    words = ("Input should", "valid integer", "is not a valid", "Invalid value", "Option '", "=")
    assert [word for word in words if word in err.partition("Error: ")[2]] == []


def raise_in_explain(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(explanation, "explain_problem", fail)


def test_bad_data_is_reported_without_a_traceback(call: Call, monkeypatch: pytest.MonkeyPatch):
    raise_in_explain(InputError("x is not a number; replace it"), monkeypatch)
    assert call("explain") == (3, "", "Error: x is not a number; replace it\n")


def test_internal_error_has_its_own_exit_code(call: Call, monkeypatch: pytest.MonkeyPatch):
    raise_in_explain(ZeroDivisionError("within"), monkeypatch)
    code, out, err = call("explain")
    assert (code, out) == (70, "")
    assert "ZeroDivisionError: within" in err
    assert err.endswith("This is an error in chainrule itself; please report it.\n")


def test_interruption(call: Call, monkeypatch: pytest.MonkeyPatch):
    raise_in_explain(KeyboardInterrupt(), monkeypatch)
    code, out, err = call("explain")
    assert (code, out, err.strip()) == (130, "", "Interrupted.")


@pytest.mark.parametrize("options", ["", "--format json"])
def test_broken_pipe_is_not_an_error(options: str):
    python = " ".join(COMMAND)
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {python} explain {options} | head -n 1"],  # noqa: S607  any shell
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 128 + 13}
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


@pytest.mark.parametrize("options", [[], ["--format", "json"]], ids=str)
def test_full_disk_is_reported(options: list[str]):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "explain", *options],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (3, "Error: the disk is full\n")


# ---- streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closing", "printed"), [("<&-", True), ("2>&-", True), (">&-", False), ("<&- >&- 2>&-", False)]
)
def test_closed_streams(closing: str, printed: bool):
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} explain {closing}"],  # noqa: S607  any shell
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ("w5⁺" in done.stdout) == printed


def test_standard_output_is_only_json(process: Call):
    code, out, err = process("explain", "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["schema"] == "chainrule.example/1"


def test_output_without_a_terminal_is_plain_text(process: Call):
    code, out, err = process("explain")
    assert (code, err) == (0, "")
    assert ESCAPE not in out
    assert [line for line in out.splitlines() if line != line.rstrip() or len(line) > 80] == []


def test_output_in_an_ascii_encoding(process: Call):
    code, out, err = process("explain", env=environment(PYTHONUTF8="0", PYTHONIOENCODING="ascii"))
    assert (code, err) == (0, "")
    assert "\\u2202E/\\u2202w5" in out


def test_module_and_function_give_the_same_output(process: Call, call: Call):
    assert process("schema") == call("schema")


def test_main_with_arguments_does_not_change_the_process(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chainrule.cli.set_up_process", lambda: pytest.fail("it was changed"))
    assert main(["--version"]) == 0


def test_messages_print_markup_literally(capsys: pytest.CaptureFixture[str]):
    name = f"[red]{'x' * 100}:smile:"
    output_module.say(name)
    assert capsys.readouterr().err == f"{name}\n"


def test_forced_color_does_not_make_a_terminal_live(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not output_module.is_live(output_module.messages())
    assert os.environ["FORCE_COLOR"] == "1"
