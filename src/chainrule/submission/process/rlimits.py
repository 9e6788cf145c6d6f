"""Limit a child process: its memory, its processor time and the sizes of its files."""

import os
from pathlib import Path

MOST_WRITTEN = 64 * 2**20  # bytes of a file


def limit_resources(memory: int, seconds: float) -> list[str]:
    """Set this process's limits, and return remarks on those that the system does not support.

    Parameters
    ----------
    memory : int
        Bytes that the process may use in addition to those in use now.
    seconds : float
        Processor time after which the system ends the process.
    """
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
