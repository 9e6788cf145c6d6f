"""Older versions of files stay readable, and newer ones are refused with a clear message."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import InputError, MLPRegressor, Momentum, TrainedNetwork
from chainrule.files import kinds
from tests.files.samples import ESTIMATOR_1, NETWORK_1, SAMPLES, SLOT, THETA, file_of

X = np.array([[0.0], [1.0], [-2.0]])


def stored(folder: Path, content: dict[str, Any], arrays: dict[str, Any]) -> Path:
    path = folder / "sample.safetensors"
    path.write_bytes(file_of(content, arrays))
    return path


def prediction() -> Any:
    """Return what the samples predict, computed here."""
    w1, b1, w2, b2 = np.split(np.array(THETA), [2, 4, 6])
    return np.tanh(X * w1 + b1) @ w2 + b2


def test_every_version_has_a_sample():
    wanted = {(kind, n) for kind, last in kinds.VERSIONS.items() for n in range(1, last + 1)}
    assert SAMPLES.keys() == wanted


@pytest.mark.parametrize(("kind", "version"), SAMPLES)
def test_every_version_is_readable(kind: str, version: int, tmp_path: Path):
    model: Any = chainrule.load(stored(tmp_path, *SAMPLES[kind, version]))
    if isinstance(model, TrainedNetwork):
        assert model.optimizer == Momentum(0.01, 0.9)
        assert model.state is not None
        assert (model.state.step, model.state.epoch, model.state.seed) == (6, 2, 3)
        assert np.array_equal(model.state.slots[0], SLOT)
        predicted = model.predict(X)[:, 0]
    else:
        model = model.estimator if kind == "table model" else model
        assert isinstance(model, MLPRegressor)
        assert model.get_params()["n_iter_no_change"] == np.inf
        assert vars(model)["loss_curve_"] == [0.5, 0.375]
        predicted = model.predict(X)
    np.testing.assert_allclose(predicted, prediction(), rtol=1e-14)


def test_a_sample_trains_further(tmp_path: Path):
    path = stored(tmp_path, *SAMPLES["estimator", 1])
    model: Any = MLPRegressor.load(path).set_params(warm_start=True)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(X, [0.0, 1.0, 2.0])
    assert model.t_ == 12 + 2 * 3


def test_a_newer_version_is_refused(tmp_path: Path):
    newer = {**NETWORK_1, "version": kinds.VERSIONS["network"] + 1}
    path = stored(tmp_path, newer, SAMPLES["network", 1][1])
    with pytest.raises(InputError, match=r"has version 2 of a network file.*update chainrule"):
        chainrule.load(path)


def test_an_unknown_kind_is_refused(tmp_path: Path):
    path = stored(tmp_path, {**NETWORK_1, "kind": "forest"}, SAMPLES["network", 1][1])
    with pytest.raises(InputError, match=r"'forest'.*does not know; update chainrule"):
        chainrule.load(path)


def test_an_upgrade_turns_an_older_version_into_the_present_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As if version 1 had called a field by another name."""

    def upgrade(body: dict[str, Any]) -> dict[str, Any]:
        return {("theta" if name == "weights" else name): part for name, part in body.items()}

    old = {("weights" if name == "theta" else name): part for name, part in NETWORK_1.items()}
    path = stored(tmp_path, old, SAMPLES["network", 1][1])
    with pytest.raises(InputError, match="has the fields network, theta"):
        chainrule.load(path)
    monkeypatch.setitem(kinds.VERSIONS, "network", 2)
    monkeypatch.setitem(kinds.UPGRADES, ("network", 1), upgrade)
    assert np.array_equal(chainrule.load(path).theta, THETA)


def test_every_older_version_has_an_upgrade():
    wanted = {(kind, n) for kind, last in kinds.VERSIONS.items() for n in range(1, last)}
    assert kinds.UPGRADES.keys() == wanted


def test_a_parameter_that_is_missing_is_named(tmp_path: Path):
    content = copy.deepcopy(ESTIMATOR_1)
    del content["parameters"]["named"]["alpha"]
    path = stored(tmp_path, content, SAMPLES["estimator", 1][1])
    with pytest.raises(InputError, match=r"parameters \['alpha'\] are missing or unknown"):
        chainrule.load(path)
