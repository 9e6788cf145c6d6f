"""Load a learner's file as a module: run its statements in a controlled environment."""

import builtins
import io
import itertools
import linecache
import os
import re
import sys
import warnings
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from chainrule.submission.process.declaration import read_declaration
from chainrule.submission.process.execution import Execution
from chainrule.submission.process.packages import enter_packages, packages_of
from chainrule.submission.process.source import parse, read_program
from chainrule.submission.process.stub_modules import StubFinder, stub_plotting_modules
from chainrule.submission.program_io import DiscardedOutput, refuse_input

_counter = itertools.count(1)


@dataclass(frozen=True, eq=False)
class LoadedModule:
    """A learner's file after it has run.

    Parameters
    ----------
    namespace : dict
        What it defines, by name.
    remarks : tuple of str
        What was left out and why, which libraries are missing, and whether it prints.
    declared : dict
        Its ``NETWORK``, if that is a dictionary of plain values.
    """

    namespace: dict[str, Any]
    remarks: tuple[str, ...] = ()
    declared: dict[str, Any] = field(default_factory=dict[str, Any])


def load(path: str | Path, seconds: float = 10.0, folder: Path | None = None) -> LoadedModule:
    """Run a file and return what it defines.

    Parameters
    ----------
    path : str or Path
        A Python file.
    seconds : float, default 10
        Time limit of the whole file. Definitions, imports and assignments each get a share of it
        even after it has been used up. Not enforced outside the main thread, or on Windows.
    folder : Path, optional
        The folder in which the program finds itself, and to which it may write; by default its own.

    Returns
    -------
    LoadedModule

    Raises
    ------
    SubmissionError
        If it is not a Python file, or not valid Python.
    """
    file = Path(path).absolute()
    program = read_program(file)
    text, remarks = program.text, program.remarks
    tree = parse(text, file)
    module = _new_module(file, text)
    shown = (folder or file.parent) / file.name
    module.__file__ = str(shown)
    execution = Execution(file, module, tree, seconds)
    with _program_environment(shown, file.parent) as (finder, output):
        module.__package__ = enter_packages(packages_of(file, text), file) or None
        execution.run()
    declared, doubts = read_declaration(module.__dict__.get("NETWORK"))
    missing = [f"{name} is not installed; its plots are left out" for name in finder.found]
    printed = [_describe_output(output)] if output.lines else []
    all_remarks = (*remarks, *execution.remarks, *missing, *printed, *doubts)
    return LoadedModule(module.__dict__, all_remarks, declared)


def run_source(text: str, file: Path, seconds: float) -> Execution:
    """Run a source in the environment of this process, and return what it has done.

    Parameters
    ----------
    text : str
        Valid Python.
    file : Path
        Its file, of which a copy is in the current folder.
    seconds : float

    Returns
    -------
    Execution
    """
    module = _new_module(file, text)
    module.__file__ = str(Path.cwd() / file.name)
    module.__package__ = enter_packages(packages_of(file, text), file) or None
    execution = Execution(file, module, parse(text, file), seconds)
    execution.run()
    return execution


def _describe_output(output: DiscardedOutput) -> str:
    return f"it prints when imported: {output.lines} line{'s' * (output.lines != 1)}"


def _new_module(file: Path, text: str) -> ModuleType:
    """Return an empty module that pickle, dataclasses and inspect can find."""
    stem = re.sub(r"\W", "_", file.stem)
    module = ModuleType(f"_submission_{next(_counter)}_{stem}")
    sys.modules[module.__name__] = module
    lines = text.splitlines(keepends=True)
    linecache.cache[str(file)] = (len(text), None, lines, str(file))  # the text as decoded here
    return module


@contextmanager
def _program_environment(file: Path, folder: Path) -> Generator[tuple[StubFinder, DiscardedOutput]]:
    """Replace streams, arguments, paths and plotting libraries while a program runs."""
    output = DiscardedOutput()
    with ExitStack() as stack:
        finder = stack.enter_context(stub_plotting_modules())
        stack.enter_context(redirect_stdout(output))
        stack.enter_context(redirect_stderr(DiscardedOutput()))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(_restored_globals())
        sys.path[:0] = dict.fromkeys((str(file.parent), str(folder)))
        sys.argv[:] = [str(file)]
        sys.stdin, builtins.input = io.StringIO(), refuse_input
        os.environ["MPLBACKEND"] = "Agg"  # opens no windows
        yield finder, output


@contextmanager
def _restored_globals() -> Generator[None]:
    """Restore paths, arguments, input, backend and folder after a program has run."""
    folder = os.getcwd()  # noqa: PTH109 (a string, for chdir)
    kept = sys.path[:], sys.argv[:], sys.stdin, builtins.input
    backend = os.environ.get("MPLBACKEND")
    try:
        yield
    finally:
        sys.path[:], sys.argv[:], sys.stdin, builtins.input = kept
        os.environ.pop("MPLBACKEND", None)
        os.environ.update({} if backend is None else {"MPLBACKEND": backend})
        os.chdir(folder)
