"""Tables and models of a command line: reads them, with the options of text files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chainrule.cli.completion import MODEL_ENDING
from chainrule.cli.model_errors import as_options, with_options
from chainrule.cli.table_options import TEXT_OPTIONS
from chainrule.data import Preparation, Stream, Table, is_folder, open_stream, read
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.models import TableModel

STANDARD_INPUT = "standard input"  # as a table that was read from it is called
NAMED_MARKS = {"tab": "\t", "\\t": "\t", "space": " "}


def read_table(source: str, options: Mapping[str, Any], like: Preparation | None = None) -> Table:
    """Return the table that the command line names, with the types of a model's columns."""
    with as_options():
        return read(source, **text_options(options), like=like)


def read_source(
    source: str, options: Mapping[str, Any], like: Preparation | None = None
) -> "Table | Stream":
    """Return a table in memory, or as a stream if that is chosen or the source a folder.

    Raises
    ------
    InputError
        If an option of streams is given for a table in memory.
    """
    if options.get("stream", is_folder(source)):
        rows = {"buffer_rows": options["buffer-rows"]} if "buffer-rows" in options else {}
        with as_options():
            return open_stream(source, **text_options(options), **rows, like=like)
    if "buffer-rows" in options:
        raise InputError("--buffer-rows has no effect on a table in memory; add --stream")
    return read_table(source, options, like)


def text_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of text files as arguments."""
    chosen = {name: options[name] for name in TEXT_OPTIONS if name in options}
    if "missing" in chosen:
        chosen["missing"] = names_in(chosen["missing"])
    if "delimiter" in chosen:
        chosen["delimiter"] = NAMED_MARKS.get(chosen["delimiter"], chosen["delimiter"])
    return chosen


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


def read_model_and_rows(
    path: Path, data: str | None, options: Mapping[str, Any], *, labeled: bool = True
) -> "tuple[TableModel, Table]":
    """Return the model in a file, and the table that was named or the one of the training.

    An estimator without a preparation becomes the model of the table, whose columns it takes.
    """
    from chainrule.models import with_columns

    model = read_estimator_or_model(path)
    if is_table_model(model):
        source = data or training_source(path, model)
        return model, read_table(source, options, model.preparation)
    if data is None:
        raise typer.BadParameter(
            "DATA is missing; the file has an estimator and not its data: give a table with its "
            "inputs and the target"
        )
    table = read_table(data, options)
    return with_columns(model, table, labeled=labeled), table


def training_source(path: Path, model: "TableModel") -> str:
    """Return what a model was trained on, or raise BadParameter if it cannot be read again."""
    if model.report.source != STANDARD_INPUT:
        return model.report.source
    raise typer.BadParameter(
        f"DATA is missing; {path} was trained on standard input, which is not kept: give a table"
    )


def reject_swapped(model: Path, data: str) -> None:
    """Raise BadParameter if the names of a model and a table are in the wrong order."""
    if data.lower().endswith(MODEL_ENDING) and model.suffix.lower() != MODEL_ENDING:
        raise typer.BadParameter(f"give the model first, then the table: {data} {model}")


def preparation_of(model: Any) -> Preparation | None:
    """Return how a model prepares tables; None for an estimator, which takes numbers."""
    return getattr(model, "preparation", None)


def model_for(model: Any, table: Table | Stream, *, labeled: bool) -> "TableModel":
    """Return a model of a table; of an estimator, one that takes the columns of a table.

    Parameters
    ----------
    model : TableModel, MLPClassifier or MLPRegressor
    table : Table or Stream
    labeled : bool
        Whether the table must have the target.

    Raises
    ------
    InputError
        If an estimator is to take the rows of a stream, whose columns are not known.
    """
    from chainrule.models import with_columns

    if is_table_model(model):
        return model
    if isinstance(table, Stream):
        raise InputError(
            f"{type(model).__name__} has no preparation of a table, which several processes need; "
            "leave out --distributed"
        )
    return with_columns(model, table, labeled=labeled)


def read_card_of(path: Path) -> "TableModel":
    """Return the model in a file, also of an estimator without a table, for its card."""
    from chainrule.models import with_columns

    model = read_estimator_or_model(path)
    return model if is_table_model(model) else with_columns(model)


def read_estimator_or_model(path: Path) -> Any:
    """Return the model of a table or the estimator in a file."""
    from chainrule.estimators import MLPClassifier, MLPRegressor
    from chainrule.models import load

    model = load(path)
    return model if isinstance(model, MLPClassifier | MLPRegressor) else read_model(path)


def is_table_model(model: Any) -> bool:
    """Return whether a model has the preparation of a table."""
    from chainrule.models import TableModel

    return isinstance(model, TableModel)


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
