"""What is shown while a network is trained: a live display in a terminal, else a few lines."""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from chainrule.cli.curve import curve
from chainrule.cli.output import is_live, messages
from chainrule.data import Stream, Table

LINES = 5  # printed without a terminal
HEIGHT, MARGIN = 8, 12  # of the curve, and what its labels take of the width
OVERFITTING = 1.05  # times the best validation loss
LATE = 5  # epochs after which a loss above the first is remarkable

Entry = Mapping[str, Any]


class Display(Protocol):
    """What shows a run."""

    def begin(self, table: Table | Stream, target: str) -> None:
        """Show the data."""
        ...

    def live(self, epochs: int) -> Any:
        """Return the context manager in which epochs are shown."""
        ...

    def update(self, entry: Entry) -> None:
        """Show an epoch."""
        ...


def display_for(options: Mapping[str, Any], rank: int = 0) -> Display:
    """Return the display that fits the options and the terminal; only rank 0 shows anything."""
    if rank:
        return NoDisplay()
    if options.get("json"):
        return JsonDisplay()
    if options.get("quiet"):
        return NoDisplay()
    console = messages()
    return LiveDisplay(console) if is_live(console) else LineDisplay(console)


class NoDisplay:
    """Shows nothing."""

    def begin(self, table: Table | Stream, target: str) -> None:
        """Show nothing."""

    @contextmanager
    def live(self, epochs: int) -> Iterator[None]:
        """Show nothing."""
        yield

    def update(self, entry: Entry) -> None:
        """Show nothing."""


class JsonDisplay(NoDisplay):
    """Writes a line of JSON for each epoch to standard output."""

    def begin(self, table: Table | Stream, target: str) -> None:
        """Write what the table has."""
        kinds = {"event": "data", "source": table.source, "rows": len(table), "target": target}
        self._write({**kinds, "columns": table.kinds, "found": list(table.found)})

    def update(self, entry: Entry) -> None:
        """Write the epoch."""
        self._write({"event": "epoch", **entry})

    @staticmethod
    def _write(entry: Entry) -> None:
        sys.stdout.write(json.dumps(dict(entry)) + "\n")
        sys.stdout.flush()


class LineDisplay(NoDisplay):
    """Prints a line every few epochs, and the last one at the end."""

    def __init__(self, console: Console) -> None:
        self.console, self.epochs = console, 0
        self.last: Entry | None = None
        self.printed = True

    def begin(self, table: Table | Stream, target: str) -> None:
        """Print what was found in the table."""
        self.console.print(described(table, target), markup=False, soft_wrap=True)

    @contextmanager
    def live(self, epochs: int) -> Iterator[None]:
        """Print lines."""
        self.epochs = epochs
        yield
        if self.last is not None and not self.printed:
            self._print(self.last)

    def update(self, entry: Entry) -> None:
        """Print the epoch, if it is time."""
        self.last, self.printed = entry, False
        if entry["epoch"] == 1 or entry["epoch"] % max(self.epochs // LINES, 1) == 0:
            self._print(entry)

    def _print(self, entry: Entry) -> None:
        self.printed = True
        text = f"epoch {entry['epoch']}/{self.epochs}: {', '.join(parts(entry))}"
        self.console.print(text, markup=False, soft_wrap=True)


class LiveDisplay(NoDisplay):
    """Draws epoch, losses, metric, time left, the curve of the losses and hints."""

    def __init__(self, console: Console) -> None:
        self.console, self.epochs = console, 1
        self.entries: list[Entry] = []
        self.began = time.perf_counter()

    def begin(self, table: Table | Stream, target: str) -> None:
        """Print what was found in the table."""
        self.console.print(described(table, target), markup=False, soft_wrap=True)

    @contextmanager
    def live(self, epochs: int) -> Iterator[None]:
        """Draw until the end of training, and leave the last drawing."""
        self.epochs, self.began = epochs, time.perf_counter()
        with Live(
            console=self.console, get_renderable=self.draw, refresh_per_second=8, transient=False
        ):
            yield

    def update(self, entry: Entry) -> None:
        """Keep the epoch for the next drawing."""
        self.entries.append(entry)

    def draw(self) -> Group:
        """Return what is drawn now."""
        entries = list(self.entries)
        if not entries:
            return Group(Text("preparing …"))
        last = entries[-1]
        head = Grid.grid(padding=(0, 1), expand=True)
        head.add_column(no_wrap=True)
        head.add_column(ratio=1)
        head.add_column(no_wrap=True)
        bar = ProgressBar(self.epochs, last["epoch"])
        head.add_row(f"epoch {last['epoch']}/{self.epochs}", bar, self.left(entries))
        found = [Text(hint, style="yellow") for hint in hints(entries)]
        return Group(
            head,
            Text("  ".join(parts(last)), style="bold", overflow="fold"),
            *curve(series(entries), self.console.width - MARGIN, HEIGHT),
            *found,
        )

    def left(self, entries: list[Entry]) -> str:
        """Return how long training lasts at most, at the speed so far."""
        done = entries[-1]["epoch"]
        each = (time.perf_counter() - self.began) / max(len(entries), 1)
        seconds = round(each * (self.epochs - done))
        return f"≤ {seconds // 60}:{seconds % 60:02} left" if seconds else "      "


def described(table: Table | Stream, target: str) -> str:
    """Return what was found in a table, with a mark at the target."""
    lines = table.describe().split("\n")
    marked = (line.rstrip() for line in lines)
    return "\n".join(
        f"{line}  (target)" if line[2:].split("  ")[0] == target else line for line in marked
    )


def series(entries: list[Entry]) -> dict[str, list[float]]:
    """Return the losses that are drawn, by name."""
    found = {"training": [entry["loss"] for entry in entries]}
    held = [entry["validation_loss"] for entry in entries]
    return found if held[-1] is None else {**found, "held out": held}


def parts(entry: Entry) -> Iterator[str]:
    """Yield the losses and the metric of an epoch, as far as they are known."""
    yield f"loss {entry['loss']:.4f}"
    if entry["validation_loss"] is not None:
        yield f"held out {entry['validation_loss']:.4f}"
    if entry["metric"] is not None:
        yield f"{entry['metric_name']} {entry['metric']:.4f}"


def hints(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield what is remarkable about the losses so far, with the remedy."""
    losses = [entry["loss"] for entry in entries]
    if len(losses) > LATE and min(losses[-LATE:]) >= losses[0]:
        yield "The loss is not below that of the first epoch: try a smaller --learning-rate."
    held = [entry["validation_loss"] for entry in entries]
    if held[-1] is None:
        return
    best = min(held)
    since = len(held) - 1 - held.index(best)
    if since >= LATE and held[-1] > OVERFITTING * best and losses[-1] < losses[-1 - since]:
        yield (
            f"The loss on the rows held out has grown for {since} epochs: more rows, --dropout or "
            "a larger --alpha may help."
        )
