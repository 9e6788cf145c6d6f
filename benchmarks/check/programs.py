"""The seventy programs of tests/diagnosis/programs, asked as a user would ask about them.

What is true of them stands in their truth.json, which was written before the checker.
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
    """A program, and what is true of it.

    Parameters
    ----------
    path : Path
    options : mapping
        What a user would say of it.
    verdict : str
    numbers : tuple of int
        The catalogue's entries that it contains.
    also : tuple of int
        Entries that may be named in their place.
    """

    path: Path
    options: Mapping[str, Any]
    verdict: str
    numbers: tuple[int, ...]
    also: tuple[int, ...] = ()


@dataclass(frozen=True)
class Judged:
    """What `check` says of a program.

    Parameters
    ----------
    program : Program
    verdict : str
    named : tuple of set of int
        Of each finding the entries: its own, then those that fit equally well.
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
        """How many of the mistakes named are there."""
        there = {*self.program.numbers, *self.program.also}
        return sum(bool(there.intersection(numbers)) for numbers in self.named)

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
        """Whether all that is said is true."""
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


def judge(program: Program) -> Judged:
    """Return what `check` says of a program."""
    said = {key: value for key, value in program.options.items() if key != "function"}
    begin = time.perf_counter()
    found = check(program.path, said, function=program.options.get("function"))
    seconds = time.perf_counter() - begin
    return Judged(program, found.verdict, numbers_of(found), seconds, found.sentence)


def numbers_of(found: Diagnosis) -> tuple[tuple[int, ...], ...]:
    """Return the catalogue's numbers of each finding and of what fits equally well."""
    return tuple(
        (f.mistake.number, *(a.mistake.number for a in f.alternatives)) for f in found.mistakes
    )
