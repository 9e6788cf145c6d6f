"""Estimators that are fitted by several processes together."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from chainrule.distributed import DataParallel, SingleProcess
from chainrule.errors import InputError
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.files import Checkpoints
from tests.distributed.threads import ThreadRank, on_threads

rng = np.random.default_rng(2)
X = rng.normal(size=(90, 4))
CLASSES, NUMBERS = (X[:, 0] > 0).astype(int), X @ [1.0, 2.0, 0.0, -1.0]
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (6,),
    "max_iter": 8,
    "tol": 1e-4,
    "batch_size": 20,
    "random_state": 1,
}
CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "plain": (MLPClassifier, CLASSES, {}),
    "numbers": (MLPRegressor, NUMBERS, {"dropout": 0.2}),
    "early stopping": (MLPClassifier, CLASSES, {"early_stopping": True, "n_iter_no_change": 2}),
    "adaptive": (
        MLPRegressor,
        NUMBERS,
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1.0},
    ),
    "lbfgs": (MLPRegressor, NUMBERS, {"solver": "lbfgs", "batch_size": "auto"}),
    "callbacks": (
        MLPClassifier,
        CLASSES,
        {"callbacks": [lambda _, record: record.epoch == 3]},
    ),
}


def fit(name: str, communicator: Any) -> Any:
    """Return a fitted estimator."""
    cls, y, changes = CASES[name]
    return cls(**{**SETTINGS, **changes}, communicator=communicator).fit(X, y)


def result(estimator: Any) -> tuple[Any, ...]:
    """Return what a fit has computed."""
    arrays = [array.tobytes() for array in (*estimator.coefs_, *estimator.intercepts_)]
    return arrays, estimator.loss_curve_, estimator.n_iter_, estimator.stop_reason_


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer", "ignore:lbfgs failed")
@pytest.mark.parametrize("name", CASES)
def test_any_number_of_ranks_fits_the_same_bytes(name: str):
    expected = result(fit(name, SingleProcess()))

    def program(rank: ThreadRank) -> Any:
        return result(fit(name, rank))

    assert on_threads(3, program) == [expected] * 3


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_without_a_seed_all_ranks_take_that_of_rank_0():
    def program(rank: ThreadRank) -> Any:
        made = MLPRegressor(**{**SETTINGS, "random_state": None}, communicator=rank)
        return result(made.fit(X, NUMBERS))

    first, second = on_threads(2, program)
    assert first == second


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_rank_0_writes_checkpoints_and_another_number_of_ranks_continues(tmp_path: Path):
    saves = Checkpoints(str(tmp_path / "fit"), every=2)

    def fitted(communicator: Any, epochs: int, callbacks: Any = None) -> Any:
        settings = {**SETTINGS, "max_iter": epochs, "callbacks": callbacks}
        return MLPRegressor(**settings, communicator=communicator).fit(X, NUMBERS)

    on_threads(2, lambda rank: result(fitted(rank, 4, [saves])))
    expected = result(fitted(SingleProcess(), 8))
    assert on_threads(3, lambda rank: result(fitted(rank, 8, [saves]))) == [expected] * 3


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_fit_with_other_blocks_is_another_one(tmp_path: Path):
    saves = Checkpoints(str(tmp_path / "fit"), every=2)
    settings = {**SETTINGS, "callbacks": [saves]}
    MLPRegressor(**settings, communicator=SingleProcess()).fit(X, NUMBERS)
    for other in (None, DataParallel(SingleProcess(), blocks=4)):
        with pytest.raises(InputError, match="of which communicator differ"):
            MLPRegressor(**settings, communicator=other).fit(X, NUMBERS)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_the_communicator_is_not_saved(tmp_path: Path):
    made = fit("plain", SingleProcess())
    made.save(tmp_path / "model.safetensors")
    loaded = MLPClassifier.load(tmp_path / "model.safetensors")
    assert loaded.communicator is None
    assert loaded.predict(X).tolist() == made.predict(X).tolist()


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_estimators_with_a_communicator_are_cloned_and_pickled():
    made = fit("plain", SingleProcess())
    cloned: Any = clone(made)
    copied, pickled = copy.deepcopy(made), pickle.loads(pickle.dumps(made))  # noqa: S301 (made here)
    for other in (cloned, copied, pickled):
        assert isinstance(other.communicator, SingleProcess)


def test_chunks_are_refused():
    with pytest.raises(InputError, match="these chunks cannot be divided among processes"):
        MLPRegressor(communicator=SingleProcess()).fit([(X, NUMBERS)])


def test_something_else_than_a_communicator_is_refused():
    wrong: Any = "mpi"
    with pytest.raises(InputError, match=r"give one of chainrule.distributed, such as MPI\(\)"):
        MLPRegressor(communicator=wrong).fit(X, NUMBERS)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_weights_that_a_callback_of_one_rank_sets_are_those_of_rank_0():
    def halved(estimator: Any, record: Any) -> None:
        if record.epoch == 2:
            estimator.coefs_ = [0.5 * array for array in estimator.coefs_]

    def program(rank: ThreadRank) -> Any:
        callbacks = [halved] if rank.rank == 0 else [lambda *_: None]
        made = MLPRegressor(**SETTINGS, communicator=rank, callbacks=callbacks)
        return result(made.fit(X, NUMBERS))

    expected = MLPRegressor(**SETTINGS, communicator=SingleProcess(), callbacks=[halved])
    assert on_threads(2, program) == [result(expected.fit(X, NUMBERS))] * 2
