"""Records and state belong together: wherever a run breaks off, nothing is missing or twice.

Ctrl-C is served after calls, so each call of a run's own code is one after which it comes here.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import LBFGS, Adam, EarlyStopping, Run, mlp, train
from chainrule.training import r2

HOUSE = Path(chainrule.__file__).parent
OWN = {str(HOUSE / name) for name in ("training.py", "loops.py", "compiled/engine.py")}

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


def begun(engine: str, option: str, **more: Any) -> Run:
    """Return a run in batches that has not begun."""
    settings: dict[str, Any] = (
        {"epochs": EPOCHS, "batch_size": 4, "seed": 2} | OPTIONS[option] | more
    )
    return train(NET, X, Y, Adam(0.1), engine=engine, **settings)


def told(run: Run) -> list[Any]:
    """Return what the records say, but for the time."""
    return [record._replace(seconds=0.0) for record in run.history]


def content(run: Run) -> list[Any]:
    """Return all that a run has come to, arrays as bytes."""
    values = [*run.state.to_dict().values(), run.theta]
    return [v.tobytes() if isinstance(v, np.ndarray) else v for v in values] + [run.reason]


@contextmanager
def interruption(call: int) -> Iterator[list[int]]:
    """Let Ctrl-C come at a certain call in the run's own files, or when it returns.

    What is yielded counts down to it; below 1, it came.
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


# Where a loop was left, Python throws an error away: it ends the generator by itself.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@each_engine
@each_option
def test_an_interruption_after_any_call(engine: str, option: str):
    whole = begun(engine, option)
    whole.finish()
    assert whole.reason == ("early stopping" if option == "stopping early" else "epochs")
    for call in range(1, 10_000):
        run = begun(engine, option)
        with interruption(call) as left:
            run.finish()
        if left[0] > 0:
            assert call > 50
            return
        reached, before = run.state.epoch, list[Any]()
        assert told(run) == [record for record in told(whole) if record.epoch <= reached], call
        if call % 3 == 0 and run.reason is None and reached < EPOCHS:  # another run goes on
            before = told(run)
            run = begun(engine, option, epochs=EPOCHS - reached, state=run.state)
        run.finish()
        assert before + told(run) == told(whole), call
        assert content(run) == content(whole), call
    pytest.fail("a run of few epochs has no end")


@each_engine
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_metric_that_fails(engine: str, error: type[BaseException]):
    calls = count(1)

    def metric(p: Any, t: Any) -> float:
        if next(calls) in {1, 3, 4, 7}:
            raise error
        return r2(p, t)

    whole, run = (begun(engine, "plain", metric=one) for one in (r2, metric))
    whole.finish()
    for done in (0, 1, 1, 3):
        with pytest.raises(error):
            run.finish()
        assert len(run.history) == run.state.epoch == done
    run.finish()
    assert told(run) == told(whole)
    assert content(run) == content(whole)


@pytest.mark.parametrize("every", [1, 2])
def test_an_interrupted_search(every: int, monkeypatch: pytest.MonkeyPatch):
    """L-BFGS begins anew where it was; what it had reached has its records."""
    whole = train(PLAIN, X, Y, LBFGS(), epochs=9, record_every=every)
    whole.finish()
    run = train(PLAIN, X, Y, LBFGS(), epochs=9, record_every=every)
    value, calls = Run._free_value, count(1)

    def interrupted(*given: Any) -> Any:
        if next(calls) == 6:
            raise KeyboardInterrupt
        return value(*given)

    monkeypatch.setattr(Run, "_free_value", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.finish()
    reached = run.state.epoch
    assert 2 < reached < 9
    assert told(run) == [record for record in told(whole) if record.epoch <= reached]
    run.finish()
    assert [r.epoch for r in run.history] == [r.epoch for r in whole.history]
