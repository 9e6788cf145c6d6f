"""``chainrule predict``: the rows of a table with the prediction of a model for each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli import table_options as given
from chainrule.cli.requirements import require_files
from chainrule.cli.train_rules import options_of

if TYPE_CHECKING:
    from chainrule.data import Table

ENDINGS = (".csv", ".tsv", ".parquet", ".arrow", ".jsonl")

EXAMPLES = """\b
Examples:
  chainrule predict model.safetensors new.csv -o out.csv
  chainrule predict model.safetensors new.parquet -o out.parquet
  mpiexec -n 8 chainrule predict model.safetensors new/ --distributed
  cat new.csv | chainrule predict model.safetensors - | head"""


def output_file(path: Path | None) -> Path | None:
    """Check that the ending of a file is known."""
    if path is not None and str(path) != "-" and path.suffix.lower() not in ENDINGS:
        raise typer.BadParameter(
            f"{str(path)!r} has an unknown ending; choose one of {' '.join(ENDINGS)}"
        )
    return path


Output = Annotated[
    Path | None,
    given.option(
        f"The file to write, {' '.join(ENDINGS)} (default: CSV to standard output).",
        "-o",
        "--output",
        metavar="FILE",
        callback=output_file,
    ),
]
Column = Annotated[
    str,
    given.option("What the new column is called.", metavar="NAME"),
]
UnknownCategories = Annotated[
    str | None,
    given.choice(
        "choice",
        ("warn", "ignore", "error"),
        "With categories not seen in training (default: warn)",
    ),
]


def predict(  # noqa: PLR0913 (one for each option)
    context: typer.Context,
    model: given.Model,
    data: given.Data,
    *,
    delimiter: given.Delimiter = None,
    encoding: given.Encoding = None,
    header: given.Header = None,
    decimal: given.Decimal = None,
    missing: given.Missing = None,
    column: Column = "prediction",
    unknown_categories: UnknownCategories = None,
    distributed: given.DistributedRows = None,
    output: Output = None,
) -> None:
    """Predict the target of each row of a table.

    The result has the columns of the table, then the prediction, and of classes the probability of
    each.
    """
    require_files("chainrule predict")
    from chainrule.cli.divided_rows import (
        collected,
        read_rows,
        rows_as_bytes,
        rows_of_bytes,
        team_of,
    )
    from chainrule.cli.predicting import predicted, write_rows
    from chainrule.cli.tables import preparation_of, read_estimator_or_model, reject_swapped
    from chainrule.models import read_predictor

    reject_swapped(model, data)
    options = options_of(context)
    with team_of(options, data) as team:
        predictor = read_predictor(model)
        like = preparation_of(predictor or read_estimator_or_model(model))
        rows = read_rows(data, options, team, like)

        def of_block(table: "Table") -> bytes:
            found = predicted(predictor or model, table, column, unknown_categories or "warn")
            return rows_as_bytes(found)

        parts = collected(rows, team, of_block)
        if team.rank == 0:
            write_rows(rows_of_bytes(parts), output)
