"""The formats of documents, and how a command writes one to a file or to standard output."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chainrule.names import DOCUMENT_FORMATS, PROGRAM_FORMATS

if TYPE_CHECKING:
    from chainrule.cli.output import Renderer
    from chainrule.explanation import WorkedExample
    from chainrule.pages import Document

TEXT, JSON = "text", "json"
EXAMPLE_FORMATS = {**DOCUMENT_FORMATS, **PROGRAM_FORMATS}


def by_ending(file: Path | None, formats: Mapping[str, tuple[str, ...]]) -> str:
    """Return the format that the ending of a file's name means; without one, text."""
    endings = {ending: name for name, several in formats.items() for ending in several}
    ending = file.suffix.lower() if file else ""
    if not ending:
        return TEXT
    if ending not in endings:
        message = (
            f"which format does {ending!r} mean? Add --format, or end in one of {' '.join(endings)}"
        )
        raise typer.BadParameter(message, param_hint="'-o'")
    return endings[ending]


def deliver(example: "WorkedExample", format: str, file: Path | None, *, compact: bool) -> None:  # noqa: A002 (its name everywhere)
    """Write a worked example to a file or to standard output."""
    hand_over(example, partial(example.print, compact=compact), format, file)


def hand_over(document: "Document", render: "Renderer", format: str, file: Path | None) -> None:  # noqa: A002 (as above)
    """Write a document to a file or to standard output: as text, which `render` prints, or else."""
    from chainrule.cli.output import page, say, show, write

    place = None if file is None or str(file) == "-" else file
    if place is None and format == TEXT:
        show(render)
        return
    text = page(render) if format == TEXT else document.to_format(format)
    if place is None:
        print(text, end="")  # noqa: T201 (a result)
        return
    write(place, text)
    say(f"Wrote {place}.")
