"""Sending Ctrl-C to this process at arbitrary times, as a terminal does."""

import os
import signal
import threading
from collections.abc import Callable


def interrupting(seconds: float, times: int) -> Callable[[], None]:
    """Start a thread that interrupts this process up to `times` times; return what ends it."""
    stop = threading.Event()

    def send() -> None:
        for _ in range(times):
            if stop.wait(seconds):
                return
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join()

    return end
