"""Read and parse a learner's Python file, with error messages for files that are not Python."""

import ast
import io
import re
import tokenize
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from chainrule.submission.attempts import SubmissionError
from chainrule.submission.process.notebook import notebook_source
from chainrule.submission.process.older_python import as_python3
from chainrule.submission.process.usual_names import missing_imports

MOST_BYTES = 4_000_000  # of a program
MINIMIZERS = "scipy.optimize"  # the file of places in what takes the place of its functions
AROUND = 2  # lines before and after one that a report shows


@dataclass(frozen=True)
class Source:
    """A program's source as Python 3, line for line as in its file.

    Parameters
    ----------
    text : str
    original : str
        The text before it was translated.
    remarks : tuple of str
    cells : tuple of (int, int)
        Of a notebook, the code cell and the line in it of each line.
    own : int
        How many of the lines are the program's, if others were added; else 0.
    folder : Path or None
        The program's folder.
    """

    text: str
    original: str
    remarks: tuple[str, ...] = ()
    cells: tuple[tuple[int, int], ...] = ()
    own: int = 0
    folder: Path | None = None

    def with_lines(self, lines: str, omitted: tuple[tuple[int, int], ...] = ()) -> "Source":
        """Return the source with lines at its end, and without statements that fail.

        Parameters
        ----------
        lines : str
        omitted : tuple of (int, int)
            The first and last lines of the statements.
        """
        rows = self.text.rstrip().split("\n")
        original = self.original.rstrip().split("\n")
        own = max(len(rows), len(original))
        left = {n for first, last in omitted for n in range(first, last + 1)}
        kept = ["" if n in left else row for n, row in enumerate(rows, 1)]
        made, shown = (
            "\n".join([*part, *[""] * (own - len(part)), lines, ""]) for part in (kept, original)
        )
        return replace(self, text=made, original=shown, own=own)

    def where(self, line: int, file: str = "") -> str:
        """Return the place of a line in words."""
        if file:
            return file if file == MINIMIZERS else f"{file}, line {line}"
        if self.own and line > self.own:
            return f"added line {line - self.own}"
        if 0 < line <= len(self.cells):
            cell, inner = self.cells[line - 1]
            return f"code cell {cell}, line {inner}"
        return f"line {line}"

    def around(self, line: int, file: str = "") -> list[tuple[int, str, bool]]:
        """Return the number and text of a line and those around it, and which of them it is.

        Parameters
        ----------
        line : int
        file : str
            The module next to the program that it is in, if any.
        """
        rows = self._rows(file)
        near = range(max(1, line - AROUND), min(len(rows), line + AROUND) + 1)
        cells = {} if file else dict(enumerate(self.cells, 1))
        numbers = [cells.get(n, (0, n)) for n in near]
        return [
            (number, rows[n - 1].expandtabs(4).rstrip(), n == line)
            for n, (cell, number) in zip(near, numbers, strict=True)
            if cell == cells.get(line, (0, line))[0]
        ]

    def _rows(self, file: str) -> list[str]:
        if not file:
            return (self.text if self.cells else self.original).split("\n")
        with suppress(OSError, SubmissionError):
            return read_source((self.folder or Path()) / file)[0].split("\n")
        return []


def read_program(file: Path) -> Source:
    """Return the source of a Python file or a notebook, in Python 3.

    Raises
    ------
    SubmissionError
        If it cannot be read, or is not valid Python.
    """
    text, remarks = read_source(file)
    cells: tuple[tuple[int, int], ...] = ()
    if file.suffix.lower() == ".ipynb":
        text, cells = notebook_source(text, file.name)
    made, translated = as_python3(text)
    parse(made, file)
    all_remarks = (*remarks, *translated, *missing_imports(made))
    return Source(made, text, all_remarks, cells, folder=file.parent)


def read_source(file: Path) -> tuple[str, list[str]]:
    """Return the text of a Python file, and a remark if its encoding had to be guessed.

    Raises
    ------
    SubmissionError
        If it cannot be read, is empty, or is not a Python file.
    """
    data = _read_bytes(file)
    if not data.strip():
        raise SubmissionError(f"{file.name} is empty; save the program and submit it again")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise SubmissionError(
            f"{file.name} is in UTF-16, which Python does not read; save it as UTF-8"
        )
    if b"\0" in data:
        raise SubmissionError(
            f"{file.name} is not a text file; submit the Python source, a .py file"
        )
    return _decode(data, file)


def _read_bytes(file: Path) -> bytes:
    """Return a file's content."""
    if file.is_dir():
        raise SubmissionError(f"{file.name} is a folder; give the path of a file in it")
    if not file.exists():
        raise SubmissionError(f"the file {str(file)!r} does not exist; check its name and folder")
    if not file.is_file():
        raise SubmissionError(
            f"{file.name} is not a regular file; give the path of a Python file or a notebook"
        )
    try:
        if file.stat().st_size > MOST_BYTES:
            raise SubmissionError(
                f"{file.name} is larger than {MOST_BYTES:,} bytes; move its data to another file"
            )
        return file.read_bytes()
    except OSError as error:
        raise SubmissionError(f"{file.name} cannot be read: {error.strerror}") from None


def _decode(data: bytes, file: Path) -> tuple[str, list[str]]:
    """Return a file's text: by its coding comment, or as UTF-8, or else as Latin-1."""
    comment = re.search(rb"coding[:=]", b"\n".join(data.splitlines()[:2]))
    readline = io.BytesIO(data).readline
    try:
        encoding = tokenize.detect_encoding(readline)[0] if comment else "utf-8-sig"
    except SyntaxError as error:
        raise SubmissionError(f"{file.name}: {error.msg}; save it as UTF-8") from None
    try:
        return _with_newlines(data.decode(encoding)), []
    except UnicodeDecodeError as error:
        if not comment:
            remark = f"{file.name} is not in UTF-8 and declares no encoding; it was read as Latin-1"
            return _with_newlines(data.decode("latin-1")), [remark]
        line = data[: error.start].count(b"\n") + 1
        raise SubmissionError(
            f"{file.name}, line {line}: this is not {encoding}, the encoding that the file "
            "declares; save it as UTF-8"
        ) from None


def _with_newlines(text: str) -> str:
    """Return a text with every line end replaced by a newline."""
    return io.IncrementalNewlineDecoder(None, translate=True).decode(text)


def parse(text: str, file: Path) -> ast.Module:
    """Return the statements of a program.

    Raises
    ------
    SubmissionError
        If it is not valid Python; the message has the line and its text.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, str(file))
            compile(text, str(file), "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        line = f": {error.text.strip()}" if error.text else ""
        raise SubmissionError(f"{file.name}{where}: {error.msg}{line}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SubmissionError(f"{file.name} cannot be parsed as Python: {error}") from None
    return tree
