"""The formats of documents, and how a command writes one to a file or to standard output."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chainrule.names import DOCUMENT_FORMATS, PROGRAM_FORMATS
from chainrule.visible import visible

if TYPE_CHECKING:
    from chainrule.cli.output import Renderer
    from chainrule.pages import Document

TEXT, JSON, HTML = "text", "json", "html"
EXAMPLE_FORMATS = {**DOCUMENT_FORMATS, **PROGRAM_FORMATS}


def by_ending(file: Path | None, formats: Mapping[str, tuple[str, ...]]) -> str:
    """Return the format of a file's ending; text if there is none."""
    endings = {ending: name for name, several in formats.items() for ending in several}
    ending = file.suffix.lower() if file else ""
    if not ending:
        return TEXT
    if ending not in endings:
        message = (
            f"no format has the ending {ending!r}; add --format, or choose one of the endings "
            f"{' '.join(endings)}"
        )
        raise typer.BadParameter(message, param_hint="-o")
    return endings[ending]


def write_document(
    document: "Document",
    render: "Renderer",
    format: str,  # noqa: A002 (its name everywhere)
    file: Path | None,
    summary: str = "",
    *,
    static: bool = False,
) -> None:
    """Write a document to a file or to standard output.

    Parameters
    ----------
    document : Document
    render : callable
        Prints the document as text on a console.
    format : str
    file : Path or None
        None and ``-`` are standard output.
    summary : str, optional
        One line about the document, which is printed if the document is written to a file.
    static : bool, default False
        Leave out the script of an HTML page.
    """
    from chainrule.cli.output import page, say, show, write

    place = None if file is None or str(file) == "-" else file
    if place is None and format == TEXT:
        show(render)
        return
    text = page(render) if format == TEXT else document.to_format(format, static=static)
    if place is None:
        print(text, end="")  # noqa: T201 (a result)
        return
    write(place, text)
    if summary:
        print(visible(summary))  # noqa: T201 (a result)
    say(f"Wrote {place}.")
