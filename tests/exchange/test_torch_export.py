"""An exported PyTorch module predicts the model's numbers, for every entry of the tables."""

import subprocess
import sys
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
    Network,
    TableModel,
    TrainedNetwork,
    export,
)
from chainrule.activations import tanh_
from chainrule.exchange.parts import parts_of
from chainrule.exchange.torch_program import state_dict, torch_program
from tests.models.tables import SETTINGS, mixed

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
torch: Any = pytest.importorskip("torch", reason="pip install torch")
ROUNDING = {"float64": 1e-14, "float32": 1e-6}
PATH = "net.pt.safetensors"


def largest_difference(network: Network, dtype: str, folder: Path) -> float:
    """Return what an exported network's predictions differ by, relative to the largest."""
    rows = np.random.default_rng(0).normal(scale=3, size=(50, network.inputs)).astype(dtype)
    model = TrainedNetwork(network, network.initialize(0, dtype))
    difference = export(model, folder / PATH, rows).difference
    assert difference is not None
    return difference.largest / max(1, np.abs(model.predict(rows)).max())


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(name: str, dtype: str, tmp_path: Path):
    network = Network(2, (Dense(4, name), Dense(1, "identity")), "squared-error")
    assert largest_difference(network, dtype, tmp_path) <= ROUNDING[dtype]


@pytest.mark.parametrize("name", LOSSES)
def test_every_link(name: str, tmp_path: Path):
    network = Network(3, (Dense(4, "tanh"), Dense(2, "identity", bias=False)), name)
    assert largest_difference(network, "float64", tmp_path) <= ROUNDING["float64"]


@pytest.mark.parametrize("layer", [LayerNorm(0.3), Dropout(0.4), ActivationLayer("elu")], ids=repr)
def test_every_layer(layer: Any, tmp_path: Path):
    network = Network(3, (Dense(4, "tanh"), layer, Dense(2, "identity")), "squared-error")
    assert largest_difference(network, "float64", tmp_path) <= ROUNDING["float64"]


def test_the_files_are_all_that_is_needed(tmp_path: Path):
    settings = {**SETTINGS, "max_iter": 2, "impute": "median"}
    model = TableModel.train(mixed(), "renewal", **settings)
    exported = export(model, tmp_path / PATH)
    assert list(exported.files) == [PATH, "net_torch.py"]
    rows = mixed(seed=4, gaps=False)
    from pyarrow import csv

    csv.write_csv(rows.to_arrow(), tmp_path / "rows.csv")
    command = [sys.executable, "net_torch.py", PATH, "rows.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = [line.split(",") for line in done.stdout.splitlines()[1:]]
    assert [line[0] for line in lines] == model.predict(rows).tolist()
    p = np.array([line[1:] for line in lines], float)
    assert np.abs(p - model.predict_proba(rows)).max() <= ROUNDING["float64"]


def test_names_of_the_state_dict_are_those_of_the_source():
    network = Network(2, (Dense(3, "tanh"), LayerNorm(), Dense(1, "identity")), "squared-error")
    parts = parts_of(TrainedNetwork(network, network.initialize(0)))
    source = torch_program(parts, PATH, "net_torch")
    for name in state_dict(parts):
        assert f"self.{name.partition('.')[0]} = nn." in source


@pytest.mark.parametrize("text", ['"""\nraise SystemExit(1)\n"""', "\\", "a'b\"c", "{x}"])
def test_names_of_columns_are_no_code(text: str, tmp_path: Path):
    from chainrule import data

    table = data.read({text: [1.0, 2.0, 3.0], "y": ["u", "v", "u"]})
    model = TableModel.train(table, "y", max_iter=1, engine="reference", hidden_layer_sizes=())
    assert export(model, tmp_path / PATH).difference is not None


def test_an_activation_of_ones_own_is_an_error(tmp_path: Path):
    network = Network(2, (Dense(3, Custom("own", tanh_)),), "squared-error")
    with pytest.raises(ValueError, match="the activation 'own' is your own"):
        export(TrainedNetwork(network, network.initialize(0)), tmp_path / PATH)
    assert not list(tmp_path.iterdir())


def test_without_pytorch_nothing_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    installed = {"torch": None, "safetensors": True}
    monkeypatch.setattr("chainrule.exchange.torch_export.find_spec", installed.get)
    network = Network(2, (Dense(1, "tanh"),), "squared-error")
    exported = export(TrainedNetwork(network, network.initialize(0)), tmp_path / PATH)
    assert exported.difference is None
    assert (tmp_path / "net_torch.py").exists()
