"""An interrupted run loses and repeats nothing: its records, state and θ stay consistent.

The tests interrupt at any call, and before any line, of a run's code.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from types import FrameType
from typing import Any

import numpy as np
import pytest

from chainrule import LBFGS, SGD, Adam, EarlyStopping, Run, mlp, train
from chainrule.compiled.engine import Training
from chainrule.lbfgs_search import LBFGSSearch
from chainrule.metrics import r2
from tests.training.interruptions import at_line, files, in_short_calls

OWN = files("training.py", "metrics.py", "loops.py", "compiled/engine.py")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 3)), RNG.normal(size=(10, 2))
NET = mlp(3, 4, 2, activation="tanh", loss="squared-error", dropout=0.2)
PLAIN = mlp(3, 4, 2, activation="tanh", loss="squared-error")
EPOCHS = 4

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "every other epoch": {"record_every": 2},
    "stopping early": {
        "validation": (X[:3], 1 - Y[:3]),
        "metric": "r2",
        "loss_after_epoch": True,
        "early_stopping": EarlyStopping(patience=2, min_delta=9.0),
    },
}

each_engine = pytest.mark.parametrize("engine", ["reference", "compiled"])
each_option = pytest.mark.parametrize("option", OPTIONS)


def new_run(engine: str, option: str, **more: Any) -> Run:
    """Return a run in batches that has not been started."""
    settings: dict[str, Any] = (
        {"epochs": EPOCHS, "batch_size": 4, "seed": 2} | OPTIONS[option] | more
    )
    return train(NET, X, Y, Adam(0.1), engine=engine, **settings)


def untimed_records(run: Run) -> list[Any]:
    """Return the records without their times."""
    return [record._replace(seconds=0.0) for record in run.history]


def content(run: Run) -> list[Any]:
    """Return the state, θ and reason of a run, arrays as bytes."""
    values = [*run.state.to_dict().values(), run.theta]
    return [v.tobytes() if isinstance(v, np.ndarray) else v for v in values] + [run.reason]


@contextmanager
def at_call(call: int) -> Iterator[list[int]]:
    """Raise KeyboardInterrupt at a call in the files of the run, or when the call returns.

    The yielded list counts down to it; a value below 1 means that it was raised.
    """
    left = [call]

    def look(frame: FrameType, event: str, _: object) -> None:
        left[0] -= frame.f_code.co_filename in OWN
        if left[0] == 0:
            raise KeyboardInterrupt

    sys.setprofile(look)
    try:
        with suppress(KeyboardInterrupt):
            yield left
    finally:
        sys.setprofile(None)


def interruptions(
    begin: Callable[[], Run],
    interruption: Callable[[int], AbstractContextManager[list[int]]],
    step: int,
) -> Iterator[Run]:
    """Yield runs that are interrupted at every `step`-th place, each at another one."""
    for place in range(1, 20_000, step):
        run = begin()
        with interruption(place) as left:
            run.finish()
        if left[0] > 0:
            assert place > 50
            return
        yield run
    pytest.fail("the run did not end")


PLACES = {"call": at_call, "line": lambda number: at_line(number, OWN)}


# When a loop is left, Python closes the generator and cannot raise an error from it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@each_engine
@each_option
@pytest.mark.parametrize("place", PLACES)
def test_an_interruption_at_any_place(
    engine: str, option: str, place: str, request: pytest.FixtureRequest
):
    step = 1 if request.config.getoption("--full") else 7
    whole = new_run(engine, option)
    whole.finish()
    assert whole.reason == ("early stopping" if option == "stopping early" else "epochs")
    for number, interrupted in enumerate(
        interruptions(lambda: new_run(engine, option), PLACES[place], step)
    ):
        run, reached, before = interrupted, interrupted.state.epoch, list[Any]()
        assert untimed_records(run) == [
            record for record in untimed_records(whole) if record.epoch <= reached
        ], number
        if number % 3 == 0 and run.reason is None and reached < EPOCHS:  # another run continues
            before = untimed_records(run)
            run = new_run(engine, option, epochs=EPOCHS - reached, state=run.state)
        run.finish()
        assert before + untimed_records(run) == untimed_records(whole), number
        assert content(run) == content(whole), number


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("tiny", [True, False])
def test_many_interruptions_of_one_run(tiny: bool, monkeypatch: pytest.MonkeyPatch):
    """Every epoch is a separate compiled call, and is interrupted repeatedly."""
    monkeypatch.setattr(Training, "_stretch", in_short_calls(1))
    network = mlp(2, 3, 1, activation="tanh", loss="squared-error") if tiny else NET
    x, t = (X[:4, :2], Y[:4, :1]) if tiny else (X, Y)

    def begin() -> Run:
        return train(network, x, t, SGD(0.1), epochs=200, engine="compiled", seed=2)

    whole, run, times = begin(), begin(), 0
    assert whole.engine_choice.tiny == tiny
    whole.finish()
    while run.reason is None and times < 1000:
        with at_line(50 + 37 * times % 300, OWN) as left:  # an epoch runs about 100 lines
            run.finish()
        times += left[0] <= 0
        assert [record.epoch for record in run.history] == list(range(1, run.state.epoch + 1))
    assert times > 50
    assert untimed_records(run) == untimed_records(whole)
    assert content(run) == content(whole)


@each_engine
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_errors_in_a_metric(engine: str, error: type[BaseException]):
    calls = count(1)

    def metric(p: Any, t: Any) -> float:
        if next(calls) in {1, 3, 4, 7}:
            raise error
        return r2(p, t)

    whole, run = (new_run(engine, "plain", metric=one) for one in (r2, metric))
    whole.finish()
    for done in (0, 1, 1, 3):
        with pytest.raises(error):
            run.finish()
        assert len(run.history) == run.state.epoch == done
    run.finish()
    assert untimed_records(run) == untimed_records(whole)
    assert content(run) == content(whole)


@pytest.mark.parametrize("every", [1, 2])
def test_an_interrupted_lbfgs_run(every: int, monkeypatch: pytest.MonkeyPatch):
    """L-BFGS restarts from the last iteration; earlier iterations keep their records."""
    whole = train(PLAIN, X, Y, LBFGS(), epochs=9, record_every=every)
    whole.finish()
    run = train(PLAIN, X, Y, LBFGS(), epochs=9, record_every=every)
    value, calls = LBFGSSearch.value_and_gradient, count(1)

    def interrupted(*given: Any) -> Any:
        if next(calls) == 6:
            raise KeyboardInterrupt
        return value(*given)

    monkeypatch.setattr(LBFGSSearch, "value_and_gradient", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.finish()
    reached = run.state.epoch
    assert 2 < reached < 9
    assert untimed_records(run) == [
        record for record in untimed_records(whole) if record.epoch <= reached
    ]
    run.finish()
    assert [r.epoch for r in run.history] == [r.epoch for r in whole.history]
