"""Run a learner's file in a subprocess, which may crash, hang or run out of memory.

The process may write only to a folder of its own, with a copy of the file in it. It has no network
and does not reach other processes. What it answers is not trusted, and it never gets the right
numbers; but a program that is meant to deceive can still compute them.
"""

import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self, TypeVar

from chainrule.submission.attempts import LoadedSubmission, SubmissionError
from chainrule.submission.process import messages
from chainrule.submission.process.data_files import copy_data_files, make_working_folder
from chainrule.submission.process.own_modules import import_own_modules
from chainrule.submission.process.start import start
from chainrule.submission.questions import Failure, Kind, Layout, Question, Reading

T = TypeVar("T")

GIB = 2**30
CHILD = "chainrule.submission.process.child"
GRACE = 2.0  # s over a time limit, for the child's own work
TRACEBACK_TIME = 0.5  # s in which a process that hangs may report where
POLL = 0.25  # s between checks whether the process is alive
TAIL = 8_000  # bytes at the end of its output that are searched for a traceback
CLOSED = (
    "the program closed the connection to its process; close only files that the program has opened"
)
GARBLED = (
    "the program wrote to the connection of its process; write only to files that it has opened"
)


class _GoneError(Exception):
    """The child process has ended."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


class Sandbox:
    """A learner's file in a subprocess; a context manager.

    Parameters
    ----------
    path : str or Path
    function : str, optional
        The function, class or ``"Class.method"`` to call; found automatically by default.
    seconds_call : float, default 10
        Time limit of each call of the program, and of running the file at the start.
    seconds_all : float, default 60
        Time limit of everything together.
    memory : int, default 2 GiB
        Bytes for the program, in addition to what Python and NumPy use.

    Notes
    -----
    The process runs in a temporary folder, to which the program and the files in its folder that it
    names are copied. Once a request has failed because the process has ended, every further one
    returns the same `Failure`.
    """

    def __init__(
        self,
        path: str | Path,
        function: str | None = None,
        seconds_call: float = 10.0,
        seconds_all: float = 60.0,
        memory: int = 2 * GIB,
    ) -> None:
        self.path, self.function = Path(path).absolute(), function
        self.seconds_call, self.seconds_all, self.memory = seconds_call, seconds_all, memory
        self.used = 0.0
        self._gone: Failure | None = None
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._remarks: list[str] = []
        self._is_killed = False

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="chainrule-", ignore_cleanup_errors=True)
        try:
            self._begin(Path(self._folder.name))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _begin(self, folder: Path) -> None:
        """Start the process and set its limits."""
        import_own_modules()
        work_folder = make_working_folder(self.path, folder / "work")
        self._remarks += copy_data_files(self.path, work_folder)
        self._output = (folder / "output").open("w+b")
        self._process = start(CHILD, work_folder, self._output)
        pipe = self._process.stdout
        self._listener = threading.Thread(target=_listen, args=(pipe, self._lines), daemon=True)
        self._listener.start()
        limits = {"memory": self.memory, "seconds_call": self.seconds_call}
        whole = {"seconds_all": self.seconds_all, "folder": str(self.path.parent)}
        answer = self._ask({**limits, **whole}, messages.texts)
        self._remarks += [] if isinstance(answer, Failure) else answer

    # ---- requests ----------------------------------------------------------------------------

    def load(self) -> LoadedSubmission | Failure:
        """Run the file and find the attempt in it.

        Returns
        -------
        LoadedSubmission or Failure

        Raises
        ------
        SubmissionError
            If it is not a Python file, or not valid Python.
        """
        loaded = self._ask({"ask": "load", "path": str(self.path)}, _to_loaded)
        if isinstance(loaded, Failure):
            return loaded
        remarks, declared = loaded
        try:
            name = self._ask({"ask": "find", "name": self.function}, messages.text)
        except SubmissionError as error:
            why = "".join(f"\n{remark}" for remark in remarks)
            return Failure("not-found", str(error), why.strip())
        if isinstance(name, Failure):
            return name
        return LoadedSubmission(name, declared, (*remarks, *self._remarks))

    def read(
        self, question: Question, kind: Kind | None = None, layout: Layout | None = None
    ) -> list[Reading] | Failure:
        """Return the program's answer to a question, in one layout or in all that fit.

        Parameters
        ----------
        question : Question
        kind : {"gradients", "step", "forward"}, optional
        layout : Layout, optional

        Returns
        -------
        list of Reading, or Failure
        """
        known = None if layout is None else messages.from_layout(layout)
        request = {"question": messages.from_question(question), "kind": kind, "layout": known}
        return self._ask({"ask": "read", **request}, _to_result)

    def widths_of(self) -> tuple[int, ...] | Failure | None:
        """Return the layer widths that a class fixes, or None if it takes any."""
        return self._ask({"ask": "widths"}, messages.to_widths)

    def layers_of(self) -> int | Failure | None:
        """Return the number of layers that a program can handle, or None if there are several."""
        return self._ask({"ask": "layers"}, messages.to_layers)

    # ---- communication -----------------------------------------------------------------------

    def _ask(self, request: Any, read: Callable[[Any], T]) -> T | Failure:
        """Send a request and return its answer, converted by `read`."""
        if self._gone is not None:
            return self._gone
        start = time.monotonic()
        try:
            return self._answer(request, read)
        except _GoneError as error:
            self._gone = error.failure
            self._kill()
            return error.failure
        except SubmissionError:
            raise
        except BaseException:  # Ctrl-C among them
            self.close()
            raise
        finally:
            self.used += time.monotonic() - start

    def _answer(self, request: Any, read: Callable[[Any], T]) -> T | Failure:
        self._send(messages.pack(request))
        line = self._wait()
        try:
            return _unwrap(messages.unpack(line), read)
        except messages.MessageError as error:
            raise _GoneError(Failure("exception", GARBLED, str(error)[:500])) from None

    def _send(self, line: bytes) -> None:
        pipe = self._process.stdin
        try:
            if pipe is not None:
                pipe.write(line)
                pipe.flush()
        except OSError:  # the process has ended; `_wait` finds out why
            return

    def _wait(self) -> bytes:
        """Return the next line that is not a sign of life."""
        end = time.monotonic() + max(self.seconds_all - self.used, 0)
        last_sign = time.monotonic()
        while True:
            try:
                line = self._lines.get(timeout=POLL)
            except queue.Empty:
                line = b""
            now = time.monotonic()
            if line is None or (not line and self._process.poll() is not None):
                raise _GoneError(self._ended())
            if line.strip():
                return line
            last_sign = now if line else last_sign
            if now > end:
                raise _GoneError(self._hung(f"the check took longer than {self.seconds_all:g} s"))
            if now > last_sign + self.seconds_call + GRACE:
                raise _GoneError(self._hung(f"it did not respond for {self.seconds_call:g} s"))

    # ---- the end of the process --------------------------------------------------------------

    def _hung(self, what: str) -> Failure:
        """Return the failure of a process that does not respond, with the line where it hangs."""
        with suppress(OSError, ValueError):  # not on Windows
            self._process.send_signal(signal.SIGABRT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(TRACEBACK_TIME)
        where, line = self._traceback()
        return Failure("endless", f"the program was stopped: {what}{line}", where)

    def _ended(self) -> Failure:
        """Return the failure of a process that has ended."""
        try:
            code = self._process.wait(TRACEBACK_TIME)
        except subprocess.TimeoutExpired:
            return Failure("exception", CLOSED)
        where, line = self._traceback()
        if code >= 0:
            text = f"the program ended the Python process (exit code {code}){line}"
            return Failure("exception", text, where)
        if -code == _signal_number("SIGKILL"):
            text = "the system ended the program, most likely because it used too much memory"
            return Failure("memory", text, where)
        if -code == _signal_number("SIGHUP"):
            return Failure("exception", CLOSED, where)
        if -code == _signal_number("SIGXCPU"):
            return Failure(
                "endless", "the program used more processor time than its limit allows", where
            )
        name = signal.strsignal(-code) or f"signal {-code}"
        return Failure("exception", f"the program crashed the Python process ({name}){line}", where)

    def _traceback(self) -> tuple[str, str]:
        """Return the learner's lines in the traceback in the output, and the innermost of them."""
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(size - TAIL, 0))
        output = messages.text(self._output.read().decode(errors="replace"))
        frames = [line.strip() for line in output.splitlines() if f'"{self.path}"' in line]
        first = frames[0].partition(", line ")[2] if frames else ""
        return "\n".join(frames), f", at line {first}" if first else ""

    def _kill(self) -> None:
        """End the process and all that it started; only once, as its id may be reused later."""
        if self._is_killed:
            return
        self._is_killed = True
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process and remove its folder."""
        if hasattr(self, "_process"):
            self._kill()
            self._listener.join(TRACEBACK_TIME)  # longer if a process that escaped holds the pipe
            for pipe in (self._process.stdin, self._output):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()
        self._gone = self._gone or Failure(
            "exception", "the sandbox is closed; open the submission again"
        )
        self._folder.cleanup()


def _listen(pipe: IO[bytes] | None, lines: queue.Queue[bytes | None]) -> None:
    """Pass on the lines of a pipe, and None at its end."""
    with suppress(OSError, ValueError):
        while pipe is not None and (line := pipe.readline(2 * messages.MOST_BYTES)):
            lines.put(line)
        if pipe is not None:
            pipe.close()
    lines.put(None)


def _signal_number(name: str) -> int:
    """Return a signal's number, or 0 if the system does not have it."""
    return int(getattr(signal, name, 0))


def _unwrap(message: Any, read: Callable[[Any], T]) -> T | Failure:
    """Return the answer in a message, converted by `read`, or its failure, or raise its error."""
    match message:
        case {"answer": answer, **rest} if not rest:
            return read(answer)
        case {"failure": failure, **rest} if not rest:
            return messages.to_failure(failure)
        case {"error": error, **rest} if not rest:
            raise SubmissionError(messages.text(error))
        case _:
            raise messages.MessageError("not an answer")


def _to_loaded(value: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    remarks, declared = messages.fields(value, ("remarks", "declared"), "what was loaded")
    return messages.texts(remarks), messages.with_string_keys(
        messages.to_plain(declared), "NETWORK"
    )


def _to_result(value: Any) -> list[Reading] | Failure:
    match value:
        case {"failure": failure, **rest} if not rest:
            return messages.to_failure(failure)
        case {"readings": readings, **rest} if not rest:
            return messages.to_readings(readings)
        case _:
            raise messages.MessageError("not the answer to a question")
