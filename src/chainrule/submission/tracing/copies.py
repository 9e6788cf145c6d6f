"""Copies of a process that answer requests: several at a time, their answers in order."""

import os
import select
from collections import deque
from collections.abc import Callable
from contextlib import suppress

AT_ONCE = min(3, os.cpu_count() or 1)  # to make a copy takes a third of the time of a run
CHUNK = 1 << 16  # bytes


class RequestReader:
    """Reads lines from a pipe, and sees whether there is one.

    Parameters
    ----------
    descriptor : int
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor, self.rest = descriptor, b""

    @property
    def is_waiting(self) -> bool:
        """Whether a line, or the beginning of one, has arrived."""
        return bool(self.rest) or bool(select.select([self.descriptor], [], [], 0)[0])

    def read(self) -> bytes:
        """Return the next line, or nothing at the end."""
        parts = [self.rest]
        while b"\n" not in parts[-1]:
            parts.append(os.read(self.descriptor, CHUNK))
            if not parts[-1]:
                return b""
        line, _, self.rest = b"".join(parts).partition(b"\n")
        return line


class Copies:
    """Copies of this process that have been made and not yet ended.

    Each waits for its turn before it answers, so that the answers come in the order of requests.

    Parameters
    ----------
    ended : callable
        Called with the status of a copy that ended by itself, when its answer is due.
    """

    def __init__(self, ended: Callable[[int], None]) -> None:
        self.ended = ended
        self.running: deque[tuple[int, int]] = deque()  # process, and where it gets its turn
        self.turn: int | None = None  # where a copy gets its turn

    def make(self) -> bool:
        """Copy this process; return whether this is the copy."""
        get, give = os.pipe()
        child = os.fork()
        if not child:
            self.running.clear()
            os.close(give)
            self.turn = get
            return True
        os.close(get)
        self.running.append((child, give))
        if len(self.running) == 1:
            self._give_turn()
        return False

    def await_turn(self) -> None:
        """Return in a copy when all answers before its own have been sent."""
        if self.turn is not None:
            with suppress(OSError):
                os.read(self.turn, 1)
                os.close(self.turn)
            self.turn = None

    def keep(self, most: int) -> None:
        """Wait until no more than some copies have not ended."""
        while len(self.running) > most:
            child, give = self.running.popleft()
            _, status = os.waitpid(child, 0)
            os.close(give)
            if status != 0:
                self.ended(status)
            if self.running:
                self._give_turn()

    def _give_turn(self) -> None:
        with suppress(OSError):  # it has ended without waiting for its turn
            os.write(self.running[0][1], b"1")
