"""The speed that the engine must reach, as data, and what it reached in this run.

A requirement without a measurement is reported as not measured.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.check.tables import table
from benchmarks.results import Row
from benchmarks.tables import name_of, number
from benchmarks.workloads import images, tiny
from benchmarks.workloads import table as tabular

Reach: TypeAlias = Callable[[Row], float | None]


@dataclass(frozen=True)
class Requirement:
    """One number that has to be reached.

    Parameters
    ----------
    section, name : str
        The row: its section, and the beginning of its name.
    criterion : str
        What is required, in words.
    reach : callable
        Returns the number of the row.
    least, aim : float or None
    at_most : bool
        Whether less is better.
    unit : str
    """

    section: str
    name: str
    criterion: str
    reach: Reach
    least: float | None
    aim: float | None = None
    at_most: bool = False
    unit: str = "×"

    def met(self, value: float, limit: float) -> bool:
        """Return whether a value is as good as a limit."""
        return value <= limit if self.at_most else value >= limit

    def verdict(self, value: float | None) -> str:
        """Return whether a value fulfills the requirement, in words."""
        if value is None:
            return "not measured"
        if self.least is not None and not self.met(value, self.least):
            part = value / self.least if self.at_most else self.least / value
            return f"NOT MET, by a factor of {part:.2f}"
        aimed = self.aim is not None and self.met(value, self.aim)
        if self.least is None:
            return "the aim is met" if aimed else "the aim is not met"
        return "met, the aim too" if aimed else "met"

    def limit_text(self, limit: float | None) -> str:
        """Return a limit in words."""
        return "" if limit is None else f"{'≤ ' * self.at_most}{number(limit)}{self.unit}"

    def cells(self, rows: Sequence[Row]) -> tuple[str, ...]:
        """Return the requirement's line of the table."""
        value = next(
            (
                v
                for row in rows
                if row.section == self.section
                and row.name.startswith(self.name)
                and (v := self.reach(row)) is not None
            ),
            None,
        )
        return (
            f"{self.name} ({self.section})",
            self.criterion,
            self.limit_text(self.least),
            self.limit_text(self.aim),
            "" if value is None else f"{number(value)}{self.unit}",
            self.verdict(value),
        )


# ---- what is reached -----------------------------------------------------------------------------


def against(peer: str) -> Reach:
    """Return the ratio of a peer's time to ours."""
    return lambda row: row.ratio(peer)


def against_all(row: Row) -> float | None:
    """Return the ratio of the fastest peer's time to ours."""
    peer = row.fastest_peer()
    return row.ratio(peer) if peer else None


def of_gemm(row: Row) -> float | None:
    """Return the share of the machine's rate of matrix products, in per cent."""
    share = row.share()
    return 100 * share if share else None


def ours_in(scale: float) -> Reach:
    """Return our own time in a unit."""

    def median(row: Row) -> float | None:
        found = row.median("ours")
        return None if found is None else scale * found

    return median


def fact(name: str) -> Reach:
    """Return a fact of the row."""
    return lambda row: row.facts.get(name)


def part_of_allowed(row: Row) -> float | None:
    """Return the memory growth as a part of what is allowed."""
    grown = row.median("ours")
    return None if grown is None else grown / row.facts["allowed"]


# ---- the requirements ----------------------------------------------------------------------------


def all_requirements() -> Iterator[Requirement]:
    """Yield all requirements."""
    for problem in ("half-adder", "xor"):
        yield from of_tiny(problem)
    small, large = images(128, batch=32, rule="sgd").name, images(128, batch=128, rule="adam").name
    yield from ratios(small, {"torch": (3.5, 5), "sklearn": (3, 5), "jax": (1.9, 3)})
    yield from ratios(large, {"torch": (2, 3), "sklearn": (2, 3), "jax": (1.5, 3)})
    yield from of_wide()
    for activation in ("logistic", "tanh", "relu"):
        name = tabular(activation).name
        yield from ratios(name, {"torch": (5, 10), "sklearn": (3, 10), "jax": (1, 10)})
    yield from of_prediction()
    for peer in ("torch", "sklearn"):
        yield Requirement("mnist", "MNIST", words(peer), against(peer), 2.5, 4)
    yield Requirement(
        "first process", "784-128-10", "in all", ours_in(1), 10, at_most=True, unit=" s"
    )
    yield Requirement(
        "second process",
        "784-128-10",
        "beyond the imports",
        fact("beyond"),
        0.2,
        at_most=True,
        unit=" s",
    )
    for name in ("784-128-10", "784-2048-2048-10"):
        yield Requirement(
            "memory growth", name, "of what is allowed", part_of_allowed, 1, at_most=True
        )


def words(peer: str) -> str:
    """Return the criterion against a peer, in words."""
    return f"as fast as {name_of(peer)}"


def ratios(name: str, peers: dict[str, tuple[float, float]]) -> Iterator[Requirement]:
    """Yield the requirements against each peer: the least ratio, and the aim."""
    for peer, (least, aim) in peers.items():
        yield Requirement("an epoch", name, words(peer), against(peer), least, aim)


def of_tiny(problem: str) -> Iterator[Requirement]:
    """Yield the requirements of a tiny problem."""
    name, again = tiny(problem).name, "tiny, second call"
    yield Requirement("tiny, new process", name, "as the fastest peer", against_all, 1)
    yield Requirement(
        "tiny, new process", name, "in all", ours_in(1), None, 0.5, at_most=True, unit=" s"
    )
    yield Requirement(again, name, words("tutorial"), against("tutorial"), 1000)
    yield Requirement(again, name, words("jax"), against("jax"), 1 / 1.5, 1)


def of_wide() -> Iterator[Requirement]:
    """Yield the requirements of the wide networks."""
    for rule, least in (("sgd", 75), ("adam", 65)):
        name = images(512, 512, batch=128, rule=rule).name
        yield Requirement("an epoch", name, "of the GEMM rate", of_gemm, least, 85, unit=" %")
        yield Requirement("an epoch", name, "as the fastest peer", against_all, 1)
    name = images(2048, 2048, batch=256, rule="sgd").name
    yield Requirement("an epoch", name, "of the GEMM rate", of_gemm, 85, 92, unit=" %")


def of_prediction() -> Iterator[Requirement]:
    """Yield the requirements of predicting one row."""
    for name, least, aim in (("16-64-64-1, 1 row", 4, 3), ("784-128-10, 1 row", 2, 8)):
        yield Requirement("predict", name, words("torch"), against("torch"), least)
        yield Requirement(
            "predict", name, "in all", ours_in(1e6), None, aim, at_most=True, unit=" µs"
        )


def report(rows: Iterable[Row], *, everything: bool = True) -> str:
    """Return the requirements and what was reached: all, or only those of these rows."""
    found = list(rows)
    head = ("workload", "criterion", "at least", "aim", "reached", "")
    lines = [requirement.cells(found) for requirement in all_requirements()]
    return table(head, [line for line in lines if everything or line[4]], words=2)
