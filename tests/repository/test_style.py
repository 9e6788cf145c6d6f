"""The size of things: short functions, and an engine that can be read in an evening.

The module tools.figures measures; this is where the limits stand.
"""

import statistics

from tools.figures import (
    SOURCE,
    code_lines,
    engine_files,
    function_lengths,
    percentile,
    sizes_report,
    start_times,
)

# Functions that may be long, each with its reason, as "room/file:Class.function".
EXCEPTIONS: dict[str, str] = {}


# The plan was 1,200. What is above it is mostly what bad input is told, wrapped signatures, and one
# description class for each name in the tables; the limit is here so that it does not grow.
LIMIT = 2450


def test_the_engine_does_not_grow():
    print(sizes_report())
    assert sum(code_lines(path.read_text(encoding="utf-8")) for path in engine_files()) <= LIMIT


def test_functions_are_short():
    lengths = function_lengths(SOURCE.rglob("*.py"))
    measured = [size for name, size in lengths.items() if name not in EXCEPTIONS]
    assert statistics.median(measured) <= 9
    assert percentile(measured, 0.95) <= 25


def test_exceptions_are_needed():
    lengths = function_lengths(SOURCE.rglob("*.py"))
    assert [name for name in EXCEPTIONS if lengths.get(name, 0) <= 25] == []


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


def test_a_body_starts_after_the_docstring(tmp_path):
    (tmp_path / "a.py").write_text(
        'class A:\n    def f(self):\n        """Doc."""\n        x = 1\n\n        return x\n'
        "def g(): return 1\n"
    )
    lengths = function_lengths(tmp_path.glob("*.py"), tmp_path)
    assert lengths == {"a:A.f": 3, "a:g": 1}


def test_help_starts_at_once():
    """The one timing among the tests: it is a promise, kept with room to spare (about 7 times)."""
    times = start_times()
    assert times["chainrule --help"] <= 20 * times["python -c pass"]
