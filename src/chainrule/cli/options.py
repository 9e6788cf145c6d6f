"""The options of ``chainrule explain``, with their help; ``chainrule check`` shares some of them.

Names are checked here without importing NumPy; chainrule.problems converts the values.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import fill
from typing import Annotated, Any

import typer

from chainrule import names
from chainrule.cli.completion import (
    MODEL_ENDING,
    complete_data,
    completion,
    names_or_models,
)
from chainrule.cli.formats import EXAMPLE_FORMATS
from chainrule.cli.parsers import (
    MOST_SEEDS,
    NameCheck,
    name_of,
    names_of,
    number,
    positive_number,
    whole_number,
)

PRESETS = tuple(names.PROBLEMS)
DATA_SETS = tuple(names.DATA_SETS)
ACTIVATIONS = tuple(names.ACTIVATIONS)
LOSSES = tuple(names.LOSSES)
OPTIMIZERS = tuple(names.OPTIMIZERS)
NOTATIONS = tuple(names.NOTATIONS)
LEVELS = tuple(names.LEVELS)
RESIDUALS = ("o-t", "t-o")
MOST_STEPS = 10_000_000
MOST_DIGITS = 17

Completer = Callable[[str], list[str]]

TABLE_ENDINGS = (".csv", ".tsv", ".parquet", ".arrow", ".feather")
FILE_ENDINGS = (".toml", ".json")


def names_help(optimizers: Sequence[str] = OPTIMIZERS) -> str:
    """Return the end of a command's help: the names of activations, losses and optimizers."""
    lists = {"Activations": ACTIVATIONS, "Losses": LOSSES, "Optimizers": optimizers}
    lines = (
        fill(f"{title}: {' '.join(listed)}", 76, subsequent_indent="  ", break_on_hyphens=False)
        for title, listed in lists.items()
    )
    aliases = "Common other names, such as sigmoid, bce and lr, are accepted, too."
    return "\b\n" + "\n".join((*lines, aliases)) + "\n"


# ---- checks -------------------------------------------------------------------------------------


def is_file(problem: str | None) -> bool:
    """Return whether PRESET is the name of a file."""
    return problem is not None and (
        problem.lower().endswith(FILE_ENDINGS) or Path(problem).name != problem
    )


def preset(problem: str | None) -> str | None:
    """Check the name of a preset or of a file."""
    if problem is not None and problem.lower().endswith(MODEL_ENDING):
        return problem
    reject_table(problem)
    return problem if is_file(problem) else name_of("preset", PRESETS)(problem)


def reject_table(problem: str | None) -> None:
    """Raise BadParameter for a table in place of a model, and say how to get one."""
    if problem is not None and Path(problem).suffix.lower() in TABLE_ENDINGS:
        raise typer.BadParameter(
            f"{problem!r} is a table, and a model is needed: chainrule train {problem} --target "
            f"COLUMN, then chainrule explain model.safetensors {problem} --row 0"
        )


def explored(problem: str | None) -> str | None:
    """Check the name of a preset of the live page, or of a file."""
    return problem if is_file(problem) else name_of("preset", (*PRESETS, *DATA_SETS))(problem)


def output_activation(name: str | None) -> str | None:
    """Check the name of an activation, and explain -o if the name is that of a file."""
    if name is not None and name not in ACTIVATIONS and ("." in name or "/" in name):
        raise typer.BadParameter(f"unknown activation {name!r}; to write a file, use -o {name}")
    return name_of("activation", ACTIVATIONS)(name)


def notation(name: str | None) -> str | None:
    """Return a notation's name, or the path of its file."""
    is_path = name is not None and name.lower().endswith((".toml", ".json"))
    return name if is_path else name_of("notation", NOTATIONS)(name)


def name_option(
    choices: Sequence[str], kind: str, summary: str, check: NameCheck | None = None
) -> Any:
    """Return an option whose value is a name."""
    return typer.Option(
        callback=check or name_of(kind, choices),
        autocompletion=completion(choices),
        metavar="NAME",
        help=summary,
    )


def number_option(
    metavar: str, summary: str, parser: Callable[[str], float] = number, *spellings: str
) -> Any:
    """Return an option whose value is a number."""
    return typer.Option(*spellings, parser=parser, metavar=metavar, help=summary)


# ---- the problem --------------------------------------------------------------------------------


def preset_argument(check: NameCheck, choices: Sequence[str], offered: Completer) -> Any:
    """Return the argument that names a preset or a file."""
    return typer.Argument(
        callback=check,
        autocompletion=offered,
        metavar="PRESET|FILE",
        show_default=False,
        help=f"{', '.join(choices)} (default: mazur); or FILE.toml, FILE.json.",
    )


Preset = Annotated[str | None, preset_argument(preset, PRESETS, names_or_models(PRESETS))]
Explored = Annotated[
    str | None,
    preset_argument(explored, (*PRESETS, *DATA_SETS), completion((*PRESETS, *DATA_SETS))),
]
ModelRows = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        show_default=False,
        autocompletion=complete_data,
        help="With FILE.safetensors, a model: the table with the row (default: the one of the "
        "training).",
    ),
]
Layers = Annotated[
    str | None,
    typer.Option(metavar="N,N,…", help="Inputs, units of each hidden layer, outputs."),
]
ActivationNames = Annotated[
    str | None,
    typer.Option(
        callback=names_of("activation", ACTIVATIONS),
        autocompletion=completion(ACTIVATIONS),
        metavar="NAME,…",
        help="One for all layers, or one for each. With one, the output is linear if the "
        "loss has a link (cross-entropies, poisson).",
    ),
]
Output = Annotated[
    str | None,
    name_option(ACTIVATIONS, "activation", "The output layer's activation.", output_activation),
]
Loss = Annotated[str | None, name_option(LOSSES, "loss", "The loss.")]
Inputs = Annotated[
    str | None,
    typer.Option(metavar="ROWS", help="Samples: '.05,.1; .2,.3', a JSON list or a CSV file."),
]
Targets = Annotated[
    str | None,
    typer.Option(metavar="ROWS", help="A row for each sample, or class numbers for softmax."),
]
SampleWeight = Annotated[
    str | None, typer.Option(metavar="N,N,…", help="The weight of each sample in the loss.")
]

# ---- initial parameters -------------------------------------------------------------------------

Weights = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Weight matrices as a JSON list, or all numbers: W1, W2, …"),
]
Biases = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Bias vectors, or all numbers; 'none' for no biases."),
]
Seed = Annotated[
    int | None,
    typer.Option(
        parser=whole_number(0, MOST_SEEDS),
        metavar="N",
        help="The seed of random weights and dropout (default: 0).",
    ),
]
TrainBiases = Annotated[
    bool | None,
    typer.Option("--train-biases/--no-train-biases", help="Whether biases are trained."),
]

# ---- what is added to the network ---------------------------------------------------------------

Dropout = Annotated[float | None, number_option("RATE", "Drop hidden units with probability RATE.")]
LayerNorm = Annotated[
    bool | None,
    typer.Option("--layer-norm/--no-layer-norm", help="Whether hidden layers are normalized."),
]
L1 = Annotated[float | None, number_option("L", "Add L Σ|w| to the loss.", number, "--l1")]
L2 = Annotated[float | None, number_option("L", "Add L Σw² to the loss.", number, "--l2")]
Alpha = Annotated[
    float | None, number_option("L", "Add ½ L Σw², divided by the number of samples, to the loss.")
]

# ---- how it is trained --------------------------------------------------------------------------

Optimizer = Annotated[
    str | None,
    name_option(
        OPTIMIZERS,
        "optimizer",
        "The optimizer. The learning rate of PRESET or FILE is kept; otherwise, each optimizer has "
        "the same default as in Python.",
    ),
]
LearningRate = Annotated[float | None, number_option("RATE", "The learning rate.", positive_number)]
Momentum = Annotated[
    float | None,
    number_option("SHARE", "The momentum of the optimizers momentum and nesterov (default: 0.9)."),
]
ClipNorm = Annotated[
    float | None, number_option("LIMIT", "Scale the gradient down if its norm exceeds LIMIT.")
]
ClipValue = Annotated[
    float | None, number_option("LIMIT", "Clip each entry of the gradient to ±LIMIT.")
]
Steps = Annotated[
    int | None,
    typer.Option(
        parser=whole_number(1, MOST_STEPS),
        metavar="N",
        help="Make N training steps; show the first and the last.",
    ),
]

# ---- what is shown ------------------------------------------------------------------------------

Show = Annotated[
    str | None,
    typer.Option(metavar="N,N,…", help="Show these steps instead of the first and the last."),
]
Parameter = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Derive one parameter only, such as W2[0,1] or w5."),
]
Level = Annotated[str | None, name_option(LEVELS, "level", f"The detail: {', '.join(LEVELS)}.")]
NotationName = Annotated[
    str | None,
    name_option(
        NOTATIONS,
        "notation",
        f"One of: {', '.join(NOTATIONS)}; or your own, in a .toml or .json file.",
        notation,
    ),
]
Residual = Annotated[
    str | None,
    typer.Option(
        callback=name_of("residual", RESIDUALS),
        autocompletion=completion(RESIDUALS),
        metavar="o-t|t-o",
        help="Write differences as output − target or target − output.",
    ),
]
CountFrom = Annotated[
    int | None,
    typer.Option(parser=whole_number(0, 1), metavar="0|1", help="The number of the first unit."),
]
Digits = Annotated[
    int | None,
    typer.Option(
        parser=whole_number(1, MOST_DIGITS), metavar="N", help="Significant digits of results."
    ),
]
Decimals = Annotated[
    int | None,
    typer.Option(
        parser=whole_number(0, MOST_DIGITS),
        metavar="N",
        help="Digits after the decimal point, instead of significant digits.",
    ),
]
Compact = Annotated[
    bool,
    typer.Option("--compact", help="Write one line for each number instead of three (text only)."),
]
Static = Annotated[
    bool,
    typer.Option("--static", help="Leave the script of the live page out (HTML only)."),
]
Format = Annotated[
    str | None,
    typer.Option(
        callback=name_of("format", tuple(EXAMPLE_FORMATS)),
        autocompletion=completion(tuple(EXAMPLE_FORMATS)),
        metavar="NAME",
        help=f"{', '.join(EXAMPLE_FORMATS)} (default: by the ending of FILE, or text).",
    ),
]
File = Annotated[
    Path | None,
    typer.Option("-o", metavar="FILE", help="Write to FILE instead of standard output."),
]

# ---- a model and a row --------------------------------------------------------------------------

Row = Annotated[
    int | None,
    typer.Option(
        parser=whole_number(0, 2**53),
        metavar="N",
        help="Of a model: explain the prediction for this row, counted from 0.",
    ),
]
RowData = Annotated[
    str | None,
    typer.Option(metavar="DATA", autocompletion=complete_data, help="The same as DATA."),
]
OutputClass = Annotated[
    str | None,
    typer.Option(
        "--class", metavar="NAME", help="The class to explain (default: the predicted one)."
    ),
]
TrainingStep = Annotated[
    bool | None,
    typer.Option("--training-step", help="Work out the training step on the row, with its target."),
]
