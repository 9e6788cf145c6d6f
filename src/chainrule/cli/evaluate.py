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
  chainrule evaluate model.safetensors new.csv --json"""


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
    json: JsonFormat = False,
    format: Format = None,  # noqa: A002 (named as its option)
    output: File = None,
) -> None:
    """Compare the predictions of a model with the targets in a table."""
    written = chosen_format(format, output, json=json)
    require_files("chainrule evaluate")
    from chainrule.cli.formats import write_document
    from chainrule.cli.model_errors import as_options
    from chainrule.cli.tables import printed, read_model_for, read_table, reject_swapped

    reject_swapped(model, data)
    table = read_table(data, options_of(context))
    trained = read_model_for(model, table, labeled=True)
    with as_options(), printed():
        scores = trained.evaluate(table)
    write_document(scores, scores.print, written, output)
