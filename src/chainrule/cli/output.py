"""Output of commands: results to standard output, messages to standard error, and files.

Color and progress bars are for terminals only.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from threading import Timer

from rich.console import Console

from chainrule.visible import visible

WIDTH = 80  # columns of text that does not go to a terminal

Renderer = Callable[[Console], None]


def results() -> Console:
    """Return the console for results."""
    return Console(highlight=False, emoji=False)


def messages() -> Console:
    """Return the console for messages and progress."""
    return Console(stderr=True, highlight=False, emoji=False)


def is_live(console: Console) -> bool:
    """Return whether a console is a terminal that can redraw, regardless of FORCE_COLOR."""
    return console.file.isatty() and not console.is_dumb_terminal


def say(message: str) -> None:
    """Print a message on standard error."""
    messages().print(visible(message), markup=False, soft_wrap=True)


@contextmanager
def waiting(
    message: str,
    long: bool = True,  # noqa: FBT001, FBT002 (a condition)
    after: float = 0.0,
) -> Iterator[None]:
    """Show a message in a terminal while something `long` runs, `after` that many seconds."""
    console = messages()
    if not (long and is_live(console)):
        yield
        return
    status = console.status(message)
    timer = Timer(after, status.start)
    timer.daemon = True  # so that Ctrl-C does not wait for it
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # so that it cannot start the status after it is stopped
        status.stop()


# ---- results ------------------------------------------------------------------------------------


def show(render: Renderer) -> None:
    """Print a page: in color on a terminal, otherwise as plain text."""
    console = results()
    if console.is_terminal:
        render(console)
    else:
        print(page(render), end="")  # noqa: T201 (a result)


def page(render: Renderer, width: int = WIDTH) -> str:
    """Return a page as plain text, without trailing spaces."""
    text = StringIO()
    render(Console(file=text, width=width, color_system=None, force_terminal=False))
    lines = text.getvalue().rstrip().split("\n")
    return "".join(f"{line.rstrip()}\n" for line in lines)


# ---- files --------------------------------------------------------------------------------------


def write(path: Path, text: str) -> None:
    """Write a file completely, or leave it unchanged.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    from chainrule.pages import write_file

    write_file(path, text)
