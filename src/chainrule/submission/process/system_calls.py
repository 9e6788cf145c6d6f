"""Call Linux system calls through the C library; elsewhere each call fails as unsupported."""

import ctypes
import errno
import os
import platform
import sys
from typing import Any

NO_DUMPS, NO_NEW_PRIVILEGES, SECCOMP = 4, 38, 22  # of prctl(2)
DROP_FROM_BOUND = 24
MACHINES = ("x86_64", "aarch64")  # whose numbers of system calls are known here


def call(name: str, *values: Any) -> int:
    """Return what a function of the C library returns.

    Raises
    ------
    OSError
        If it fails, or if this system does not have it.
    """
    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, "Linux only")
    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), name)
    except AttributeError:
        raise OSError(errno.ENOSYS, name) from None
    function.restype = ctypes.c_long
    result: int = function(*map(_as_argument, values))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def _as_argument(value: Any) -> Any:
    """Return an integer as wide as a register, since the C library may read all of it."""
    return ctypes.c_long(value) if isinstance(value, int) else value


def prctl(option: int, *values: Any) -> None:
    """Change an attribute of this process."""
    call("prctl", option, *values, *(0,) * (4 - len(values)))


def machine() -> str:
    """Return the kind of processor, or an empty string if its system calls are not known here."""
    name = platform.machine()
    is_narrow = sys.maxsize < 2**32  # a 32-bit Python has other numbers
    return name if name in MACHINES and not is_narrow else ""
