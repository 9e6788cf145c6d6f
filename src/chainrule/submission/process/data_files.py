"""Copy a learner's program and the data files that it names to the folder in which it runs.

Only files in the program's own folder are copied, and only if a string in the program names them.
The others are linked where the program cannot write to them.
"""

import ast
import shutil
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from chainrule.submission.attempts import SubmissionError
from chainrule.submission.process.source import read_program

MOST_BYTES = 64 * 2**20  # of all copies
MOST_FILES = 500
LONGEST_PATH = 200  # characters
LEVELS = 2  # folders above the program's own in which its data may be
MADE_UP = "".join(f"{i} times {k} makes {i * k}.\n" for i in range(2, 9) for k in range(2, 12))
NOT_FOUND = "{} was not found; a made-up text was used in its place"
TOO_MUCH = (
    f"{{}} was not available to the program: at most {MOST_FILES} files with {MOST_BYTES:,} bytes "
    "are copied"
)


def named_files(program: Path) -> Iterator[Path]:
    """Yield the files and folders that a program names, relative to the program's folder.

    Parameters
    ----------
    program : Path
    """
    constants = (n.value for n in ast.walk(_tree(program)) if isinstance(n, ast.Constant))
    texts = {value for value in constants if isinstance(value, str)}
    for text in sorted(texts):
        if is_inside_folder(text) and (program.parent / text).exists():
            yield Path(text)


def _tree(program: Path) -> ast.AST:
    """Return a program's statements; none if it cannot be read, which its run reports."""
    try:
        return ast.parse(read_program(program).text)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError, SubmissionError):
        return ast.Module([], [])


def is_inside_folder(text: str) -> bool:
    """Return whether a string can be a relative path that stays in the program's folder."""
    if not 0 < len(text) < LONGEST_PATH or "\n" in text or "\0" in text:
        return False
    path = Path(text)
    return not path.is_absolute() and ".." not in path.parts and path != Path()


def copy_data_files(program: Path, folder: Path) -> list[str]:
    """Copy a program and the files that it names to a folder; return remarks on those left out.

    Parameters
    ----------
    program, folder : Path
    """
    if not program.is_file():
        return []  # the error is reported when the program is read
    _copy(program, folder / program.name)
    remarks = list(_made_up_texts(program, folder))
    left, files = MOST_BYTES, MOST_FILES
    for path in _all_files(program):
        source, target = program.parent / path, folder / path
        size = _size(source)
        if size > left or not files:
            return [*remarks, TOO_MUCH.format(path)]
        left, files = left - size, files - 1
        _copy(source, target)
    return remarks


def _made_up_texts(program: Path, folder: Path) -> Iterator[str]:
    """Write a text in the place of each missing one that a program reads; yield remarks."""
    for name in sorted(set(_texts_read(program))):
        target = folder / name
        if is_inside_folder(name) and not (program.parent / name).exists():
            with suppress(OSError):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(MADE_UP, encoding="utf-8")
                yield NOT_FOUND.format(name)


def _texts_read(program: Path) -> Iterator[str]:
    """Yield the names of text files that a program opens to read them."""
    for call in (n for n in ast.walk(_tree(program)) if isinstance(n, ast.Call)):
        match call:
            case ast.Call(ast.Name("open"), [ast.Constant(str(name)), *mode]):
                reads = not mode or ast.unparse(mode[0]).strip("'\"") in ("r", "rt")
                if reads and name.endswith(".txt"):
                    yield name


def _copy(source: Path, target: Path) -> None:
    with suppress(OSError):  # the program then reports a missing file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def make_working_folder(program: Path, root: Path) -> Path:
    """Make the folder in which a program works below `root`; return it.

    It is `LEVELS` deep, with the names of the program's own folders, so that a path such as
    ``../data`` leads to what is linked there.
    """
    own = program.parent
    work = root.joinpath(*own.relative_to(own.anchor).parts[-LEVELS:])
    work.mkdir(parents=True, exist_ok=True)
    return work


def root_of(work: Path, source: Path) -> Path:
    """Return the root below which a working folder was made for a program's folder."""
    depth = min(LEVELS, len(source.relative_to(source.anchor).parts))
    return [work, *work.parents][depth]


def link_other_files(source: Path, work: Path) -> None:
    """Link what is in a program's folder, and in those above it, to read it under the same name.

    Parameters
    ----------
    source, work : Path
        The program's folder, and the one in which it works. What was copied stays a copy.

    Notes
    -----
    The process must not be able to write to `source`.
    """
    root = root_of(work, source)
    for theirs, ours in zip([source, *source.parents], [work, *work.parents], strict=False):
        _link_entries(theirs, ours)
        if ours == root:
            break


def _link_entries(source: Path, folder: Path) -> None:
    """Link the files and folders of one folder in another."""
    with suppress(OSError):
        for entry in islice(sorted(source.iterdir()), MOST_FILES):
            with suppress(FileExistsError):
                (folder / entry.name).symlink_to(entry)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _all_files(program: Path) -> Iterator[Path]:
    """Yield the files that a program names, and all files in the folders that it names."""
    seen: set[Path] = set()
    for path in named_files(program):
        whole = program.parent / path
        inner = whole.rglob("*") if whole.is_dir() else iter([whole])
        for file in inner:
            relative = file.relative_to(program.parent)
            if file.is_file() and relative not in seen:
                seen.add(relative)
                yield relative
