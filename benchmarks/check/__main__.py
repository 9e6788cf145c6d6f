"""``python -m benchmarks.check``: the figures of `check`, over programs and mistakes made again.

The same numbers come out every time, but for the seconds.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from benchmarks import page
from benchmarks.check import apart, cases, programs, tables
from benchmarks.check.programs import Judged
from benchmarks.check.scores import Score, score

REGION = "bench-check"
BEGIN, END = page.markers(REGION)
SAMPLE = 300  # mistakes made again, unless said otherwise: ten minutes on two cores at most

T = TypeVar("T")
S = TypeVar("S")


def options() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("--sample", type=int, default=SAMPLE, help="mistakes to make again")
    parser.add_argument("--full", action="store_true", help="every mistake in every way: days")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument(
        "--write", action="store_true", help="write the two tables to docs/benchmarks.md"
    )
    parser.add_argument("--distinguish", action="store_true", help="only what cannot be told apart")
    return parser.parse_args()


def all_of(work: Callable[[T], S], things: Sequence[T], jobs: int) -> list[S]:
    """Return the results of some work, in order."""
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(work, things))


def main() -> None:
    """Print every figure, and write the page's tables if requested."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    said = options()
    if said.distinguish:
        print(apart.report())
        return
    whole = all_of(programs.judge, programs.programs(), said.jobs)
    print("\n\n".join(told_of_programs(whole)), flush=True)
    chosen = cases.sample(None if said.full else said.sample, said.seed)
    made = all_of(score, [*cases.product(right=True), *chosen], said.jobs)
    print("\n\n".join(told_of_mistakes(made)))
    if said.write:
        write(page.PAGE, region(whole, made))


def told_of_programs(found: Sequence[Judged]) -> Iterator[str]:
    """Yield the tables of the programs."""
    yield "Programs as learners write them (tests/diagnosis/programs)"
    yield tables.of_programs(found)
    yield tables.table(tables.SUMMARY, [tables.summary_of_programs(found)], words=0)
    if others := tables.otherwise(found):
        yield f"Otherwise than expected:\n{others}"


def told_of_mistakes(found: Sequence[Score]) -> Iterator[str]:
    """Yield the tables of mistakes made again."""
    yield "\nMistakes made again with the checker's own equations"
    yield tables.by_entry(found)
    head = ("", *tables.HEAD)
    yield tables.table(head, tables.by_hand_in(found))
    yield tables.table(head, tables.by(found, lambda s: s.case.ground))
    yield tables.table(head, tables.by(found, lambda s: s.case.convention))
    if failed := tables.failures(found):
        yield f"Otherwise than expected:\n{failed}"


def region(whole: Sequence[Judged], made: Sequence[Score]) -> str:
    """Return the region of docs/benchmarks.md."""
    wrong = sum(s.truth == "wrong" for s in made)
    right = sum(s.truth in tables.RIGHT for s in made)
    head = (f"{len(whole)} programs", *tables.SUMMARY)
    first = tables.markdown(head, [("all", *tables.summary_of_programs(whole))])
    second = tables.markdown(("submitted as", *tables.HEAD), tables.by_hand_in(made))
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
    """Put a text between the marks of a file."""
    page.write(path, REGION, text)


if __name__ == "__main__":
    main()
