"""Fixtures that call the command line: in this process, in a subprocess, or in a terminal."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pexpect
import pytest

from chainrule.cli import main

COMMAND = [sys.executable, "-m", "chainrule"]
SHORT_DEMO = f"{sys.executable} {Path(__file__).with_name('short_demo.py')} demo"
TERMINAL_VARIABLES = (
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
)


class Outcome(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


Call = Callable[..., Outcome]


def environment(**changes: str) -> dict[str, str]:
    """Return an environment whose terminal is xterm, with some variables changed."""
    plain = {name: value for name, value in os.environ.items() if name not in TERMINAL_VARIABLES}
    return {**plain, "TERM": "xterm-256color", "PYTHONUTF8": "1", **changes}


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Call a command in this process."""

    def run(*arguments: str) -> Outcome:
        code = main(list(arguments))
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run


@pytest.fixture
def process() -> Call:
    """Call a command in a subprocess, without a terminal."""

    def run(*arguments: str, env: dict[str, str] | None = None, **options: Any) -> Outcome:
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=env or environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
            **options,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def demo() -> Outcome:
    """Run the demo once in a subprocess, for all tests of its output."""
    done = subprocess.run(
        [*COMMAND, "demo"],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def terminal() -> Iterator[Callable[..., pexpect.spawn]]:
    """Call a command in a terminal of 80 columns and 24 lines."""
    started: list[pexpect.spawn] = []

    def spawn(*arguments: str, width: int = 80, script: str = "", **changes: str) -> pexpect.spawn:
        command = ["bash", "-c", script] if script else [*COMMAND, *arguments]
        started.append(
            pexpect.spawn(
                command[0],
                command[1:],
                env=environment(**changes),
                dimensions=(24, width),
                encoding="utf-8",
                timeout=120,
            )
        )
        return started[-1]

    yield spawn
    for child in started:
        child.close(force=True)


def finish(child: pexpect.spawn) -> tuple[int, str]:
    """Wait for a command in a terminal; return its exit code, and all that it printed."""
    child.expect(pexpect.EOF)
    child.close()
    assert child.signalstatus is None, child.before
    return int(child.exitstatus or 0), str(child.before)
