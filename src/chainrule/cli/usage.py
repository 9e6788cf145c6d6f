"""Words the errors of wrong command lines, which the parser of options raises."""

import re
from typing import Any

import typer

from chainrule.errors import unknown
from chainrule.names import SETTINGS, unknown_name

# The base of the parser's errors, which typer does not export.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

OPTION_ALIASES = {
    alias: name for name, aliases in SETTINGS.items() if name != "preset" for alias in aliases
}


def option_name(typed: str) -> str:
    """Return the name of an option that was typed as an alias, in capitals or with underscores."""
    if len(typed) == 1:
        return typed
    name = typed.lower().replace("_", "-")
    return OPTION_ALIASES.get(name, name)


def report(error: Any) -> str:
    """Return the usage, where to find help, and what is wrong."""
    message = message_of(error)
    if error.ctx is None:
        return f"Error: {message}"
    path = error.ctx.command_path
    return f"{error.ctx.get_usage()}\nTry '{path} --help' for help.\n\nError: {message}"


def message_of(error: Any) -> str:
    """Return what is wrong with a command line, and what to do."""
    match type(error).__name__:
        case "NoSuchOption":
            return unknown_option(error.option_name, options_of(error))
        case "MissingParameter":
            return f"{error.param.metavar or error.param.name} is missing; add it to the command"
        case "BadParameter":
            return f"{subject(error)}{plain_boolean(error.message)}"
        case "BadOptionUsage" if "requires" in error.message:
            return f"{error.option_name} needs a value; add one"
        case "BadOptionUsage":
            return f"{error.option_name} takes no value; remove the value"
    if found := re.match(r"No such command '(.+?)'", error.message):
        return str(unknown("command", found[1], error.ctx.command.commands))
    if found := re.match(r"Got unexpected extra argument.* \((.+)\)", error.message):
        return (
            f"unexpected argument '{found[1]}'; remove it, or put quotes around values with spaces"
        )
    return str(error.message)


def subject(error: Any) -> str:
    """Return the name of the option that an error is about, followed by a colon."""
    if (place := place_of(error)) is not None:
        return f"{place}: "
    hint = error.param_hint or (error.param.opts[0] if error.param else "")
    return f"{str(hint).strip(chr(39))}: " if str(hint).strip("'").startswith("-") else ""


def place_of(error: Any) -> str | None:
    """Return the variable, or the file and name, that an invalid value is from; None if typed."""
    name = str(getattr(error.param, "name", None) or "")
    source = error.ctx.get_parameter_source(name) if error.ctx and name else None
    if source is None or source.name not in ("ENVIRONMENT", "DEFAULT_MAP"):
        return None
    if source.name == "ENVIRONMENT":
        return f"{error.ctx.auto_envvar_prefix}_{name.upper()}"
    given = error.ctx.params
    file = given.get("config") or f"{given.get('resume')}/config.toml"
    return f"{file}: {error.param.opts[0].lstrip('-')}"


def plain_boolean(message: str) -> str:
    """Return the message about a value that is neither true nor false in our own words."""
    return "must be true or false" if "boolean" in message else message


def options_of(error: Any) -> list[str]:
    """Return the names of the options of the command that failed, without dashes."""
    parameters = error.ctx.command.get_params(error.ctx) if error.ctx else []
    names = [name for one in parameters for name in (*one.opts, *one.secondary_opts)]
    return [name.removeprefix("--") for name in names if name.startswith("--")]


def unknown_option(typed: str, known: list[str]) -> str:
    """Return the error for an unknown option, with the option that was probably meant."""
    name = typed.lstrip("-")
    message = str(unknown_name("option", name, known))
    if "; choose one of: " in message:
        return f"unknown option '{typed}'; see --help for the options"
    message = message.replace(f"unknown option '{name}'", f"unknown option '{typed}'", 1)
    return re.sub(r"(did you mean) '(.+)'", r"\1 '--\2'", message)
