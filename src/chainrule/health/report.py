# pyright: strict
"""The health report of a run, as a document: its findings, their remedies, and why they matter."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from chainrule.health.examinations import EXAMINATIONS
from chainrule.health.findings import SOLVED, Finding
from chainrule.health.formatting import format_percent, pluralize
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

ABOUT = "Each finding shows the number that was measured and its limit."


@dataclass(frozen=True, repr=False)
class Health(Document):
    """The health report of a run: its findings, causes before signs.

    Parameters
    ----------
    findings : tuple of Finding
    samples, total : int
        The number of samples that were examined, and of all.
    updates : int
        The number of updates of the run; 0 if there are no records.
    left : float or None
        The share of the error of the best constant prediction that is left; None if the loss is
        user-defined, all targets are equal, or numbers are not finite.
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
        examined = f"{self.samples:,}{of} sample{'s' * (self.total != 1)} examined"
        causes = len({finding.id for finding in self.findings if not finding.sign})
        if self.ok:
            return f"Nothing found that keeps this run from learning ({examined})."
        if not causes:
            signs = len({finding.id for finding in self.findings})
            return f"{pluralize(signs, 'sign')} that this run may not learn ({examined})."
        return f"{pluralize(causes, 'reason')} why this run may not learn ({examined})."

    @property
    def progress(self) -> str:
        """How much the run has learned, in a sentence; empty if that is unknown."""
        if not self.updates or self.left is None:
            return ""
        left = f"{format_percent(self.left)} of the error of the best constant prediction is left"
        learned = f"; a run with at most {format_percent(SOLVED)} left has learned"
        return (
            f"After {pluralize(self.updates, 'update')}, {left}{learned * (self.left <= SOLVED)}."
        )

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
    """Yield the progress, a section for each reason, and the signs."""
    if health.progress:
        yield Paragraph(health.progress)
    causes = [finding for finding in health.findings if not finding.sign]
    for place, (name, found) in enumerate(groupby(causes or health.findings, lambda f: f.id), 1):
        yield Heading(f"{place}. {capitalize(EXAMINATIONS[name].title)}", 2, f"finding-{place}")
        yield from notes(name, list(found))
    signs = tuple(as_sentence(finding.sentence) for finding in health.findings if finding.sign)
    if causes and signs:
        yield Heading("Signs of it", 2, "signs")
        yield Points(signs)


def notes(name: str, findings: list[Finding]) -> Iterator[Note]:
    """Yield the findings of an examination, their remedies, and why they matter."""
    yield from (Note("Found", as_sentence(finding.sentence)) for finding in findings)
    remedies = dict.fromkeys(finding.remedy for finding in findings)
    yield from (Note("Remedy", as_sentence(remedy)) for remedy in remedies)
    yield Note("Why", as_sentence(EXAMINATIONS[name].why))


def as_sentence(text: str) -> str:
    """Return a text with a capital letter and a period."""
    return f"{capitalize(text)}."


def capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
