"""The lock of a run's folder: while a process trains there, no other one does.

The operating system holds the lock, so that it ends with the process, however that ends. The file
names the process, and its time of modification shows that the process is alive.
"""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chainrule.errors import FileError, InputError, system_reason

LOCK = "lock"  # the file's name
BEAT = 1.0  # seconds between two modifications of the file


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder, and show every second that this process is alive.

    Raises
    ------
    InputError
        If another process has locked it.
    FileError
        If the lock cannot be written.
    """
    path = folder / LOCK
    descriptor = acquire(path)
    stop = threading.Event()
    beating = threading.Thread(target=beat, args=(path, stop), daemon=True)
    beating.start()
    try:
        yield
    finally:
        stop.set()
        beating.join()
        path.unlink(missing_ok=True)
        os.close(descriptor)


def acquire(path: Path) -> int:
    """Return the descriptor of a lock's file, locked, with a description of this process."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise FileError(
            error.errno, f"cannot write {path}: {system_reason(error)}; choose another --run"
        ) from None
    if not (lock(descriptor) and is_at(path, descriptor)):
        os.close(descriptor)
        raise InputError(
            f"{path.parent} is in use by {holder(path)}; wait for it, end it, or choose another "
            "folder with --run"
        )
    owner = {"host": socket.gethostname(), "process": os.getpid()}
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(owner).encode())
    return descriptor


def lock(descriptor: int) -> bool:
    """Lock a file for this process; return False if another process has locked it."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # pyright: ignore (Windows only)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_at(path: Path, descriptor: int) -> bool:
    """Return whether an open file is still the one at a path, and was not deleted meanwhile."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def holder(path: Path) -> str:
    """Return the process that has locked a file, in words."""
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        return f"process {owner['process']} on {owner['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def is_free(folder: Path) -> bool:
    """Return whether no process has locked a folder."""
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        return lock(descriptor)
    finally:
        os.close(descriptor)


def last_beat(folder: Path) -> float:
    """Return when the process that has locked a folder was last alive, as a time of its disk."""
    try:
        return (folder / LOCK).stat().st_mtime
    except OSError:
        return 0.0


def beat(path: Path, stop: threading.Event) -> None:
    """Modify the time of a file until asked to stop."""
    while not stop.wait(BEAT):
        with suppress(OSError):  # the folder may have been deleted
            os.utime(path)
