"""Read the program of a Jupyter notebook: its code cells in order, with the place of each line."""

import io
import json
import re
import tokenize
from typing import Any

from chainrule.submission.attempts import SubmissionError

# What only notebooks understand: %magic, !command, ?help, help?
ONLY_NOTEBOOKS = re.compile(r"^\s*(%|!|\?)|^\s*\w[\w.]*\?{1,2}\s*$")
WHOLE_CELLS = re.compile(r"^\s*%%(?!time|timeit|capture|prun)")  # in another language
ASSIGNED = re.compile(r"^(\s*)[\w, ]+=\s*[!%]")  # files = !ls


def notebook_source(text: str, name: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return a notebook's program, and the cell and line of each of its lines, both from 1.

    Parameters
    ----------
    text : str
        The file's JSON.
    name : str
        The file's name, for messages.

    Returns
    -------
    source, places
        Only code cells are counted.

    Raises
    ------
    SubmissionError
        If it is not a notebook, or has no code.
    """
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    for number, code in enumerate(_code_cells(text, name), 1):
        foreign = WHOLE_CELLS.match(code) is not None
        cell: list[str] = []
        for line in code.split("\n"):
            cell.append("" if foreign else _as_python(line, cell))
        lines += cell
        places += [(number, line_number) for line_number in range(1, len(cell) + 1)]
    if not any(line.strip() for line in lines):
        raise SubmissionError(f"{name} has no code cells; submit the notebook with the program")
    return "\n".join(lines) + "\n", tuple(places)


def _code_cells(text: str, name: str) -> list[str]:
    """Return the sources of the code cells, of the formats 3 and 4."""
    try:
        found: Any = json.loads(text)
        cells = found["cells"] if "cells" in found else found["worksheets"][0]["cells"]
        code = [c for c in cells if c["cell_type"] == "code"]
        sources = [c["source"] if "source" in c else c["input"] for c in code]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise SubmissionError(
            f"{name} is not a valid notebook; open it in Jupyter and save it again"
        ) from None
    return ["".join(s) if isinstance(s, list) else str(s) for s in sources]


def _as_python(line: str, before: list[str]) -> str:
    """Return a line as Python: one that only notebooks understand has no effect.

    A line that continues a statement or a text, such as ``% (epoch, loss))``, is Python.
    """
    special = ASSIGNED.match(line) or ONLY_NOTEBOOKS.search(line)
    if not special or _is_open(before):
        return line
    if ASSIGNED.match(line):
        return re.sub(r"=\s*[!%].*$", "= []", line)
    return re.match(r"\s*", line)[0] + "pass"  # type: ignore[index]  # pyright: ignore[reportOptionalSubscript]


def _is_open(lines: list[str]) -> bool:
    """Return whether a bracket or a text is still open at the end of some lines."""
    text = "\n".join(lines) + "\n"
    try:
        for _ in tokenize.generate_tokens(io.StringIO(text).readline):
            pass
    except tokenize.TokenError:
        return True
    except SyntaxError:  # its indentation is wrong
        return False
    return lines[-1:] != [] and lines[-1].endswith("\\")
