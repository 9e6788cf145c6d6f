"""The training history of an estimator: the state to resume from, its curves, and when to stop.

`start_history` and `resume_history` create it for a fit, and `make_run` creates the engine's run.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from chainrule import loops
from chainrule.batch import Batch
from chainrule.chunks import Chunks
from chainrule.compiled import describe
from chainrule.distributed import as_parallel
from chainrule.errors import InputError
from chainrule.estimators.hyperparameters import Hyperparameters
from chainrule.estimators.progress import warn
from chainrule.estimators.solvers import EpochCounts, make_optimizer
from chainrule.lbfgs_search import CurvatureMemory, SearchLimits
from chainrule.loops import Batches, State
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.training import Run, Settings, train

Array: TypeAlias = NDArray[Any]

AUTO_BATCH_SIZE = 200
FTOL = 1e7 * np.finfo(float).eps  # SciPy's default: L-BFGS ends if an iteration gains less


# ---- when to stop -------------------------------------------------------------------------------


class Plateau(NamedTuple):
    """The epochs without an improvement so far.

    Attributes
    ----------
    epochs : int
        Consecutive epochs without an improvement by more than the tolerance.
    best : float
        The best score so far.
    """

    epochs: int = 0
    best: float = -math.inf


class StoppingRule(NamedTuple):
    """scikit-learn's rule: stop after more than `patience` epochs without an improvement.

    Attributes
    ----------
    tol : float
        An epoch improves if its score exceeds the best one by at least this much.
    patience : float
        Infinite if the rule never stops a run.
    """

    tol: float
    patience: float

    def update(self, plateau: Plateau, score: float) -> Plateau:
        """Return the plateau after an epoch with this score; a NaN counts as an improvement."""
        epochs = plateau.epochs + 1 if score < plateau.best + self.tol else 0
        return Plateau(epochs, max(plateau.best, score))

    def should_stop(self, plateau: Plateau) -> bool:
        """Return whether training should stop."""
        return plateau.epochs > self.patience

    def first_stop(self, plateau: Plateau, scores: Iterable[float]) -> int | None:
        """Return after how many epochs with these scores the rule stops a run, or None."""
        for epochs, score in enumerate(scores, 1):
            plateau = self.update(plateau, score)
            if self.should_stop(plateau):
                return epochs
        return None

    def epochs_before_stop(self, plateau: Plateau, left: int) -> int:
        """Return how many of the epochs left pass before the earliest stop, at least 1."""
        return int(max(1, min(left, self.patience + 1 - plateau.epochs)))


# ---- the history --------------------------------------------------------------------------------


class Checkpoint(NamedTuple):
    """How far training has come: values that belong together and change together.

    Attributes
    ----------
    state : State
        After the last update.
    plateau : Plateau
        For the stopping rule.
    best_theta : array (parameters,), optional
        The parameters of the best validation score.
    samples : int
        Samples seen in all fits.
    epochs : int
        Epochs of the last fit.
    """

    state: State
    plateau: Plateau = Plateau()
    best_theta: Array | None = None
    samples: int = 0
    epochs: int = 0


class Fingerprint(NamedTuple):
    """What tells one data set from another, without keeping it.

    Attributes
    ----------
    shape : tuple of int
    total : float
        The sum of the samples.
    checksum : int
        Of the targets and weights, in their order.
    """

    shape: tuple[int, ...]
    total: float
    checksum: int


@dataclass
class TrainingHistory:
    """The history of an estimator's training, over all of its fits.

    Parameters
    ----------
    checkpoint : Checkpoint
    optimizer : Optimizer or LBFGS
        The optimizer that the checkpoint's state belongs to.
    learning_rate : float, optional
        The present value of an adaptive learning rate.
    reason : str
        Why the last fit ended.
    losses, validation_losses, scores : list of float
        One for each epoch.
    fingerprint : Fingerprint, optional
        Of the data of the last fit.
    memory : CurvatureMemory, optional
        What L-BFGS knows of the curvature of their loss.
    """

    checkpoint: Checkpoint
    optimizer: Optimizer | LBFGS
    learning_rate: float | None = None
    reason: str = ""
    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    fingerprint: Fingerprint | None = None
    memory: CurvatureMemory | None = None

    @property
    def state(self) -> State:
        """The state after the last update."""
        return self.checkpoint.state

    @property
    def plateau(self) -> Plateau:
        """The epochs without an improvement."""
        return self.checkpoint.plateau

    @property
    def best_theta(self) -> Array | None:
        """The parameters of the best validation score, (parameters,)."""
        return self.checkpoint.best_theta

    @property
    def samples(self) -> int:
        """Samples seen in all fits."""
        return self.checkpoint.samples

    @property
    def epochs(self) -> int:
        """Epochs of the last fit."""
        return self.checkpoint.epochs

    def append(
        self,
        checkpoint: Checkpoint,
        losses: list[float],
        validation_losses: list[float],
        scores: list[float],
    ) -> None:
        """Append epochs and store the checkpoint after them.

        An interruption arrives between statements, or after a call: since this is one statement
        without calls, it leaves everything stored, or nothing.

        Parameters
        ----------
        checkpoint : Checkpoint
            After these epochs.
        losses, validation_losses, scores : list of float
            Of these epochs; the last two are empty without validation data.
        """
        i, j, k = len(self.losses), len(self.validation_losses), len(self.scores)
        new = losses, validation_losses, scores, checkpoint
        self.losses[i:], self.validation_losses[j:], self.scores[k:], self.checkpoint = new


def start_history(
    params: Hyperparameters, network: Network, n: int, theta: Array, seed: int
) -> TrainingHistory:
    """Return the history of an estimator before its first update.

    Parameters
    ----------
    params : Hyperparameters
    network : Network
    n : int
        The number of training samples.
    theta : array (parameters,)
        The initial parameters, not copied.
    seed : int
    """
    optimizer = make_optimizer(params, epoch_counts(params, n, None))
    return TrainingHistory(Checkpoint(initial_state(theta, optimizer, network, seed)), optimizer)


def resume_history(
    params: Hyperparameters, network: Network, n: int, theta: Array, before: TrainingHistory
) -> TrainingHistory:
    """Return a copy of a history from which training is resumed.

    Parameters
    ----------
    params : Hyperparameters
    network : Network
    n : int
        The number of training samples.
    theta : array (parameters,)
        The estimator's parameters; if the user has modified them, training is resumed from them.
    before : TrainingHistory
        Is not modified.
    """
    optimizer = make_optimizer(params, epoch_counts(params, n, before))
    state = before.state
    last = state.theta if before.best_theta is None else before.best_theta
    if not np.array_equal(theta, last):
        state = state._replace(theta=theta.copy())
    if type(optimizer) is not type(before.optimizer):  # whose averages have another meaning
        fresh = initial_state(state.theta, optimizer, network, state.seed)
        state = fresh._replace(epoch=state.epoch)
    return replace(
        before,
        checkpoint=before.checkpoint._replace(state=state, epochs=0),
        optimizer=optimizer,
        reason="",
        losses=[*before.losses],
        scores=[*before.scores],
        validation_losses=[*before.validation_losses],
    )


def restart_rule(params: Hyperparameters, before: TrainingHistory, n: int) -> TrainingHistory:
    """Return a history whose stopping rule, best weights and adaptive rate begin anew."""
    checkpoint = before.checkpoint._replace(plateau=Plateau(), best_theta=None)
    history = replace(before, checkpoint=checkpoint, learning_rate=None)
    history.optimizer = make_optimizer(params, epoch_counts(params, n, history))
    return history


def initial_state(theta: Array, optimizer: Optimizer | LBFGS, network: Network, seed: int) -> State:
    """Return the state before the first update."""
    if isinstance(optimizer, LBFGS):
        return State(theta, 0, (), seed)
    return loops.initial_state(theta, optimizer, network.layout, seed)


def epoch_counts(params: Hyperparameters, n: int, before: TrainingHistory | None) -> EpochCounts:
    """Return the counts that schedules by epochs depend on."""
    size = AUTO_BATCH_SIZE if isinstance(params.batch_size, str) else int(params.batch_size)
    updates = -(-n // min(size, n))
    if before is None:
        return EpochCounts(n, updates)
    done = before.state.step - before.state.batch
    return EpochCounts(n, updates, before.samples, done, before.learning_rate)


# ---- the run ------------------------------------------------------------------------------------


class TrainingData(NamedTuple):
    """Validated training data.

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

    @property
    def arrays(self) -> dict[str, Array | None]:
        """The arrays by what messages call them."""
        return {"X": self.X, "y": self.t, "sample_weight": self.weight}

    def take(self, rows: NDArray[np.intp]) -> "TrainingData":
        """Return some of the samples."""
        return TrainingData(
            self.X[rows], self.t[rows], None if self.weight is None else self.weight[rows]
        )


def fingerprint_of(data: TrainingData) -> Fingerprint:
    """Return the fingerprint of training data; equal data have equal ones."""
    checksum = crc32(np.ascontiguousarray(data.t).data)
    if data.weight is not None:
        checksum = crc32(np.ascontiguousarray(data.weight).data, checksum)
    with np.errstate(over="ignore"):
        return Fingerprint(data.X.shape, float(data.X.sum()), checksum)


def make_run(
    params: Hyperparameters,
    network: Network,
    data: TrainingData,
    epochs: int,
    history: TrainingHistory,
) -> Run:
    """Return a run that starts from the state of a history."""
    uses_lbfgs = isinstance(history.optimizer, LBFGS)
    run = train(
        network,
        data.X,
        data.t,
        history.optimizer,
        epochs=epochs,
        batch_size=None if uses_lbfgs else batch_size(params, len(data.X)),
        shuffle=bool(params.shuffle),
        sample_weight=data.weight,
        state=history.state,
        engine=params.engine,
        communicator=params.communicator,
    )
    limits = SearchLimits(params.max_fun, FTOL, history.memory)
    return run.with_search_limits(limits) if uses_lbfgs else run


def make_chunk_run(
    params: Hyperparameters,
    network: Network,
    chunks: Chunks,
    sample: Batch,
    n: int,
    epochs: int,
    history: TrainingHistory,
) -> Run:
    """Return a run on chunks that starts from the state of a history.

    Parameters
    ----------
    params : Hyperparameters
    network : Network
    chunks : Chunks
    sample : Batch
        Some of the samples.
    n : int
        The number of samples of an epoch.
    epochs : int
    history : TrainingHistory
    """
    state, size = history.state, batch_size(params, n)
    engine = state.engine if params.engine == "auto" and state.step else params.engine
    choice = describe(
        network,
        history.optimizer,
        rows=n,
        batch_size=size,
        dtype=sample.x.dtype,
        engine=engine,
    )
    parallel = as_parallel(params.communicator)
    if parallel is not None:
        choice = replace(choice, threads=1)  # sums by several threads have other bytes
    settings = Settings(
        epochs, Batches(size), None, None, 1, loss_after_epoch=False, parallel=parallel
    )
    return Run(
        network,
        sample,
        None,
        history.optimizer,
        settings,
        state.theta,
        state.seed,
        state,
        choice,
        chunks,
    )


def batch_size(params: Hyperparameters, n: int) -> int:
    """Return the number of samples in a batch, at most n."""
    if isinstance(params.batch_size, str):
        return min(AUTO_BATCH_SIZE, n)
    if params.batch_size > n:
        warn(
            f"Got `batch_size` {params.batch_size} larger than sample size {n}. It is going to be "
            "clipped"
        )
    return min(int(params.batch_size), n)


def seed_from(random_state: Any) -> int:
    """Return the seed of a run: `random_state` if it is an integer, else a random one.

    Raises
    ------
    InputError
        If `random_state` is not a nonnegative integer, a RandomState or None.
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
