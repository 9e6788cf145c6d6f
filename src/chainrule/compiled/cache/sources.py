"""The source files on which compiled code depends: their hash, and whether they have changed.

Code that is compiled after a source was edited, from the older functions in memory, must not be
stored under the hash of the new source.
"""

import hashlib
from functools import cache
from pathlib import Path

COMPILED = Path(__file__).parents[1]

# The reference engine's files whose functions are compiled; a test checks that none is missing.
FORMULA_MODULES = ("activations", "elementwise", "losses", "optimizers")
FORMULAS = tuple(COMPILED.parent / f"{name}.py" for name in FORMULA_MODULES)


# All source files of compiled code. The search runs once, since Ctrl-C would leave it open.
FILES = tuple(sorted([*FORMULAS, *COMPILED.rglob("*.py")], key=Path.as_posix))


def stamps() -> list[tuple[str, int, int]]:
    """Return the name, modification time and size of each file."""
    seen = [(path, path.stat()) for path in FILES if path.exists()]
    return [(path.name, stat.st_mtime_ns, stat.st_size) for path, stat in seen]


IMPORTED = stamps()


def unchanged() -> bool:
    """Return whether the files are as they were when imported; False inside a zip archive."""
    return bool(IMPORTED) and stamps() == IMPORTED


@cache
def digest() -> str:
    """Return the hash of all files."""
    hashed = hashlib.sha256()
    for path in FILES:
        hashed.update(path.name.encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()
