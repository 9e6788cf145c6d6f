"""How commands write: results to standard output, messages to standard error, files whole.

Only terminals get color and movement. What is written is made elsewhere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from threading import Timer

from rich.console import Console

WIDTH = 80  # of pages that are not for a terminal

Renderer = Callable[[Console], None]


def results() -> Console:
    """Return the console of results."""
    return Console(highlight=False, emoji=False)


def messages() -> Console:
    """Return the console of messages and progress."""
    return Console(stderr=True, highlight=False, emoji=False)


def moves(console: Console) -> bool:
    """Tell whether a console is a terminal that can redraw, whatever FORCE_COLOR says."""
    return console.file.isatty() and not console.is_dumb_terminal


def say(message: str) -> None:
    """Print a message."""
    messages().print(message, markup=False, soft_wrap=True)


@contextmanager
def waiting(
    message: str,
    long: bool = True,  # noqa: FBT001, FBT002 (a guard)
    after: float = 0.0,
) -> Iterator[None]:
    """Show that something `long` is going on, in a terminal, `after` so many seconds."""
    console = messages()
    if not (long and moves(console)):
        yield
        return
    status = console.status(message)
    timer = Timer(after, status.start)
    timer.daemon = True  # an interruption must not wait for it
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it may be about to start what is stopped here
        status.stop()


# ---- results ------------------------------------------------------------------------------------


def show(render: Renderer) -> None:
    """Print a page as a terminal shows it, or plainly where there is none."""
    console = results()
    if console.is_terminal:
        render(console)
    else:
        print(page(render), end="")  # noqa: T201 (a result)


def page(render: Renderer) -> str:
    """Return a page as plain text, without spaces at the ends of lines."""
    text = StringIO()
    render(Console(file=text, width=WIDTH, color_system=None, force_terminal=False))
    lines = text.getvalue().rstrip().split("\n")
    return "".join(f"{line.rstrip()}\n" for line in lines)


# ---- files --------------------------------------------------------------------------------------


def write(path: Path, text: str) -> None:
    """Write a file, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    from chainrule.pages import write_file

    write_file(path, text)
