"""A run of chainrule's engine for an estimator: new, or going on where the last one ended.

It puts together what the engine is asked; the engine does the work.
"""

from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from chainrule import loops
from chainrule.errors import InputError
from chainrule.estimators.choices import Choices
from chainrule.estimators.course import Course, Reached
from chainrule.estimators.solvers import Pace, optimizer_of
from chainrule.estimators.warned import warn
from chainrule.loops import State
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.training import Run, SearchLimits, train

Array: TypeAlias = NDArray[Any]

AUTO = 200  # samples of a batch
STANDSTILL = 1e7 * np.finfo(float).eps  # SciPy's ftol: L-BFGS ends where a step gains less


class Samples(NamedTuple):
    """Checked data.

    Attributes
    ----------
    X : array (n, features)
    t : array (n, outputs) or (n,)
        Targets as the network takes them.
    weight : array (n,), optional
    """

    X: Array
    t: Array
    weight: Array | None

    def take(self, rows: NDArray[np.intp]) -> "Samples":
        """Return some of the samples."""
        return Samples(
            self.X[rows], self.t[rows], None if self.weight is None else self.weight[rows]
        )


def seed_of(random_state: Any) -> int:
    """Return the seed of a run: a whole number as it is, else one that is drawn.

    Raises
    ------
    InputError
        If it is no whole number, RandomState or None.
    """
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        if random_state < 0:
            raise InputError(f"random_state={random_state}: give a whole number from 0, or None")
        return int(random_state)
    try:
        generator = check_random_state(random_state)
    except ValueError as error:
        raise InputError(f"random_state={random_state!r}: {error}; give a number or None") from None
    return int(generator.randint(np.iinfo(np.int32).max))


def batch_size(choices: Choices, n: int) -> int:
    """Return the samples of a batch, at most n."""
    if isinstance(choices.batch_size, str):
        return min(AUTO, n)
    if choices.batch_size > n:
        warn(
            f"Got `batch_size` {choices.batch_size} larger than sample size {n}. It is going to be "
            "clipped"
        )
    return min(int(choices.batch_size), n)


def run_of(choices: Choices, network: Network, data: Samples, epochs: int, course: Course) -> Run:
    """Return a run from where the course is; its optimizer is noted there.

    Parameters
    ----------
    choices : Choices
    network : Network
    data : Samples
        To train on.
    epochs : int
    course : Course
    """
    n, state = len(data.X), course.state
    searching = isinstance(course.optimizer, LBFGS)
    size = None if searching else batch_size(choices, n)
    run = train(
        network,
        data.X,
        data.t,
        course.optimizer,
        epochs=epochs,
        batch_size=size,
        shuffle=bool(choices.shuffle),
        sample_weight=data.weight,
        state=state,
        engine=choices.engine,
    )
    if searching:
        return run.with_search_limits(SearchLimits(choices.max_fun, STANDSTILL))
    return run


def begun(choices: Choices, network: Network, n: int, theta: Array, seed: int) -> Course:
    """Return a course at its beginning.

    Parameters
    ----------
    choices : Choices
    network : Network
    n : int
        Samples to train on.
    theta : array (parameters,)
        Is kept.
    seed : int
    """
    optimizer = optimizer_of(choices, pace_of(choices, n, None))
    return Course(Reached(fresh_state(theta, optimizer, network, seed)), optimizer)


def continued(choices: Choices, network: Network, n: int, theta: Array, before: Course) -> Course:
    """Return a course that goes on after another, which stays as it is.

    Parameters
    ----------
    choices : Choices
    network : Network
    n : int
        Samples to train on.
    theta : array (parameters,)
        What the estimator predicts with; where somebody has changed it, training goes on from it.
    before : Course
    """
    optimizer = optimizer_of(choices, pace_of(choices, n, before))
    state = before.state
    last = state.theta if before.best_theta is None else before.best_theta
    if not np.array_equal(theta, last):
        state = state._replace(theta=theta.copy())
    if type(optimizer) is not type(before.optimizer):  # its averages mean something else
        fresh = fresh_state(state.theta, optimizer, network, state.seed)
        state = fresh._replace(epoch=state.epoch)
    return replace(
        before,
        reached=before.reached._replace(state=state, epochs=0),
        optimizer=optimizer,
        reason="",
        losses=[*before.losses],
        scores=[*before.scores],
        validation_losses=[*before.validation_losses],
    )


def fresh_state(theta: Array, optimizer: Optimizer | LBFGS, network: Network, seed: int) -> State:
    """Return the state before the first update."""
    if isinstance(optimizer, LBFGS):
        return State(theta, 0, (), seed)
    return loops.initial_state(theta, optimizer, network.layout, seed)


def pace_of(choices: Choices, n: int, before: Course | None) -> Pace:
    """Return what schedules by epochs have to know."""
    size = AUTO if isinstance(choices.batch_size, str) else int(choices.batch_size)
    updates = -(-n // min(size, n))
    if before is None:
        return Pace(n, updates)
    done = before.state.step - before.state.batch
    return Pace(n, updates, before.samples, done, before.learning_rate)
