"""Measures the package: lines of code, lengths of functions and files, and start-up times.

``python -m tools.figures`` prints them, the times as ratios to a bare interpreter.
tests/repository/test_style.py has the limits.
"""

import ast
import io
import statistics
import subprocess
import sys
import sysconfig
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from time import perf_counter

from tools.import_order import ENGINE, SHARED

SOURCE = Path(__file__).parents[1] / "src" / "chainrule"

Function = ast.FunctionDef | ast.AsyncFunctionDef
NOT_CODE = {
    *[tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING],
    *[tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER],
}


def engine_files(source: Path = SOURCE) -> list[Path]:
    """Return the engine's files, in the order in which they are read."""
    paths = (source / f"{name}.py" for name in SHARED + ENGINE)
    return [path for path in paths if path.exists()]


@cache  # the tests ask for the same files several times
def code_lines(text: str) -> int:
    """Count the lines of code, without blank lines, comments and docstrings."""
    docstrings = {(node.lineno, node.col_offset) for node in string_statements(ast.parse(text))}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    code = (t for t in tokens if t.type not in NOT_CODE and t.start not in docstrings)
    return len({line for t in code for line in range(t.start[0], t.end[0] + 1)})


def string_statements(tree: ast.AST) -> Iterator[ast.Expr]:
    """Yield the statements that are only a string, as docstrings are."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(ast.Constant(str())):
                yield node


def file_lengths(paths: Iterable[Path], source: Path = SOURCE) -> dict[str, int]:
    """Return each file's lines of code, by its name in the package."""
    return {name_of(path, source): code_lines(path.read_text(encoding="utf-8")) for path in paths}


def name_of(path: Path, source: Path) -> str:
    """Return a file's name in the package, such as "explanation/chain"."""
    return path.relative_to(source).with_suffix("").as_posix()


def function_lengths(paths: Iterable[Path], source: Path = SOURCE) -> dict[str, int]:
    """Return each function's lines after its docstring, by its name in the package."""
    return {
        f"{name_of(path, source)}:{name}": length
        for path in paths
        for name, length in body_lengths(path.read_text(encoding="utf-8"))
    }


@cache
def body_lengths(text: str) -> list[tuple[str, int]]:
    """Return each function's qualified name and its lines after the docstring."""
    return [(name, body_length(function)) for name, function in functions(ast.parse(text))]


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield functions and methods with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        has_name = isinstance(node, Function | ast.ClassDef)
        name = f"{prefix}{node.name}" if has_name else prefix
        if isinstance(node, Function):
            yield name, node
        yield from functions(node, f"{name}." if has_name else prefix)


def body_length(function: Function) -> int:
    """Count a function's lines from the first statement after the docstring to its end."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def percentile(sizes: Iterable[int], share: float) -> int:
    """Return the size that a share of the sizes does not exceed."""
    ordered = sorted(sizes)
    return ordered[int(share * (len(ordered) - 1))]


def best_time(command: Sequence[str], runs: int = 7) -> float:
    """Return the shortest of several running times of a command, in seconds."""

    def once() -> float:
        start = perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return perf_counter() - start

    return min(once() for _ in range(runs))


def sizes_report() -> str:
    """Return the lengths of files and functions, as text."""
    files, engine = file_lengths(SOURCE.rglob("*.py")), file_lengths(engine_files())
    functions = function_lengths(SOURCE.rglob("*.py"))
    return (
        f"package: {sum(files.values())} lines of code in {len(files)} files; "
        f"engine: {sum(engine.values())} in {len(engine)}\n"
        f"longest files: {longest(files)}\n"
        f"functions: {len(functions)}; body median {statistics.median(functions.values()):g}, "
        f"95th percentile {percentile(functions.values(), 0.95)} lines\n"
        f"longest functions: {longest(functions)}"
    )


def longest(lengths: Mapping[str, int]) -> str:
    """Return the five largest lengths with their names."""
    ordered = sorted(lengths.items(), key=lambda item: -item[1])[:5]
    return ", ".join(f"{name} ({length})" for name, length in ordered)


def start_times() -> dict[str, float]:
    """Return the start-up times in seconds; the first is the bare interpreter's."""
    script = Path(sysconfig.get_path("scripts"), "chainrule")
    commands = {
        "python -c pass": ["-c", "pass"],
        "import numpy": ["-c", "import numpy"],
        "import chainrule": ["-c", "import chainrule"],
        "chainrule --help": [str(script), "--help"],
    }
    return {name: best_time([sys.executable, *rest]) for name, rest in commands.items()}


def times_report() -> str:
    """Return the start-up times as ratios, as text."""
    times = start_times()
    bare = times["python -c pass"]
    ratios = (f"  {name:<18}{time / bare:5.1f} times" for name, time in times.items())
    return "\n".join([f"start-up, with `python -c pass` taking {bare * 1e3:.0f} ms:", *ratios])


if __name__ == "__main__":
    print(sizes_report())
    print(times_report())
