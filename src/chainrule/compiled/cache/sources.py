"""The sources of what is compiled: as they were when they were imported, and if they still are.

What an edited package compiled, while older functions were in its memory, must not pass for the
new one's.
"""

import hashlib
from functools import cache
from pathlib import Path

COMPILED = Path(__file__).parents[1]

# The reference's files whose functions are compiled; a test holds them to it.
FORMULA_MODULES = ("activations", "elementwise", "losses", "optimizers")
FORMULAS = tuple(COMPILED.parent / f"{name}.py" for name in FORMULA_MODULES)


# Every source file of what is compiled, looked for once: a search that Ctrl-C cuts is left open.
FILES = tuple(sorted([*FORMULAS, *COMPILED.rglob("*.py")]))


def stamps() -> list[tuple[str, int, int]]:
    """Return when each was changed, and its length."""
    seen = [(path, path.stat()) for path in FILES if path.exists()]
    return [(path.name, stat.st_mtime_ns, stat.st_size) for path, stat in seen]


IMPORTED = stamps()


def unchanged() -> bool:
    """Tell whether the files are those that were imported; in a zip there are none."""
    return bool(IMPORTED) and stamps() == IMPORTED


@cache
def digest() -> str:
    """Return the hash of all of them."""
    told = hashlib.sha256()
    for path in FILES:
        told.update(path.name.encode() + b"\0" + path.read_bytes())
    return told.hexdigest()
