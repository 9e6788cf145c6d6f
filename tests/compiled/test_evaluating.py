"""L-BFGS on compiled kernels: losses and gradients equal the reference's, and so do the runs."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from chainrule import LBFGS, DivergenceError, Penalty, mlp, train
from chainrule.batch import Batch
from chainrule.compiled import describe, evaluation
from chainrule.compiled.choice import WORTH_SEARCH, EngineChoice
from chainrule.training import Run
from tests.laws.nets import PENALTY, STACKS, case

EPS = 1_000  # the bound of the engines law
THREADS = {
    "tiny": EngineChoice("compiled", 1, "", tiny=True),
    "1 thread": EngineChoice("compiled", 1, ""),
    "2 threads": EngineChoice("compiled", 2, ""),
}
WIDE = mlp(20, 60, 10, activation="tanh", loss="softmax-cross-entropy", penalty=Penalty(alpha=0.1))
ROWS = WORTH_SEARCH // (20 * 60 + 60 * 10) + 1
X = np.random.default_rng(0).normal(size=(ROWS, 20))
CLASSES = np.random.default_rng(1).integers(0, 10, ROWS)


def agree(network: Any, theta: Any, data: Batch, choice: EngineChoice) -> None:
    """Compare losses and gradients of trainable entries at two points."""
    evaluate, bound = evaluation(network, data, choice), EPS * np.finfo(data.x.dtype).eps
    for point in (theta, theta * theta.dtype.type(0.5)):
        before, trace = point.copy(), network.run(point, data)
        value, gradient = evaluate(point)
        free = network.layout.trainable
        assert abs(value - trace.value) <= bound * (1 + abs(trace.value))
        expected = trace.gradient[free]
        if free.any():
            assert np.abs(gradient[free] - expected).max() <= bound * np.abs(trace.gradient).max()
        assert before.tobytes() == point.tobytes()


@pytest.mark.product(
    layers=[name for name in STACKS if name not in ("dropout", "all")],
    penalty=[Penalty(), PENALTY, Penalty(alpha=1.0)],
    trainable=[True, ("W",), ("b",)],
    weighted=[False, True],
    width=[3, 35],
    dtype=["float64", "float32"],
    threads=THREADS,
)
def test_losses_and_gradients(layers, penalty, trainable, weighted, width, dtype, threads):
    drawn = case(
        layers=layers,
        weighted=weighted,
        penalty=penalty,
        trainable=trainable,
        width=width,
        rows=7,
        dtype=dtype,
    )
    data = drawn.network.batch(drawn.theta, drawn.x, drawn.t, drawn.weights)
    dense = layers in ("single", "dense")
    agree(drawn.network, drawn.theta, data, THREADS[threads if dense else "1 thread"])


def test_many_samples_use_the_blas():
    theta = WIDE.initialize(0)
    choice = describe(WIDE, "lbfgs", rows=ROWS)
    agree(WIDE, theta, WIDE.batch(theta, X, CLASSES), choice)


def begun(engine: str = "auto", **options: Any) -> Run:
    return train(WIDE, X, CLASSES, LBFGS(), seed=3, engine=engine, **options)


def test_a_large_run_is_compiled_and_takes_the_same_way():
    runs = [begun(engine, epochs=12) for engine in ("auto", "reference")]
    assert [run.engine_choice.engine for run in runs] == ["compiled", "reference"]
    records = [run.finish() for run in runs]
    assert records[0].loss == pytest.approx(records[1].loss, rel=1e-9)
    np.testing.assert_allclose(runs[0].theta, runs[1].theta, rtol=1e-7, atol=1e-9)
    assert [run.state.engine for run in runs] == ["compiled", "reference"]


def test_a_small_run_is_not_compiled_unless_requested():
    few = X[: ROWS // 2], CLASSES[: ROWS // 2]
    run = train(WIDE, *few, LBFGS(), epochs=3)
    assert run.engine_choice.engine == "reference"
    requested = train(WIDE, *few, LBFGS(), epochs=3, engine="compiled")
    assert requested.engine_choice.engine == "compiled"
    assert requested.finish().loss == pytest.approx(run.finish().loss, rel=1e-10)
    # A continued run stays on its engine.
    later = train(WIDE, *few, LBFGS(), epochs=2, state=requested.state)
    assert later.engine_choice.engine == "compiled"


def test_the_same_run_has_the_same_bytes():
    states = [begun(epochs=4) for _ in range(2)]
    thetas = [run.finish() and run.theta.tobytes() for run in states]
    assert thetas[0] == thetas[1]


def test_a_loss_that_is_not_finite_is_explained_by_the_reference_engine():
    net = mlp(20, 60, 10, activation="identity", loss="squared-error", output="identity")
    theta, t = net.initialize(0), np.zeros((ROWS, 10))
    run = train(net, X * 1e200, t, LBFGS(), epochs=2, theta=theta)
    assert run.engine_choice.engine == "compiled"
    with pytest.raises(DivergenceError, match=r"L-BFGS's line search in epoch 1, batch 1; first"):
        run.finish()
