"""Progress of a training run: a bar in a terminal, otherwise a few lines on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from chainrule.cli.output import is_live, messages
from chainrule.training import Record, Run

LINES = 4  # printed without a terminal
WIDE = 64  # columns from which the learning rate is shown too

ShowRecord: TypeAlias = Callable[[Record], None]


def follow(run: Run, epochs: int) -> Record:
    """Run to the end, and show the progress.

    Parameters
    ----------
    run : Run
    epochs : int
        The number of epochs of the run.

    Returns
    -------
    Record
        The last record.
    """
    console = messages()
    with (bar if is_live(console) else lines)(console, epochs) as show_record:
        for record in run:
            show_record(record)
    return run.history[-1]


@contextmanager
def bar(console: Console, epochs: int) -> Iterator[ShowRecord]:
    """Show a progress bar."""
    count = f"epoch {{task.completed:{len(str(epochs))}.0f}}/{epochs}"  # always the same width
    columns = (TextColumn(count), BarColumn(None), TextColumn("{task.description}"))
    fitting = 3 if console.width >= WIDE else 2

    def show_record(record: Record) -> None:
        description = "  ".join([*parts(record)][:fitting])
        progress.update(task, completed=record.epoch, description=description)

    with Progress(*columns, console=console, expand=True) as progress:
        task = progress.add_task("", total=epochs)
        yield show_record


@contextmanager
def lines(console: Console, epochs: int) -> Iterator[ShowRecord]:
    """Print a line every few epochs, and after the last."""

    def show_record(record: Record) -> None:
        if record.epoch == epochs or record.epoch % max(epochs // LINES, 1) == 0:
            text = f"epoch {record.epoch}/{epochs}: {', '.join(parts(record))}"
            console.print(text, soft_wrap=True)

    yield show_record


def parts(record: Record) -> Iterator[str]:
    """Yield the loss, the accuracy and the learning rate of an epoch, as far as known."""
    yield f"loss {record.loss:.4f}"
    if record.metric is not None:
        yield f"held out {record.metric:.1%}"
    if record.learning_rate is not None:
        yield f"learning rate {record.learning_rate:.5f}"
