"""The files that a learner's program names, copied to the folder that it runs in.

It reads only what stands in quotes in the program and lies beside it; nothing is searched for.
"""

import ast
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 64 * 2**20  # of all copies
MOST_FILES = 500


def named_beside(program: Path) -> Iterator[Path]:
    """Yield the files and folders beside a program that it names, as paths from its folder.

    Parameters
    ----------
    program : Path
    """
    try:
        tree = ast.parse(program.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return  # whoever runs it says what is wrong
    texts = {
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    for text in sorted(texts):
        if _is_near(text) and (program.parent / text).exists():
            yield Path(text)


def _is_near(text: str) -> bool:
    """Tell whether a text may be a path that does not lead out of the program's folder."""
    if not 0 < len(text) < 200 or "\n" in text or "\0" in text:
        return False
    path = Path(text)
    return not path.is_absolute() and ".." not in path.parts and path != Path()


def bring(program: Path, folder: Path) -> list[str]:
    """Copy what a program names to a folder, and return remarks on what was too much.

    Parameters
    ----------
    program, folder : Path
    """
    left, files = MOST_BYTES, MOST_FILES
    for path in _files(program):
        source, target = program.parent / path, folder / path
        size = _size(source)
        if size > left or not files:
            return [f"{path} was not there for the program: beside it lies more than is copied"]
        left, files = left - size, files - 1
        with suppress(OSError):  # then it is as if it were not there, which the program will say
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return []


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _files(program: Path) -> Iterator[Path]:
    """Yield the files that a program names, those in folders that it names included."""
    seen: set[Path] = set()
    for path in named_beside(program):
        whole = program.parent / path
        inner = whole.rglob("*") if whole.is_dir() else iter([whole])
        for file in inner:
            near = file.relative_to(program.parent)
            if file.is_file() and near not in seen:
                seen.add(near)
                yield near
