"""The folder of a training run: its configuration, environment, metrics and checkpoints."""

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from chainrule.cli.config import CONFIG, write_config
from chainrule.errors import FileError, InputError, system_reason
from chainrule.files import Checkpoints

METRICS, ENVIRONMENT, SAVED = "metrics.jsonl", "environment.json", "checkpoints"
PACKAGES = ("chainrule", "numpy", "numba", "scipy", "scikit-learn", "pyarrow", "safetensors")


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run.

    Parameters
    ----------
    path : Path
    every : int
        Epochs between two checkpoints.
    """

    path: Path
    every: int

    @property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints of the run."""
        return Checkpoints(str(self.path / SAVED), every=self.every)

    def stamp(self) -> int:
        """Return a number that changes when a run begins in the folder; 0 if none ever did."""
        return stamp_of(self.path / CONFIG)

    def prepare(self, *, resume: bool, overwrite: bool) -> None:
        """Check that the folder belongs to this run, and delete what is of an earlier one.

        Raises
        ------
        InputError
            If it has an interrupted run that is not resumed, or there is none to resume.
        FileError
            If it cannot be changed.
        """
        interrupted = self.checkpoints.paths()
        if interrupted and not resume and not overwrite:
            raise InputError(
                f"{self.path} has a run that was interrupted; continue it with --resume "
                f"{self.path}, choose another folder with --run, or delete it with --overwrite"
            )
        try:
            if not resume:
                self.delete_checkpoints()
                (self.path / METRICS).unlink(missing_ok=True)
        except OSError as error:
            raise FileError(
                error.errno,
                f"cannot write {self.path}: {system_reason(error)}; choose another --run",
            ) from None

    def create(self) -> None:
        """Create the folder, if it does not exist; raise FileError if that is not possible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                error.errno,
                f"cannot write {self.path}: {system_reason(error)}; choose another --run",
            ) from None

    def delete_checkpoints(self) -> None:
        """Delete the checkpoints, which a finished run does not need."""
        for path in self.checkpoints.paths():
            path.unlink(missing_ok=True)
        folder = self.path / SAVED
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def write_settings(self, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        """Write the resolved configuration, and what the run depends on besides it."""
        write_config(self.path / CONFIG, options, defaults)
        text = json.dumps(environment(), indent=2)
        (self.path / ENVIRONMENT).write_text(text + "\n", encoding="utf-8")

    def continue_metrics(self, known: Sequence[Mapping[str, Any]]) -> None:
        """Bring the metrics into agreement with the epochs that a continued run has.

        Parameters
        ----------
        known : sequence of mapping
            What the run knows of its epochs so far. An interruption may have come between an epoch
            and the line about it; later lines are of epochs that are computed again.
        """
        path = self.path / METRICS
        entries = map(json.loads, lines(path)) if path.exists() else ()
        written = {entry["epoch"]: entry for entry in entries}
        kept = [written.get(entry["epoch"], entry) for entry in known]
        text = "".join(json.dumps(dict(entry)) + "\n" for entry in kept)
        path.write_text(text, encoding="utf-8")

    def add_metrics(self, entry: Mapping[str, Any]) -> None:
        """Append the metrics of an epoch."""
        with (self.path / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(entry)) + "\n")


def lines(path: Path) -> Iterator[str]:
    """Yield the complete lines of a file of JSON Lines."""
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        try:
            json.loads(line)
        except json.JSONDecodeError:  # written when the process was killed
            continue
        yield line


def environment() -> dict[str, Any]:
    """Return the versions and the machine on which a run's bytes depend."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "packages": {name: installed(name) for name in PACKAGES},
    }


def installed(name: str) -> str | None:
    """Return the version of a package, None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def stamp_of(path: Path) -> int:
    """Return a number that changes when a file is written; 0 if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
