"""Causes faults in training by several processes, and prints what happens.

    python -m tools.fault_table
    python -m tools.fault_table --only "disk full" --only "host unreachable"

Each fault befalls one run of ``chainrule launch``. The table has what launch did, the seconds from
the fault to the end of the processes, the seconds of the whole run, and whether the finished model
has the bytes of a run of one process without a fault. The unreachable host needs root: it is a
network namespace, whose link is cut.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from chainrule.models import TableModel, load
from tools import namespaces

CHAINRULE = (sys.executable, "-m", "chainrule")
PROCESSES = ("ps", "-A", "-o", "pid=,args=")
TIMEOUT = 5
EPOCHS, FAULT_EPOCH = 300, 60
OPTIONS = (
    *("--target", "y", "--hidden", "16", "--epochs", str(EPOCHS), "--batch-size", "50", "--quiet"),
    *("--no-early-stopping", "--patience", "1000", "--checkpoint-every", "20", "--dropout", "0.1"),
)
# Runs in every rank before it trains: the fault happens once, so that the run can be continued.
INSIDE = """
import os, pathlib, resource, time
kind, rank, marker = os.environ["FAULT"].split(":")
def patch():
    from chainrule.cli import training
    after = training.Job.after_epoch
    def faulty(job, estimator, record):
        after(job, estimator, record)
        mine = job.team.rank == int(rank)
        if kind == "slow" and mine and {epoch} <= record.epoch < {epoch} + 4:
            pathlib.Path(marker).touch()
            time.sleep(1)
        if kind == "slow" or not mine or record.epoch != {epoch} or os.path.exists(marker):
            return
        pathlib.Path(marker).touch()
        if kind == "raise":
            raise RuntimeError("this rank fails")
        if kind == "memory":
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used, used))
            hoard = [bytearray(2 ** 24) for _ in range(10 ** 6)]
        if kind == "disk":
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
    training.Job.after_epoch = faulty
import sys
if "train" in sys.argv or "train" in getattr(sys, "orig_argv", []):
    if "launch" not in sys.orig_argv:
        patch()
""".replace("{epoch}", str(FAULT_EPOCH))


@dataclass
class Trial:
    """A run that a fault befalls.

    Parameters
    ----------
    folder : Path
        In which it works, with the table ``table.csv``.
    process : Popen
        That of ``chainrule launch``.
    struck : list of float
        The times of the faults.
    """

    folder: Path
    process: "subprocess.Popen[str]"
    struck: list[float] = field(default_factory=list)

    def epochs(self) -> int:
        """Return how many epochs the run has recorded."""
        path = self.folder / "model.run" / "metrics.jsonl"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def wait_for(self, epochs: int) -> None:
        """Wait until the run has made so many epochs."""
        while self.epochs() < epochs and self.process.poll() is None:
            time.sleep(0.01)

    def ranks(self) -> list[int]:
        """Return the processes of the ranks, that of rank 0 first."""
        first = json.loads((self.folder / "model.run" / "lock").read_text())["process"]
        done = subprocess.run(PROCESSES, capture_output=True, text=True, check=True)
        rows = [row.split(maxsplit=1) for row in done.stdout.splitlines()]
        mine = [
            int(number)
            for number, line in rows
            if line.startswith(f"{sys.executable} -m chainrule train") and self._is_mine(number)
        ]
        return [first, *(number for number in mine if number != first)]

    def _is_mine(self, number: str) -> bool:
        """Return whether a process works in the folder."""
        with contextlib.suppress(OSError):
            return Path(f"/proc/{number}/cwd").resolve() == self.folder.resolve()
        return False

    def send(self, rank: int, number: signal.Signals) -> None:
        """Send a signal to a rank."""
        os.kill(self.ranks()[rank], number)
        self.struck.append(time.monotonic())


def sends(number: signal.Signals, rank: int, *epochs: int) -> Callable[[Trial], None]:
    """Return what sends a signal to a rank after each of some epochs."""

    def strike(trial: Trial) -> None:
        for epoch in epochs:
            trial.wait_for(epoch)
            trial.send(rank, number)

    return strike


def notices(trial: Trial) -> None:
    """Note when the fault happens that the rank causes itself."""
    marker = trial.folder / "marker"
    while not marker.exists() and trial.process.poll() is None:
        time.sleep(0.01)
    trial.struck.append(time.monotonic())


def cuts_the_link(trial: Trial) -> None:
    """Cut the link to a host for 12 seconds."""
    trial.wait_for(FAULT_EPOCH)
    namespaces.set_link(1, "down")
    trial.struck.append(time.monotonic())
    time.sleep(12)
    namespaces.set_link(1, "up")


@dataclass(frozen=True)
class Fault:
    """A fault.

    Parameters
    ----------
    strike : callable
        Causes it, or notes when it happens.
    inside : str
        What the rank does to itself: its kind and the number of the rank.
    on_hosts : bool
        Whether the ranks are on two hosts.
    """

    strike: Callable[[Trial], None]
    inside: str = ""
    on_hosts: bool = False


FAULTS = {
    "an exception on rank 1": Fault(notices, "raise:1"),
    "an exception on rank 0": Fault(notices, "raise:0"),
    "rank 1 is killed": Fault(sends(signal.SIGKILL, 1, 60)),
    "rank 0 is killed": Fault(sends(signal.SIGKILL, 0, 60)),
    "three kills in a row": Fault(sends(signal.SIGKILL, 1, 60, 120, 180)),
    "rank 1 is stopped": Fault(sends(signal.SIGSTOP, 1, 60)),
    "rank 0 is stopped": Fault(sends(signal.SIGSTOP, 0, 60)),
    "rank 1 is slow for 4 s": Fault(notices, "slow:1"),
    "no memory on rank 1": Fault(notices, "memory:1"),
    "no memory on rank 0": Fault(notices, "memory:0"),
    "disk full": Fault(notices, "disk:0"),
    "host unreachable for 12 s": Fault(cuts_the_link, on_hosts=True),
}


# ---- trials -------------------------------------------------------------------------------------


def write_table(path: Path) -> None:
    """Write the table to train on."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 3))
    rows = np.column_stack([x, x @ [1.0, -2.0, 0.5] + np.sin(3 * x[:, 0])])
    np.savetxt(path, rows, delimiter=",", header="a,b,c,y", comments="")


def weights(path: Path) -> bytes:
    """Return the bytes of the parameters of a model."""
    estimator = cast("TableModel", load(path)).estimator
    return b"".join(array.tobytes() for array in estimator.coefs_)


def environment(folder: Path, fault: Fault) -> dict[str, str]:
    """Return the environment of a trial; the faults of a rank are a module that Python loads."""
    found = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if fault.inside:
        (folder / "sitecustomize.py").write_text(INSIDE)
        found |= {"PYTHONPATH": str(folder), "FAULT": f"{fault.inside}:{folder / 'marker'}"}
    return found


def tried(name: str, fault: Fault, expected: bytes, root: Path) -> list[str]:
    """Cause a fault, and return its row of the table."""
    folder = root / name.replace(" ", "-")
    folder.mkdir()
    shutil.copy(root / "table.csv", folder)
    given = ["launch", "-n", "2", "--timeout", str(TIMEOUT), "--restarts", "4"]
    with contextlib.ExitStack() as stack:
        prefix, extra = [], dict[str, str]()
        if fault.on_hosts:
            extra = stack.enter_context(namespaces.two_hosts(folder))
            prefix = [*namespaces.ON_FIRST]
            given += ["--hosts", str(folder / "hosts")]
        line = [*prefix, *CHAINRULE, *given, "--", "train", "table.csv", *OPTIONS]
        began = time.monotonic()
        messages = (folder / "messages").open("w+")
        process = subprocess.Popen(
            line, cwd=folder, text=True, stdout=messages, stderr=messages,
            env={**environment(folder, fault), **extra},
        )  # fmt: skip
        trial = Trial(folder, process)
        fault.strike(trial)
        ended = first_end(trial)
        code = process.wait()
        seconds = time.monotonic() - began
        messages.seek(0)
        text = messages.read()
    model = folder / "model.safetensors"
    what = described(text, code)
    if code and not model.exists():
        done = subprocess.run(
            [*CHAINRULE, "train", "--resume", "model.run", "--distributed", "--quiet"],
            cwd=folder, capture_output=True, check=False, env=without_fault(),
        )  # fmt: skip
        what += f"; then train --resume: exit code {done.returncode}"
    same = "yes" if model.exists() and weights(model) == expected else "NO"
    return [name, what, "–" if ended is None else f"{ended:.1f}", f"{seconds:.1f}", same]


def without_fault() -> dict[str, str]:
    """Return the environment of a run without a fault."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def first_end(trial: Trial) -> float | None:
    """Return the seconds from the last fault to the end of the processes; None if they go on."""
    path, struck = trial.folder / "messages", trial.struck[-1]
    known = len(trial.struck)
    while trial.process.poll() is None:
        if path.read_text().count("The run failed") >= known:
            return time.monotonic() - struck
        time.sleep(0.02)
    failed = "The run failed" in path.read_text() or trial.process.returncode
    return time.monotonic() - struck if failed else None


def described(text: str, code: int) -> str:
    """Return in words what launch did."""
    restarts = text.count("Starting again")
    codes = [row.split("exit code ")[1].rstrip(").") for row in text.splitlines()
             if row.startswith("The run failed")]  # fmt: skip
    if not restarts:
        return "it finished" if code == 0 else f"it ended (exit code {code})"
    times = "once" if restarts == 1 else f"{restarts} times"
    return f"started again {times} (exit code {', '.join(codes)})"


def table_of(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table of Markdown."""
    head = ("fault", "what happened", "seconds to the end", "seconds of the run", "same bytes")
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Cause the faults, and print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--only", action="append", choices=FAULTS)
    parser.add_argument("--keep", action="store_true", help="do not delete the folder")
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="faults-"))
    write_table(root / "table.csv")
    alone = [*CHAINRULE, "train", "table.csv", *OPTIONS, "--distributed", "-o", "alone.safetensors"]
    subprocess.run(alone, cwd=root, check=True, capture_output=True, env=without_fault())
    expected, rows = weights(root / "alone.safetensors"), []
    for name in given.only or FAULTS:
        rows.append(tried(name, FAULTS[name], expected, root))
        print("|", " | ".join(rows[-1]), "|", file=sys.stderr, flush=True)
    print(f"time-out {TIMEOUT} s, {EPOCHS} epochs, 2 processes\n\n{table_of(rows)}")
    if not given.keep:
        shutil.rmtree(root)
    sys.exit(any(row[-1] != "yes" for row in rows))


if __name__ == "__main__":
    main()
