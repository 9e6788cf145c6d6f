"""What fit displays: progress bars, scikit-learn's verbose lines, health reports and warnings."""

import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from time import perf_counter
from types import FrameType
from typing import Any, NamedTuple, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from chainrule.health import Health
from chainrule.training import Record

ReportProgress: TypeAlias = Callable[[int, Record, float | None], None]

REDRAW_SECONDS = 0.1  # seconds between two drawings of a notebook's bar
MODULE = "sklearn.neural_network"  # scikit-learn's users have filters with module="sklearn"
INSIDE = ("chainrule.", "sklearn.callback.")


@contextmanager
def progress_display(
    verbose: object, epochs: int, rank: int = 0
) -> Iterator[ReportProgress | None]:
    """Yield a function that displays an epoch's progress, or None if not verbose.

    Parameters
    ----------
    verbose : bool or int
    epochs : int
        The maximum number of epochs.
    rank : int, default 0
        Of this process; the others than 0 run epoch by epoch as it does, and display nothing.
    """
    if not verbose or isinstance(verbose, str):
        yield None
        return
    console = Console(stderr=True, highlight=False, emoji=False)
    if rank:
        yield show_nothing
    elif console.is_jupyter:
        with notebook_bar(epochs) as tell:
            yield tell
    elif console.file.isatty() and not console.is_dumb_terminal:
        with terminal_bar(console, epochs) as tell:
            yield tell
    else:
        yield print_epoch


def show_nothing(epoch: int, record: Record, score: float | None) -> None:
    """Display nothing after an epoch."""


@contextmanager
def terminal_bar(console: Console, epochs: int) -> Iterator[ReportProgress]:
    """Display a progress bar in a terminal."""
    count = f"epoch {{task.completed:{len(str(epochs))}.0f}}/{epochs}"  # as wide all the time
    columns = (TextColumn(count), BarColumn(None), TextColumn("{task.description}"))

    def tell(epoch: int, record: Record, score: float | None) -> None:
        progress.update(task, completed=epoch, description="  ".join(progress_parts(record, score)))

    with Progress(*columns, console=console, expand=True) as progress:
        task = progress.add_task("", total=epochs)
        yield tell


class Bar(NamedTuple):
    """A progress bar as a notebook displays it.

    Attributes
    ----------
    done, epochs : int
    text : str
        What is known after the last of them.
    """

    done: int
    epochs: int
    text: str = ""

    def __repr__(self) -> str:
        return f"epoch {self.done}/{self.epochs}  {self.text}".rstrip()

    def _repr_html_(self) -> str:
        label = f'aria-label="epochs" value="{self.done}" max="{self.epochs}"'
        return (
            f"<pre>epoch {self.done}/{self.epochs} <progress {label}></progress> {self.text}</pre>"
        )


@contextmanager
def notebook_bar(epochs: int) -> Iterator[ReportProgress]:
    """Display a progress bar in a notebook, redrawn by IPython without widgets."""
    handle: Any = import_module("IPython.display").display(Bar(0, epochs), display_id=True)
    now, drawn = Bar(0, epochs), perf_counter()

    def tell(epoch: int, record: Record, score: float | None) -> None:
        nonlocal now, drawn
        now = Bar(epoch, epochs, "  ".join(progress_parts(record, score)))
        if perf_counter() - drawn > REDRAW_SECONDS:
            handle.update(now)
            drawn = perf_counter()

    try:
        yield tell
    finally:
        handle.update(now)


def progress_parts(record: Record, score: float | None) -> Iterator[str]:
    """Yield the numbers of an epoch that a progress bar shows."""
    yield f"loss {record.loss:.4f}"
    if record.validation_loss is not None:
        yield f"held out {record.validation_loss:.4f}"
    if score is not None:
        yield f"score {score:.4f}"


def print_epoch(epoch: int, record: Record, score: float | None) -> None:
    """Print an epoch as scikit-learn does."""
    print_line(f"Iteration {epoch}, loss = {record.loss:.8f}")
    if score is not None:
        print_line(f"Validation score: {score:f}")


def print_report(report: Health) -> None:
    """Print a report: formatted in a terminal or notebook, else as plain text."""
    console = Console(highlight=False, emoji=False)
    if console.is_terminal or console.is_jupyter:
        report.print(console)
    else:
        print_line(str(report))


def print_line(message: str) -> None:
    """Write a line to standard output, as scikit-learn does."""
    sys.stdout.write(f"{message}\n")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning at the line of the user's code that called the estimator."""
    frame = outside(inspect.currentframe())
    if frame is None:
        warnings.warn(message, category, stacklevel=2)
        return
    seen = frame.f_globals.setdefault("__warningregistry__", {})
    place = frame.f_code.co_filename, frame.f_lineno
    warnings.warn_explicit(message, category, *place, module=MODULE, registry=seen)


def outside(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame outside of chainrule and of scikit-learn's wrapper of `fit`."""
    while frame is not None and frame.f_globals.get("__name__", "").startswith(INSIDE):
        frame = frame.f_back
    return frame
