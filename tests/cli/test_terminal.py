"""The command line in a pseudo-terminal: progress bars, color, and a visible cursor at the end."""

import re
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from tests.cli.conftest import SHORT_DEMO, finish

pytestmark = pytest.mark.filterwarnings("ignore:.*forkpty:DeprecationWarning")

Terminal = Callable[..., pexpect.spawn]

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
COLOR = re.compile(r"\x1b\[(?:\d+;)*(?:3\d|9\d|38;[\d;]+|4\d|48;[\d;]+)(?:;\d+)*m")
ESCAPE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


def test_progress_bar_in_a_terminal(terminal: Terminal):
    code, seen = finish(terminal("demo"))
    assert code == 0
    epochs = [int(n) for n in re.findall(r"epoch +(\d+)/20", ESCAPE.sub("", seen))]
    assert len(set(epochs)) > 1  # drawn ten times per second, so the number depends on the machine
    assert epochs == sorted(epochs)
    assert epochs[-1] == 20
    assert "\x1b[2K" in seen  # lines are redrawn
    assert seen.count(HIDE) == seen.count(SHOW) > 0
    assert COLOR.search(seen)
    assert "accuracy on held-out digits" in seen


def test_no_color(terminal: Terminal):
    code, seen = finish(terminal(script=SHORT_DEMO, NO_COLOR="1"))
    assert code == 0
    assert not COLOR.search(seen)
    assert "epoch 20/20" in ESCAPE.sub("", seen)


def test_progress_lines_in_a_dumb_terminal(terminal: Terminal):
    code, seen = finish(terminal(script=SHORT_DEMO, TERM="dumb"))
    assert code == 0
    assert "\x1b" not in seen
    assert len(re.findall(r"epoch \d+/20: ", seen)) == 4


def test_interruption_restores_the_cursor(terminal: Terminal):
    child = terminal("demo")
    child.expect(r"reading the digits|epoch")
    child.sendintr()
    code, seen = finish(child)
    assert code == 130
    assert seen.rstrip().endswith("Interrupted.")
    assert "Traceback" not in seen
    assert SHOW in seen


def test_progress_bar_with_results_redirected_to_a_file(terminal: Terminal, tmp_path: Path):
    path = tmp_path / "results"
    code, seen = finish(terminal(script=f"{SHORT_DEMO} > {path}"))
    assert code == 0
    assert HIDE in seen
    assert "accuracy on held-out digits" not in seen
    assert "\x1b" not in path.read_text()
    assert "accuracy on held-out digits" in path.read_text()


def test_color_with_messages_redirected_to_a_file(terminal: Terminal, tmp_path: Path):
    path = tmp_path / "messages"
    code, seen = finish(terminal(script=f"{SHORT_DEMO} 2> {path}"))
    assert code == 0
    assert COLOR.search(seen)
    assert HIDE not in seen
    assert "\x1b" not in path.read_text()


def test_forced_color_shows_no_progress_bar(terminal: Terminal, tmp_path: Path):
    path = tmp_path / "all"
    code, _ = finish(terminal(script=f"{SHORT_DEMO} > {path} 2>&1", FORCE_COLOR="1"))
    assert code == 0
    assert COLOR.search(path.read_text())
    assert HIDE not in path.read_text()
    assert "\r" not in path.read_text()


@pytest.mark.parametrize("width", [40, pytest.param(80, marks=pytest.mark.full_only), 120])
def test_page_is_as_wide_as_the_terminal(terminal: Terminal, width: int):
    code, seen = finish(terminal("explain", width=width))
    assert code == 0
    lines = [ESCAPE.sub("", line) for line in seen.split("\r\n")]
    assert max(map(len, lines)) == width


def test_long_wait_shows_progress(terminal: Terminal):
    code, seen = finish(terminal("explain", "--compact", "--steps", "2000"))
    assert code == 0
    assert "working out 2,000 steps" in seen
    assert SHOW in seen


def test_json_has_no_color(terminal: Terminal):
    code, seen = finish(terminal("explain", "--format", "json"))
    assert code == 0
    assert "\x1b" not in seen
