"""Locks that a fork waits for: no child finds a module, a kernel or LLVM half done, for ever.

Whoever imports, builds or loads holds the first, in whatever thread. Nothing that runs does.
"""

import logging  # noqa: F401 (it has such a lock too: the one that is made later is waited for first)
import os
from threading import RLock

IMPORT_LOCK = RLock()
LOCKS = [IMPORT_LOCK]  # in the order in which every thread takes them


def wait() -> None:
    """Take all, before a fork."""
    for lock in LOCKS:  # it may grow meanwhile
        lock.acquire()


def go_on() -> None:
    """Give all back, after it."""
    for lock in reversed(LOCKS):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=wait, after_in_parent=go_on, after_in_child=go_on)
