"""Estimators in files: everything that pickle keeps, and the same bytes after further training."""

import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn

import chainrule
from chainrule import (
    AdamW,
    ClipNorm,
    CosineDecay,
    Custom,
    CustomLoss,
    He,
    InputError,
    MLPClassifier,
    MLPRegressor,
    StepDecay,
    Tanh,
    TrainedNetwork,
    WarmUp,
    mlp,
)
from chainrule.estimators.saving import ATTRIBUTES
from tests.estimators.data import BINARY, NUMBERS, TARGETS, X, bytes_of, quick
from tests.rows import few_rows

WORDS = np.array(["no", "maybe", "ü", "yes"])[np.arange(60) % 4]
LABELS: dict[str, Any] = {
    **TARGETS,
    "words": WORDS,
    "objects": WORDS.astype(object),
    "dates": np.array("2026-01-01", "M8[D]") + (NUMBERS > 0),
    "flags": NUMBERS > 0,
    "columns": np.column_stack([WORDS, BINARY]),
    "mixed columns": np.column_stack([WORDS.astype(object), (NUMBERS > 0).astype(int)]),
}
STATES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "objects": {"solver": AdamW(WarmUp(3, CosineDecay(0.1, 50))), "activation": [Tanh()]},
    "layers": {"dropout": 0.2, "layer_norm": True, "initializer": He(), "clip": ClipNorm(1.0)},
    "schedule": {"solver": "sgd", "learning_rate": "invscaling", "batch_size": 7},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.5},
    "early stopping": {"early_stopping": True, "batch_size": 7},
    "lbfgs": {"solver": "lbfgs"},
    "random state": {"random_state": np.random.RandomState(5)},
    "numbers of NumPy": {"tol": np.float64(1e-3), "alpha": np.float32(0.1)},
    "reference": {"engine": "reference", "solver": "rmsprop", "learning_rate": StepDecay(0.1)},
}

pytestmark = pytest.mark.filterwarnings("ignore:.*(Maximum iter|lbfgs failed|learned nothing)")


def made(kind: str, **choices: Any) -> Any:
    """Return an unfitted estimator for some targets."""
    return quick(kind if kind in TARGETS else "classes", **choices)


def reloaded(model: Any, folder: Path, **options: Any) -> Any:
    model.save(folder / "model.safetensors")
    return type(model).load(folder / "model.safetensors", **options)


def saved_bytes(model: Any, folder: Path) -> bytes:
    model.save(folder / "bytes")
    return (folder / "bytes").read_bytes()


def assert_same(a: Any, b: Any, folder: Path) -> None:
    """Assert that two estimators have the same state, predictions and parameters."""
    assert np.array_equal(a.predict(X), b.predict(X))
    assert without_addresses(a) == without_addresses(b)
    same = saved_bytes(a, folder) == saved_bytes(b, folder)
    assert same  # and not the comparison itself, whose difference is pages long


def without_addresses(model: Any) -> str:
    """Return the repr of an estimator, without the address of its RandomState."""
    return re.sub(r" at 0x[0-9A-F]+", "", repr(model))


@pytest.mark.parametrize("kind", few_rows(LABELS, "words", "many"))
@pytest.mark.parametrize("name", few_rows(STATES, "defaults", "early stopping", "lbfgs"))
def test_a_loaded_estimator_is_the_same_and_trains_alike(name: str, kind: str, tmp_path: Path):
    model = made(kind, warm_start=True, **STATES[name]).fit(X, LABELS[kind])
    twin = reloaded(model, tmp_path)
    assert_same(twin, model, tmp_path)
    assert twin.get_params().keys() == model.get_params().keys()
    by_pickle = pickle.loads(pickle.dumps(model))  # noqa: S301 (our own)
    for one in (model, twin, by_pickle):
        one.fit(X, LABELS[kind])
    assert_same(twin, model, tmp_path)
    assert_same(by_pickle, model, tmp_path)


@pytest.mark.parametrize("kind", LABELS)
def test_the_types_of_all_attributes_are_checked(kind: str):
    """An attribute that is new here needs an entry in ATTRIBUTES."""
    model = made(kind, early_stopping=True).fit(X, LABELS[kind])
    assert vars(model).keys() - model.get_params().keys() <= ATTRIBUTES.keys()


@pytest.mark.parametrize("kind", few_rows(LABELS, "words", "one"))
def test_partial_fit_goes_on(kind: str, tmp_path: Path):
    y = LABELS[kind]
    known = {"classes": np.unique(y)} if made(kind)._numeric is False and y.ndim == 1 else {}
    known = {} if kind in ("one", "many") else known
    model = made(kind, dropout=0.2, batch_size=7).partial_fit(X, y, **known)
    twin = reloaded(model, tmp_path)
    for one in (model, twin):
        one.partial_fit(X[:30], y[:30])
    assert_same(twin, model, tmp_path)


def test_weights_are_views_that_can_be_changed(tmp_path: Path):
    model = quick("one", warm_start=True).fit(X, NUMBERS)
    twin = reloaded(model, tmp_path)
    for one in (model, twin):
        one.coefs_[0][0, 0] += 1
        one.fit(X, NUMBERS)
    assert bytes_of(twin) == bytes_of(model)


def test_single_precision_stays(tmp_path: Path):
    model = quick("one", warm_start=True).fit(X.astype(np.float32), NUMBERS)
    twin = reloaded(model, tmp_path)
    assert twin.theta_.dtype == np.float32
    assert bytes_of(twin.fit(X.astype(np.float32), NUMBERS)) == bytes_of(
        model.fit(X.astype(np.float32), NUMBERS)
    )


def test_names_of_features(tmp_path: Path):
    frame = pd.DataFrame(X, columns=["a", "é", "c d", "e"])
    twin = reloaded(quick("one").fit(frame, NUMBERS), tmp_path)
    assert twin.feature_names_in_.tolist() == ["a", "é", "c d", "e"]
    assert twin.feature_names_in_.dtype == object
    with pytest.raises(ValueError, match="feature names"):
        twin.predict(frame.rename(columns={"a": "b"}))


def test_a_health_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = quick("one", verbose="health").fit(X, NUMBERS)
    assert reloaded(model, tmp_path).health_ == model.health_
    assert capsys.readouterr().out


def test_an_output_activation_that_was_set(tmp_path: Path):
    model = quick("one").fit(X, NUMBERS)
    model.out_activation_ = "tanh"
    assert reloaded(model, tmp_path).out_activation_ == "tanh"


def test_before_a_fit(tmp_path: Path):
    model = quick("words", alpha=0.5)
    twin = reloaded(model, tmp_path)
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "network_")
    assert bytes_of(twin.fit(X, WORDS)) == bytes_of(model.fit(X, WORDS))


def test_weights_that_were_set_before_a_fit(tmp_path: Path):
    model = quick("one")
    model.coefs_ = [np.ones((4, 5)), np.ones((5, 1))]
    model.intercepts_ = [np.zeros(5), np.zeros(1)]
    twin = reloaded(model, tmp_path)
    assert np.array_equal(twin.predict(X), model.predict(X))


def test_attributes_of_users(tmp_path: Path):
    model = quick("one").fit(X, NUMBERS)
    model.note, model.columns = "of Monday", {"a": [1, 2.5]}
    twin = reloaded(model, tmp_path)
    assert (twin.note, twin.columns) == ("of Monday", {"a": [1, 2.5]})


def test_requests_for_metadata(tmp_path: Path):
    with sklearn.config_context(enable_metadata_routing=True):
        model = quick("one").set_fit_request(X_val=True, groups="g")
        twin = reloaded(model, tmp_path)
        expected = model.get_metadata_routing()
        assert str(twin.get_metadata_routing()) == str(expected)
        assert "'groups': 'g'" in str(expected)
        assert_same(twin.fit(X, NUMBERS), model.fit(X, NUMBERS), tmp_path)


def test_scikit_learns_callbacks_are_not_saved(tmp_path: Path):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 has callbacks")
    model = quick("one").set_callbacks(callback.ProgressBar())
    with pytest.warns(UserWarning, match=r"the callbacks of set_callbacks are not saved"):
        assert not hasattr(reloaded(model, tmp_path), "_skl_callbacks")


def test_an_attribute_that_cannot_be_saved_is_named(tmp_path: Path):
    model = quick("one").fit(X, NUMBERS)
    model.scaler = object()
    with pytest.raises(InputError, match=r"attributes.scaler is .*, which a file cannot hold"):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_parameters_that_are_invalid_are_not_saved(tmp_path: Path):
    with pytest.raises(InputError, match=r"alpha=-1: must be a number in \[0, inf\)"):
        quick("one", alpha=-1).save(tmp_path / "model")


# ---- functions ----------------------------------------------------------------------------------


def cube(z: Any) -> Any:
    return z + 0.01 * z * z * z


def quartic(o: Any, t: Any) -> Any:
    return (o - t) * (o - t) * (1 + 0.1 * (o - t) * (o - t))


def note(estimator: Any, record: Any) -> None:
    """A callback."""


OWN: dict[str, Any] = {
    "activation": Custom("cube", cube),
    "loss": CustomLoss("quartic", quartic),
    "callbacks": [note],
}
GIVEN = {"cube": cube, "quartic": quartic, "note": note}


def test_own_functions_are_given_on_loading(tmp_path: Path):
    model = quick("one", warm_start=True, **OWN).fit(X, NUMBERS)
    with pytest.raises(InputError, match=r"needs the functions 'cube', 'note', 'quartic',"):
        reloaded(model, tmp_path)
    with pytest.raises(InputError, match=r"it needs the functions 'cube', since"):
        reloaded(model, tmp_path, functions={"note": note, "quartic": quartic})
    twin = reloaded(model, tmp_path, functions=GIVEN)
    assert_same(twin, model, tmp_path)
    assert bytes_of(twin.fit(X, NUMBERS)) == bytes_of(model.fit(X, NUMBERS))


def test_another_function_of_that_name_is_checked(tmp_path: Path):
    model = quick("one", activation=Custom("cube", cube)).fit(X, NUMBERS)
    with pytest.raises(InputError, match=r"cannot read .*cube"):
        reloaded(model, tmp_path, functions={"cube": lambda z: z + z.size})


def test_a_custom_activation_is_pickled():
    model = quick("one", activation=Custom("cube", cube)).fit(X, NUMBERS)
    twin = pickle.loads(pickle.dumps(model))  # noqa: S301 (our own)
    assert np.array_equal(twin.predict(X), model.predict(X))


# ---- what is not this estimator -----------------------------------------------------------------


def test_the_other_estimator(tmp_path: Path):
    quick("one").save(tmp_path / "model")
    with pytest.raises(InputError, match=r"it contains an MLPRegressor; use MLPRegressor\.load"):
        MLPClassifier.load(tmp_path / "model")
    assert isinstance(chainrule.load(tmp_path / "model"), MLPRegressor)


def test_a_network(tmp_path: Path):
    network = mlp(2, 1, activation="tanh", loss="squared-error")
    chainrule.save(TrainedNetwork(network, np.zeros(3)), tmp_path / "model")
    with pytest.raises(InputError, match=r"contains a network, no estimator; use chainrule\.load"):
        MLPClassifier.load(tmp_path / "model")


class OwnClassifier(MLPClassifier):
    """A class of a user."""


def test_a_class_of_a_user_loads_its_own_files(tmp_path: Path):
    model = OwnClassifier(max_iter=2, random_state=0).fit(X, WORDS)
    twin = reloaded(model, tmp_path)
    assert type(twin) is OwnClassifier
    assert np.array_equal(twin.predict(X), model.predict(X))
    with pytest.raises(InputError, match=r"'OwnClassifier'; use the method load of that class"):
        chainrule.load(tmp_path / "model.safetensors")


def test_save_refuses_other_things(tmp_path: Path):
    with pytest.raises(InputError, match=r"cannot save 3; give an estimator, a run of"):
        chainrule.save(3, tmp_path / "model")
    with pytest.raises(InputError, match=r"cannot save <class"):
        chainrule.save(MLPClassifier, tmp_path / "model")


def test_a_loaded_estimator_needs_no_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing in a file is code."""

    def refuse(*arguments: Any) -> None:
        raise AssertionError("pickle was used")

    model = quick("one", random_state=np.random.RandomState(1)).fit(X, NUMBERS)
    model.save(tmp_path / "model")
    for name in ("loads", "load", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr("builtins.eval", refuse)
    with warnings.catch_warnings(action="error"):
        assert np.array_equal(chainrule.load(tmp_path / "model").predict(X), model.predict(X))
