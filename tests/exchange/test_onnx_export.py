"""An exported ONNX file gives onnxruntime's users the model's own numbers, for every entry."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import (
    ACTIVATIONS,
    LOSSES,
    ActivationLayer,
    Custom,
    Dense,
    Dropout,
    LayerNorm,
    MLPClassifier,
    Network,
    TableModel,
    TrainedNetwork,
    data,
    export,
)
from chainrule.activations import tanh_
from chainrule.exchange.onnx_export import run_onnx
from chainrule.exchange.onnx_models import feeds, onnx_model
from chainrule.exchange.parts import Parts, parts_of
from tests.estimators.data import NUMBERS, TARGETS, X, quick
from tests.models.tables import SETTINGS, mixed

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pytest.importorskip("onnxruntime", reason="pip install 'chainrule[exchange]'")

ROUNDING = {"float64": 1e-13, "float32": 3e-6}  # relative to the largest number
QUICK = {**SETTINGS, "max_iter": 2, "impute": "median"}


def outputs(model: Any, rows: Any) -> dict[str, Any]:
    """Return what onnxruntime computes of a model for rows."""
    parts = parts_of(model)
    found = run_onnx(onnx_model(parts).SerializeToString(), feeds(parts, rows))
    return dict(zip(parts.predicted(rows), found, strict=True))


def check(model: Any, rows: Any, dtype: str) -> None:
    """Compare what onnxruntime computes with the model."""
    found, expected = outputs(model, rows), parts_of(model).predicted(rows)
    assert found.keys() == expected.keys()
    for name, right in expected.items():
        assert found[name].shape == right.shape
        if name == "label":
            assert found[name].tolist() == right.tolist()
            assert found[name].dtype.kind == ("O" if right.dtype.kind in "UO" else right.dtype.kind)
        else:
            limit = ROUNDING[dtype] * max(1, np.abs(right).max())
            assert np.abs(found[name] - right).max() <= limit


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(name: str, dtype: str):
    z = np.concatenate([np.linspace(-30, 30, 121), [-1e-9, 1e-9, 0.0]]).astype(dtype)[:, None]
    network = Network(1, (ActivationLayer(name),), "squared-error")
    check(TrainedNetwork(network, np.empty(0, dtype)), z, dtype)


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("name", LOSSES)
def test_every_link(name: str, dtype: str):
    network = Network(3, (Dense(4, "tanh"), Dense(2, "identity", bias=False)), name)
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(dtype)
    check(TrainedNetwork(network, network.initialize(0, dtype)), rows, dtype)


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("layer", [LayerNorm(0.3), Dropout(0.4), ActivationLayer("elu")], ids=repr)
def test_every_layer(layer: Any, dtype: str):
    network = Network(3, (Dense(4, "tanh"), layer, Dense(2, "identity")), "squared-error")
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(dtype)
    check(TrainedNetwork(network, network.initialize(0, dtype)), rows, dtype)


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("kind", TARGETS)
def test_every_kind_of_target(kind: str, dtype: str):
    rows = X.astype(dtype)
    check(quick(kind, max_iter=20).fit(rows, TARGETS[kind]), rows, dtype)


@pytest.mark.parametrize("labels", [[False, True], [1.0, 2.0, 7.0], ["ä", "b", "c"]], ids=str)
def test_labels_keep_their_type(labels: list[Any]):
    y = np.resize(labels, len(X))
    check(quick("binary", max_iter=5).fit(X, y), X, "float64")


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("target", ["renewal", "city", "spent", "member"])
def test_the_table_is_prepared_in_the_graph(target: str, dtype: str):
    model = TableModel.train(mixed(gaps=target != "city"), target, dtype=dtype, **QUICK)
    rows = mixed(seed=4).drop([target])
    check(model, rows, dtype)


def test_categories_that_are_numbers_unknown_or_missing():
    table = data.read({"zip": [1, 2, 3, None] * 5, "sky": ["a", "b"] * 10, "y": [0.0, 1.5] * 10})
    settings = {**QUICK, "impute": {"zip": "7"}, "hidden_layer_sizes": ()}
    model = TableModel.train(table, "y", categories=["zip"], **settings)
    check(model, data.read({"zip": [3, None, 9], "sky": ["b", "c", "a"]}), "float64")


def test_a_missing_value_without_a_replacement_is_not_a_number():
    table = data.read({"x": [1.0, 2.0, 3.0], "w": ["a", "b", "a"], "y": [1.0, 2.5, 2.0]})
    model = TableModel.train(table, "y", max_iter=1, hidden_layer_sizes=())
    columns = {"x": [[1.0], [np.nan], [1.0]], "w": [["a"], ["a"], [""]]}
    given = {"x": np.array(columns["x"]), "w": np.array(columns["w"], object)}
    (found,) = run_onnx(onnx_model(parts_of(model)).SerializeToString(), given)
    assert np.isnan(found).tolist() == [False, True, True]


def test_names_of_columns_do_not_collide_with_those_of_the_graph():
    table = data.read(
        {"W1": [1.0, 2.0, 4.0], "constant": ["a", "b", "a"], "prediction": [0.5, 1.0, 2.0]}
        | {"y": [1.0, 2.5, 2.0]}
    )
    check(TableModel.train(table, "y", max_iter=1, hidden_layer_sizes=()), table, "float64")


def test_an_activation_of_ones_own_is_recorded():
    own = quick("one", activation=Custom("own", tanh_), engine="reference").fit(X, NUMBERS)
    check(own, X, "float64")


def test_an_activation_without_an_operator_is_an_error():
    own = quick("one", activation=Custom("own", np.sinh), engine="reference").fit(X, NUMBERS)
    with pytest.raises(ValueError, match=r"'own' cannot be converted to ONNX: numpy\.sinh has no"):
        onnx_model(parts_of(own))


def test_export_writes_the_file_and_says_the_difference(tmp_path: Path):
    model = quick("binary", max_iter=5).fit(X, TARGETS["binary"])
    exported = export(model, tmp_path / "m.onnx", X)
    assert (tmp_path / "m.onnx").read_bytes() == exported.files["m.onnx"]
    assert exported.difference is not None
    assert "on 60 rows: the largest difference of the probabilities is" in str(exported.difference)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path):
    model = quick("binary", max_iter=5).fit(X, TARGETS["binary"])
    one, other = (export(model, tmp_path / "m.onnx").files for _ in range(2))
    assert one == other


@pytest.mark.parametrize("changed", ["weights", "labels"])
def test_a_wrong_file_is_not_written(changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = quick("classes", max_iter=5).fit(X, TARGETS["classes"])
    right = Parts.predicted

    def wrong(self: Parts, rows: Any) -> dict[str, Any]:
        found = right(self, rows)
        if changed == "weights":
            return {**found, "probabilities": found["probabilities"] + 1e-9}
        return {**found, "label": np.roll(found["label"], 1)}

    monkeypatch.setattr(Parts, "predicted", wrong)
    with pytest.raises(ValueError, match="nothing was written"):
        export(model, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    model = quick("one", max_iter=2).fit(X, NUMBERS)
    with pytest.raises(ImportError, match=rf"{package}, .* pip install 'chainrule\[exchange\]'"):
        export(model, tmp_path / "m.onnx")


@pytest.mark.parametrize(
    ("model", "path", "words"),
    [
        (3, "m.onnx", "cannot export int; give a TableModel"),
        (
            MLPClassifier.from_weights([[[1.0]]], [[0.0]]),
            "m.xyz",
            r"choose one of \.onnx \.pt\.safetensors \.skops \.py",
        ),
        (MLPClassifier.from_weights([[[1.0]]], [[0.0]]), "m.py", "has no table"),
    ],
)
def test_errors(model: Any, path: str, words: str, tmp_path: Path):
    with pytest.raises(ValueError, match=words):
        export(model, tmp_path / path)
