"""One TOML file with every option of a command: reading, precedence, and writing.

An option on the command line comes before the environment, such as ``CHAINRULE_TRAIN_SEED``, then
the file, then the default. The parser of options applies this order by itself.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from chainrule.errors import InputError, unknown

CONFIG = "config.toml"  # in the folder of a run
NOT_IN_FILES = ("config", "resume")
DATA = "data"  # an argument, which a file may contain


def set_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take the values of a file as defaults of the command's options."""
    if path is not None:
        add_defaults(context, read_config(path, known_names(context)))
    return path


def set_resumed(context: typer.Context, folder: Path | None) -> Path | None:
    """Take the configuration of a run as defaults, and its folder."""
    if folder is None:
        return None
    if not (folder / CONFIG).is_file():
        raise typer.BadParameter(
            f"{folder} has no {CONFIG}; give the folder of a run, such as model.run"
        )
    add_defaults(context, read_config(folder / CONFIG, known_names(context)))
    add_defaults(context, {"run": str(folder)})
    return folder


def add_defaults(context: typer.Context, values: Mapping[str, Any]) -> None:
    """Set defaults of a command's options, by parameter name."""
    context.default_map = {**(context.default_map or {}), **values}


def known_names(context: typer.Context) -> dict[str, str]:
    """Return the parameters that a file may contain, by the names of their options."""
    params = context.command.get_params(context)
    return {
        option_of(param): str(param.name)
        for param in params
        if param.name not in (*NOT_IN_FILES, "help")
    }


def option_of(param: Any) -> str:
    """Return the name of an option without its dashes, or of an argument."""
    longest = max(param.opts, key=len)
    return str(longest).lstrip("-").replace("_", "-")


def read_config(path: Path, known: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a file, by parameter name.

    Raises
    ------
    InputError
        If it cannot be read, or has an unknown name or a value of the wrong type.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not TOML: {error}; correct it") from None
    values: dict[str, Any] = {}
    for name, value in content.items():
        spelled = name.replace("_", "-")
        if spelled not in known:
            raise InputError(f"{path}: {unknown('option', name, known)}")
        values[known[spelled]] = as_default(path, name, value)
    return values


def as_default(path: Path, name: str, value: Any) -> Any:
    """Return a value of a file as it would be typed."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, dict):
        return ",".join(f"{key}={one}" for key, one in value.items())
    raise InputError(f"{path}: {name} is {value!r}; give a text, a number, true or a list")


def write_config(path: Path, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Write the resolved configuration of a command, which `read_config` reads.

    Parameters
    ----------
    path : Path
    options : mapping
        The options that were given, by name.
    defaults : mapping
        The values of the others.
    """
    lines = ["# Every option of the run, as it was resolved."]
    for name, value in {**defaults, **options}.items():
        note = "" if name in options else "  # default"
        lines.append(f"{name} = {toml(value)}{note}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def toml(value: Any) -> str:
    """Return a text, a number or a boolean in TOML, which writes these as JSON does."""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)
