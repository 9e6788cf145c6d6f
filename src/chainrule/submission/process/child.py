"""The child process in which a learner's file runs; it answers a sandbox's requests, line by line.

It judges nothing, and what the learner's program prints does not reach its answers.
"""

import builtins
import faulthandler
import io
import os
import queue
import signal
import sys
import threading
import time
from typing import Any, BinaryIO

from chainrule.submission.attempts import Attempt, SubmissionError
from chainrule.submission.process import messages
from chainrule.submission.process.module import load, refuse_input
from chainrule.submission.process.rlimits import limit
from chainrule.submission.process.stub_modules import standing_in
from chainrule.submission.questions import Failure
from chainrule.submission.reading import find, layers_of, read, widths_of

BEAT = 0.5  # seconds between two signs of life


class Line:
    """The pipes between a child and its sandbox.

    Parameters
    ----------
    requests, answers : binary file
    """

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self.requests, self.answers = requests, answers
        self.lock = threading.Lock()
        self.waiting: queue.Queue[bytes] = queue.Queue()

    def live(self) -> None:
        """Begin to listen and to give signs of life, each in a thread of its own."""
        threading.Thread(target=self.listen, daemon=True).start()
        threading.Thread(target=self.beat, daemon=True).start()

    def listen(self) -> None:
        """Take requests in, also while the learner's program runs; end when the sandbox is gone."""
        for line in self.requests:
            self.waiting.put(line)
        end_all()

    def beat(self) -> None:
        """Give signs of life; they stop when the program hangs in what no signal interrupts."""
        while True:
            time.sleep(BEAT)
            self.write(b"\n")

    def write(self, line: bytes) -> None:
        """Send a line."""
        with self.lock:
            try:
                self.answers.write(line)
                self.answers.flush()
            except OSError:
                end_all()


class Child:
    """What the child process knows: the limit of a call, the namespace, the attempt.

    Parameters
    ----------
    seconds : float
        The limit of a call.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.namespace: dict[str, Any] = {}
        self.attempt: Attempt | None = None

    def answer(self, line: bytes) -> Any:
        """Return the message that answers a request."""
        try:
            return {"answer": self.ask(messages.unpack(line))}
        except SubmissionError as error:
            return {"error": str(error)}
        except MemoryError:
            failure = Failure("memory", "the program needs more memory than it was given")
        except BaseException as error:  # noqa: BLE001 (whatever it is, the sandbox is told)
            said = f"asking the program failed: {type(error).__name__}: {error}"
            failure = Failure("exception", said[: messages.MOST_TEXT])
        return {"failure": messages.from_failure(failure)}

    def ask(self, request: Any) -> Any:
        """Return the answer to a request."""
        match request:
            case {"ask": "load", "path": path}:
                return self.load(path)
            case {"ask": "find", "name": name}:
                self.attempt = find(self.namespace, name)
                return self.attempt.name
            case {"ask": "widths"}:
                return widths_of(self.found)
            case {"ask": "layers"}:
                return layers_of(self.found)
            case {"ask": "read", "question": question, "kind": kind, "layout": layout}:
                return self.read(question, kind, layout)
            case _:
                raise messages.WireError("no such request")

    def load(self, path: str) -> Any:
        """Run the learner's file."""
        loaded = load(path, self.seconds)
        self.namespace = loaded.namespace
        return {"remarks": list(loaded.remarks), "declared": messages.from_plain(loaded.declared)}

    @property
    def found(self) -> Attempt:
        """The attempt."""
        if self.attempt is None:
            raise messages.WireError("nothing is loaded")
        return self.attempt

    def read(self, question: Any, kind: Any, layout: Any) -> Any:
        """Ask the attempt a question."""
        known = messages.optional(layout, messages.to_layout)
        asked = messages.to_question(question)
        result = read(self.found, asked, kind=kind, layout=known, seconds=self.seconds)
        if isinstance(result, Failure):
            return {"failure": messages.from_failure(result)}
        return {"readings": [messages.from_reading(r) for r in result]}


def end_all() -> None:
    """End this process and those that the program started."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGHUP)  # which the sandbox tells from the system's SIGKILL
    os._exit(0)


def private_pipes() -> Line:
    """Return the line to the sandbox; the program has nothing to read, and a file to print to."""
    line = Line(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    faulthandler.enable(os.dup(2))  # it says where a program crashed, or hangs
    return line


def begin(request: Any) -> tuple[Child, list[str]]:
    """Set the limits and make the surroundings that a learner's file has for good."""
    memory, seconds_call, seconds_all, folder = messages.fields(
        request, ("memory", "seconds_call", "seconds_all", "folder"), "the first request"
    )
    sys.stdin, builtins.input = io.StringIO(), refuse_input
    sys.path.append(folder)  # for what it imports only when it is called
    return Child(seconds_call), limit(memory, 2 * seconds_all + 10)


def main() -> None:
    """Be the child of a sandbox, to its end."""
    line = private_pipes()
    child, remarks = begin(messages.unpack(line.requests.readline()))
    line.live()  # only now: a process with threads may not leave the network
    line.write(messages.pack({"answer": remarks}))
    with standing_in():  # for plots that are imported only when they are called for
        while True:
            line.write(messages.pack(child.answer(line.waiting.get())))


if __name__ == "__main__":
    main()
