"""Runs a learner's file, statement by statement, and keeps what it defines.

It does not look for the attempt in it, and it is no protection against a file that means harm:
sandbox.py runs it in a process of its own.
"""

import __future__

import ast
import builtins
import copy
import io
import itertools
import linecache
import os
import re
import signal
import sys
import threading
import time
import tokenize
import traceback
import warnings
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from chainrule.activations import ACTIVATIONS, Activation, Custom
from chainrule.layers import Dense
from chainrule.losses import LOSSES
from chainrule.network import Network
from chainrule.submission.attempts import SubmissionError
from chainrule.submission.process.stub_modules import Finder, standing_in

MOST_BYTES = 4_000_000  # of a program
MOST_TOLD = 6  # statements that were left out
FAIR = 0.2  # of the time, for a definition, import or assignment after the rest has used it up
AGAIN = 0.5  # seconds after which the clock strikes again, if the program swallowed the first
PLAIN = (str, int, float, bool, type(None))
OWN_SHARE = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom),
    *(ast.Assign, ast.AnnAssign, ast.AugAssign),
)
_counter = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A learner's file after it has run.

    Parameters
    ----------
    namespace : dict
        What it defines, by name.
    remarks : tuple of str
        What was left out and why, what is missing, whether it prints.
    declared : dict
        Its ``NETWORK``, if that is a dict of plain values.
    """

    namespace: dict[str, Any]
    remarks: tuple[str, ...] = ()
    declared: dict[str, Any] = field(default_factory=dict[str, Any])


class AskedForInputError(EOFError):
    """The program asks for input, which nobody can give it here."""


class OutOfTimeError(BaseException):
    """The time is used up; no `Exception`, so that a program's own handlers let it pass."""


def load(path: str | Path, seconds: float = 10.0) -> Loaded:
    """Run a file and return what it defines.

    Parameters
    ----------
    path : str or Path
        A Python file.
    seconds : float, default 10
        For all that it does; definitions, imports and assignments each get a fair share of it even
        after it has been used up. Not enforced outside the main thread, or on Windows.

    Returns
    -------
    Loaded

    Raises
    ------
    SubmissionError
        If it is no Python file, or not in good Python.
    """
    file = Path(path).absolute()
    text, remarks = source(file)
    tree = parse(text, file)
    module = _module(file, text)
    run = _Run(file, module, tree, seconds)
    with _surroundings(file) as (finder, output):
        run.everything()
    declared, doubts = declaration(module.__dict__.get("NETWORK"))
    absent = [
        f"{name} is not installed: what is drawn with it is left out" for name in finder.found
    ]
    told = (*remarks, *run.told(), *absent, *output.told(), *doubts)
    return Loaded(module.__dict__, told, declared)


# ---- the text -----------------------------------------------------------------------------------


def source(file: Path) -> tuple[str, list[str]]:
    """Return the text of a Python file, and a remark if its encoding is not what it should be.

    Raises
    ------
    SubmissionError
        If it cannot be read, is empty, or is no Python file.
    """
    data = _bytes(file)
    if file.suffix == ".ipynb":
        raise SubmissionError(
            f"{file.name} is a notebook; export it as .py (File, Save and Export Notebook As, "
            "Executable Script) and hand that in"
        )
    if not data.strip():
        raise SubmissionError(f"{file.name} is empty; was it saved?")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise SubmissionError(
            f"{file.name} is in UTF-16, which Python does not read; save it as UTF-8"
        )
    if b"\0" in data:
        raise SubmissionError(f"{file.name} is no text file; hand in the Python source, a .py file")
    return _decoded(data, file)


def _bytes(file: Path) -> bytes:
    """Return a file's content."""
    if file.is_dir():
        raise SubmissionError(f"{file.name} is a folder; name the file in it that is to be checked")
    if not file.exists():
        raise SubmissionError(f"there is no file {str(file)!r}; check its name and folder")
    if not file.is_file():
        raise SubmissionError(f"{file.name} is no file; name a Python file")
    try:
        if file.stat().st_size > MOST_BYTES:
            raise SubmissionError(
                f"{file.name} is larger than {MOST_BYTES:,} bytes; is it a program?"
            )
        return file.read_bytes()
    except OSError as error:
        raise SubmissionError(f"{file.name} cannot be read: {error.strerror}") from None


def _decoded(data: bytes, file: Path) -> tuple[str, list[str]]:
    """Return a file's text, after its coding cookie; without one, Latin-1 if it is not UTF-8."""
    cookie = re.search(rb"coding[:=]", b"\n".join(data.splitlines()[:2]))
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0] if cookie else "utf-8-sig"
    except SyntaxError as error:
        raise SubmissionError(f"{file.name}: {error.msg}; save it as UTF-8") from None
    try:
        return _newlines(data.decode(encoding)), []
    except UnicodeDecodeError as error:
        if not cookie:
            return _latin(data, file)
        line = data[: error.start].count(b"\n") + 1
        raise SubmissionError(
            f"{file.name}, line {line}: this is not {encoding}, as the file says of itself; "
            "save it as UTF-8"
        ) from None


def _newlines(text: str) -> str:
    return io.IncrementalNewlineDecoder(None, translate=True).decode(text)


def _latin(data: bytes, file: Path) -> tuple[str, list[str]]:
    remark = f"{file.name} is not in UTF-8 and does not say so; it was read as Latin-1"
    return _newlines(data.decode("latin-1")), [remark]


def parse(text: str, file: Path) -> ast.Module:
    """Return the statements of a program.

    Raises
    ------
    SubmissionError
        If it is not Python; the message has the line and its text.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, str(file))
            compile(text, str(file), "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        line = f": {error.text.strip()}" if error.text else ""
        raise SubmissionError(f"{file.name}{where}: {error.msg}{line}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SubmissionError(f"{file.name} cannot be read as Python: {error}") from None
    return tree


def declaration(value: object) -> tuple[dict[str, Any], list[str]]:
    """Return a program's NETWORK and what is to be said of it."""
    if value is None:
        return {}, []
    if isinstance(value, Network):
        return network_to_declaration(value)
    if isinstance(value, dict) and _is_plain(value):  # pyright: ignore[reportUnknownArgumentType]
        return copy.deepcopy(value), []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    doubt = (
        "its NETWORK is no network and no dict of plain values, so it is not used; write for "
        'instance NETWORK = {"layers": [2, 3, 1], "activation": "logistic"}'
    )
    return {}, [doubt]


def network_to_declaration(network: Network) -> tuple[dict[str, Any], list[str]]:
    """Return a network as plain values, as far as these say it, and what they cannot say."""
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    if len(dense) < len(network.layers):
        return {}, ["its NETWORK is not made of Dense layers alone, so it is not used"]
    told: dict[str, Any] = {"layers": list(network.widths)}
    doubts: list[str] = []
    if any(isinstance(layer.activation, Custom) for layer in dense):
        doubts.append(
            "an activation of its own cannot be told from a file; call chainrule.check(function, "
            "network) in Python"
        )
    else:
        told["activation"] = [_activation_text(layer.activation) for layer in dense]
    if network.loss == LOSSES.get(network.loss.name):
        told["loss"] = network.loss.name
    else:
        doubts.append(f"a loss such as {network.loss!r} cannot be told from a file")
    return told, doubts


def _activation_text(f: Activation) -> str:
    return f.name if f == ACTIVATIONS.get(f.name) else repr(f)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)  # pyright: ignore[reportUnknownVariableType]
    return isinstance(value, PLAIN)


# ---- the surroundings that it runs in -----------------------------------------------------------


class Sink(io.TextIOBase):
    """Takes what a program prints, and counts the lines.

    Attributes
    ----------
    lines : int
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines = 0
        self._open = False

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        self.lines += text.count("\n")
        self._open = not text.endswith("\n") if text else self._open
        return len(text)

    def told(self) -> list[str]:
        """Return the remark that it prints, if it does."""
        lines = self.lines + self._open
        return [f"it prints when imported: {lines} line{'s' * (lines != 1)}"] if lines else []


@contextmanager
def _surroundings(file: Path) -> Generator[tuple[Finder, Sink]]:
    """Have a program's surroundings as they should be while it runs, and as they were after it."""
    output, folder = Sink(), os.getcwd()  # noqa: PTH109 (a string, for chdir)
    kept = sys.path[:], sys.argv[:], sys.stdin, builtins.input, os.environ.get("MPLBACKEND")
    with ExitStack() as stack:
        finder = stack.enter_context(standing_in())
        stack.enter_context(redirect_stdout(output))
        stack.enter_context(redirect_stderr(Sink()))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        sys.path.insert(0, str(file.parent))
        sys.argv[:] = [str(file)]
        sys.stdin, builtins.input = io.StringIO(), refuse_input
        os.environ["MPLBACKEND"] = "Agg"  # which opens no windows
        try:
            yield finder, output
        finally:
            sys.path[:], sys.argv[:], sys.stdin, builtins.input = kept[:4]
            os.environ.pop("MPLBACKEND", None)
            os.environ.update({} if kept[4] is None else {"MPLBACKEND": kept[4]})
            os.chdir(folder)


def refuse_input(prompt: object = "", /) -> str:
    """Take the place of `input`.

    Raises
    ------
    AskedForInputError
        Always.
    """
    raise AskedForInputError("it asks for input")


def _module(file: Path, text: str) -> ModuleType:
    """Return an empty module for a program, known to pickle, dataclasses and inspect."""
    stem = re.sub(r"\W", "_", file.stem)
    module = ModuleType(f"_handin_{next(_counter)}_{stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    lines = text.splitlines(keepends=True)
    linecache.cache[str(file)] = (len(text), None, lines, str(file))  # as decoded here
    return module


# ---- statement by statement ---------------------------------------------------------------------


class _Run:
    """A program on its way through its statements."""

    def __init__(self, file: Path, module: ModuleType, tree: ast.Module, seconds: float) -> None:
        self.file, self.module, self.tree, self.seconds = file, module, tree, seconds
        self.left = seconds
        self.left_out: list[str] = []
        self.flags = _future(tree)

    def everything(self) -> None:
        """Run every statement; one that fails is left out."""
        self.module.__doc__ = ast.get_docstring(self.tree, clean=False)
        for statement in self.tree.body:
            start = time.monotonic()
            reason = self._statement(statement)
            if not isinstance(statement, ast.Import | ast.ImportFrom):  # not the learner's time
                self.left -= time.monotonic() - start
            if reason:
                verb = "was left out:"
                self.left_out.append(f"line {statement.lineno} {verb} {reason}")

    def _statement(self, statement: ast.stmt) -> str:
        """Run a statement and return why it failed, if it did."""
        own = isinstance(statement, OWN_SHARE)
        whole = isinstance(statement, ast.Import | ast.ImportFrom)
        share = self.seconds if whole else max(self.left, FAIR * self.seconds * own)
        if share <= 0:
            return f"the {_seconds(self.seconds)} were used up before it"
        code = compile(ast.Module([statement], []), str(self.file), "exec", self.flags, True)  # noqa: FBT003 (positional in Python)
        try:
            with limited(share):
                exec(code, self.module.__dict__)  # noqa: S102 (this is what was asked for)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (whatever it is, it is said)
            return self._reason(error, statement, share)
        return ""

    def _reason(self, error: BaseException, statement: ast.stmt, share: float) -> str:
        match error:
            case OutOfTimeError():
                short = (
                    _seconds(self.seconds) if share == self.seconds else "the time that was left"
                )
                return f"it runs for longer than {short}; it trains, most likely"
            case AskedForInputError():
                return "it asks for input"
            case SystemExit():
                return "it ends the program (sys.exit)"
            case ModuleNotFoundError() if error.name:
                return f"{error.name.partition('.')[0]} is not installed"
            case _:
                line = self.deepest(error)
                where = f" (line {line})" if line not in (0, statement.lineno) else ""
                return f"{_words(error)}{where}"

    def deepest(self, error: BaseException) -> int:
        """Return the last line of this file that an error passed, or 0."""
        frames = traceback.extract_tb(error.__traceback__)
        return next((f.lineno or 0 for f in reversed(frames) if f.filename == str(self.file)), 0)

    def told(self) -> list[str]:
        """Return the remarks on what was left out, the first few in full."""
        more = len(self.left_out) - MOST_TOLD
        rest = [f"{more} more statement{'s' * (more != 1)} failed and were left out"]
        return self.left_out[:MOST_TOLD] + (rest if more > 0 else [])


def _words(error: BaseException) -> str:
    """Return an error in one line; its own words may fail as well."""
    try:
        text = " ".join(str(error).split())[:300]
    except Exception:  # noqa: BLE001 (a learner's own __str__)
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s"


def _future(tree: ast.Module) -> int:
    """Return the compiler's flags for what a program imports from __future__."""
    names = (
        a.name
        for s in tree.body
        if isinstance(s, ast.ImportFrom) and s.module == "__future__"
        for a in s.names
    )
    flags = 0
    for name in names:
        flags |= getattr(__future__, name).compiler_flag
    return flags


@contextmanager
def limited(seconds: float) -> Generator[None]:
    """Raise `OutOfTimeError` in what runs inside for longer; only in the main thread, not Windows.

    Parameters
    ----------
    seconds : float
    """
    main = threading.current_thread() is threading.main_thread()
    if not (main and hasattr(signal, "setitimer")):
        yield
        return
    before = signal.signal(signal.SIGALRM, _strike)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _strike(number: int, frame: FrameType | None) -> None:
    raise OutOfTimeError
