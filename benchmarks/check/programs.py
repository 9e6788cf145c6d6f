"""Check the programs of tests/diagnosis/programs, as their users would.

Their true verdicts are in truth.json files, which were written before the checker.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.diagnosis import Diagnosis, check

FOLDER = Path(__file__).parents[2] / "tests" / "diagnosis" / "programs"


@dataclass(frozen=True)
class Program:
    """A program and its true verdict.

    Parameters
    ----------
    path : Path
    options : mapping
        What a user would declare.
    verdict : str
    numbers : tuple of int
        The catalogue's entries that it contains.
    also : tuple of int
        Entries that may be named instead.
    """

    path: Path
    options: Mapping[str, Any]
    verdict: str
    numbers: tuple[int, ...]
    also: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProgramResult:
    """The result of `check` for a program.

    Parameters
    ----------
    program : Program
    verdict : str
    named : tuple of set of int
        The entries of each finding: its own, then its alternatives.
    seconds : float
    sentence : str
    """

    program: Program
    verdict: str
    named: tuple[tuple[int, ...], ...]
    seconds: float
    sentence: str

    @property
    def true(self) -> int:
        """How many of the named mistakes the program contains."""
        contained = {*self.program.numbers, *self.program.also}
        return sum(bool(contained.intersection(numbers)) for numbers in self.named)

    @property
    def recalled(self) -> bool:
        """Whether every mistake is named."""
        names = {n for numbers in self.named for n in numbers}
        missing = set(self.program.numbers) - names
        return self.verdict == "wrong" and len(missing) <= len(
            names.intersection(self.program.also)
        )

    @property
    def as_expected(self) -> bool:
        """Whether the verdict and all named mistakes are true."""
        if self.verdict != self.program.verdict:
            return False
        return self.verdict != "wrong" or (self.recalled and self.true == len(self.named))


def programs() -> list[Program]:
    """Return all programs, in order."""
    found: list[Program] = []
    for truth in sorted(FOLDER.glob("*/truth.json")):
        for entry in json.loads(truth.read_text(encoding="utf-8")):
            also = tuple(entry.get("also", ()))
            path = truth.parent / entry["file"]
            numbers = tuple(entry["catalogue"])
            found.append(Program(path, entry["options"], entry["verdict"], numbers, also))
    return found


def check_program(program: Program) -> ProgramResult:
    """Return the result of `check` for a program."""
    options = {key: value for key, value in program.options.items() if key != "function"}
    begin = time.perf_counter()
    found = check(program.path, options, function=program.options.get("function"))
    seconds = time.perf_counter() - begin
    return ProgramResult(program, found.verdict, numbers_of(found), seconds, found.sentence)


def numbers_of(found: Diagnosis) -> tuple[tuple[int, ...], ...]:
    """Return the catalogue's numbers of each finding and of its alternatives."""
    return tuple(
        (f.mistake.number, *(a.mistake.number for a in f.alternatives)) for f in found.mistakes
    )
