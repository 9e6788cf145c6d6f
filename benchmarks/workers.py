"""Worker processes, one for each peer, so that their threads and libraries do not interfere.

Only one works at a time; the others wait for a request.
"""

import multiprocessing
import os
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class PeerError(Exception):
    """The error message of a peer that failed."""


class Worker:
    """A process that calls functions: ``worker.call(function, *args)``."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other,), daemon=True)
        self.process.start()
        other.close()

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Return what a function of a module returns there, or raise what it raised."""
        try:
            self.pipe.send((function, args))
            well, result = self.pipe.recv()
        except (EOFError, BrokenPipeError):
            raise PeerError("its process ended") from None
        if not well:
            raise PeerError(result)
        return result

    def close(self) -> None:
        """End the process."""
        self.pipe.close()
        self.process.join(2)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def serve(pipe: Connection) -> None:
    """Answer requests until the pipe is closed."""
    while True:
        try:
            function, args = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send((True, function(*args)))
        except Exception as error:  # noqa: BLE001 (a peer may raise any error, which its row reports)
            if "BENCH_DEBUG" in os.environ:
                traceback.print_exc()
            first = str(error).strip().partition("\n")[0]
            pipe.send((False, f"{type(error).__name__}: {first}"))


class WorkerPool:
    """Workers by the peers' names, started when first needed."""

    def __init__(self) -> None:
        self.workers: dict[str, Worker] = {}

    def call(self, name: str, function: Callable[..., T], *args: Any) -> T:
        """Return what a function returns in the process of that name."""
        if name not in self.workers or not self.workers[name].process.is_alive():
            self.workers[name] = Worker()
        return self.workers[name].call(function, *args)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self.workers.values():
            worker.close()
