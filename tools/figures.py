"""The figures that the house is held to: lines of the engine, lengths of functions, start-up times.

``python -m tools.figures`` prints them. tests/repository/test_style.py asserts the first two; times
are printed as ratios to a bare interpreter.
"""

import ast
import io
import statistics
import subprocess
import sys
import sysconfig
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import perf_counter

from tools.import_order import ENGINE, SHARED

SOURCE = Path(__file__).parents[1] / "src" / "chainrule"

Function = ast.FunctionDef | ast.AsyncFunctionDef
SILENT = {
    *[tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING],
    *[tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER],
}


def engine_files(source: Path = SOURCE) -> list[Path]:
    """Return the engine's files, in the order in which they are read."""
    paths = (source / f"{name}.py" for name in SHARED + ENGINE)
    return [path for path in paths if path.exists()]


def code_lines(text: str) -> int:
    """Count the lines that hold code: not those of blanks, comments and docstrings alone."""
    docstrings = {(node.lineno, node.col_offset) for node in strings_alone(ast.parse(text))}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    speaking = (t for t in tokens if t.type not in SILENT and t.start not in docstrings)
    return len({line for t in speaking for line in range(t.start[0], t.end[0] + 1)})


def strings_alone(tree: ast.AST) -> Iterator[ast.Expr]:
    """Yield the statements that are just a string, as docstrings are."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(ast.Constant(str())):
                yield node


def function_lengths(paths: Iterable[Path], source: Path = SOURCE) -> dict[str, int]:
    """Return each function's lines after its docstring, by its name in the package."""
    return {
        f"{path.relative_to(source).with_suffix('').as_posix()}:{name}": body_length(function)
        for path in paths
        for name, function in functions(ast.parse(path.read_text(encoding="utf-8")))
    }


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield functions and methods with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, Function | ast.ClassDef)
        name = f"{prefix}{node.name}" if named else prefix
        if isinstance(node, Function):
            yield name, node
        yield from functions(node, f"{name}." if named else prefix)


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
    """Tell the figures of the text."""
    lengths = function_lengths(SOURCE.rglob("*.py"))
    longest = sorted(lengths.items(), key=lambda item: -item[1])[:5]
    lines = sum(code_lines(path.read_text(encoding="utf-8")) for path in engine_files())
    return (
        f"engine: {lines} lines of code in {len(engine_files())} files\n"
        f"functions: {len(lengths)}; body median {statistics.median(lengths.values()):g}, "
        f"95th percentile {percentile(lengths.values(), 0.95)} lines\n"
        f"longest: {', '.join(f'{name} ({size})' for name, size in longest)}"
    )


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
    """Tell the start-up times, as ratios."""
    times = start_times()
    bare = times["python -c pass"]
    ratios = (f"  {name:<18}{time / bare:5.1f} times" for name, time in times.items())
    return "\n".join([f"start-up, `python -c pass` taking {bare * 1e3:.0f} ms:", *ratios])


if __name__ == "__main__":
    print(sizes_report())
    print(times_report())
