"""What a page has, in order, the same in every format: headings, sentences, lines, tables.

It decides what is shown and what is left out; how it looks is each format's own business.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Literal, TypeAlias

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.explanation.digits import Digits
from chainrule.explanation.example import (
    ErratumFigure,
    ExampleStep,
    Line,
    Matrix,
    Quantity,
    Table,
    WorkedExample,
)
from chainrule.explanation.remarks import near
from chainrule.losses import LogisticCrossEntropy

HEADINGS = {
    "given": "Given",
    "forward": "Forward pass",
    "error": "Error",
    "backward": "Backward pass",
    "update": "Update",
}
ALIASES = ("o", "p", "da")  # other names for numbers that stand there already
SHORT = Digits(4)
AS_THEY_RUN = ("identity", "relu", "leaky-relu", "tanh")
CORNER = 6  # rows and columns of a wide matrix that are shown, from each end half
MOST_ROWS, MOST_COLUMNS = 12, 10

Mark: TypeAlias = Literal["", "right", "wrong", "unclear", "stopped"]
SIGNS: dict[Mark, str] = {"": "", "right": "✓", "wrong": "✗", "unclear": "≠", "stopped": "!"}


@dataclass(frozen=True)
class Heading:
    """The beginning of a part; `anchor` names it for links."""

    text: str
    depth: int
    anchor: str


@dataclass(frozen=True)
class Paragraph:
    """A sentence or two."""

    text: str


@dataclass(frozen=True)
class Picture:
    """The place of the network's picture, with the numbers of a step."""

    step: ExampleStep
    example: WorkedExample


@dataclass(frozen=True)
class Given:
    """The numbers of one given array."""

    quantities: tuple[Quantity, ...]


@dataclass(frozen=True)
class Worked:
    """A number with the lines that are shown of it, and a note on its numerical derivative."""

    quantity: Quantity
    lines: tuple[Line, ...]
    anchor: str


@dataclass(frozen=True)
class Grid:
    """An array whole, with its equation; of a wide one the corners."""

    matrix: Matrix
    rows: tuple[tuple[str | None, ...], ...]  # None where something is left out
    anchor: str
    first: int = 0  # the number of the first row and column


@dataclass(frozen=True)
class Listing:
    """A table, and its cells as they are printed."""

    table: Table
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Outcome:
    """The error before and after a step."""

    before: str
    after: str


@dataclass(frozen=True)
class Correction:
    """A published figure beside the right one, in ready texts."""

    place: str
    published: str | None
    right: str
    mistaken: str
    cause: str


@dataclass(frozen=True)
class Note:
    """A sentence or two under the words that say what they are about."""

    label: str
    text: str


@dataclass(frozen=True)
class Points:
    """Sentences that stand each by itself, with a mark before each."""

    texts: tuple[str, ...]
    mark: Mark = ""


@dataclass(frozen=True)
class Versus:
    """A wrong formula beside the right one, in ready texts."""

    wrong: str
    right: str


@dataclass(frozen=True)
class Working:
    """A number worked out in ready texts, with a mark and a word on whose it is."""

    name: str
    formula: str
    substituted: str  # empty where there is nothing to put in
    result: str
    mark: Mark
    label: str


Item: TypeAlias = (
    Heading
    | Paragraph
    | Picture
    | Given
    | Worked
    | Grid
    | Listing
    | Outcome
    | Correction
    | Note
    | Points
    | Versus
    | Working
)


def outline(example: WorkedExample) -> list[Item]:
    """Return the items of a page, in order."""
    return list(_items(example))


def _items(example: WorkedExample) -> Iterator[Item]:
    yield from (Paragraph(text) for text in introduction(example))
    yield Picture(example.steps[0], example)
    several = example.setup.steps > 1 or example.setup.done > 0
    for step in example.steps:
        if several:
            yield Heading(f"Step {step.number:,}", 2, f"step-{step.number}")
        yield from _step(step, example, f"step-{step.number}")
    if example.history:
        yield Heading("The error, step by step", 2, "history")
        rows = tuple((step, _plainly(loss, example)) for step, loss in example.history)
        yield listing(Table("", ("after steps", "error"), rows), example.cells)
    if example.errata and example.parameter is None:
        yield Heading("Errata", 2, "errata")
        yield Paragraph("In the names of the published text.")
        yield from (correction(figure) for figure in example.errata)


def introduction(example: WorkedExample) -> list[str]:
    """Return the sentences in front: source, notation, users' functions, textbook formulas."""
    texts = [example.source] if example.source else []
    texts.append(_described(example))
    if example.setup.done:
        texts.append(_before(example))
    if example.setup.batch.weight is not None:
        texts.append("The samples have weights, which are brought to the mean 1 first.")
    if example.notation.about and example.notation.name != "plain":
        texts.append(f"Notation: {example.notation.about}")
    texts += _textbook(example)
    layers = example.description["network"]["layers"]
    texts += dict.fromkeys(layer["source"] for layer in layers if layer.get("source"))
    if example.parameter:
        texts.append(
            f"The derivation of {example.parameter}. Sums begin with their largest terms; what the "
            "forward pass gave for other units is listed as given."
        )
    return texts


def _described(example: WorkedExample) -> str:
    """Return the network, the loss and the rule of the update in a sentence."""
    network, setup = example.setup.network, example.setup
    layers = [
        f"{layer.kind} {width}" if (f := getattr(layer, "f", None)) is None else f"{f.name} {width}"
        for layer, width in zip(network.layers, network.widths[1:], strict=True)
    ]
    rule = setup.rule or setup.search
    update = f"; update: {rule!r}" if rule else ""
    return f"{network.inputs} inputs, {', '.join(layers)}; loss: {network.loss.name}{update}."


def _before(example: WorkedExample) -> str:
    """Return the sentence on the updates that went before the first step."""
    left = "parameters and the optimizer's memory" if example.setup.slots else "parameters"
    return (
        f"Updates made before: {example.setup.done:,}. The {left} are what they left, and steps "
        "are counted on from there."
    )


def _textbook(example: WorkedExample) -> list[str]:
    """Return the sentence on formulas that are shown in place of the stable ones that ran."""
    functions = [getattr(layer, "f", None) for layer in example.setup.network.layers]
    if isinstance(example.setup.network.loss, LogisticCrossEntropy):  # its link and its terms
        functions += [ACTIVATIONS["logistic"], ACTIVATIONS["softplus"]]
    used = [f.name for f in functions if f is not None and f.formula]
    stable = [name for name in dict.fromkeys(used) if name not in AS_THEY_RUN]
    if not stable or example.level != "scalars":
        return []
    return [
        (
            f"Formulas of {', '.join(stable)} are the textbooks'. What ran is a form that does not "
            "overflow; where the two differ by more than rounding, the call stands by its name."
        )
    ]


def _step(step: ExampleStep, example: WorkedExample, prefix: str) -> Iterator[Item]:
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


def _plainly(loss: float, example: WorkedExample) -> str:
    return plain(loss, example.digits.significant)


def listing(table: Table, digits: Digits) -> Listing:
    """Return a table with its cells as they are printed."""
    return Listing(table, tuple(tuple(cell(v, digits) for v in row) for row in table.rows))


def _quantities(step: ExampleStep, example: WorkedExample, prefix: str) -> Iterator[Item]:
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


def _of_sample(sample: tuple[int, ...], example: WorkedExample, prefix: str) -> Heading:
    """Return the heading of one sample's numbers, or of those of all together."""
    if not sample:
        return Heading("All samples together", 4, f"{prefix}-all")
    number = sample[0] + example.notation.count_from
    return Heading(f"Sample {number}", 4, f"{prefix}-sample-{number}")


def repeats(q: Quantity) -> bool:
    """Tell whether a number only stands under another name, as the o, p and da of a layer do."""
    bare = all(line.substituted is None for line in q.lines) and bool(q.lines)
    return bare and (q.ref.quantity in ALIASES or q.ref.quantity.startswith(("dC_", "g_")))


def shown_lines(q: Quantity) -> tuple[Line, ...]:
    """Return a number's lines without those that say the same in the same names."""
    if q.ref.quantity == "delta" and any(line.kind == "chain" for line in q.lines):
        return tuple(line for line in q.lines if line.kind != "equation")
    seen: dict[str, Line] = {}
    for line in q.lines:
        seen.setdefault(line.formula, line)
    return tuple(seen.values())


def corners(matrix: Matrix, digits: Digits) -> tuple[tuple[str | None, ...], ...]:
    """Return a matrix as rows; where it is large, its corners with None between."""
    array = np.atleast_2d(matrix.array)
    rows = _ends(array.shape[0], MOST_ROWS)
    columns = _ends(array.shape[1], MOST_COLUMNS)
    return tuple(
        tuple(None if None in (i, k) else cell(float(array[i, k]), digits) for k in columns)
        for i in rows
    )


def _ends(size: int, most: int) -> list[int | None]:
    if size <= most:
        return list(range(size))
    half = CORNER // 2
    return [*range(half), None, *range(size - half, size)]


def correction(figure: ErratumFigure) -> Correction:
    """Return an erratum in ready texts."""
    mistaken = "" if figure.mistaken is None else plain(figure.mistaken)
    return Correction(figure.place, figure.published, plain(figure.right), mistaken, figure.cause)


def numerical_note(q: Quantity) -> tuple[str, bool] | None:
    """Return a numerical derivative as it is printed, and whether it bears the number out."""
    return None if q.numerical is None else (q.beside, near(q.value, q.numerical))


def plain(value: float, digits: int = 9) -> str:
    """Return significant digits without an exponent, as publications print them."""
    text = f"{value:.{digits}g}"
    return f"{Decimal(text):f}" if 1e-7 <= abs(value) < 1e12 or not value else text


def cell(value: str | float, digits: Digits = SHORT) -> str:
    """Return a cell of a table: few digits, whole numbers and words as they are."""
    return str(value) if isinstance(value, str | int) else digits.result(value)


def slug(text: str) -> str:
    """Return a text as a part of an anchor: ``"dW2[0,1]"`` -> ``"dW2-0-1"``."""
    letters = "".join(c if c.isalnum() or c == "_" else "-" for c in text)
    return "-".join(part for part in letters.split("-") if part)


def lines_of(items: Iterable[Item]) -> Iterator[tuple[Worked, Line]]:
    """Yield each line that a page shows, with the number that it belongs to."""
    for item in items:
        if isinstance(item, Worked):
            yield from ((item, line) for line in item.lines)
