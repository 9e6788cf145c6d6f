"""Files of a network with its parameters, and with the state from which training continues."""

import os
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DamagedFileError
from chainrule.files.container import errors_about
from chainrule.files.descriptions import engine_types
from chainrule.files.kinds import Content, require_fields, values_of, write
from chainrule.files.values import Functions
from chainrule.layout import Layout
from chainrule.loops import State
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.training import Run

Array: TypeAlias = NDArray[Any]

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
FIELDS: dict[str, Any] = {
    "network": Network,
    "theta": np.ndarray,
    "optimizer": Optimizer | LBFGS | None,
    "state": State | None,
}


class TrainedNetwork(NamedTuple):
    """A network with its parameters, as a file contains it.

    Attributes
    ----------
    network : Network
    theta : array (parameters,)
        The parameters to predict with; after early stopping, the best ones.
    optimizer : Optimizer or LBFGS, optional
    state : State, optional
        What ``chainrule.train(…, state=…)`` continues from, with the same results as without a
        break.
    """

    network: Network
    theta: Array
    optimizer: Optimizer | LBFGS | None = None
    state: State | None = None

    def predict(self, x: ArrayLike) -> Array:
        """Return the prediction p, (n, outputs), for samples (n, inputs)."""
        return self.network.predict(self.theta, x)


def trained_network(run: Run) -> TrainedNetwork:
    """Return the network of a run, with its parameters and state."""
    return TrainedNetwork(run.network, run.theta, run.optimizer, run.state)


def save_network(path: str | os.PathLike[str], trained: TrainedNetwork) -> None:
    """Write a network to a file."""
    check_network(trained)
    write(path, "network", trained._asdict(), engine_types())


def network_of(
    content: Content, path: str | os.PathLike[str], functions: Functions | None = None
) -> TrainedNetwork:
    """Return the network in the content of a file.

    Raises
    ------
    InputError
        If its parts do not fit each other, or functions are missing.
    """
    with errors_about(path):
        values = values_of(content.body, content.arrays, engine_types(), functions)
        require_fields(values, FIELDS, "a network file")
        trained = TrainedNetwork(**values)
        check_network(trained)
        return trained


def check_network(trained: TrainedNetwork) -> None:
    """Raise InputError unless the parts of a network fit each other."""
    layout = trained.network.layout
    check_vector(trained.theta, layout, "theta")
    if trained.state is not None:
        check_vector(trained.state.theta, layout, "state.theta", trained.theta.dtype)
        check_state(trained.state, trained.optimizer, layout)


def check_state(state: State, optimizer: Optimizer | LBFGS | None, layout: Layout) -> None:
    """Raise DamagedFileError unless a state fits the optimizer and the layout."""
    names = ("step", "seed", "epoch", "batch", "best_epoch")
    for name in names:
        if getattr(state, name) < 0:
            raise DamagedFileError(f"the state has {name}={getattr(state, name)}")
    if state.engine not in ("reference", "compiled"):
        raise DamagedFileError(f"the state has the engine {state.engine!r:.80}")
    wanted = len(optimizer.slots) if isinstance(optimizer, Optimizer) else 0
    if len(state.slots) != wanted:
        raise DamagedFileError(f"the state has {len(state.slots)} averages, not {wanted}")
    for i, slot in enumerate(state.slots):
        check_vector(slot, layout, f"slot {i}", state.theta.dtype)
    if state.best_theta is not None:
        check_vector(state.best_theta, layout, "best_theta", state.theta.dtype)


def check_vector(vector: Array, layout: Layout, what: str, dtype: Any = None) -> None:
    """Raise DamagedFileError unless a vector has the size of θ, and a precision."""
    if vector.shape != (layout.size,):
        raise DamagedFileError(
            f"{what} has shape {vector.shape}, but the network has {layout.size} parameters"
        )
    if vector.dtype not in ((dtype,) if dtype is not None else FLOATS):
        raise DamagedFileError(f"{what} has the type {vector.dtype}")
