"""``chainrule explain``: the worked example of a problem that has a name.

It chooses and prints; the example itself is the explanation's.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from chainrule.explanation import WorkedExample
    from chainrule.problems import Problem

MOST_STEPS = 10_000_000


class Form(StrEnum):
    """What the example is written as."""

    text = "text"
    json = "json"


def command(
    preset: Annotated[str, typer.Argument(help="mazur or half-adder.")] = "mazur",
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.text,
    train_biases: Annotated[
        bool | None,
        typer.Option("--train-biases/--no-train-biases", help="Whether biases are updated."),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=1, max=MOST_STEPS, help="Steps in a row; first and last are shown.")
    ] = 1,
    learning_rate: Annotated[
        float | None, typer.Option(help="Instead of the problem's own.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the first weights, where the problem gives none.")
    ] = 0,
    digits: Annotated[
        int | None, typer.Option(min=1, max=17, help="Significant digits of results.")
    ] = None,
    compact: Annotated[bool, typer.Option("--compact", help="One line for each number.")] = False,  # noqa: FBT002 (a switch)
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file instead of the terminal.")
    ] = None,
) -> None:
    """Work out every number of a training step: formula, numbers put in, result."""
    from chainrule.explanation import explain_problem

    chosen = _problem(preset, train_biases=train_biases, learning_rate=learning_rate)
    if compact and form is Form.json:
        raise typer.BadParameter("--compact is for text; JSON has one form")
    example = explain_problem(chosen, steps=steps, digits=digits, seed=seed)
    _write(example, form, output, compact=compact)


def _problem(name: str, *, train_biases: bool | None, learning_rate: float | None) -> "Problem":
    """Return the problem of a name, with what the options change."""
    from dataclasses import replace

    from chainrule.errors import UnknownNameError
    from chainrule.problems import problem

    try:
        chosen = problem(name)
    except UnknownNameError as error:
        raise typer.BadParameter(str(error), param_hint="PRESET") from None
    if train_biases is not None:
        chosen = chosen.trained(biases=train_biases)
    if learning_rate is not None:
        rule: Any = chosen.optimizer  # each of them is a dataclass with a rate
        chosen = replace(chosen, optimizer=replace(rule, rate=learning_rate))
    return chosen


def _write(example: "WorkedExample", form: Form, path: Path | None, *, compact: bool) -> None:
    """Print the example, or write it to a file."""
    from io import StringIO

    from chainrule.cli.output import console, write

    if form is Form.json:
        text = example.to_json() + "\n"
    elif path is None:
        example.print(console(), compact=compact)
        return
    else:
        example.print(console(page := StringIO()), compact=compact)
        text = "\n".join(line.rstrip() for line in page.getvalue().splitlines()) + "\n"
    if path is None:
        typer.echo(text, nl=False)
    else:
        write(text, path)
