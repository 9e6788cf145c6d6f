"""``chainrule export``: hand a model on to other programs."""

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli import table_options as given

EXAMPLES = """\b
Examples:
  chainrule export model.safetensors -o model.py   a NumPy program"""

Output = Annotated[
    Path,
    given.option("The file to write; its ending is the format: .py.", "-o", metavar="FILE"),
]


def export(model: given.Model, *, output: Output) -> None:
    """Write a model in another format."""
    from chainrule.cli.predicting import write_bytes
    from chainrule.cli.tables import read_model
    from chainrule.models import EXPORTS

    if output.suffix.lower() not in EXPORTS:
        raise typer.BadParameter(
            f"{str(output)!r} has an unknown ending; choose one of {' '.join(EXPORTS)}",
            param_hint="-o",
        )
    trained = read_model(model)
    content = EXPORTS[output.suffix.lower()](trained.preparation, trained.estimator, output.name)
    write_bytes(output, content)
