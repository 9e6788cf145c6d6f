"""``chainrule schema``: the JSON Schema of what other commands write.

The schemas are files of the package; nothing is computed.
"""

from enum import StrEnum
from typing import Annotated

import typer


class Document(StrEnum):
    """A kind of document that has a schema."""

    example = "example"


def command(
    document: Annotated[Document, typer.Argument(help="Which document.")] = Document.example,
) -> None:
    """Print the JSON Schema of a document, such as a worked example."""
    from chainrule.explanation import example_schema

    schemas = {Document.example: example_schema}
    typer.echo(schemas[document](), nl=False)
