"""``chainrule schema``: print the JSON Schema of what other commands write."""

from importlib.resources import files
from typing import Annotated

import typer

from chainrule.cli.completion import completion
from chainrule.cli.parsers import name_of

SCHEMAS = {  # by name: the path in the package
    "example": "explanation/example.schema.json",
    "diagnosis": "diagnosis/diagnosis.schema.json",
    "notation": "explanation/notation.schema.json",
}


def schema(
    name: Annotated[
        str,
        typer.Argument(
            callback=name_of("schema", list(SCHEMAS)),
            autocompletion=completion(list(SCHEMAS)),
            metavar="NAME",
            help=f"One of: {', '.join(SCHEMAS)}.",
        ),
    ] = "example",
) -> None:
    """Print the JSON Schema of what other commands write as JSON."""
    text = files("chainrule").joinpath(SCHEMAS[name]).read_text(encoding="utf-8")
    print(text, end="")  # noqa: T201 (a result)
