"""The limits of a child process: memory, processor time, size of files, network.

They keep accidents small; they are no wall against a program that means harm.
"""

import ctypes
import os
import socket
from pathlib import Path

MOST_WRITTEN = 64 * 2**20  # bytes of a file
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # of unshare(2)


def limit(memory: int, seconds: float) -> list[str]:
    """Set this process's limits, and return remarks on those that the system does not have.

    Parameters
    ----------
    memory : int
        Bytes that it may take beyond those that it has.
    seconds : float
        Of processor time, after which the system ends it.
    """
    remarks = _resources(memory, seconds)
    if not cut_network():
        remarks.append("this system did not let the network be cut off while the program ran")
    return remarks


def _resources(memory: int, seconds: float) -> list[str]:
    try:
        import resource
    except ImportError:  # Windows
        return ["this system sets no limits to memory and files"]
    kinds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: MOST_WRITTEN,
        resource.RLIMIT_CPU: int(seconds) + 1,
    }
    for kind, most in kinds.items():
        _set(kind, most)
    held = _address_space()
    if held and _set(resource.RLIMIT_AS, held + memory):
        return []
    return ["this system did not let the program's memory be limited"]


def _set(kind: int, most: int) -> bool:
    """Set one limit, not above the one that is there; tell whether that worked."""
    import resource

    hard = resource.getrlimit(kind)[1]
    new = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(kind, (new, new))
    except (ValueError, OSError):
        return False
    return True


def _address_space() -> int:
    """Return how many bytes of addresses this process has, or 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def cut_network() -> bool:
    """Move this process to a network of its own, which is empty; tell whether that worked."""
    try:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
    except (OSError, AttributeError, TypeError):  # macOS, Windows
        return False
    user, group = os.getuid(), os.getgid()
    if unshare(NEW_NETWORK) != 0:
        if unshare(NEW_USER | NEW_NETWORK) != 0:
            return False
        _same_names(user, group)
    return _is_alone()


def _same_names(user: int, group: int) -> None:
    """Keep the user's and the group's number in the new user namespace."""
    lines = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for file, line in lines.items():
        try:
            Path(f"/proc/self/{file}").write_text(line, encoding="utf-8")
        except OSError:
            return  # it is then nobody, which few programs look at


def _is_alone() -> bool:
    """Tell whether there is no network but the loop to oneself."""
    return {name for _, name in socket.if_nameindex()} <= {"lo", "sit0", "tunl0", "ip6tnl0"}
