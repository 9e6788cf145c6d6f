"""The laws of seed and state: equal seeds give equal bytes, also if a run is stopped and continued.

Shuffles are computed from (seed, epoch) and dropout masks from a hash, so that a continued run
equals an uninterrupted one. SciPy's L-BFGS is an exception. Stops between epochs are tested on both
engines; stops within an epoch on the reference engine here, and on the compiled one in
tests/compiled.
"""

import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chainrule import loops
from chainrule.initializers import INITIALIZERS
from chainrule.layers import dropout_mask
from chainrule.loops import Batches, State
from chainrule.multilayer import mlp
from chainrule.optimizers import LBFGS, OPTIMIZERS, SGD, Adam, Optimizer, optimizer
from chainrule.penalties import Penalty
from chainrule.training import EarlyStopping, Run, train
from tests.laws.nets import ALL_SCHEDULES, PAIRS, Array, same_bits, tuned

NET = mlp(
    3,
    5,
    4,
    2,
    activation="tanh",
    loss="softmax-cross-entropy",
    dropout=0.3,
    layer_norm=True,
    penalty=Penalty(alpha=0.1),
)
WITHOUT_DROPOUT = replace(
    NET, layers=tuple(layer for layer in NET.layers if layer.kind != "dropout")
)
EPOCHS, BATCH, UPDATES = 5, 4, 3  # 10 samples make 3 batches, the last of 2


def data(dtype: str = "float64") -> tuple[Array, Array]:
    """Return ten samples of two classes."""
    rng = np.random.default_rng(8)
    return rng.normal(size=(10, 3)).astype(dtype), rng.integers(0, 2, 10)


def run(rule: Any, epochs: int = EPOCHS, *, dtype: str = "float64", **options: Any) -> Run:
    """Return a run on the data, with mini-batches, weights, shuffles and dropout."""
    x, t = options.pop("data", None) or data(dtype)
    settings = {"seed": 3, "sample_weight": np.arange(1.0, 11.0), "batch_size": BATCH, **options}
    if isinstance(optimizer(rule), LBFGS):  # needs full batches and no dropout
        return train(WITHOUT_DROPOUT, x, t, rule, epochs=epochs, **{**settings, "batch_size": None})
    # Some tests call the reference loop directly.
    return train(NET, x, t, rule, epochs=epochs, **{"engine": "reference", **settings})


def finished(unfinished: Run) -> Run:
    """Finish a run and return it."""
    unfinished.finish()
    return unfinished


def same_state(a: State, b: State) -> bool:
    """Return whether two states agree in every bit."""
    one, other = a.to_dict(), b.to_dict()
    return one.keys() == other.keys() and all(same_bits(one[k], other[k]) for k in one)


# ---- seeds --------------------------------------------------------------------------------------


@pytest.mark.product(name=OPTIMIZERS, dtype=["float64", "float32"])
def test_equal_seeds_give_equal_bytes(name, dtype):
    one, other = (finished(run(OPTIMIZERS[name], dtype=dtype)) for _ in range(2))
    assert one.theta.dtype == dtype
    assert same_state(one.state, other.state)
    assert [r.loss for r in one.history] == [r.loss for r in other.history]


@pytest.mark.parametrize("name", PAIRS)
def test_other_seed_gives_other_bytes(name):
    theta = NET.initialize(0)
    one, other = (finished(run(PAIRS[name], theta=theta, seed=seed)) for seed in (3, 4))
    assert not np.array_equal(one.theta, other.theta)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initial_weights_are_equal_in_both_precisions(name):
    network = mlp(3, 4, 2, activation="relu", loss="squared-error", initializer=name)
    double, single = network.initialize(5), network.initialize(5, "float32")
    assert single.dtype == np.float32
    assert same_bits(single, double.astype(np.float32))
    assert same_bits(double, network.initialize(5))
    assert same_bits(double, network.initialize(6)) == (name == "constant")


def test_run_starts_with_the_initial_weights_of_its_seed():
    assert same_bits(run("adam", 0).theta, NET.initialize(3))
    assert same_bits(run("adam", 0, dtype="float32").theta, NET.initialize(3, "float32"))


# ---- orders -------------------------------------------------------------------------------------


def test_order_is_a_permutation_determined_by_seed_and_epoch():
    batches = Batches(4)
    orders = [batches.order(20, seed, epoch) for seed in range(3) for epoch in range(3)]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert len({order.tobytes() for order in orders}) == 9
    assert np.array_equal(orders[4], batches.order(20, 1, 1))
    assert np.array_equal(orders[4], Batches(7).order(20, 1, 1))


@pytest.mark.parametrize(
    "batches", [Batches(None), Batches(20), Batches(99), Batches(4, shuffle=False)]
)
def test_order_without_shuffling(batches):
    assert batches.order(20, 1, 1).tolist() == list(range(20))


def test_batches_contain_every_sample_once():
    network = mlp(1, 1, activation="identity", loss="squared-error")
    x = np.arange(10.0)[:, None]
    full_batch = network.batch(np.zeros(2), x, x, np.arange(1.0, 11.0))
    batches = Batches(4)
    order = batches.order(10, 0, 0)
    taken = [batches.take(full_batch, order, place) for place in range(batches.count(10))]
    assert [len(b.x) for b in taken] == [4, 4, 2]
    assert sorted(np.concatenate([b.x for b in taken]).ravel()) == list(range(10))
    for b in taken:
        given = b.x.ravel() + 1  # the sample weights passed above
        assert b.weight is not None
        assert np.array_equal(b.x, b.t)
        assert np.allclose(b.weight, given / 5.5, rtol=1e-15)
        assert b.total == pytest.approx(given.sum(), rel=1e-14)


# ---- stopped and continued ----------------------------------------------------------------------


def through_a_dict(state: State) -> State:
    return State.from_dict(state.to_dict())


def through_npz(state: State) -> State:
    file = io.BytesIO()
    np.savez(file, **state.to_dict())
    file.seek(0)
    return State.from_dict(np.load(file))


def through_json(state: State) -> State:
    """Write arrays as lists with their dtype, as a file format would."""
    text = json.dumps(
        {
            k: [v.tolist(), str(v.dtype)] if isinstance(v, np.ndarray) else v
            for k, v in state.to_dict().items()
        }
    )
    values = json.loads(text)
    return State.from_dict(
        {k: np.array(*v) if isinstance(v, list) else v for k, v in values.items()}
    )


WAYS = [through_a_dict, through_npz, through_json]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_state_survives_serialization(way, dtype):
    state = next(iter_updates(run(Adam(0.01), dtype=dtype, early_stopping=EarlyStopping()), 4))
    state = state._replace(best_score=-0.1, best_epoch=3, best_theta=state.theta / 3)
    for kept in (state, state._replace(best_score=None, best_theta=None)):
        found = way(kept)
        assert same_state(found, kept)
        assert [type(v) for v in found] == [type(v) for v in kept]


def iter_updates(begun: Run, after: int) -> Iterator[State]:
    """Yield the states from update number `after` to the end of the run."""
    state, n, rule = begun.state, 0, begun.optimizer
    assert isinstance(rule, Optimizer)
    while state.epoch < begun.last_epoch:
        for later in loops.run_epoch(NET, rule, begun.data, begun.settings.batches, state):
            state, n = later, n + 1
            if n >= after:
                yield state


@pytest.mark.product(
    name=PAIRS,
    learning_rate=ALL_SCHEDULES,
    dtype=["float64", "float32"],
    way=WAYS,
    engine=["reference", "compiled"],
)
def test_stopped_between_epochs(name, learning_rate, dtype, way, engine):
    rule = tuned(name, learning_rate=ALL_SCHEDULES[learning_rate])
    whole = finished(run(rule, dtype=dtype, engine=engine))
    first = finished(run(rule, 2, dtype=dtype, engine=engine))
    second = finished(
        run(rule, EPOCHS - 2, dtype=dtype, state=way(first.state), seed=99, engine="auto")
    )
    assert second.engine_choice.engine == engine
    assert same_state(whole.state, second.state)
    losses = [r.loss for r in first.history + second.history]
    assert losses == [r.loss for r in whole.history]
    assert [r.learning_rate for r in first.history + second.history] == [
        r.learning_rate for r in whole.history
    ]


@pytest.mark.product(name=PAIRS, learning_rate=ALL_SCHEDULES, way=WAYS, updates=[1, 2, 5])
def test_stopped_within_an_epoch(name, learning_rate, way, updates):
    rule = tuned(name, learning_rate=ALL_SCHEDULES[learning_rate])
    whole = finished(run(rule, engine="reference"))
    state = next(iter_updates(run(rule), updates))
    assert state.batch == updates % UPDATES != 0
    rest = finished(run(rule, EPOCHS - state.epoch, state=way(state)))
    assert rest.engine_choice.engine == "reference"
    assert same_state(whole.state, rest.state)
    assert [r.loss for r in rest.history] == [r.loss for r in whole.history][state.epoch :]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("at", [1, 4, 9])
def test_run_continues_after_an_interruption(name, at, monkeypatch):
    whole, again = (run(PAIRS[name], engine="reference") for _ in range(2))
    whole.finish()
    calls, update = itertools.count(1), loops.update

    def interrupted(*args: Any) -> State:
        if next(calls) == at:
            raise KeyboardInterrupt
        return update(*args)

    monkeypatch.setattr(loops, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        again.finish()
    assert again.state.step == at - 1
    again.finish()
    assert same_state(whole.state, again.state)
    assert [r.loss for r in again.history] == [r.loss for r in whole.history]


def test_iteration_continues_after_a_break():
    whole, again = finished(run("adam")), run("adam")
    for record in again:
        if record.epoch == 2:
            break
    again.finish()
    assert same_state(whole.state, again.state)
    assert [r.epoch for r in again.history] == [1, 2, 3, 4, 5]


STOP = EarlyStopping(patience=3)


def stopping(epochs: int, **options: Any) -> Run:
    """Return a run that stops early: its validation targets are wrong on purpose."""
    x, t = data()
    return run(SGD(0.3), epochs, early_stopping=STOP, validation=(x[:4], 1 - t[:4]), **options)


def test_early_stopping_continued():
    whole = finished(stopping(50))
    assert whole.reason == "early stopping"
    assert whole.state.epoch > 4
    for first in range(1, whole.state.epoch):
        begun = finished(stopping(first))
        assert begun.reason == "epochs"
        rest = finished(stopping(50 - first, state=through_npz(begun.state)))
        assert rest.reason == "early stopping"
        assert same_state(whole.state, rest.state)
        assert same_bits(whole.theta, rest.theta)


def test_early_stopping_restores_the_best_weights():
    seen = {0: NET.initialize(3)}
    whole = stopping(50)
    for record in whole:
        seen[record.epoch] = whole.state.theta
    best = min(whole.history, key=lambda record: record.validation_loss or 0.0)
    assert whole.state.epoch == best.epoch + STOP.patience
    assert same_bits(whole.theta, seen[best.epoch])
    assert not same_bits(whole.theta, whole.state.theta)


def test_finished_run_does_not_change():
    whole = finished(stopping(50))
    state, history = whole.state, list(whole.history)
    assert whole.finish() == history[-1]
    assert whole.history == history
    assert same_state(whole.state, state)


def test_lbfgs_continues_from_its_state():
    # The bytes differ, because its memory starts empty.
    first = finished(run("lbfgs", 3))
    second = finished(run("lbfgs", 3, state=through_npz(first.state)))
    assert second.state.epoch == 6
    assert second.history[0].loss < first.history[-1].loss


# ---- dropout masks ------------------------------------------------------------------------------

SHAPE = (40, 30)


def test_mask_does_not_depend_on_the_batch_size():
    large = dropout_mask(1, 2, 3, SHAPE, 0.4)
    for n, d in ((1, 1), (7, 30), (40, 1), (13, 5)):
        assert same_bits(dropout_mask(1, 2, 3, (n, d), 0.4), large[:n, :d].copy())


def test_mask_depends_on_seed_step_and_layer():
    places = list(itertools.product((0, 1, 2**40), repeat=3))
    masks = {dropout_mask(s, k, layer, SHAPE, 0.5).tobytes() for s, k, layer in places}
    assert len(masks) == len(places)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9, 1 - 2**-53])
def test_share_of_kept_units(rate):
    kept = np.mean([dropout_mask(0, step, 1, (100, 100), rate) for step in range(20)])
    spread = np.sqrt(rate * (1 - rate) / 200_000)
    assert abs(kept - (1 - rate)) <= 4 * spread


@pytest.mark.parametrize("axis", ["step", "sample", "unit", "layer"])
def test_neighboring_mask_entries_are_independent(axis):
    masks = np.array(
        [[dropout_mask(3, step, layer, (50, 50), 0.5) for layer in range(5)] for step in range(5)]
    )
    place = ["step", "layer", "sample", "unit"].index(axis)
    here = np.moveaxis(masks, place, 0) * 2.0 - 1
    for far in (1, 2):
        product = here[:-far] * here[far:]
        assert abs(product.mean()) <= 4 / np.sqrt(product.size)


def test_higher_rate_drops_more_units():
    low, high = (dropout_mask(1, 1, 1, SHAPE, rate) for rate in (0.2, 0.6))
    assert (high <= low).all()
    assert (high < low).any()


def test_predictions_do_not_use_dropout():
    theta, (x, _) = NET.initialize(0), data()
    assert same_bits(NET.predict(theta, x), NET.predict(theta, x))
    assert same_bits(NET.predict(theta, x), WITHOUT_DROPOUT.predict(theta, x))


# ---- aliasing -----------------------------------------------------------------------------------


@pytest.mark.product(
    name=OPTIMIZERS, batch=[BATCH, None], dtype=["float64", "float32"], stop=[None, STOP]
)
def test_inputs_are_never_modified(name, batch, dtype, stop):
    x, t = data(dtype)
    given = {
        "X": x,
        "y": t,
        "sample_weight": np.arange(1.0, 11.0).astype(dtype),
        "theta": NET.initialize(0, dtype),
        "vx": x[:3].copy(),
        "vt": t[:3].copy(),
    }
    before = {name: array.copy() for name, array in given.items()}
    for array in given.values():
        array.setflags(write=False)
    begun = run(
        OPTIMIZERS[name],
        3,
        data=(given["X"], given["y"]),
        theta=given["theta"],
        sample_weight=given["sample_weight"],
        validation=(given["vx"], given["vt"]),
        batch_size=batch,
        early_stopping=stop,
    )
    begun.finish()
    assert all(same_bits(given[key], before[key]) for key in given)
    assert not np.shares_memory(begun.theta, given["theta"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_returned_arrays_are_never_modified(name):
    seen: list[tuple[Array, Array]] = []
    begun = run(OPTIMIZERS[name], early_stopping=STOP)

    def record_arrays() -> None:
        arrays = (begun.theta, begun.state.theta, begun.state.best_theta, *begun.state.slots)
        seen.extend((array, array.copy()) for array in arrays if array is not None)

    record_arrays()
    for _ in begun:
        record_arrays()
    assert all(same_bits(array, copy) for array, copy in seen)


def test_continued_run_does_not_change_its_initial_state():
    first = finished(run(Adam(0.01), 2))
    kept = through_npz(first.state)
    finished(run(Adam(0.01), 3, state=first.state))
    assert same_state(first.state, kept)


@pytest.mark.parametrize("name", PAIRS)
def test_optimizer_step_modifies_no_input(name):
    rule: Optimizer = PAIRS[name]
    theta = NET.initialize(0)
    theta.setflags(write=False)
    gradient = np.ones_like(theta)
    gradient.setflags(write=False)
    state = rule.start(theta, NET.layout)
    for _ in range(2):
        for slot in state.slots:
            slot.setflags(write=False)
        after, state = rule.step(theta, gradient, state)
        assert not any(np.shares_memory(after, array) for array in (theta, gradient, *state.slots))
