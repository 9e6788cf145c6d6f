"""Every example in the docstring of a public name is run, and prints what it shows."""

import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rows import more

SLOW = ("from_torch", "train")  # importing torch, and compiling, take longer than the others
PUBLIC = ("chainrule", "chainrule.data", "chainrule.exchange", "chainrule.engine")


def examples() -> Iterator[Any]:
    """Yield the examples of each public name once."""
    finder, seen = doctest.DocTestFinder(exclude_empty=True), set[int]()
    for package in PUBLIC:
        module = importlib.import_module(package)
        for name in module.__all__:
            thing = getattr(module, name)
            if id(thing) in seen or not (getattr(thing, "__module__", "") or "").startswith(
                "chainrule"
            ):
                continue
            seen.add(id(thing))
            for found in finder.find(thing, name, globs={}):
                if found.examples:
                    yield more(found) if name in SLOW else pytest.param(found, id=found.name)


@pytest.mark.parametrize("example", list(examples()))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_examples_of_docstrings_are_right(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    runner, printed = doctest.DocTestRunner(verbose=False), list[str]()
    result = runner.run(example, out=printed.append)
    assert result.attempted == len(example.examples)
    assert not result.failed, "".join(printed)
