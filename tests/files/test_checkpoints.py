"""Checkpoints of a fit: the last ones are kept, and a fit continues with the same bytes."""

import errno
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import chainrule
from chainrule import Checkpoints, FileError, InputError, MLPClassifier, MLPRegressor
from chainrule.errors import DamagedFileError
from chainrule.files import atomic
from tests.estimators.data import NUMBERS, TARGETS, X, bytes_of, quick
from tests.estimators.test_warm_start import WAYS
from tests.rows import few_rows

pytestmark = pytest.mark.filterwarnings("ignore:.*(Maximum iter|learned nothing)")


class StoppedError(Exception):
    """Ends a fit, as if its process were killed."""


def stop_after(epoch: int) -> Callable[[Any, Any], None]:
    def callback(estimator: Any, record: Any) -> None:
        if estimator.n_iter_ == epoch:
            raise StoppedError

    return callback


def fitted(kind: str, folder: Path, *, stop: int | None = None, **choices: Any) -> Any:
    """Return an estimator that was fitted with checkpoints, and stopped and fitted again."""
    options: dict[str, Any] = {"every": choices.pop("every", 1), "keep": choices.pop("keep", 3)}
    checkpoints = Checkpoints(folder, **options)
    y, settings = TARGETS[kind], {"max_iter": 11, **choices}
    if stop is not None:
        with pytest.raises(StoppedError):
            quick(kind, callbacks=[stop_after(stop), checkpoints], **settings).fit(X, y)
    return quick(kind, callbacks=[checkpoints], **settings).fit(X, y)


def names(folder: Path) -> list[int]:
    """Return the epochs of the checkpoints in a folder, the newest first."""
    return [int(path.stem.split("-")[1]) for path in Checkpoints(folder).paths()]


def saved_bytes(model: Any, path: Path) -> bytes:
    """Return the file of an estimator, without its callbacks."""
    model.set_params(callbacks=None).save(path)
    return path.read_bytes()


@pytest.mark.parametrize("kind", few_rows(TARGETS, "classes"))
@pytest.mark.parametrize("way", few_rows(WAYS, "batches", "adaptive", "early stopping"))
@pytest.mark.parametrize("every", few_rows(["1", "3"], "3"))
def test_a_stopped_fit_continues_with_the_same_bytes(
    way: str, kind: str, every: str, tmp_path: Path
):
    whole = quick(kind, max_iter=11, **WAYS[way]).fit(X, TARGETS[kind])
    part = fitted(kind, tmp_path / "run", stop=7, every=int(every), **WAYS[way])
    assert saved_bytes(part, tmp_path / "part") == saved_bytes(whole, tmp_path / "whole")


def test_sparse_samples_have_checkpoints(tmp_path: Path):
    sparse, other = sp.csr_array(X * (X > 0)), sp.csr_array(np.roll(X * (X > 0), 1, axis=1))
    whole = quick("one", max_iter=11).fit(sparse, NUMBERS)
    checkpoints = Checkpoints(tmp_path / "run", every=1)
    with pytest.raises(StoppedError):
        quick("one", max_iter=11, callbacks=[stop_after(7), checkpoints]).fit(sparse, NUMBERS)
    with pytest.raises(InputError, match="it is of another fit, of which X differ"):
        quick("one", max_iter=11, callbacks=[checkpoints]).fit(other, NUMBERS)
    part = quick("one", max_iter=11, callbacks=[checkpoints]).fit(sparse, NUMBERS)
    assert saved_bytes(part, tmp_path / "part") == saved_bytes(whole, tmp_path / "whole")


def test_a_fit_without_other_callbacks_writes_the_same_checkpoints(tmp_path: Path):
    """It runs in slices of epochs, which end at the checkpoints."""
    fitted("one", tmp_path / "slices", every=4)
    checkpoints = Checkpoints(tmp_path / "epochs", every=4)
    quick("one", max_iter=11, callbacks=[checkpoints, lambda *_: None]).fit(X, NUMBERS)
    assert names(tmp_path / "slices") == names(tmp_path / "epochs") == [11, 8, 4]
    found = [chainrule.load(tmp_path / "slices" / "epoch-00000008.safetensors")]
    function = {"<lambda>": print}
    found.append(chainrule.load(tmp_path / "epochs" / "epoch-00000008.safetensors", function))
    assert bytes_of(found[0]) == bytes_of(found[1])


@pytest.mark.parametrize(("every", "keep", "expected"), [(1, 3, [11, 10, 9]), (4, 1, [11])])
def test_the_last_ones_are_kept(every: int, keep: int, expected: list[int], tmp_path: Path):
    fitted("one", tmp_path, every=every, keep=keep)
    assert names(tmp_path) == expected
    assert len(list(tmp_path.iterdir())) == keep


def test_a_finished_fit_is_not_repeated(tmp_path: Path):
    first = fitted("one", tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = fitted("one", tmp_path)
    assert bytes_of(again) == bytes_of(first)
    assert (again.n_iter_, again.stop_reason_) == (11, "epochs")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_finished_fit_can_be_made_longer(tmp_path: Path):
    fitted("one", tmp_path, max_iter=5)
    longer = fitted("one", tmp_path, max_iter=11)
    assert bytes_of(longer) == bytes_of(quick("one", max_iter=11).fit(X, NUMBERS))
    with pytest.raises(InputError, match=r"after 11 epochs, but max_iter=5; increase max_iter"):
        fitted("one", tmp_path, max_iter=5)


def test_a_random_seed_is_kept(tmp_path: Path):
    random = quick("one", random_state=None, callbacks=[Checkpoints(tmp_path), stop_after(3)])
    with pytest.raises(StoppedError):
        random.fit(X, NUMBERS)
    seed = random._history.state.seed
    again = quick("one", random_state=None, callbacks=[Checkpoints(tmp_path)]).fit(X, NUMBERS)
    assert bytes_of(again) == bytes_of(quick("one", random_state=seed).fit(X, NUMBERS))


def test_a_warm_start_has_checkpoints_too(tmp_path: Path):
    """A folder for each of the two fits."""

    def program(folder: Path, *, stop: int) -> Any:
        model = quick("one", warm_start=True, batch_size=7)
        for name in ("first", "second"):
            stopping = [stop_after(stop)] if name == "second" else []
            model.set_params(callbacks=[Checkpoints(folder / name), *stopping])
            model.fit(X, NUMBERS)
        return model

    whole = program(tmp_path / "whole", stop=99)
    with pytest.raises(StoppedError):
        program(tmp_path / "part", stop=3)
    part = program(tmp_path / "part", stop=99)
    assert saved_bytes(part, tmp_path / "a") == saved_bytes(whole, tmp_path / "b")


def test_the_health_report_is_that_of_the_whole_fit(tmp_path: Path, capsys: Any):
    choices = {"verbose": "health", "learning_rate_init": 1e-9}
    whole = quick("one", max_iter=11, **choices).fit(X, NUMBERS)
    part = fitted("one", tmp_path, stop=7, **choices)
    assert part.health_ == whole.health_
    assert part.health_.findings
    assert capsys.readouterr().out


def test_a_checkpoint_is_an_estimator(tmp_path: Path):
    fitted("classes", tmp_path, max_iter=4)
    path = Checkpoints(tmp_path).path(3)
    found = [MLPClassifier.load(path), chainrule.load(path)]
    expected = quick("classes", max_iter=3).fit(X, TARGETS["classes"])
    for model in found:
        assert bytes_of(model) == bytes_of(expected)
        assert np.array_equal(model.predict(X), expected.predict(X))
    with pytest.raises(InputError, match=r"it contains an MLPClassifier; use MLPClassifier\.load"):
        MLPRegressor.load(path)


def test_scikit_learns_callbacks_are_not_in_checkpoints(tmp_path: Path):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 has callbacks")
    model = quick("one", callbacks=[Checkpoints(tmp_path)])
    model.set_callbacks(callback.ProgressBar())
    model.fit(X, NUMBERS)
    assert bytes_of(chainrule.load(Checkpoints(tmp_path).path(6))) == bytes_of(model)


# ---- what does not fit --------------------------------------------------------------------------

OTHER: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a parameter": ({"alpha": 0.5}, {}, "alpha differ"),
    "the seed": ({"random_state": 4}, {}, "seed, first weights differ"),
    "the data": ({}, {"X": X + 1}, "X differ"),
    "the order of rows": ({}, {"X": X[::-1]}, "X differ"),
    "the targets": ({}, {"y": NUMBERS + 1}, "y differ"),
    "weights": ({}, {"sample_weight": np.arange(1.0, 61)}, "sample_weight differ"),
    "validation data": ({}, {"X_val": X, "y_val": NUMBERS}, "X_val, y_val"),
    "the precision": ({}, {"X": X.astype(np.float32)}, "X, first weights differ"),
}


@pytest.mark.parametrize("name", OTHER)
def test_another_fit_does_not_continue(name: str, tmp_path: Path):
    choices, data, message = OTHER[name]
    fitted("one", tmp_path, max_iter=3)
    other = quick("one", max_iter=3, callbacks=[Checkpoints(tmp_path)], **choices)
    with pytest.raises(InputError, match=f"it is of another fit, of which .*{message}") as caught:
        other.fit(**{"X": X, "y": NUMBERS, **data})
    assert "give Checkpoints another folder" in str(caught.value)
    assert not hasattr(other, "network_")


def test_lbfgs_and_partial_fit_have_none(tmp_path: Path):
    checkpoints = [Checkpoints(tmp_path)]
    with pytest.raises(InputError, match="lbfgs computes all iterations in one call"):
        quick("one", solver="lbfgs", callbacks=checkpoints).fit(X, NUMBERS)
    with pytest.raises(InputError, match="partial_fit has no Checkpoints"):
        quick("one", callbacks=checkpoints).partial_fit(X, NUMBERS)


def test_there_is_one_folder(tmp_path: Path):
    two = [Checkpoints(tmp_path / "a"), Checkpoints(tmp_path / "b")]
    with pytest.raises(InputError, match="callbacks has 2 Checkpoints: give one of them"):
        quick("one", callbacks=two).fit(X, NUMBERS)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"folder": ""}, "folder=''; give the path of a folder"),
        ({"folder": 3}, "folder=3; give the path of a folder"),
        ({"every": 0}, "every = 0: must be an integer of at least 1"),
        ({"keep": 0}, "keep = 0: must be an integer of at least 1"),
    ],
)
def test_settings_are_checked(choices: dict[str, Any], message: str):
    make: Any = Checkpoints
    with pytest.raises(InputError, match=message):
        make(**{"folder": "run", **choices})


def test_a_checkpoint_of_a_network(tmp_path: Path):
    network = chainrule.mlp(4, 1, activation="tanh", loss="squared-error")
    run = chainrule.train(network, X, NUMBERS, epochs=3)
    run.finish()
    Checkpoints(tmp_path).save(run)
    with pytest.raises(InputError, match="it is a checkpoint of a network; give another folder"):
        fitted("one", tmp_path)


# ---- damage -------------------------------------------------------------------------------------


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(tmp_path: Path):
    fitted("one", tmp_path, max_iter=5)
    newest = Checkpoints(tmp_path).paths()[0]
    newest.write_bytes(newest.read_bytes()[:-9])
    with pytest.warns(RuntimeWarning, match=r"epoch-00000005.*; the one before it is used"):
        again = fitted("one", tmp_path, max_iter=11)
    assert bytes_of(again) == bytes_of(quick("one", max_iter=11).fit(X, NUMBERS))


def test_if_all_are_damaged_nothing_is_overwritten(tmp_path: Path):
    fitted("one", tmp_path, max_iter=5)
    for path in Checkpoints(tmp_path).paths():
        path.write_bytes(b"")
    with pytest.raises(DamagedFileError, match=r"epoch-00000005.safetensors: it has 0 bytes"):
        fitted("one", tmp_path, max_iter=11)
    assert names(tmp_path) == [5, 4, 3]


def test_what_a_killed_process_left_is_deleted(tmp_path: Path):
    left = tmp_path / "epoch-00000003.safetensors.0123abcd.part"
    mine = tmp_path / "notes.part"
    for path in (left, mine):
        path.write_bytes(b"x")
    fitted("one", tmp_path, max_iter=2)
    assert not left.exists()
    assert mine.exists()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["full", "faulty"])
@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_faulty_disk_leaves_the_older_checkpoints(
    call: str, error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The third checkpoint fails, whatever call it is; afterwards the fit continues."""
    whole = bytes_of(fitted("one", tmp_path / "whole"))
    real, made = atomic.SystemCalls(), []

    def faulty(*arguments: Any) -> Any:
        made.append(call)
        if len(made) >= {"write": 3, "fsync": 5, "replace": 3}[call]:  # two syncs for each file
            raise OSError(error, "fault")
        return getattr(real, call)(*arguments)

    monkeypatch.setattr(atomic, "SYSTEM", replace(real, **{call: faulty}))
    with pytest.raises(FileError, match=r"cannot write .*epoch-00000003.*; nothing was changed"):
        fitted("one", tmp_path / "run")
    assert names(tmp_path / "run") == [2, 1]
    monkeypatch.setattr(atomic, "SYSTEM", real)
    assert bytes_of(fitted("one", tmp_path / "run")) == whole


def test_a_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"cannot (create|read) .*file; choose|part of the path is"):
        fitted("one", tmp_path / "file" / "run")


def test_the_folder_may_disappear(tmp_path: Path):
    """It is made again for the next checkpoint."""

    def remove(estimator: Any, record: Any) -> None:
        if estimator.n_iter_ == 3:
            shutil.rmtree(tmp_path / "run")

    quick("one", callbacks=[remove, Checkpoints(tmp_path / "run")]).fit(X, NUMBERS)
    assert names(tmp_path / "run") == [6, 5, 4]
