"""The formats of what commands make, and how it is delivered to a file or to standard output.

The texts are made in chainrule.explanation and chainrule.diagnosis.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from chainrule.cli.output import Renderer
    from chainrule.explanation import WorkedExample


TEXT = "text"

Kind = TypeVar("Kind", bound=StrEnum)


class Format(StrEnum):
    """How a worked example is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    LATEX = "latex"
    HTML = "html"
    JSON = "json"
    NUMPY = "numpy"
    PYTORCH = "pytorch"


ENDINGS = {
    "": Format.TEXT,
    ".txt": Format.TEXT,
    ".md": Format.MARKDOWN,
    ".tex": Format.LATEX,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".json": Format.JSON,
    ".py": Format.NUMPY,
}


class ReportFormat(StrEnum):
    """How a diagnosis is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


REPORT_ENDINGS = {
    ending: ReportFormat(form) for ending, form in ENDINGS.items() if form in set(ReportFormat)
}


def by_ending(file: Path | None) -> Format:
    """Return the format that the ending of a worked example's file means."""
    return meant(file, ENDINGS)


def meant(file: Path | None, endings: Mapping[str, Kind]) -> Kind:
    """Return what the ending of a file's name means, among some."""
    ending = file.suffix.lower() if file else ""
    if ending not in endings:
        known = " ".join(filter(None, endings))
        message = f"which format does {ending!r} mean? Add --format, or end in one of {known}"
        raise typer.BadParameter(message, param_hint="'-o'")
    return endings[ending]


def deliver(example: "WorkedExample", form: Format, file: Path | None, *, compact: bool) -> None:
    """Write a worked example to a file or to standard output."""
    hand_over(example, partial(example.print, compact=compact), form, file)


def hand_over(document: Any, render: "Renderer", form: StrEnum, file: Path | None) -> None:
    """Write a document to a file or to standard output: as text, which `render` prints, or else."""
    from chainrule.cli.output import page, say, show, write

    place = None if file is None or str(file) == "-" else file
    if place is None and form == TEXT:
        show(render)
        return
    text = page(render) if form == TEXT else source(document, form)
    if place is None:
        print(text, end="")  # noqa: T201 (a result)
        return
    write(place, text)
    say(f"Wrote {place}.")


def source(document: Any, form: StrEnum) -> str:
    """Return a document in a format that programs read, with one line end at its end."""
    return str(getattr(document, f"to_{form}")()).rstrip("\n") + "\n"
