"""The command line: one short file a command, and nothing imported before a command needs it.

Results go to standard output, all else to standard error. The exit code is 0 where all is right, 1
where a check failed, 2 for a command line that makes no sense, 3 for data that cannot be used, 70
for a fault of chainrule's own, 130 after Ctrl-C.
"""

import signal
import sys
import traceback
from io import TextIOWrapper
from typing import Annotated

import typer

from chainrule.cli import check, demo, explain, schema
from chainrule.errors import ChainruleError

__all__ = ["app", "main"]

BAD_DATA, FAULT, INTERRUPTED = 3, 70, 130

app = typer.Typer(
    name="chainrule",
    context_settings={"help_option_names": ["--help", "-h"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help without rich starts three times as fast
)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
app.command("check", epilog=check.EXAMPLES)(check.check)
app.command("demo")(demo.demo)
app.command("schema")(schema.schema)


def show_version(wanted: bool) -> None:  # noqa: FBT001 (an option's callback)
    """Print the version and stop, if that was asked for."""
    if wanted:
        print(f"chainrule {installed_version()}")  # noqa: T201 (a result)
        raise typer.Exit


def installed_version() -> str:
    """Return the version of the installed package."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("chainrule")
    except PackageNotFoundError:
        return "(not installed)"


@app.callback(epilog="Exit codes: 0 right, 1 a check failed, 2 wrong usage, 3 unusable data.")
def chainrule(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Backpropagation you can read, check and use."""


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        What follows ``chainrule``; the process's own arguments by default.

    Returns
    -------
    int
        The exit code.
    """
    if argv is None:
        own_the_process()
    try:
        code = run(argv)
        if sys.stdout:
            sys.stdout.flush()  # a full disk shows here
    except KeyboardInterrupt:  # where Typer does not see it
        code = INTERRUPTED
    except ChainruleError as error:
        return fail(f"Error: {error}", BAD_DATA)
    except OSError as error:
        drop_output()
        return fail(f"Error: {error.strerror or error}", BAD_DATA)
    except Exception:  # noqa: BLE001 (must not end with 1, which says that a check failed)
        traceback.print_exc()
        return fail("This is a fault in chainrule itself; please report it.", FAULT)
    return fail("Interrupted.", code) if code == INTERRUPTED else code


def run(argv: list[str] | None) -> int:
    """Let Typer run a command, and return the exit code that it leaves with."""
    try:
        app(argv, prog_name=None if argv is None else "chainrule")
    except SystemExit as done:
        return int(done.code or 0)
    return 0


def fail(message: str, code: int) -> int:
    """Say what is wrong, and return the exit code."""
    print(message, file=sys.stderr)  # noqa: T201 (a message)
    return code


def drop_output() -> None:
    """Give up what cannot be written, or Python would try again as it ends."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        sys.stdout = None


def own_the_process() -> None:
    """End quietly, as Unix tools do, where nobody reads on; print in any encoding."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
