"""An explained step is the step that partial_fit takes, with every solver, sample weight and mask.

Its new parameters are compared with those of `partial_fit` on the same samples, which are one batch
of them in another order: so within rounding, and not to the bit.
"""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from chainrule import (
    Adam,
    CosineDecay,
    InputError,
    Momentum,
    RMSProp,
    StepDecay,
    WarmUp,
)
from tests.estimators.data import BINARY, CLASSES, NUMBERS, TARGETS, X, bytes_of, quick, rows
from tests.rows import few_rows

ROWS = slice(0, 4)
WEIGHT = np.array([0.5, 2.0, 1.0, 3.0])
SOLVERS: dict[str, dict[str, Any]] = {
    "sgd": {"solver": "sgd"},
    "sgd, no momentum": {"solver": "sgd", "momentum": 0.0},
    "sgd, no look ahead": {"solver": "sgd", "nesterovs_momentum": False},
    "sgd, invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    "sgd, adaptive": {"solver": "sgd", "learning_rate": "adaptive"},
    "sgd, inverse-scaling": {"solver": "sgd", "learning_rate": "inverse-scaling"},
    "sgd, schedule": {"solver": "sgd", "learning_rate": StepDecay(0.1, 0.5, 5)},
    "momentum": {"solver": "momentum"},
    "nesterov": {"solver": "nesterov", "learning_rate_init": 0.05},
    "rmsprop": {"solver": "rmsprop"},
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
    "adam, schedule": {"solver": "adam", "learning_rate": WarmUp(20, CosineDecay(0.01, steps=30))},
    "adamw": {"solver": "adamw", "learning_rate_init": 0.01},
    "an object": {"solver": Momentum(StepDecay(0.1, 0.5, 3), 0.7)},
    "clipped": {"solver": "adam", "clip": 0.01},
}
CLASS_WEIGHTS = {"more": {"yes": 5}, "both": {"no": 0.2, "yes": 3}, "balanced": "balanced"}
MORE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "dropout": {"dropout": 0.4, "layer_norm": True},
    "penalties": {"alpha": 0.3, "l1": 0.01, "l2": 0.02},
}


# The axes of each test. Normally every value occurs in one row; --full runs all combinations.
AXES: dict[str, dict[str, Any]] = {
    "test_the_step_is_the_one_that_is_taken": {
        "solver": SOLVERS,
        "kind": TARGETS,
        "more": MORE,
        "weighted": [False, True],
        "steps": [1, 3],
    },
    "test_classes_weigh": {
        "solver": SOLVERS,
        "choice": CLASS_WEIGHTS,
        "weighted": [False, True],
    },
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if axes := AXES.get(metafunc.function.__name__):
        metafunc.parametrize(list(axes), rows(axes, full=bool(metafunc.config.getoption("full"))))


def compare(fitted: Any, X: Any, y: Any, steps: int = 1, rtol: float = 1e-12, **more: Any) -> Any:
    """Compare the steps explained with as many calls of partial_fit; return the explanation."""
    before = bytes_of(fitted), repr(fitted._history), fitted.network_
    doc = fitted.explain(X, y, level="matrices", steps=steps, **more)
    assert (bytes_of(fitted), repr(fitted._history), fitted.network_) == before
    went = deepcopy(fitted)
    for _ in range(steps):
        went.partial_fit(X, y, **more)
    assert doc.steps[-1].number == went._history.state.step
    found = {m.key: m.array for m in doc.steps[-1].matrices}
    for name, array in went.network_.views(went.theta_).items():
        np.testing.assert_allclose(found[f"{name}_new"], array, rtol, 1e-3 * rtol, err_msg=name)
    return doc


def test_the_step_is_the_one_that_is_taken(solver, kind, more, weighted, steps):
    y = TARGETS[kind]
    fitted = quick(kind, batch_size=25, **{**SOLVERS[solver], **MORE[more]}).fit(X, y)
    fitted.set_params(batch_size="auto")
    given: dict[str, Any] = {"sample_weight": WEIGHT} if weighted else {}
    compare(fitted, X[ROWS], y[ROWS], steps, **given)


def test_classes_weigh(solver, choice, weighted):
    weigh = {"class_weight": CLASS_WEIGHTS[choice], "alpha": 0.2}
    fitted = quick("binary", **weigh, **SOLVERS[solver]).fit(X, BINARY)
    more: dict[str, Any] = {"sample_weight": WEIGHT} if weighted else {}
    doc = compare(fitted, X[ROWS], BINARY[ROWS], **more)
    assert np.ptp(doc.setup.batch.weight) > 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_single_precision(solver: str):
    single = X.astype(np.float32)
    fitted = quick("one", **SOLVERS[solver]).fit(single, NUMBERS)
    assert fitted.theta_.dtype == np.float32
    compare(fitted, single[ROWS], NUMBERS[ROWS], rtol=2e-4)


@pytest.mark.parametrize("solver", few_rows(SOLVERS, "sgd, schedule", "adam", "clipped"))
def test_the_programs_begin_there_too(solver: str):
    fitted = quick("one", **SOLVERS[solver]).fit(X, NUMBERS)
    doc = fitted.explain(X[ROWS], NUMBERS[ROWS])
    for text in (doc.to_numpy(), doc.to_pytorch()):
        assert "for step in range(7, last + 2):" in text
        assert "zeros_like" not in text
        assert not (doc.setup.rule.slots and "optim." in text)


@pytest.mark.parametrize("solver", SOLVERS)
def test_one_weight_number_by_number(solver: str):
    fitted = quick("one", **SOLVERS[solver]).fit(X, NUMBERS)
    doc = fitted.explain(X[ROWS], NUMBERS[ROWS], WEIGHT, parameter="W1[1,2]")
    fitted.partial_fit(X[ROWS], NUMBERS[ROWS], WEIGHT)
    wanted = fitted.network_.views(fitted.theta_)["W1"][1, 2]
    assert doc["W1_new[1,2]"].value == pytest.approx(wanted, rel=1e-12)


def test_nothing_was_trained_yet():
    for solver in SOLVERS.values():
        compare(quick("classes", **solver).initialize(X, CLASSES), X[ROWS], CLASSES[ROWS], steps=2)


def test_weights_that_were_written_to():
    fitted = quick("one", solver="rmsprop").fit(X, NUMBERS)
    fitted.coefs_[0][...] *= 2
    compare(fitted, X[ROWS], NUMBERS[ROWS])
    fitted.coefs_ = [np.ones((4, 5)), np.ones((5, 1))]
    compare(fitted, X[ROWS], NUMBERS[ROWS])


@pytest.mark.parametrize(
    "choices",
    [
        {"learning_rate_init": 0.5, "alpha": 3.0, "loss": "huber"},
        {"dropout": 0.0, "activation": "tanh"},
        {"solver": Adam(0.2)},
        {"solver": RMSProp(0.1)},  # its averages start from zero
        {"solver": "sgd", "momentum": 0.0},
    ],
)
def test_choices_that_were_changed(choices: dict[str, Any]):
    fitted = quick("one", solver="adam").fit(X, NUMBERS)
    compare(fitted.set_params(**choices), X[ROWS], NUMBERS[ROWS])


def test_layers_that_were_changed():
    fitted = quick("one").fit(X, NUMBERS).set_params(hidden_layer_sizes=(4,))
    with pytest.raises(InputError, match="warm_start, partial_fit and explain require the"):
        fitted.explain(X[ROWS], NUMBERS[ROWS])


def test_a_search_has_no_state():
    fitted = quick("binary", solver="lbfgs", class_weight={"yes": 5}).fit(X, BINARY)
    doc = fitted.explain(X[ROWS], BINARY[ROWS], WEIGHT)
    assert doc.steps[0].number == 1
    other = fitted.explain(X[ROWS], BINARY[ROWS])
    assert doc.steps[0].loss_before != other.steps[0].loss_before


def test_after_early_stopping_it_begins_at_the_best():
    fitted = quick("one", early_stopping=True, learning_rate_init=0.3, max_iter=20).fit(X, NUMBERS)
    assert not np.array_equal(fitted.theta_, fitted._history.state.theta)
    assert np.array_equal(fitted.explain(X[ROWS], NUMBERS[ROWS]).setup.theta, fitted.theta_)


@pytest.mark.parametrize("weight", [[1.0], -WEIGHT, WEIGHT * np.nan, 0 * WEIGHT])
def test_wrong_weights_raise_errors(weight: Any):
    fitted = quick("one").fit(X, NUMBERS)
    with pytest.raises(InputError, match=r"weight"):
        fitted.explain(X[ROWS], NUMBERS[ROWS], weight)
