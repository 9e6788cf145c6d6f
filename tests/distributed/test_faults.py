"""A job of which one rank fails ends in a stated time, instead of waiting for ever."""

import pytest

from tests.distributed.running import mpiexec

FAULTS = {
    "raise": (1, "ValueError: this rank fails"),
    "exit": (5, ""),
    "leave": (75, "the other ranks have not answered for 2 s, so the job ends"),
    "SIGKILL": (9, ""),
    "SIGSTOP": (75, "rank 0: the other ranks have not answered for 2 s, so the job ends"),
}  # the exit code, and the message


@pytest.mark.parametrize("how", FAULTS)
def test_a_job_ends_if_one_rank_fails(how: str):
    done = mpiexec(2, "-m", "tests.distributed.fault", how, seconds=60)
    code, message = FAULTS[how]
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "finished" not in done.stdout


def test_a_job_without_a_fault_ends_well():
    done = mpiexec(2, "-m", "tests.distributed.fault", "SIGCONT", seconds=60)
    assert (done.returncode, done.stdout) == (0, "finished\nfinished\n")
