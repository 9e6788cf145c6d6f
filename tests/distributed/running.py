"""Runs the programs of these tests in several processes."""

import os
import subprocess
import sys
from pathlib import Path

from chainrule.cli.launching import find_mpiexec

REPOSITORY = Path(__file__).parents[2]


def mpiexec(
    ranks: int, *arguments: str, seconds: float = 600
) -> "subprocess.CompletedProcess[str]":
    """Run Python in several processes, and return what they printed."""
    return subprocess.run(
        [find_mpiexec(), "-n", str(ranks), sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """Return the environment, in which one rank has one thread."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(threads, "1"), "PYTHONWARNINGS": "ignore"}
