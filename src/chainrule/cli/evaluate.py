"""``chainrule evaluate``: how good the predictions of a model for the rows of a table are."""

import typer

from chainrule.cli import table_options as given
from chainrule.cli.check import Format
from chainrule.cli.check import Json as JsonFormat
from chainrule.cli.check import chosen as chosen_format
from chainrule.cli.options import File
from chainrule.cli.requirements import require_files
from chainrule.cli.train_rules import options_of

EXAMPLES = """\b
Examples:
  chainrule evaluate model.safetensors new.csv
  chainrule evaluate model.safetensors new.csv --json
  mpiexec -n 8 chainrule evaluate model.safetensors folder/ --distributed"""


def evaluate(  # noqa: PLR0913 (one for each option)
    context: typer.Context,
    model: given.Model,
    data: given.Data,
    *,
    delimiter: given.Delimiter = None,
    encoding: given.Encoding = None,
    header: given.Header = None,
    decimal: given.Decimal = None,
    missing: given.Missing = None,
    distributed: given.DistributedRows = None,
    json: JsonFormat = False,
    format: Format = None,  # noqa: A002 (named as its option)
    output: File = None,
) -> None:
    """Compare the predictions of a model with the targets in a table."""
    written = chosen_format(format, output, json=json)
    require_files("chainrule evaluate")
    from chainrule.cli.divided_rows import (
        arrays_as_bytes,
        arrays_of_bytes,
        collected,
        read_rows,
        team_of,
    )
    from chainrule.cli.formats import write_document
    from chainrule.cli.model_errors import as_options
    from chainrule.cli.tables import (
        model_for,
        preparation_of,
        printed,
        read_estimator_or_model,
        reject_swapped,
    )

    reject_swapped(model, data)
    options = options_of(context)
    with team_of(options, data) as team, as_options(), printed():
        found = read_estimator_or_model(model)
        rows = read_rows(data, options, team, preparation_of(found))
        trained = model_for(found, rows, labeled=True)
        parts = collected(rows, team, lambda table: arrays_as_bytes(trained.answers(table)))
        if team.rank:
            return
        scores = trained.scores(rows.source, arrays_of_bytes(parts))
    write_document(scores, scores.print, written, output)
