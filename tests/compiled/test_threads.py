"""Threads and processes: results are bitwise equal for concurrent runs and after forks.

Programs run in separate processes, which are killed if they hang.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from threadpoolctl import threadpool_limits

from chainrule.compiled import describe, engine, threads
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam, ClipNorm, Momentum
from chainrule.penalties import Penalty
from chainrule.training import Run, train
from tests.compiled.signals import interrupting
from tests.laws.nets import Array

HANG = 240  # seconds

NET = mlp(
    40,
    65,
    48,
    33,
    8,
    activation="tanh",
    loss="softmax-cross-entropy",
    layer_norm=True,
    dropout=0.2,
    penalty=Penalty(l1=1e-4, alpha=0.1),
)
NETS = {"all kinds": NET, "Dense": mlp(40, 65, 48, 8, activation="tanh", loss="squared-error")}
RNG = np.random.default_rng(4)
X, T = RNG.normal(size=(203, 40)), RNG.dirichlet(np.ones(8), 203)
RULES: dict[str, Any] = {
    "sgd": SGD(0.05),
    "momentum": Momentum(0.02),
    "adam": Adam(0.01),
    "adam, norm clipped": Adam(0.01, clip=ClipNorm(0.1)),
}


def fitted(
    ranks: int,
    rule: str = "adam",
    net: Network = NET,
    epochs: int = 6,
    rows: int | None = None,
    **options: Any,
) -> Run:
    """Return a finished run on this number of threads, with all or the first rows."""
    settings = {"batch_size": 32, "seed": 1, **options}
    x, t = X[:rows], T[:rows]
    run = train(net, x, t, RULES[rule], epochs=epochs, engine="compiled", **settings)
    run.engine_choice = replace(run.engine_choice, tiny=False, threads=ranks)
    run.finish()
    return run


def everything(run: Run) -> bytes:
    """Return all that a run computed as bytes."""
    losses = np.array([record.loss for record in run.history])
    return b"".join(a.tobytes() for a in (run.theta, *run.state.slots, losses))


# ---- threads of the engine ----------------------------------------------------------------------


@pytest.mark.every_value(
    ranks=[2, 3, 4, 7], rule=RULES, net=NETS, batch=[None, 32, 1], shuffle=[True, False]
)
def test_any_number_of_threads(ranks, rule, net, batch, shuffle):
    """Threads change only the rounding, since each computes its own part of the sums."""
    options: dict[str, Any] = {
        "rule": rule,
        "net": NETS[net],
        "batch_size": batch,
        "shuffle": shuffle,
    }
    if batch == 1:  # each update takes as long as one of a larger batch: the threads wait
        options |= {"epochs": 1, "rows": 40}
    one, many = fitted(1, **options), fitted(ranks, **options)
    assert np.abs(one.theta - many.theta).max() <= 1e-11 * np.abs(one.theta).max()
    for a, b in zip(one.history, many.history, strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-11)


@contextmanager
def load() -> Iterator[None]:
    """Keep the processors busy."""
    command = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(command) for _ in range(2)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("ranks", "rule"),
    [
        *(pytest.param(2, rule, marks=pytest.mark.full_only) for rule in RULES if rule != "sgd"),
        (2, "sgd"),
        pytest.param(3, "adam", marks=pytest.mark.full_only),
    ],
)
def test_results_are_reproducible(ranks, rule, full):
    quiet = {everything(fitted(ranks, rule, epochs=2)) for _ in range(2)}
    with load():
        busy = {everything(fitted(ranks, rule, epochs=2)) for _ in range(7 if full else 3)}
    assert len(quiet | busy) == 1


def test_runs_in_two_python_threads():
    expected = {seed: everything(fitted(2, seed=seed)) for seed in range(4)}
    found: dict[int, bytes] = {}
    workers = [
        threading.Thread(target=lambda s=s: found.update({s: everything(fitted(2, seed=s))}))
        for s in expected
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(HANG)
    assert found == expected


def test_an_interruption_ends_all_threads():
    """Wherever in the call it comes, the other threads are released and end."""
    cancel, entered = threading.Event(), []

    def program(rank: int) -> int:
        if rank == 0:
            raise KeyboardInterrupt
        entered.append(rank)
        cancel.wait(HANG)
        return 0

    before = threading.active_count()
    for _ in range(20):
        cancel.clear()
        with pytest.raises(KeyboardInterrupt):
            threads.run_together(program, 3, cancel.set)
        assert cancel.is_set()
        assert threading.active_count() == before


@pytest.mark.parametrize("times", [1, 2, 5])
def test_an_interruption_while_waiting_for_threads(times):
    """They are released, and the caller still waits for them: they use its memory."""
    cancel, ended, end = threading.Event(), list[int](), list[Callable[[], None]]()

    def program(rank: int) -> int:
        if rank == 0:
            end.append(interrupting(0.05, times))
        else:
            cancel.wait(20)
            time.sleep(0.4)
            ended.append(rank)
        return 0

    def call() -> None:
        try:
            threads.run_together(program, 3, cancel.set)
        finally:
            ended_by_then.extend(ended)
            end[0]()

    ended_by_then, began = list[int](), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        call()
    assert sorted(ended_by_then) == [1, 2]
    assert time.monotonic() - began < 15


def test_an_interruption_while_threads_are_released():
    cancel, abandoned, began = threading.Event(), list[int](), time.monotonic()
    all_there = threading.Barrier(3)

    def program(rank: int) -> int:
        all_there.wait()
        if rank == 0:
            raise KeyboardInterrupt
        cancel.wait(20)
        return 0

    def abort() -> None:
        abandoned.append(1)
        if len(abandoned) == 1:
            raise KeyboardInterrupt
        cancel.set()

    with pytest.raises(KeyboardInterrupt):
        threads.run_together(program, 3, abort)
    assert time.monotonic() - began < 15


def test_an_interruption_before_all_threads_have_started(monkeypatch):
    start, entered = threading.Thread.start, []

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        threads.run_together(lambda rank: entered.append(rank) or 0, 3, lambda: None)
    assert entered == []


# ---- the BLAS's threads -------------------------------------------------------------------------


def counts() -> tuple[int, ...]:
    """Return the numbers of threads that SciPy's BLAS may use."""
    return tuple(library.get_num_threads() for library in threads.libraries())


class Watched:
    """Records the number of BLAS threads whenever compiled code starts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: set[tuple[int, ...]] = set()
        run_together = engine.run_together

        def watching(*args: Any) -> int:
            self.seen.add(counts())
            return run_together(*args)

        monkeypatch.setattr(engine, "run_together", watching)


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("ranks", [1, 2])
def test_threads_never_multiply(limit, ranks, monkeypatch):
    with threadpool_limits(limit, user_api="blas"):
        before, watched = counts(), Watched(monkeypatch)
        assert set(before) == {limit}
        fitted(ranks)
        assert {n for seen in watched.seen for n in seen} == {1}
        assert counts() == before


def test_limits_are_restored_after_an_error(monkeypatch):
    def broken(*args: Any) -> int:
        raise RuntimeError("broken")

    monkeypatch.setattr(engine, "run_together", broken)
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(RuntimeError, match="broken"):
            fitted(2)
        assert set(counts()) == {2}


def test_limits_are_restored_after_overlapping_runs():
    with threadpool_limits(2, user_api="blas"):
        first, second = threads.single_blas(), threads.single_blas()
        with first:
            second.__enter__()
            assert set(counts()) == {1}
            assert threads.allowed() == min(2, threads.processors())  # as it was before
        assert set(counts()) == {1}
        second.__exit__(None, None, None)
        assert set(counts()) == {2}


def test_limits_of_threadpoolctl_are_respected():
    many = min(2, threads.processors())
    choices = {}
    for limit in (1, 2):
        with threadpool_limits(limit, user_api="blas"):
            choices[limit] = describe(
                mlp(784, 512, 10, activation="relu", loss="squared-error"), rows=512
            )
    assert {limit: path.threads for limit, path in choices.items()} == {1: 1, 2: many}


def test_no_more_threads_than_processors(monkeypatch):
    monkeypatch.setattr(threads, "processors", lambda: 1)
    assert threads.allowed() == 1


# ---- processes ----------------------------------------------------------------------------------

FITTING = '''
"""The run of the programs below: on two threads, and long enough to overlap with others."""

import sys
from dataclasses import replace

import numpy as np

from chainrule import Adam, mlp, train

NET = mlp(40, 65, 48, 8, activation="tanh", loss="squared-error", dropout=0.2)
RNG = np.random.default_rng(4)
X, T = RNG.normal(size=(203, 40)), RNG.normal(size=(203, 8))


def fit(seed=0, epochs=20, threads=2):
    run = train(NET, X, T, Adam(0.01), epochs=epochs, batch_size=32, seed=seed, engine="compiled")
    run.engine_choice = replace(run.engine_choice, tiny=False, threads=threads)
    run.finish()
    return run.theta.tobytes()


def in_a_child(work, seconds=60):
    """Fork, run `work` in the child, and check that it succeeds."""
    import os, time

    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, status
            return
        time.sleep(0.01)
    os.kill(child, 9)
    sys.exit("the child hangs")


def check(expected):
    assert fit() == expected
'''

PROGRAMS = {
    "after a fork": """
expected = fit()
in_a_child(lambda: check(expected))
in_a_child(lambda: in_a_child(lambda: check(expected)))
check(expected)
""",
    "before and after a fork, first in the child": """
in_a_child(lambda: fit())
expected = fit()
in_a_child(lambda: check(expected))
""",
    "forked while another thread fits": """
import threading
from chainrule.compiled import threads
from threadpoolctl import threadpool_limits

expected, stop = fit(), threading.Event()
before = [library.get_num_threads() for library in threads.libraries()]

def child():
    assert [library.get_num_threads() for library in threads.libraries()] == before
    check(expected)
    assert [library.get_num_threads() for library in threads.libraries()] == before

def fitting():
    while not stop.is_set():
        check(expected)

other = threading.Thread(target=fitting)
other.start()
for _ in range(5):
    in_a_child(child)
stop.set()
other.join()
check(expected)
""",
    "forked while another thread trains for the first time": """
import threading, time

def training(place):
    other = threading.Thread(target=fit)
    other.start()
    time.sleep(place / 20)  # the fork comes during imports, or while compiled code is loaded
    in_a_child(lambda: check(expected), seconds=30)
    other.join()

with open("expected", "wb") as file:
    in_a_child(lambda: file.write(fit()) and file.flush())
with open("expected", "rb") as file:
    expected = file.read()
for place in range(0, 5, 2):  # each in a process that has imported nothing yet
    in_a_child(lambda: training(place))
""",
    "forked while another thread compiles": """
import threading, time
from chainrule.compiled import kernel_loader
from chainrule.compiled.cache import object_cache
from chainrule.compiled.codegen import elementwise_kernels

NAME, expected, stop, built = "layer_kernels.dropout_forward", fit(), threading.Event(), []

def compile_one():
    object_cache.compiled("unused", None, lambda: kernel_loader.built(NAME, np.float32))

def compiling():
    while not stop.is_set():
        built.append(compile_one())

def child(compiles):
    kernel_loader.IN_MEMORY.clear()
    elementwise_kernels.compiled_loop.cache_clear()
    check(expected)  # everything is loaded again
    if compiles:
        compile_one()

other = threading.Thread(target=compiling, daemon=True)
other.start()
while not built:  # Numba is imported
    time.sleep(0.01)
for place in range(3):
    time.sleep(place / 20)
    in_a_child(lambda: child(compiles=place == 2))
stop.set()
other.join()
""",
    "multiprocessing, fork": """
import multiprocessing
expected = [fit(seed) for seed in range(4)]
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(fit, range(4)) == expected
""",
    "multiprocessing, spawn": """
import multiprocessing
if __name__ == "__main__":
    expected = [fit(seed) for seed in range(4)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(fit, range(4)) == expected
""",
    "multiprocessing, forkserver": """
import multiprocessing
if __name__ == "__main__":
    expected = [fit(seed) for seed in range(4)]
    with multiprocessing.get_context("forkserver").Pool(2) as pool:
        assert pool.map(fit, range(4)) == expected
""",
    "limited by the environment": """
import os
from chainrule.compiled import describe
assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
wide = mlp(784, 512, 10, activation="relu", loss="squared-error")
assert describe(wide, rows=512).threads == 1
""",
    "joblib's workers, and what is compiled": """
import os
from joblib import Parallel, delayed
from chainrule.compiled.cache import object_cache

def seen():
    return os.environ["NUMBA_NUM_THREADS"], object_cache.path_of("name", "key")

if __name__ == "__main__":
    found = Parallel(n_jobs=2, backend="loky")(delayed(seen)() for _ in range(2))
    assert found == [("1", object_cache.path_of("name", "key"))] * 2, found
""",
    "left while it fits": """
import threading, time
other = threading.Thread(target=fit, kwargs={"epochs": 10**6}, daemon=True)
other.start()
time.sleep(0.5)
""",
    **{
        f"joblib, {backend}": f"""
from joblib import Parallel, delayed
if __name__ == "__main__":
    expected = [fit(seed) for seed in range(4)]
    found = Parallel(n_jobs=2, backend="{backend}")(delayed(fit)(seed) for seed in range(4))
    assert found == expected
"""
        for backend in ("loky", "threading", "multiprocessing")
    },
}
SIMILAR = {  # to another program, which runs always
    *("forked while another thread fits", "forked while another thread compiles"),
    *("after a fork", "joblib, threading", "joblib, multiprocessing"),
    *("multiprocessing, fork", "multiprocessing, forkserver", "multiprocessing, spawn"),
}
FORKS = [name for name in PROGRAMS if "fork" in name or name == "joblib, multiprocessing"]


def programs() -> Iterator[Any]:
    """Yield the names; one program of a kind runs always, the others with --full."""
    for name in PROGRAMS:
        yield pytest.param(name, marks=[pytest.mark.full_only] if name in SIMILAR else [])


@pytest.mark.parametrize("name", [*programs()])
def test_in_a_process(name, tmp_path: Path):
    if name in FORKS and not hasattr(os, "fork"):
        return
    (tmp_path / "fitting.py").write_text(FITTING)
    program = tmp_path / "program.py"
    program.write_text(
        "from fitting import *\n"
        + PROGRAMS[name]
        + "\nif __name__ == '__main__':\n    print('done')\n"
    )
    places = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    if name == "limited by the environment":
        environment["OPENBLAS_NUM_THREADS"] = "1"
    done = subprocess.run(
        [sys.executable, str(program)],
        env=environment,
        check=False,
        timeout=HANG,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    assert "Exception ignored" not in done.stderr


def test_results_do_not_depend_on_concurrent_runs():
    """Sixteen short runs in four threads at once give the same bytes as single runs."""
    expected = [everything(fitted(2, seed=seed, epochs=2)) for seed in range(16)]
    found: list[Array | bytes | None] = [None] * 16

    def work(first: int) -> None:
        for seed in range(first, 16, 4):
            found[seed] = everything(fitted(2, seed=seed, epochs=2))

    workers = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(HANG - (time.monotonic() - began))
    assert found == expected
