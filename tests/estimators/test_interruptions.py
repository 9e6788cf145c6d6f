"""An interrupted fit loses and repeats nothing: its weights, counts and curves stay in step.

An interruption is raised before each line of a fit; then, by real signals, inside the engine.
"""

import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chainrule import loops
from chainrule.compiled.engine import Training
from chainrule.estimators.history import StoppingRule
from tests.estimators.data import NUMBERS, X, bytes_of, quick
from tests.rows import few_rows
from tests.training.interruptions import at_line, files, in_short_calls

FIT = files("estimators/fitting.py", "estimators/history.py")
EPOCHS = 4

CHOICES: dict[str, dict[str, Any]] = {
    "without an end": {},
    "ahead of the rule": {"tol": 1e-7, "n_iter_no_change": 2},
    "with a callback": {"callbacks": [lambda *_: None]},
    "with validation data": {"early_stopping": True},
    "with a rate that falls": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "n_iter_no_change": 1,
        "tol": 1e3,
    },
}


def warm_started(choices: str, **more: Any) -> Any:
    """Return an estimator with warm start."""
    return quick("one", **{"warm_start": True, "max_iter": EPOCHS, **CHOICES[choices], **more})


def outcome(estimator: Any) -> tuple[Any, ...]:
    """Return the results of a fit: weights as bytes, curves, and the counts since the first fit."""
    curves = estimator.loss_curve_, estimator.validation_loss_curve_, estimator.validation_scores_
    return bytes_of(estimator), *curves, estimator.t_, estimator._history.learning_rate


def interrupted(choices: str, step: int) -> Iterator[Any]:
    """Yield estimators whose fits are interrupted, each `step` lines later than the last."""
    for number in range(1, 20_000, step):
        estimator = warm_started(choices)
        with at_line(number, FIT) as left:
            estimator.fit(X, NUMBERS)
        if left[0] > 0:
            assert number > 50
            return
        yield estimator
    pytest.fail("a fit of few epochs has no end")


# Python ignores an error raised while it closes a generator.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:Training interrupted by user:UserWarning")
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer. Maximum iterations")
@pytest.mark.parametrize("choices", few_rows(CHOICES, "ahead of the rule", "with validation data"))
def test_an_interruption_at_any_line(choices: str, request: pytest.FixtureRequest):
    step = 1 if request.config.getoption("--full") else 5
    whole = outcome(warm_started(choices).fit(X, NUMBERS))
    for number, estimator in enumerate(interrupted(choices, step)):
        reached = getattr(estimator, "n_iter_", 0)
        assert len(getattr(estimator, "loss_curve_", ())) == reached, number
        if reached < EPOCHS:
            estimator.set_params(max_iter=EPOCHS - reached).fit(X, NUMBERS)
        assert outcome(estimator) == whole, number


@pytest.mark.parametrize("looks", [[], [lambda *_: None]])
def test_an_interruption_keeps_what_was_reached(looks: Any, monkeypatch: pytest.MonkeyPatch):
    calls = []

    def interrupt(self: Any, score: Any, *rest: Any) -> Any:
        calls.append(score)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(self, score, *rest)

    original = StoppingRule.update
    monkeypatch.setattr(StoppingRule, "update", interrupt)
    estimator = quick("one", callbacks=looks, n_iter_no_change=1, tol=0.0)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        estimator.fit(X, NUMBERS)
    assert estimator.stop_reason_ == "interrupted"
    assert np.isfinite(estimator.predict(X)).all()


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("looks", [[], [lambda *_: None]])
def test_ctrl_c_keeps_what_was_reached(looks: Any, engine: str, monkeypatch: pytest.MonkeyPatch):
    """A real signal after a number of updates; then training continues."""
    choices: dict[str, Any] = {"callbacks": looks, "engine": engine, "batch_size": 25}
    whole = warm_started("without an end", max_iter=23, **choices).fit(X, NUMBERS)
    seen: list[Any] = []

    def press(*given: Any, **named: Any) -> Any:
        seen.append(given)
        if len(seen) == 17:
            signal.raise_signal(signal.SIGINT)
        return original(*given, **named)

    if engine == "compiled":  # with calls of two updates each, all of which are kept
        original: Any = Training._chunk
        monkeypatch.setattr(Training, "_stretch", in_short_calls(2))
        monkeypatch.setattr(Training, "_chunk", press)
    else:
        original = loops.update
        monkeypatch.setattr(loops, "update", press)
    estimator = warm_started("without an end", max_iter=20, **choices)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        estimator.fit(X, NUMBERS)
    reached = estimator.n_iter_
    assert (estimator.stop_reason_, len(estimator.loss_curve_)) == ("interrupted", reached)
    assert 0 < reached < 20
    estimator.set_params(max_iter=23 - reached).fit(X, NUMBERS)
    assert outcome(estimator) == outcome(whole)
