"""Early stopping: when it stops, what counts as an improvement, and which parameters remain.

Most runs here have a metric that returns values from a list, so that every stop is known.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pytest

import chainrule
from chainrule import LBFGS, SGD, Adam, EarlyStopping, Run, mlp

Array: TypeAlias = np.ndarray[Any, Any]

# Numbers are compared exactly; tests/laws/test_engines.py compares the engines.
train: Any = partial(chainrule.train, engine="reference")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 3)), RNG.normal(size=(10, 2))
NET = mlp(3, 4, 2, activation="tanh", loss="squared-error")


def scripted(*scores: float) -> Callable[[Array, Array], float]:
    """Return a metric whose values are these scores, in order."""
    left = iter(scores)
    return lambda *_: next(left)


def run_of(*scores: float, every: int = 1, epochs: int | None = None, **stop: Any) -> Run:
    """Return a finished run whose records have the given scores."""
    run = train(
        NET,
        X,
        Y,
        SGD(0.3),
        batch_size=4,
        metric=scripted(*scores),
        record_every=every,
        epochs=len(scores) * every if epochs is None else epochs,
        early_stopping=EarlyStopping(monitor="metric", **stop),
    )
    run.finish()
    return run


def theta_after(epochs: int) -> bytes:
    """Return the parameters, as bytes, of a run without early stopping."""
    run = train(NET, X, Y, SGD(0.3), batch_size=4, epochs=epochs)
    if epochs:
        run.finish()
    return run.theta.tobytes()


@pytest.mark.parametrize(
    ("scores", "patience", "stops", "best"),
    [
        ([1, 2, 3, 2, 2, 2, 9], 3, 6, 3),
        ([1, 0, 2, 0, 3, 0, 0, 9], 2, 7, 5),
        ([5, 4, 9], 1, 2, 1),
        ([1, 1, 1, 9], 2, 3, 1),  # an equal score is no improvement
        ([-3, -2, -1, -2, -2, 0], 2, 5, 3),
        ([math.nan, 1, 0, 0, 9], 2, 4, 2),
        ([3, math.nan, math.nan, 9], 2, 3, 1),
    ],
)
def test_on_the_metric(scores: list[float], patience: int, stops: int, best: int):
    run = run_of(*scores, patience=patience)
    assert run.reason == "early stopping"
    assert len(run.history) == stops
    assert (run.state.epoch, run.state.best_epoch) == (stops, best)
    assert run.theta.tobytes() == theta_after(best)
    assert run.state.theta.tobytes() == theta_after(stops)


@pytest.mark.parametrize(
    ("scores", "min_delta", "stops", "best"),
    [
        ([1, 1.05, 1.1, 1.15, 9], 0.2, 4, 1),
        ([1, 1.05, 1.1, 1.25, 1.3, 1.3, 1.4], 0.2, 7, 4),  # small steps add up to an improvement
        ([1, 1.5, 1.5, 1.5, 9], 0.5, 4, 1),  # an increase of exactly min_delta is none
        ([1, 1.5, 1.5, 1.5, 1.5, 9], 0.49, 5, 2),
    ],
)
def test_what_counts_as_an_improvement(
    scores: list[float], min_delta: float, stops: int, best: int
):
    run = run_of(*scores, patience=3, min_delta=min_delta)
    assert (len(run.history), run.state.best_epoch) == (stops, best)
    assert run.theta.tobytes() == theta_after(best)


def test_patience_is_counted_in_records():
    run = run_of(1, 2, 1, 1, 9, every=5, patience=2)
    assert [r.epoch for r in run.history] == [5, 10, 15, 20]
    assert run.state.best_epoch == 10
    assert run.theta.tobytes() == theta_after(10)


def test_a_short_last_interval_counts_by_its_epochs():
    run = run_of(1, 0, 0, every=5, epochs=12, patience=2)  # 5, 10, and 12
    assert [r.epoch for r in run.history] == [5, 10, 12]
    assert run.reason == "epochs"


def test_the_best_parameters_remain_when_the_epochs_end_first():
    run = run_of(1, 3, 2, 2, patience=9)
    assert run.reason == "epochs"
    assert run.theta.tobytes() == theta_after(2)
    np.testing.assert_allclose(run.predict(X), NET.predict(run.theta, X), rtol=1e-13)


def test_before_the_end_the_parameters_are_the_last_ones():
    run = train(
        NET,
        X,
        Y,
        SGD(0.3),
        batch_size=4,
        epochs=3,
        metric=scripted(3, 2, 1),
        early_stopping=EarlyStopping(monitor="metric"),
    )
    for record in run:
        assert run.theta.tobytes() == theta_after(record.epoch)
    assert run.theta.tobytes() == theta_after(1)


def test_a_stopped_run_stays_stopped():
    run = run_of(1, 0, 9, patience=1)
    last, state = run.history[-1], run.state
    assert run.finish() is last
    assert list(run) == []
    assert run.state is state


def test_without_patience_left_a_continued_run_stops_at_its_first_record():
    first = run_of(5, 1, 1, patience=2)
    stop = EarlyStopping(patience=2, monitor="metric")
    more = {"batch_size": 4, "early_stopping": stop, "state": first.state, "epochs": 5}
    second = train(NET, X, Y, SGD(0.3), **more, metric=scripted(1, 9))
    assert (second.finish().epoch, second.reason) == (4, "early stopping")
    assert second.theta.tobytes() == theta_after(1)
    third = train(NET, X, Y, SGD(0.3), **more, metric=scripted(6, 0, 0))
    assert (third.finish().epoch, third.state.best_epoch) == (6, 4)
    assert third.theta.tobytes() == theta_after(4)


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
def test_a_continued_run_equals_an_uninterrupted_one(cut: int):
    scores = [1.0, 2.0, 3.0, 2.5, 2.0, 1.0]
    stop = EarlyStopping(patience=4, monitor="metric")
    whole = run_of(*scores, patience=4)
    first = train(
        NET, X, Y, SGD(0.3), batch_size=4, epochs=cut, metric=scripted(*scores), early_stopping=stop
    )
    first.finish()
    second = train(
        NET,
        X,
        Y,
        SGD(0.3),
        batch_size=4,
        epochs=6 - cut,
        metric=scripted(*scores[cut:]),
        early_stopping=stop,
        state=first.state,
    )
    second.finish()
    assert second.theta.tobytes() == whole.theta.tobytes()
    assert second.state.theta.tobytes() == whole.state.theta.tobytes()
    assert second.state.best_epoch == whole.state.best_epoch == 3


# ---- on the loss ---------------------------------------------------------------------------------


def validation_losses(run: Run) -> list[float]:
    """Return the validation loss of every record."""
    return [r.validation_loss for r in run.history if r.validation_loss is not None]


def test_on_the_validation_loss():
    stop = EarlyStopping(patience=5)
    xv, yv = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2))
    run = train(NET, X, Y, Adam(0.05), epochs=500, early_stopping=stop, validation=(xv, yv))
    run.finish()
    losses = validation_losses(run)
    best = losses.index(min(losses))
    assert run.reason == "early stopping"
    assert len(losses) == best + 1 + 5
    assert best > 5  # it improves at first, so stopping at the first record would fail
    assert NET.loss_and_gradient(run.theta, xv, yv)[0] == pytest.approx(losses[best], rel=1e-14)
    assert run.history[-1].loss < run.history[best].loss  # the training loss still decreases


def test_on_the_training_loss_without_validation():
    run = train(
        NET,
        X,
        Y,
        SGD(3.0),
        epochs=500,
        early_stopping=EarlyStopping(patience=4),
        loss_after_epoch=True,
    )
    run.finish()
    losses = [r.loss for r in run.history]
    assert len(losses) == np.argmin(losses) + 1 + 4
    assert NET.loss_and_gradient(run.theta, X, Y)[0] == pytest.approx(min(losses), rel=1e-14)


def test_min_delta_of_a_monitored_loss():
    settings: dict[str, Any] = {"epochs": 500, "record_every": 1}
    patient = train(NET, X, Y, SGD(0.1), **settings, early_stopping=EarlyStopping(3, 1e-6))
    strict = train(NET, X, Y, SGD(0.1), **settings, early_stopping=EarlyStopping(3, 0.01))
    assert strict.finish().epoch < patient.finish().epoch
    losses = [r.loss for r in strict.history]
    best = strict.state.best_epoch - 1
    assert losses[best] - min(losses[best + 1 :]) <= 0.01


def test_lbfgs_stops_and_keeps_the_best():
    xv, yv = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2))
    stop = EarlyStopping(patience=3)
    run = train(NET, X, Y, LBFGS(), epochs=30, early_stopping=stop, validation=(xv, yv))
    run.finish()
    losses = validation_losses(run)
    assert run.reason == "early stopping"
    assert len(losses) == losses.index(min(losses)) + 1 + 3
    assert NET.loss_and_gradient(run.theta, xv, yv)[0] == min(losses)
