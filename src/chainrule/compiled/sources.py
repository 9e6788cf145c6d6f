"""The engine's source files as they were when it was imported, and whether they still are.

What an edited package compiled, while older functions were in its memory, must not pass for the
new one's.
"""

import hashlib
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


def files() -> list[Path]:
    """Return every source file of the package's engine."""
    return sorted([*HERE.parent.glob("*.py"), *HERE.glob("*.py")])


def stamps() -> list[tuple[str, int, int]]:
    """Return when each was changed, and its length."""
    seen = [(path, path.stat()) for path in files()]
    return [(path.name, stat.st_mtime_ns, stat.st_size) for path, stat in seen]


IMPORTED = stamps()


def unchanged() -> bool:
    """Tell whether the files are those that were imported."""
    return stamps() == IMPORTED


@cache
def digest() -> str:
    """Return the hash of all of them."""
    told = hashlib.sha256()
    for path in files():
        told.update(path.name.encode() + b"\0" + path.read_bytes())
    return told.hexdigest()
