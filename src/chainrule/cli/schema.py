"""``chainrule schema``: the JSON Schema of what other commands write.

The schemas are files of the rooms whose documents they describe; none is made here.
"""

from importlib.resources import files
from typing import Annotated

import typer

from chainrule.cli.options import one_of

SCHEMAS = {  # by name: where in the package
    "example": "explanation/example.schema.json",
    "diagnosis": "diagnosis/diagnosis.schema.json",
}


def schema(
    name: Annotated[
        str,
        typer.Argument(
            callback=one_of(list(SCHEMAS), "schema"),
            autocompletion=lambda: list(SCHEMAS),
            metavar="NAME",
            help="One of: example, diagnosis.",
        ),
    ] = "example",
) -> None:
    """Print the JSON Schema of what other commands write as JSON."""
    text = files("chainrule").joinpath(SCHEMAS[name]).read_text(encoding="utf-8")
    print(text, end="")  # noqa: T201 (a result)
