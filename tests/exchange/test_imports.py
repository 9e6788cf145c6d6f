"""Models of other programs become estimators that predict the same, and code is never loaded."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import (
    InputError,
    MLPClassifier,
    MLPRegressor,
    TableModel,
    export,
    from_torch,
    load,
    mlp,
    save,
)
from chainrule.data import read
from chainrule.exchange import import_model
from chainrule.files import TrainedNetwork
from tests.estimators.data import NUMBERS, TARGETS, X, quick
from tests.models.tables import mixed

io: Any = pytest.importorskip("skops.io", reason="pip install 'chainrule[files]'")
numpy_file: Any = pytest.importorskip("safetensors.numpy", reason="pip install safetensors")
torch: Any = pytest.importorskip("torch", reason="pip install torch")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSES = ["no", "perhaps", "yes"]


@pytest.mark.parametrize(
    ("loss", "outputs", "classes", "kind"),
    [
        ("softmax-cross-entropy", 3, CLASSES, MLPClassifier),
        ("softmax-cross-entropy", 2, None, MLPClassifier),
        ("logistic-cross-entropy", 1, ["no", "yes"], MLPClassifier),
        ("logistic-cross-entropy", 2, None, MLPClassifier),
        ("squared-error", 2, None, MLPRegressor),
        ("poisson", 1, None, MLPRegressor),
    ],
)
def test_a_state_dict_becomes_an_estimator(
    tmp_path: Path, loss: str, outputs: int, classes: list[str] | None, kind: type
):
    activation = ["tanh", "gelu", "identity"]
    network = mlp(2, 4, 3, outputs, activation=activation, loss=loss)
    trained = TrainedNetwork(network, network.initialize(0))
    arrays = network.layout.views(trained.theta)
    tensors = {f"{k}": torch.tensor(one.copy()) for k, one in enumerate(arrays.values())}
    torch.save(tensors, tmp_path / "net.pt")
    found = import_model(tmp_path / "net.pt", network, classes)
    assert type(found) is kind
    save(found, tmp_path / "net.safetensors")
    again = load(tmp_path / "net.safetensors")
    predict = again.predict_proba if kind is MLPClassifier else again.predict
    p = trained.predict(X[:, :2])
    p = np.hstack([1 - p, p]) if classes == ["no", "yes"] else p
    np.testing.assert_allclose(np.reshape(predict(X[:, :2]), p.shape), p, rtol=1e-12)
    if classes:
        assert again.classes_.tolist() == classes


def test_layers_that_no_estimator_has_stay_a_network(tmp_path: Path):
    network = mlp(2, 4, 1, activation=["relu", "tanh"], loss="squared-error")
    trained = TrainedNetwork(network, network.initialize(0))
    export(trained, tmp_path / "net.onnx")
    assert type(import_model(tmp_path / "net.onnx")) is TrainedNetwork


def test_classes_must_fit(tmp_path: Path):
    export(quick("one", max_iter=2, engine="reference").fit(X, NUMBERS), tmp_path / "n.onnx")
    with pytest.raises(InputError, match="predicts numbers"):
        import_model(tmp_path / "n.onnx", classes=["a", "b"])
    network = mlp(2, 3, activation="relu", loss="softmax-cross-entropy")
    export(TrainedNetwork(network, network.initialize(0)), tmp_path / "c.onnx")
    with pytest.raises(InputError, match="2 different classes are named, but the model has 3"):
        import_model(tmp_path / "c.onnx", classes=["a", "b", "a"])


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_their_classifier_comes_in_a_skops_file(tmp_path: Path, solver: str):
    y = np.where(X[:, 0] > 0, "yes", "no")
    theirs: Any = TheirClassifier((3,), solver=solver, max_iter=3, random_state=0).fit(X, y)
    io.dump(theirs, tmp_path / "m.skops")
    ours = import_model(tmp_path / "m.skops")
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-12)
    assert ours.classes_.tolist() == ["no", "yes"]


class Harmful:
    """An object whose loading would run code."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("harmed"),))


def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    io.dump([Harmful()], "m.skops")
    torch.save({"w": Harmful()}, "m.pt")
    Path("m.pkl").write_bytes(pickle.dumps(Harmful()))
    network = mlp(2, 3, activation="relu", loss="softmax-cross-entropy")
    with pytest.raises(InputError, match=r"may run code when they are loaded: .*; nothing"):
        import_model("m.skops")
    with pytest.raises(InputError, match=r"objects that only code can restore.*state_dict\(\)"):
        import_model("m.pt", network)
    with pytest.raises(InputError, match=r"is a pickle.*skops\.io\.dump"):
        import_model("m.pkl")
    assert not Path("harmed").exists()


@pytest.mark.parametrize("ending", [".onnx", ".skops", ".pt", ".safetensors"])
def test_damaged_and_missing_files_are_reported(tmp_path: Path, ending: str):
    path, needed = tmp_path / f"m{ending}", ending in (".pt", ".safetensors")
    network = mlp(2, 3, activation="relu", loss="softmax-cross-entropy") if needed else None
    with pytest.raises(OSError, match="does not exist"):
        import_model(path, network)
    path.write_bytes(b"damaged" * 20)
    with pytest.raises(InputError, match=r"is (damaged|not an? .* file)"):
        import_model(path, network)


def test_other_contents_are_named(tmp_path: Path):
    network = mlp(2, 3, activation="relu", loss="softmax-cross-entropy")
    save(TrainedNetwork(network, network.initialize(0)), tmp_path / "m.safetensors")
    with pytest.raises(InputError, match="is a model of chainrule already"):
        import_model(tmp_path / "m.safetensors", network)
    torch.save({"model": {}, "epoch": 3}, tmp_path / "m.pt")
    with pytest.raises(InputError, match="more than the tensors of a state dict"):
        import_model(tmp_path / "m.pt", network)
    io.dump(make_pipeline(StandardScaler()).fit(X), tmp_path / "m.skops")
    with pytest.raises(InputError, match="has a Pipeline, but"):
        import_model(tmp_path / "m.skops")
    with pytest.raises(InputError, match=r"unknown ending; choose one of \.onnx"):
        import_model("m.h5")


@pytest.mark.parametrize("target", ["renewal", "spent"])
def test_the_model_of_a_table_is_exported_as_their_pipeline(tmp_path: Path, target: str):
    table = mixed()
    settings = {"max_iter": 3, "hidden_layer_sizes": (4,), "engine": "reference"}
    model = TableModel.train(table, target, impute="most-frequent", **settings)
    exported = export(model, tmp_path / "m.skops", table)
    assert exported.difference is not None
    assert exported.difference.largest < 1e-12
    trusted = io.get_untrusted_types(file=tmp_path / "m.skops")
    assert f"trusted={trusted}" in exported.remark
    assert all(name.startswith(("chainrule.models.pipeline.", "numpy.")) for name in trusted)
    pipeline = io.load(tmp_path / "m.skops", trusted=trusted)
    frame = table.to_arrow().to_pandas()
    found = pipeline.predict(frame)
    if target == "spent":
        np.testing.assert_allclose(found, model.predict(table), rtol=1e-12)
    else:
        assert found.tolist() == model.predict(table).tolist()
    network = getattr(pipeline, "regressor_", pipeline)[-1]
    assert type(network).__module__.startswith("sklearn.")


def test_names_of_columns_survive(tmp_path: Path):
    frame: Any = read({"a": X[:, 0].tolist(), "b": X[:, 1].tolist()}).to_arrow().to_pandas()
    ours = quick("binary", max_iter=2, engine="reference").fit(frame, TARGETS["binary"])
    exported = export(ours, tmp_path / "m.skops")
    assert exported.difference is not None
    assert exported.difference.largest < 1e-12
    theirs = io.load(tmp_path / "m.skops", trusted=[])
    assert theirs.feature_names_in_.tolist() == ["a", "b"]
    assert import_model(tmp_path / "m.skops").feature_names_in_.tolist() == ["a", "b"]


def test_a_file_of_torch_keeps_the_order_of_layers(tmp_path: Path):
    network = mlp(2, 2, 2, 2, activation="tanh", loss="squared-error")
    trained = TrainedNetwork(network, network.initialize(0))
    names = [f"{layer}.{kind}" for layer in ("one", "two", "three") for kind in ("weight", "bias")]
    arrays = dict(zip(names, network.layout.views(trained.theta).values(), strict=True))
    half = {name: torch.nn.Parameter(torch.tensor(one.copy())) for name, one in arrays.items()}
    torch.save(half, tmp_path / "m.pt")
    np.testing.assert_array_equal(from_torch(tmp_path / "m.pt", network).theta, trained.theta)
    numpy_file.save_file({k: one.copy() for k, one in arrays.items()}, tmp_path / "m.safetensors")
    with pytest.raises(InputError, match=r"which of the layers '\w+' and '\w+'.*comes first"):
        from_torch(tmp_path / "m.safetensors", network)


def test_half_precision_is_read_as_single(tmp_path: Path):
    network = mlp(2, 1, activation="identity", loss="squared-error")
    torch.save({"w": torch.ones(1, 2).bfloat16(), "b": torch.zeros(1).half()}, tmp_path / "m.pt")
    assert from_torch(tmp_path / "m.pt", network).theta.tolist() == [1, 1, 0]
