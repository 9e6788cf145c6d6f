"""``chainrule train``: train a network on a table, and save it with its preparation."""

from typing import Any

import typer

from chainrule.cli import table_options as given
from chainrule.cli.config import option_of
from chainrule.cli.unused_options import Unused, reject_unused_options

EXAMPLES = """\b
Examples:
  chainrule train iris                      a data set with a name
  chainrule train customers.csv --target renewal --impute median
  chainrule train prices.parquet --target price --hidden 64,32 --epochs 500
  chainrule train --resume model.run        after Ctrl-C, or a crash
  chainrule train --config model.run/config.toml --seed 1

\b
Then: chainrule predict model.safetensors new.csv
      chainrule explain model.safetensors --data new.csv --row 7

Every option can be set in the environment, as CHAINRULE_TRAIN_SEED=1."""

DEFAULTS: dict[str, Any] = {
    "task": "auto",
    "standardize-target": True,
    "dtype": "float64",
    "validation": "0.2",
    "hidden": "100",
    "activation": "relu",
    "dropout": 0.0,
    "layer-norm": False,
    "alpha": 0.0001,
    "l1": 0.0,
    "l2": 0.0,
    "optimizer": "adam",
    "learning-rate": 0.001,
    "schedule": "constant",
    "batch-size": 32,
    "epochs": 200,
    "shuffle": True,
    "patience": 10,
    "tolerance": 0.0001,
    "scoring": "loss",
    "seed": 0,
    "engine": "auto",
    "output": "model.safetensors",
    "checkpoint-every": 10,
}  # of options that have one, as config.toml shows them
DESCENTS = ("sgd", "momentum", "nesterov")
NEVER_SAVED = ("overwrite", "json", "quiet", "config", "resume")

TRAIN_UNUSED: Unused = {
    "lbfgs": (
        (
            *("learning-rate", "schedule", "momentum", "batch-size", "shuffle", "early-stopping"),
            *("patience", "scoring", "dropout", "clip-norm", "checkpoint-every"),
        ),
        "with the optimizer lbfgs, which takes all rows at once; remove it",
    ),
    "adaptive": (
        ("momentum",),
        "with this optimizer; remove it, or choose sgd, momentum or nesterov",
    ),
    "classification": (
        ("standardize-target",),
        "on classes; remove it, or choose --task regression",
    ),
    "regression": (("class-weight",), "on numbers; remove it, or choose --task classification"),
    "all rows": (
        ("early-stopping", "scoring"),
        "without rows held out; remove it, or choose another --validation",
    ),
}  # by a choice that another option makes


def train(  # noqa: PLR0913 (one for each option)
    context: typer.Context,
    data: given.OptionalData = None,
    *,
    config: given.Config = None,
    resume: given.Resume = None,
    target: given.Target = None,
    task: given.Task = None,
    columns: given.Columns = None,
    drop: given.Drop = None,
    categories: given.Categories = None,
    impute: given.Impute = None,
    standardize_target: given.StandardizeTarget = None,
    dtype: given.Dtype = None,
    validation: given.HeldOut = None,
    delimiter: given.Delimiter = None,
    encoding: given.Encoding = None,
    header: given.Header = None,
    decimal: given.Decimal = None,
    missing: given.Missing = None,
    hidden: given.Hidden = None,
    activation: given.Activation = None,
    loss: given.Loss = None,
    initializer: given.Initializer = None,
    dropout: given.Dropout = None,
    layer_norm: given.LayerNorm = None,
    alpha: given.Alpha = None,
    l1: given.L1 = None,
    l2: given.L2 = None,
    optimizer: given.Optimizer = None,
    learning_rate: given.LearningRate = None,
    schedule: given.Schedule = None,
    momentum: given.Momentum = None,
    batch_size: given.BatchSize = None,
    epochs: given.Epochs = None,
    shuffle: given.Shuffle = None,
    early_stopping: given.EarlyStopping = None,
    patience: given.Patience = None,
    tolerance: given.Tolerance = None,
    scoring: given.Scoring = None,
    class_weight: given.ClassWeight = None,
    clip_norm: given.ClipNorm = None,
    seed: given.Seed = None,
    engine: given.Engine = None,
    output: given.ModelFile = None,
    run: given.RunFolder = None,
    overwrite: given.Overwrite = None,
    checkpoint_every: given.CheckpointEvery = None,
    plot: given.Plot = None,
    json: given.Json = None,
    quiet: given.Quiet = None,
) -> None:
    """Train a network on a table, and save it.

    A fifth of the rows is held out, and decides when training stops. Numbers are standardized,
    categories become one input each; what is learned of them is saved with the network. Ctrl-C
    saves a checkpoint, from which --resume continues.
    """
    options = without_defaults(context, options_of(context))
    if "data" not in options:
        raise typer.BadParameter("DATA is missing; add the table to train on, or --resume FOLDER")
    reject_unused_options(options, rule_of(options), TRAIN_UNUSED)
    if options.get("validation") and options["validation"] in ("0", "0.0"):
        reject_unused_options(options, "all rows", TRAIN_UNUSED)
    reject_schedule(options)
    from chainrule.cli import training

    raise typer.Exit(training.run(options))


def options_of(context: typer.Context) -> dict[str, Any]:
    """Return what was given for a command, by the names of the options."""
    params = context.command.get_params(context)
    names = {str(param.name): option_of(param) for param in params}
    return {names[key]: v for key, v in context.params.items() if v is not None and key in names}


def without_defaults(context: typer.Context, options: dict[str, Any]) -> dict[str, Any]:
    """Return options without defaults that a configuration file only repeats.

    The file of a run has every option, also those without effect on it.
    """
    names = {option_of(param): str(param.name) for param in context.command.get_params(context)}

    def is_repeated(name: str, value: Any) -> bool:
        source = context.get_parameter_source(names[name])
        own = DEFAULTS.get(name)
        in_file = source is not None and source.name == "DEFAULT_MAP"
        return in_file and (value == own or str(value) == own)

    return {name: value for name, value in options.items() if not is_repeated(name, value)}


def rule_of(options: dict[str, Any]) -> str:
    """Return which kind of optimizer was chosen, by which some options have no effect."""
    optimizer = options.get("optimizer", DEFAULTS["optimizer"])
    return "lbfgs" if optimizer == "lbfgs" else "" if optimizer in DESCENTS else "adaptive"


def reject_schedule(options: dict[str, Any]) -> None:
    """Raise BadParameter if a schedule has no effect with the optimizer."""
    if options.get("schedule") in ("invscaling", "adaptive") and rule_of(options):
        raise typer.BadParameter(
            f"{options['schedule']} has no effect with this optimizer; choose another schedule, or "
            f"one of the optimizers {', '.join(DESCENTS)}",
            param_hint="--schedule",
        )
