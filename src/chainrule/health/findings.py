# pyright: strict
"""What an examination finds, and the report of all of them, as plain values.

How it is found stands in the files of each examination, how it is shown in page.py.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.health.words import counted, percent

if TYPE_CHECKING:
    from rich.console import Console

# A run that has left behind nine tenths of the best constant's error has learned: whatever its
# units look like (the saturated ones of a solved XOR, say), there is nothing to repair.
SOLVED = 0.1


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
    sign : bool
        Whether it is a sign that the run does not learn, and no reason for it.
    """

    id: str
    layer: str | None
    sentence: str
    number: float
    threshold: float
    remedy: str
    sign: bool = False

    def __str__(self) -> str:
        return f"{self.sentence}; {self.remedy}"


@dataclass(frozen=True, repr=False)
class Health:
    """The report on a run: what was found, causes before the signs of them.

    It prints as text, and shows itself in a notebook.

    Parameters
    ----------
    findings : tuple of Finding
    samples, total : int
        How many samples were looked at, of how many.
    updates : int
        How many the run has had; 0 where there are no records.
    left : float or None
        The share that is left of the error of the best constant prediction; None where the loss is
        one's own, all targets are alike, or numbers are not finite.
    """

    findings: tuple[Finding, ...]
    samples: int
    total: int
    updates: int = 0
    left: float | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def headline(self) -> str:
        """The report in one sentence."""
        of = "" if self.samples == self.total else f" of {self.total:,}"
        looked = f"{self.samples:,}{of} sample{'s' * (self.total != 1)} looked at"
        causes = len({finding.id for finding in self.findings if not finding.sign})
        if self.ok:
            return f"Nothing found that keeps this run from learning ({looked})."
        if not causes:
            signs = len({finding.id for finding in self.findings})
            return f"{counted(signs, 'sign')} that this run may not learn ({looked})."
        return f"{counted(causes, 'reason')} why this run may not learn ({looked})."

    @property
    def progress(self) -> str:
        """How far the run has come, in a sentence; empty where that is not known."""
        if not self.updates or self.left is None:
            return ""
        far = f"{percent(self.left)} of the error of the best constant prediction is left"
        learned = f"; at {percent(SOLVED)} or less, a run has learned and is not blamed"
        return f"After {counted(self.updates, 'update')}, {far}{learned * (self.left <= SOLVED)}."

    def to_dict(self) -> dict[str, Any]:
        """Return the report in plain values, ready for JSON."""
        findings = [
            {**vars(f), "number": plain(f.number), "threshold": plain(f.threshold)}
            for f in self.findings
        ]
        counts = {"samples": self.samples, "total": self.total, "updates": self.updates}
        left = None if self.left is None else plain(self.left)
        head = {"schema": "chainrule.health/1", "ok": self.ok}
        return {**head, "findings": findings, **counts, "left": left}

    # ---- renderers: each is loaded when it is used ----------------------------------------------

    def to_text(self, width: int = 80, *, color: bool = False) -> str:
        """Return the report as text, folded to a width; with `color`, as terminals show it."""
        from chainrule.health.page import page

        return page(self).to_text(width, color=color)

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        from chainrule.health.page import page

        return page(self).to_markdown()

    def to_html(self) -> str:
        """Return the report as one HTML page that asks nothing of anywhere."""
        from chainrule.health.page import page

        return page(self).to_html()

    def print(self, console: "Console | None" = None) -> None:
        """Print the report to a terminal.

        Parameters
        ----------
        console : rich.console.Console, optional
            Standard output by default.
        """
        from chainrule.health.page import page

        page(self).print(console)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        found = ", ".join(dict.fromkeys(finding.id for finding in self.findings))
        return f"<Health: {found or 'nothing found'}; print() shows the report>"

    def _repr_html_(self) -> str:
        from chainrule.health.page import page

        return page(self).to_fragment()


def plain(value: float) -> float | str:
    """Return a number, or the word for what JSON has no number for."""
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
