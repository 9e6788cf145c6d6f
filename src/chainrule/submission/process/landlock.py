"""Let this process write only below some paths, and signal only itself and what it starts.

Landlock is a part of the Linux kernel that needs no privileges. What is forbidden stays forbidden
for every process that is started from here on. Reading is not restricted.
"""

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from chainrule.submission.process import system_calls

CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # the numbers are the same on every processor
GIVE_VERSION, PATH_BENEATH = 1, 1
WRITES = 0b1_1111_1111_0010  # write to files; remove and make all kinds of files and folders
MOVE, TRUNCATE, DEVICE_CONTROL = 1 << 13, 1 << 14, 1 << 15  # since versions 2, 3 and 5
TRUNCATES = 3  # the first version that also forbids to empty a file
SCOPES = 6  # the first version that forbids signals and abstract sockets to the outside
SIGNALS_AND_SOCKETS = 0b11
ON_FILES = 1 << 1 | TRUNCATE | DEVICE_CONTROL  # the rights that apply to a single file


class _Rules(ctypes.Structure):
    """What is forbidden: accesses to files, accesses to the network, and scopes."""

    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _Path(ctypes.Structure):
    """What stays allowed below an open folder or file."""

    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def version() -> int:
    """Return the version of Landlock in this kernel, or 0 if it has none."""
    try:
        return system_calls.call("syscall", CREATE, None, 0, GIVE_VERSION)
    except OSError:
        return 0


def restrict(writable: Iterable[Path]) -> None:
    """Forbid writing except below some paths, and signals and sockets to other processes.

    Parameters
    ----------
    writable : iterable of Path
        Folders or files. Those that do not exist are skipped.

    Raises
    ------
    OSError
        If the kernel does not support it.
    """
    found = version()
    files = WRITES | sum(
        right
        for first, right in ((2, MOVE), (TRUNCATES, TRUNCATE), (5, DEVICE_CONTROL))
        if found >= first
    )
    rules = _Rules(files, 0, SIGNALS_AND_SOCKETS if found >= SCOPES else 0)
    size = ctypes.sizeof(rules) if found >= SCOPES else 8  # older kernels know only the first
    handle = system_calls.call("syscall", CREATE, ctypes.byref(rules), size, 0)
    try:
        for path in writable:
            with suppress(FileNotFoundError):
                _allow(handle, path, files)
        system_calls.prctl(system_calls.NO_NEW_PRIVILEGES, 1)
        system_calls.call("syscall", RESTRICT, handle, 0)
    finally:
        os.close(handle)


def _allow(handle: int, path: Path, files: int) -> None:
    """Allow writing below a path."""
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allowed = files if path.is_dir() else files & ON_FILES
        rule = ctypes.byref(_Path(allowed, descriptor))
        system_calls.call("syscall", ADD_RULE, handle, PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
