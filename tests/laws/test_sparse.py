"""The sparse law: sparse samples give the numbers of dense ones within rounding, on both engines.

It is tested for all registered classes, and for shapes and storage drawn by Hypothesis. The bound
is that of the engines law: products are summed in another order here, too. Updates that are put off
are the same operations in the same order.
"""

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numba")

from chainrule.compiled import describe, engine
from chainrule.errors import DivergenceError, InputError
from chainrule.layers import Dense, Dropout, LayerNorm
from chainrule.multilayer import mlp
from chainrule.network import MaskSeed, Network
from chainrule.optimizers import LBFGS, SGD, Adam, AdamW
from chainrule.penalties import Penalty
from chainrule.sparse_samples import SparseSamples
from chainrule.training import Run, train
from tests.laws.nets import (
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    ALL_SCHEDULES,
    PAIRS,
    PENALTY,
    STACKS,
    case,
    tuned,
)
from tests.laws.test_engines import CLIPS, DTYPES, PENALTIES, agree

EPS = 1_000  # the bound of the engines law
THREADS = [1, 2]


# ---- the same samples, stored differently --------------------------------------------------------


def wide_indices(x: Any) -> Any:
    """Return a CSR matrix with indices of 64 bits."""
    made: Any = sp.csr_array(x)
    made.indices, made.indptr = made.indices.astype(np.int64), made.indptr.astype(np.int64)
    return made


def unsorted(x: Any) -> Any:
    """Return a CSR matrix whose rows store their entries from the last column to the first."""
    made = sp.csr_matrix(x)
    for a, b in zip(made.indptr, made.indptr[1:], strict=False):
        made.indices[a:b], made.data[a:b] = (
            made.indices[a:b][::-1].copy(),
            made.data[a:b][::-1].copy(),
        )
    made.has_sorted_indices = False
    return made


def twice(x: Any) -> Any:
    """Return a CSR matrix that stores each entry as two halves."""
    made = sp.csr_matrix(x)
    halves = np.repeat(made.data / 2, 2), np.repeat(made.indices, 2), 2 * made.indptr
    return sp.csr_matrix(halves, shape=made.shape)


def with_zeros(x: Any) -> Any:
    """Return a CSR matrix that stores every entry, also zeros."""
    n, inputs = x.shape
    columns, bounds = np.tile(np.arange(inputs), n), inputs * np.arange(n + 1)
    return sp.csr_matrix((x.reshape(-1), columns, bounds), shape=x.shape)


FORMS: dict[str, Callable[[Any], Any]] = {
    "csr": sp.csr_matrix,
    "csc": sp.csc_array,
    "coo": sp.coo_array,
    "lil": sp.lil_matrix,
    "dok": sp.dok_array,
    "indices of 64 bits": wide_indices,
    "unsorted": unsorted,
    "entries stored twice": twice,
    "stored zeros": with_zeros,
}


def thinned(x: Any, share: float = 0.3) -> Any:
    """Return samples of which some entries are 0, among them a whole row and a whole column."""
    rng = np.random.default_rng(zlib.crc32(x.tobytes()))
    kept = rng.random(x.shape) < share
    kept[0], kept[:, 0] = False, False
    return np.where(kept, x, 0).astype(x.dtype)


# ---- the comparison ------------------------------------------------------------------------------


def compare(
    network: Network, x: Any, t: Any, rule: Any, form: str = "csr", threads: int = 1, **options: Any
) -> Run:
    """Train with dense samples, and with sparse ones on both engines; return the compiled run."""
    settings: dict[str, Any] = {"epochs": 3, "batch_size": 3, "seed": 7, **options}
    dense = train(network, x, t, rule, engine="reference", **settings)
    dense.finish()
    made = FORMS[form](x)
    before = made.tocsr().copy()
    slow = train(network, made, t, rule, engine="reference", **settings)
    slow.finish()
    agree(slow, dense, EPS)
    fast = train(network, made, t, rule, engine="compiled", **settings)
    fast.engine_choice = replace(fast.engine_choice, threads=threads)
    fast.finish()
    assert fast.state.engine == "compiled"
    agree(fast, dense, EPS)
    assert (made.tocsr() != before).nnz == 0  # nothing was changed
    return fast


@pytest.mark.every_value(
    activation=ALL_ACTIVATIONS, loss=ALL_LOSSES, dtype=DTYPES, threads=THREADS, form=FORMS
)
def test_activations_losses_and_forms(activation, loss, dtype, threads, form):
    drawn = case(activation, loss, rows=7, dtype=dtype)
    x = thinned(drawn.x, 0.5)
    compare(drawn.network, x, drawn.t, SGD(0.02), form, threads, theta=drawn.theta)


@pytest.mark.product(
    optimizer=PAIRS,
    penalty=PENALTIES,
    clip=CLIPS,
    trainable=[True, False, ("W",), ("b",)],
    weighted=[False, True],
    width=[3, 35],
    threads=THREADS,
    batch_size=[1, 3, None],
    layers=STACKS,
)
def test_training_options(
    optimizer, penalty, clip, trainable, weighted, width, threads, batch_size, layers
):
    drawn = case(
        layers=layers, weighted=weighted, penalty=penalty, trainable=trainable, width=width, rows=7
    )
    compare(
        drawn.network,
        thinned(drawn.x),
        drawn.t,
        tuned(optimizer, clip=CLIPS[clip]),
        threads=threads,
        batch_size=batch_size,
        theta=drawn.theta,
        sample_weight=drawn.weights,
    )


@pytest.mark.product(
    optimizer=PAIRS, learning_rate=ALL_SCHEDULES, dtype=DTYPES, shuffle=[True, False]
)
def test_schedules(optimizer, learning_rate, dtype, shuffle):
    drawn = case(rows=7, dtype=dtype, penalty=PENALTY)
    rule = tuned(optimizer, learning_rate=ALL_SCHEDULES[learning_rate])
    x = thinned(drawn.x)
    compare(drawn.network, x, drawn.t, rule, shuffle=shuffle, theta=drawn.theta, epochs=4)


@given(
    n=st.integers(1, 20),
    widths=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    batch_size=st.integers(1, 20),
    share=st.floats(0, 1),
    form=st.sampled_from(list(FORMS)),
    optimizer=st.sampled_from(list(PAIRS)),
    alpha=st.sampled_from([0.0, 0.1]),
    threads=st.sampled_from(THREADS),
    seed=st.integers(0, 99),
)
def test_any_shape(n, widths, batch_size, share, form, optimizer, alpha, threads, seed):
    rng = np.random.default_rng(seed)
    network = mlp(*widths, activation="tanh", loss="squared-error", penalty=Penalty(alpha=alpha))
    x, t = thinned(rng.normal(size=(n, widths[0])), share), rng.normal(size=(n, widths[-1]))
    # At the usual rate some of these runs are unstable, and multiply any rounding by hundreds.
    rule = tuned(optimizer, learning_rate=0.005)
    compare(network, x, t, rule, form, threads, batch_size=batch_size)


# ---- updates that are put off --------------------------------------------------------------------


@pytest.mark.product(optimizer=PAIRS, penalty=[Penalty(), PENALTY], updates=[1, 2, 5])
def test_calls_of_any_length_give_the_same_bits(optimizer, penalty, updates, monkeypatch):
    """All updates are made at the end of a compiled call, and the losses contain all penalties."""
    drawn = case(penalty=penalty, width=20, rows=13)
    x: Any = sp.csr_matrix(thinned(drawn.x, 0.1))
    options: dict[str, Any] = {"batch_size": 4, "epochs": 5, "seed": 7}
    runs = []
    for count in (100, updates):
        monkeypatch.setattr(engine.Training, "_pace", lambda _, count=count: count)
        runs.append(
            train(drawn.network, x, drawn.t, tuned(optimizer), engine="compiled", **options)
        )
        runs[-1].finish()
    whole, parts = runs
    assert np.array_equal(whole.theta, parts.theta)
    for a, b in zip(whole.state.slots, parts.state.slots, strict=True):
        assert np.array_equal(a, b)
    losses = [[record.loss for record in run.history] for run in runs]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-14)  # summed in another order


@pytest.mark.product(optimizer=PAIRS, epochs=[1, 2])
def test_a_continued_run_gives_the_same_bits(optimizer, epochs):
    drawn = case(penalty=PENALTY, rows=13)
    x: Any = sp.csc_matrix(thinned(drawn.x))
    options: dict[str, Any] = {"batch_size": 4, "engine": "compiled"}
    whole = train(drawn.network, x, drawn.t, tuned(optimizer), epochs=4, **options)
    whole.finish()
    begun = train(drawn.network, x, drawn.t, tuned(optimizer), epochs=epochs, **options)
    begun.finish()
    state = begun.state
    rest = train(
        drawn.network, x, drawn.t, tuned(optimizer), epochs=4 - epochs, state=state, **options
    )
    rest.finish()
    assert np.array_equal(rest.theta, whole.theta)


def test_weights_of_inputs_without_entries_decay_and_rest():
    """With decay or a penalty they change at every update; without both they keep their bytes."""
    x = sp.csr_matrix((np.ones(6), (np.arange(6), np.zeros(6, int))), shape=(6, 4))
    t = np.arange(6.0)
    plain = mlp(4, 3, 1, activation="tanh", loss="squared-error")
    decaying = replace(plain, penalty=Penalty(alpha=0.1))
    start = plain.initialize(0)
    for network, rule, changes in (
        (plain, Adam(0.1), False),
        (plain, AdamW(0.1, decay=0.1), True),
        (decaying, Adam(0.1), True),
        (decaying, SGD(0.1), True),
    ):
        run = train(network, x, t, rule, epochs=2, batch_size=2, theta=start, engine="compiled")
        run.finish()
        rest = network.views(run.theta)["W1"][:, 1:] != network.views(start)["W1"][:, 1:]
        assert rest.all() if changes else not rest.any()


# ---- passes and predictions ----------------------------------------------------------------------


@pytest.mark.every_value(form=FORMS, loss=ALL_LOSSES, penalty=[Penalty(), PENALTY])
def test_passes(form, loss, penalty):
    drawn = case("tanh", loss, "all", rows=9, penalty=penalty, weighted=True)
    network, theta, x = drawn.network, drawn.theta, thinned(drawn.x, 0.5)
    made, seed = FORMS[form](x), MaskSeed(3, 1)
    expected = network.loss_and_gradient(theta, x, drawn.t, drawn.weights, mask_seed=seed)
    found = network.loss_and_gradient(theta, made, drawn.t, drawn.weights, mask_seed=seed)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-13)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(network.predict(theta, made), network.predict(theta, x), rtol=1e-12)
    for a, b in zip(network.activations(theta, made), network.activations(theta, x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
    assert network.check_gradient(theta, made, drawn.t)


@pytest.mark.parametrize("rows", [1, 40])  # fewer and more entries than inputs
def test_products(rows):
    rng = np.random.default_rng(0)
    x, w, d = (
        thinned(rng.normal(size=(rows, 30))),
        rng.normal(size=(7, 30)),
        rng.normal(size=(7, rows)),
    )
    samples = SparseSamples(twice(x))
    np.testing.assert_allclose(samples @ w.T, x @ w.T, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(d @ samples, d @ x, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("first", [LayerNorm(), Dropout(0.3)])
def test_another_first_layer_makes_batches_dense(first):
    network = Network(5, (first, Dense(3, "tanh"), Dense(1, "identity")), "squared-error")
    rng = np.random.default_rng(0)
    x, t = thinned(rng.normal(size=(9, 5))), rng.normal(size=(9, 1))
    runs = [
        train(network, form(x), t, epochs=2, batch_size=4, engine=name)
        for form, name in ((np.array, "reference"), (sp.csr_array, "auto"))
    ]
    for run in runs:
        run.finish()
    agree(runs[1], runs[0], EPS)
    assert "begin with a Dense layer" in runs[1].engine_choice.reason
    with pytest.raises(InputError, match="the samples of a batch are made dense"):
        train(network, sp.csr_array(x), t, engine="compiled")


@pytest.mark.product(
    penalty=[Penalty(), PENALTY], weighted=[False, True], width=[3, 35], trainable=[True, ("b",)]
)
def test_lbfgs(penalty, weighted, width, trainable):
    drawn = case(penalty=penalty, weighted=weighted, width=width, trainable=trainable, rows=9)
    x: Any = thinned(drawn.x)
    options: dict[str, Any] = {"epochs": 5, "sample_weight": drawn.weights, "theta": drawn.theta}
    dense, slow, fast = (
        train(drawn.network, samples, drawn.t, LBFGS(), engine=name, **options)
        for samples, name in (
            (x, "reference"),
            (sp.csc_array(x), "reference"),
            (sp.csr_array(x), "compiled"),
        )
    )
    for run in (dense, slow, fast):
        run.finish()
    assert fast.engine_choice.engine == "compiled"
    for run in (slow, fast):  # the line search amplifies rounding
        np.testing.assert_allclose(run.theta, dense.theta, rtol=1e-6, atol=1e-8)


def test_threads_follow_the_stored_entries():
    network = mlp(130_000, 100, 20, activation="relu", loss="softmax-cross-entropy")
    chosen = describe(network, "adam", rows=11_000, batch_size=200, entries=11_000 * 78)
    assert "sparse samples: 14,960,000 multiplications and updates per batch" in chosen.reason
    narrow = mlp(40, 3, 1, activation="relu", loss="squared-error")
    assert describe(narrow, "adam", rows=10, entries=20).threads == 1


# ---- bad input -----------------------------------------------------------------------------------

NET = mlp(3, 2, 1, activation="tanh", loss="squared-error")


def csr(data: Any, indices: Any, bounds: Any, shape: tuple[int, int] = (2, 3)) -> Any:
    """Return a CSR matrix whose indices nobody has checked."""
    made = sp.csr_matrix(shape)
    made.data, made.indices, made.indptr = np.array(data), np.array(indices), np.array(bounds)
    return made


BAD = {
    "a column too far": (
        csr([1.0, 2.0], [0, 3], [0, 1, 2]),
        "indices contains 3, but there are only 3",
    ),
    "a column below 0": (csr([1.0, 2.0], [-1, 2], [0, 1, 2]), "indices contains -1"),
    "an end too far": (
        csr([1.0, 2.0], [0, 1], [0, 1, 9]),
        "indptr ends at 9, beyond the 2 entries",
    ),
    "a descending bound": (csr([1.0, 2.0], [0, 1], [0, 2, 1]), "they do not ascend from 0"),
    "NaN": (csr([1.0, np.nan], [0, 2], [0, 1, 2]), r"X\[1, 2\] is nan, one of 1"),
    "other columns": (sp.csr_array((2, 4)), r"takes \(n, 3\)"),
    "turned": (sp.csr_array((3, 2)), "transpose it"),
    "no rows": (sp.csr_array((0, 3)), "no samples"),
    "one dimension": (sp.coo_array(np.ones(3)), "as with X.reshape"),
    "objects": (csr(np.array([1, 2], object), [0, 1], [0, 1, 2]), "give numbers"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_samples(name):
    x, message = BAD[name]
    with pytest.raises(InputError, match=message):
        train(NET, x, np.zeros(2))


@pytest.mark.parametrize("name", ["reference", "compiled"])
def test_divergence_names_the_largest_entry(name):
    x = sp.csr_matrix(np.diag([1.0, 1e3, 1.0]))
    network = mlp(3, 2, 1, activation="identity", loss="squared-error")
    run = train(network, x, np.ones(3), SGD(1e6), epochs=200, engine=name)
    with pytest.raises(DivergenceError, match=r"largest \|x\| now 1000, "):
        run.finish()
    assert np.isfinite(run.theta).all()
