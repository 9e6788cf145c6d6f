"""The benchmarks compare results before times; these tests check that comparison.

They run every installed peer on small networks, and measure no times.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import correctness, memory, peers, timing, training
from benchmarks import tiny as tiny_programs
from benchmarks.settings import Settings
from benchmarks.workers import PeerError, WorkerPool
from benchmarks.workloads import Workload, layers, tiny

SMALL = Workload("small", (12, 9, 5), 96, 16, rate=0.1, epochs=1)
WORKLOADS = {
    "classes-sgd": SMALL,
    "classes-adam": replace(SMALL, rule="adam", rate=0.01),
    "numbers-tanh": replace(SMALL, sizes=(6, 8, 8, 1), output="identity", activation="tanh"),
    "numbers-logistic": replace(
        SMALL, sizes=(6, 8, 8, 1), output="identity", activation="logistic", rule="adam"
    ),
    "half-adder": tiny("half-adder", 50),
    "xor": tiny("xor", 50),
}
EAGER = [key for key in peers.MODULES if key != "torch.compile" and peers.installed(key)]


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    """Peers run in processes of their own, because they change threads and options permanently."""
    with WorkerPool() as made:
        yield made


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("key", EAGER)
def test_peers_agree_with_the_reference_engine(pool: WorkerPool, key: str, name: str):
    w = WORKLOADS[name]
    if pool.call(key, timing.refused, key, w):
        assert (key, w.output) == ("sklearn", "logistic")
        return
    expected = pool.call("reference", timing.trained, "reference", w)
    found = pool.call(key, timing.trained, key, w)
    assert correctness.disagreement(w, found, expected, layers(w)) == ""


@pytest.mark.parametrize("key", EAGER)
def test_a_second_session_starts_from_the_first_weights(pool: WorkerPool, key: str):
    first, again = (pool.call(key, timing.trained, key, SMALL) for _ in range(2))
    assert correctness.disagreement(SMALL, again, first, layers(SMALL)) == ""


@pytest.mark.parametrize("key", [key for key in EAGER if key != "reference"])
def test_predictions_agree(pool: WorkerPool, key: str):
    expected = pool.call("reference", timing.predicted, "reference", SMALL, 3)
    found = pool.call(key, timing.predicted, key, SMALL, 3)
    assert correctness.prediction_disagreement(found, expected) == ""
    assert correctness.prediction_disagreement(found + 1e-3, expected)


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 1.01},
        {"seed": 1},
        {"activation": "tanh"},
        {"batch": 32},
        {"epochs": 2},
        {"dtype": "float64"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_differences_are_noticed(pool: WorkerPool, rule: str, wrong: dict):
    """Another rate, order, function, batch size, number of epochs or precision gives no figure."""
    w = replace(SMALL, rule=rule, rate=0.1 if rule == "sgd" else 0.01)
    if "rate" in wrong:
        wrong = {"rate": w.rate * wrong["rate"]}
    other = replace(w, **wrong)
    expected = pool.call("reference", timing.trained, "reference", w)
    loss, weights = pool.call("reference", timing.trained, "reference", other)
    if "dtype" in wrong:
        weights = [(W.astype(float), b.astype(float)) for W, b in expected[1]]
    assert correctness.disagreement(w, (loss, weights), expected, layers(w))


def fail() -> None:
    raise ValueError("first line\nsecond line")


def test_a_failing_peer_has_its_error_message(pool: WorkerPool):
    with pytest.raises(PeerError, match=r"^ValueError: first line$"):
        pool.call("torch", fail)
    assert pool.call("torch", timing.refused, "torch", SMALL) == ""


def test_a_row_has_times_or_reasons(pool: WorkerPool):
    row = training.row(pool, WORKLOADS["xor"], ("ours", "sklearn"), Settings(repeats=2), "tiny")
    ours, sklearn = row.figures
    assert ours.time is not None
    assert 0 < ours.time.least <= ours.time.median <= ours.time.most
    assert (sklearn.time, row.ratio("sklearn")) == (None, None)
    assert "squared error" in sklearn.void


@pytest.mark.full_only  # it runs the slowest program that we compare with
def test_memory_growth_has_the_right_order_of_magnitude(pool: WorkerPool):
    """At least θ, and less than a hundred times as much."""
    w = replace(SMALL, sizes=(784, 512, 10), rows=512, batch=128)
    theta = sum(W.nbytes + b.nbytes for W, b in layers(w))
    grown = pool.call("tutorial", memory.growth, "tutorial", w)
    assert theta <= grown <= 100 * theta


def separate_programs() -> Iterator[Any]:
    """Yield each installed program with each problem; all but one run only with --full."""
    for key in filter(peers.installed, tiny_programs.PROGRAMS):
        for place, problem in enumerate(tiny_programs.PROBLEMS):
            normal = key == "ours" and place == 0  # others are slow
            marks = [] if normal else [pytest.mark.full_only]
            yield pytest.param(key, problem, id=f"{problem}-{key}", marks=marks)


@pytest.mark.parametrize(("key", "problem"), [*separate_programs()])
def test_separate_programs_agree_too(pool: WorkerPool, tmp_path: Path, key: str, problem: str):
    w = tiny(problem, 50)
    tiny_programs.write_inputs(w, tmp_path / "given.npz")
    line, more = next(iter(tiny_programs.commands(key, tmp_path / "given.npz", tmp_path).values()))
    expected, _ = pool.call("reference", timing.trained, "reference", w)
    found = tiny_programs.output(([*line[:-1], "50"], more))
    assert float(found) == pytest.approx(expected, rel=1e-9)
