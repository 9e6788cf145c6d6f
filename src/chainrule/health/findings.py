# pyright: strict
"""What an examination finds, and the report of all of them, as plain values.

How it is found stands in the files of each examination, how it is drawn in terminal.py.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Finding:
    """One reason why a run does not learn.

    Parameters
    ----------
    id : str
        That of the examination, such as ``"saturated-units"``.
    layer : str or None
        Which layer, as keys call it, such as ``"1"``; None where it belongs to no single one.
    sentence : str
        The finding in words, with its number and what that is held against.
    number : float
        What was measured.
    threshold : float
        The limit that it passed.
    remedy : str
        What to do.
    """

    id: str
    layer: str | None
    sentence: str
    number: float
    threshold: float
    remedy: str

    def __str__(self) -> str:
        return f"{self.sentence}; {self.remedy}"


@dataclass(frozen=True)
class Health:
    """The report on a run: what was found, the most telling first.

    Parameters
    ----------
    findings : tuple of Finding
    samples, total : int
        How many samples were looked at, of how many.
    """

    findings: tuple[Finding, ...]
    samples: int
    total: int

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def headline(self) -> str:
        """The report in one sentence."""
        of = "" if self.samples == self.total else f" of {self.total:,}"
        looked = f"{self.samples:,}{of} sample{'s' * (self.total != 1)} looked at"
        if self.ok:
            return f"Nothing found that keeps this run from learning ({looked})."
        many = len(self.findings) > 1
        count = f"{len(self.findings)} reasons" if many else "1 reason"
        return f"{count} why this run may not learn ({looked}):"

    def to_dict(self) -> dict[str, Any]:
        """Return the report in plain values, ready for JSON."""
        findings = [
            {**vars(f), "number": plain(f.number), "threshold": plain(f.threshold)}
            for f in self.findings
        ]
        counts = {"samples": self.samples, "total": self.total}
        return {"schema": "chainrule.health/1", "ok": self.ok, "findings": findings, **counts}

    def print(self, console: "Console | None" = None) -> None:
        """Print the report to a terminal.

        Parameters
        ----------
        console : rich.console.Console, optional
            Standard output by default.
        """
        from chainrule.health.terminal import render

        render(self, console)

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"  {finding}" for finding in self.findings)])


def plain(value: float) -> float | str:
    """Return a number, or the word for what JSON has no number for."""
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
