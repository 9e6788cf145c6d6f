"""Waiting for other processes without occupying the processor, and not for ever."""

import os
import stat
import sys
import time
from collections.abc import Callable

from chainrule.errors import InputError

DEFAULT_TIMEOUT = 600.0  # seconds
TIMEOUT_VARIABLE = "CHAINRULE_TIMEOUT"  # of the environment: the same, set by `chainrule launch`

TIMED_OUT = 75  # exit code: EX_TEMPFAIL, another try may succeed
BUSY, SHORT = 0.001, 0.00005  # seconds of asking without a pause, and of a pause after them


def timeout_of(given: float | None) -> float:
    """Return the seconds that a rank waits for others: as given, of the environment, or 600.

    Raises
    ------
    InputError
        If they are not a positive number.
    """
    text = os.environ.get(TIMEOUT_VARIABLE) if given is None else given
    name = TIMEOUT_VARIABLE if given is None else "timeout"
    try:
        seconds = DEFAULT_TIMEOUT if text is None else float(text)
    except (TypeError, ValueError):
        seconds = -1.0
    if not seconds > 0:
        raise InputError(f"{name}={text}: give a positive number of seconds, such as 600")
    return seconds


def wait_for(is_done: Callable[[], bool], timeout: float) -> bool:
    """Wait until a condition holds; return False if it does not within `timeout` seconds.

    A rank that waits lets others run: they may share its processor.
    """
    began = time.monotonic()
    while not is_done():
        waited = time.monotonic() - began
        if waited > timeout:
            return False
        time.sleep(0 if waited < BUSY else SHORT)
    return True


def wait_until_read(descriptor: int, timeout: float) -> None:
    """Wait until the other end of a pipe has read what was written to this one.

    What mpiexec has not read when a rank ends the job is lost.
    """
    if sys.platform == "win32" or not is_pipe(descriptor):
        return
    import fcntl
    import termios

    def is_empty() -> bool:
        left = fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4))
        return not int.from_bytes(left, sys.byteorder)

    wait_for(is_empty, timeout)


def is_pipe(descriptor: int) -> bool:
    """Return whether a descriptor is open, and a pipe."""
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False
