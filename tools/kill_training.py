"""Kills training at any moment, continues it, and compares the result with an uninterrupted run.

    python -m tools.kill_training --kills 1000

A run is a fit with checkpoints that saves its model at the end, in a process of its own. Half of
the kills come from outside at a random time, uniform over the progress of the run; the others
before, within or after a call of the operating system, each in turn. SIGKILL ends a process without
any cleaning up. The killed run is started again, and may be killed again, until it ends; its model
must be the same bytes. The report has a histogram of where the kills fell.
"""

import argparse
import contextlib
import mmap
import os
import random
import signal
import statistics
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import Checkpoints, MLPClassifier, MLPRegressor, mlp, save, train
from chainrule.files import atomic

EPOCHS, EVERY = 8, 2
RNG = np.random.default_rng(4)
X = RNG.normal(size=(60, 4))
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0]
WORDS = np.where(NUMBERS > 0, "yes", "no")
QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": EPOCHS, "random_state": 3}
FITS: dict[str, tuple[type[Any], Any, dict[str, Any]]] = {
    "adam, mini-batches, dropout": (MLPClassifier, WORDS, {"batch_size": 7, "dropout": 0.3}),
    "reference engine": (MLPClassifier, WORDS, {"engine": "reference", "batch_size": 20}),
    "early stopping": (MLPClassifier, WORDS, {"early_stopping": True, "batch_size": 7}),
    "adaptive rate": (
        MLPRegressor,
        NUMBERS,
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.3},
    ),
}  # by name: estimator, targets, parameters
RUN = "a run of train"
CALLS = ("open", "write", "fsync", "close", "replace", "unlink")
MOMENTS = ("before", "within", "after")
POLL = 0.0002  # seconds between two looks at the progress of a process
TRAINING, DONE = "training", "after the last call"


def fit(name: str) -> None:
    """Fit with checkpoints in the folder ``run``, and save the model."""
    if name == RUN:
        train_network()
        return
    estimator, y, parameters = FITS[name]
    callbacks = [Checkpoints("run", every=EVERY, keep=2)]
    model = estimator(**{**QUICK, **parameters}, callbacks=callbacks)
    with warnings.catch_warnings(action="ignore"):
        model.fit(X, y)
    model.save("model.safetensors")


def train_network() -> None:
    """Train a network with checkpoints, and save its run."""
    checkpoints = Checkpoints("run", every=EVERY, keep=2)
    saved = checkpoints.load()
    state = None if saved is None else saved.state
    done = 0 if state is None else state.epoch
    network = mlp(4, 8, 1, activation="tanh", loss="squared-error", dropout=0.2)
    run = train(network, X, NUMBERS, epochs=EPOCHS - done, batch_size=7, seed=1, state=state)
    for _ in run:
        checkpoints.save(run)
    save(run, "model.safetensors")


# ---- one process --------------------------------------------------------------------------------


@dataclass
class Watched:
    """The calls of a process that writes files; it kills itself at one of them.

    Parameters
    ----------
    notes : mmap
        Memory shared with the parent process, in which the present place is written.
    at : int
        The number of the call at which the process is killed, from 0; -1 for none.
    moment : str
        Before, within or after the call.
    count : int
        Of calls so far.
    """

    notes: mmap.mmap
    at: int = -1
    moment: str = "before"
    count: int = 0

    def calls(self) -> atomic.SystemCalls:
        """Return the calls of the operating system, each of which is watched."""
        real = atomic.SystemCalls()
        watched = {name: self.watch(name, getattr(real, name)) for name in CALLS}
        return replace(real, **watched)

    def watch(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call that kills the process if it is the one, and notes where it is."""

        def watched(*arguments: Any) -> Any:
            here = self.count == self.at
            self.count += 1
            self.note(f"{name}: {self.moment if here else 'within'}")
            if here and self.moment == "within" and name == "write":  # half of the bytes
                call(arguments[0], arguments[1][: len(arguments[1]) // 2])
            if here and self.moment != "after":
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*arguments)
            if here:
                os.kill(os.getpid(), signal.SIGKILL)
            self.note(TRAINING)
            return result

        return watched

    def note(self, place: str) -> None:
        """Write the present place, and the number of calls."""
        self.notes[:64] = f"{self.count} {place}".encode().ljust(64)


@dataclass(frozen=True)
class Plan:
    """When a process is killed.

    Parameters
    ----------
    calls : int, optional
        When it has made so many calls of the operating system.
    seconds : float
        So long after that.
    at : int
        At the call of this number; -1 for none.
    moment : str
    """

    calls: int | None = None
    seconds: float = 0.0
    at: int = -1
    moment: str = "before"


def run(name: str, folder: Path, plan: Plan) -> tuple[bool, str, int]:
    """Fit in a new process; return whether it was killed, where it was, and its calls."""
    notes = mmap.mmap(-1, 64)
    notes[:] = f"0 {TRAINING}".encode().ljust(64)
    child = os.fork()
    if not child:
        work(name, folder, Watched(notes, plan.at, plan.moment))
    if plan.calls is not None:
        wait_for(child, notes, plan)
        os.kill(child, signal.SIGKILL)  # if it has ended, it is not waited for yet
    _, status = os.waitpid(child, 0)
    count, place = read(notes)
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"{name}: the process failed in {folder}")
    return os.WIFSIGNALED(status), place, count


def wait_for(child: int, notes: mmap.mmap, plan: Plan) -> None:
    """Wait until a process has come so far, or has ended."""
    while read(notes)[0] < (plan.calls or 0) and not has_ended(child):
        time.sleep(POLL)
    time.sleep(plan.seconds)


def has_ended(child: int) -> bool:
    """Return whether a process has ended; its status is kept for `waitpid`."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def read(notes: mmap.mmap) -> tuple[int, str]:
    """Return the number of calls of a process, and where it is."""
    count, place = bytes(notes).decode().strip().split(" ", 1)
    return int(count), place


def work(name: str, folder: Path, watched: Watched) -> None:
    """Fit in a child process, which ends here."""
    code = 1
    try:
        os.chdir(folder)
        atomic.SYSTEM = watched.calls()
        fit(name)
        watched.note(DONE)
        code = 0
    finally:
        os._exit(code)


# ---- all of them --------------------------------------------------------------------------------


@dataclass
class Report:
    """Where the kills fell, and which results were not the same.

    Parameters
    ----------
    places : Counter
        Kills by place.
    tenths : list of int
        Kills at a random time by the tenth of the run in which they fell, by calls so far.
    started : int
        Processes.
    runs : int
        Runs that ended, after one kill or more.
    wrong : list of str
        Runs with another result.
    """

    places: Counter[str] = field(default_factory=Counter)
    tenths: list[int] = field(default_factory=lambda: [0] * 10)
    started: int = 0
    runs: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """The number of kills."""
        return sum(self.places.values())

    def __str__(self) -> str:
        lines = [f"{self.kills:,} kills in {self.runs:,} runs, {self.started:,} processes"]
        lines += [bar(place, count, self.kills) for place, count in sorted(self.places.items())]
        lines.append("kills at a random time, by tenths of the calls of a run:")
        total = max(sum(self.tenths), 1)
        lines += [bar(f"{10 * i} to {10 * i + 10} %", n, total) for i, n in enumerate(self.tenths)]
        same = self.runs - len(self.wrong)
        lines.append(f"{same:,} of {self.runs:,} models are the bytes of an uninterrupted run")
        return "\n".join([*lines, *self.wrong[:10]])


def bar(label: str, count: int, total: int) -> str:
    """Return one line of a histogram."""
    return f"  {label:22} {count:5}  {'█' * round(60 * count / total)}"


@dataclass
class Experiment:
    """Runs of one fit that are killed and continued.

    Parameters
    ----------
    name : str
    folder : Path
    rng : random.Random
    report : Report
    """

    name: str
    folder: Path
    rng: random.Random
    report: Report

    def prepare(self) -> None:
        """Fit without a kill: here, so that all is loaded, and in new processes, for the time."""
        seconds = []
        with contextlib.chdir(made(self.folder / "here")):
            fit(self.name)
        for attempt in range(3):
            folder, began = made(self.folder / f"uninterrupted {attempt}"), time.perf_counter()
            _, _, self.calls = run(self.name, folder, Plan())
            seconds.append(time.perf_counter() - began)
            self.expected = (folder / "model.safetensors").read_bytes()
        self.seconds = statistics.median(seconds)
        self.points = [(at, moment) for at in range(self.calls) for moment in MOMENTS]
        self.rng.shuffle(self.points)

    def plan(self, number: int) -> Plan:
        """Return when the next process is killed: at a random time, or at the next call."""
        if number % 2:
            return self.any_time()
        at, moment = self.points[number // 2 % len(self.points)]
        return Plan(at=at, moment=moment)

    def any_time(self) -> Plan:
        """Return a plan for a time at which a run has made a random share of its calls."""
        calls = self.rng.randrange(self.calls)
        return Plan(calls=calls, seconds=self.rng.uniform(0, self.seconds / self.calls))

    def kill(self, number: int) -> None:
        """Kill a run once or several times, continue it, and compare its result."""
        folder = made(self.folder / str(number))
        plan, killed = self.plan(number), True
        while killed:
            killed, place, count = run(self.name, folder, plan)
            self.report.started += 1
            if killed:
                self.note(place, count, plan)
            again = self.rng.random() < 0.3  # killed again
            plan = self.any_time() if again else Plan()
        self.report.runs += 1
        if (folder / "model.safetensors").read_bytes() != self.expected:
            self.report.wrong.append(f"{self.name}, run {number}: another result")

    def note(self, place: str, count: int, plan: Plan) -> None:
        """Count a kill."""
        self.report.places[place] += 1
        if plan.calls is not None:
            self.report.tenths[min(9, 10 * count // self.calls)] += 1


def made(folder: Path) -> Path:
    """Make a folder."""
    folder.mkdir()
    return folder


def kill_training(kills: int, seed: int, folder: Path) -> Report:
    """Return the report on at least this many kills."""
    report, rng = Report(), random.Random(seed)  # noqa: S311 (no secrets)
    experiments = []
    for name in (*FITS, RUN):
        experiments.append(Experiment(name, made(folder / name), rng, report))
        experiments[-1].prepare()
    number = 0
    while report.kills < kills:
        experiments[number % len(experiments)].kill(number // len(experiments))
        number += 1
    return report


def main() -> int:
    """Print the report; return 1 if a result was not the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = kill_training(options.kills, options.seed, Path(folder))
    print(report)
    return 1 if report.wrong or not report.runs else 0


if __name__ == "__main__":
    sys.exit(main())
