"""Writing a file completely or not at all."""

import os
import shutil
from pathlib import Path

from chainrule.errors import InputError, system_reason


def write_file(path: Path, text: str) -> None:
    """Write a file, completely or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")  # a device or a pipe is not replaced
        else:
            replace(Path(os.path.realpath(path)), text)  # a link is kept, its target replaced
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {system_reason(error)}; choose another file"
        ) from None


def replace(path: Path, text: str) -> None:
    """Replace a file once the new one is complete."""
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
