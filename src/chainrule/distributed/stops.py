"""Ctrl-C and SIGTERM in several processes: all ranks stop after the same update.

A signal that reaches one rank is only noted. It is sent along with the next gradient, and after
that update every rank does what the signal would have done.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

# What is added up over the ranks for each signal that they received, exactly in float32, too; fewer
# ranks than the second number are possible.
WEIGHTS = {signal.SIGINT: 1.0, signal.SIGTERM: 2.0**12}


class Stops:
    """Notes signals while a run lasts, instead of raising in the middle of an exchange.

    Parameters
    ----------
    noted : bool, default True
        If False, signals do what they always do.
    """

    def __init__(self, *, noted: bool = True) -> None:
        self.noted = noted
        self.received: set[int] = set()
        self.handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}

    def __enter__(self) -> Self:
        if self.noted and threading.current_thread() is threading.main_thread():
            handlers = {number: signal.getsignal(number) for number in WEIGHTS}
            # Without a handler in Python, a signal ends the process at once, and so the job.
            self.handlers = {n: handler for n, handler in handlers.items() if callable(handler)}
        for number in self.handlers:
            signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received.add(number)

    @property
    def own(self) -> float:
        """What this rank adds to the sum over all ranks."""
        return sum(WEIGHTS[signal.Signals(number)] for number in self.received)

    def deliver(self, total: float) -> None:
        """Do what the signals would have done that any rank has received, by the sum over all."""
        if not total:
            return  # a signal may have come meanwhile: it is sent with the next gradient
        self.received.clear()
        for number in (signal.SIGTERM, signal.SIGINT):
            count, total = divmod(total, WEIGHTS[number])
            if count:
                self.handlers.get(number, signal.default_int_handler)(number, None)
