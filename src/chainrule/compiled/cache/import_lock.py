"""Locks that are held during a fork, so that no child inherits a half-imported module or kernel.

Every thread that imports, compiles or loads holds IMPORT_LOCK; running code does not.
"""

import logging  # noqa: F401 (it has a fork lock too; the last one registered is acquired first)
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from threading import RLock, current_thread, main_thread
from types import FrameType

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


@contextmanager
def uninterrupted() -> Generator[None]:
    """Delay Ctrl-C until the end of the block.

    A module of Numba that is interrupted while it is imported, or while it compiles, stays broken
    for the rest of the process.
    """
    handler = signal.getsignal(signal.SIGINT)
    if current_thread() is not main_thread() or not callable(handler):
        yield  # Python interrupts the main thread only
        return
    seen: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda *arguments: seen.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if seen:
            handler(*seen[-1])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=wait, after_in_parent=go_on, after_in_child=go_on)
