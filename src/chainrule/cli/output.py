"""Where a command's result goes: standard output, or a file that is whole or not there.

No result is printed anywhere else.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import TextIO

from rich.console import Console

from chainrule.errors import InputError

WIDE = 100  # columns where the output is no terminal, and at most in one


def console(stream: TextIO | None = None) -> Console:
    """Return a console for results: as wide as the terminal, plain where there is none."""
    out = sys.stdout if stream is None else stream
    width = None if "COLUMNS" in os.environ or out.isatty() else WIDE
    return Console(file=out, width=width, highlight=False, emoji=False, soft_wrap=False)


def write(text: str, path: Path) -> None:
    """Write a file: all of it, or none.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, delete=False, prefix=f".{path.name}."
        ) as draft:
            draft.write(text)
        Path(draft.name).replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); name another file"
        ) from None
