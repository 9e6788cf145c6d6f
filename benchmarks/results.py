"""The results as data: a row for each workload, with a figure for each peer."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.timing import Spread


@dataclass(frozen=True)
class Figure:
    """What a peer did: its time in seconds, or why there is none.

    Parameters
    ----------
    peer : str
    time : Spread or None
    variant : str
        Which of its ways was the best.
    void : str
        Why there is no time.
    note : str
    """

    peer: str
    time: Spread | None
    variant: str = ""
    void: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A workload and the figures of all peers.

    Parameters
    ----------
    section, name : str
    figures : list of Figure
        Ours first.
    unit : str
        In which times are shown: s, ms, µs.
    flops : float
        Operations of the timed work, if the rate of matrix products is reported.
    gemm : Spread or None
        The machine's rate in the same turns.
    facts : dict
        What else was found, by name.
    """

    section: str
    name: str
    figures: list[Figure]
    unit: str = "ms"
    flops: float = 0.0
    gemm: Spread | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def figure(self, peer: str) -> Figure | None:
        """Return a peer's figure."""
        return next((f for f in self.figures if f.peer == peer), None)

    def median(self, peer: str) -> float | None:
        """Return a peer's median, if it has one."""
        found = self.figure(peer)
        return found.time.median if found and found.time else None

    def ratio(self, peer: str) -> float | None:
        """Return a peer's time as a multiple of chainrule's: below 1 it is faster."""
        ours, theirs = self.median("ours"), self.median(peer)
        return theirs / ours if ours and theirs else None

    def share(self, peer: str = "ours") -> float | None:
        """Return which part of the machine's rate of matrix products a peer reaches."""
        median = self.median(peer)
        return self.flops / median / self.gemm.median if median and self.gemm else None

    def fastest_peer(self) -> str | None:
        """Return the name of the fastest of the others."""
        others = {f.peer: f.time.median for f in self.figures if f.time and f.peer not in OURS}
        return min(others, key=others.__getitem__) if others else None


OURS = ("ours", "reference")


def as_dict(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return rows as plain values, for a file."""
    return [
        {
            **asdict(row),
            "figures": [
                {**asdict(f), "time": f.time and f.time._asdict(), "ratio": row.ratio(f.peer)}
                for f in row.figures
            ],
            "gemm": row.gemm and row.gemm._asdict(),
            "share": row.share(),
        }
        for row in rows
    ]
