# pyright: strict
"""The page of a report: findings under their titles, with the remedy and why it matters.

Formats are explain's business; nothing is judged here.
"""

from collections.abc import Iterator
from itertools import groupby

from chainrule.explanation import Heading, Item, Mark, Note, Page, Paragraph, Points
from chainrule.health.examinations import EXAMINATIONS
from chainrule.health.findings import Finding, Health

ABOUT = "What was measured, and what that is held against, stand in each finding."


def page(health: Health) -> Page:
    """Return the page of a report, entitled with its headline."""
    mark: Mark = "right" if health.ok else "wrong"
    return Page(health.headline, tuple(items(health)), mark, "" if health.ok else ABOUT)


def items(health: Health) -> Iterator[Item]:
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
