"""Locks that are held during a fork, so that no child inherits a half-imported module or kernel.

Every thread that imports, compiles or loads holds IMPORT_LOCK; running code does not.
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
