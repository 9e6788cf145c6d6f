"""The engines law: the compiled engine gives the reference engine's numbers within rounding.

It is tested for all registered classes, and for networks, shapes and layouts drawn by Hypothesis.
Each comparison asserts that `describe` chose the compiled engine, and that it was used.

The engines sum in different orders, and their elementwise functions differ by a few ulp. The error
of an update is therefore a few eps of the largest number in it, and later updates propagate it: in
some thousand cases of these sizes it was at most 40 eps of the largest entry. The bound is 1,000
eps: 2.2e-13 in float64, 1.2e-4 in float32. No bound holds if rounding moves a unit to the other
side of a kink (ReLU at 0, an absolute error at o = t). The data are drawn from a hash of the case's
name, and none of them is that close to a kink.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numba")

from numba.core import event

from chainrule import loops
from chainrule.activations import ACTIVATIONS
from chainrule.compiled import describe
from chainrule.layers import LAYERS, ActivationLayer, Dense, Dropout, LayerNorm, fields_of
from chainrule.multilayer import mlp
from chainrule.network import MaskSeed, Network
from chainrule.optimizers import (
    OPTIMIZERS,
    SGD,
    Adam,
    ClipNorm,
    ClipValue,
    Momentum,
    OptimizerState,
)
from chainrule.penalties import Penalty
from chainrule.problems.half_adder import HALF_ADDER
from chainrule.problems.mazur import MAZUR
from chainrule.training import Run, train
from tests.laws.nets import (
    ACTIVATION_VARIANTS,
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    ALL_SCHEDULES,
    LOSS_VARIANTS,
    PAIRS,
    PENALTY,
    STACKS,
    Array,
    Case,
    case,
    tuned,
)

EPS = 1_000  # the bound; see the module docstring

DTYPES = ["float64", "float32"]
THREADS = {"as chosen": {}, "1 thread": {"threads": 1}, "2 threads": {"threads": 2}}
COMPILED_ACTIVATIONS = [*ALL_ACTIVATIONS, *ACTIVATION_VARIANTS]
COMPILED_LOSSES = [*ALL_LOSSES, *LOSS_VARIANTS]
CLIPS = {"none": None, "value": ClipValue(0.05), "norm": ClipNorm(0.1)}
PENALTIES = [Penalty(), PENALTY, Penalty(l1=0.1), Penalty(l2=0.1), Penalty(alpha=1.0)]


# ---- the comparison -----------------------------------------------------------------------------


def begun_on(threads: str, *args: Any, **options: Any) -> Run:
    """Return a run on the compiled engine, as chosen or with the given number of threads."""
    run = train(*args, **options)
    assert run.engine_choice.engine == "compiled", run.engine_choice
    if THREADS[threads]:
        run.engine_choice = replace(run.engine_choice, tiny=False, **THREADS[threads])
    return run


def compare(
    threads: str,
    network: Network,
    x: Array,
    t: Array,
    rule: Any,
    *,
    eps: float = EPS,
    **options: Any,
) -> Run:
    """Train on both engines, compare all numbers, and return the compiled run."""
    rows, dtype = np.atleast_2d(x).shape[0], np.asarray(x).dtype
    choice = describe(network, rule, rows=rows, batch_size=options.get("batch_size"), dtype=dtype)
    assert choice.engine == "compiled", choice
    fast = begun_on(threads, network, x, t, rule, **options)
    slow = train(network, x, t, rule, engine="reference", **options)
    assert fast.finish().step == slow.finish().step
    assert (fast.state.engine, slow.state.engine) == ("compiled", "reference")
    assert fast.theta.dtype == slow.theta.dtype == dtype
    agree(fast, slow, eps)
    return fast


def agree(fast: Run, slow: Run, eps: float) -> None:
    """Compare θ, moving averages and records of two runs."""
    bound = eps * np.finfo(slow.theta.dtype).eps
    pairs = zip((fast.theta, *fast.state.slots), (slow.theta, *slow.state.slots), strict=True)
    for found, expected in pairs:
        assert np.abs(found - expected).max() <= bound * np.abs(expected).max()
    records = [[(r.epoch, r.step, r.learning_rate) for r in run.history] for run in (fast, slow)]
    assert records[0] == records[1]
    losses = np.array([[r.loss for r in run.history] for run in (fast, slow)])
    assert (np.abs(losses[0] - losses[1]) <= bound * (1 + np.abs(losses[1]))).all()


def trained(threads: str, drawn: Case, rule: Any, **options: Any) -> Run:
    """Compare both engines on a case, in three epochs of batches of three."""
    settings = {"epochs": 3, "batch_size": 3, "seed": 7, **options}
    return compare(
        threads,
        drawn.network,
        drawn.x,
        drawn.t,
        rule,
        theta=drawn.theta,
        sample_weight=drawn.weights,
        **settings,
    )


# ---- all registered classes ---------------------------------------------------------------------


@pytest.mark.every_value(
    activation=COMPILED_ACTIVATIONS, loss=COMPILED_LOSSES, dtype=DTYPES, threads=THREADS
)
def test_activations_and_losses(activation, loss, dtype, threads):
    drawn = case(activation, loss, rows=7, dtype=dtype)
    trained(threads, drawn, SGD(0.02))


@pytest.mark.product(
    layers=STACKS,
    optimizer=PAIRS,
    penalty=PENALTIES,
    clip=CLIPS,
    trainable=[True, False, ("W",), ("b",)],
    weighted=[False, True],
    width=[3, 35],
    threads=THREADS,
)
def test_layers_with_all_training_options(
    layers, optimizer, penalty, clip, trainable, weighted, width, threads
):
    drawn = case(
        layers=layers, weighted=weighted, penalty=penalty, trainable=trainable, width=width, rows=7
    )
    trained(threads, drawn, tuned(optimizer, clip=CLIPS[clip]))


@pytest.mark.product(
    layers=STACKS,
    optimizer=PAIRS,
    penalty=[Penalty(), PENALTY],
    clip=CLIPS,
    weighted=[False, True],
    threads=THREADS,
)
def test_in_single_precision(layers, optimizer, penalty, clip, weighted, threads):
    drawn = case(layers=layers, weighted=weighted, penalty=penalty, rows=7, dtype="float32")
    trained(threads, drawn, tuned(optimizer, clip=CLIPS[clip]))


@pytest.mark.product(
    optimizer=PAIRS,
    learning_rate=ALL_SCHEDULES,
    dtype=DTYPES,
    batch=[None, 1, 3],
    shuffle=[True, False],
)
def test_schedules(optimizer, learning_rate, dtype, batch, shuffle):
    drawn = case(rows=7, dtype=dtype)
    rule = tuned(optimizer, learning_rate=ALL_SCHEDULES[learning_rate])
    trained("as chosen", drawn, rule, batch_size=batch, shuffle=shuffle, epochs=4)


def test_every_registered_class_can_be_compiled():
    rejected = []
    for f in COMPILED_ACTIVATIONS:
        for loss in COMPILED_LOSSES:
            for layers in STACKS:
                drawn = case(f, loss, layers, penalty=PENALTY)
                choice = describe(drawn.network, "sgd", rows=4)
                rejected += [(f, loss, layers, choice.reason)] * (choice.engine != "compiled")
    for name in PAIRS:
        for clip in CLIPS.values():
            choice = describe(case().network, tuned(name, clip=clip), rows=4)
            rejected += [(name, clip, choice.reason)] * (choice.engine != "compiled")
    assert rejected == []
    assert {*ACTIVATIONS} <= {*COMPILED_ACTIVATIONS}
    assert {*OPTIMIZERS} - {*PAIRS} == {"lbfgs"}
    assert {type(one) for one in case(layers="all").network.layers} == {*LAYERS.values()}


# ---- larger layers, with BLAS and two threads ---------------------------------------------------

LARGE: dict[str, tuple[tuple[int, ...], int, int]] = {
    "wide": ((784, 130, 10), 300, 128),
    "narrow output": ((100, 257, 1), 260, 256),
    "deep": ((40, 65, 33, 64, 17), 130, 64),
    "few rows": ((300, 400, 3), 5, 2),
}


@pytest.mark.product(
    shape=LARGE,
    optimizer=["sgd", "momentum", "adam"],
    dtype=DTYPES,
    threads=THREADS,
    clip=["none", "norm"],
)
def test_large_layers(shape, optimizer, dtype, threads, clip):
    sizes, rows, batch = LARGE[shape]
    rng = np.random.default_rng(2)
    network = mlp(*sizes, activation="tanh", loss="squared-error")
    x, t = (rng.normal(size=(rows, width)).astype(dtype) for width in (sizes[0], sizes[-1]))
    rule = tuned(optimizer, learning_rate=0.01, clip=CLIPS[clip])
    compare(threads, network, x, t, rule, epochs=2, batch_size=batch, seed=5)


# ---- randomly drawn networks, shapes and layouts ------------------------------------------------


def with_gaps(x: Array) -> Array:
    """Return x as a strided view of a larger array."""
    wide = np.zeros((2 * len(x), 3 * x.shape[1] + 2), x.dtype)
    view = wide[::2, 1::3][:, : x.shape[1]]
    view[:] = x
    return view


def misaligned(x: Array) -> Array:
    """Return x at an address that is one byte off its alignment."""
    memory = np.zeros(x.nbytes + 1, np.uint8)[1:]
    view = memory.view(x.dtype).reshape(x.shape)
    view[:] = x
    return view


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "as it is": lambda x: x,
    "columns first": np.asfortranarray,
    "rows reversed": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "columns reversed": lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
    "gaps": with_gaps,
    "rows with gaps": lambda x: np.hstack([x, x])[:, : x.shape[1]],
    "one row repeated": lambda x: np.broadcast_to(x[0], x.shape),
    "one column repeated": lambda x: np.broadcast_to(x[:, :1], x.shape),
    "one number repeated": lambda x: np.broadcast_to(x[0, 0], x.shape),
    "misaligned": misaligned,
    "the other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
}
HIDDEN = {
    "dense": None,
    "layer-norm": LayerNorm(),
    "dropout": Dropout(0.3),
    "activation": ActivationLayer("tanh"),
}
# Small learning rates, since in a chaotic run rounding errors double every few updates.
RULES = {"sgd": SGD(0.02), "momentum": Momentum(0.003), "adam": Adam(0.002, eps=0.01)}


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw a network of up to three hidden layers, some followed by another layer."""
    layers: list[Any] = []
    for _ in range(draw(st.integers(0, 3))):
        layers.append(Dense(draw(st.integers(1, 40)), "tanh", bias=draw(st.booleans())))
        behind = HIDDEN[draw(st.sampled_from(sorted(HIDDEN)))]
        layers += [behind] if behind else []
    layers.append(Dense(draw(st.integers(1, 20)), "tanh"))
    return Network(draw(st.integers(1, 40)), tuple(layers), "squared-error")


@pytest.fixture(scope="module")
def warm() -> None:
    """Compile the kernels for drawn networks: all layers, optimizers and precisions."""
    stack = (Dense(2, "tanh"), LayerNorm(), ActivationLayer("tanh"), Dropout(0.3), Dense(1, "tanh"))
    for layers in (stack, (Dense(1, "tanh"),)):
        for dtype in DTYPES:
            for rule in RULES.values():
                for threads in THREADS:
                    x, t = np.ones((1, 2), dtype), np.ones((1, 1), dtype)
                    net = Network(2, layers, "squared-error")
                    begun_on(threads, net, x, t, rule, epochs=1).finish()


@given(
    network=networks(),
    x=st.fixed_dictionaries(
        {
            "rows": st.integers(1, 40),
            "layout": st.sampled_from(sorted(LAYOUTS)),
            "dtype": st.sampled_from(DTYPES),
            "frozen": st.booleans(),
        }
    ),
    weighted=st.booleans(),
    threads=st.sampled_from(sorted(THREADS)),
    rule=st.sampled_from(sorted(RULES)),
    options=st.fixed_dictionaries(
        {
            "batch_size": st.none() | st.integers(1, 60),
            "shuffle": st.booleans(),
            "seed": st.integers(0, 2**70),
            "epochs": st.integers(1, 3),
        }
    ),
)
def test_drawn_networks(warm, network, x, weighted, threads, rule, options):
    rng = np.random.default_rng(options["seed"])
    rows, dtype = x["rows"], x["dtype"]
    data = LAYOUTS[x["layout"]](rng.normal(size=(rows, network.inputs)).astype(dtype))
    data.setflags(write=data.flags.writeable and not x["frozen"])
    t = rng.normal(size=(rows, network.outputs)).astype(dtype)
    some = np.maximum(rng.normal(1.0, 1.0, rows), 0)  # some are 0, but the first
    some[0] += 1
    before = data.copy()
    with event.install_recorder("numba:run_pass") as passes:
        both(
            threads,
            network,
            data,
            t,
            RULES[rule],
            sample_weight=some if weighted else None,
            **options,
        )
    assert not passes.buffer, "sizes are run-time values, but something was compiled"
    assert np.array_equal(data, before)


def both(threads: str, network: Network, x: Array, t: Array, rule: Any, **options: Any) -> None:
    """Compare both engines, for data of any byte order, after up to 120 updates.

    Each update adds rounding errors, relative to numbers that may since have become small; a small
    standard deviation in a LayerNorm amplifies all errors.
    """
    native = np.dtype(x.dtype.newbyteorder("="))
    fast = begun_on(threads, network, x, t, rule, **options)
    slow = train(network, x, t, rule, engine="reference", **options)
    fast.finish()
    slow.finish()
    assert fast.theta.dtype == native
    spread = max((a for a in amplifications(network, slow)), default=1.0)
    agree(fast, slow, EPS * spread * max(slow.state.step, 1))


def amplifications(network: Network, run: Run) -> list[float]:
    """Return the largest 1 / (standard deviation) of each LayerNorm, at the end."""
    saved = [fields_of(s) for s in network.forward(network.params(run.theta), run.data.x)]
    return [max(1.0, float(s["r"].max())) for s in saved if "r" in s]


# ---- replay with the reference passes -----------------------------------------------------------


@pytest.mark.product(optimizer=PAIRS, clip=CLIPS, layers=STACKS, dtype=DTYPES, threads=THREADS)
def test_updates_replayed_with_the_reference_passes(optimizer, clip, layers, dtype, threads):
    drawn = case(layers=layers, rows=7, weighted=True, penalty=PENALTY, dtype=dtype)
    rule, network = tuned(optimizer, clip=CLIPS[clip]), drawn.network
    run = begun_on(
        threads,
        network,
        drawn.x,
        drawn.t,
        rule,
        epochs=3,
        batch_size=3,
        theta=drawn.theta,
        sample_weight=drawn.weights,
    )
    for record in run:
        if record.epoch == 2:
            break
    state = run.state
    later = train(
        network,
        drawn.x,
        drawn.t,
        rule,
        epochs=1,
        batch_size=3,
        sample_weight=drawn.weights,
        state=state,
    )
    later.finish()
    replayed = state
    for place in range(3):
        order = run.settings.batches.order(7, state.seed, state.epoch)
        batch = run.settings.batches.take(run.data, order, place)
        trace = network.run(replayed.theta, batch, MaskSeed(state.seed, replayed.step))
        before = OptimizerState(replayed.step, replayed.slots, network.layout)
        theta, after = rule.step(replayed.theta, trace.gradient, before)
        replayed = replayed._replace(theta=theta, step=after.step, slots=after.slots)
    bound = EPS * np.finfo(dtype).eps
    for found, expected in zip(
        (later.state.theta, *later.state.slots), (replayed.theta, *replayed.slots), strict=True
    ):
        assert np.abs(found - expected).max() <= bound * np.abs(expected).max()


# ---- long runs ----------------------------------------------------------------------------------

LONG = {"half adder": (HALF_ADDER, 20_000, 42), "2-2-2": (MAZUR, 10_000, 0)}


def long_rows() -> list[Any]:
    """Return each run in each way; one of each always runs."""
    always = {("half adder", "as chosen"), ("2-2-2", "2 threads")}
    return [
        pytest.param(*row, marks=[] if row in always else [pytest.mark.full_only])
        for row in itertools.product(LONG, THREADS)
    ]


@pytest.mark.parametrize(("name", "threads"), long_rows())
def test_after_many_epochs(name, threads, long_reference):
    problem, epochs, seed = LONG[name]
    x, t, _ = problem.data()
    run = begun_on(
        threads,
        problem.network,
        x,
        t,
        problem.optimizer,
        epochs=epochs,
        seed=seed,
        theta=problem.theta(seed),
        record_every=epochs,
    )
    run.finish()
    slow = long_reference[name]
    assert np.abs(run.theta - slow.theta).max() <= 1e-9
    assert abs(run.history[-1].loss - slow.history[-1].loss) <= 1e-9


@pytest.fixture(scope="module")
def long_reference() -> Mapping[str, Run]:
    """Return the long runs on the reference engine."""
    runs = {}
    for name, (problem, epochs, seed) in LONG.items():
        x, t, _ = problem.data()
        runs[name] = train(
            problem.network,
            x,
            t,
            problem.optimizer,
            engine="reference",
            epochs=epochs,
            seed=seed,
            theta=problem.theta(seed),
            record_every=epochs,
        )
        runs[name].finish()
    return runs


def test_comparison_detects_a_wrong_engine(monkeypatch):
    """A learning rate that is wrong by a billionth exceeds the bound."""
    update = loops.update

    def wrong(network: Any, rule: Any, batch: Any, state: Any) -> Any:
        return update(
            network, replace(rule, learning_rate=rule.learning_rate * (1 + 1e-9)), batch, state
        )

    monkeypatch.setattr(loops, "update", wrong)
    with pytest.raises(AssertionError):
        trained("as chosen", case(rows=7), SGD(0.5))
