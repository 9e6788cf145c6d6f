"""Ctrl-C, as a terminal sends it: to this process, at any time. What it meets is not known here."""

import os
import signal
import threading
from collections.abc import Callable


def interrupting(seconds: float, times: int) -> Callable[[], None]:
    """Send this process so many interruptions from a thread; return what ends it."""
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
