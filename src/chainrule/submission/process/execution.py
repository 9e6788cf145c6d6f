"""Run a learner's program statement by statement; a statement that fails is left out."""

import __future__

import ast
import signal
import threading
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType

from chainrule.submission.program_io import InputRequestedError

MOST_LISTED = 6  # statements that were left out
SHARE = 0.2  # of the time, for a definition, import or assignment after all time has been used
REPEAT = 0.5  # s between further alarms, for programs that catch the first one
DEFINITIONS = (  # statements that get a share of the time in any case
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom),
    *(ast.Assign, ast.AnnAssign, ast.AugAssign),
)


class OutOfTimeError(BaseException):
    """The time is used up; not an `Exception`, so that a program does not handle it by mistake."""


class Execution:
    """A program that runs statement by statement.

    Parameters
    ----------
    file : Path
    module : ModuleType
        The module whose names the statements define.
    tree : ast.Module
    seconds : float
    """

    def __init__(self, file: Path, module: ModuleType, tree: ast.Module, seconds: float) -> None:
        self.file, self.module, self.tree, self.seconds = file, module, tree, seconds
        self.seconds_left = seconds
        self.left_out: list[str] = []
        self.failed: list[ast.stmt] = []
        self.flags = _future_flags(tree)

    def run(self) -> None:
        """Run every statement, and record those that fail."""
        self.module.__doc__ = ast.get_docstring(self.tree, clean=False)
        for statement in self.tree.body:
            start = time.monotonic()
            reason = self._run_statement(statement)
            if not isinstance(statement, ast.Import | ast.ImportFrom):  # not the learner's code
                self.seconds_left -= time.monotonic() - start
            if reason:
                self.failed.append(statement)
                self.left_out.append(f"line {statement.lineno} was left out: {reason}")

    def _run_statement(self, statement: ast.stmt) -> str:
        """Run a statement and return why it failed, or an empty string."""
        seconds = self._seconds_for(statement)
        if seconds <= 0:
            return f"the {self.seconds:g} s were used up before it"
        body = ast.Module([statement], [])
        code = compile(body, str(self.file), "exec", self.flags, True)  # noqa: FBT003 (positional in Python)
        try:
            with limited(seconds):
                exec(code, self.module.__dict__)  # noqa: S102 (to run it is the purpose)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (a learner's code may raise anything)
            return self._reason(error, statement, seconds)
        return ""

    def _seconds_for(self, statement: ast.stmt) -> float:
        """Return the time limit of a statement."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return self.seconds
        share = SHARE * self.seconds if isinstance(statement, DEFINITIONS) else 0.0
        return max(self.seconds_left, share)

    def _reason(self, error: BaseException, statement: ast.stmt, seconds: float) -> str:
        """Return why a statement failed."""
        match error:
            case OutOfTimeError():
                is_whole = seconds == self.seconds
                limit = f"{self.seconds:g} s" if is_whole else "the time that was left"
                return f"it runs for longer than {limit}, probably because it trains a network"
            case InputRequestedError():
                return "it asks for input"
            case SystemExit():
                return "it ends the program (sys.exit)"
            case ModuleNotFoundError() if error.name:
                return f"{error.name.partition('.')[0]} is not installed"
            case _:
                line = self._line_of(error)
                where = f" (line {line})" if line not in (0, statement.lineno) else ""
                return f"{describe_error(error)}{where}"

    def _line_of(self, error: BaseException) -> int:
        """Return the innermost line of this file in an error's traceback, or 0."""
        frames = traceback.extract_tb(error.__traceback__)
        return next((f.lineno or 0 for f in reversed(frames) if f.filename == str(self.file)), 0)

    @property
    def remarks(self) -> list[str]:
        """Remarks on the statements that were left out: the first few, and how many more."""
        more = len(self.left_out) - MOST_LISTED
        rest = [f"{more} more statement{'s' * (more != 1)} failed and were left out"]
        return self.left_out[:MOST_LISTED] + (rest if more > 0 else [])


def describe_error(error: BaseException) -> str:
    """Return an error in one line."""
    try:
        text = " ".join(str(error).split())[:300]
    except Exception:  # noqa: BLE001 (a learner's own __str__ may raise anything)
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _future_flags(tree: ast.Module) -> int:
    """Return the compiler's flags for what a program imports from __future__."""
    flags = 0
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            for alias in statement.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    return flags


@contextmanager
def limited(seconds: float) -> Generator[None]:
    """Raise `OutOfTimeError` in the block after `seconds`.

    Nothing is limited outside the main thread or on Windows.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not (is_main and hasattr(signal, "setitimer")):
        yield
        return
    handler = signal.signal(signal.SIGALRM, _raise_out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


def _raise_out_of_time(number: int, frame: FrameType | None) -> None:
    raise OutOfTimeError
