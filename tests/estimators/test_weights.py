"""Attributes of a fitted estimator: weights as views, activations, gradients, explanations, checks.

Weights may be written to, and set before anything is fitted.
"""

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule import SGD, Constant, DivergenceError
from chainrule.engine import MaskSeed
from tests.estimators.data import BINARY, NUMBERS, TARGETS, X, bytes_of, quick, rows


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("more", [{}, {"layer_norm": True, "dropout": 0.3}])
def test_coefs_are_transposed_views(kind: str, more: dict[str, Any]):
    fitted = quick(kind, hidden_layer_sizes=(5, 3), **more).fit(X, TARGETS[kind])
    assert [c.shape for c in fitted.coefs_[:2]] == [(4, 5), (5, 3)]
    assert [b.shape for b in fitted.intercepts_[:2]] == [(5,), (3,)]
    for array in fitted.coefs_ + fitted.intercepts_:
        assert np.shares_memory(array, fitted.theta_)
    assert np.array_equal(fitted.coefs_[0].T, fitted.network_.views(fitted.theta_)["W1"])
    before = fitted.activations(X)[-1]
    fitted.coefs_[-1][...] = 0
    fitted.intercepts_[-1][...] = 0
    after = fitted.activations(X)[-1]
    assert not np.array_equal(before, after)
    assert np.ptp(after, axis=0).max() == 0


def test_weights_can_be_set():
    fitted, other = (quick("one", random_state=s).fit(X, NUMBERS) for s in (0, 1))
    other.coefs_, other.intercepts_ = fitted.coefs_, fitted.intercepts_
    assert bytes_of(other) == bytes_of(fitted)
    assert not np.shares_memory(other.theta_, fitted.theta_)
    assert np.array_equal(other.predict(X), fitted.predict(X))


def test_one_array_can_be_set_and_a_slice():
    """As in federated averaging: ``a.coefs_[i] = (a.coefs_[i] + b.coefs_[i]) / 2``."""
    one, other = (quick("many", random_state=s).fit(X, TARGETS["many"]) for s in (0, 1))
    mean = (one.theta_ + other.theta_) / 2
    for i in range(len(one.coefs_)):
        one.coefs_[i] = (one.coefs_[i] + other.coefs_[i]) / 2
    one.intercepts_[:] = [
        (a + b) / 2 for a, b in zip(one.intercepts_, other.intercepts_, strict=True)
    ]
    np.testing.assert_array_equal(one.theta_, mean)
    one.coefs_[-1] = np.zeros((5, 3))
    assert np.ptp(one.predict(X), axis=0).max() == 0


def test_what_does_not_fit_is_not_set():
    fitted = quick("one").fit(X, NUMBERS)
    before = bytes_of(fitted)
    with pytest.raises(ValueError, match=r"coefs_\[0\] has shape \(5, 4\), but must be \(4, 5\)"):
        fitted.coefs_[0] = np.zeros((5, 4))
    with pytest.raises(
        ValueError, match=r"intercepts_\[-1\] is not finite|intercepts_\[1\] is not"
    ):
        fitted.intercepts_[-1] = [np.nan]
    with pytest.raises(ValueError, match=r"coefs_ has 2 places there, but 1 arrays"):
        fitted.coefs_[:] = [np.zeros((4, 5))]
    with pytest.raises(ValueError, match=r"coefs_\[1\] has shape"):
        fitted.coefs_[:] = [np.zeros((4, 5)), np.zeros(3)]
    assert bytes_of(fitted) == before


def test_the_listed_weights_are_copied_with_an_estimator():
    fitted = quick("one").fit(X, NUMBERS)
    kept = copy.deepcopy(fitted.coefs_)
    kept[0] = np.zeros((4, 5))
    assert fitted.coefs_[0].any()
    assert not kept[0].any()


def pickled(value: Any) -> Any:
    """Return a value after a round trip."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 (pickled here)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_of_the_listed_weights_is_a_plain_list(duplicate: Callable[[Any], Any]):
    fitted = quick("one").fit(X, NUMBERS)
    kept = duplicate(fitted.coefs_)
    assert type(kept) is list
    assert all(map(np.array_equal, kept, fitted.coefs_))
    kept[0] = kept[0][:, :3]
    assert [c.shape for c in kept] == [(4, 3), (5, 1)]


def test_weights_can_be_set_before_anything_is_fitted():
    fitted = quick("one").fit(X, NUMBERS)
    fresh = quick("one", random_state=9, warm_start=True)
    assert not hasattr(fresh, "coefs_")
    fresh.coefs_, fresh.intercepts_ = fitted.coefs_, fitted.intercepts_
    assert np.array_equal(fresh.coefs_[0], fitted.coefs_[0])
    fresh.initialize(X, NUMBERS)
    assert bytes_of(fresh) == bytes_of(fitted)
    cold = quick("one")
    cold.coefs_ = [np.zeros((4, 5)), np.zeros((5, 1))]
    with pytest.warns(UserWarning, match="set warm_start=True to start from yours"):
        cold.fit(X, NUMBERS)
    assert bytes_of(cold) == bytes_of(fitted)


@pytest.mark.parametrize(
    ("coefs", "message"),
    [
        ([np.zeros((4, 5))], "has 1 arrays, but the network has 2 layers"),
        ([np.zeros((5, 4)), np.zeros((5, 1))], r"coefs_\[0\] has shape \(5, 4\), but must be"),
        ([np.full((4, 5), np.nan), np.zeros((5, 1))], r"coefs_\[0\] is not finite"),
    ],
)
def test_wrong_weights_raise_errors(coefs: Any, message: str):
    fitted = quick("one").fit(X, NUMBERS)
    before = bytes_of(fitted)
    with pytest.raises(ValueError, match=message):
        fitted.coefs_ = coefs
    assert bytes_of(fitted) == before


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("more", [{}, {"layer_norm": True, "dropout": 0.3}])
def test_activations_lead_to_the_prediction(kind: str, more: dict[str, Any]):
    fitted = quick(kind, hidden_layer_sizes=(5, 3), **more).fit(X, TARGETS[kind])
    first, second, p = fitted.activations(X)
    assert (first.shape, second.shape) == ((60, 5), (60, 3))
    z = X @ fitted.coefs_[0] + fitted.intercepts_[0]
    if not more:
        np.testing.assert_allclose(first, np.maximum(z, 0), atol=1e-12)
    else:
        np.testing.assert_allclose(first.mean(axis=1), 0, atol=0.05)
    o = second @ fitted.coefs_[2] + fitted.intercepts_[2]
    np.testing.assert_allclose(p, fitted.network_.loss.predict(o), atol=1e-12)
    np.testing.assert_allclose(p, fitted._predictions(X), atol=1e-12)


@pytest.mark.parametrize("kind", TARGETS)
def test_gradients_are_those_of_the_loss(kind: str):
    y = TARGETS[kind]
    fitted = quick(kind, l2=0.01).fit(X, y)
    found = fitted.gradients(X, y)
    h, place = 1e-6, (2, 3)
    values = []
    for step in (h, -h):
        fitted.coefs_[0][place] += step
        values.append(fitted.gradients(X, y).loss)
        fitted.coefs_[0][place] -= step
    slope = (values[0] - values[1]) / (2 * h)
    assert found.coefs[0][place] == pytest.approx(slope, rel=1e-5)
    assert [g.shape for g in found.coefs] == [c.shape for c in fitted.coefs_]
    assert [g.shape for g in found.intercepts] == [b.shape for b in fitted.intercepts_]


def test_gradients_take_weights_and_one_sample():
    fitted = quick("binary", alpha=0.0).fit(X, BINARY)
    weight = np.zeros(60)
    weight[4] = 2
    by_weight, alone = fitted.gradients(X, BINARY, weight), fitted.gradients(X[4], BINARY[4])
    assert by_weight.loss == pytest.approx(alone.loss)
    for one, two in zip(by_weight.intercepts, alone.intercepts, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9)


@pytest.mark.parametrize("weight", [None, np.arange(1.0, 61)])
@pytest.mark.parametrize("kind", TARGETS)
def test_the_gradient_by_the_inputs(kind: str, weight: Any):
    """Compared with central differences of the loss, entry by entry."""
    y = TARGETS[kind]
    fitted = quick(kind, activation="tanh", layer_norm=True, dropout=0.5, alpha=1.0).fit(X, y)
    dx = fitted.gradients(X, y, weight, wrt="inputs")
    assert dx.shape == X.shape
    for row, column in ((0, 0), (17, 3), (59, 2)):
        values: list[float] = []
        for h in (1e-5, -1e-5):
            moved = X.copy()
            moved[row, column] += h
            values.append(fitted.gradients(moved, y, weight).loss)
        assert dx[row, column] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-9)
    alone = fitted.gradients(X[17], y[17], wrt="inputs")
    assert alone.shape == (4,)
    np.testing.assert_allclose(alone * (1 if weight is None else 18 / 30.5) / 60, dx[17], rtol=1e-9)


def test_what_a_gradient_is_taken_by_is_named():
    with pytest.raises(ValueError, match="wrt='input': give 'weights' or 'inputs'"):
        quick("one").fit(X, NUMBERS).gradients(X, NUMBERS, wrt="input")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", TARGETS)
def test_predictions_with_dropout_have_a_spread(kind: str, dtype: Any):
    """Compared with the engine's own passes, whose masks are those of training."""
    fitted = quick(kind, dropout=0.4, max_iter=30).fit(X.astype(dtype), TARGETS[kind])
    found = fitted.predict_with_dropout(X, draws=20, random_state=5)
    certain = fitted.predict(X) if kind in ("one", "many") else fitted.predict_proba(X)
    net, theta = fitted.network_, fitted.theta_
    passes = [
        net.loss.predict(net.forward(net.params(theta), X.astype(dtype), MaskSeed(5, k))[-1].a)
        for k in range(20)
    ]
    last = np.stack(passes).reshape(20, 60, -1)[:, :, -1:]  # a column that every shape has
    assert found.mean.shape == found.std.shape == certain.shape
    np.testing.assert_allclose(found.mean.reshape(60, -1)[:, -1:], last.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found.std.reshape(60, -1)[:, -1:], last.std(axis=0), rtol=1e-3)
    assert found.std.max() > 0
    again = fitted.predict_with_dropout(X, draws=20, random_state=5)
    other = fitted.predict_with_dropout(X, draws=20, random_state=6)
    assert np.array_equal(found.mean, again.mean)
    assert not np.array_equal(found.mean, other.mean)


def test_predictions_with_dropout_need_dropout_and_two_draws():
    with pytest.raises(
        ValueError, match="fitted with dropout=0, so that every draw is the same; f"
    ):
        quick("one").fit(X, NUMBERS).predict_with_dropout(X)
    with pytest.raises(ValueError, match="draws"):
        quick("one", dropout=0.2).fit(X, NUMBERS).predict_with_dropout(X, draws=1)
    with pytest.raises(ValueError, match="is not fitted yet"):
        quick("one", dropout=0.2).predict_with_dropout(X)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_the_gradient_is_checked(kind: str, solver: str):
    fitted = quick(kind, solver=solver, activation="tanh").fit(X, TARGETS[kind])
    report = fitted.check_gradient(X, TARGETS[kind])
    assert report.ok
    assert report.worst.relative < 1e-6


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is test_a_step_is_explained:
        axes = {"kind": TARGETS, "solver": ["adam", "sgd", "lbfgs"]}
        metafunc.parametrize(list(axes), rows(axes, full=bool(metafunc.config.getoption("full"))))


def test_a_step_is_explained(kind: str, solver: str):
    fitted = quick(kind, solver=solver, learning_rate="invscaling").fit(X, TARGETS[kind])
    y = TARGETS[kind]
    example = fitted.explain(X[:2], y[:2], parameter="W2[0,3]")
    found = fitted.gradients(X[:2], y[:2]).coefs[1][3, 0]
    assert example["dW2[0,3]"].value == pytest.approx(found, abs=1e-4)
    assert fitted.explain(X[0], y[0]).to_text()


def test_the_state_goes_to_the_engine():
    fitted = quick("one").fit(X, NUMBERS)
    run = chainrule.train(
        fitted.network_,
        X,
        NUMBERS,
        chainrule.Adam(),
        epochs=6,
        batch_size=60,
        seed=3,
    )
    run.finish()
    assert run.theta.tobytes() == bytes_of(fitted)


@pytest.mark.parametrize("kind", TARGETS)
def test_single_precision_is_computed_in_single_precision(kind: str):
    fitted = quick(kind).fit(X.astype(np.float32), TARGETS[kind])
    assert fitted.theta_.dtype == np.float32
    assert fitted._predictions(X).dtype == np.float32
    twice = quick(kind).fit(X, TARGETS[kind])
    np.testing.assert_allclose(fitted.theta_, twice.theta_, atol=1e-3)
    assert twice.theta_.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_samples_are_not_copied(dtype: Any, order: Any, monkeypatch: pytest.MonkeyPatch):
    from chainrule.estimators import history

    seen: list[Any] = []
    train = history.train

    def look(network: Any, given: Any, *rest: Any, **more: Any) -> Any:
        run = train(network, given, *rest, **more)
        seen.append((given, run.data.x))
        return run

    monkeypatch.setattr(history, "train", look)
    own = np.asarray(X, dtype, order=order)
    quick("one").fit(own, NUMBERS)
    assert all(np.shares_memory(own, array) for array in seen[0])


def test_health_is_made_when_asked_for():
    with pytest.raises(AttributeError, match="verbose='health'"):
        _ = quick("one").fit(X, NUMBERS).health_


def test_health_is_a_report(capsys: pytest.CaptureFixture[str]):
    fitted = quick("one", verbose="health").fit(X, NUMBERS)
    assert str(fitted.health_) in capsys.readouterr().out
    steep = quick("one", verbose="health", solver=SGD(1e160), alpha=1.0)
    with pytest.raises(DivergenceError):
        steep.fit(X, NUMBERS)
    assert [f.id for f in steep.health_.findings] == ["rate-too-large", "not-finite"]
    assert "1 reason why this run may not learn" in capsys.readouterr().out


def test_health_is_shown_to_the_width_of_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "50", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    fitted = quick("one", verbose="health").fit(1000 * X, NUMBERS)
    shown = capsys.readouterr().out
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert plain != shown
    assert max(map(len, plain.splitlines())) <= 50
    assert plain.split() == str(fitted.health_).replace("─" * 30, "").split()


def test_health_names_columns_and_classes():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    frame["c"] *= 1e4
    fitted = quick("binary", verbose="health", max_iter=1).fit(frame, BINARY)
    (finding,) = fitted.health_.findings
    assert finding.sentence.startswith("inputs: column 'c' has a root mean square of ")
    idle = quick("binary", verbose="health", max_iter=150, initializer=Constant(0.0), alpha=0.0)
    sentences = {f.id: f.sentence for f in idle.fit(X, BINARY).health_.findings}
    assert sentences["one-class"].startswith(f"output: class '{idle.predict(X[:1])[0]}' for all")
