"""The defaults of ``chainrule train`` and ``cv``, and which of their options have no effect."""

from typing import Any

import typer

from chainrule.cli.config import option_of
from chainrule.cli.unused_options import Unused

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
    "in memory": (("buffer-rows",), "on a table in memory; remove it, or add --stream"),
    "any order": (("blocks",), "with --no-exact, whose sums have no order; remove one of them"),
    "alone": (("blocks", "exact"), "in one process; remove it, or add --distributed"),
}  # by a choice that another option makes


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
