"""What a run begins with: checked data, the first parameters, and the engine that computes it."""

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.batch import Batch, as_numeric, check_finite
from chainrule.compiled import EngineChoice, describe
from chainrule.descriptions import check_type
from chainrule.errors import InputError
from chainrule.loops import State
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.sparse_samples import SamplesLike, SparseSamples, holds_sparse

Array: TypeAlias = NDArray[Any]


def initial_theta(
    network: Network, x: SamplesLike, theta: ArrayLike | None, state: State | None, seed: int
) -> Array:
    """Return the validated θ, (parameters,), that a run begins with."""
    samples: Any = x
    if not holds_sparse(x):
        samples = as_numeric(samples, "X")
    if state is not None:
        check_type(state, State, "state", "give the state of a run, such as run.state")
        theta = state.theta
    if theta is None:
        single = samples.dtype.newbyteorder("=") == np.float32
        start = network.initialize(seed, np.float32 if single else np.float64)
    else:
        start = network.layout.check(theta)
    check_finite(start, "theta", "begin with finite parameters")
    return start


def choose_engine(
    network: Network,
    optimizer: Optimizer | LBFGS,
    data: Batch,
    batch_size: int | None,
    engine: str,
    state: State | None,
) -> EngineChoice:
    """Return the engine of a run; for a continued state, "auto" means its previous engine."""
    if engine == "auto" and state and state.step:
        engine = state.engine
    if data.weight is not None and data.weight.ndim == 2:  # the kernels take a weight for a sample
        if engine == "compiled":
            raise InputError(
                f"sample_weight has shape {data.weight.shape}, which the compiled engine does not "
                "take; give a weight for each sample, or engine='auto'"
            )
        engine = "reference"
    choice = describe(
        network,
        optimizer,
        rows=len(data.x),
        batch_size=batch_size,
        dtype=data.x.dtype,
        engine=engine,
        entries=data.x.values.size if isinstance(data.x, SparseSamples) else None,
    )
    if engine == "auto" and choice.missing:
        say_once(choice.reason)
    return choice


@cache
def say_once(reason: str) -> None:
    """Warn once for each reason that training runs on the slower reference engine."""
    warnings.warn(f"training runs on the reference engine: {reason}", RuntimeWarning, stacklevel=4)


def prepare(
    network: Network, theta: Array, x: SamplesLike, t: ArrayLike, weights: ArrayLike | None
) -> Batch:
    """Return data as a batch of all samples, checked to be finite."""
    batch = network.batch(theta, x, t, weights)
    check_finite(batch.x, "X")
    return batch


def prepare_pair(network: Network, theta: Array, validation: Sequence[Any]) -> Batch:
    """Return validation data as a batch; errors name ``validation`` as their source."""
    if not (isinstance(validation, tuple | list) and len(validation) == 2):
        raise InputError(f"validation is a {type(validation).__name__}; give a pair (X, y)")
    x, t = validation
    try:
        return prepare(network, theta, x, t, None)
    except InputError as error:
        raise InputError(f"validation: {error}") from None
