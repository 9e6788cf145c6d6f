"""``chainrule explain``: the complete worked example of a problem, whichever it is.

What it prints is made in chainrule.explanation, from what chainrule.problems makes of the options;
nothing is computed here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from chainrule.cli import settings as given
from chainrule.cli.formats import EXAMPLE_FORMATS, TEXT, by_ending, deliver
from chainrule.cli.idle import refuse_idle
from chainrule.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from chainrule.explanation import WorkedExample
    from chainrule.problems import Spec

LONG = 2_000  # steps from which a wait is announced
NOT_SETTINGS = ("preset", "compact", "format", "file")

EXAMPLES = f"""\b
Examples:
  chainrule explain                      the most-read 2-2-2 example
  chainrule explain --train-biases       with the biases learning too
  chainrule explain --steps 10000        the first step and the 10,000th
  chainrule explain half-adder --seed 3  from other first weights
  chainrule explain --layers 2,3,1 --inputs '.1,.2; .3,.4' --targets 0,1
  chainrule explain digits --parameter 'W2[7,3]'
  chainrule explain -o mazur.html        or .md .tex .json .py

{given.NAMES}"""


def explain(  # noqa: PLR0913 (one for each option)
    context: typer.Context,
    preset: given.Preset = None,
    *,
    layers: given.Layers = None,
    activation: given.ActivationNames = None,
    output: given.Output = None,
    loss: given.Loss = None,
    inputs: given.Inputs = None,
    targets: given.Targets = None,
    sample_weight: given.SampleWeight = None,
    weights: given.Weights = None,
    biases: given.Biases = None,
    seed: given.Seed = None,
    train_biases: given.TrainBiases = None,
    dropout: given.Dropout = None,
    layer_norm: given.LayerNorm = None,
    l1: given.L1 = None,
    l2: given.L2 = None,
    alpha: given.Alpha = None,
    optimizer: given.Optimizer = None,
    learning_rate: given.LearningRate = None,
    momentum: given.Momentum = None,
    clip_norm: given.ClipNorm = None,
    clip_value: given.ClipValue = None,
    steps: given.Steps = None,
    show: given.Show = None,
    parameter: given.Parameter = None,
    level: given.Level = None,
    notation: given.NotationName = None,
    residual: given.Residual = None,
    count_from: given.CountFrom = None,
    digits: given.Digits = None,
    decimals: given.Decimals = None,
    compact: given.Compact = False,
    format: given.Format = None,  # noqa: A002 (named as its option)
    file: given.File = None,
) -> None:
    """Work out a training step: every number, with its formula.

    Of a preset, of a file whose keys are the long options below, or of a network of your own;
    options change what PRESET or FILE says.
    """
    written = format or by_ending(file, EXAMPLE_FORMATS)
    if compact and written != TEXT:
        raise typer.BadParameter("is for text only", param_hint="'--compact'")
    options = {
        name.replace("_", "-"): value
        for name, value in context.params.items()
        if value is not None and name not in NOT_SETTINGS
    }
    refuse_idle(options, written)
    example = work_out(specified(preset, options), options)
    refuse_idle([*options, *(["compact"] if compact else [])], example.level)
    deliver(example, written, file, compact=compact)


def specified(problem: str | None, options: dict[str, Any]) -> "Spec":
    """Return what a preset or a file, and options that change it, describe."""
    from chainrule.problems import EXCLUSIVE, check_settings, read_settings, specify

    with told_of(problem, options):
        if problem is not None and given.is_file(problem):
            base = read_settings(problem)
        else:
            own = problem is None and "layers" in options
            base = check_settings({} if own else {"preset": problem or "mazur"})
        pairs = (*EXCLUSIVE, *(pair[::-1] for pair in EXCLUSIVE))
        rivals = {one for one, other in pairs if other in options}
        kept = {key: value for key, value in base.items() if key not in rivals}
        return specify(kept | check_settings(options))


@contextmanager
def told_of(problem: str | None, options: dict[str, Any]) -> Iterator[None]:
    """Say whether an option or a file is wrong."""
    from chainrule.problems import SettingError

    try:
        yield
    except SettingError as error:
        if given.is_file(problem) and error.key not in options:
            raise InputError(f"{problem}: {error}") from None
        raise typer.BadParameter(error.fault, param_hint=f"'--{error.key}'") from None


def work_out(spec: "Spec", options: dict[str, Any]) -> "WorkedExample":
    """Return the worked example."""
    from chainrule.cli.output import waiting
    from chainrule.explanation import explain_problem

    with waiting(f"working out {spec.steps:,} steps", spec.steps >= LONG):
        try:
            return explain_problem(
                spec.problem,
                steps=spec.steps,
                show_steps=spec.show,
                parameter=spec.parameter,
                level=spec.level,
                notation=varied_notation(spec),
                digits=spec.digits,
                decimals=spec.decimals,
                seed=spec.seed,
            )
        except UnknownNameError as error:  # of a parameter: all other names are known to be right
            if "parameter" not in options:
                raise
            raise typer.BadParameter(str(error), param_hint="'--parameter'") from None


def varied_notation(spec: "Spec") -> Any:
    """Return the notation as options change it, or None for the problem's own."""
    names = ("residual", "count_from")
    changes = {name: value for name in names if (value := getattr(spec, name)) is not None}
    if not changes:
        return None
    from chainrule.explanation import NOTATIONS

    return replace(NOTATIONS[spec.problem.notation], **changes)
