"""Locks that are held during a fork, so that no child inherits a half-imported module or kernel.

Every thread that imports, compiles or loads holds IMPORT_LOCK; running code does not.
"""

import logging  # noqa: F401 (it has a fork lock too; the last one registered is acquired first)
import os
from threading import RLock

IMPORT_LOCK = RLock()
LOCKS = [IMPORT_LOCK]  # in the order in which every thread acquires them


def wait() -> None:
    """Acquire all locks, before a fork."""
    for lock in LOCKS:  # the list may grow meanwhile
        lock.acquire()


def go_on() -> None:
    """Release all locks, after a fork."""
    for lock in reversed(LOCKS):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=wait, after_in_parent=go_on, after_in_child=go_on)
