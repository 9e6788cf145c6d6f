"""The command line: results on standard output, messages on standard error.

Exit codes: 0 right, 1 a check failed, 2 usage, 3 bad data. A command imports what it needs when it
runs, so that help is there at once.
"""

import os
import sys
from collections.abc import Sequence

import typer

from chainrule.cli import demo, explain, schema
from chainrule.errors import ChainruleError

__all__ = ["main"]

BAD_DATA = 3
INTERRUPTED = 130

app = typer.Typer(
    name="chainrule",
    help="Backpropagation you can read, check and use.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: rich's takes twice as long to start
    pretty_exceptions_enable=False,
)
app.command("explain")(explain.command)
app.command("demo")(demo.command)
app.command("schema")(schema.command)


@app.callback(invoke_without_command=True)
def options(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),  # noqa: FBT001, FBT003 (typer's way)
) -> None:
    """Backpropagation you can read, check and use."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"chainrule {installed('chainrule')}")
        raise typer.Exit


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; it ends by exiting with a code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, without the program's name; those of the process by default.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    try:
        app(args=None if argv is None else list(argv), prog_name="chainrule")
    except ChainruleError as error:
        _say(f"chainrule: {error}")
        sys.exit(BAD_DATA)
    except KeyboardInterrupt:
        _say("chainrule: interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # as in `chainrule explain | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _say(message: str) -> None:
    print(message, file=sys.stderr)  # noqa: T201 (for people, on standard error)
