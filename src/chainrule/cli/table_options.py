"""The options of the commands for tables and models, with their help.

Names are checked here without importing NumPy.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule import names
from chainrule.cli.completion import (
    DATA_SETS,
    complete_columns,
    complete_data,
    complete_models,
    completion,
)
from chainrule.cli.config import set_config, set_resumed
from chainrule.cli.parsers import (
    MOST_SEEDS,
    name_of,
    names_of,
    number,
    positive_number,
    whole_number,
)

ACTIVATIONS = tuple(names.ACTIVATIONS)
LOSSES = tuple(names.LOSSES)
OPTIMIZERS = ("sgd", *(name for name in names.OPTIMIZERS if name != "sgd"))
INITIALIZERS = tuple(names.INITIALIZERS)
SCHEDULES = ("constant", "invscaling", "adaptive", "step", "exponential", "inverse-scaling")
TASKS = ("auto", "classification", "regression")
DTYPES = ("float32", "float64")
ENGINES = ("auto", "compiled", "reference")
DECIMALS = (".", ",")
MOST = 10_000_000  # epochs, rows of a batch, units of a layer


TEXT_OPTIONS = ("delimiter", "encoding", "header", "decimal", "missing")  # of text files


def option(help: str, *spellings: str, **settings: Any) -> Any:  # noqa: A002 (typer's name)
    """Return an option that the environment may set, too."""
    return typer.Option(*spellings, help=help, show_envvar=False, **settings)


def choice(kind: str, choices: tuple[str, ...], summary: str) -> Any:
    """Return an option whose value is one of some names."""
    return option(
        f"{summary}: {', '.join(choices)}.",
        callback=name_of(kind, choices),
        autocompletion=completion(choices),
        metavar="NAME",
    )


def listed(text: str | None) -> str | None:
    """Check that names between commas are not empty."""
    if text is not None and not all(part.strip() for part in text.split(",")):
        raise typer.BadParameter(f"has an empty name in {text!r}; give names between commas")
    return text


def columns_option(summary: str) -> Any:
    """Return an option whose value are names of columns between commas."""
    return option(summary, metavar="NAME,…", callback=listed, autocompletion=complete_columns)


def share(text: str) -> float:
    """Parse a number from 0 to below 1."""
    value = number(text)
    if not 0 <= value < 1:
        raise typer.BadParameter(f"must be a number from 0 to below 1, not {str(text)!r}")
    return value


def not_negative(text: str) -> float:
    """Parse a number from 0."""
    value = number(text)
    if value < 0:
        raise typer.BadParameter(f"must be a number from 0, not {str(text)!r}")
    return value


def held_out(text: str) -> str:
    """Check a share of rows, or keep the name of a file."""
    try:
        float(text)
    except ValueError:
        return str(text)
    return str(share(text))


def widths(text: str | None) -> str | None:
    """Check the numbers of units between commas; "none" stands for no hidden layer."""
    if text is None or text == "none":
        return text
    for part in text.split(","):
        whole_number(1, MOST)(part.strip())
    return text


# ---- data ---------------------------------------------------------------------------------------

DATA_HELP = (
    "A file (CSV, TSV, Parquet, Arrow, NPZ, NPY, IDX), - for standard input, or one of "
    f"{', '.join(DATA_SETS)}."
)


def data_argument(parser: Callable[[str], str] = str) -> Any:
    """Return the argument that names a table."""
    return typer.Argument(
        metavar="DATA",
        show_default=False,
        show_envvar=False,
        autocompletion=complete_data,
        help=DATA_HELP,
    )


Data = Annotated[str, data_argument()]
OptionalData = Annotated[str | None, data_argument()]
Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        show_default=False,
        autocompletion=complete_models,
        help="A file that train has written, or a checkpoint.",
    ),
]
Target = Annotated[
    str | None,
    option("The column to predict.", metavar="NAME", autocompletion=complete_columns),
]
Task = Annotated[str | None, choice("task", TASKS, "What the target is (default: auto)")]
Columns = Annotated[str | None, columns_option("The inputs (default: all but the target).")]
Drop = Annotated[str | None, columns_option("Columns that are left out.")]
Categories = Annotated[str | None, columns_option("Columns of numbers that are categories.")]
Impute = Annotated[
    str | None,
    option(
        "What replaces missing values: median, mean, most-frequent, constant; or by column, such "
        "as 'age=median,city=Oslo'.",
        metavar="HOW",
    ),
]
StandardizeTarget = Annotated[
    bool | None,
    option(
        "Whether numbers to predict are standardized (default: yes).",
        "--standardize-target/--no-standardize-target",
    ),
]
Dtype = Annotated[str | None, choice("dtype", DTYPES, "The precision (default: float64)")]
HeldOut = Annotated[
    str | None,
    option(
        "The share of rows held out (default: 0.2), or a file with other rows.",
        metavar="SHARE|FILE",
        parser=held_out,
    ),
]
Delimiter = Annotated[
    str | None, option("Of a text file (default: found), such as ';'.", metavar="MARK")
]
Encoding = Annotated[
    str | None, option("Of a text file (default: found), such as latin-1.", metavar="NAME")
]
Header = Annotated[
    bool | None,
    option("Whether a text file has a row of names (default: found).", "--header/--no-header"),
]
Decimal = Annotated[
    str | None, choice("decimal mark", DECIMALS, "The decimal mark (default: found)")
]
Missing = Annotated[
    str | None,
    option("Words that stand for a missing value, besides NA and the like.", metavar="WORD,…"),
]

# ---- the network --------------------------------------------------------------------------------

Hidden = Annotated[
    str | None,
    option("Units of each hidden layer (default: 100), or none.", metavar="N,…", callback=widths),
]
Activation = Annotated[
    str | None,
    option(
        "Of the hidden layers, one or one for each (default: relu).",
        metavar="NAME,…",
        callback=names_of("activation", ACTIVATIONS),
        autocompletion=completion(ACTIVATIONS),
    ),
]
Loss = Annotated[
    str | None,
    option(
        "The loss (default: cross-entropy of classes, squared error of numbers).",
        metavar="NAME",
        callback=name_of("loss", LOSSES),
        autocompletion=completion(LOSSES),
    ),
]
Initializer = Annotated[
    str | None, choice("initializer", INITIALIZERS, "Of the weights (default: scikit-learn's)")
]
Dropout = Annotated[
    float | None, option("The share of hidden units dropped.", parser=share, metavar="SHARE")
]
LayerNorm = Annotated[
    bool | None, option("Whether hidden layers are normalized.", "--layer-norm/--no-layer-norm")
]
Alpha = Annotated[
    float | None,
    option("Add ½ L Σw² / rows of a batch (default: 0.0001).", parser=not_negative, metavar="L"),
]
L1 = Annotated[float | None, option("Add L Σ|w|.", "--l1", parser=not_negative, metavar="L")]
L2 = Annotated[float | None, option("Add L Σw².", "--l2", parser=not_negative, metavar="L")]

# ---- training -----------------------------------------------------------------------------------

Optimizer = Annotated[str | None, choice("optimizer", OPTIMIZERS, "The optimizer (default: adam)")]
LearningRate = Annotated[
    float | None,
    option("The learning rate (default: 0.001).", parser=positive_number, metavar="RATE"),
]
Schedule = Annotated[
    str | None, choice("schedule", SCHEDULES, "How it changes (default: constant)")
]
Momentum = Annotated[
    float | None,
    option("Of sgd, momentum and nesterov (default: 0.9).", parser=share, metavar="SHARE"),
]
BatchSize = Annotated[
    int | None,
    option("Rows in a batch (default: 32).", parser=whole_number(1, MOST), metavar="N"),
]
Epochs = Annotated[
    int | None,
    option("At most so many epochs (default: 200).", parser=whole_number(1, MOST), metavar="N"),
]
Shuffle = Annotated[
    bool | None, option("Whether rows are shuffled (default: yes).", "--shuffle/--no-shuffle")
]
EarlyStopping = Annotated[
    bool | None,
    option(
        "Whether the rows held out decide when to stop (default: yes).",
        "--early-stopping/--no-early-stopping",
    ),
]
Patience = Annotated[
    int | None,
    option(
        "Stop after more epochs without an improvement (default: 10).",
        parser=whole_number(1, MOST),
        metavar="N",
    ),
]
Tolerance = Annotated[
    float | None,
    option("The least improvement (default: 0.0001).", parser=not_negative, metavar="X"),
]
Scoring = Annotated[
    str | None,
    option(
        "What early stopping goes by: loss (default), or a scorer of scikit-learn.",
        metavar="NAME",
    ),
]
ClassWeight = Annotated[
    str | None,
    choice("class weight", ("balanced",), "Weights of the classes (default: all equal)"),
]
ClipNorm = Annotated[
    float | None,
    option(
        "Scale the gradient down if its norm exceeds LIMIT.",
        parser=positive_number,
        metavar="LIMIT",
    ),
]
Seed = Annotated[
    int | None,
    option("The seed (default: 0).", parser=whole_number(0, MOST_SEEDS), metavar="N"),
]
Engine = Annotated[str | None, choice("engine", ENGINES, "What computes (default: auto)")]

# ---- files --------------------------------------------------------------------------------------

ModelFile = Annotated[
    Path | None,
    option("The model's file (default: model.safetensors).", "-o", "--output", metavar="FILE"),
]
RunFolder = Annotated[
    Path | None,
    option(
        "The folder of the run: metrics, configuration, checkpoints (default: the model's name "
        "with .run).",
        metavar="FOLDER",
    ),
]
Resume = Annotated[
    Path | None,
    option(
        "Continue the interrupted run in this folder; other options override its own.",
        metavar="FOLDER",
        is_eager=True,
        callback=set_resumed,
    ),
]
Overwrite = Annotated[
    bool | None,
    option(
        "Delete the checkpoints of an interrupted run in the folder.", "--overwrite/--no-overwrite"
    ),
]
PLOT_ENDINGS = (".svg", ".png", ".html")


def plot_file(path: Path | None) -> Path | None:
    """Check that the ending of a plot's file is known."""
    if path is not None and path.suffix.lower() not in PLOT_ENDINGS:
        raise typer.BadParameter(
            f"{str(path)!r} has an unknown ending; choose one of {' '.join(PLOT_ENDINGS)}"
        )
    return path


Plot = Annotated[
    Path | None,
    option(
        f"Plot losses and predictions: {' '.join(PLOT_ENDINGS)}.",
        metavar="FILE",
        callback=plot_file,
    ),
]
CheckpointEvery = Annotated[
    int | None,
    option(
        "Epochs between two checkpoints (default: 10).",
        parser=whole_number(1, MOST),
        metavar="N",
    ),
]
Streamed = Annotated[
    bool | None,
    option(
        "Read the table again in every epoch instead of keeping it in memory (default: only for "
        "folders and addresses such as s3://bucket/folder).",
        "--stream/--no-stream",
    ),
]
BufferRows = Annotated[
    int | None,
    option(
        "Rows of a stream that are in memory and shuffled together (default: 262144).",
        parser=whole_number(1, 2**40),
        metavar="N",
    ),
]
Distributed = Annotated[
    bool | None,
    option("Train in all processes that mpiexec started.", "--distributed/--no-distributed"),
]
DistributedRows = Annotated[
    bool | None,
    option(
        "Divide the rows among all processes that mpiexec started.",
        "--distributed/--no-distributed",
    ),
]
Blocks = Annotated[
    int | None,
    option(
        "Blocks of a batch, whose gradients are added in one order (default: 16).",
        parser=whole_number(1, MOST),
        metavar="N",
    ),
]
Exact = Annotated[
    bool | None,
    option(
        "Whether any number of processes gives the same bytes (default: --exact).",
        "--exact/--no-exact",
    ),
]
Config = Annotated[
    Path | None,
    option(
        "A TOML file with the options below by name; options given here override it.",
        metavar="FILE",
        is_eager=True,
        callback=set_config,
    ),
]
Json = Annotated[
    bool | None, option("Write JSON for programs to standard output.", "--json/--no-json")
]
Quiet = Annotated[bool | None, option("Show no progress.", "--quiet/--no-quiet")]

ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("lr", "eta", "rate", "learning-rate-init"), "learning-rate"),
    **dict.fromkeys(("max-iter", "iterations"), "epochs"),
    **dict.fromkeys(("n-iter-no-change",), "patience"),
    "solver": "optimizer",
    "tol": "tolerance",
    "random-state": "seed",
    "hidden-layer-sizes": "hidden",
    "sep": "delimiter",
    "y": "target",
}  # other names of options


def option_name(typed: str) -> str:
    """Return the name of an option that was typed as an alias, in capitals or with underscores."""
    if len(typed) == 1:
        return typed
    name = typed.lower().replace("_", "-")
    return ALIASES.get(name, name)


def table_context(command: str) -> dict[str, object]:
    """Return the settings of a command for tables: its names, and variables of the environment."""
    return {
        "token_normalize_func": option_name,
        "auto_envvar_prefix": f"CHAINRULE_{command.upper()}",
    }
