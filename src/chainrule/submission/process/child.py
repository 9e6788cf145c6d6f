"""The child process in which a learner's file runs; it answers a sandbox's requests.

Run as ``python -m chainrule.submission.process.child``. Requests and answers are lines on pipes
that the learner's program cannot print to.
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
from pathlib import Path
from typing import Any, BinaryIO

from chainrule.submission.attempts import Attempt, SubmissionError
from chainrule.submission.process import messages
from chainrule.submission.process.confinement import FILES, confine
from chainrule.submission.process.data_files import link_other_files, root_of
from chainrule.submission.process.module import load
from chainrule.submission.process.stub_modules import stub_plotting_modules
from chainrule.submission.process.usual_names import provide_usual_names
from chainrule.submission.program_io import refuse_input
from chainrule.submission.questions import Failure
from chainrule.submission.reading import find, layers_of, read, widths_of

BEAT = 0.5  # s between two signs of life


class Connection:
    """The pipes between a child and its sandbox.

    Parameters
    ----------
    requests, answers : binary file
    """

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self.requests, self.answers = requests, answers
        self.lock = threading.Lock()
        self.waiting: queue.Queue[bytes] = queue.Queue()

    def start(self) -> None:
        """Start the threads that receive requests and send signs of life."""
        threading.Thread(target=self.listen, daemon=True).start()
        threading.Thread(target=self.beat, daemon=True).start()

    def listen(self) -> None:
        """Receive requests, also while the learner's program runs; end when the sandbox is gone."""
        for line in self.requests:
            self.waiting.put(line)
        end_all()

    def beat(self) -> None:
        """Send signs of life; they stop if the program hangs in code that keeps the GIL."""
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
    """The learner's module and attempt, and the answers to requests about them.

    Parameters
    ----------
    seconds : float
        Time limit of a call.
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
            failure = Failure("memory", "the program needs more memory than its limit allows")
        except BaseException as error:  # noqa: BLE001 (everything is reported to the sandbox)
            text = f"calling the program failed: {type(error).__name__}: {error}"
            failure = Failure("exception", text[: messages.MOST_TEXT])
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
                raise messages.MessageError("unknown request")

    def load(self, path: str) -> Any:
        """Run the learner's file."""
        loaded = load(path, self.seconds, Path.cwd())
        self.namespace = loaded.namespace
        return {"remarks": list(loaded.remarks), "declared": messages.from_plain(loaded.declared)}

    @property
    def found(self) -> Attempt:
        """The attempt."""
        if self.attempt is None:
            raise messages.MessageError("nothing is loaded")
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
    """End this process and all processes that the program started."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGHUP)  # distinct from a SIGKILL of the system
    os._exit(0)


def open_connection() -> Connection:
    """Return the connection to the sandbox, and give the program other standard streams.

    The program's input is empty, and its output goes to the file of standard error.
    """
    connection = Connection(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    faulthandler.enable(os.dup(2))  # reports where a program crashes or hangs
    return connection


def begin(request: Any) -> tuple[Child, list[str]]:
    """Set the limits and the environment of the learner's program, and return remarks on them."""
    memory, seconds_call, seconds_all, folder = messages.fields(
        request, ("memory", "seconds_call", "seconds_all", "folder"), "the first request"
    )
    sys.stdin, builtins.input = io.StringIO(), refuse_input
    sys.path.append(folder)  # for imports that run only when a function is called
    root = root_of(Path.cwd(), Path(folder))
    remarks = confine(root, memory, 2 * seconds_all + 10)
    if FILES not in remarks:  # it cannot write to what is linked
        link_other_files(Path(folder), Path.cwd())
    return Child(seconds_call), remarks


def main() -> None:
    """Answer the requests of a sandbox until it ends."""
    connection = open_connection()
    child, remarks = begin(messages.unpack(connection.requests.readline()))
    connection.start()  # only now: threads that run already are not confined
    connection.write(messages.pack({"answer": remarks}))
    provide_usual_names()
    with stub_plotting_modules():  # for imports that run only when a function is called
        while True:
            connection.write(messages.pack(child.answer(connection.waiting.get())))


if __name__ == "__main__":
    main()
