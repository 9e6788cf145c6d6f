"""The constructor's parameters that both estimators have, and their validation when fit is called.

``networks`` and ``solvers`` resolve the names of losses, activations, optimizers and schedules.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.activations import Activation
from chainrule.descriptions import check_float, check_int
from chainrule.distributed import Communicator, DataParallel, as_parallel
from chainrule.errors import InputError
from chainrule.files import Checkpoints
from chainrule.initializers import Initializer
from chainrule.losses import Loss
from chainrule.optimizers import LBFGS, Clip, Optimizer
from chainrule.schedules import Schedule
from chainrule.training import Record

Layers: TypeAlias = int | Sequence[int]
Activations: TypeAlias = str | Activation | Sequence[str | Activation]
Solver: TypeAlias = str | Optimizer | LBFGS
Callback: TypeAlias = Callable[[Any, Record], Any]

NUMBERS = {
    "alpha": "[0, inf)",
    "l1": "[0, inf)",
    "l2": "[0, inf)",
    "dropout": "[0, 1)",
    "learning_rate_init": "(0, inf)",
    "power_t": "[0, inf)",
    "tol": "[0, inf)",
    "momentum": "[0, 1)",
    "validation_fraction": "[0, 1)",
    "beta_1": "[0, 1)",
    "beta_2": "[0, 1)",
    "epsilon": "(0, inf)",
}
COUNTS = ("max_iter", "max_fun", "n_iter_no_change")
SWITCHES = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping", "layer_norm")
ENDLESS = ("n_iter_no_change", "max_fun")  # may be infinite


class Hyperparameters:
    """The constructor's arguments that both estimators have."""

    hidden_layer_sizes: Layers
    activation: Activations
    solver: Solver
    alpha: float
    batch_size: int | str
    learning_rate: str | Schedule
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool | int | str
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    validation_split: str
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: float
    loss: str | Loss
    l1: float
    l2: float
    dropout: float
    layer_norm: bool
    initializer: str | Initializer | None
    clip: float | Clip | None
    scoring: Any
    callbacks: Sequence[Callback | Checkpoints] | None
    engine: str
    communicator: Communicator | DataParallel | None


def check_hyperparameters(params: Hyperparameters) -> None:
    """Raise InputError if a parameter has an invalid value."""
    given = vars(params)
    for name, interval in NUMBERS.items():
        check_float(given[name], f"{name}={given[name]!r}", interval)
    for name in COUNTS:
        endless = isinstance(given[name], float) and given[name] == np.inf
        if not (name in ENDLESS and endless):
            check_int(given[name], name)
    for name in SWITCHES:
        if not isinstance(given[name], bool | np.bool_):
            raise InputError(f"{name}={given[name]!r}: give True or False")
    check_options(params)


def check_options(params: Hyperparameters) -> None:
    """Raise InputError if a parameter that accepts words or functions has an invalid value."""
    size, verbose = params.batch_size, params.verbose
    if isinstance(size, str) and size != "auto":
        raise InputError(f"batch_size={size!r}: give 'auto' or a whole number from 1")
    if not isinstance(size, str):
        check_int(size, "batch_size")
    if isinstance(verbose, str) and verbose != "health":
        raise InputError(f"verbose={verbose!r}: give True, False or 'health'")
    if not isinstance(verbose, str | bool | np.bool_):
        check_int(verbose, "verbose", 0)
    for callback in callbacks_of(params):
        if not callable(callback):
            raise InputError(
                f"callbacks has {callback!r}: give functions callback(estimator, record); "
                "scikit-learn's own callbacks go to set_callbacks"
            )
    checkpoints_of(params)
    as_parallel(params.communicator)


def callbacks_of(params: Hyperparameters) -> list[Callback]:
    """Return the callbacks that are functions."""
    return [one for one in _callbacks(params) if not isinstance(one, Checkpoints)]


def checkpoints_of(params: Hyperparameters) -> Checkpoints | None:
    """Return the checkpoints among the callbacks; raise InputError if there are several."""
    found = [one for one in _callbacks(params) if isinstance(one, Checkpoints)]
    if len(found) > 1:
        raise InputError(f"callbacks has {len(found)} Checkpoints: give one of them")
    return found[0] if found else None


def _callbacks(params: Hyperparameters) -> list[Callback | Checkpoints]:
    given = params.callbacks
    if given is None:
        return []
    if isinstance(given, Mapping | str | Checkpoints) or not isinstance(given, Iterable):
        raise InputError(f"callbacks={given!r}: give a list of functions, or None")
    return list(given)


def rank_of(params: Hyperparameters) -> int:
    """Return the rank of this process among those that fit together; 0 if it is alone."""
    parallel = as_parallel(params.communicator)
    return 0 if parallel is None else parallel.communicator.rank


def hidden_layers(params: Hyperparameters) -> tuple[int, ...]:
    """Return the number of units of each hidden layer; () without hidden layers."""
    sizes = params.hidden_layer_sizes
    listed = list(sizes) if isinstance(sizes, Iterable) else [sizes]
    for size in listed:
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            fault = "whole numbers" if isinstance(size, float) and size >= 1 else "> 0"
            raise InputError(
                f"hidden_layer_sizes must be {fault}, got {listed}; give whole numbers from 1, "
                "such as (100,)"
            )
    return tuple(int(size) for size in listed)


def hyphenated(name: str) -> str:
    """Return a name in the spelling of chainrule's tables, with ``-`` instead of ``_``."""
    return name.replace("_", "-")
