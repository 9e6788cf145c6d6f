"""What ``chainrule launch`` does: runs mpiexec, watches the run, and starts it again."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from chainrule.cli.output import say
from chainrule.cli.run_folder import RunFolder, stamp_of
from chainrule.cli.run_lock import is_free, last_beat
from chainrule.cli.table_options import table_context
from chainrule.cli.train import train
from chainrule.cli.train_rules import DEFAULTS, options_of
from chainrule.distributed import TIMEOUT_VARIABLE
from chainrule.errors import InputError, MissingPackageError

WRONG_USAGE, BAD_DATA, INTERRUPTED, TERMINATED = 2, 3, 130, 143
FINAL = (0, WRONG_USAGE, BAD_DATA, INTERRUPTED, TERMINATED)  # exit codes that no restart changes
NOT_ALIVE = 75  # exit code of a run that did not answer
START = 300.0  # seconds that the processes may take to start, before they read the data
MOST_SIGNALS = 3  # after which the processes are killed
LONGEST_DELAY = 60.0  # seconds before a restart, if the last one did not reach the training
PAUSE = 0.2  # seconds between two looks
END = 10.0  # seconds in which processes end after a signal


@dataclass(frozen=True)
class Job:
    """A command that is run in several processes.

    Parameters
    ----------
    arguments : tuple of str
        Those of ``chainrule train``.
    ranks : int
    hosts : Path or None
        The file of hosts.
    restarts : int
    timeout : float
        Seconds without a sign of life after which the processes are ended.
    """

    arguments: tuple[str, ...]
    ranks: int
    hosts: Path | None
    restarts: int
    timeout: float

    @cached_property
    def options(self) -> dict[str, Any]:
        """The options of the command, which are checked here, once for all processes."""
        app = typer.Typer(rich_markup_mode=None)
        app.command(context_settings=table_context("train"))(train)
        command: Any = get_command(app)
        with command.make_context("chainrule train", list(self.arguments)) as context:
            return options_of(context)

    @property
    def folder(self) -> RunFolder:
        """The folder of the run."""
        options = {**DEFAULTS, **self.options}
        default = Path(options["output"]).with_suffix(".run")
        return RunFolder(Path(options.get("run", default)), options["checkpoint-every"])

    def model_stamp(self) -> int:
        """Return a number that changes when the model is written; 0 if there is none."""
        options = {**DEFAULTS, **self.options}
        return stamp_of(Path(options["output"]))

    def command(self, *, again: bool) -> list[str]:
        """Return the command line of every process, at first or after a failure."""
        program = [sys.executable, "-m", "chainrule", "train"]
        if not again:
            return [*program, *self.arguments, "--distributed"]
        if not self.folder.checkpoints.paths():
            return [*program, *self.arguments, "--distributed", "--overwrite"]
        shown = [f"--{name}" for name in ("json", "quiet") if self.options.get(name)]
        return [*program, "--resume", str(self.folder.path), "--distributed", *shown]

    def line(self, *, again: bool) -> list[str]:
        """Return the line of mpiexec."""
        mpiexec = find_mpiexec()
        open_mpi = is_open_mpi(mpiexec)
        hosts = [] if self.hosts is None else ["--hostfile" if open_mpi else "-f", str(self.hosts)]
        passed = ["-x", TIMEOUT_VARIABLE] if open_mpi else []
        return [mpiexec, "-n", str(self.ranks), *hosts, *passed, *self.command(again=again)]


def find_mpiexec() -> str:
    """Return the path of mpiexec: next to Python, as the package mpich installs it, or another.

    Raises
    ------
    MissingPackageError
        If there is none.
    """
    own = str(Path(sys.executable).parent)
    found = shutil.which("mpiexec", path=own) or shutil.which("mpiexec")
    if found is None:
        raise MissingPackageError(
            "mpiexec was not found; install an MPI library with: pip install 'chainrule[mpi]'"
        )
    return found


def is_open_mpi(mpiexec: str) -> bool:
    """Return whether mpiexec is Open MPI's, whose options differ."""
    given = [mpiexec, "--version"]
    done = subprocess.run(given, capture_output=True, text=True, check=False)  # noqa: S603 (the line is ours)
    return "Open MPI" in done.stdout


def watch(job: Job) -> int:
    """Run a job, start it again after failures, and return its exit code.

    Raises
    ------
    InputError
        If another process trains in the folder, or the file of hosts does not exist.
    """
    if job.hosts is not None and not job.hosts.is_file():
        raise InputError(f"{job.hosts} does not exist; give a file with a host on each line")
    folder = job.folder.path
    if not is_free(folder):
        raise InputError(f"{folder} is in use by another run; choose another folder with --run")
    before, model = job.folder.stamp(), job.model_stamp()
    code, delay = run_once(job, again=False), 0.0
    for left in range(job.restarts, 0, -1):
        if code in FINAL:
            return code
        say(f"The run failed (exit code {code}).")
        if not wait_until_free(folder):
            break
        if job.model_stamp() != model and not job.folder.checkpoints.paths():
            say("The model was finished before; only its processes did not end.")
            return 0
        began = job.folder.stamp()
        say(f"Starting again{f' in {delay:g} s' * bool(delay)}; {left - 1} more restarts are left.")
        time.sleep(delay)
        # Checkpoints of an earlier run, which this one has not reached, are not continued.
        code = run_once(job, again=began != before)
        # A host that cannot be reached needs time, not restarts.
        delay = min(2 * delay or 1.0, LONGEST_DELAY) if job.folder.stamp() == began else 0.0
    if code not in FINAL:
        resumable = job.folder.stamp() != before and job.folder.checkpoints.paths()
        how = f" Continue with: chainrule train --resume {folder} --distributed"
        say(f"Giving up.{how if resumable else ''}")
    return code


def run_once(job: Job, *, again: bool) -> int:
    """Run mpiexec until it ends, or until the run shows no sign of life; return an exit code."""
    line = job.line(again=again)
    say(f"Running: {shlex.join(line)}")
    environment = {**os.environ, TIMEOUT_VARIABLE: str(job.timeout)}
    process = subprocess.Popen(line, env=environment, start_new_session=True)  # noqa: S603 (the line is ours)
    with forwarding(process) as received:
        try:
            code = wait_for_end(process, job)
        finally:
            end(process)
    if code and received:
        return TERMINATED if signal.SIGTERM in received else INTERRUPTED
    return code


def wait_for_end(process: "subprocess.Popen[bytes]", job: Job) -> int:
    """Return the exit code of mpiexec, or `NOT_ALIVE` if the run does not show that it is alive."""
    signs, limit = Signs(job.folder.path), START
    while (code := process.poll()) is None:
        if signs.are_new():
            limit = job.timeout
        elif signs.age > limit:
            say(f"The run has shown no sign of life for {signs.age:.0f} s.")
            return NOT_ALIVE
        time.sleep(PAUSE)
    return code


class Signs:
    """The signs of life of a run: that the lock of its folder changes, or is removed at the end.

    Clocks of several machines are not compared, only times of one disk with each other.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.last, self.seen = folder, last_beat(folder), time.monotonic()

    def are_new(self) -> bool:
        """Return whether there was a sign since the last call."""
        beat = last_beat(self.folder)
        if beat == self.last:
            return False
        self.last, self.seen = beat, time.monotonic()
        return True

    @property
    def age(self) -> float:
        """Seconds since the last sign, or since the beginning."""
        return time.monotonic() - self.seen


@contextmanager
def forwarding(process: "subprocess.Popen[bytes]") -> Iterator[list[int]]:
    """Forward Ctrl-C and SIGTERM to mpiexec as Ctrl-C, on which all ranks save a checkpoint."""
    received: list[int] = []

    def forward(number: int, _: object) -> None:
        received.append(number)
        if len(received) == 1:
            process.send_signal(signal.SIGINT)
        elif len(received) == MOST_SIGNALS:
            end(process)

    before = {one: signal.signal(one, forward) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End mpiexec and the processes that it started, also those that are stopped."""
    if process.poll() is not None:
        return
    ranks = descendants(process.pid)
    for number in (*ranks, process.pid):
        kill(number)
    process.wait()


def kill(number: int) -> None:
    """Kill a process, if it still exists."""
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return


def descendants(number: int) -> list[int]:
    """Return the processes below one, the innermost first; none where there is no ``ps``."""
    try:
        done = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="],  # noqa: S607 (of the system)
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return []
    pairs = [tuple(map(int, row.split())) for row in done.stdout.splitlines()]
    children: Mapping[int, list[int]] = {
        parent: [one for one, above in pairs if above == parent] for _, parent in pairs
    }
    found, left = list[int](), [number]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found[::-1]


def wait_until_free(folder: Path) -> bool:
    """Wait until no process trains in a folder any more; return whether that is so."""
    until = time.monotonic() + END
    while not is_free(folder):
        if time.monotonic() > until:
            return False
        time.sleep(PAUSE)
    return True
