"""Callbacks, divergence and progress during a fit.

scikit-learn's protocol exists since 1.9; with an older one its tests are skipped.
"""

import importlib.util
import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn.neural_network import MLPRegressor as theirs  # noqa: N813 (ours has its name)

from chainrule import SGD, DivergenceError
from chainrule.estimators import fitting, progress
from chainrule.estimators.history import Plateau, StoppingRule
from chainrule.training import Record, Run
from tests.estimators.data import CLASSES, NUMBERS, TARGETS, X, bytes_of, quick

NEEDS_PROTOCOL = pytest.mark.skipif(
    importlib.util.find_spec("sklearn.callback") is None, reason="scikit-learn 1.9 has callbacks"
)


# ---- plain functions ----


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_function_sees_every_epoch_and_changes_nothing(kind: str, solver: str):
    seen: list[Record] = []
    scores: list[float] = []

    def look(estimator: Any, record: Record) -> None:
        seen.append(record)
        scores.append(estimator.score(X, TARGETS[kind]))

    fitted = quick(kind, solver=solver, callbacks=[look]).fit(X, TARGETS[kind])
    assert [record.loss for record in seen] == fitted.loss_curve_
    assert scores[-1] == fitted.score(X, TARGETS[kind])
    assert bytes_of(fitted) == bytes_of(quick(kind, solver=solver).fit(X, TARGETS[kind]))


def third(_: Any, record: Record) -> bool:
    return record.epoch == 3


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("write", [False, True])
def test_training_continues_from_weights_that_a_function_sets(engine: str, write: bool):
    def zero_after_two(estimator: Any, record: Record) -> None:
        if record.epoch == 2 and write:
            for array in estimator.coefs_:
                array[...] = 0
        elif record.epoch == 2:
            estimator.coefs_ = [np.zeros_like(array) for array in estimator.coefs_]

    whole = quick("one", callbacks=[zero_after_two], engine=engine).fit(X, NUMBERS)
    parts = quick("one", max_iter=2, warm_start=True, engine=engine).fit(X, NUMBERS)
    parts.coefs_ = [np.zeros_like(array) for array in parts.coefs_]
    parts.set_params(max_iter=4).fit(X, NUMBERS)
    assert bytes_of(whole) == bytes_of(parts)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_function_can_stop(solver: str):
    fitted = quick("one", solver=solver, callbacks=[third]).fit(X, NUMBERS)
    assert (fitted.n_iter_, fitted.stop_reason_) == (3, "callback")
    assert bytes_of(fitted) == bytes_of(quick("one", solver=solver, max_iter=3).fit(X, NUMBERS))


@pytest.mark.parametrize("kind", TARGETS)
def test_the_rule_stops_at_the_same_epoch_with_and_without_a_callback(kind: str):
    """Without a callback, the engine runs several epochs that cannot contain a stop in one call."""
    choices: dict[str, Any] = {
        "max_iter": 900,
        "tol": 1e-3,
        "n_iter_no_change": 4,
        "learning_rate_init": 0.02,
        "batch_size": 16,
    }
    alone = quick(kind, **choices).fit(X, TARGETS[kind])
    seen = quick(kind, callbacks=[lambda *_: None], **choices).fit(X, TARGETS[kind])
    assert alone.stop_reason_ == "converged"
    assert 5 < alone.n_iter_ == seen.n_iter_ < 900
    assert alone.loss_curve_ == seen.loss_curve_
    assert bytes_of(alone) == bytes_of(seen)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_a_run_that_went_too_far_ahead_goes_back(engine: str, monkeypatch: pytest.MonkeyPatch):
    stretches: list[int] = []
    extend = Run.extend

    def count(run: Run, epochs: int) -> Run:
        stretches.append(epochs)
        return extend(run, epochs)

    monkeypatch.setattr(Run, "extend", count)
    monkeypatch.setattr(fitting, "EXTRA_SECONDS", 0.0)  # its slices do not depend on the clock
    choices: dict[str, Any] = {
        "max_iter": 3000,
        "tol": 2e-4,
        "n_iter_no_change": 3,
        "solver": "sgd",
        "engine": engine,
        "learning_rate_init": 0.02,
    }
    alone = quick("classes", **choices).fit(X, CLASSES)
    assert 100 < alone.n_iter_ < 3000
    assert sum(stretches) > alone.n_iter_  # the weights are those of an earlier epoch
    assert len(stretches) < alone.n_iter_ / 8
    seen = quick("classes", callbacks=[lambda *_: None], **choices).fit(X, CLASSES)
    assert alone.loss_curve_ == seen.loss_curve_
    assert bytes_of(alone) == bytes_of(seen)
    again = quick("classes", **{**choices, "max_iter": alone.n_iter_}).fit(X, CLASSES)
    assert bytes_of(again) == bytes_of(alone)


@pytest.mark.parametrize("broken", [DivergenceError("later"), KeyboardInterrupt()])
def test_a_stop_before_a_divergence_comes_first(
    broken: BaseException, monkeypatch: pytest.MonkeyPatch
):
    """A divergence in an epoch after the one where the rule stops has no effect."""
    choices: dict[str, Any] = {
        "max_iter": 3000,
        "tol": 2e-4,
        "n_iter_no_change": 3,
        "solver": "sgd",
        "learning_rate_init": 0.02,
    }
    alone = quick("classes", **choices).fit(X, CLASSES)
    monkeypatch.setattr(fitting, "EXTRA_SECONDS", 1e6)  # its slices do not depend on the clock
    finish, epochs = Run.finish, []

    def run_and_break(run: Run) -> Record:
        last = finish(run)
        if run.state.epoch > alone.n_iter_:
            epochs.append(run.state.epoch)
            raise broken
        return last

    monkeypatch.setattr(Run, "finish", run_and_break)
    again = quick("classes", **choices).fit(X, CLASSES)
    assert len(epochs) == 1
    assert (again.stop_reason_, again.n_iter_) == ("converged", alone.n_iter_)
    assert bytes_of(again) == bytes_of(alone)
    assert again.loss_curve_ == alone.loss_curve_


def test_the_rule_finds_where_it_fires():
    rule, plateau = StoppingRule(tol=0.1, patience=2), Plateau(0, 5.0)
    assert rule.first_stop(plateau, [6.0, 6.0, 6.0, 6.0, 9.0]) == 4
    assert rule.first_stop(plateau, [6.0, 6.0, 6.0, 6.2, 6.0]) is None


def test_an_error_in_a_function_leaves_what_was_reached():
    def fail(estimator: Any, record: Record) -> None:
        if record.epoch == 2:
            raise RuntimeError("stop here")

    estimator = quick("one", callbacks=[fail])
    with pytest.raises(RuntimeError, match="stop here"):
        estimator.fit(X, NUMBERS)
    assert bytes_of(estimator) == bytes_of(quick("one", max_iter=2).fit(X, NUMBERS))


# ---- scikit-learn's protocol ----


class Recorder:
    """A callback that records its calls, and can request a stop."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.calls: list[tuple[str, str]] = []
        self.predictions: list[Any] = []
        self.data: list[Any] = []
        self.stop_after = stop_after

    def setup(self, estimator: Any, context: Any) -> None:
        self.calls.append(("setup", context.task_name))

    def teardown(self, estimator: Any, context: Any) -> None:
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.calls.append(("begin", context.task_name))

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any, y: Any, metadata: Any, fitted_estimator: Any
    ) -> bool:
        self.calls.append(("end", context.task_name))
        if context.task_name == "epoch":
            self.predictions.append(fitted_estimator.predict(X))
            self.data.append((X, y, metadata))
        return len(self.predictions) >= self.stop_after


@NEEDS_PROTOCOL
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_protocol(solver: str):
    recorder, weight = Recorder(), np.ones(60)
    fitted: Any = quick("one", solver=solver, max_iter=3).set_callbacks(recorder)
    fitted.fit(X, NUMBERS, sample_weight=weight)
    epochs = [("begin", "epoch"), ("end", "epoch")] * 3
    assert recorder.calls == [
        ("setup", "fit"),
        ("begin", "fit"),
        *epochs,
        ("end", "fit"),
        ("teardown", "fit"),
    ]
    assert np.array_equal(recorder.predictions[-1], fitted.predict(X))
    assert not np.array_equal(recorder.predictions[0], recorder.predictions[1])
    seen, targets, metadata = recorder.data[0]
    assert seen is X
    assert targets is NUMBERS
    assert metadata["sample_weight"] is weight


@NEEDS_PROTOCOL
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_protocols_stop_is_honored(solver: str):
    recorder = Recorder(stop_after=2)
    fitted: Any = quick("one", solver=solver).set_callbacks(recorder).fit(X, NUMBERS)
    assert (fitted.n_iter_, fitted.stop_reason_) == (2, "callback")
    assert recorder.calls[-1] == ("teardown", "fit")


@NEEDS_PROTOCOL
def test_parts_leave_nothing_of_the_protocol_behind():
    recorder = Recorder()
    parts: Any = quick("one").set_callbacks(recorder).partial_fit(X, NUMBERS)
    assert recorder.calls == []
    assert "_callback_fit_ctx" not in vars(parts)


@NEEDS_PROTOCOL
def test_teardown_comes_after_an_error_too():
    recorder = Recorder()
    estimator: Any = quick("one", solver=SGD(1e200)).set_callbacks(recorder)
    with pytest.raises(DivergenceError):
        estimator.fit(X, NUMBERS)
    assert recorder.calls[-1] == ("teardown", "fit")


@NEEDS_PROTOCOL
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_callbacks(capsys: pytest.CaptureFixture[str]):
    from sklearn.callback import ProgressBar, ScoringMonitor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    monitor: Any = ScoringMonitor(scoring="r2")
    fitted: Any = quick("one").set_callbacks(monitor, ProgressBar()).fit(X, NUMBERS)
    scores = [row["r2"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(scores) == 6
    assert scores[-1] == pytest.approx(fitted.score(X, NUMBERS))
    assert "MLPRegressor - fit" in capsys.readouterr().out
    pipeline: Any = make_pipeline(StandardScaler(), quick("one"))
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=2)).fit(X, NUMBERS)
    assert "MLPRegressor" in capsys.readouterr().out


# ---- divergence and interruption ----


@pytest.mark.parametrize("kind", ["classes", "one"])
@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_divergence_is_reported_at_once_and_the_last_finite_weights_are_kept(
    kind: str, engine: str
):
    y = TARGETS[kind]
    estimator = quick(kind, solver=SGD(1e160), engine=engine, batch_size=10, max_iter=50, alpha=1.0)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights") as caught:
        estimator.fit(X * 1e3, y)
    assert isinstance(caught.value, DivergenceError)
    assert "Lower the learning rate" in str(caught.value) or "lower the" in str(caught.value)
    assert estimator.stop_reason_ == "diverged"
    assert np.isfinite(estimator.theta_).all()
    assert estimator.n_iter_ < 50


@pytest.mark.parametrize("looks", [[], [lambda *_: None]])
def test_the_weights_kept_are_those_before_the_divergence(looks: Any):
    steep: dict[str, Any] = {"solver": SGD(4.0), "activation": "identity", "max_iter": 5000}
    estimator = quick("one", callbacks=looks, **steep)
    with pytest.raises(DivergenceError):
        estimator.fit(X, NUMBERS)
    assert 3 < estimator.n_iter_ < 5000
    steep["max_iter"] = estimator.n_iter_
    assert bytes_of(estimator) == bytes_of(quick("one", **steep).fit(X, NUMBERS))


# ---- progress ----


def test_a_terminal_sees_a_bar(monkeypatch: pytest.MonkeyPatch):
    screen = io.StringIO()
    screen.isatty = lambda: True
    terminal = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(progress, "Console", lambda **_: terminal)
    fitted = quick("one", verbose=True, max_iter=4, early_stopping=True).fit(X, NUMBERS)
    shown = screen.getvalue()
    assert "epoch 4/4" in shown
    assert f"loss {fitted.loss_:.4f}" in shown
    assert f"score {fitted.validation_scores_[-1]:.4f}" in shown


def test_an_adaptive_rate_says_what_scikit_learn_says(capsys: pytest.CaptureFixture[str]):
    choices: dict[str, Any] = {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "n_iter_no_change": 2,
        "tol": 1e3,
        "verbose": True,
        "max_iter": 100,
    }
    outputs = []
    for estimator in (quick("one", **choices), theirs(hidden_layer_sizes=(5,), **choices)):
        estimator.fit(X, NUMBERS)
        lines = capsys.readouterr().out.splitlines()
        outputs.append([line for line in lines if not line.startswith("Iteration")])
    assert outputs[0] == outputs[1]
    assert "Setting learning rate to 0.000200" in outputs[0][0]
    assert outputs[0][-1].endswith("Learning rate too small. Stopping.")


class Cell:
    """Records what IPython.display shows in the cell of a notebook."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def display(self, shown: Any, *, display_id: bool) -> "Cell":
        assert display_id
        self.seen.append(shown)
        return self

    def update(self, shown: Any) -> None:
        self.seen.append(shown)


def test_a_notebook_sees_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: Any):
    cell = Cell()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(force_jupyter=True))
    monkeypatch.setattr(progress, "import_module", lambda _: cell)
    fitted = quick("one", verbose=True, max_iter=4, early_stopping=True).fit(X, NUMBERS)
    first, last = repr(cell.seen[0]), repr(cell.seen[-1])
    assert first == "epoch 0/4"
    assert last.startswith(f"epoch 4/4  loss {fitted.loss_:.4f}  held out ")
    assert last.endswith(f"score {fitted.validation_scores_[-1]:.4f}")
    assert 'value="4" max="4"' in cell.seen[-1]._repr_html_()
    assert "Iteration" not in capsys.readouterr().out


def test_a_notebook_sees_how_far_a_fit_came(monkeypatch: pytest.MonkeyPatch):
    cell = Cell()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(force_jupyter=True))
    monkeypatch.setattr(progress, "import_module", lambda _: cell)
    estimator = quick("one", verbose=True, max_iter=9, callbacks=[third])
    estimator.fit(X, NUMBERS)
    assert repr(cell.seen[-1]).startswith("epoch 3/9")


def test_a_file_sees_lines(monkeypatch: pytest.MonkeyPatch, capsys: Any):
    file = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(progress, "Console", lambda **_: file)
    quick("one", verbose=True, max_iter=2).fit(X, NUMBERS)
    assert "Iteration 2, loss" in capsys.readouterr().out
