"""``chainrule explain``: print the worked example of a problem."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chainrule.cli import options as given
from chainrule.cli import table_options as of_tables
from chainrule.cli.formats import EXAMPLE_FORMATS, HTML, TEXT, by_ending, write_document
from chainrule.cli.requirements import require_files
from chainrule.cli.table_options import TEXT_OPTIONS
from chainrule.cli.unused_options import EXAMPLE_UNUSED, reject_unused_options
from chainrule.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from chainrule.explanation import WorkedExample
    from chainrule.pages import Document
    from chainrule.problems import Spec

LONG = 2_000  # steps from which a message says that they take a while
NOT_SETTINGS = (
    *("preset", "rows", "compact", "static", "format", "file"),
    *("row", "data", "output_class", "step", *TEXT_OPTIONS),
)
SHOWN = ("parameter", "level", "notation", "digits", "decimals")  # of a page on a model
OF_MODELS = ("row", "data", "output_class", "step", *TEXT_OPTIONS)

EXAMPLES = f"""\b
Examples:
  chainrule explain                      the most-read 2-2-2 example
  chainrule explain --train-biases       with trained biases
  chainrule explain --steps 10000        the first step and the 10,000th
  chainrule explain half-adder --seed 3  with other random weights
  chainrule explain --layers 2,3,1 --inputs '.1,.2; .3,.4' --targets 0,1
  chainrule explain digits --parameter 'W2[7,3]'
  chainrule explain -o mazur.html        or .md .tex .json .py
  chainrule explain model.safetensors new.csv --row 7

{given.names_help()}"""


def explain(  # noqa: PLR0913 (one for each option)
    context: typer.Context,
    preset: given.Preset = None,
    rows: given.ModelRows = None,
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
    row: given.Row = None,
    data: given.RowData = None,
    output_class: given.OutputClass = None,
    step: given.TrainingStep = None,
    delimiter: of_tables.Delimiter = None,
    encoding: of_tables.Encoding = None,
    header: of_tables.Header = None,
    decimal: of_tables.Decimal = None,
    missing: of_tables.Missing = None,
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
    static: given.Static = False,
    format: given.Format = None,  # noqa: A002 (named as its option)
    file: given.File = None,
) -> None:
    """Work out a training step: every number, with its formula.

    The problem is a preset, a file whose keys are the long options below, or a network that the
    options describe. Options override PRESET or FILE. Of a model that train has saved, explain a
    prediction: the forward pass, and which columns move it.
    """
    written = format or by_ending(file, EXAMPLE_FORMATS)
    if compact and written != TEXT:
        raise typer.BadParameter(
            "works with text only; remove it, or choose --format text", param_hint="--compact"
        )
    if static and written != HTML:
        raise typer.BadParameter(
            "works with HTML only; remove it, or choose --format html", param_hint="--static"
        )
    options = settings_of(context)
    if is_model(preset):
        document = explained_row(str(preset), context.params, options)
        write_document(document, partial(document.print, compact=compact), written, file)
        return
    reject_model_options(context.params)
    reject_unused_options(options, written, EXAMPLE_UNUSED)
    example = work_out(specified(preset, options), options)
    shown = [*options, *(["compact"] if compact else [])]
    reject_unused_options(shown, example.level, EXAMPLE_UNUSED)
    write_document(example, partial(example.print, compact=compact), written, file, static=static)


def is_model(preset: str | None) -> bool:
    """Return whether PRESET is the file of a model."""
    return preset is not None and preset.lower().endswith(given.MODEL_ENDING)


def reject_model_options(params: dict[str, Any]) -> None:
    """Raise BadParameter for a table and options that need a model."""
    if params["rows"] is not None:
        raise typer.BadParameter(
            f"unexpected argument {params['rows']!r}; remove it, or give a model instead of PRESET"
        )
    for name in OF_MODELS:
        if params[name] is not None:
            option = {"output_class": "class", "step": "training-step"}.get(name, name)
            raise typer.BadParameter(
                "needs a model instead of PRESET; give its file, such as model.safetensors",
                param_hint=f"--{option}",
            )


def explained_row(path: str, params: dict[str, Any], options: dict[str, Any]) -> "Document":
    """Return the explanation of a row of a table by a model."""
    of_step = bool(params["step"]) or params["parameter"] is not None
    reject_for_models(params, options, of_step=of_step)
    require_files("explain with a model")
    from chainrule.cli.model_errors import as_options
    from chainrule.cli.tables import read_model_and_rows

    source = one_table(params["rows"], params["data"])
    text = {name: params[name] for name in TEXT_OPTIONS if params[name] is not None}
    model, table = read_model_and_rows(Path(path), source, text, labeled=of_step)
    with as_options():
        return model.explain(
            table,
            params["row"],
            output=params["output_class"],
            step=bool(params["step"]),
            **{name: params[name] for name in SHOWN if params[name] is not None},
        )


def one_table(argument: str | None, option: str | None) -> str | None:
    """Return the table that was named as an argument or with --data, which mean the same."""
    if argument is not None and option is not None:
        raise typer.BadParameter(
            f"names a second table, {option!r}; remove it, or the argument {argument!r}",
            param_hint="--data",
        )
    return option if argument is None else argument


def reject_for_models(params: dict[str, Any], options: dict[str, Any], *, of_step: bool) -> None:
    """Raise BadParameter for a missing row, and for options without effect on a model."""
    if params["row"] is None:
        raise typer.BadParameter(
            "is missing; choose the row to explain, counted from 0", param_hint="--row"
        )
    for name in options:
        if name not in SHOWN or (name == "level" and not of_step):
            raise typer.BadParameter(
                "has no effect on a model; remove it"
                + (", or add --training-step" if name == "level" else ""),
                param_hint=f"--{name}",
            )
    if of_step and params["output_class"] is not None:
        raise typer.BadParameter(
            "has no effect on a training step; remove it", param_hint="--class"
        )


def settings_of(context: typer.Context) -> dict[str, Any]:
    """Return the settings of a problem among a command's options, by the options' names."""
    return {
        name.replace("_", "-"): value
        for name, value in context.params.items()
        if value is not None and name not in NOT_SETTINGS
    }


def specified(
    problem: str | None, options: dict[str, Any], known: dict[str, Any] | None = None
) -> "Spec":
    """Return the problem of a preset or a file, or of known settings, with options applied."""
    from chainrule.problems import EXCLUSIVE, check_settings, read_settings, specify

    with error_context(problem, options):
        if known is not None:
            base = known
        elif problem is not None and given.is_file(problem):
            base = read_settings(problem)
        else:
            own = problem is None and "layers" in options
            base = check_settings({} if own else {"preset": problem or "mazur"})
        pairs = (*EXCLUSIVE, *(pair[::-1] for pair in EXCLUSIVE))
        rivals = {one for one, other in pairs if other in options}
        kept = {key: value for key, value in base.items() if key not in rivals}
        return specify(kept | check_settings(options))


@contextmanager
def error_context(problem: str | None, options: dict[str, Any]) -> Iterator[None]:
    """Turn a SettingError into an error about an option or about the file."""
    from chainrule.problems import SettingError

    try:
        yield
    except SettingError as error:
        if given.is_file(problem) and error.key not in options:
            raise InputError(f"{problem}: {error}") from None
        raise typer.BadParameter(error.fault, param_hint=f"--{error.key}") from None


def work_out(spec: "Spec", options: dict[str, Any]) -> "WorkedExample":
    """Return the worked example."""
    from chainrule.cli.output import waiting
    from chainrule.explanation import explain_problem

    with waiting(f"working out {spec.steps:,} steps", spec.steps >= LONG), printed_warnings():
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
        except UnknownNameError as error:  # of the parameter: all other names have been checked
            if "parameter" not in options:
                raise
            raise typer.BadParameter(str(error), param_hint="--parameter") from None


@contextmanager
def printed_warnings() -> Iterator[None]:
    """Print warnings as messages, without the line of code that they come from."""
    from chainrule.cli.output import say

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        say(f"Warning: {warning.message}")


def varied_notation(spec: "Spec") -> Any:
    """Return the notation with options applied, or None for the problem's own."""
    names = ("residual", "count_from")
    changes = {name: value for name in names if (value := getattr(spec, name)) is not None}
    if not changes:
        return None
    from chainrule.explanation import choose_notation

    return replace(choose_notation(spec.problem.notation), **changes)
