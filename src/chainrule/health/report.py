# pyright: strict
"""The health report of a run: its findings, with remedies, as a document."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from chainrule.health.examinations import EXAMINATIONS
from chainrule.health.findings import SOLVED, Finding
from chainrule.health.words import counted, percent
from chainrule.pages import (
    Document,
    Heading,
    Item,
    Mark,
    Note,
    Page,
    Paragraph,
    Points,
    json_number,
)

ABOUT = "What was measured, and what that is held against, stand in each finding."


@dataclass(frozen=True, repr=False)
class Health(Document):
    """The report on a run: what was found, causes before the signs of them.

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

    def page(self) -> Page:
        """Return the content, which is the same in every format."""
        mark: Mark = "right" if self.ok else "wrong"
        return Page(self.headline, tuple(_items(self)), mark, "" if self.ok else ABOUT)

    def to_dict(self) -> dict[str, Any]:
        """Return the report in plain values, ready for JSON."""
        findings = [
            {**vars(f), "number": json_number(f.number), "threshold": json_number(f.threshold)}
            for f in self.findings
        ]
        counts = {"samples": self.samples, "total": self.total, "updates": self.updates}
        left = None if self.left is None else json_number(self.left)
        head = {"schema": "chainrule.health/1", "ok": self.ok}
        return {**head, "findings": findings, **counts, "left": left}

    def __repr__(self) -> str:
        found = ", ".join(dict.fromkeys(finding.id for finding in self.findings))
        return f"<Health: {found or 'nothing found'}; print() shows the report>"


def _items(health: Health) -> Iterator[Item]:
    """Yield how far the run has come, each reason, and the signs of it; or each sign."""
    if health.progress:
        yield Paragraph(health.progress)
    causes = [finding for finding in health.findings if not finding.sign]
    for place, (name, found) in enumerate(groupby(causes or health.findings, lambda f: f.id), 1):
        yield Heading(f"{place}. {capital(EXAMINATIONS[name].title)}", 2, f"finding-{place}")
        yield from notes(name, list(found))
    signs = tuple(said(finding.sentence) for finding in health.findings if finding.sign)
    if causes and signs:
        yield Heading("Signs of it", 2, "signs")
        yield Points(signs)


def notes(name: str, findings: list[Finding]) -> Iterator[Note]:
    """Yield what an examination found, in each layer; what to do, and why it matters."""
    yield from (Note("Found", said(finding.sentence)) for finding in findings)
    remedies = dict.fromkeys(finding.remedy for finding in findings)
    yield from (Note("Remedy", said(remedy)) for remedy in remedies)
    yield Note("Why", said(EXAMINATIONS[name].why))


def said(text: str) -> str:
    """Return a text as a sentence."""
    return f"{capital(text)}."


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
