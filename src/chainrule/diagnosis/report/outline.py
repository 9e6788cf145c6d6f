"""The page of a diagnosis: verdict, place, numbers, each mistake, and what was found right."""

import math
from collections.abc import Iterator, Sequence

from chainrule.diagnosis.findings import (
    Arithmetic,
    CheckResult,
    Comparison,
    Finding,
    SourceFault,
    SourceLine,
    Verdict,
)
from chainrule.diagnosis.report.hints import FAULTY, MISTAKE, REPAIR, redacted
from chainrule.diagnosis.report.words import (
    FALLS,
    alternative,
    capital,
    distinguishing_sentence,
    entry,
    place_words,
    sentence,
    took,
)
from chainrule.pages import (
    Excerpt,
    Heading,
    Item,
    Listing,
    Mark,
    Note,
    Page,
    Paragraph,
    Points,
    Table,
    Versus,
    Working,
)

MARKS: dict[Verdict, Mark] = {
    "right": "right",
    "wrong": "wrong",
    "unknown": "unclear",
    "could-not-run": "stopped",
}
DIGITS = 9  # of compared numbers; all 17 if they would look equal
RATIO_DIGITS = 6
NEXT = {
    1: "where",
    2: "which mistake",
    3: "the formulas and the repair",
}  # what the next hint shows
PRINTED = 1e-7  # a worked result is rounded to this many digits or to more
OTHER_NUMBERS = (
    "A small example that shows the mistake, worked out both ways; its numbers are not those of "
    "the table."
)
ABOUT = "The right numbers come from the equations that chainrule runs and explains."


def diagnosis_page(diagnosis: CheckResult) -> Page:
    """Return the page of a diagnosis, with as much as its hint tells.

    Parameters
    ----------
    diagnosis : CheckResult

    Returns
    -------
    Page
        Entitled with the verdict.
    """
    shown = redacted(diagnosis)
    about = "" if shown.verdict == "could-not-run" else ABOUT
    return Page(shown.sentence, tuple(_items(shown)), MARKS[shown.verdict], about)


def _items(diagnosis: CheckResult) -> Iterator[Item]:
    yield from _place(diagnosis)
    yield from _numbers(diagnosis)
    for number, finding in enumerate(diagnosis.mistakes, 1):
        yield from _mistake(finding, number, diagnosis.comparisons)
    if diagnosis.convention:
        yield Heading("Your conventions", 2, "convention")
        yield from (Note(capital(k), v) for k, v in diagnosis.convention.items())
    if diagnosis.tested:
        yield Heading("Tested and found right", 2, "tested")
        yield Points(diagnosis.tested, "right")
    if diagnosis.remarks:
        yield Heading("Remarks", 2, "remarks")
        yield Points(diagnosis.remarks)
    yield from _looked_at(diagnosis)


def _place(diagnosis: CheckResult) -> Iterator[Item]:
    """Yield what was checked, where the first error is, and how it differs."""
    if diagnosis.source:
        yield Paragraph(diagnosis.source)
    if diagnosis.verdict in FAULTY and diagnosis.hint < REPAIR:
        more = f"hint {diagnosis.hint + 1} also shows {NEXT[diagnosis.hint]}"
        yield Paragraph(f"Hint {diagnosis.hint} of {REPAIR}; {more}.")
    if diagnosis.first_wrong:
        first = f"The first wrong quantity is {place_words(diagnosis.first_wrong)}."
        yield Note("Where", first)
    if diagnosis.difference:
        yield Note("How it differs", sentence(diagnosis.difference))
    for fault in diagnosis.faults:
        yield from _fault(fault)
    if diagnosis.added:
        yield Heading("These lines were added to run it", 2, "added")
        yield Excerpt(tuple(("", line, "") for line in diagnosis.added.split("\n")))


def _fault(fault: SourceFault) -> Iterator[Item]:
    """Yield a place in the source, with its lines, and what is computed there."""
    yield Heading(capital(fault.where), 2, f"line-{fault.line}")
    if fault.lines:
        yield Excerpt(tuple(map(_line, fault.lines)))
    if fault.right or fault.theirs:
        yield Note(fault.name, f"yours: {fault.theirs}" if fault.right else sentence(fault.theirs))
    if fault.right:
        what = f", {fault.meaning}" if fault.meaning else ""
        yield Note("It should be", sentence(f"{fault.right}{what}"))
    if fault.new_weights:
        yield Note("Why", f"It is computed with {fault.new_weights} after their update.")


def _line(line: SourceLine) -> tuple[str, str, Mark]:
    """Return a line of a program as an excerpt shows it."""
    return f"{line.number:>4}", line.text, "wrong" if line.faulty else ""


def _numbers(diagnosis: CheckResult) -> Iterator[Item]:
    """Yield the table of the attempt's numbers, the right ones, and their ratios."""
    compared = diagnosis.comparisons
    if not compared:
        return
    header, values = ["number", "yours", "right"], [[c.key, c.theirs, c.right] for c in compared]
    cells = [[c.key, *_written(c.theirs, c.right)] for c in compared]
    ratios = [_ratio(c) for c in compared]
    if any(ratios) and diagnosis.hint >= MISTAKE:  # a ratio of 2 everywhere reveals the mistake
        header.append("yours / right")
        for row, value, ratio in zip(cells, values, ratios, strict=True):
            row.append(ratio)
            value.append(float(ratio) if ratio else "")
    table = Table("Your numbers and the right ones", tuple(header), tuple(map(tuple, values)))
    yield Listing(table, tuple(map(tuple, cells)))


def _written(*values: float) -> list[str]:
    """Return numbers with a few digits, or with all digits if they would look equal."""
    short = [f"{value:.{DIGITS}g}" for value in values]
    return short if len(set(short)) == len(set(values)) else [f"{value:.17g}" for value in values]


def _ratio(compared: Comparison) -> str:
    """Return a ratio as printed, or an empty text if it is undefined or overflows."""
    if not compared.right:
        return ""
    ratio = compared.theirs / compared.right
    return f"{ratio:.{RATIO_DIGITS}g}" if math.isfinite(ratio) else ""


# ---- a mistake ----------------------------------------------------------------------------------


def _mistake(finding: Finding, number: int, compared: Sequence[Comparison]) -> Iterator[Item]:
    mistake = finding.mistake
    yield Heading(capital(mistake.title), 2, f"mistake-{number}")
    if numbered := entry(finding):
        yield Note("Mistake", numbered)
    if mistake.wrong or mistake.right:
        yield Versus(mistake.wrong, mistake.right)
    yield from _arithmetic(finding, compared)
    yield Note("Why it happens", sentence(mistake.why))
    if mistake.repair:
        yield Note("Repair", sentence(mistake.repair))
    if finding.falls is not None:
        yield Note("Training", FALLS[finding.falls])
    yield from _alternatives(finding.alternatives, finding.distinguishing_input)


def _arithmetic(finding: Finding, compared: Sequence[Comparison]) -> Iterator[Item]:
    """Yield the attempt's arithmetic and the right one.

    They are those of the smallest example that shows the mistake, whose numbers usually are not
    those of the table: two numbers of one name on a page need a word about it.
    """
    own = _is_compared(finding.wrong, compared)
    if compared and not own and (finding.wrong or finding.right):
        yield Note("Example", OTHER_NUMBERS)
    if finding.wrong:
        yield _working(finding.wrong, "wrong", "yours" if own else "with the mistake")
    if finding.right:
        yield _working(finding.right, "right", "repaired")


def _is_compared(done: Arithmetic | None, compared: Sequence[Comparison]) -> bool:
    """Return whether the result of an example is a number of the table, as far as it is printed."""
    return done is not None and any(
        one.key == done.key and math.isclose(one.theirs, float(done.result), rel_tol=PRINTED)
        for one in compared
    )


def _working(done: Arithmetic, mark: Mark, label: str) -> Working:
    return Working(done.key, done.formula, done.substituted, done.result, mark, label)


def _alternatives(findings: Sequence[Finding], further: str) -> Iterator[Item]:
    if not findings:
        return
    for place, finding in enumerate(findings):
        yield Note("Or as well" if place else "Fits equally well", alternative(finding))
    if further:
        yield Note("To distinguish them", distinguishing_sentence(further))


def _looked_at(diagnosis: CheckResult) -> Iterator[Item]:
    texts = [text for text in (sentence(diagnosis.network), took(diagnosis.seconds)) if text]
    if texts:
        yield Heading("What was checked", 2, "network")
        yield Paragraph(" ".join(texts))
