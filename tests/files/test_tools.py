"""The proofs at full length are commands in tools/; here, each runs for some seconds."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.fuzz_files import fuzz

REPOSITORY = Path(__file__).parents[2]


def test_mutants_give_a_clear_error_or_a_model(tmp_path: Path, full: bool):
    report = fuzz(20_000 if full else 300, 0, tmp_path)
    print(report)
    assert report.faults == []
    assert len({stage for _, stage in report.outcomes}) >= 8


@pytest.mark.parametrize("kills", [8, pytest.param(400, marks=pytest.mark.full_only)])
def test_killed_runs_end_with_the_same_bytes(kills: int):
    """In a process of its own, since it forks."""
    command = [sys.executable, "-m", "tools.kill_training", "--kills", str(kills)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = done.stdout.splitlines()[0].split(" in ")[1].split()[0]
    assert f"{runs} of {runs} models are the bytes of an uninterrupted run" in done.stdout
