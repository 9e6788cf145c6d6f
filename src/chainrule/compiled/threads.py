"""The threads of a run: how many are allowed, and how they start, wait and end.

Each thread calls the BLAS for its own share, so the BLAS is limited to one thread meanwhile. Limits
set by threadpoolctl or by the environment are respected.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from chainrule.compiled.cache.import_lock import IMPORT_LOCK

LOCK = threading.Lock()


class BlasLimit:
    """The BLAS's numbers of threads before the first of the current runs limited them to one."""

    runs = 0
    allowed: tuple[int, ...] = ()


@cache
def libraries() -> tuple[Any, ...]:
    """Return the controllers of SciPy's BLAS, or of every BLAS if SciPy's is unknown."""
    with IMPORT_LOCK:
        import scipy.linalg.cython_blas  # noqa: F401  pyright: ignore  (loads the library)
        from threadpoolctl import ThreadpoolController

    found = [c for c in ThreadpoolController().lib_controllers if c.user_api == "blas"]
    own = [c for c in found if "scipy" in c.filepath.rsplit("site-packages", 1)[-1]]
    return tuple(own or found)


def allowed() -> int:
    """Return the number of threads a run may use: the BLAS's limit, at most one per processor."""
    with LOCK:
        counts = (
            BlasLimit.allowed if BlasLimit.runs else tuple(b.get_num_threads() for b in libraries())
        )
    return max(1, min([*counts, processors()]))


def processors() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


@contextmanager
def single_blas() -> Iterator[None]:
    """Limit the BLAS to one thread while any run is active."""
    with LOCK:
        if not BlasLimit.runs:
            BlasLimit.allowed = tuple(library.get_num_threads() for library in libraries())
            set_all([1] * len(BlasLimit.allowed))
        BlasLimit.runs += 1
    try:
        yield
    finally:
        with LOCK:
            BlasLimit.runs -= 1
            if not BlasLimit.runs:
                set_all(list(BlasLimit.allowed))


def set_all(counts: list[int]) -> None:
    """Set the number of threads of each library."""
    for library, count in zip(libraries(), counts, strict=True):
        if library.get_num_threads() != count:
            library.set_num_threads(count)


def _after_fork() -> None:
    """Reset a forked child: no run is active in it, and the lock may have been held."""
    global LOCK  # noqa: PLW0603 (a lock cannot be reset)
    LOCK = threading.Lock()
    if BlasLimit.runs:
        BlasLimit.runs = 0
        set_all(list(BlasLimit.allowed))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def run_together(program: Callable[[int], int], ranks: int, abort: Callable[[], None]) -> int:
    """Run a program in several threads at once, including this one; return this one's result.

    An interruption (Ctrl-C) reaches only this thread: before the program starts, after it returns,
    or while it waits for the others. `abort` then ends the others, and all of them are joined. An
    error in one of them is raised here.

    Parameters
    ----------
    program : callable
        Function of the thread's number, which starts at 0.
    ranks : int
    abort : callable
        Function that ends all waiting; the results are then discarded.
    """
    if ranks == 1:
        return program(0)
    team = ThreadTeam(program, ranks, abort)
    try:
        team.start()
        result = program(0)
        team.wait()
    except BaseException:
        team.cancel()
        raise
    if team.errors:
        raise team.errors[0]
    return result


class ThreadTeam:
    """The other threads of one call of `run_together`.

    Parameters
    ----------
    program, ranks, abort
        As in `run_together`.
    """

    def __init__(
        self, program: Callable[[int], int], ranks: int, abort: Callable[[], None]
    ) -> None:
        self.program, self.abort = program, abort
        self.begin, self.canceled = threading.Event(), threading.Event()
        self.errors: list[BaseException] = []
        self.ended = [threading.Event() for _ in range(1, ranks)]
        self.threads = [
            threading.Thread(target=self.member, args=given, daemon=True)
            for given in enumerate(self.ended, 1)
        ]

    def member(self, rank: int, ended: threading.Event) -> None:
        """Run the program in a thread, unless it has been canceled."""
        self.begin.wait()
        try:
            if not self.canceled.is_set():
                self.program(rank)
        except BaseException as error:  # noqa: BLE001 (it is raised in the calling thread)
            self.errors.append(error)
            self.abort()
        finally:
            ended.set()

    def start(self) -> None:
        """Start all threads at the same time."""
        for thread in self.threads:
            thread.start()
        self.begin.set()

    def wait(self) -> None:
        """Wait until all threads have ended."""
        for thread, ended in zip(self.threads, self.ended, strict=True):
            if thread.ident is not None:  # else its start was interrupted
                # In Python 3.11 and 3.12, a thread counts as ended after an interrupted join.
                ended.wait()
                thread.join()

    def cancel(self) -> None:
        """End all threads and wait, even if interrupted again: they use the caller's memory."""
        try:
            self.canceled.set()
            self.abort()
            self.begin.set()
            self.wait()
        except BaseException:
            self.cancel()
            raise
