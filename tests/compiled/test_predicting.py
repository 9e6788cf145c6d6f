"""Prediction by compiled kernels equals the reference, for any memory layout and any thread."""

import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from chainrule import LOSSES, InputError, Network, mlp, train
from chainrule.compiled import predictor
from chainrule.compiled.predicting import BLOCK, turned_layers


def network(loss: str = "softmax-cross-entropy") -> Network:
    return mlp(7, 33, 5, 4, activation="silu", loss=loss, layer_norm=True, dropout=0.2)


def samples(n: int, dtype: type = np.float64) -> np.ndarray:
    return np.random.default_rng(n).normal(size=(n, 7)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_link_matches_the_reference(loss: str, dtype: type):
    net, x = network(loss), samples(9, dtype)
    theta = net.initialize(0, dtype)
    p = predictor(net, dtype).predict(theta, x)
    assert p.dtype == dtype
    # The absolute bound: an output is a sum of numbers near 1, which may cancel to a small one.
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(p, net.predict(theta, x), rtol=64 * eps, atol=8 * eps)


@pytest.mark.parametrize("n", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 3, 60 * BLOCK])
def test_any_number_of_samples(n: int):
    net, x = network(), samples(n)
    theta = net.initialize(0)
    p = predictor(net, np.float64).predict(theta, x)
    np.testing.assert_allclose(p, net.predict(theta, x), rtol=1e-13, atol=1e-15)


def test_a_network_without_biases():
    net = mlp(7, 40, 4, activation="tanh", loss="squared-error", bias=False)
    theta, x = net.initialize(0), samples(5)
    o = predictor(net, np.float64).predict(theta, x)
    np.testing.assert_allclose(o, net.predict(theta, x), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    "turn",
    [lambda x: x[::-1], np.asfortranarray, lambda x: x[:, ::-1], lambda x: x[::3]],
    ids=["reversed", "by-columns", "columns-reversed", "every-third"],
)
def test_samples_in_any_memory_layout(turn):
    net, x = network(), turn(samples(300))
    theta = net.initialize(0)
    p = predictor(net, np.float64).predict(theta, x)
    np.testing.assert_allclose(p, net.predict(theta, x), rtol=1e-13, atol=1e-15)


def test_read_only_samples_and_parameters():
    net, x = network(), samples(20)
    theta = net.initialize(0)
    x.setflags(write=False)
    theta.setflags(write=False)
    p = predictor(net, np.float64).predict(theta, x)
    np.testing.assert_allclose(p, net.predict(theta, x), rtol=1e-13, atol=1e-15)


def test_lists_one_sample_and_wrong_shapes():
    net = network()
    theta, compiled = net.initialize(0), predictor(net, np.float64)
    one = compiled.predict(theta, [1, 2, 3, 4, 5, 6, 7])
    np.testing.assert_allclose(one, net.predict(theta, [1, 2, 3, 4, 5, 6, 7]), rtol=1e-13)
    with pytest.raises(InputError, match=r"takes \(n, 7\)"):
        compiled.predict(theta, [[1, 2, 3]])


def test_one_sample_at_a_time_with_changing_parameters():
    net, x = network(), samples(6)
    compiled = predictor(net, np.float64)
    thetas = [net.initialize(seed) for seed in (0, 1)]
    pairs = [(theta, row) for row in x for theta in (*thetas, np.repeat(thetas[0], 2)[::2])]
    found = [compiled.predict(theta, row) for theta, row in pairs]
    for p, (theta, row) in zip(found, pairs, strict=True):  # no result is overwritten later
        assert p.shape == (1, 4)
        np.testing.assert_allclose(p, net.predict(theta, row[None, :]), rtol=1e-13, atol=1e-15)
        assert p.tobytes() == compiled.predict(theta, row[None, :].tolist()).tobytes()


def test_old_parameters_are_not_kept():
    net = network()
    theta, compiled = net.initialize(0), predictor(net, np.float64)
    compiled.predict(theta, samples(1))
    kept = weakref.ref(theta)
    del theta
    assert kept() is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nonfinite_samples_give_nan(bad: float):
    net, x = network(), samples(4)
    x[2, 3] = bad
    theta = net.initialize(0)
    p = predictor(net, np.float64).predict(theta, x)
    assert np.isnan(p).any(axis=1).tolist() == [False, False, True, False]


def test_threads_can_share_a_predictor():
    net = network()
    theta, compiled = net.initialize(0), predictor(net, np.float64)
    batches = [samples(n) for n in (1, 7, 200, 1000)] * 8
    expected = [compiled.predict(theta, x) for x in batches]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda x: compiled.predict(theta, x), batches))
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one, other)


def test_runs_predict_and_validate_with_compiled_kernels():
    net, x = network(), samples(200)
    y = np.arange(200) % 4
    runs = [
        train(net, x, y, "sgd", epochs=2, batch_size=50, validation=(x[:90], y[:90]), engine=engine)
        for engine in ("compiled", "reference")
    ]
    compiled, reference = (run.finish() for run in runs)
    assert reference.validation_loss is not None
    assert compiled.validation_loss == pytest.approx(reference.validation_loss, rel=1e-12)
    np.testing.assert_allclose(runs[0].predict(x), runs[1].predict(x), rtol=1e-11)


def test_complex_samples_raise():
    net = network()
    with pytest.raises(InputError, match="X is complex"):
        predictor(net, np.float64).predict(net.initialize(0), samples(3) + 1j)


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
from chainrule import mlp
from chainrule.compiled import predicting, predictor

predicting.allowed = lambda: THREADS
net = mlp(8, 512, 512, 512, 512, 8, activation="relu", loss="squared-error")
theta, one = net.initialize(0), predictor(net, np.float64)
few = np.random.default_rng(0).normal(size=(3000, 8))
expected = one.predict(theta, few)
many = np.broadcast_to(few[0], (10**7, 8))  # minutes of work, without memory

def send():
    time.sleep(0.5)
    sent.extend([threading.active_count(), time.perf_counter()])
    os.kill(os.getpid(), signal.SIGINT)

for _ in range(2):
    sent = []
    sender = threading.Thread(target=send)
    sender.start()
    try:
        one.predict(theta, many)
    except KeyboardInterrupt:
        waited = time.perf_counter() - sent[1]
    else:
        sys.exit("the prediction was not interrupted")
    sender.join()
    assert sent[0] == 1 + THREADS  # the sender and the predicting threads
    assert threading.active_count() == 1, threading.enumerate()
    assert waited < 5, waited  # blocks take milliseconds; a loaded machine may take longer
    assert one.predict(theta, few).tobytes() == expected.tobytes()
"""


@pytest.mark.parametrize(
    "threads",
    [pytest.param(1, marks=pytest.mark.full_only), 2, pytest.param(3, marks=pytest.mark.full_only)],
)
def test_ctrl_c_ends_a_long_prediction(threads: int):
    program = INTERRUPTED.replace("THREADS", str(threads))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_error_in_another_thread_is_raised_here(monkeypatch):
    net, x = network(), samples(3000)
    one = predictor(net, np.float64)
    monkeypatch.setattr("chainrule.compiled.predicting.WORTH_THREADS", 0)
    monkeypatch.setattr("chainrule.compiled.predicting.allowed", lambda: 2)
    write, failed = one._write, threading.Event()

    def failing(*given):
        if threading.current_thread() is not threading.main_thread():
            failed.set()
            raise MemoryError("no more")
        failed.wait()  # else this thread may take all of the work
        write(*given)

    monkeypatch.setattr(one, "_write", failing)
    with pytest.raises(MemoryError, match="no more"):
        one.predict(net.initialize(0), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_samples_have_the_same_bytes_with_any_number_of_threads(dtype: type, monkeypatch):
    net = mlp(20, 40, 17, 3, activation="relu", loss="squared-error")  # two W turned, one not
    assert turned_layers(net, dtype) == (0, 1)
    theta, x = net.initialize(0, dtype), np.random.default_rng(0).normal(size=(3001, 20))
    x, one = x.astype(dtype), predictor(net, dtype)
    expected = one.predict(theta, x)
    tolerance = 64 * np.finfo(dtype).eps
    np.testing.assert_allclose(expected, net.predict(theta, x), rtol=tolerance, atol=tolerance)
    assert one.predict(theta, x[: 9 * BLOCK]).tobytes() == expected[: 9 * BLOCK].tobytes()
    monkeypatch.setattr("chainrule.compiled.predicting.WORTH_THREADS", 0)
    for threads in (2, 3):
        monkeypatch.setattr("chainrule.compiled.predicting.allowed", lambda n=threads: n)
        assert one.predict(theta, x).tobytes() == expected.tobytes()


def test_wide_layers_are_left_to_the_blas(monkeypatch):
    monkeypatch.setattr("chainrule.compiled.predicting.NEAR_BYTES", 30 * 40 * 8)
    net = mlp(30, 40, 40, 20, activation="tanh", loss="squared-error")
    assert turned_layers(net, np.float64) == (0, 2)  # the second W has 40 × 40 entries
    theta, x = net.initialize(0), np.random.default_rng(0).normal(size=(1500, 30))
    p = predictor(net, np.float64).predict(theta, x)
    np.testing.assert_allclose(p, net.predict(theta, x), rtol=1e-12, atol=1e-14)
