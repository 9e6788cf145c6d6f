"""A process that outlives this one, only to end what it has started, and if that is too much.

The system's limit of processes does not hold for root, so this process counts them.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

MOST_PROCESSES = 256  # of a program
INTERVAL = 0.1  # s between two looks at their number


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
    """Wait for the end of a process, or for too many in its group, and end the group."""
    try:
        os.setsid()
        os.closerange(0, end)
        os.closerange(end + 1, os.sysconf("SC_OPEN_MAX"))
        fewest = tasks = _tasks()
        while not select.select([end], [], [], INTERVAL)[0]:
            tasks = _tasks()  # one small file; processes are counted only where many were added
            fewest = min(fewest, tasks)
            if tasks - fewest > MOST_PROCESSES and _size(group) > MOST_PROCESSES:
                break
        with suppress(OSError):  # nothing is left
            os.killpg(group, signal.SIGKILL)
    finally:
        os._exit(0)


def _tasks() -> int:
    """Return how many processes and threads the system has, 0 if that is not known."""
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])
    except (OSError, ValueError, IndexError):
        return 0


def _size(group: int) -> int:
    """Return how many processes a group has."""
    return sum(_group_of(folder) == group for folder in Path("/proc").glob("[0-9]*"))


def _group_of(folder: Path) -> int:
    """Return the group of a process by its folder, 0 if it has ended."""
    try:
        stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[2])
    except (OSError, ValueError, IndexError):
        return 0
