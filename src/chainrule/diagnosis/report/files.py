"""Which formats a diagnosis has, and what a file's ending means.

The texts are made elsewhere, and files are written as explain writes them.
"""

from collections.abc import Callable
from pathlib import Path

from chainrule.diagnosis.findings import Diagnosis
from chainrule.errors import InputError, unknown
from chainrule.explanation import write_file

FORMATS: dict[str, Callable[[Diagnosis], str]] = {
    "text": lambda diagnosis: diagnosis.to_text(),
    "markdown": lambda diagnosis: diagnosis.to_markdown(),
    "html": lambda diagnosis: diagnosis.to_html(),
    "json": lambda diagnosis: f"{diagnosis.to_json()}\n",
}
ENDINGS = {".txt": "text", ".md": "markdown", ".html": "html", ".htm": "html", ".json": "json"}


def save(diagnosis: Diagnosis, path: Path, form: str | None = None) -> None:
    """Write a diagnosis to a file, whole or not at all; `Diagnosis.save` says how."""
    if form is None and path.suffix.lower() not in ENDINGS:
        raise InputError(
            f"which format does {str(path)!r} mean? Give it one of the endings "
            f'{", ".join(ENDINGS)}, or say form="html"'
        )
    chosen = form or ENDINGS[path.suffix.lower()]
    if chosen not in FORMATS:
        raise unknown("format", chosen, FORMATS)
    write_file(path, FORMATS[chosen](diagnosis))
