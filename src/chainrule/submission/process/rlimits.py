"""Limit a child process: its memory, processor time, file sizes and network.

The limits contain accidents. They do not protect against a program that is meant to do harm.
"""

import ctypes
import os
import socket
from pathlib import Path

MOST_WRITTEN = 64 * 2**20  # bytes of a file
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # of unshare(2)


def limit(memory: int, seconds: float) -> list[str]:
    """Set this process's limits, and return remarks on those that the system does not support.

    Parameters
    ----------
    memory : int
        Bytes that the process may use in addition to those in use now.
    seconds : float
        Processor time after which the system ends the process.
    """
    remarks = _limit_resources(memory, seconds)
    if not cut_network():
        remarks.append("network access could not be blocked on this system while the program ran")
    return remarks


def _limit_resources(memory: int, seconds: float) -> list[str]:
    try:
        import resource
    except ImportError:  # Windows
        return ["memory and file sizes cannot be limited on this system"]
    kinds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: MOST_WRITTEN,
        resource.RLIMIT_CPU: int(seconds) + 1,
    }
    for kind, maximum in kinds.items():
        _set(kind, maximum)
    in_use = _address_space()
    if in_use and _set(resource.RLIMIT_AS, in_use + memory):
        return []
    return ["the program's memory could not be limited on this system"]


def _set(kind: int, maximum: int) -> bool:
    """Set one limit, at most the present hard limit; return whether that worked."""
    import resource

    hard = resource.getrlimit(kind)[1]
    new = maximum if hard == resource.RLIM_INFINITY else min(maximum, hard)
    try:
        resource.setrlimit(kind, (new, new))
    except (ValueError, OSError):
        return False
    return True


def _address_space() -> int:
    """Return the size of this process's address space in bytes, or 0 if it is unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def cut_network() -> bool:
    """Move this process to an empty network namespace; return whether that worked."""
    try:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
    except (OSError, AttributeError, TypeError):  # macOS, Windows
        return False
    user, group = os.getuid(), os.getgid()
    if unshare(NEW_NETWORK) != 0:
        if unshare(NEW_USER | NEW_NETWORK) != 0:
            return False
        _keep_ids(user, group)
    return _has_no_network()


def _keep_ids(user: int, group: int) -> None:
    """Keep the ids of the user and the group in the new user namespace."""
    lines = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for file, line in lines.items():
        try:
            Path(f"/proc/self/{file}").write_text(line, encoding="utf-8")
        except OSError:
            return  # the user is then "nobody", which few programs notice


def _has_no_network() -> bool:
    """Return whether the loopback interface and unused tunnels are the only interfaces."""
    return {name for _, name in socket.if_nameindex()} <= {"lo", "sit0", "tunl0", "ip6tnl0"}
