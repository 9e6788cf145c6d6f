"""The law of ranks: any number of ranks computes the bytes of one."""

import json
from typing import Any

import numpy as np
import pytest

from chainrule.distributed import DataParallel, SingleProcess
from chainrule.errors import DivergenceError
from chainrule.optimizers import SGD
from chainrule.training import train
from tests.distributed.cases import CLASSES, OPTIONS, RULES, X, digest, digests, network, run
from tests.distributed.running import mpiexec
from tests.distributed.threads import ThreadRank, on_threads


def test_ranks_of_mpi_compute_the_bytes_of_one(full: bool):
    given, ranks = (["--full"], 4) if full else ([], 3)
    done = mpiexec(ranks, "-m", "tests.distributed.law_on_mpi", *given, seconds=600)
    assert done.returncode == 0, done.stderr
    first, last = sorted(map(json.loads, done.stdout.splitlines()), key=len, reverse=True)
    expected = digests(SingleProcess(), full=full)
    assert len(set(expected.values())) == len(expected)
    for size in range(2, ranks + 1):
        assert first[str(size)] == expected, size
    assert last[str(ranks)] == expected


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.every_value(rule=RULES, options=OPTIONS)
def test_a_divided_run_equals_an_ordinary_one_up_to_rounding(engine: str, rule: str, options: str):
    """With the same masks of dropout, which are drawn by the number of a sample in its batch."""
    divided = run(rule, SingleProcess(), engine=engine, **OPTIONS[options])
    ordinary = run(rule, None, engine=engine, **OPTIONS[options])
    np.testing.assert_allclose(divided.theta, ordinary.theta, rtol=1e-6, atol=1e-9)
    assert [r.epoch for r in divided.history] == [r.epoch for r in ordinary.history]
    for ours, theirs in zip(divided.history, ordinary.history, strict=True):
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-9)
    assert divided.reason == ordinary.reason


def test_without_exact_sums_runs_agree_up_to_rounding():
    one = run("adam", SingleProcess())

    def program(rank: ThreadRank) -> Any:
        return run("adam", DataParallel(rank, exact=False)).theta

    for theta in on_threads(3, program):
        np.testing.assert_allclose(theta, one.theta, rtol=1e-9)
        assert (theta != one.theta).any()


def test_another_number_of_blocks_rounds_differently():
    one, other = (run("adam", DataParallel(SingleProcess(), blocks=b)).theta for b in (16, 5))
    np.testing.assert_allclose(one, other, rtol=1e-9)
    assert (one != other).any()


def test_a_run_is_continued_with_another_number_of_ranks():
    whole = digest(run("adam", SingleProcess(), epochs=4))
    state = run("adam", SingleProcess(), epochs=2).state

    def program(rank: ThreadRank) -> Any:
        return run("adam", rank, epochs=2, state=state).state.theta.tobytes()

    expected = run("adam", SingleProcess(), epochs=4).state.theta.tobytes()
    assert digest(run("adam", SingleProcess(), epochs=4)) == whole
    assert on_threads(3, program) == [expected] * 3


def test_all_ranks_diverge_in_the_same_update():
    def program(rank: ThreadRank) -> tuple[str, int]:
        given = network(dropout=0.0), 1e3 * X, CLASSES, SGD(1e200)
        made = train(*given, epochs=5, batch_size=25, communicator=rank)
        with pytest.raises(DivergenceError) as caught:
            made.finish()
        assert np.isfinite(made.state.theta).all()
        return str(caught.value), made.state.step

    assert len(set(on_threads(3, program))) == 1
