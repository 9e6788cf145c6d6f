"""``chainrule export``: hand a model on to other programs."""

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli import table_options as given
from chainrule.cli.requirements import require_files
from chainrule.cli.train_rules import options_of
from chainrule.cli.unused_options import Unused, reject_unused_options

EXAMPLES = """\b
Examples:
  chainrule export model.safetensors -o model.onnx           for onnxruntime
  chainrule export model.safetensors -o net.pt.safetensors   for PyTorch
  chainrule export model.safetensors -o model.skops          for scikit-learn
  chainrule export model.safetensors -o model.py             a NumPy program
  chainrule export model.safetensors -o model.onnx --data new.csv"""

EXPORT_UNUSED: Unused = {"random rows": (given.TEXT_OPTIONS, "without --data; remove it")}

Output = Annotated[
    Path,
    given.option(
        "The file to write; its ending is the format: .onnx, .pt.safetensors, .skops or .py.",
        "-o",
        metavar="FILE",
    ),
]
Rows = Annotated[
    str | None,
    given.option(
        "A table on whose rows predictions are compared (default: random rows).",
        "--data",
        metavar="DATA",
        autocompletion=given.complete_data,
    ),
]


def export(
    context: typer.Context,
    model: given.Model,
    *,
    output: Output,
    data: Rows = None,
    delimiter: given.Delimiter = None,
    encoding: given.Encoding = None,
    header: given.Header = None,
    decimal: given.Decimal = None,
    missing: given.Missing = None,
) -> None:
    """Write a model in another format, and compare its predictions."""
    require_files("chainrule export")
    from chainrule.cli.model_errors import as_options
    from chainrule.cli.output import say
    from chainrule.cli.tables import preparation_of, read_table
    from chainrule.errors import InputError
    from chainrule.exchange import export as export_model
    from chainrule.exchange import exporter
    from chainrule.models import load

    try:
        exporter(output.name)
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint="-o") from None
    options = options_of(context)
    if data is None:
        reject_unused_options(options, "random rows", EXPORT_UNUSED)
    trained = load(model)
    rows = None if data is None else read_table(data, options, preparation_of(trained))
    with as_options():
        exported = export_model(trained, output, rows)
    for name in exported.files:
        say(f"Wrote {output.with_name(name)}.")
    for sentence in (exported.difference, exported.remark):
        if sentence:
            say(str(sentence))
