"""A run: its records, its updates, and continuing it after stopping anywhere.

The results are compared with a loop written here, from gradients and the order of samples.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

import chainrule
from chainrule import SGD, Adam, EarlyStopping, InputError, Momentum, Run, mlp
from chainrule.metrics import accuracy, r2
from chainrule.schedules import Schedule

Array: TypeAlias = np.ndarray[Any, Any]

# The reference loop is compared exactly; tests/laws/test_engines.py compares the engines.
train: Any = partial(chainrule.train, engine="reference")

RNG = np.random.default_rng(0)
N = 10
X, Y = RNG.normal(size=(N, 3)), RNG.normal(size=(N, 2))
XV, YV = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
NET = mlp(3, 4, 2, activation="tanh", loss="squared-error")
CLASSIFIER = mlp(3, 4, 3, activation="tanh", loss="softmax-cross-entropy")
RATE = 0.3


def by_hand(
    epochs: int, size: int, seed: int = 0, *, shuffle: bool = True
) -> Iterator[tuple[float, Array]]:
    """Yield each epoch's loss, the mean over samples of their batch's loss, and θ after it."""
    theta = NET.initialize(seed)
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(N) if shuffle else np.arange(N)
        total = 0.0
        for start in range(0, N, size):
            rows = order[start : start + size]
            loss, gradient = NET.loss_and_gradient(theta, X[rows], Y[rows])
            total += loss * len(rows)
            theta = theta - RATE * gradient
        yield total / N, theta


# ---- updates and records -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 4, 9, 10])
@pytest.mark.parametrize("shuffle", [True, False])
def test_losses_and_parameters_equal_those_of_the_loop_by_hand(size: int, shuffle: bool):
    run = train(NET, X, Y, SGD(RATE), epochs=3, batch_size=size, seed=5, shuffle=shuffle)
    hand = by_hand(3, size, 5, shuffle=shuffle and size < N)  # a full batch keeps its order
    for record, (loss, theta) in zip(run, hand, strict=True):
        np.testing.assert_allclose(record.loss, loss, rtol=1e-12)
        np.testing.assert_allclose(run.theta, theta, rtol=1e-12)


@pytest.mark.parametrize(
    ("batch", "updates"), [(None, 1), (1, 10), (3, 4), (4, 3), (5, 2), (9, 2), (10, 1), (99, 1)]
)
def test_updates_of_an_epoch(batch: int | None, updates: int):
    run = train(NET, X, Y, SGD(RATE), epochs=3, batch_size=batch)
    assert [(r.epoch, r.step) for r in run] == [(1, updates), (2, 2 * updates), (3, 3 * updates)]


def test_batches_as_large_as_the_data_are_full_batches():
    runs = [train(NET, X, Y, SGD(RATE), epochs=3, batch_size=batch) for batch in (None, N, 99)]
    assert len({(run.finish().loss, run.theta.tobytes()) for run in runs}) == 1


@pytest.mark.parametrize(
    ("epochs", "every", "seen"),
    [(10, 4, [4, 8, 10]), (10, 5, [5, 10]), (3, 10, [3]), (4, 1, [1, 2, 3, 4])],
)
def test_records_may_span_epochs(epochs: int, every: int, seen: list[int]):
    run = train(NET, X, Y, SGD(RATE), epochs=epochs, batch_size=4, record_every=every)
    losses = [loss for loss, _ in by_hand(epochs, 4)]
    records = list(run)
    assert [r.epoch for r in records] == seen
    assert [r.step for r in records] == [3 * epoch for epoch in seen]
    np.testing.assert_allclose([r.loss for r in records], [losses[e - 1] for e in seen], rtol=1e-12)


def test_records_that_span_epochs_change_no_update():
    runs = [train(NET, X, Y, Adam(), epochs=7, batch_size=4, record_every=n) for n in (1, 3, 7)]
    assert len({(run.finish().loss, run.theta.tobytes()) for run in runs}) == 1


@pytest.mark.parametrize("batch", [None, 4])
def test_loss_after_epoch_is_over_all_samples_at_the_new_parameters(batch: int | None):
    run = train(NET, X, Y, SGD(RATE), epochs=3, batch_size=batch, loss_after_epoch=True)
    for record in run:
        assert record.loss == pytest.approx(NET.loss_and_gradient(run.theta, X, Y)[0], rel=1e-14)


def test_a_full_batch_has_the_loss_from_before_its_update():
    afterwards = [r.loss for r in train(NET, X, Y, SGD(RATE), epochs=3, loss_after_epoch=True)]
    seen = [r.loss for r in train(NET, X, Y, SGD(RATE), epochs=4)]
    first = NET.loss_and_gradient(NET.initialize(0), X, Y)[0]
    assert seen == pytest.approx([first, *afterwards], rel=1e-14)


def test_validation():
    run = train(NET, X, Y, SGD(RATE), epochs=3, batch_size=4, validation=(XV, YV), metric="r2")
    for record in run:
        loss = NET.loss_and_gradient(run.theta, XV, YV)[0]
        assert record.validation_loss == pytest.approx(loss, rel=1e-14)
        assert record.metric == pytest.approx(r2_score(YV, run.predict(XV)))
    bare = train(NET, X, Y, SGD(RATE), epochs=3, batch_size=4)
    bare.finish()
    assert bare.theta.tobytes() == run.theta.tobytes()
    assert bare.history[-1].validation_loss is None


def test_a_metric_without_validation_uses_the_training_data():
    run = train(NET, X, Y, SGD(RATE), epochs=2, metric=lambda p, t: float(np.sum(p - t)))
    for record in run:
        assert record.metric == np.sum(NET.predict(run.theta, X) - Y)
    assert next(iter(train(NET, X, Y, epochs=1))).metric is None


def test_records_and_history():
    run = train(NET, X, Y, SGD(RATE), epochs=4, record_every=2)
    assert run.history == []
    assert run.reason is None
    records = list(run)
    assert run.history == records
    assert run.reason == "epochs"
    assert [r.learning_rate for r in records] == [RATE, RATE]
    assert 0 < records[0].seconds <= records[1].seconds
    assert run.finish() is records[-1]


# ---- metrics -------------------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", [1, 2, 4])
def test_r2_equals_scikit_learns(outputs: int):
    for seed in range(5):
        p, t = np.random.default_rng(seed).normal(size=(2, 20, outputs))
        assert r2(p, t) == pytest.approx(r2_score(t, p), rel=1e-12)
        t[:, 0] = 2.0  # a target without spread
        assert r2(p, t) == pytest.approx(r2_score(t, p), rel=1e-12)
        p[:, 0] = 2.0
        assert r2(p, t) == pytest.approx(r2_score(t, p), rel=1e-12)


def test_accuracy_equals_scikit_learns():
    run = train(CLASSIFIER, X, RNG.integers(0, 3, N), epochs=1, metric="accuracy")
    for seed in range(5):
        rng = np.random.default_rng(seed)
        labels, p = rng.integers(0, 3, 30), rng.dirichlet([1, 1, 1], 30)
        assert accuracy(p, np.eye(3)[labels]) == accuracy_score(labels, p.argmax(axis=1))
        yes, q = rng.integers(0, 2, (30, 1)), rng.uniform(size=(30, 1))
        assert accuracy(q, yes) == accuracy_score(yes, q > 0.5)
    record = run.finish()
    assert record.metric == accuracy_score(run.data.t.argmax(axis=1), run.predict(X).argmax(axis=1))


# ---- starting, ending, continuing ---------------------------------------------------------------


def test_no_epochs_change_nothing():
    run = train(NET, X, Y, SGD(RATE), epochs=0, seed=3)
    assert list(run) == []
    assert run.reason == "epochs"
    np.testing.assert_array_equal(run.theta, NET.initialize(3))
    with pytest.raises(InputError, match="no epochs left; ask for epochs=1 or more"):
        run.finish()


def test_finishing_twice_trains_once():
    run = train(NET, X, Y, SGD(RATE), epochs=3)
    last, theta = run.finish(), run.theta.tobytes()
    assert run.finish() is last
    assert list(run) == []
    assert run.theta.tobytes() == theta
    assert len(run.history) == 3


def state_of(run: Run) -> list[Any]:
    """Return the contents of a state, arrays as bytes."""
    state = run.state
    arrays = [a.tobytes() for a in (state.theta, *state.slots)]
    return [*arrays, state.step, state.epoch, state.batch, state.loss_sum, state.seed]


def finished(**settings: Any) -> Run:
    """Return an uninterrupted run."""
    run = train(NET, X, Y, **settings)
    run.finish()
    return run


SETTINGS: dict[str, Any] = {"optimizer": Adam(0.01), "epochs": 9, "batch_size": 4, "seed": 2}


@pytest.mark.parametrize("taken", [1, 2, 8])
def test_a_loop_left_early_can_be_continued(taken: int):
    run = train(NET, X, Y, **SETTINGS)
    assert [r.epoch for r in islice(run, taken)] == list(range(1, taken + 1))
    assert (run.state.epoch, run.reason) == (taken, None)
    assert [r.epoch for r in run] == list(range(taken + 1, 10))
    assert state_of(run) == state_of(finished(**SETTINGS))
    assert [r.epoch for r in run.history] == list(range(1, 10))


def test_epochs_count_from_a_given_state():
    first = finished(**(SETTINGS | {"epochs": 4}))
    more: dict[str, Any] = SETTINGS | {"epochs": 5, "seed": 99, "state": first.state}
    second = train(NET, X, Y, **more)
    assert [r.epoch for r in second] == [5, 6, 7, 8, 9]
    assert state_of(second) == state_of(finished(**SETTINGS))


def test_arguments_are_not_modified():
    theta = NET.initialize(0)
    arrays = [X.copy(), Y.copy(), theta, np.ones(N), XV.copy(), YV.copy()]
    before = [a.tobytes() for a in arrays]
    x, y, _, weights, xv, yv = arrays
    run = train(
        NET,
        x,
        y,
        Adam(),
        epochs=3,
        batch_size=4,
        theta=theta,
        sample_weight=weights,
        validation=(xv, yv),
    )
    run.finish()
    assert [a.tobytes() for a in arrays] == before


def test_parameters_of_earlier_records_are_never_modified():
    run = train(NET, X, Y, Momentum(0.1), epochs=4, batch_size=4)
    seen = [(run.theta, run.theta.tobytes()) for _ in run]
    assert len({content for _, content in seen}) == 4
    assert all(theta.tobytes() == content for theta, content in seen)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_has_the_precision_of_the_data(dtype: str):
    run = train(NET, X.astype(dtype), Y, Adam(), epochs=2, batch_size=4)
    run.finish()
    assert run.theta.dtype == dtype
    assert {slot.dtype for slot in run.state.slots} == {np.dtype(dtype)}


# ---- interruptions -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interrupted(Schedule):
    """A learning rate that simulates Ctrl-C in the middle of some updates."""

    updates: list[int]

    def __call__(self, k: int) -> float:
        if k in self.updates:
            self.updates.remove(k)
            raise KeyboardInterrupt
        return 0.01


@pytest.mark.parametrize("updates", [[1], [2], [3], [4], [27], [2, 5, 6, 13]])
@pytest.mark.parametrize("hand_over", [True, False])
def test_interrupted_updates(updates: list[int], hand_over: bool):
    rule = Adam(Interrupted(updates.copy()))
    settings: dict[str, Any] = SETTINGS | {"optimizer": rule, "engine": "reference"}
    run = train(NET, X, Y, **settings)
    for update in updates:
        with pytest.raises(KeyboardInterrupt):
            run.finish()
        assert run.state.step == update - 1
        assert run.reason is None
        if hand_over:
            settings |= {"epochs": 9 - run.state.epoch, "state": run.state}
            run = train(NET, X, Y, **settings)
    run.finish()
    assert state_of(run) == state_of(finished(**SETTINGS))


def test_an_interrupted_metric():
    calls = []

    def metric(p: Array, t: Array) -> float:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return accuracy(p, t)

    run = train(NET, X, Y, **SETTINGS, metric=metric)
    with pytest.raises(KeyboardInterrupt):
        run.finish()
    assert (run.state.epoch, len(run.history)) == (3, 3)  # the fourth has no record yet
    assert np.isfinite(run.predict(X)).all()
    run.finish()
    assert state_of(run) == state_of(finished(**SETTINGS))
    assert [r.epoch for r in run.history] == list(range(1, 10))


SIGNALS = """
import json, signal, sys, threading
import numpy as np
from chainrule import Adam, mlp, train

net = mlp(3, 4, 2, activation="tanh", loss="squared-error", dropout=0.2)
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(10, 3)), rng.normal(size=(10, 2))
EPOCHS = 300

def begin(**more):
    return train(net, X, Y, Adam(0.01), batch_size=3, seed=1, **more)

def content(state):
    arrays = [a.tobytes().hex() for a in (state.theta, *state.slots)]
    return [*arrays, state.step, state.epoch, state.batch, state.loss_sum]

whole = begin(epochs=EPOCHS)
whole.finish()

armed, over = [False], threading.Event()

def interrupt(*_):  # at most one for each attempt, and none between attempts
    if armed[0]:
        armed[0] = False
        raise KeyboardInterrupt

def pester():
    while not over.wait(0.003):
        signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, interrupt)
threading.Thread(target=pester).start()
runs, same = [], True
while sum(map(len, runs)) < 5:  # on a busy machine, a run may end before the first signal
    run, steps = begin(epochs=EPOCHS), []
    while True:
        try:
            armed[0] = True
            for record in run:
                pass
            armed[0] = False
            break
        except KeyboardInterrupt:
            steps.append(run.state.step)
            if len(steps) % 2:
                run = begin(epochs=EPOCHS - run.state.epoch, state=run.state)
    runs.append(steps)
    same = same and content(run.state) == content(whole.state)
over.set()
json.dump({"runs": runs, "same": same}, sys.stdout)
"""


def test_signals_at_any_time_change_nothing():
    done = subprocess.run(
        [sys.executable, "-c", SIGNALS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert all(steps == sorted(steps) for steps in output["runs"])
    assert output["same"]


def test_early_stopping_survives_an_interruption():
    stop = EarlyStopping(patience=3)
    more = {"epochs": 40, "optimizer": SGD(1.5), "early_stopping": stop, "validation": (XV, YV)}
    settings: dict[str, Any] = SETTINGS | more
    whole = finished(**settings)
    run = train(NET, X, Y, **settings)
    while run.reason is None:
        for _ in islice(run, 1):
            pass
    assert whole.reason == run.reason == "early stopping"
    assert state_of(run) == state_of(whole)
    assert run.theta.tobytes() == whole.theta.tobytes()
