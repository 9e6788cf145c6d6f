"""The worked example in a terminal: headings, and lines that fold to the width.

It reads the document and nothing else; numbers are printed as the document has them.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from chainrule.explanation.example import ErratumFigure, ExampleStep, Quantity, WorkedExample

HEADINGS = {
    "forward": "Forward pass",
    "error": "Error",
    "backward": "Backward pass",
    "update": "Update",
}
GOOD = 1e-9  # relative: a numerical derivative this near is printed with a tick
ALIASES = ("o", "p", "da")  # other names for numbers that stand there already


def render(example: WorkedExample, console: Console, *, compact: bool = False) -> None:
    """Print a worked example.

    Parameters
    ----------
    example : WorkedExample
    console : rich.console.Console
    compact : bool
        One line for each number instead of three.
    """
    console.print(Text(example.title, style="bold"))
    if example.source:
        console.print(Text(example.source, style="dim"))
    sources = (layer.get("source") for layer in example.description["network"]["layers"])
    for source in dict.fromkeys(s for s in sources if s):
        console.print(Padding(Text(source), (1, 0, 0, 2)))
    for step in example.steps:
        _step(step, console, compact=compact, last=example.steps[-1].number)
    if example.errata:
        _heading(console, "Errata")
        for figure in example.errata:
            console.print(Padding(_erratum(figure), (0, 0, 0, 2)))
    console.print()


def _step(step: ExampleStep, console: Console, *, compact: bool, last: int) -> None:
    if last > 1:
        console.print()
        console.print(Text(f"Step {step.number:,}", style="bold reverse"))
    _heading(console, "Given")
    for line in _given(step.quantities):
        console.print(Padding(line, (0, 0, 0, 2)))
    shown = [q for q in step.quantities if q.section != "given" and not _repeats(q)]
    for section, quantities in groupby(shown, lambda q: q.section):
        _heading(console, HEADINGS[section])
        console.print(Padding(_lines(quantities, compact=compact), (0, 0, 0, 2)))
    if step.loss_after is not None:
        _heading(console, "After the update")
        console.print(Padding(_after(step), (0, 0, 0, 2)))


def _repeats(q: Quantity) -> bool:
    """Tell whether a number only stands under another name, as the o, p and da of a layer do."""
    bare = q.formula is not None and q.substituted is None
    return bare and (q.ref.quantity in ALIASES or q.ref.quantity.startswith(("dC_", "g_")))


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Rule(Text(text, style="bold cyan"), align="left", style="cyan", characters="─"))


def _given(quantities: Iterable[Quantity]) -> Iterator[Text]:
    """Yield a line for each array that is given: inputs, targets, weights, biases."""
    given = [q for q in quantities if q.section == "given"]
    for _, group in groupby(given, lambda q: (q.ref.quantity, q.ref.layer)):
        yield Text("   ").join(Text(f"{q.name} = {q.shown}") for q in group)


# ---- lines of numbers ---------------------------------------------------------------------------


def _lines(quantities: Iterable[Quantity], *, compact: bool) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True, style="bold")
    table.add_column()
    table.add_column(overflow="fold", ratio=1)
    for q in quantities:
        parts = _parts(q, compact=compact)
        for first, part in zip([q.name, *[""] * len(parts)], parts, strict=False):
            table.add_row(Text(first), "=", part)
        if not compact:
            table.add_row("", "", "")
    return table


def _parts(q: Quantity, *, compact: bool) -> list[Text]:
    """Return the right-hand sides of a number's lines: formula, numbers put in, result."""
    result = Text(q.shown, style="green") + _numerical(q)
    formula, numbers = Text(pretty(q.formula or "")), Text(pretty(q.substituted or ""))
    if q.substituted is not None and not q.exact:
        numbers.append("   (full precision carried)", style="dim")
    if compact:
        line = numbers if q.substituted is not None else formula
        return [line + Text(" = ") + result if line.plain else result]
    return [part for part in (formula, numbers, result) if part.plain]


def _numerical(q: Quantity) -> Text:
    if q.numerical is None:
        return Text()
    near = abs(q.numerical - q.value) <= GOOD * max(abs(q.value), abs(q.numerical), 1e-6)
    mark, style = ("✓", "dim green") if near else (f"≠ {q.numerical:.9g}", "bold red")
    return Text(f"   numerically {mark}", style=style)


def pretty(line: str) -> str:
    """Return a line with · for products and raised squares, as people write them."""
    line = re.sub(r"\*\*2\b", "²", line)
    return line.replace("**", "^").replace("*", "·")


def _after(step: ExampleStep) -> Text:
    before, after = plain(step.loss_before), plain(step.loss_after or 0.0)
    return Text.assemble("error ", (before, "bold"), " → ", (after, "bold green"))


def plain(value: float) -> str:
    """Return nine significant digits without an exponent, as publications print them."""
    return f"{Decimal(f'{value:.9g}'):f}"


def _erratum(figure: ErratumFigure) -> Text:
    """Return what was published, what is right, and what gives the wrong figure."""
    right = plain(figure.right)
    mistaken = "" if figure.mistaken is None else plain(figure.mistaken)
    if figure.published is None:
        head = f"{figure.place}: {right}; with the mistake of the published figure {mistaken}"
        return Text(head)
    return Text.assemble(
        f"{figure.place}: published ", (figure.published, "red"), ", right ", (right, "green"),
        f". Cause: {figure.cause}. Recomputed so: {mistaken}.",
    )  # fmt: skip
