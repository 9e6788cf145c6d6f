"""How a fit is followed: a bar in a terminal or notebook, scikit-learn's lines elsewhere.

It only shows; the numbers are told to it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from chainrule.health import Health
from chainrule.training import Record

Tell: TypeAlias = Callable[[int, Record, float | None], None]


@contextmanager
def shown(verbose: object, epochs: int) -> Iterator[Tell | None]:
    """Show how a fit goes; None where nobody wants to know.

    Parameters
    ----------
    verbose : bool or int
    epochs : int
        How many there are at most.
    """
    if not verbose or isinstance(verbose, str):
        yield None
        return
    console = Console(stderr=True, highlight=False, emoji=False)
    if moves(console):
        with bar(console, epochs) as tell:
            yield tell
    else:
        yield line


def moves(console: Console) -> bool:
    """Tell whether a console can redraw: that of a notebook, or a terminal."""
    return console.is_jupyter or (console.file.isatty() and not console.is_dumb_terminal)


@contextmanager
def bar(console: Console, epochs: int) -> Iterator[Tell]:
    """Show a bar that moves."""
    count = f"epoch {{task.completed:{len(str(epochs))}.0f}}/{epochs}"  # as wide all the time
    columns = (TextColumn(count), BarColumn(None), TextColumn("{task.description}"))

    def tell(epoch: int, record: Record, score: float | None) -> None:
        progress.update(task, completed=epoch, description="  ".join(parts(record, score)))

    with Progress(*columns, console=console, expand=True) as progress:
        task = progress.add_task("", total=epochs)
        yield tell


def parts(record: Record, score: float | None) -> Iterator[str]:
    """Yield what is known after an epoch."""
    yield f"loss {record.loss:.4f}"
    if record.validation_loss is not None:
        yield f"held out {record.validation_loss:.4f}"
    if score is not None:
        yield f"score {score:.4f}"


def line(epoch: int, record: Record, score: float | None) -> None:
    """Write scikit-learn's line of an epoch to standard output."""
    say(f"Iteration {epoch}, loss = {record.loss:.8f}")
    if score is not None:
        say(f"Validation score: {score:f}")


def show(report: Health) -> None:
    """Print a report: as a terminal or notebook shows it, plainly where there is neither."""
    console = Console(highlight=False, emoji=False)
    if console.is_terminal or console.is_jupyter:
        report.print(console)
    else:
        say(str(report))


def say(message: str) -> None:
    """Write a line to standard output, as scikit-learn does."""
    sys.stdout.write(f"{message}\n")
