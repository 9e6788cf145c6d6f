"""Write the documentation's pages about mistakes, one for each entry of the catalogue.

Sphinx calls it, or run ``python -m tools.mistake_pages``. All numbers come from
tools/mistake_numbers.py, all texts about a mistake from the catalogue.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from chainrule import MISTAKES, Mistake
from chainrule.diagnosis import UNSEEN
from chainrule.diagnosis.catalogue import Form
from chainrule.diagnosis.hypotheses import Variant
from chainrule.diagnosis.phrases import enumerated, layers_words
from chainrule.diagnosis.report.words import capital, sentence
from chainrule.pages import Mark, Page, Quantity, Working
from chainrule.pages.text import as_text
from tools.mistake_numbers import (
    LEARNING_RATE,
    STEPS,
    Double,
    Doubles,
    Example,
    description,
    doubles,
    example,
)

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "mistakes" / "generated"
STAMP = ".made-from"  # a hash of the sources, so that the pages are only rewritten if one changed
WIDTH = 76
MOST_SHOWN = 4  # the numbers of a program in its table
MANY = 5  # as many networks or more are counted instead of listed
LAYERS = {
    "all": "all layers",
    "hidden": "the hidden layers",
    "output": "the output layer",
    "not-first": "all layers but the first",
    "first": "the first layer",
}
NO_EQUATION = (
    "This mistake has no equation. `check` recognizes it by the behavior of a program, so there is "
    "no example with numbers."
)


# ---- files ---------------------------------------------------------------------------------------


def write(folder: Path = FOLDER) -> bool:
    """Write all pages into a folder; return False if they were up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp, current = folder / STAMP, source_hash()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == current:
        return False
    wanted = pages()
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
    stamp.write_text(current, encoding="utf-8")
    return True


def source_hash() -> str:
    """Return a hash of everything that the pages depend on: the package and these tools."""
    files = [*(ROOT / "src").rglob("*.py"), *Path(__file__).parent.glob("mistake_*.py")]
    texts = (path.read_bytes() for path in sorted(files))
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def pages() -> dict[str, str]:
    """Return the texts of all pages and of the two tables, by file name."""
    comparison = doubles()
    made = {f"{name}.md": page(mistake, comparison) for name, mistake in MISTAKES.items()}
    return made | {"table.md": table(), "unseen.md": unseen()}


def table() -> str:
    """Return the table of all entries by number, and their table of contents."""
    rows = sorted(MISTAKES.values(), key=lambda m: m.number)
    lines = ["| no. | mistake | stage |", "| ---: | --- | --- |"]
    for place, m in enumerate(rows):
        number = "" if place and rows[place - 1].number == m.number else m.number
        linked = link(m.id, capital(m.title), "generated/")
        lines.append(f"| {number} | {linked} | {m.stage} |")
    listed = [f"generated/{m.id}" for m in rows]
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", *listed, "```"]) + "\n"


def unseen() -> str:
    """Return the table of mistakes that no number shows, with reasons."""
    rows = (f"| {number} | {cell(capital(text))} |" for number, text in UNSEEN.items())
    return "\n".join(["| no. | why it cannot be seen |", "| ---: | --- |", *rows]) + "\n"


def link(name: str, text: str = "", folder: str = "") -> str:
    """Return a link to an entry's page; its text is the id by default."""
    return f"[{cell(text) or f'`{name}`'}]({folder}{name}.md)"


def cell(text: str) -> str:
    """Return a text, escaped for a cell of a table."""
    return text.replace("|", r"\|").replace("*", r"\*").replace("<", r"\<")


# ---- a page --------------------------------------------------------------------------------------


def page(mistake: Mistake, comparison: Doubles) -> str:
    """Return the page of an entry."""
    parts = [
        *opening(mistake),
        *numbers(example(mistake)),
        *same(mistake, comparison),
        *forms(mistake),
    ]
    return "\n\n".join(parts) + "\n"


def opening(m: Mistake) -> Iterator[str]:
    """Yield the title, the number and stage, the two formulas, the cause and the repair."""
    yield f"# {cell(capital(m.title))}"
    yield f"No. {m.number} of the catalogue, `{m.id}`. Stage: {m.stage}."
    yield fenced([f"✗ wrong  {m.wrong}", f"✓ right  {m.right}"])
    yield f"**Why it happens.** {cell(sentence(m.why))}"
    yield f"**Repair.** {cell(sentence(m.repair))}"


def fenced(lines: Iterable[str]) -> str:
    """Return lines as a code block."""
    return "\n".join(["```text", *lines, "```"])


def numbers(one: Example | None) -> Iterator[str]:
    """Yield the smallest example, and how the loss changes."""
    if one is None:
        yield NO_EQUATION
        return
    with np.errstate(all="ignore"):
        yield "## With numbers"
        yield f"{capital(where(one))}:"
        yield fenced(given(one))
        pair = one.worked()
        if pair:
            yield "One number, with the mistake and without:"
            yield fenced(worked(*pair))
        yield "What a program would return:"
        yield returned_numbers(one)
        yield "## Does the loss still fall?"
        yield learns(one)


def where(one: Example) -> str:
    """Return a description of an example: network, form, call."""
    about = f" ({one.variant.form.note})" if one.variant.form.note else ""
    call = " In the second call:" if one.call else ""
    made = (
        f"with {equations(one.variant)}"
        if one.variant.replace
        else "with the loss computed after the update"
    )
    return f"{description(one.setting, one.session)}, {made}{about}.{call}".rstrip(":.")


def equations(variant: Variant) -> str:
    """Return the equations that a variant replaces, each once, with their layers."""
    places: dict[str, list[str]] = {}
    for (place, name), text in variant.replace.items():
        places.setdefault(f"`{name} = {text}`", []).append(place)
    lines: dict[str, list[str]] = {}
    for line, at in places.items():
        lines.setdefault(scopes(at), []).append(line)
    return "; ".join(f"{enumerated(own)} in {at}" for at, own in lines.items())


def scopes(labels: Sequence[str]) -> str:
    """Return a description of where an equation applies: layers, the loss, arrays."""
    if all(label.isdigit() for label in labels):
        return layers_words([int(label) for label in labels])
    return enumerated("the loss" if label == "loss" else label for label in labels)


def given(one: Example) -> Iterator[str]:
    """Yield the numbers of an example: samples, targets, parameters, the optimizer."""
    net, s = one.setting.network, one.session
    params = net.params(s.theta)
    arrays = {"x": s.x, "t": s.t}
    for label, own in zip(net.labels, params, strict=True):
        arrays |= {f"{name}{label}": value for name, value in own.items()}
    for name, value in arrays.items():
        text = np.array2string(np.asarray(value), separator=", ", max_line_width=200)
        yield f"{name:<3} = {' '.join(text.split())}"
    yield f"{one.setting.rule!r}{f', {net.penalty!r}' if net.penalty.alpha else ''}"


def worked(bad: Quantity, good: Quantity) -> list[str]:
    """Return the lines of a number computed with the mistake and without."""
    items = (working(bad, "wrong", "with the mistake"), working(good, "right", "without"))
    _, *lines = as_text(Page("", items), WIDTH).rstrip().splitlines()  # the first line is the title
    return [line.removeprefix("  ") for line in lines]


def working(q: Quantity, mark: Mark, label: str) -> Working:
    """Return the computation of a number as an item of a page."""
    line = q.equation
    formula, put_in = (line.formula, line.substituted or "") if line else ("", "")
    return Working(q.key, formula, put_in, q.shown, mark, label)


def returned_numbers(one: Example) -> str:
    """Return the table of numbers that differ, with the mistake and without."""
    rows = [
        f"| `{key.replace(' ', '')}` | {bad:.9g} | {good:.9g} |"
        for key, bad, good in islice(one.differing(), MOST_SHOWN)
    ]
    return "\n".join(["| number | with the mistake | without |", "| --- | ---: | ---: |", *rows])


def learns(one: Example) -> str:
    """Return how the loss changes with the mistake and without."""
    first, wrong, right = one.descent()
    tried = f"On this example, in {STEPS} steps with learning rate {LEARNING_RATE}"
    if not math.isfinite(wrong):
        return (
            f"No. {tried}: with the mistake the numbers overflow; without it the loss goes from "
            f"{first:.9g} to {right:.9g}."
        )
    if wrong == right:
        return f"Yes, as without it. {tried}: from {first:.9g} to {right:.9g} either way."
    answer = "Yes" if wrong < first else "No"
    return (
        f"{answer}. {tried}: with the mistake the loss goes from {first:.9g} to {wrong:.9g}, "
        f"without it to {right:.9g}."
    )


# ---- mistakes with the same numbers --------------------------------------------------------------


def same(mistake: Mistake, comparison: Doubles) -> Iterator[str]:
    """Yield which mistakes give the same numbers, and where this one has no effect."""
    if not mistake.forms:
        return
    yield "## What gives the same numbers"
    found, total = comparison.same[mistake.id], comparison.tried[mistake.id]
    if not total:
        yield "It cannot be made on the designed networks, which lack the parts that it concerns."
        return
    yield (
        f"Every form of every mistake was made on designed networks, this one on {total} of them; "
        "the loss, gradients and new parameters of three successive updates were compared."
    )
    if found:
        yield "\n".join(f"- {double(d, total)}" for d in found)
    else:
        yield "No other mistake gave the numbers of this one."
    if silent := comparison.silent[mistake.id]:
        yield f"It changes no number at all on {networks(silent, total)}."


def double(d: Double, total: int) -> str:
    """Return a sentence on another mistake with the same numbers, and where they are the same."""
    own, others = equations(d.own), equations(d.others)
    made = f"both are {own}" if own == others else f"{own} here, {others} there"
    return f"{link(d.other)}, on {networks(d.networks, total)}: {made}."


def networks(found: Sequence[str], total: int) -> str:
    """Return a few networks by name, or the number of many."""
    if len(found) >= MANY:
        return f"{len(found)} of the {total} networks"
    return "; ".join(found)


# ---- its forms -----------------------------------------------------------------------------------


def forms(mistake: Mistake) -> Iterator[str]:
    """Yield the table of an entry's forms, with the equations of each."""
    if not mistake.forms:
        return
    yield "## Its forms"
    yield (
        "The equations that replace the right ones. Their names are explained under "
        "[scopes](../../design.md#scopes)."
    )
    rows = [f"| {k} | {texts(f)} | {places(f)} |" for k, f in enumerate(mistake.forms, 1)]
    yield "\n".join(["| | equations | where |", "| ---: | --- | --- |", *rows])


def texts(form: Form) -> str:
    """Return a form's equations, each in code."""
    groups = (
        ("", form.layer),
        ("above: ", form.above),
        ("", form.loss),
        ("W: ", form.weights),
        ("b: ", form.biases),
    )
    lines = [f"{which}`{name} = {text}`" for which, group in groups for name, text in group.items()]
    return "<br>".join(lines) or "the loss of the new parameters"


def places(form: Form) -> str:
    """Return a description of where a form applies: layers, functions, calls, and its note."""
    stem = form.where.removesuffix("*")
    parts = [LAYERS[stem] if stem else "the loss"]
    parts[0] += ", or one of them" if form.where.endswith("*") else ""
    named = [form.for_activations, form.for_losses, form.for_optimizers]
    parts += [f"with {enumerated(names.split())}" for names in named if names]
    parts += ["from the second call on"] if form.needs_second_call else []
    parts += [form.note] if form.note else []
    return cell("; ".join(parts))


if __name__ == "__main__":
    print("pages written" if write() else "pages are up to date")
