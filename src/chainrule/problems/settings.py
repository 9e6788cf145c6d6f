"""Settings: what a problem file and the command line may say, by the names that both use.

Here each is checked by itself, and those that go together; what they change is in changes.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from chainrule.activations import activation
from chainrule.errors import unknown
from chainrule.losses import loss
from chainrule.optimizers import LBFGS, optimizer
from chainrule.problems import values
from chainrule.problems.changes import change, draws
from chainrule.problems.faults import SettingError, about
from chainrule.problems.model import Problem
from chainrule.problems.presets import problem

# What chainrule.explanation has, which stands below this room; a test holds both together.
NOTATIONS = ("plain", "mazur", "nielsen", "rumelhart", "russell-norvig")
RESIDUALS = ("o-t", "t-o")
LEVELS = ("scalars", "matrices", "summary")

EXCLUSIVE = (
    ("digits", "decimals"),
    ("parameter", "level"),
    ("clip-norm", "clip-value"),
)  # pairs of which one is enough


@dataclass(frozen=True)
class Spec:
    """A problem, and how its worked example is to be made.

    Parameters
    ----------
    problem : Problem
    seed : int, default 0
    steps : int, default 1
    show : tuple of int, optional
        Which steps are worked out.
    parameter : str, optional
        The only one that is derived.
    level : str, optional
        ``"scalars"``, ``"matrices"`` or ``"summary"``.
    residual : str, optional
        ``"o-t"`` or ``"t-o"``, where the notation's own is not wanted.
    count_from : int, optional
        0 or 1, the same.
    digits, decimals : int, optional
        Of results.
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
    "sample-weights": values.numbers,
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
    "notation": values.one_of(NOTATIONS, "notation"),
    "residual": values.one_of(RESIDUALS, "residual"),
    "count-from": values.one_of((0, 1), "first number"),
    "digits": values.count(1),
    "decimals": values.count(0),
}  # by name: what a value must be
FROM_FILES = ("inputs", "targets", "sample-weights")  # may name a CSV file


def check_settings(given: Mapping[str, Any], folder: Path = Path()) -> dict[str, Any]:
    """Return settings, each checked by itself.

    Parameters
    ----------
    given : mapping of str to value
    folder : Path, optional
        Where CSV files lie.

    Raises
    ------
    SettingError
        If a value is of the wrong kind or outside its range.
    UnknownNameError
        If a name is no setting's.
    """
    for key in given:
        if key not in SETTINGS:
            raise unknown("setting", key, SETTINGS)
    checked: dict[str, Any] = {}
    for key, value in given.items():
        with about(key):
            read = values.table(folder) if key in FROM_FILES else SETTINGS[key]
            checked[key] = read(value)
    return checked


def specify(settings: Mapping[str, Any]) -> Spec:
    """Return the problem that settings describe, and how its example is made.

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
        If settings do not fit each other, or one would change nothing.
    MissingPackageError
        If the problem's data come with a package that is not installed.
    """
    for one, other in EXCLUSIVE:
        if one in settings and other in settings:
            raise SettingError(one, f"goes not together with {other}; leave one of them out")
    made = change(settings.get("preset"), settings)
    run = {key.replace("-", "_"): settings[key] for key in RUN if key in settings}
    refuse_idle(Spec(made, **run), settings)
    return Spec(made, **run)


def refuse_idle(spec: Spec, settings: Mapping[str, Any]) -> None:
    """Raise SettingError where a setting is about a step or a draw that there is not."""
    beyond = [step for step in spec.show or () if step > spec.steps]
    if beyond:
        raise SettingError(
            "show", f"there is no step {beyond[0]:,}; choose from 1 to {spec.steps:,}"
        )
    if spec.steps > 1 and isinstance(spec.problem.optimizer, LBFGS):
        raise SettingError(
            "steps",
            f"{spec.steps:,} steps of lbfgs are SciPy's and have no equations; explain one step, "
            "or choose another optimizer",
        )
    if "seed" in settings and not draws(spec.problem):
        raise SettingError(
            "seed",
            "nothing is drawn, since all weights are given; leave seed out, or choose layers of "
            "your own, whose weights are drawn",
        )
