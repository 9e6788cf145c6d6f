"""Which formats there are, what a file's ending means, and how a document gets into a file.

What each format looks like is written in a file of its own.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.errors import InputError, unknown

if TYPE_CHECKING:
    from chainrule.explanation.example import WorkedExample

FORMATS: dict[str, "Callable[[WorkedExample], str]"] = {
    "text": lambda example: example.to_text(),
    "markdown": lambda example: example.to_markdown(),
    "latex": lambda example: example.to_latex(),
    "html": lambda example: example.to_html(),
    "json": lambda example: f"{example.to_json()}\n",
    "numpy": lambda example: example.to_numpy(),
    "pytorch": lambda example: example.to_pytorch(),
}
ENDINGS = {
    ".txt": "text",
    ".md": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".py": "numpy",
}


def write_as(example: "WorkedExample", form: str) -> str:
    """Return a document in a format.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    """
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    return FORMATS[form](example)


def save(example: "WorkedExample", path: Path, form: str | None = None) -> None:
    """Write a document to a file, whole or not at all; `WorkedExample.save` says how."""
    if form is None and path.suffix.lower() not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise InputError(
            f"which format does {str(path)!r} mean? Give it one of the endings {known}, or say "
            'form="html"'
        )
    write_file(path, write_as(example, form or ENDINGS[path.suffix.lower()]))


def write_file(path: Path, text: str) -> None:
    """Write a file, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")  # a device or a pipe stays what it is
        else:
            replace(Path(os.path.realpath(path)), text)  # a link stays a link
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; name another file") from None


def replace(path: Path, text: str) -> None:
    """Put a new file in a path's place when it is complete."""
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "it is read-only")
    draft = path.with_name(f".chainrule-{os.urandom(4).hex()}")
    try:
        with draft.open("x", encoding="utf-8") as file:
            file.write(text)
        if path.exists():
            shutil.copymode(path, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
