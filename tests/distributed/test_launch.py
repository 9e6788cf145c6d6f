"""``chainrule launch`` and ``train --distributed``: the same bytes, also after failures."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from chainrule.cli import launching, main
from chainrule.cli.launching import Job, descendants, find_mpiexec
from chainrule.cli.run_lock import LOCK, is_free, locked
from chainrule.distributed import SingleProcess
from chainrule.errors import InputError
from chainrule.models import load
from tests.distributed.running import environment

CHAINRULE = (sys.executable, "-m", "chainrule")
OPTIONS = (
    *("--target", "y", "--hidden", "8", "--epochs", "400", "--batch-size", "50", "--quiet"),
    *("--no-early-stopping", "--checkpoint-every", "20", "--dropout", "0.1"),
)
TIMEOUT = 5
PROCESSES = ("ps", "-A", "-o", "pid=,args=")


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Return the path of a table."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(240, 3))
    rows = np.column_stack([x, x @ [1.0, -2.0, 0.5] + np.sin(3 * x[:, 0])])
    path = tmp_path / "table.csv"
    np.savetxt(path, rows, delimiter=",", header="a,b,c,y", comments="")
    return str(path)


def weights(path: Path) -> bytes:
    """Return the bytes of the parameters of a model."""
    model = load(path)
    return b"".join(array.tobytes() for array in model.estimator.coefs_)


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [*CHAINRULE, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@contextmanager
def launched(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a command, and end it and all that it started."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*CHAINRULE, *arguments], env=environment(), **pipes)
    try:
        yield process
    finally:
        running = process.poll() is None
        for one in (*descendants(process.pid), process.pid) if running else ():
            os.kill(one, signal.SIGKILL)
        process.communicate()


def rank_in(folder: Path, launcher: int, rank: int, *, epochs: int) -> int:
    """Return the process of rank 0 or of the other one, once it has made so many epochs."""
    metrics, until = folder / "metrics.jsonl", time.monotonic() + 300
    while not metrics.exists() or len(metrics.read_text().splitlines()) < epochs:
        assert time.monotonic() < until, "the run does not begin"
        time.sleep(0.01)
    first = json.loads((folder / LOCK).read_text())["process"]
    if rank == 0:
        return int(first)
    done = subprocess.run(PROCESSES, capture_output=True, text=True, check=True)
    rows = [row.split(maxsplit=2) for row in done.stdout.splitlines()]
    programs = {int(row[0]): row[1] for row in rows if "chainrule" in row[-1]}
    ranks = [one for one in descendants(launcher) if programs.get(one) == sys.executable]
    return next(one for one in ranks if one != first)


def alone(table: str, path: Path) -> bytes:
    """Return the weights that one process computes: this one, in which MPI does not start."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("chainrule.distributed.connect", SingleProcess)
        assert main(["train", table, *OPTIONS, "--distributed", "-o", str(path)]) == 0
    return weights(path)


def fails_and_continues(table: str, folder: Path, faults: Sequence[tuple[int, int, int]]) -> str:
    """Launch a run whose ranks get signals after some epochs; return its messages."""
    model = folder / "model.safetensors"
    given = ("launch", "-n", "2", "--timeout", str(TIMEOUT), "--", "train", table, *OPTIONS)
    with launched(*given, "-o", str(model)) as process:
        for rank, number, epochs in faults:
            target = rank_in(folder / "model.run", process.pid, rank, epochs=epochs)
            os.kill(target, number)
        _, messages = process.communicate(timeout=600)
    assert process.returncode == 0, messages
    assert weights(model) == alone(table, folder / "alone.safetensors")
    assert not (folder / "model.run" / LOCK).exists()
    return messages


def test_a_run_continues_with_the_same_bytes_after_a_rank_was_killed(table: str, tmp_path: Path):
    messages = fails_and_continues(table, tmp_path, [(1, signal.SIGKILL, 50)])
    assert "The run failed (exit code 9).\nStarting again; 2 more restarts are left." in messages
    assert "train --resume" in messages.replace("\n", " ")


@pytest.mark.full_only
@pytest.mark.parametrize("rank", [0, 1])
def test_a_run_continues_after_a_rank_was_stopped(table: str, tmp_path: Path, rank: int):
    messages = fails_and_continues(table, tmp_path, [(rank, signal.SIGSTOP, 50)])
    assert f"have not answered for {TIMEOUT} s" in messages


@pytest.mark.full_only
def test_ctrl_c_saves_a_checkpoint(table: str, tmp_path: Path):
    model = tmp_path / "model.safetensors"
    given = ("train", table, *OPTIONS, "-o", str(model))
    with launched("launch", "-n", "2", "--", *given) as process:
        rank_in(tmp_path / "model.run", process.pid, 0, epochs=50)
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
    assert process.returncode == 130, messages
    assert messages.count("a checkpoint is saved") == 1
    assert run("train", "--resume", str(tmp_path / "model.run"), "--quiet").returncode == 0
    assert weights(model) == alone(table, tmp_path / "alone.safetensors")


@pytest.mark.full_only
def test_an_error_in_the_data_is_printed_once_and_not_tried_again(tmp_path: Path):
    missing = str(tmp_path / "missing.csv")
    done = run("launch", "-n", "2", "--", "train", missing, "--target", "y")
    assert done.returncode == 3
    assert done.stderr.count("missing.csv") - done.stderr.count("Running:") == 1
    assert "Starting again" not in done.stderr


# ---- the command line ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--", "predict", "m"), "'predict' cannot be launched; give -- train"),
        (("--", "train", "iris", "--epoch", "3"), "did you mean '--epochs'?"),
        (("--hosts", "none.txt", "--", "train", "iris"), "none.txt does not exist"),
    ],
)
def test_wrong_command_lines_start_nothing(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["launch", "-n", "2", *arguments]) in (2, 3)
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Running" not in captured.err


def test_options_of_distributed_runs_need_it(capsys: pytest.CaptureFixture[str]):
    assert main(["train", "iris", "--blocks", "4"]) == 2
    assert "--blocks: has no effect in one process" in capsys.readouterr().err


def test_the_line_of_mpiexec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    hosts = tmp_path / "hosts"
    job = Job(("iris", "--quiet"), 3, hosts, 1, 60.0)
    start = [find_mpiexec(), "-n", "3", "-f", str(hosts), sys.executable, "-m", "chainrule"]
    assert job.line(again=False) == [*start, "train", "iris", "--quiet", "--distributed"]
    assert job.line(again=True)[len(start) :] == [
        *("train", "iris", "--quiet", "--distributed", "--overwrite")
    ]
    assert job.folder.path == Path("model.run")


class Program(Job):
    """A job whose command is a program of Python instead of `chainrule train`."""

    text: ClassVar[str] = ""
    again: ClassVar[list[bool]] = []

    def line(self, *, again: bool) -> list[str]:
        self.again.append(again)
        return [sys.executable, "-c", self.text]


def test_a_finished_model_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    model = tmp_path / "model.safetensors"
    text = f"import pathlib; pathlib.Path({str(model)!r}).touch(); raise SystemExit(9)"
    monkeypatch.setattr(Program, "text", text)
    monkeypatch.setattr(Program, "again", [])
    assert launching.watch(Program(("iris", "-o", str(model)), 1, None, 2, 60.0)) == 0
    assert Program.again == [False]
    assert "The model was finished before" in capsys.readouterr().err


def attempts(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return, for each start of a program that fails, whether it continues a run."""
    monkeypatch.setattr(Program, "text", text)
    monkeypatch.setattr(Program, "again", [])
    monkeypatch.setattr(launching, "LONGEST_DELAY", 0.0)
    output = ("iris", "-o", str(folder / "model.safetensors"))
    assert launching.watch(Program(output, 1, None, 2, 60.0)) == 9
    return Program.again


class Clock:
    """A process that runs for so many looks, and the time that passes between them."""

    def __init__(self, beats: Sequence[float]) -> None:
        self.beats, self.looks, self.now = beats, 0, 0.0

    def poll(self) -> int | None:
        self.looks += 1
        return 0 if self.looks > len(self.beats) else None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def last_beat(self, folder: Path) -> float:
        return self.beats[max(0, min(self.looks, len(self.beats)) - 1)]


@pytest.mark.parametrize(
    ("beats", "code"),
    [
        ([0.0] * 3 + [float(k) for k in range(1, 21)] + [0.0] * 4, 0),  # the lock is removed
        ([0.0] * 9, launching.NOT_ALIVE),  # it never begins
        ([5.0] * 9, launching.NOT_ALIVE),  # there is only the lock of an earlier run
        ([0.0, 7.0, 7.0, 7.0, 7.0, 7.0, 8.0], 0),
        ([0.0, 7.0] + [7.0] * 9, launching.NOT_ALIVE),  # rank 0 is stopped
        ([0.0, 7.0] + [0.0] * 9, launching.NOT_ALIVE),  # it does not end
    ],
)
def test_signs_of_life(beats: list[float], code: int, monkeypatch: pytest.MonkeyPatch):
    """A run may be longer than its start may take, and has the time-out to end."""
    clock: Any = Clock(beats)
    monkeypatch.setattr(launching, "START", 1.0)
    monkeypatch.setattr(launching, "time", clock)
    monkeypatch.setattr(launching, "last_beat", clock.last_beat)
    assert launching.wait_for_end(clock, Job(("iris",), 1, None, 0, 1.0)) == code


def test_checkpoints_of_an_earlier_run_are_not_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = tmp_path / "model.run" / "config.toml"
    (config.parent / "checkpoints").mkdir(parents=True)
    config.write_text("")
    fail = "raise SystemExit(9)"
    assert attempts(tmp_path, fail, monkeypatch) == [False, False, False]
    begin = f"import pathlib; pathlib.Path({str(config)!r}).write_text('x'); {fail}"
    assert attempts(tmp_path, begin, monkeypatch) == [False, True, True]


# ---- the lock -----------------------------------------------------------------------------------


def test_a_folder_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "model.run"
    folder.mkdir()
    with locked(folder):
        assert not is_free(folder)
        with (
            pytest.raises(InputError, match=f"is in use by process {os.getpid()} on "),
            locked(folder),
        ):
            pass
        given = ["iris", "-o", str(tmp_path / "model.safetensors")]
        assert main(["train", *given]) == 3
        assert main(["launch", "-n", "2", "--", "train", *given]) == 3
    assert capsys.readouterr().err.count("is in use by") == 2
    assert is_free(folder)


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path):
    program = (
        "import sys, os, pathlib; from chainrule.cli.run_lock import acquire; "
        "acquire(pathlib.Path(sys.argv[1]) / 'lock'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert (tmp_path / LOCK).exists()
    assert is_free(tmp_path)
    with locked(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["process"] == os.getpid()
    assert not (tmp_path / LOCK).exists()
