"""Settings: the keys of problem files, which are also the options of the command line.

Each setting is checked on its own here; changes.py applies them to a problem.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from chainrule.activations import activation
from chainrule.losses import loss
from chainrule.names import LEVELS, NOTATIONS, canonical
from chainrule.optimizers import LBFGS, optimizer
from chainrule.problems import values
from chainrule.problems.changes import change, draws
from chainrule.problems.errors import SettingError, setting_context
from chainrule.problems.model import Problem
from chainrule.problems.presets import problem

RESIDUALS = ("o-t", "t-o")

EXCLUSIVE = (
    ("digits", "decimals"),
    ("parameter", "level"),
    ("clip-norm", "clip-value"),
)  # pairs that cannot be combined


@dataclass(frozen=True)
class Spec:
    """A problem, and the options of its worked example.

    Parameters
    ----------
    problem : Problem
    seed : int, default 0
    steps : int, default 1
    show : tuple of int, optional
        The steps that are worked out.
    parameter : str, optional
        The only parameter that is derived.
    level : str, optional
        ``"scalars"``, ``"matrices"`` or ``"summary"``.
    residual : str, optional
        ``"o-t"`` or ``"t-o"``, instead of the notation's own.
    count_from : int, optional
        0 or 1, instead of the notation's own.
    digits, decimals : int, optional
        Significant digits, or decimals, of results.
    """

    problem: Problem
    seed: int = 0
    steps: int = 1
    show: tuple[int, ...] | None = None
    parameter: str | None = None
    level: Literal["scalars", "matrices", "summary"] | None = None
    residual: str | None = None
    count_from: int | None = None
    digits: int | None = None
    decimals: int | None = None


RUN = (
    "seed",
    "steps",
    "show",
    "parameter",
    "level",
    "residual",
    "count-from",
    "digits",
    "decimals",
)

SETTINGS: dict[str, Callable[[Any], Any]] = {
    "preset": lambda value: problem(values.text(value)),
    "title": values.text,
    "source": values.text,
    "layers": values.counts,
    "activation": values.activations,
    "output": lambda value: activation(values.text(value)),
    "loss": lambda value: loss(values.text(value)),
    "inputs": values.numbers,
    "targets": values.numbers,
    "sample-weight": values.numbers,
    "weights": values.numbers,
    "biases": values.optional,
    "seed": values.count(0),
    "train-biases": values.flag,
    "dropout": values.number("[0, 1)"),
    "layer-norm": values.flag,
    "l1": values.number("[0, inf)"),
    "l2": values.number("[0, inf)"),
    "alpha": values.number("[0, inf)"),
    "optimizer": lambda value: optimizer(values.text(value)),
    "learning-rate": values.number("(0, inf)"),
    "momentum": values.number("[0, 1)"),
    "clip-norm": values.number("(0, inf)"),
    "clip-value": values.number("(0, inf)"),
    "steps": values.count(1),
    "show": values.counts,
    "parameter": values.text,
    "level": values.one_of(LEVELS, "level"),
    "notation": values.name_or_file(NOTATIONS, "notation"),
    "residual": values.one_of(RESIDUALS, "residual"),
    "count-from": values.one_of((0, 1), "first number"),
    "digits": values.count(1),
    "decimals": values.count(0),
}  # by name: the check, which returns the value in its stored type
FROM_FILES = ("inputs", "targets", "sample-weight")  # settings that may be the path of a CSV file


def check_settings(given: Mapping[str, Any], folder: Path = Path()) -> dict[str, Any]:
    """Return settings by their registered names, each checked on its own.

    Parameters
    ----------
    given : mapping of str to value
    folder : Path, optional
        The folder of CSV files.

    Raises
    ------
    SettingError
        If a value has the wrong type, is outside its range, or is given twice.
    UnknownNameError
        If no setting has that name or alias.
    """
    checked: dict[str, Any] = {}
    for typed, value in given.items():
        key = canonical("setting", typed, SETTINGS)
        if key in checked:
            raise SettingError(key, f"given twice, also as {typed}; remove one of the two")
        with setting_context(key):
            read = values.table(folder) if key in FROM_FILES else SETTINGS[key]
            checked[key] = read(value)
            if key == "notation" and checked[key] not in NOTATIONS:
                checked[key] = str(folder / checked[key])
    return checked


def specify(settings: Mapping[str, Any]) -> Spec:
    """Return the problem that settings describe, and the options of its worked example.

    Parameters
    ----------
    settings : mapping
        As `check_settings` and `read_settings` return them.

    Returns
    -------
    Spec

    Raises
    ------
    SettingError
        If settings contradict each other, or one has no effect.
    MissingPackageError
        If the problem's data require a package that is not installed.
    """
    for one, other in EXCLUSIVE:
        if one in settings and other in settings:
            raise SettingError(one, f"cannot be combined with {other}; remove one of them")
    made = change(settings.get("preset"), settings)
    run = {key.replace("-", "_"): settings[key] for key in RUN if key in settings}
    reject_unused_settings(Spec(made, **run), settings)
    return Spec(made, **run)


def reject_unused_settings(spec: Spec, settings: Mapping[str, Any]) -> None:
    """Raise SettingError if a setting is about a step that is not made, or nothing is random."""
    beyond = [step for step in spec.show or () if step > spec.steps]
    if beyond:
        raise SettingError(
            "show", f"step {beyond[0]:,} is not made; choose from 1 to {spec.steps:,}"
        )
    if spec.steps > 1 and isinstance(spec.problem.optimizer, LBFGS):
        raise SettingError(
            "steps",
            f"{spec.steps:,} steps of lbfgs cannot be worked out, because SciPy makes them; "
            "explain one step, or choose another optimizer",
        )
    if "seed" in settings and not draws(spec.problem):
        raise SettingError(
            "seed",
            "has no effect, because all weights are given; remove it, or choose other layers, "
            "whose weights are drawn at random",
        )
