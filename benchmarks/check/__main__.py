"""``python -m benchmarks.check``: count what `check` finds in programs and reproduced mistakes.

All numbers except the times are the same in every run.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from benchmarks import regions
from benchmarks.check import cases, distinguishing, programs, tables
from benchmarks.check.programs import ProgramResult
from benchmarks.check.scores import Score, score

REGION = "bench-check"
BEGIN, END = regions.markers(REGION)
SAMPLE = 300  # reproduced mistakes by default: at most ten minutes on two cores

T = TypeVar("T")
S = TypeVar("S")


def options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument(
        "--sample", type=int, default=SAMPLE, help="number of mistakes to reproduce"
    )
    parser.add_argument(
        "--full", action="store_true", help="every mistake in every form; takes days"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument(
        "--write", action="store_true", help="write the two tables to docs/benchmarks.md"
    )
    parser.add_argument(
        "--distinguish",
        action="store_true",
        help="print only the mistakes that cannot be distinguished",
    )
    return parser.parse_args()


def all_of(work: Callable[[T], S], things: Sequence[T], jobs: int) -> list[S]:
    """Return the results of a function for many arguments, in order."""
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(work, things))


def main() -> None:
    """Print all tables, and write those of the page if requested."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = options()
    if arguments.distinguish:
        print(distinguishing.report())
        return
    whole = all_of(programs.check_program, programs.programs(), arguments.jobs)
    print("\n\n".join(program_tables(whole)), flush=True)
    chosen = cases.sample(None if arguments.full else arguments.sample, arguments.seed)
    made = all_of(score, [*cases.product(right=True), *chosen], arguments.jobs)
    print("\n\n".join(mistake_tables(made)))
    if arguments.write:
        write(regions.PAGE, region(whole, made))


def program_tables(found: Sequence[ProgramResult]) -> Iterator[str]:
    """Yield the tables of the programs."""
    yield "Programs as learners write them (tests/diagnosis/programs)"
    yield tables.of_programs(found)
    yield tables.table(tables.SUMMARY, [tables.summary_of_programs(found)], words=0)
    if others := tables.unexpected(found):
        yield f"Not as expected:\n{others}"


def mistake_tables(found: Sequence[Score]) -> Iterator[str]:
    """Yield the tables of reproduced mistakes."""
    yield "\nMistakes reproduced with the checker's own equations"
    yield tables.by_entry(found)
    head = ("", *tables.HEAD)
    yield tables.table(head, tables.by_form(found))
    yield tables.table(head, tables.by(found, lambda s: s.case.setup_name))
    yield tables.table(head, tables.by(found, lambda s: s.case.convention))
    if failed := tables.failures(found):
        yield f"Not as expected:\n{failed}"


def region(whole: Sequence[ProgramResult], made: Sequence[Score]) -> str:
    """Return the tables in docs/benchmarks.md, with their text."""
    wrong = sum(s.truth == "wrong" for s in made)
    right = sum(s.truth in tables.RIGHT for s in made)
    head = (f"{len(whole)} programs", *tables.SUMMARY)
    first = tables.markdown(head, [("all", *tables.summary_of_programs(whole))])
    second = tables.markdown(("submitted as", *tables.HEAD), tables.by_form(made))
    return f"""\
Programs as learners write them, written without knowledge of the checker. The checker was fixed
until it passed all of these, so they are a regression test, not an estimate. When it first saw 25
of them, it judged 17 correctly: of 12 wrong programs it named the mistake in 9 and a different one
in 1; of 10 right programs it could not judge 3 and called 1 wrong. All 25 are included:

{first}

Mistakes of the catalogue, reproduced: {wrong:,} wrong attempts and {right:,} right ones. They are
made with the checker's own equations, so they show which mistakes it can distinguish, not what
learners do:

{second}"""


def write(path: Path, text: str) -> None:
    """Write a text between the markers of a file."""
    regions.write(path, REGION, text)


if __name__ == "__main__":
    main()
