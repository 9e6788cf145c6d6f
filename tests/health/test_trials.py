"""Reasons are ranked by what makes the run learn when it is tried."""

from typing import Any

import numpy as np
import pytest

from chainrule import SGD, Adam, Constant, DivergenceError, MLPClassifier, mlp, train
from chainrule.health import Health, diagnose

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
CURVE = np.sin(X.sum(axis=1))
CLASSES = (X.sum(axis=1) > 0) * 1.0


def report_of(y: Any, *sizes: int, optimizer: Any, batch_size: int | None, **more: Any) -> Health:
    """Return the report of 200 epochs, or of those before the run diverged."""
    loss = "squared-error" if y is CURVE else "logistic-cross-entropy"
    net = mlp(*sizes, loss=loss, output="identity", **{"activation": "relu", **more})
    theta = net.initialize(0)
    run = train(net, X, y, optimizer, epochs=200, batch_size=batch_size, theta=theta)
    try:
        run.finish()
    except DivergenceError:
        assert run.history
    return diagnose(
        net, run.theta, X, y, history=run.history, optimizer=optimizer, theta_start=theta
    )


@pytest.mark.parametrize("batch_size", [None, 20])
@pytest.mark.parametrize("rate", [50.0, 500.0])
@pytest.mark.parametrize("sizes", [(4, 8, 1), (4, 16, 16, 1), (4, 8, 8, 8, 1)])
def test_dead_units_of_a_large_rate_come_after_it(
    sizes: tuple[int, ...], rate: float, batch_size: int | None
):
    found = report_of(CLASSES, *sizes, optimizer=SGD(rate), batch_size=batch_size).findings
    causes = [finding.id for finding in found if not finding.sign]
    assert causes[:1] in ([], ["rate-too-large"])
    if batch_size is None:
        assert {"rate-too-large", "dead-units"} <= {*causes} or "not-finite" in {
            f.id for f in found
        }


def test_weights_that_began_with_the_fault_come_first():
    """A larger rate does not help units that are all the same."""
    steep: dict[str, Any] = {"initializer": Constant(0.0), "activation": "tanh"}
    found = report_of(CURVE, 4, 8, 1, optimizer=Adam(20.0), batch_size=None, **steep).findings
    assert found[0].id == "symmetric-weights"


def test_one_reason_needs_no_trial(monkeypatch: pytest.MonkeyPatch):
    from chainrule.health import trials

    monkeypatch.setattr(trials, "rank", lambda *_: pytest.fail("a trial"))
    found = report_of(CURVE, 4, 8, 1, optimizer=SGD(50.0), batch_size=None).findings
    assert [finding.id for finding in found] == ["rate-too-large", "not-finite"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("rate", [5.0, 50.0])
@pytest.mark.parametrize("sizes", [(8,), (5, 5), (10, 10, 10)])
def test_a_large_rate_is_named_first_even_if_something_was_learned(
    sizes: tuple[int, ...], rate: float, solver: str, seed: int
):
    choices: dict[str, Any] = {"solver": solver, "learning_rate_init": rate, "random_state": seed}
    model: Any = MLPClassifier(sizes, **choices, verbose="health")
    try:
        model.fit(X, np.arange(200) % 3)
    except DivergenceError:
        assert model.stop_reason_ == "diverged"
    assert model.health_.findings[0].id == "rate-too-large"
