"""A communicator whose ranks are threads, for tests of many sizes in one process."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeAlias, TypeVar

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
T = TypeVar("T")


class Room:
    """What the threads share."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.arrays: dict[tuple[int, int], Array] = {}
        self.meeting = threading.Barrier(size, timeout=60)


class ThreadRank:
    """One of the threads."""

    def __init__(self, room: Room, rank: int) -> None:
        self.room, self.size, self.rank = room, room.size, rank

    def exchange(self, outgoing: Sequence[Array], incoming: Sequence[Array]) -> None:
        for to, array in enumerate(outgoing):
            self.room.arrays[self.rank, to] = array.copy()
        self.barrier()
        for source, array in enumerate(incoming):
            array[...] = self.room.arrays[source, self.rank]
        self.barrier()

    def all_reduce(self, array: Array) -> None:
        parts = [array.copy() for _ in range(self.size)]
        self.exchange([array] * self.size, parts)
        array[...] = sum(parts)

    def broadcast(self, array: Array, root: int = 0) -> None:
        parts = [array.copy() for _ in range(self.size)]
        self.exchange([array] * self.size, parts)
        array[...] = parts[root]

    def barrier(self, patience: float = 1.0) -> None:
        self.room.meeting.wait()

    def abort(self, code: int = 1) -> NoReturn:
        self.room.meeting.abort()
        raise SystemExit(code)


def on_threads(size: int, program: Callable[[ThreadRank], T]) -> list[T]:
    """Run a program on so many ranks; return their results, or raise the first error."""
    room = Room(size)

    def run(rank: int) -> T:
        try:
            return program(ThreadRank(room, rank))
        except BaseException:
            room.meeting.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(run, rank) for rank in range(size)]
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in errors:
        if not isinstance(error, threading.BrokenBarrierError):
            raise error
    return [future.result() for future in futures]
