"""Networks of `chainrule.train` in files: a saved run continues with the same bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import Checkpoints, EarlyStopping, InputError, TrainedNetwork, mlp, train
from chainrule.errors import DamagedFileError
from chainrule.files import engine_types, write
from chainrule.optimizers import OPTIMIZERS
from chainrule.training import Run
from tests.laws.nets import same_bits
from tests.rows import few_rows

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(10, 3)), RNG.integers(0, 2, 10)
NETWORK = mlp(3, 5, 2, activation="tanh", loss="softmax-cross-entropy", dropout=0.3)


def run_of(optimizer: Any, epochs: int, **options: Any) -> Run:
    settings: dict[str, Any] = {"batch_size": 4, "seed": 3, "engine": "reference"}
    run = train(NETWORK, X, Y, optimizer, epochs=epochs, **{**settings, **options})
    run.finish()
    return run


def same_state(one: Run, other: Run) -> bool:
    a, b = one.state.to_dict(), other.state.to_dict()
    return a.keys() == b.keys() and all(same_bits(a[name], b[name]) for name in a)


EPOCHWISE = [name for name in OPTIMIZERS if name != "lbfgs"]


@pytest.mark.parametrize("name", few_rows(EPOCHWISE, "adam"))
@pytest.mark.parametrize("dtype", few_rows(["float64", "float32"], "float64"))
def test_a_saved_run_continues_with_the_same_bytes(name: str, dtype: str, tmp_path: Path):
    theta = NETWORK.initialize(3, dtype)
    chainrule.save(run_of(name, 3, theta=theta), tmp_path / "run")
    saved = chainrule.load(tmp_path / "run")
    assert isinstance(saved, TrainedNetwork)
    assert (saved.network, saved.optimizer) == (NETWORK, OPTIMIZERS[name])
    continued = run_of(saved.optimizer, 4, state=saved.state, theta=theta)
    assert same_state(continued, run_of(name, 7, theta=theta))


def test_a_run_within_an_epoch(tmp_path: Path):
    run = train(NETWORK, X, Y, epochs=3, batch_size=4, seed=3, engine="reference")
    stages = run._stages()
    for _ in range(4):
        run.state = next(stages).state
    assert run.state.batch == 1
    chainrule.save(run, tmp_path / "run")
    state = chainrule.load(tmp_path / "run").state
    assert same_state(run_of("adam", 2, state=state), run_of("adam", 3))


def test_after_early_stopping_the_best_parameters_predict(tmp_path: Path):
    run = run_of("adam", 60, early_stopping=EarlyStopping(2, min_delta=0.05))
    assert run.reason == "early stopping"
    chainrule.save(run, tmp_path / "run")
    saved = chainrule.load(tmp_path / "run")
    assert not np.array_equal(saved.theta, saved.state.theta)
    assert same_bits(saved.theta, run.theta)
    assert same_bits(saved.predict(X), run.predict(X))


def test_lbfgs(tmp_path: Path):
    network = mlp(3, 4, 2, activation="tanh", loss="softmax-cross-entropy")
    run = train(network, X, Y, "lbfgs", epochs=5)
    run.finish()
    chainrule.save(run, tmp_path / "run")
    assert same_bits(chainrule.load(tmp_path / "run").predict(X), run.predict(X))


def test_parameters_without_a_run(tmp_path: Path):
    trained = TrainedNetwork(NETWORK, NETWORK.initialize(0))
    chainrule.save(trained, tmp_path / "network")
    found = chainrule.load(tmp_path / "network")
    assert (found.optimizer, found.state) == (None, None)
    assert same_bits(found.theta, trained.theta)


def test_parameters_of_another_network_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"theta has shape \(3,\), but the network has 32 param"):
        chainrule.save(TrainedNetwork(NETWORK, np.zeros(3)), tmp_path / "network")


STATE = run_of("adam", 1).state
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "fewer averages": ({"slots": STATE.slots[:1]}, "has 1 averages, not 2"),
    "short average": ({"slots": (STATE.theta, STATE.theta[1:])}, r"slot 1 has shape \(31,\)"),
    "other precision": ({"theta": STATE.theta.astype("f4")}, r"state\.theta has the type float32"),
    "short best": ({"best_theta": STATE.theta[1:]}, r"best_theta has shape \(31,\)"),
    "negative step": ({"step": -1}, "the state has step=-1"),
    "other engine": ({"engine": "x"}, "the state has the engine 'x'"),
    "text": ({"seed": "3"}, r"State\.seed is '3', of a wrong type"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_state_that_does_not_fit_is_refused(name: str, tmp_path: Path):
    changes, message = WRONG[name]
    trained = TrainedNetwork(NETWORK, STATE.theta, OPTIMIZERS["adam"], STATE._replace(**changes))
    write(tmp_path / "network", "network", trained._asdict(), engine_types())
    with pytest.raises(DamagedFileError, match=message):
        chainrule.load(tmp_path / "network")


# ---- checkpoints of a run -----------------------------------------------------------------------


class StoppedError(Exception):
    """Ends a program."""


def program(folder: Path, stop: int | None = None) -> Run:
    """Train for 8 epochs with checkpoints, as a user's program does; end it after some epochs."""
    checkpoints = Checkpoints(folder, every=2, keep=2)
    saved = checkpoints.load()
    state = None if saved is None else saved.state
    done = 0 if state is None else state.epoch
    run = train(
        NETWORK, X, Y, epochs=8 - done, state=state, batch_size=4, seed=3, engine="reference"
    )
    for record in run:
        checkpoints.save(run)
        if record.epoch == stop:
            raise StoppedError
    return run


def test_a_program_goes_on_where_it_was_stopped(tmp_path: Path):
    for stop in (3, 6, 7):
        with pytest.raises(StoppedError):
            program(tmp_path / "run", stop)
    names = [path.name for path in Checkpoints(tmp_path / "run").paths()]
    assert names == ["epoch-00000006.safetensors", "epoch-00000004.safetensors"]
    assert same_state(program(tmp_path / "run"), program(tmp_path / "other"))


def test_a_checkpoint_is_loaded_like_a_file(tmp_path: Path):
    run = program(tmp_path)
    found = chainrule.load(Checkpoints(tmp_path).paths()[0])
    assert same_bits(found.theta, run.theta)
