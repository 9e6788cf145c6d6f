"""The formats of worked examples, and how one is delivered to a file or to standard output.

The texts are made in chainrule.explanation.
"""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from chainrule.explanation import WorkedExample


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


def by_ending(file: Path | None) -> Format:
    """Return the format that the ending of a file's name means."""
    ending = file.suffix.lower() if file else ""
    if ending not in ENDINGS:
        known = " ".join(filter(None, ENDINGS))
        message = f"which format does {ending!r} mean? Add --format, or end in one of {known}"
        raise typer.BadParameter(message, param_hint="'-o'")
    return ENDINGS[ending]


def deliver(example: "WorkedExample", form: Format, file: Path | None, *, compact: bool) -> None:
    """Write a worked example to a file or to standard output."""
    from chainrule.cli.output import page, say, show, write

    render = partial(example.print, compact=compact)
    place = None if file is None or str(file) == "-" else file
    if place is None and form is Format.TEXT:
        show(render)
        return
    text = page(render) if form is Format.TEXT else source(example, form)
    if place is None:
        print(text, end="")  # noqa: T201 (a result)
        return
    write(place, text)
    say(f"Wrote {place}.")


def source(example: "WorkedExample", form: Format) -> str:
    """Return a worked example in a format that programs read, with one line end at its end."""
    return str(getattr(example, f"to_{form}")()).rstrip("\n") + "\n"
