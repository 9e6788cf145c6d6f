"""The limits on the length of functions and files, and on what `--help` imports.

tools/figures.py measures; the limits, and the exceptions from them, are here.
"""

import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.figures import (
    SOURCE,
    code_lines,
    file_lengths,
    function_lengths,
    percentile,
    sizes_report,
)

MEDIAN, PERCENTILE_95 = 9, 25
LONGEST_FUNCTION = 30  # lines after the docstring
LONGEST_FILE = 400  # lines of code, without docstrings, comments and blank lines

# Exceptions, each with its reason: "package/file:Class.function" and "package/file".
LONG_FUNCTIONS: dict[str, str] = {
    "compiled/codegen/loops:softmax_loop": "the source of one fused kernel, read as one text",
    "compiled/kernels/network_table:tables": "one line for each table that the kernels read",
    "estimators/classifier:MLPClassifier.__init__": "one assignment for each parameter",
    "estimators/regressor:MLPRegressor.__init__": "one assignment for each parameter",
}
LONG_FILES: dict[str, str] = {}


@pytest.fixture(scope="module")
def functions() -> dict[str, int]:
    return function_lengths(SOURCE.rglob("*.py"))


@pytest.fixture(scope="module")
def files() -> dict[str, int]:
    return file_lengths(SOURCE.rglob("*.py"))


def above(lengths: Mapping[str, int], limit: int) -> dict[str, int]:
    """Return the lengths above a limit."""
    return {name: length for name, length in lengths.items() if length > limit}


def remedy(kind: str, limit: int, found: Mapping[str, int]) -> str:
    """Return what to do about functions or files that are too long."""
    split = {
        "function": "Move each step with a name of its own into a helper function",
        "file": "Move one concept into a module of its own",
    }[kind]
    listed = "\n".join(f"  {name}: {length} lines" for name, length in sorted(found.items()))
    return (
        f"The limit is {limit} lines for a {kind}. {split}, or add the {kind} with the reason "
        f"to LONG_{kind.upper()}S in tests/repository/test_style.py:\n{listed}"
    )


def test_functions_are_short(functions: dict[str, int]):
    print(sizes_report())
    lengths = [length for name, length in functions.items() if name not in LONG_FUNCTIONS]
    longest = sorted(above(functions, PERCENTILE_95).items(), key=lambda item: -item[1])
    advice = f"Shorten some of the longest functions: {longest}"
    assert statistics.median(lengths) <= MEDIAN, advice
    assert percentile(lengths, 0.95) <= PERCENTILE_95, advice


def test_no_function_is_too_long(functions: dict[str, int]):
    found = above(functions, LONGEST_FUNCTION)
    new = {name: found[name] for name in found.keys() - LONG_FUNCTIONS}
    assert not new, remedy("function", LONGEST_FUNCTION, new)


def test_no_file_is_too_long(files: dict[str, int]):
    found = above(files, LONGEST_FILE)
    new = {name: found[name] for name in found.keys() - LONG_FILES}
    assert not new, remedy("file", LONGEST_FILE, new)


def test_exceptions_are_needed(functions: dict[str, int], files: dict[str, int]):
    unneeded = [
        *(LONG_FUNCTIONS.keys() - above(functions, LONGEST_FUNCTION)),
        *(LONG_FILES.keys() - above(files, LONGEST_FILE)),
    ]
    assert not unneeded, f"no longer above the limit, so remove from the exceptions: {unneeded}"


@pytest.mark.parametrize("kind", ["function", "file"])
def test_the_message_has_the_length_and_the_remedy(kind: str):
    text = remedy(kind, 30, {"layers:Dense.forward": 31})
    assert f"LONG_{kind.upper()}S" in text
    assert "layers:Dense.forward: 31 lines" in text


def test_only_code_is_counted():
    text = '''"""Docstring
of two lines."""

x = 1  # a comment
# a comment

def f():
    """Docstring."""
    return """text
of two lines"""
'''
    assert code_lines(text) == 4


def test_lengths_are_found_by_name(tmp_path: Path):
    (tmp_path / "a.py").write_text(
        'class A:\n    def f(self):\n        """Doc."""\n        x = 1\n\n        return x\n'
        "def g(): return 1\n"
    )
    files = list(tmp_path.glob("*.py"))
    assert function_lengths(files, tmp_path) == {"a:A.f": 3, "a:g": 1}
    assert file_lengths(files, tmp_path) == {"a": 5}
    assert above({"a": 3, "b": 4}, 3) == {"b": 4}


def test_help_imports_few_modules():
    """A count, because a time depends on the load; typer and its parts are about 120 of them."""
    code = "import sys, chainrule.cli; print(len(sys.modules), 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, with_numpy = done.stdout.split()
    assert int(count) <= 230
    assert with_numpy == "False"
