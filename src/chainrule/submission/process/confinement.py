"""Confine this process before it runs a learner's program.

It may then read, compute and write to one folder. It has no network, no sockets to other programs
and no signals to them, and what it starts ends with it. Where the system lacks a means, another
one is used; where it has none, a remark says so.
"""

import os
import tempfile
from pathlib import Path

from chainrule.submission.process import call_filter, landlock, namespaces, system_calls
from chainrule.submission.process.keeper import start_keeper
from chainrule.submission.process.rlimits import limit_resources

WITHOUT_LOSS = (Path("/dev/null"), Path("/dev/zero"), Path("/dev/full"))  # writable devices
FILES = "the program could change files outside its own folder, as this system cannot prevent it"
NETWORK = "network access could not be blocked on this system while the program ran"
SURVIVORS = "processes that the program starts may go on after it, as this system cannot prevent it"
PROCESSES = "the program could reach other processes, as this system cannot prevent it"


def confine(folder: Path, memory: int, seconds: float) -> list[str]:
    """Confine this process and all that it starts; return remarks on what the system lacks.

    Parameters
    ----------
    folder : Path
        The only folder to which it may write from now on; its working folder is in it.
    memory : int
        Bytes that it may use in addition to those in use now.
    seconds : float
        Processor time after which the system ends it.

    Notes
    -----
    It takes some milliseconds and must come before the first thread, since threads that run already
    are not confined. The process may fork afterwards, and should lead a session of its own: what is
    in its group ends with it.
    """
    folder = folder.absolute()
    others = [os.getppid(), -os.getppid(), -os.getpgid(os.getppid())]
    os.environ["TMPDIR"], tempfile.tempdir = str(Path.cwd()), None
    remarks, keepers = _start_keeper()
    has_network = not cut_network()
    if not _is_disk_protected(folder):
        remarks.append(FILES)
    remarks += _forbid(folder, [*others, *keepers], has_network=has_network)
    return remarks + limit_resources(memory, seconds)


def _start_keeper() -> tuple[list[str], list[int]]:
    """Start the process that ends the others of a group; return remarks and its id."""
    if os.name != "posix" or os.getpgrp() != os.getpid():
        return [SURVIVORS], []
    try:
        return [], [start_keeper()]
    except OSError:
        return [SURVIVORS], []


def cut_network() -> bool:
    """Move this process to an empty network namespace; return whether that worked."""
    return namespaces.unshare(namespaces.NETWORK) and namespaces.has_no_network()


def _is_disk_protected(folder: Path) -> bool:
    """Return whether this process can write only to a folder, by Landlock or by its own mounts."""
    namespaces.unshare(namespaces.SHARED_MEMORY)  # so that none is left behind
    if landlock.version() >= landlock.TRUNCATES:
        return True  # restricted below
    return namespaces.unshare(namespaces.MOUNTS) and namespaces.make_read_only(folder)


def _forbid(folder: Path, others: list[int], *, has_network: bool) -> list[str]:
    """Forbid what can be forbidden for the rest of this process; return remarks."""
    scoped = _restrict(folder) and landlock.version() >= landlock.SCOPES
    try:
        namespaces.drop_privileges()
        system_calls.prctl(system_calls.NO_DUMPS, 0)
        call_filter.filter_calls(has_network=has_network, spared=() if scoped else others)
    except OSError:
        return [PROCESSES, *([NETWORK] if has_network else [])]
    return []


def _restrict(folder: Path) -> bool:
    """Restrict this process to a folder by Landlock; return whether the kernel has it."""
    try:
        landlock.restrict((folder, *WITHOUT_LOSS))
    except OSError:
        return False
    return True
