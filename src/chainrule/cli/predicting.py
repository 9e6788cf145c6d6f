"""The rows of a table with predictions, and how they are written."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from chainrule.cli.model_errors import as_options
from chainrule.cli.tables import model_for, printed, read_estimator_or_model
from chainrule.data import Table
from chainrule.errors import InputError
from chainrule.models import Predictor

ArrowTable: TypeAlias = Any  # pyarrow.Table


def predicted(model: Predictor | Path, table: Table, column: str, unknown: str) -> ArrowTable:
    """Return the columns of a table, the predictions, and the probability of each class.

    Parameters
    ----------
    model : Predictor or Path
        Of a path the whole model is loaded.
    table : Table
    column : str
        What the column of predictions is called.
    unknown : {"warn", "ignore", "error"}
        What happens with unknown categories.

    Raises
    ------
    InputError
        If the table cannot be predicted, or has a column of the same name.
    """
    with as_options(), printed():
        added = new_columns(model, table, column, unknown)
    twice = [name for name in added if name in table]
    if twice:
        raise InputError(
            f"{table.source} has a column {twice[0]!r} already; name the new one with --column"
        )
    result = table.to_arrow()
    for name, values in added.items():
        result = result.append_column(name, pa.array(values))
    return result


def new_columns(model: Predictor | Path, table: Table, column: str, unknown: str) -> dict[str, Any]:
    """Return the new columns by name."""
    if isinstance(model, Predictor):
        target = model.target
        values, p = model.predict(table, unknown_categories=unknown)
    else:
        target, values, p = by_whole_model(model, table, unknown)
    if p is None:
        return {column: values}
    names = [f"probability_{name}" for name in target.classes]
    if column in names:
        raise InputError(
            f"{column!r} is the name of a column of probabilities; choose another --column"
        )
    return {column: values.tolist(), **dict(zip(names, p.T, strict=True))}


def by_whole_model(path: Path, table: Table, unknown: str) -> tuple[Any, Any, Any]:
    """Return the target, the predictions and the probabilities of a model that is loaded."""
    model = model_for(read_estimator_or_model(path), table, labeled=False)
    values = model.predict(table, unknown_categories=unknown)
    if not model.classes:
        return model.target, values, None
    return model.target, values, model.predict_proba(table, unknown_categories="ignore")


def write_rows(rows: ArrowTable, path: Path | None) -> None:
    """Write rows to a file, completely or not at all, or as CSV to standard output."""
    if path is None or str(path) == "-":
        sys.stdout.write(as_csv(rows, ",").decode())
        return
    ending = path.suffix.lower()
    content = {
        ".csv": lambda: as_csv(rows, ","),
        ".tsv": lambda: as_csv(rows, "\t"),
        ".parquet": lambda: as_parquet(rows),
        ".arrow": lambda: as_arrow(rows),
        ".jsonl": lambda: "".join(as_json(rows)).encode(),
    }[ending]()
    write_bytes(path, content)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file completely, or leave it unchanged."""
    from chainrule.cli.output import say
    from chainrule.files import write_atomically

    write_atomically(path, content)
    say(f"Wrote {path}.")


def as_csv(rows: ArrowTable, delimiter: str) -> bytes:
    """Return rows as CSV, with quotes around texts."""
    from pyarrow import csv

    file = io.BytesIO()
    options = csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
    csv.write_csv(rows, file, options)
    return file.getvalue()


def as_parquet(rows: ArrowTable) -> bytes:
    """Return rows as a Parquet file."""
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(rows, file)
    return file.getvalue()


def as_arrow(rows: ArrowTable) -> bytes:
    """Return rows as an Arrow file."""
    from pyarrow import ipc

    file = io.BytesIO()
    with ipc.new_file(file, rows.schema) as writer:
        writer.write_table(rows)
    return file.getvalue()


def as_json(rows: ArrowTable) -> Iterator[str]:
    """Yield each row as a line of JSON."""
    for row in rows.to_pylist():
        yield json.dumps(row, default=str, ensure_ascii=False) + "\n"
