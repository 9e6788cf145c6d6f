"""The job that a process belongs to: its communicator, and the end of all ranks after an error."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chainrule.distributed.communicators import Communicator
from chainrule.distributed.gloo import Gloo
from chainrule.distributed.mpi import MPI

# Seconds that a rank other than the first waits before it reports an error: if all ranks have the
# same one, only rank 0 reports it.
GRACE = 1.0
TORCHRUN = "TORCHELASTIC_RUN_ID"  # a variable that torchrun sets


def connect() -> Communicator:
    """Return the communicator of the job: that of torchrun if it started this process, else MPI.

    Raises
    ------
    MissingPackageError
        If the package that it needs is not installed.
    """
    return Gloo() if TORCHRUN in os.environ else MPI()


@contextmanager
def aborting(communicator: Communicator, report: Callable[[BaseException], int]) -> Iterator[None]:
    """End all ranks if an error leaves the block on this one.

    Parameters
    ----------
    communicator : Communicator
    report : callable
        Prints an error, and returns the exit code of the job.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if communicator.size == 1:
            raise
        if communicator.rank:
            time.sleep(GRACE)
            sys.stderr.write(f"rank {communicator.rank}: ")
        communicator.abort(report(error))
