"""One guarded call of a learner's function, and the learner's module put back as it was.

What the program prints is dropped and what it raises becomes a `Crashed`; what it answers is not
looked at here.
"""

import ast
import builtins
import contextlib
import copy
import inspect
import io
import linecache
import random
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from types import CellType
from typing import Any, NoReturn

import numpy as np

from chainrule.submission.attempts import Attempt, own_class
from chainrule.submission.questions import Failure, Fault
from chainrule.submission.values import is_data, is_dice

DICE = {"Generator", "Random", "RandomState", "SystemRandom", "default_rng", "urandom"}
AGAIN = 0.05  # s: the alarm goes off again, for programs that swallow whatever they can catch


class Crashed(Exception):  # noqa: N818
    """A learner's program did not answer.

    Parameters
    ----------
    fault : str
    cause : BaseException
    function : callable
    note : str
        What happened; without it the cause says so.
    """

    def __init__(self, fault: Fault, cause: BaseException, function: Any, note: str = "") -> None:
        super().__init__(note)
        self.fault: Fault = fault
        self.cause = cause
        self.function = function
        self.note = note
        steps = [
            frame for frame in traceback.walk_tb(cause.__traceback__) if not _is_ours(frame[0])
        ]
        self.depth = steps[0][1] if steps else -1  # the line that the function itself had reached

    @property
    def failure(self) -> Failure:
        """The failure that it is: its words are made only when somebody wants them."""
        frames = [
            f for f in traceback.extract_tb(self.cause.__traceback__) if f.filename != __file__
        ]
        theirs = [frame for frame in frames if frame.filename == frames[0].filename]
        text = self.note or _words(self.cause, self.function, theirs)
        lines = [f"line {f.lineno}, in {f.name}: {f.line or ''}".rstrip(": ") for f in theirs]
        return Failure(self.fault, text, "\n".join(lines))


def _is_ours(frame: Any) -> bool:
    """Return whether a frame is one of this file."""
    return frame.f_code.co_filename == __file__


def _words(cause: BaseException, function: Any, theirs: list[traceback.FrameSummary]) -> str:
    """Return what was raised, and at which line of the learner's file."""
    what = f"{type(cause).__name__}: {_first_line(cause)}".rstrip(": ")
    place = f", line {theirs[-1].lineno}, in {theirs[-1].name}" if theirs else ""
    return f"{_name(function)} raises {what}{place}"


def _first_line(cause: BaseException) -> str:
    """Return the first line of what an exception says, as a part of a sentence."""
    try:
        lines = [line.strip() for line in str(cause).splitlines()]
    except Exception:  # noqa: BLE001 (a learner's own __str__)
        return ""
    return next(filter(None, lines), "").rstrip(".")


class _Alarm(BaseException):
    """The time of a call is over."""


class AsksForInputError(RuntimeError):
    """A learner's program wants to be typed to."""


def _no_input(prompt: object = "") -> NoReturn:
    """Stand in for input()."""
    raise AsksForInputError(f"input({prompt!r}) waits for somebody to type; nobody can here")


def guarded(
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

    Returns
    -------
    object

    Raises
    ------
    Crashed
        If it raises, exits, asks for input, needs too much memory or time.
    """
    try:
        with _quiet(), _limited(seconds):
            return function(*arguments, **(keywords or {}))
    except _Alarm as alarm:
        text = f"{_name(function)} was still running after {seconds:g} s"
        raise Crashed("endless", alarm, function, text) from None
    except MemoryError as error:
        text = f"{_name(function)} wanted too much memory"
        raise Crashed("memory", error, function, text) from None
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - whatever a learner's program raises
        raise Crashed("exception", error, function) from None


def _name(function: Any) -> str:
    """Return what `function` is called in a sentence."""
    return getattr(function, "__qualname__", getattr(function, "__name__", "the program"))


class _Nowhere(io.TextIOBase):
    """A stream that swallows what is printed."""

    def write(self, text: str, /) -> int:
        return len(text)

    def writable(self) -> bool:
        return True


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Drop what is printed or warned, and answer input() with an error."""
    asked = builtins.input
    builtins.input = _no_input
    nowhere = _Nowhere()
    try:
        with (
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        builtins.input = asked


def can_limit() -> bool:
    """Return whether a call can be stopped when its time is over."""
    here = threading.current_thread() is threading.main_thread()
    return here and hasattr(signal, "setitimer")


@contextlib.contextmanager
def _limited(seconds: float) -> Generator[None]:
    """Raise `_Alarm` in the block when `seconds` are over, where the system can."""
    if not can_limit():
        yield
        return
    before, tracing = signal.signal(signal.SIGALRM, _ring), sys.gettrace()
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if sys.gettrace() is not tracing:
            sys.settrace(tracing)


def _ring(number: int, frame: Any) -> NoReturn:
    """Handle the alarm: raise here, and again at the next line if an ``except:`` swallows it."""
    while frame is not None and not _is_ours(frame):
        frame.f_trace = _again
        frame = frame.f_back
    sys.settrace(_again)
    raise _Alarm


def _again(frame: object, event: str, argument: object) -> Any:
    """Raise the alarm at the next line that runs."""
    if event == "line":
        raise _Alarm
    return _again


# --- The module as it was ------------------------------------------------------------------------


class Ground:
    """A learner's module as it was before the first call, to begin every run from.

    Parameters
    ----------
    attempt : Attempt
    """

    def __init__(self, attempt: Attempt) -> None:
        self.namespace = _globals_of(attempt)
        reached = _reached(attempt.target, self.namespace)
        self.functions = [f for f in reached if inspect.isfunction(f)]
        self.classes = [c for c in reached if isinstance(c, type)]
        used = {n for f in self.functions for n in _names(f.__code__)}
        data = {n: v for n, v in self.namespace.items() if n in used and is_data(v)}
        self.data = copy.deepcopy(data)
        cells = {id(cell): (cell, v) for f in self.functions for cell, v in _cells(f)}
        self.cells = {key: cell for key, (cell, _) in cells.items()}
        inside = {key: value for key, (_, value) in cells.items()}
        self.enclosed = copy.deepcopy({k: v for k, v in inside.items() if is_data(v)})
        self.dice = [v for v in (*self.namespace.values(), *inside.values()) if is_dice(v)]
        self.has_dice = bool(self.dice or used & DICE)
        self.state = _shared_state()
        self.defaults = {
            f: copy.deepcopy(f.__defaults__)
            for f in self.functions
            if f.__defaults__
            and any(isinstance(v, (list, dict, np.ndarray)) for v in f.__defaults__)
        }
        self.attributes = {f: copy.copy(f.__dict__) for f in self.functions}
        self.shared = {c: data for c in self.classes if (data := _class_data(c))}
        self.filled = {c: _filled(c, data) for c, data in self.shared.items()}

    def restore(self, seed: int) -> None:
        """Put everything back, and set whatever is random to `seed`."""
        namespace: Any = self.namespace
        namespace.update(copy.deepcopy(self.data))
        for key, value in copy.deepcopy(self.enclosed).items():
            self.cells[key].cell_contents = value
        for function, defaults in self.defaults.items():
            function.__defaults__ = copy.deepcopy(defaults)
        for function, attributes in self.attributes.items():
            function.__dict__.clear()
            function.__dict__.update(copy.deepcopy(attributes))
        for cls, shared in self.shared.items():
            for name, value in copy.deepcopy(shared).items():
                setattr(cls, name, value)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the learner's generator, not ours
        for dice in self.dice:
            reseed(dice, seed)
        self.state = _shared_state()

    @property
    def draws(self) -> bool:
        """Whether random numbers may have been drawn since everything was put back."""
        return self.has_dice or _shared_state() != self.state


def _shared_state() -> tuple[Any, ...]:
    """Return the state of the random numbers that all modules share."""
    _, words, *rest = np.random.get_state()  # noqa: NPY002 - the learner's generator, not ours
    return (random.getstate(), np.asarray(words).tobytes(), *rest)


def _cells(function: Any) -> Iterator[tuple[CellType, Any]]:
    """Yield the cells of a function's closure that hold something, and what they hold."""
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # an empty one
            yield cell, cell.cell_contents


def reseed(dice: Any, seed: int) -> None:
    """Set a generator of random numbers to `seed`."""
    if isinstance(dice, np.random.Generator):
        dice.bit_generator.state = type(dice.bit_generator)(seed).state
    else:
        dice.seed(seed)


def _names(code: Any) -> set[str]:
    """Return the global names that `code`, or code inside it, uses."""
    inner = (part for part in code.co_consts if hasattr(part, "co_names"))
    return set(code.co_names).union(*(_names(part) for part in inner))


def _reached(target: Any, namespace: Mapping[str, Any]) -> list[Any]:
    """Return the functions and classes that a call of `target` can come to."""
    found: list[Any] = []
    ahead = [target if isinstance(target, type) or inspect.isfunction(target) else type(target)]
    ahead += [type(part) for part in vars(target).values()] if hasattr(target, "__dict__") else []
    while ahead:
        thing = ahead.pop()
        inside = _inside(thing)
        if inside is None or any(thing is known for known in found):
            continue
        found.append(thing)
        ahead += inside if isinstance(thing, type) else []
        if inspect.isfunction(thing):
            ahead += [namespace[n] for n in _names(thing.__code__) if n in namespace]
            ahead += [value for _, value in _cells(thing)]
    return found


def _inside(thing: Any) -> list[Any] | None:
    """Return what a function or class of the learner's is made of, None for anything else."""
    if isinstance(thing, type):
        parts = [getattr(v, "__func__", v) for v in vars(thing).values()]
        functions = [getattr(part, "fget", part) for part in parts]
        return [*thing.__mro__[1:], *functions] if own_class(thing) else None
    return (
        [] if inspect.isfunction(thing) and not str(thing.__module__).startswith("numpy") else None
    )


def _class_data(cls: type) -> dict[str, Any]:
    """Return the data that stand on a class itself, as its body had them."""
    data = {n: v for n, v in vars(cls).items() if not n.startswith("__") and is_data(v)}
    kept = copy.deepcopy(data)
    if any(isinstance(value, (list, dict)) for value in data.values()):
        kept.update({n: v for n, v in _written(cls).items() if n in data})
    return kept


def _filled(cls: type, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lists on a class that hold more than its body put into them."""
    lists = [n for n, v in data.items() if isinstance(v, (list, dict))]
    return tuple(n for n in lists if len(vars(cls).get(n, ())) > len(data[n]))


def _globals_of(attempt: Attempt) -> Mapping[str, Any]:
    """Return the globals that a program really looks up: its own, not a copy of them."""
    target = attempt.target
    cls = target if isinstance(target, type) else type(target)
    functions = [target, *(vars(cls).values() if own_class(cls) else ())]
    found = [f.__globals__ for f in functions if inspect.isfunction(f)]
    return found[0] if found else attempt.namespace


def _written(cls: type) -> dict[str, Any]:
    """Return the literals that the body of `cls` gives its names, if its source can be had."""
    methods = [v for v in vars(cls).values() if inspect.isfunction(v)]
    lines = linecache.getlines(methods[0].__code__.co_filename) if methods else []
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return {}
    bodies = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == cls.__name__]
    return dict(_literals(bodies[-1])) if bodies else {}


def _literals(body: ast.ClassDef) -> Generator[tuple[str, Any]]:
    """Yield the names and values of the literal assignments in a class's body."""
    for line in body.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            with contextlib.suppress(ValueError, TypeError):
                yield line.targets[0].id, ast.literal_eval(line.value)
