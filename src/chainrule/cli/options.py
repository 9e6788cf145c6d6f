"""The options of ``chainrule explain``: what each is called, and what its help says.

Names are told and checked here without loading NumPy; what a value means is for
chainrule.problems, which reads the same settings from files.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli.formats import EXAMPLE_FORMATS
from chainrule.cli.options import MOST_SEEDS, one_of, positive, whole

# What other rooms know, told without loading them; a test holds both together.
PRESETS = ("mazur", "half-adder", "xor", "huddar", "softmax", "digits")
ACTIVATIONS = (
    *("identity", "logistic", "tanh", "relu", "leaky-relu", "elu", "selu"),
    *("gelu", "gelu-tanh", "silu", "softplus"),
)
LOSSES = (
    *("squared-error", "absolute-error", "huber", "quantile", "poisson"),
    *("logistic-cross-entropy", "softmax-cross-entropy", "softmax-squared-error"),
)
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "lbfgs")
NOTATIONS = ("plain", "mazur", "nielsen", "rumelhart", "russell-norvig")
RESIDUALS = ("o-t", "t-o")
LEVELS = ("scalars", "matrices", "summary")
MOST_STEPS = 10_000_000
MOST_DIGITS = 17

FILES = (".toml", ".json")
NAMES = """\b
Activations: identity logistic tanh relu leaky-relu elu selu gelu gelu-tanh
  silu softplus
Losses: squared-error absolute-error huber quantile poisson
  logistic-cross-entropy softmax-cross-entropy softmax-squared-error
Optimizers: sgd momentum nesterov rmsprop adam adamw lbfgs
"""

Check = Callable[[str | None], str | None]


# ---- checks -------------------------------------------------------------------------------------


def is_file(problem: str | None) -> bool:
    """Tell whether PRESET is the name of a file."""
    return problem is not None and (
        problem.lower().endswith(FILES) or Path(problem).name != problem
    )


def preset(problem: str | None) -> str | None:
    """Return a preset's name or a file's, if it is one."""
    return problem if problem is None or is_file(problem) else one_of(PRESETS, "preset")(problem)


def some(names: Sequence[str], what: str) -> Check:
    """Return the check of a name that must be one of some; None stays None."""
    check = one_of(names, what)
    return lambda name: name if name is None else check(name)


def activations(text: str | None) -> str | None:
    """Return names of activations between commas, if each is one."""
    for name in (text or "").split(",") if text is not None else ():
        one_of(ACTIVATIONS, "activation")(name.strip())
    return text


def output_activation(name: str | None) -> str | None:
    """Return the name of an activation; whoever meant a file is told."""
    if name is not None and name not in ACTIVATIONS and ("." in name or "/" in name):
        raise typer.BadParameter(f"{name!r} is no activation; to write a file, give -o {name}")
    return some(ACTIVATIONS, "activation")(name)


def named(names: Sequence[str], what: str, help: str, check: Check | None = None) -> Any:  # noqa: A002 (Typer's)
    """Return the option of a name."""
    return typer.Option(
        callback=check or some(names, what),
        autocompletion=lambda: names,
        metavar="NAME",
        help=help,
    )


# ---- the problem --------------------------------------------------------------------------------

Preset = Annotated[
    str | None,
    typer.Argument(
        callback=preset,
        autocompletion=lambda: PRESETS,
        metavar="PRESET|FILE",
        show_default=False,
        help=f"{', '.join(PRESETS)}; or FILE.toml, FILE.json. By default mazur.",
    ),
]
Layers = Annotated[
    str | None,
    typer.Option(metavar="N,N,…", help="Inputs, units of each hidden layer, outputs."),
]
ActivationNames = Annotated[
    str | None,
    typer.Option(
        callback=activations,
        autocompletion=lambda: ACTIVATIONS,
        metavar="NAME,…",
        help="One for all layers (the output is linear if the loss has a link), or one for each.",
    ),
]
Output = Annotated[
    str | None,
    named(ACTIVATIONS, "activation", "The output layer's activation.", output_activation),
]
Loss = Annotated[str | None, named(LOSSES, "loss", "The error.")]
Inputs = Annotated[
    str | None,
    typer.Option(metavar="ROWS", help="Samples: '.05,.1; .2,.3', a JSON list or a CSV file."),
]
Targets = Annotated[
    str | None,
    typer.Option(metavar="ROWS", help="A row for each sample, or class numbers for softmax."),
]
SampleWeight = Annotated[
    str | None, typer.Option(metavar="N,N,…", help="How much each sample counts.")
]

# ---- its first parameters -----------------------------------------------------------------------

Weights = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Matrices as a JSON list, or all numbers: W1, W2, …"),
]
Biases = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Vectors, or all numbers; 'none' for a network without."),
]
Seed = Annotated[
    int | None,
    typer.Option(callback=whole(0, MOST_SEEDS), metavar="N", help="Draw from N what is not given."),
]
TrainBiases = Annotated[
    bool | None, typer.Option("--train-biases/--no-train-biases", help="Whether biases learn.")
]

# ---- what is added to the network ---------------------------------------------------------------

Dropout = Annotated[
    float | None, typer.Option(metavar="RATE", help="Leave hidden units out with probability RATE.")
]
LayerNorm = Annotated[
    bool | None,
    typer.Option("--layer-norm/--no-layer-norm", help="Whether hidden layers are normalized."),
]
L1 = Annotated[float | None, typer.Option("--l1", metavar="L", help="Add L Σ|w| to the error.")]
L2 = Annotated[float | None, typer.Option("--l2", metavar="L", help="Add L Σw² to the error.")]
Alpha = Annotated[
    float | None,
    typer.Option(metavar="L", help="Add ½ L Σw², divided by the number of samples."),
]

# ---- how it is trained --------------------------------------------------------------------------

Optimizer = Annotated[str | None, named(OPTIMIZERS, "optimizer", "The rule of the update.")]
LearningRate = Annotated[
    float | None, typer.Option(callback=positive, metavar="RATE", help="The rate of the update.")
]
Momentum = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="How much velocity is kept by momentum and nesterov."),
]
ClipNorm = Annotated[
    float | None, typer.Option(metavar="LIMIT", help="Shorten gradients longer than LIMIT.")
]
ClipValue = Annotated[
    float | None, typer.Option(metavar="LIMIT", help="Keep entries of gradients within ±LIMIT.")
]
Steps = Annotated[
    int | None,
    typer.Option(
        callback=whole(1, MOST_STEPS),
        metavar="N",
        help="Train N steps; show the first and the last.",
    ),
]

# ---- what is shown ------------------------------------------------------------------------------

Show = Annotated[
    str | None,
    typer.Option(metavar="N,N,…", help="Show these steps instead of first and last."),
]
Parameter = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Derive this one alone, such as W2[0,1] or w5."),
]
Level = Annotated[str | None, named(LEVELS, "level", f"One of: {', '.join(LEVELS)}.")]
NotationName = Annotated[
    str | None, named(NOTATIONS, "notation", f"One of: {', '.join(NOTATIONS)}.")
]
Residual = Annotated[
    str | None,
    typer.Option(
        callback=some(RESIDUALS, "residual"),
        autocompletion=lambda: RESIDUALS,
        metavar="o-t|t-o",
        help="How differences to targets are written.",
    ),
]
CountFrom = Annotated[
    int | None,
    typer.Option(callback=whole(0, 1), metavar="0|1", help="The number of the first unit."),
]
Digits = Annotated[
    int | None,
    typer.Option(
        callback=whole(1, MOST_DIGITS), metavar="N", help="Significant digits of results."
    ),
]
Decimals = Annotated[
    int | None,
    typer.Option(
        callback=whole(0, MOST_DIGITS), metavar="N", help="Digits behind the point instead."
    ),
]
Compact = Annotated[
    bool, typer.Option("--compact", help="One line for each number instead of three.")
]
Format = Annotated[
    str | None,
    typer.Option(
        callback=some(tuple(EXAMPLE_FORMATS), "format"),
        metavar="|".join(EXAMPLE_FORMATS),
        help="By default what FILE's ending says, else text.",
    ),
]
File = Annotated[
    Path | None, typer.Option("-o", metavar="FILE", help="Write to FILE, whole or not at all.")
]
