"""How a training run is followed: a bar in a terminal, a few plain lines elsewhere.

It is written to standard error. The run itself is chainrule.training's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from chainrule.cli.output import messages, moves
from chainrule.training import Record, Run

LINES = 4  # so many are printed where nothing moves
ROOMY = 64  # columns in which the rate finds a place too

Tell: TypeAlias = Callable[[Record], None]


def follow(run: Run, epochs: int) -> Record:
    """Run to the end, and show how it goes.

    Parameters
    ----------
    run : Run
    epochs : int
        How many it has.

    Returns
    -------
    Record
        The last.
    """
    console = messages()
    with (bar if moves(console) else lines)(console, epochs) as tell:
        for record in run:
            tell(record)
    return run.history[-1]


@contextmanager
def bar(console: Console, epochs: int) -> Iterator[Tell]:
    """Show a bar that moves."""
    count = f"epoch {{task.completed:{len(str(epochs))}.0f}}/{epochs}"  # as wide all the time
    columns = (TextColumn(count), BarColumn(None), TextColumn("{task.description}"))
    fitting = 3 if console.width >= ROOMY else 2

    def tell(record: Record) -> None:
        told = "  ".join([*parts(record)][:fitting])
        progress.update(task, completed=record.epoch, description=told)

    with Progress(*columns, console=console, expand=True) as progress:
        task = progress.add_task("", total=epochs)
        yield tell


@contextmanager
def lines(console: Console, epochs: int) -> Iterator[Tell]:
    """Print a line now and then, and after the last epoch."""

    def tell(record: Record) -> None:
        if record.epoch == epochs or record.epoch % max(epochs // LINES, 1) == 0:
            text = f"epoch {record.epoch}/{epochs}: {', '.join(parts(record))}"
            console.print(text, soft_wrap=True)

    yield tell


def parts(record: Record) -> Iterator[str]:
    """Yield what is known after an epoch."""
    yield f"loss {record.loss:.4f}"
    if record.metric is not None:
        yield f"held out {record.metric:.1%}"
    if record.learning_rate is not None:
        yield f"rate {record.learning_rate:.5f}"
