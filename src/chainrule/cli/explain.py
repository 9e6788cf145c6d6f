"""``chainrule explain``: the complete worked example of a problem that has a name.

What it prints is made in chainrule.explanation; nothing is computed here.
"""

from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import MOST_SEEDS, one_of, positive, whole

if TYPE_CHECKING:
    from chainrule.explanation import WorkedExample
    from chainrule.problems import Problem

# What chainrule.problems and chainrule.explanation know, told without loading NumPy.
PRESETS = ("mazur", "half-adder")
MOST_STEPS = 10_000_000
MOST_DIGITS = 17
LONG = 2_000  # steps from which a wait is announced

EXAMPLES = """\b
Examples:
  chainrule explain                      the most-read 2-2-2 example
  chainrule explain --train-biases       with the biases learning too
  chainrule explain --steps 10000        the first step and the 10,000th
  chainrule explain half-adder --seed 3  from other first weights
  chainrule explain -o mazur.json        for programs (see: chainrule schema)
"""


class Format(StrEnum):
    """How a worked example is written."""

    TEXT = "text"
    JSON = "json"


ENDINGS = {"": Format.TEXT, ".txt": Format.TEXT, ".json": Format.JSON}


def numbers(text: str | None) -> str | None:
    """Return a list of step numbers, if it is one."""
    if text is not None and not all(part.strip().isdecimal() for part in text.split(",")):
        raise typer.BadParameter(f"{text!r} is no list of steps; write it as 1,10,100")
    return text


def explain(
    preset: Annotated[
        str,
        typer.Argument(
            callback=one_of(PRESETS, "preset"),
            autocompletion=lambda: PRESETS,
            metavar="PRESET",
            help=f"One of: {', '.join(PRESETS)}.",
        ),
    ] = "mazur",
    *,
    steps: Annotated[
        int,
        typer.Option(
            callback=whole(1, MOST_STEPS),
            metavar="N",
            help="Train N steps; show the first and the last.",
        ),
    ] = 1,
    show: Annotated[
        str | None,
        typer.Option(
            callback=numbers, metavar="N,N,…", help="Show these steps instead of first and last."
        ),
    ] = None,
    train_biases: Annotated[
        bool | None,
        typer.Option(
            "--train-biases/--no-train-biases", help="Whether biases learn, whatever PRESET says."
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(callback=positive, metavar="RATE", help="Learn at RATE instead of PRESET's."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            callback=whole(0, MOST_SEEDS),
            metavar="N",
            help="Draw the first weights from N, if PRESET has none.",
        ),
    ] = None,
    digits: Annotated[
        int | None,
        typer.Option(
            callback=whole(1, MOST_DIGITS), metavar="N", help="Significant digits of results."
        ),
    ] = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="One line for each number instead of three.")
    ] = False,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="By default what FILE's ending says, else text."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to FILE, whole or not at all."),
    ] = None,
) -> None:
    """Work out a training step: every number, with its formula."""
    from chainrule.cli.output import waiting
    from chainrule.explanation import explain_problem

    form = form or by_ending(output)
    if compact and form is not Format.TEXT:
        raise typer.BadParameter("is for text only", param_hint="'--compact'")
    shown = None if show is None else steps_of(show, steps)
    problem = vary(preset, train_biases, learning_rate, seed)
    with waiting(f"working out {steps:,} steps", steps >= LONG):
        example = explain_problem(
            problem, steps=steps, show_steps=shown, digits=digits, seed=seed or 0
        )
    deliver(example, form, output, compact=compact)


def steps_of(text: str, steps: int) -> list[int]:
    """Return the numbers of a list of steps, each one that is run."""
    chosen = [int(part) for part in text.split(",")]
    if not all(1 <= number <= steps for number in chosen):
        raise typer.BadParameter(f"{text}: choose from 1 to {steps:,}", param_hint="'--show'")
    return chosen


def by_ending(output: Path | None) -> Format:
    """Return the format that the ending of a file's name means."""
    ending = output.suffix.lower() if output else ""
    if ending not in ENDINGS:
        message = f"which format does {ending!r} mean? Add --format text or --format json"
        raise typer.BadParameter(message, param_hint="'--output'")
    return ENDINGS[ending]


def vary(preset: str, biases: bool | None, rate: float | None, seed: int | None) -> "Problem":  # noqa: FBT001 (an option)
    """Return the problem of a name with what the command line changes about it."""
    from chainrule.cli.output import say
    from chainrule.problems import problem

    chosen = problem(preset)
    if biases is not None:
        chosen = chosen.trained(biases=biases)
    if rate is not None:
        # Every optimiser is a dataclass, which their family does not say.
        optimizer = replace(chosen.optimizer, rate=rate)  # pyright: ignore[reportArgumentType]
        chosen = replace(chosen, optimizer=optimizer)
    if seed is not None and chosen.weights:
        say(f"Note: {preset} has published weights, so --seed changes nothing.")
    return chosen


def deliver(example: "WorkedExample", form: Format, output: Path | None, *, compact: bool) -> None:
    """Write a worked example to a file or to standard output."""
    from chainrule.cli.output import page, say, show, write

    render = partial(example.print, compact=compact)
    if output is None or str(output) == "-":
        show(render) if form is Format.TEXT else print(example.to_json())  # noqa: T201 (a result)
        return
    write(output, page(render) if form is Format.TEXT else f"{example.to_json()}\n")
    say(f"Wrote {output}.")
