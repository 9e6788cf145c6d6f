"""The page of a worked example: its items in order, the same in every format."""

import re
from collections.abc import Iterator
from itertools import groupby

from chainrule.explanation.diagram import draw_network
from chainrule.explanation.introduction import introduction
from chainrule.explanation.record import ErratumFigure, ExampleRecord, ExampleStep
from chainrule.pages import (
    Correction,
    Given,
    Grid,
    Heading,
    Item,
    Line,
    Outcome,
    Page,
    Paragraph,
    Quantity,
    Table,
    Worked,
    corners,
    listing,
    plain_number,
    slug,
)

ABOUT = (
    "Results are rounded to the printed digits, halves away from zero; the substituted numbers "
    "have as many more digits as it takes to recompute the result. A copied line is plain text "
    "that a calculator or Python can evaluate."
)
HEADINGS = {
    "given": "Given",
    "forward": "Forward pass",
    "error": "Error",
    "backward": "Backward pass",
    "update": "Update",
}
WITHOUT_DROPOUT = (
    "Here dropout is switched off, so that the errors can be compared. A step above has the error "
    "of its own dropout mask, before and after its update."
)
ALIASES = ("o", "p", "da")  # other names for numbers that are listed already


def example_page(example: ExampleRecord) -> Page:
    """Return the page of a worked example."""
    items = list(_items(example))
    texts = (Paragraph(text) for text in introduction(example, items))
    keys = not example.notation.patterns
    return Page(example.title, (*texts, *items), about=ABOUT, keys=keys)


def _items(example: ExampleRecord) -> Iterator[Item]:
    yield draw_network(example, example.steps[0])
    several = example.setup.steps > 1 or example.setup.done > 0
    for step in example.steps:
        if several:
            yield Heading(f"Step {step.number:,}", 2, f"step-{step.number}")
        yield from _step(step, example, f"step-{step.number}")
    if example.history:
        yield Heading("The error, step by step", 2, "history")
        if example.setup.network.has_dropout:
            yield Paragraph(WITHOUT_DROPOUT)
        rows = tuple((step, _plainly(loss, example)) for step, loss in example.history)
        yield listing(Table("", ("after steps", "error"), rows), example.cells)
    if example.errata and example.parameter is None:
        yield Heading("Errata", 2, "errata")
        yield Paragraph("In the names of the published text.")
        yield from (correction(figure) for figure in example.errata)


def _step(step: ExampleStep, example: ExampleRecord, prefix: str) -> Iterator[Item]:
    yield from _quantities(step, example, prefix)
    for section, group in groupby(step.matrices, lambda m: m.section):
        yield Heading(HEADINGS[section], 3, f"{prefix}-{section}")
        for m in group:
            rows = corners(m, example.cells)
            yield Grid(m, rows, f"{prefix}-{slug(m.key)}", example.notation.count_from)
    for table in step.tables:
        yield Heading(table.title, 3, f"{prefix}-{slug(table.title)}")
        yield listing(table, example.cells)
    if step.loss_after is not None:
        yield Heading("After the update", 3, f"{prefix}-after")
        yield Outcome(_plainly(step.loss_before, example), _plainly(step.loss_after, example))


def _plainly(loss: float, example: ExampleRecord) -> str:
    return plain_number(loss, example.digits.significant)


def _quantities(step: ExampleStep, example: ExampleRecord, prefix: str) -> Iterator[Item]:
    if not step.quantities:
        return
    yield Heading(HEADINGS["given"], 3, f"{prefix}-given")
    given = [q for q in step.quantities if q.section == "given"]
    memory = [q for q in given if re.fullmatch(r"\w+_[Wb]", q.ref.quantity)]
    empty = memory if not any(q.value for q in memory) else []
    shown = [q for q in given if q not in empty]
    for _, group in groupby(shown, lambda q: q.ref[:2] if q.ref.layer or q.ref.index else ""):
        yield Given(tuple(group))
    if words := sorted({q.ref.quantity.partition("_")[0] for q in empty}):
        yield Paragraph(f"The optimizer's memory, {' and '.join(words)}, is 0 for every parameter.")
    shown = [q for q in step.quantities if q.section != "given" and not repeats(q)]
    for section, quantities in groupby(shown, lambda q: q.section):
        yield Heading(HEADINGS[section], 3, f"{prefix}-{section}")
        for sample, several in groupby(quantities, lambda q: q.ref.index[: int(q.ref.sampled)]):
            if example.places.samples > 1 and section != "update":
                yield _of_sample(sample, example, f"{prefix}-{section}")
            yield from (Worked(q, shown_lines(q), f"{prefix}-{slug(q.key)}") for q in several)


def _of_sample(sample: tuple[int, ...], example: ExampleRecord, prefix: str) -> Heading:
    """Return the heading of one sample's numbers, or of those of all samples together."""
    if not sample:
        return Heading("All samples together", 4, f"{prefix}-all")
    number = sample[0] + example.notation.count_from
    return Heading(f"Sample {number}", 4, f"{prefix}-sample-{number}")


def repeats(q: Quantity) -> bool:
    """Return whether a number only repeats another one, such as o, p and da of a layer."""
    bare = all(line.substituted is None for line in q.lines) and bool(q.lines)
    return bare and (q.ref.quantity in ALIASES or q.ref.quantity.startswith(("dC_", "g_")))


def shown_lines(q: Quantity) -> tuple[Line, ...]:
    """Return a number's lines without those that repeat a formula."""
    if q.ref.quantity == "delta" and any(line.kind == "chain" for line in q.lines):
        return tuple(line for line in q.lines if line.kind != "equation")
    seen: dict[str, Line] = {}
    for line in q.lines:
        seen.setdefault(line.formula, line)
    return tuple(seen.values())


def correction(figure: ErratumFigure) -> Correction:
    """Return an erratum in ready texts."""
    mistaken = "" if figure.mistaken is None else plain_number(figure.mistaken)
    return Correction(
        figure.place, figure.published, plain_number(figure.right), mistaken, figure.cause
    )
