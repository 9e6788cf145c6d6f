"""The command line, with one module for each command.

Results go to standard output, messages to standard error. The exit code is 0 for success, 1 for a
check that failed, 2 for a wrong command line, 3 for data that cannot be used, 70 for an error in
chainrule itself, and 130 after Ctrl-C. Commands import what they need when they run.
"""

import signal
import sys
import traceback
from io import TextIOWrapper
from typing import Annotated

import typer

from chainrule.cli import (
    check,
    cv,
    demo,
    evaluate,
    explain,
    explore,
    export,
    import_model,
    inspect,
    launch,
    predict,
    schema,
    train,
)
from chainrule.cli.table_options import table_context
from chainrule.cli.usage import UsageError, option_name, report
from chainrule.errors import ChainruleError, system_reason
from chainrule.visible import visible

__all__ = ["app", "main"]

WRONG_USAGE, BAD_DATA, FAULT, INTERRUPTED = 2, 3, 70, 130

app = typer.Typer(
    name="chainrule",
    context_settings={
        "help_option_names": ["--help", "-h"],
        "token_normalize_func": option_name,
    },
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help without rich starts three times as fast
)


app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
app.command("explore", epilog=explore.EXAMPLES)(explore.explore)
app.command("check", epilog=check.EXAMPLES)(check.check)
app.command("train", epilog=train.EXAMPLES, context_settings=table_context("train"))(train.train)
for command in (evaluate, predict):
    name = command.__name__.rpartition(".")[2]
    app.command(name, epilog=command.EXAMPLES, context_settings=table_context(name))(
        getattr(command, name)
    )
app.command("inspect", epilog=inspect.EXAMPLES)(inspect.inspect)
app.command("cv", epilog=cv.EXAMPLES, context_settings=table_context("cv"))(cv.cv)
app.command("launch", epilog=launch.EXAMPLES)(launch.launch)
app.command("export", epilog=export.EXAMPLES)(export.export)
app.command("import", epilog=import_model.EXAMPLES)(import_model.import_model)
app.command("demo")(demo.demo)
app.command("schema")(schema.schema)


def show_version(wanted: bool) -> None:  # noqa: FBT001 (an option's callback)
    """Print the version and exit, if requested."""
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


@app.callback(
    invoke_without_command=True,
    epilog="Exit codes: 0 success, 1 a check failed, 2 wrong usage, 3 unusable data.",
)
def chainrule(
    context: typer.Context,
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Backpropagation you can read, check and use."""
    if context.invoked_subcommand is None:
        print(context.get_help())  # noqa: T201 (a result)
        raise typer.Exit(WRONG_USAGE)


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        The arguments after ``chainrule``; those of the process by default.

    Returns
    -------
    int
        The exit code.
    """
    if argv is None:
        set_up_process()
    try:
        code = run(argv)
        if sys.stdout:
            sys.stdout.flush()  # raises if the disk is full
    except KeyboardInterrupt:  # outside of a command
        code = INTERRUPTED
    except ChainruleError as error:
        return fail(f"Error: {error}", BAD_DATA)
    except OSError as error:
        drop_output()
        name = f"{error.filename}: " if error.filename else ""
        return fail(f"Error: {name}{system_reason(error)}", BAD_DATA)
    except Exception:  # noqa: BLE001 (exit code 1 would say that a check failed)
        traceback.print_exc()
        return fail("This is an error in chainrule itself; please report it.", FAULT)
    return fail("Interrupted.", code) if code == INTERRUPTED else code


def run(argv: list[str] | None) -> int:
    """Run a command and return its exit code."""
    try:
        code = app(argv, prog_name="chainrule", standalone_mode=False)
    except UsageError as error:
        return fail(report(error), WRONG_USAGE)
    except SystemExit as done:
        return int(done.code or 0)
    return code if isinstance(code, int) else 0


def fail(message: str, code: int) -> int:
    """Print a message on standard error, and return the exit code."""
    print(visible(message), file=sys.stderr)  # noqa: T201 (a message)
    return code


def drop_output() -> None:
    """Discard output that cannot be written, so that Python does not try again at exit."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        sys.stdout = None


def set_up_process() -> None:
    """Exit silently on a broken pipe, and never fail to encode output."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
