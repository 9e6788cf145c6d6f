"""Runs on the compiled engine: custom functions, divergence, continuation, Ctrl-C, records.

That its results equal the reference engine's is tested in tests/laws/test_engines.py.
"""

import io
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from tests.rows import rows

pytest.importorskip("numba")

from chainrule.activations import Custom
from chainrule.compiled import describe, engine
from chainrule.elementwise import exp, log1p, real, tanh, where
from chainrule.errors import DivergenceError, InputError
from chainrule.layers import ActivationLayer, Dense, Dropout, LayerNorm
from chainrule.loops import State
from chainrule.losses import CustomLoss
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam, ClipNorm, ClipValue, Momentum, Nesterov, RMSProp
from chainrule.schedules import CosineDecay, Schedule, StepDecay, WarmUp
from chainrule.training import EarlyStopping, Run, train
from tests.compiled.signals import interrupting
from tests.laws.nets import Array, same_bits

DTYPES = ["float64", "float32"]
THREADS = {"as described": {}, "1 thread": {"threads": 1}, "2 threads": {"threads": 2}}

each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_way = pytest.mark.parametrize("threads", THREADS)

RNG = np.random.default_rng(3)
X, T = RNG.normal(size=(11, 3)), RNG.normal(size=(11, 2))
NET = mlp(3, 5, 4, 2, activation="tanh", loss="squared-error")


def on(threads: str, run: Run) -> Run:
    """Return the run on the compiled engine, with its usual or its general program."""
    assert run.engine_choice.engine == "compiled", run.engine_choice
    if THREADS[threads]:
        run.engine_choice = replace(run.engine_choice, tiny=False, **THREADS[threads])
    return run


def near(a: Any, b: Any, eps: float = 2_000) -> bool:
    """Return whether two arrays agree within the bound of tests/laws/test_engines.py."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype
    return bool(np.abs(a - b).max() <= eps * np.finfo(a.dtype).eps * np.abs(b).max())


def thetas(runs: list[Run]) -> tuple[Array, Array]:
    """Return θ of two runs after they have finished."""
    for run in runs:
        run.finish()
    first, second = runs
    return first.theta, second.theta


def same_state(a: State, b: State) -> bool:
    """Return whether two states are equal in every bit."""
    one, other = a.to_dict(), b.to_dict()
    return one.keys() == other.keys() and all(same_bits(one[k], other[k]) for k in one)


# ---- custom functions ---------------------------------------------------------------------------


def bump(z: Any) -> Any:
    return z * exp(-z * z) + tanh(0.5 * z)


def dbump(z: Any, a: Any) -> Any:
    return (1 - 2 * z * z) * exp(-z * z) + 0.5 * (1 - tanh(0.5 * z) ** 2)


def cauchy(o: Any, t: Any) -> Any:
    return log1p((o - t) ** 2)


def dcauchy(o: Any, t: Any) -> Any:
    return 2 * (o - t) / (1 + (o - t) ** 2)


def by_table(z: Any) -> Any:
    return np.interp(z, [-9.0, 9.0], [-9.0, 9.0])


def dby_table(z: Any, a: Any) -> Any:
    return where((real(z) > -9) & (real(z) < 9), 1.0, 0.0)


def in_a_comprehension(z: Any) -> Any:
    return sum([z, 0.5 * z])


OWN = {"with df": Custom("bump", bump, dbump), "without df": Custom("bump", bump)}
LAMBDA = Custom("doubled", lambda z: 2 * z, lambda z, _: 2 + 0 * z)


@pytest.mark.every_value(name=OWN, dtype=DTYPES, threads=THREADS)
def test_custom_activations(name, dtype, threads):
    net = mlp(3, 5, 2, activation=OWN[name], loss="squared-error")
    settings: dict[str, Any] = {"epochs": 3, "batch_size": 4, "seed": 1}
    x, t = X.astype(dtype), T.astype(dtype)
    fast = on(threads, train(net, x, t, "adam", **settings))
    slow = train(net, x, t, "adam", engine="reference", **settings)
    fast.finish()
    slow.finish()
    assert near(fast.theta, slow.theta)


def test_a_lambda():
    net = Network(3, (Dense(4, LAMBDA), ActivationLayer(LAMBDA), Dense(2, "tanh")), "squared-error")
    assert describe(net, rows=4).engine == "compiled"
    runs = [train(net, X, T, "sgd", epochs=3, engine=e) for e in ("compiled", "reference")]
    assert near(*thetas(runs))


@each_dtype
@pytest.mark.parametrize("slope", [dcauchy, None])
def test_custom_losses(dtype, slope):
    net = mlp(3, 5, 2, activation="tanh", loss=CustomLoss("cauchy", cauchy, slope))
    x, t = X.astype(dtype), T.astype(dtype)
    assert describe(net, rows=11, dtype=dtype).engine == "compiled"
    runs = [train(net, x, t, "sgd", epochs=3, engine=e) for e in ("auto", "reference")]
    assert near(*thetas(runs))
    assert [run.state.engine for run in runs] == ["compiled", "reference"]


REFUSED = {
    "a call outside the vocabulary": (
        mlp(3, 5, 2, activation=Custom("by-table", by_table, dby_table), loss="squared-error"),
        "interp",
    ),
    "what is no arithmetic": (
        mlp(3, 5, 2, activation=Custom("odd", in_a_comprehension), loss="squared-error"),
        "sum|List|list",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@each_dtype
def test_functions_that_do_not_compile_run_on_the_reference_engine(case, dtype):
    net, reason = REFUSED[case]
    chosen = describe(net, rows=11, dtype=dtype)
    assert (chosen.engine, chosen.missing) == ("reference", False)
    with pytest.raises(InputError, match=reason):
        raise InputError(chosen.reason)
    x = X.astype(dtype)
    run = train(net, x, T, "sgd", epochs=2)
    assert run.engine_choice == chosen
    run.finish()
    assert run.state.engine == "reference"
    with pytest.raises(InputError, match=reason):
        describe(net, rows=11, dtype=dtype, engine="compiled")
    with pytest.raises(InputError, match=reason):
        train(net, x, T, "sgd", epochs=2, engine="compiled")


def test_closures_with_different_values():
    def scaled(factor: float) -> Custom:
        return Custom("scaled", lambda z: factor * z, lambda z, _: factor + 0 * z)

    for factor in (2.0, 3.0, 2.0):
        net = mlp(3, 2, activation=scaled(factor), loss="squared-error")
        runs = [train(net, X, T, "sgd", epochs=2, engine=e) for e in ("compiled", "reference")]
        assert near(*thetas(runs))


def test_errors_in_kernels_of_the_package_raise(monkeypatch):
    """There is no silent fallback: only what `describe` reports runs on the reference engine."""

    def broken(*args: Any, **options: Any) -> Any:
        raise RuntimeError("a kernel is broken")

    monkeypatch.setattr(engine, "tables", broken)
    with pytest.raises(RuntimeError, match="a kernel is broken"):
        train(NET, X, T, "sgd", epochs=1).finish()


# ---- divergence ---------------------------------------------------------------------------------

LINEAR = mlp(3, 4, 4, 2, activation="identity", loss="squared-error")
SATURATED = mlp(3, 4, 2, activation="tanh", loss="squared-error")
COUNTS = mlp(3, 4, 2, activation="tanh", loss="poisson")


@dataclass(frozen=True)
class Leap(Schedule):
    """A small learning rate, which changes to another one at some update."""

    at: int
    learning_rate: float

    def __call__(self, k: int) -> float:
        return self.learning_rate if k >= self.at else 0.01


DIVERGING: dict[str, tuple[Network, Any, Array, dict[str, Any]]] = {
    "slowly": (LINEAR, SGD(0.9), T, {}),
    "at once": (LINEAR, SGD(1e200), T, {}),
    "in the first update": (LINEAR, SGD(1.7e308), T, {}),
    "with momentum": (LINEAR, Momentum(0.3), T, {}),
    "with dropout": (
        Network(3, (Dense(4, "identity"), Dropout(0.3), Dense(2, "identity")), "squared-error"),
        Nesterov(0.3),
        T,
        {},
    ),
    "in the loss": (COUNTS, SGD(50.0), np.abs(T), {}),
    "behind saturated units": (SATURATED, SGD(1.7e308), 1e3 * T, {}),
    "all of a sudden": (SATURATED, SGD(Leap(20, np.inf)), T, {}),
    "a gradient that clipping would hide": (LINEAR, SGD(3e3, clip=ClipValue(1e300)), T, {}),
    "a norm": (LINEAR, SGD(3e3, clip=ClipNorm(1e300)), T, {}),
    "all at once": (LINEAR, SGD(0.7), T, {"batch_size": None}),
    "online": (LINEAR, SGD(0.3), T, {"batch_size": 1}),
}


def diverged(run: Run) -> str:
    """Run until it diverges and return the message."""
    with (
        pytest.raises(DivergenceError) as caught,
        np.errstate(all="ignore"),
    ):  # records overflow too
        run.finish()
    assert run.reason == "diverged"
    return str(caught.value)


@pytest.mark.every_value(name=DIVERGING, dtype=DTYPES, threads=THREADS, iterated=[False, True])
def test_divergence(name, dtype, threads, iterated):
    net, rule, t, options = DIVERGING[name]
    if dtype == "float32":
        rule = single(rule)
    x, t = X.astype(dtype), t.astype(dtype)
    settings = {"epochs": 3_000, "batch_size": 4, "seed": 2, "record_every": 7, **options}
    if iterated:  # no observer, so `finish` may compute the records afterwards
        settings["metric"] = lambda _, __: 0.0
    fast = on(threads, train(net, x, t, rule, **settings))
    slow = train(net, x, t, rule, engine="reference", **settings)
    found, expected = diverged(fast), diverged(slow)
    assert abs(fast.state.step - slow.state.step) <= 1
    count = fast.settings.batches.count(len(x))
    state = fast.state
    assert (state.epoch, state.batch) == divmod(state.step, count)
    assert f"in epoch {state.epoch + 1}, batch {state.batch + 1}; first at" in found
    assert np.isfinite(fast.theta).all()
    records = [[(r.epoch, r.step, r.learning_rate) for r in run.history] for run in (fast, slow)]
    assert records[0] == records[1]
    if state.step == slow.state.step:
        assert found.partition("; first")[0].partition(" (loss")[0] in expected
        assert near(fast.theta, slow.theta, 1e6)  # divergence also amplifies rounding errors
        assert near(
            [r.loss for r in fast.history] or [0.0], [r.loss for r in slow.history] or [0.0], 1e9
        )
    again = diverged(fast)
    assert again == found
    assert same_state(fast.state, state)
    gentle = train(
        net, x, t, rule_like(rule), epochs=1, batch_size=settings["batch_size"], state=state
    )
    assert gentle.engine_choice.engine == (
        "compiled" if state.step else gentle.engine_choice.engine
    )


def single(rule: Any) -> Any:
    """Return a rule with values as extreme for float32 as the originals are for float64."""
    rates = {1e200: 1e25, 1.7e308: 3.3e38}
    if rule.learning_rate in rates:
        return replace(rule, learning_rate=rates[rule.learning_rate])
    if isinstance(rule.learning_rate, Leap):
        return rule
    clips = {ClipValue(1e300): ClipValue(1e37), ClipNorm(1e300): ClipNorm(1e17)}
    return replace(rule, clip=clips.get(rule.clip, rule.clip))


def rule_like(rule: Any) -> Any:
    """Return the same rule with a learning rate at which the run does not diverge."""
    return replace(rule, learning_rate=1e-300)


@pytest.mark.full_only
def test_divergence_late_in_a_long_stretch():
    """The update is found by bisection, anywhere in many thousand updates."""
    for threads in THREADS:
        every = 1_000 if threads == "2 threads" else 20_000  # they wait long on a busy machine
        last = 6 * every + 1
        settings: dict[str, Any] = {"epochs": 8 * every, "record_every": every}
        run = on(threads, train(SATURATED, X, T, SGD(Leap(last + 1, np.inf)), **settings))
        message = diverged(run)
        assert f"in epoch {last + 1}, batch 1; first at the update. " in message
        assert run.state.epoch == run.state.step == last
        assert np.isfinite(run.theta).all()
        assert [r.epoch for r in run.history] == list(range(every, last, every))


def test_a_run_can_continue_after_divergence():
    run = train(LINEAR, X, T, SGD(0.9), epochs=3_000, batch_size=4)
    diverged(run)
    better = train(LINEAR, X, T, SGD(1e-320), epochs=2, batch_size=4, state=run.state)
    assert better.engine_choice.engine == run.state.engine == "compiled"


# ---- continued runs -----------------------------------------------------------------------------

MIXED = Network(
    3,
    (Dense(5, "tanh"), LayerNorm(), Dropout(0.3), Dense(4, "relu"), Dense(2, "identity")),
    "squared-error",
)
RULES = {
    "momentum": Momentum(WarmUp(5, CosineDecay(0.01, steps=60))),
    "adam": Adam(StepDecay(0.02, 0.5, every=9)),
    "rmsprop": RMSProp(0.01, clip=ClipNorm(0.5)),
    "sgd": SGD(0.05, clip=ClipValue(0.1)),
}
EPOCHS = 9


def through_a_file(state: State) -> State:
    file = io.BytesIO()
    np.savez(file, **state.to_dict())
    file.seek(0)
    return State.from_dict(np.load(file))


def begun(rule: str, threads: str, net: Network = MIXED, **options: Any) -> Run:
    """Return a run with batches, weights, shuffles and dropout."""
    weights = np.arange(1.0, 12.0)
    settings = {"epochs": EPOCHS, "batch_size": 4, "seed": 3, "sample_weight": weights, **options}
    return on(threads, train(net, X, T, RULES[rule], **settings))


@pytest.mark.product(
    rule=RULES,
    threads=THREADS,
    at=[1, 4, 8],
    net=[MIXED, NET],
    shuffle=[True, False],
    batch=[4, 1, None],
)
def test_continued_between_epochs(rule, threads, at, net, shuffle, batch):
    options = {"net": net, "shuffle": shuffle, "batch_size": batch}
    whole = begun(rule, threads, **options)
    whole.finish()
    first = begun(rule, threads, epochs=at, **options)
    first.finish()
    state = through_a_file(first.state)
    assert same_state(state, first.state)
    rest = begun(rule, threads, epochs=EPOCHS - at, state=state, **options)
    rest.finish()
    assert same_state(whole.state, rest.state)
    assert losses(first) + losses(rest) == losses(whole)


def losses(run: Run) -> list[Any]:
    """Return epoch, step, loss and learning rate of each record."""
    return [(r.epoch, r.step, r.loss, r.learning_rate) for r in run.history]


@pytest.mark.parametrize("rule", RULES)
@each_way
def test_a_loop_left_between_records(rule, threads):
    whole = begun(rule, threads)
    whole.finish()
    for every in (1, 2, 5):
        again = begun(rule, threads, record_every=every)
        for record in again:
            if record.epoch >= 4:
                break
        again.finish()
        assert same_state(whole.state, again.state)
        assert set(losses(again)) <= set(losses(whole))


@pytest.mark.parametrize("rule", RULES)
@each_way
def test_continued_within_an_epoch(rule, threads, monkeypatch):
    """States within an epoch are yielded if a stretch ends there."""
    whole, within = begun(rule, threads), 0
    whole.finish()

    def two_updates(self: Any, state: State, theta: Array, slots: Array, last: int) -> Any:
        return self._chunk(state, theta, slots, 2)

    monkeypatch.setattr(engine.Training, "_stretch", two_updates)
    for stop in (1, 2, 5, 7):
        first = begun(rule, threads)
        states = first._engine(RULES[rule]).epochs(first.state, EPOCHS)
        state = through_a_file([next(states)[0] for _ in range(stop)][-1])
        assert (state.epoch, state.batch) == divmod(state.step, 3)
        within += state.batch > 0
        monkeypatch.undo()
        rest = begun(rule, threads, epochs=EPOCHS - state.epoch, state=state)
        rest.finish()
        assert same_state(whole.state, rest.state)
        assert losses(rest) == losses(whole)[state.epoch :]
        monkeypatch.setattr(engine.Training, "_stretch", two_updates)
    assert within


@each_way
def test_the_division_into_calls_changes_nothing(threads, monkeypatch):
    states = []
    for pace in (1, 2, 3, 7, 10**6):
        monkeypatch.setattr(engine.Training, "_pace", lambda _, pace=pace: pace)
        run = begun("adam", threads)
        run.finish()
        states.append((run.state, losses(run)))
    assert all(same_state(state, states[0][0]) for state, _ in states)
    assert all(records == states[0][1] for _, records in states)


def test_a_continued_state_keeps_its_engine():
    for first in ("compiled", "reference"):
        run = train(NET, X, T, "adam", epochs=2, engine=first)
        run.finish()
        rest = train(NET, X, T, "adam", epochs=2, state=through_a_file(run.state))
        assert rest.engine_choice.engine == first
        rest.finish()
        assert rest.state.engine == first
    other = train(NET, X, T, "adam", epochs=2, state=run.state, engine="compiled")
    other.finish()
    assert (run.state.engine, other.state.engine) == ("reference", "compiled")


def test_lbfgs_continues_a_compiled_state():
    run = train(NET, X, T, "sgd", epochs=2)
    run.finish()
    rest = train(NET, X, T, "lbfgs", epochs=2, state=run.state)
    assert rest.engine_choice.engine == "compiled"
    rest.finish()
    assert rest.state.epoch == 4


def test_yielded_states_are_never_modified():
    run = train(NET, X, T, "adam", epochs=6, batch_size=4)
    seen = []
    for _ in run:
        seen += [(a, a.copy()) for a in (run.theta, run.state.theta, *run.state.slots)]
    assert all(same_bits(array, copy) for array, copy in seen)


# ---- Ctrl-C -------------------------------------------------------------------------------------

INTERRUPTED = """
import os, signal, sys, threading, time
from collections.abc import Iterator
from dataclasses import dataclass, replace
import numpy as np
from chainrule import Adam, mlp, train

sizes, batch, rows, changes = CASE
rng = np.random.default_rng(0)
x, t = rng.normal(size=(rows, sizes[0])), rng.normal(size=(rows, sizes[-1]))
net = mlp(*sizes, activation="tanh", loss="squared-error", dropout=DROPOUT)

def begun(epochs, **options):
    options |= {"record_every": 10**6}
    run = train(net, x, t, Adam(1e-4), epochs=epochs, batch_size=batch, **options)
    assert run.engine_choice.engine == "compiled"
    run.engine_choice = replace(run.engine_choice, **changes)
    return run

begun(1).finish()                                   # compile
run, sent = begun(10**9), []
def send():
    while not run.state.step:  # the run's state is updated about once a second
        time.sleep(0.01)
    time.sleep(0.3)
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=send).start()
try:
    run.finish()
except KeyboardInterrupt:
    waited = time.perf_counter() - sent[0]
else:
    sys.exit("the run was not interrupted")
assert run.state.step > 0 and run.state.engine == "compiled"
assert np.isfinite(run.theta).all() and np.isfinite(run.predict(x[:3])).all()
assert threading.active_count() <= 2, threading.enumerate()
place, kept = run.state, run.theta.copy()
epochs = place.epoch + 2
rest = begun(2, state=place)
rest.finish()
whole = begun(epochs)
whole.finish()
assert (run.theta == kept).all()
assert rest.state.step == whole.state.step
for a, b in zip((rest.theta, *rest.state.slots), (whole.theta, *whole.state.slots)):
    assert a.tobytes() == b.tobytes()
print(waited)
"""
LONG_RUNS = {
    "tiny": ("(2, 2, 2, 2), None, 4, {}", 0.0),
    "tiny, in batches": ("(5, 8, 2), 4, 31, {}", 0.0),
    "dropout": ("(5, 8, 2), 4, 31, dict(tiny=False)", 0.2),
    "two threads": ("(40, 64, 64, 8), 32, 500, dict(tiny=False, threads=2)", 0.2),
    "three threads": ("(40, 64, 64, 8), 32, 500, dict(tiny=False, threads=3)", 0.0),
    "large": ("(784, 512, 512, 10), 128, 1000, dict(tiny=False)", 0.0),
}


def long_runs() -> Iterator[Any]:
    """Yield the names; one run of each kind of loop runs always, the others with --full."""
    for name in LONG_RUNS:
        similar = name in {"tiny", "two threads", "large"}
        yield pytest.param(name, marks=[pytest.mark.full_only] if similar else [])


@pytest.mark.parametrize("case", [*long_runs()])
def test_ctrl_c_stops_soon_and_leaves_a_state_to_continue(case):
    text, dropout = LONG_RUNS[case]
    program = INTERRUPTED.replace("CASE", text).replace("DROPOUT", str(dropout))
    waited = float(printed(program))
    assert waited < HANG  # chunks are a tenth of a second; a loaded machine may take longer


HANG = 5.0  # seconds


def printed(program: str) -> str:
    """Run a program in a separate process and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# Ctrl-C between opening a file and its `with` leaves it open: a limitation of the interpreter.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    "threads",
    rows(THREADS, "2 threads"),
)
def test_repeated_interruptions(threads, monkeypatch):
    """An interruption at any place changes no bit, does not hang, and leaves no thread behind."""
    monkeypatch.setattr(engine, "CHUNK", 0.002)
    monkeypatch.setattr(engine, "KEEP", 0.004)
    epochs = 800 if threads == "2 threads" else 20_000  # they wait long on a busy machine
    whole = begun("adam", threads, epochs=epochs, record_every=epochs)
    whole.finish()
    again = begun("adam", threads, epochs=epochs, record_every=epochs)
    end, caught, deadline = interrupting(0.013, 40), 0, time.monotonic() + 60
    while again.reason is None and time.monotonic() < deadline:
        try:
            again.finish()
        except KeyboardInterrupt:
            caught += 1
    try:
        end()
    except KeyboardInterrupt:
        end()
    assert caught
    assert same_state(whole.state, again.state)
    assert losses(again) == losses(whole)
    assert not [t for t in threading.enumerate() if t.daemon and "member" in t.name]


# ---- records ------------------------------------------------------------------------------------

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "loss_after_epoch": {"loss_after_epoch": True},
    "metric": {"metric": "r2"},
    "validation": {"validation": (X[:4], T[:4])},
    "both": {"validation": (X[:4], T[:4]), "metric": "r2", "loss_after_epoch": True},
    "own metric": {"metric": lambda p, t: float(np.abs(p - t).max())},
}


@pytest.mark.product(
    name=OPTIONS, every=[1, 3, 50], batch=[None, 1, 4], threads=THREADS, net=[MIXED, NET]
)
def test_records_equal_those_of_the_reference_engine(name, every, batch, threads, net):
    settings: dict[str, Any] = {
        "epochs": 8,
        "batch_size": batch,
        "record_every": every,
        "seed": 4,
        **OPTIONS[name],
    }
    fast = on(threads, train(net, X, T, "adam", **settings))
    slow = train(net, X, T, "adam", engine="reference", **settings)
    fast.finish()
    slow.finish()
    assert [(r.epoch, r.step, r.learning_rate) for r in fast.history] == [
        (r.epoch, r.step, r.learning_rate) for r in slow.history
    ]
    for field in ("loss", "validation_loss", "metric"):
        pairs = [[getattr(r, field) for r in run.history] for run in (fast, slow)]
        if pairs[1][0] is None:
            assert pairs[0] == pairs[1]
        else:
            np.testing.assert_allclose(*pairs, rtol=1e-11, atol=1e-12)
    assert fast.reason == slow.reason == "epochs"


@pytest.mark.product(every=[1, 2, 5], batch=[None, 1, 4], threads=THREADS, rule=RULES)
def test_finishing_and_iterating_give_the_same_records(every, batch, threads, rule):
    settings: dict[str, Any] = {"record_every": every, "batch_size": batch}
    finished, iterated = (begun(rule, threads, **settings) for _ in range(2))
    finished.finish()
    assert [record.epoch for record in iterated] == [r.epoch for r in finished.history]
    assert losses(finished) == losses(iterated)
    assert same_state(finished.state, iterated.state)


@each_way
@pytest.mark.parametrize("monitor", ["loss", "metric"])
def test_early_stopping(threads, monitor):
    settings: dict[str, Any] = {
        "epochs": 300,
        "batch_size": 4,
        "seed": 5,
        "metric": "r2",
        "validation": (X[:4], -T[:4]),
        "early_stopping": EarlyStopping(patience=4, monitor=monitor),
    }
    fast = on(threads, train(NET, X, T, Momentum(0.05), **settings))
    slow = train(NET, X, T, Momentum(0.05), engine="reference", **settings)
    fast.finish()
    slow.finish()
    assert fast.reason == slow.reason == "early stopping"
    assert fast.state.epoch == slow.state.epoch
    assert fast.state.best_epoch == slow.state.best_epoch
    assert near(fast.theta, slow.theta)
    assert same_bits(fast.theta, fast.state.best_theta)


def test_orders_drawn_in_advance(monkeypatch):
    """Orders are drawn for a few epochs at a time, and again wherever a run continues."""
    drawn: list[int] = []
    order = engine.Batches.order

    def counted(self: Any, n: int, seed: int, epoch: int) -> Any:
        drawn.append(epoch)
        return order(self, n, seed, epoch)

    monkeypatch.setattr(engine.Batches, "order", counted)
    run = begun("sgd", "1 thread", epochs=40)
    for _ in run:
        pass
    assert drawn == list(range(40))


# ---- NaN, and the duration of a call ------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 41, 99])
def test_divergence_reports_the_batch_of_a_nan(place: int):
    x = np.random.default_rng(0).normal(size=(100, 3))
    net = mlp(3, 40, 2, activation="tanh", loss="squared-error")
    run = train(
        net, x, x[:, :2], SGD(0.1), epochs=3, batch_size=10, shuffle=False, engine="compiled"
    )
    x[place, 1] = np.nan  # x is not copied
    with pytest.raises(DivergenceError, match=f"epoch 1, batch {place // 10 + 1}"):
        run.finish()
    assert run.state.step == place // 10
    assert np.isfinite(run.theta).all()


def test_a_short_last_batch_does_not_lengthen_the_next_call():
    x = np.zeros((1001, 3))
    net = mlp(3, 40, 2, activation="tanh", loss="squared-error")
    run = train(net, x, x[:, :2], SGD(0.1), batch_size=1000, engine="compiled")
    epochs = run._engine(SGD(0.1))
    counts = [(0, 1, 1000), (1, 1, 1), (0, 2, 1001), (1, 2, 1001), (0, 7, 4003)]
    assert [epochs._samples(batch, count) for batch, count, _ in counts] == [n for *_, n in counts]
