"""Asks a learner's program in a process of its own, which may crash, hang or fill up by itself.

It keeps accidents away from whoever checks; against a program that means harm it is no wall.
"""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self, TypeVar

from chainrule.submission.attempts import LoadedSubmission, SubmissionError
from chainrule.submission.process import messages
from chainrule.submission.process.data_files import bring
from chainrule.submission.questions import Failure, Kind, Layout, Question, Reading

T = TypeVar("T")

GIB = 2**30
GRACE = 2.0  # seconds over a limit, for what the child does itself
LAST_WORDS = 0.5  # seconds in which a process that hangs may say where
LOOK = 0.25  # seconds between two looks whether the process still lives
TAIL = 8_000  # bytes of what it wrote to the end
CLOSED = "the program closed what connects its process to this one; it closes files of others"
ONE_THREAD = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)  # each thread of a BLAS takes addresses by the gigabyte


class _GoneError(Exception):
    """The child is gone, and why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


class Sandbox:
    """A learner's file in a process of its own; a context manager.

    Parameters
    ----------
    path : str or Path
    function : str, optional
        The function, class or ``"Class.method"`` to ask; found out by default.
    seconds_call : float, default 10
        For each call of the program, and for running the file at the start.
    seconds_all : float, default 60
        For all that is waited for.
    memory : int, default 2 GiB
        Bytes for the program, beyond what Python and NumPy take.

    Notes
    -----
    The process runs in an empty folder that is removed afterwards; files beside the program that it
    names in quotes are copied there. Once a request has failed because the process is gone, every
    further one returns the same `Failure`.
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
        self._ended_all = False

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
        inside = folder / "here"
        inside.mkdir()
        self._remarks += bring(self.path, inside)
        self._words = (folder / "words").open("w+b")
        self._process = _start(inside, self._words)
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
            If it is no Python file, or not in good Python.
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
        """Ask a question, in one layout or in all that there are.

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
        """Return the widths that a class is made for, None where it takes any."""
        return self._ask({"ask": "widths"}, messages.to_widths)

    def layers_of(self) -> int | Failure | None:
        """Return the number of layers that a function takes, None where it takes any."""
        return self._ask({"ask": "layers"}, messages.to_layers)

    # ---- how they are sent -------------------------------------------------------------------

    def _ask(self, request: Any, read: Callable[[Any], T]) -> T | Failure:
        """Send a request and return what a reader makes of the answer."""
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
            return _opened(messages.unpack(line), read)
        except messages.WireError as error:
            said = "what came back from the program's process makes no sense; does it write there?"
            raise _GoneError(Failure("exception", said, str(error)[:500])) from None

    def _send(self, line: bytes) -> None:
        pipe = self._process.stdin
        try:
            if pipe is not None:
                pipe.write(line)
                pipe.flush()
        except OSError:  # it is gone; why, is found out when the answer is waited for
            return

    def _wait(self) -> bytes:
        """Return the next line that is no mere sign of life."""
        end = time.monotonic() + max(self.seconds_all - self.used, 0)
        sign = time.monotonic()
        while True:
            try:
                line = self._lines.get(timeout=LOOK)
            except queue.Empty:
                line = b""
            now = time.monotonic()
            if line is None or (not line and self._process.poll() is not None):
                raise _GoneError(self._ended())
            if line.strip():
                return line
            sign = now if line else sign
            if now > end:
                raise _GoneError(self._hung(f"the check took longer than {self.seconds_all:g} s"))
            if now > sign + self.seconds_call + GRACE:
                raise _GoneError(self._hung(f"it hangs for longer than {self.seconds_call:g} s"))

    # ---- when it is gone ---------------------------------------------------------------------

    def _hung(self, what: str) -> Failure:
        """Return the failure of a process that does not answer, which is asked where it is."""
        with suppress(OSError, ValueError):  # Windows has no such signal
            self._process.send_signal(signal.SIGABRT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_WORDS)
        where, line = self._last_words()
        return Failure("endless", f"the program was stopped: {what}{line}", where)

    def _ended(self) -> Failure:
        """Return the failure of a process that ended by itself."""
        try:
            code = self._process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            return Failure("exception", CLOSED)
        where, line = self._last_words()
        if code >= 0:
            said = f"the program ended Python itself (exit code {code}){line}"
            return Failure("exception", said, where)
        if -code == _number("SIGKILL"):
            said = "the system ended the program, most likely for the memory that it took"
            return Failure("memory", said, where)
        if -code == _number("SIGHUP"):
            return Failure("exception", CLOSED, where)
        if -code == _number("SIGXCPU"):
            return Failure("endless", "the program used up its processor time", where)
        name = signal.strsignal(-code) or f"signal {-code}"
        return Failure("exception", f"the program crashed Python itself ({name}){line}", where)

    def _last_words(self) -> tuple[str, str]:
        """Return where the process was, as it said in the end, and the learner's line in it."""
        size = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(size - TAIL, 0))
        words = messages.text(self._words.read().decode(errors="replace"))
        frames = [line.strip() for line in words.splitlines() if f'"{self.path}"' in line]
        first = frames[0].partition(", line ")[2] if frames else ""
        return "\n".join(frames), f", at line {first}" if first else ""

    def _kill(self) -> None:
        """End the process and all that it started, once: later its number may be another's."""
        if self._ended_all:
            return
        self._ended_all = True
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
            self._listener.join(LAST_WORDS)  # longer only if something escaped and holds the pipe
            for pipe in (self._process.stdin, self._words):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()
        self._gone = self._gone or Failure("exception", "the sandbox is closed")
        self._folder.cleanup()


def _start(folder: Path, words: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the child in a folder, with the same interpreter and the same packages."""
    paths = [os.path.abspath(p) for p in sys.path]  # noqa: PTH100 ("" is where we are)
    threads = dict.fromkeys(ONE_THREAD, "1")
    own = {
        "PYTHONPATH": os.pathsep.join(paths),
        "MPLBACKEND": "Agg",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "chainrule.submission.process.child"],
        cwd=folder,
        env={**os.environ, **threads, **own},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=words,
        start_new_session=True,  # so that all that it starts can be ended with it
    )


def _listen(pipe: IO[bytes] | None, lines: queue.Queue[bytes | None]) -> None:
    """Pass on the lines of a pipe, and None at its end or when a line is absurdly long."""
    with suppress(OSError, ValueError):
        while pipe is not None and (line := pipe.readline(2 * messages.MOST_BYTES)):
            lines.put(line)
        if pipe is not None:
            pipe.close()
    lines.put(None)


def _number(name: str) -> int:
    """Return a signal's number, 0 where the system does not have it."""
    return int(getattr(signal, name, 0))


def _opened(message: Any, read: Callable[[Any], T]) -> T | Failure:
    """Return what a reader makes of a message, or the failure in it, or raise the error in it."""
    match message:
        case {"answer": answer, **rest} if not rest:
            return read(answer)
        case {"failure": failure, **rest} if not rest:
            return messages.to_failure(failure)
        case {"error": error, **rest} if not rest:
            raise SubmissionError(messages.text(error))
        case _:
            raise messages.WireError("an answer that is none")


def _to_loaded(value: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    remarks, declared = messages.fields(value, ("remarks", "declared"), "what was loaded")
    return messages.texts(remarks), messages.named(messages.to_plain(declared), "NETWORK")


def _to_result(value: Any) -> list[Reading] | Failure:
    match value:
        case {"failure": failure, **rest} if not rest:
            return messages.to_failure(failure)
        case {"readings": readings, **rest} if not rest:
            return messages.to_readings(readings)
        case _:
            raise messages.WireError("an answer to a question that is none")
