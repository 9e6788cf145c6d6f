"""Writes a file so that it is either complete, or as it was before.

The data go to a temporary file in the same folder, which replaces the file when they are on the
disk. Whenever the process is killed or the power fails, the path has the old file or the new one.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from time import sleep

from chainrule.errors import FileError, system_reason

WINDOWS = os.name == "nt"
TRIES, PAUSE = 20, 0.05  # of replacing a file that another program has open, on Windows; seconds
TEMPORARY = ".part"  # the end of a temporary file's name
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # file systems that cannot sync a folder
UNCHANGED = "nothing was changed"
REMEDIES = {
    errno.ENOENT: "create the folder, or choose another one",
    errno.ENOTDIR: "choose another folder",
    errno.EISDIR: "choose another name",
    errno.EINVAL: "choose another name",
    errno.EACCES: "choose another folder, or change its permissions",
}  # by number of the error
REMEDY = "free some space or choose another folder"
UNCERTAIN = "the new file is there, but a failure of the power may undo that; save again"


@dataclass(frozen=True)
class SystemCalls:
    """The calls of the operating system that write a file; tests replace some by faulty ones.

    Parameters
    ----------
    open, write, fsync, close, replace, unlink : callable
        As in `os`.
    """

    open: Callable[[str, int, int], int] = os.open
    write: Callable[[int, memoryview], int] = os.write
    fsync: Callable[[int], None] = os.fsync
    close: Callable[[int], None] = os.close
    replace: Callable[[str, str], None] = os.replace
    unlink: Callable[[str], None] = os.unlink


SYSTEM = SystemCalls()


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file in such a way that it is never seen incomplete.

    Parameters
    ----------
    path : str or path
        If it is a symbolic link, the file that it points to is written.
    data : bytes

    Raises
    ------
    FileError
        If the operating system cannot write it. The old file is then unchanged, unless only the
        last step failed, which makes the new name permanent; the message says which is the case.
    """
    target = os.path.realpath(path)
    _replace_file(path, target, data)
    try:
        _sync_folder(os.path.dirname(target))  # noqa: PTH120 (a path that realpath made)
    except OSError as error:
        raise _error(path, error, UNCERTAIN) from None


def _replace_file(path: str | os.PathLike[str], target: str, data: bytes) -> None:
    """Write a temporary file and give it the name of the target, or change nothing."""
    temporary = f"{target}.{token_hex(4)}{TEMPORARY}"
    try:
        _refuse_others(target)
        _write(temporary, data)
        _keep_mode(temporary, target)
        _replace(temporary, target)
    except OSError as error:
        _discard(temporary)
        remedy = REMEDIES.get(error.errno or 0, REMEDY)
        raise _error(path, error, f"{UNCHANGED}; {remedy}, and save again") from None
    except BaseException:  # such as Ctrl-C
        _discard(temporary)
        raise


def _error(path: str | os.PathLike[str], error: OSError, remedy: str) -> FileError:
    reason = system_reason(error)
    return FileError(error.errno, f"cannot write {os.fspath(path)}: {reason}; {remedy}")


def _refuse_others(target: str) -> None:
    """Raise OSError if a folder or a device is in the place of the file."""
    path = Path(target)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is a device or a pipe, not a file")


def _write(path: str, data: bytes) -> None:
    """Write a new file, and wait until it is on the disk."""
    descriptor = SYSTEM.open(path, NEW_FILE, 0o666)
    try:
        rest = memoryview(data)
        while rest:  # a call may write only some of the bytes
            count = SYSTEM.write(descriptor, rest)
            if count <= 0:
                raise OSError(errno.EIO, "the file system accepts no more data")
            rest = rest[count:]
        SYSTEM.fsync(descriptor)
    finally:
        SYSTEM.close(descriptor)


def _keep_mode(temporary: str, target: str) -> None:
    """Give a temporary file the permissions of the file that it replaces, if there is one."""
    with suppress(OSError):  # there is none, or the file system has no permissions
        mode = stat.S_IMODE(Path(target).stat().st_mode)
        Path(temporary).chmod(mode)


def _replace(temporary: str, target: str) -> None:
    """Give a temporary file its name; on Windows a program that reads the old one may delay it."""
    for left in reversed(range(TRIES if WINDOWS else 1)):
        try:
            SYSTEM.replace(temporary, target)
        except PermissionError:
            if not left:
                raise
            sleep(PAUSE)
        else:
            return


def _sync_folder(folder: str) -> None:
    """Wait until the new name is on the disk; Windows does that by itself."""
    if WINDOWS:
        return
    descriptor = SYSTEM.open(folder, os.O_RDONLY, 0)
    try:
        SYSTEM.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        SYSTEM.close(descriptor)


def _discard(temporary: str) -> None:
    """Delete a temporary file, if there is one."""
    try:
        SYSTEM.unlink(temporary)
    except OSError:  # it was not created, or has its name already
        return


def delete(path: str | os.PathLike[str]) -> None:
    """Delete a file, if it is there; OSError says why the operating system cannot."""
    with suppress(FileNotFoundError):
        SYSTEM.unlink(os.fspath(path))


def is_regular(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is a file, and not a device or a pipe, which may block a reader."""
    return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 (raises the error to report)
