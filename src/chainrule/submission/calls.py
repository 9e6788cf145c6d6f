"""Call a learner's function with a time limit, its output discarded and its errors caught."""

import builtins
import contextlib
import gc
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Generator, Mapping
from typing import Any

import numpy as np

from chainrule.submission.program_io import DiscardedOutput, refuse_input
from chainrule.submission.questions import Failure, Fault

REPEAT = 0.05  # s between further alarms, for programs that catch the first one


class CallError(Exception):
    """A call of a learner's program gave no result.

    Parameters
    ----------
    fault : str
    cause : BaseException
    function : callable
    note : str
        What happened; if empty, `cause` is described.
    """

    def __init__(self, fault: Fault, cause: BaseException, function: Any, note: str = "") -> None:
        super().__init__(note)
        self.fault: Fault = fault
        self.cause = cause
        self.function = function
        self.note = note
        frames = traceback.walk_tb(cause.__traceback__)
        reached = [line for frame, line in frames if not _is_in_this_file(frame)]
        self.depth = reached[0] if reached else -1  # the line that the function itself had reached

    @property
    def failure(self) -> Failure:
        """The failure to report; its text is computed here because most errors are not shown."""
        frames = [
            f for f in traceback.extract_tb(self.cause.__traceback__) if f.filename != __file__
        ]
        learners = [frame for frame in frames if frame.filename == frames[0].filename]
        text = self.note or _describe(self.cause, self.function, learners)
        lines = [f"line {f.lineno}, in {f.name}: {f.line or ''}".rstrip(": ") for f in learners]
        return Failure(self.fault, text, "\n".join(lines))


def _is_in_this_file(frame: Any) -> bool:
    return frame.f_code.co_filename == __file__


def _describe(cause: BaseException, function: Any, learners: list[traceback.FrameSummary]) -> str:
    """Return what was raised, and at which line of the learner's file."""
    what = f"{type(cause).__name__}: {_first_line(cause)}".rstrip(": ")
    place = f", line {learners[-1].lineno}, in {learners[-1].name}" if learners else ""
    return f"{_name(function)} raises {what}{place}"


def _first_line(cause: BaseException) -> str:
    """Return the first line of an exception's message, without the period at its end."""
    try:
        lines = [line.strip() for line in str(cause).splitlines()]
    except Exception:  # noqa: BLE001 (a learner's own __str__ may raise anything)
        return ""
    return next(filter(None, lines), "").rstrip(".")


class _TimeLimitReached(BaseException):
    """The time limit of a call is reached."""


def call_guarded(
    function: Callable[..., Any],
    arguments: list[Any],
    keywords: Mapping[str, Any] | None = None,
    *,
    seconds: float = 10.0,
) -> Any:
    """Return what `function` returns for `arguments`.

    Parameters
    ----------
    function : callable
    arguments : list
    keywords : mapping, optional
    seconds : float, default 10
        Time limit.

    Returns
    -------
    object

    Raises
    ------
    CallError
        If it raises, exits, asks for input, or needs too much memory or time.
    """
    try:
        with _without_input_and_output(), _time_limit(seconds):
            return function(*arguments, **(keywords or {}))
    except _TimeLimitReached as alarm:
        text = f"{_name(function)} was still running after {seconds:g} s"
        raise CallError("endless", alarm, function, text) from None
    except MemoryError as error:
        text = f"{_name(function)} needed too much memory"
        raise CallError("memory", error, function, text) from None
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 (a learner's code may raise anything)
        raise CallError("exception", error, function) from None


def _name(function: Any) -> str:
    """Return the name of `function` for a message."""
    return getattr(function, "__qualname__", getattr(function, "__name__", "the program"))


@contextlib.contextmanager
def _without_input_and_output() -> Generator[None]:
    """Discard what is printed, ignore warnings, and let `input` raise an error."""
    original = builtins.input
    builtins.input = refuse_input
    output = DiscardedOutput()
    try:
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        builtins.input = original


def can_limit_time() -> bool:
    """Return whether a call can be interrupted: in the main thread, not on Windows."""
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and hasattr(signal, "setitimer")


@contextlib.contextmanager
def _time_limit(seconds: float) -> Generator[None]:
    """Raise `_TimeLimitReached` in the block after `seconds`, if the system supports it."""
    if not can_limit_time():
        yield
        return
    handler, tracing = signal.signal(signal.SIGALRM, _raise_alarm), sys.gettrace()
    signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if sys.gettrace() is not tracing:
            sys.settrace(tracing)


def _raise_alarm(number: int, frame: Any) -> None:
    """Handle the alarm: raise now, and again at the next line if a bare ``except:`` catches it."""
    ignored = _is_ignored(frame)
    while frame is not None and not _is_in_this_file(frame):
        frame.f_trace = None if _is_ignored(frame) else _raise_at_next_line
        frame = frame.f_back
    sys.settrace(_raise_at_next_line)
    if not ignored:
        raise _TimeLimitReached


def _raise_at_next_line(frame: Any, event: str, argument: object) -> Any:
    """Raise the alarm again when the next line runs."""
    if event == "line":
        raise _TimeLimitReached
    return None if _is_ignored(frame) else _raise_at_next_line


def _is_ignored(frame: Any) -> bool:
    """Return whether a frame is in a callback of garbage collection, whose exceptions are lost."""
    callbacks = {getattr(one, "__code__", None) for one in gc.callbacks}
    while frame is not None and not _is_in_this_file(frame):
        if frame.f_code in callbacks:
            return True
        frame = frame.f_back
    return False
