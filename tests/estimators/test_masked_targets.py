"""Targets that are missing, and weights for each target: those of weight 0 do not count."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from chainrule import InputError, MLPRegressor, SquaredError, mlp, train
from tests.estimators.data import CLASSES, LABELS, MANY, NUMBERS, X, bytes_of, quick

RNG = np.random.default_rng(5)
HOLES = RNG.random(MANY.shape) < 0.4
GAPS = np.where(HOLES, np.nan, MANY)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("value", [0.0, -1e6])
def test_masked_targets_have_no_influence(value: float, solver: str):
    choices: dict[str, Any] = {"solver": solver, "batch_size": 20, "learning_rate_init": 0.01}
    masked = quick("many", **choices).fit(X, GAPS, sample_weight=~HOLES)
    other = quick("many", **choices).fit(X, np.where(HOLES, value, MANY), sample_weight=~HOLES)
    assert bytes_of(masked) == bytes_of(other)
    assert np.isfinite(masked.theta_).all()


def test_a_row_may_be_masked():
    y = np.where(np.arange(60) < 50, NUMBERS, np.nan)
    weight = (np.arange(60) < 50) * 1.0
    fitted = quick("one", solver="lbfgs", max_iter=20).fit(X, y, sample_weight=weight)
    alone = quick("one", solver="lbfgs", max_iter=20).fit(X[:50], y[:50])
    np.testing.assert_allclose(fitted.theta_, alone.theta_, rtol=1e-4)
    assert fitted.score(X, y, weight) == pytest.approx(fitted.score(X[:50], y[:50]))


def test_masked_targets_are_learned_by_their_columns():
    fitted = MLPRegressor(hidden_layer_sizes=(20,), solver="lbfgs", max_iter=300, random_state=0)
    fitted.fit(X, pd.DataFrame(GAPS, columns=list("uvw")), sample_weight=~HOLES)
    expected = np.mean(
        [r2_score(MANY[~holes, j], fitted.predict(X)[~holes, j]) for j, holes in enumerate(HOLES.T)]
    )
    assert fitted.score(X, GAPS, ~HOLES) == pytest.approx(expected)
    assert expected > 0.95


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error", "poisson"])
def test_the_gradient_with_a_weight_for_each_target(loss: str):
    """A weight for each target is the sum of fits to single columns."""
    y, weight = np.abs(MANY), RNG.random(MANY.shape)
    fitted = quick("many", loss=loss, activation="tanh").fit(X, y, sample_weight=weight)
    assert bool(fitted.check_gradient(X, y, weight))
    found, size = fitted.gradients(X, y, weight), weight.mean()
    o = fitted.network_.activations(fitted.theta_, X)[-1]
    terms = fitted.network_.loss.terms(o, y) * weight / size
    assert found.loss - fitted.network_.penalty_value(
        fitted.theta_, fitted.network_.batch(fitted.theta_, X, y, weight)
    ) == pytest.approx(terms.sum() / 60)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_equal_weights_of_all_targets_are_weights_of_rows(alpha: float):
    rows = RNG.random(60)
    choices: dict[str, Any] = {"alpha": alpha, "batch_size": 13, "engine": "reference"}
    one = quick("many", **choices).fit(X, MANY, sample_weight=rows)
    each = quick("many", **choices).fit(X, MANY, sample_weight=np.repeat(rows[:, None], 3, axis=1))
    np.testing.assert_allclose(one.theta_, each.theta_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.loss_curve_, each.loss_curve_, rtol=1e-9)


def test_early_stopping_with_masked_targets():
    choices: dict[str, Any] = {"early_stopping": True, "max_iter": 40, "learning_rate_init": 0.02}
    fitted = quick("many", **choices).fit(
        X, GAPS, ~HOLES, X_val=X, y_val=GAPS, sample_weight_val=~HOLES
    )
    assert fitted.best_validation_score_ == pytest.approx(fitted.score(X, GAPS, ~HOLES))
    assert quick("many", **choices, scoring="loss").fit(X, GAPS, ~HOLES).validation_scores_
    with pytest.raises(ValueError, match="scoring='r2' takes a weight for each sample"):
        quick("many", **choices, scoring="r2").fit(X, GAPS, ~HOLES)


@pytest.mark.parametrize(
    ("kind", "y", "weight", "message"),
    [
        ("many", GAPS, np.ones((60, 3)), r"y, column \d, row \d+, is nan; leave such rows out"),
        ("many", GAPS, None, r"y, column \d, row \d+, is nan; leave such rows out"),
        (
            "many",
            MANY,
            np.ones((60, 2)),
            r"expected \(60,\): one for each sample, or \(60, 3\)",
        ),
        (
            "many",
            MANY,
            np.eye(60, 3) * [1, 0, 1],
            "zero for every sample in column 1; ",
        ),
        (
            "many",
            MANY,
            -np.ones((60, 3)),
            "sample_weight of row 0, column 0, is -1.0; ",
        ),
        ("classes", CLASSES, np.ones((60, 3)), r"expected \(60,\): one for each sample$"),
        ("labels", LABELS, np.ones((60, 3)), r"expected \(60,\): one for each sample$"),
        ("one", NUMBERS, np.ones((60, 3)), r"expected \(60,\): one for each sample$"),
    ],
)
def test_weights_that_do_not_fit(kind: str, y: Any, weight: Any, message: str):
    with pytest.raises(ValueError, match=message):
        quick(kind).fit(X, y, sample_weight=weight)


def test_the_first_target_that_counts_is_named():
    y = changed = GAPS.copy()
    first = tuple(np.argwhere(~HOLES)[-1])
    changed[first] = np.nan
    with pytest.raises(ValueError, match=f"column {first[1]}, row {first[0]}, is nan"):
        quick("many").fit(X, y, sample_weight=~HOLES)


def test_what_needs_a_weight_for_each_sample_says_so():
    fitted = quick("many").fit(X, MANY, sample_weight=np.ones((60, 3)))
    with pytest.raises(InputError, match=r"a step is worked out with a weight for each sample"):
        fitted.explain(X[:2], MANY[:2], np.ones((2, 3)))
    with pytest.raises(InputError, match="which the compiled engine does not take"):
        quick("many", engine="compiled").fit(X, MANY, sample_weight=np.ones((60, 3)))
    net = mlp(4, 3, activation="identity", loss="softmax-cross-entropy")
    with pytest.raises(InputError, match=r"for 60 samples; give one number for each$"):
        train(net, X, CLASSES, sample_weight=np.ones((60, 3)))


def test_a_run_of_the_engine_takes_them():
    net = mlp(4, 3, loss=SquaredError(), activation="identity")
    weight = np.where(HOLES, 0, RNG.random(MANY.shape))
    run = train(net, X, MANY, "lbfgs", sample_weight=weight, epochs=300)
    run.finish()
    for j in range(3):  # weighted least squares of each column
        root = np.sqrt(weight[:, j])[:, None]
        design = np.column_stack([X, np.ones(60)])
        expected = np.linalg.lstsq(root * design, root[:, 0] * MANY[:, j], rcond=None)[0]
        np.testing.assert_allclose(run.predict(X)[:, j], design @ expected, atol=1e-3)
