"""Tables and models of a command line: reads them, with the options of text files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chainrule.cli.model_errors import as_options, with_options
from chainrule.data import Table, read
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.models import TableModel

TEXT_OPTIONS = ("delimiter", "encoding", "header", "decimal", "missing")
NAMED_MARKS = {"tab": "\t", "\\t": "\t", "space": " "}


def read_table(source: str, options: Mapping[str, Any]) -> Table:
    """Return the table that the command line names."""
    chosen = {name: options[name] for name in TEXT_OPTIONS if name in options}
    if "missing" in chosen:
        chosen["missing"] = names_in(chosen["missing"])
    if "delimiter" in chosen:
        chosen["delimiter"] = NAMED_MARKS.get(chosen["delimiter"], chosen["delimiter"])
    with as_options():
        return read(source, **chosen)


def names_in(text: str | None) -> tuple[str, ...]:
    """Return the names in a text between commas."""
    return () if text is None else tuple(part.strip() for part in text.split(","))


def read_model(path: Path) -> "TableModel":
    """Return the model of a table in a file.

    Raises
    ------
    InputError
        If it is another kind of model.
    """
    from chainrule.models import TableModel, load

    model = load(path)
    if not isinstance(model, TableModel):
        raise InputError(
            f"{path} has an {type(model).__name__} without the preparation of a table, which this "
            "command needs; give a file of chainrule train, or use chainrule.load in Python"
        )
    return model


@contextmanager
def printed(messages: list[str] | None = None) -> Iterator[None]:
    """Print warnings as messages, in terms of the command line; or collect them."""
    import warnings

    from chainrule.cli.output import say

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        if issubclass(warning.category, DeprecationWarning):
            continue
        text = with_options(str(warning.message))
        if messages is None:
            say(f"Warning: {text}")
        else:
            messages.append(text)


def bad(option: str, error: Exception) -> Exception:
    """Return the error about an option."""
    return typer.BadParameter(str(error), param_hint=f"--{option}")
