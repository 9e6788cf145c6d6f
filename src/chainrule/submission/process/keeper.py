"""A process that outlives this one, only to end what it has started."""

import os
import select
import signal
import sys
from contextlib import suppress
from typing import NoReturn


def start_keeper() -> int:
    """Start a process that ends this process's group when this process has ended; return its id.

    Raises
    ------
    OSError
        If the system cannot do that.
    """
    if sys.platform != "linux":
        raise OSError("Linux only")
    group = os.getpid()
    end = os.pidfd_open(group)  # before the fork, so that no end is missed
    keeper = os.fork()
    if not keeper:
        _keep(group, end)
    os.close(end)
    return keeper


def _keep(group: int, end: int) -> NoReturn:
    """Wait for the end of a process, and end its group."""
    try:
        os.setsid()
        os.closerange(0, end)
        os.closerange(end + 1, os.sysconf("SC_OPEN_MAX"))
        select.select([end], [], [])
        with suppress(OSError):  # nothing is left
            os.killpg(group, signal.SIGKILL)
    finally:
        os._exit(0)
