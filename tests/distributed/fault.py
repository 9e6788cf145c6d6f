"""A job of which one rank fails in the way that is named: ``python -m tests.distributed.fault``."""

import os
import signal
import sys

import numpy as np

from chainrule.distributed import MPI

TIMEOUT = 2.0


def fail(how: str) -> None:
    """Fail as named."""
    if how == "raise":
        raise ValueError("this rank fails")
    if how == "exit":
        sys.exit(5)
    if how == "leave":
        sys.exit()
    os.kill(os.getpid(), getattr(signal, how))


if __name__ == "__main__":
    one, array = MPI(timeout=TIMEOUT), np.zeros(1000)
    for turn in range(1000):
        if (turn, one.rank) == (20, 1):
            fail(sys.argv[1])
        one.all_reduce(array)
    sys.stdout.write("finished\n")
