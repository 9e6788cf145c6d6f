"""``chainrule import``: models of other programs, which the other commands then use."""

from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.files import TrainedNetwork
from tests.cli.conftest import Call

ROWS = "a,b,y\n1,2,no\n-1,0.5,yes\n0,3,yes\n"
DESCRIBED = ("--layers", "2,3,2", "--activation", "tanh", "--loss", "softmax-cross-entropy")


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainedNetwork:
    """A network, in a folder with its ONNX file, its state dict, and a table."""
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(ROWS, encoding="utf-8")
    net = chainrule.mlp(2, 3, 2, activation="tanh", loss="softmax-cross-entropy")
    trained = TrainedNetwork(net, net.initialize(0))
    chainrule.export(trained, "net.onnx")
    chainrule.export(trained, "net.pt.safetensors")
    return trained


@pytest.mark.parametrize(
    "arguments", [("net.onnx",), ("net.pt.safetensors", *DESCRIBED)], ids=["onnx", "state dict"]
)
def test_imported_models_are_used_like_others(
    call: Call, network: TrainedNetwork, arguments: tuple[str, ...]
):
    code, out, err = call("import", *arguments, "--classes", "no,yes", "-o", "m.safetensors")
    assert (code, out) == (0, "")
    assert err == "Wrote m.safetensors: MLPClassifier, 2-3-2, classes no, yes.\n"
    model = chainrule.load("m.safetensors")
    x = np.array([[1, 2], [-1, 0.5], [0, 3]])
    np.testing.assert_allclose(model.predict_proba(x), network.predict(x), rtol=1e-12)
    for command in ("evaluate", "predict", "check"):
        assert call(command, "m.safetensors", "rows.csv").code == 0
    assert "a" in call("explain", "m.safetensors", "rows.csv", "--row", "1").out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("net.onnx", "--layers", "2,3"), 2, "--layers: has no effect on this file"),
        (("net.pt.safetensors",), 2, "--layers: is missing; a state dict has no layers"),
        (("net.pt.safetensors", *DESCRIBED[2:], "--layers", "2,x"), 2, "whole numbers between"),
        (("net.onnx", "-o", "m.onnx"), 2, "-o: 'm.onnx' must end in .safetensors"),
        (("net.pickle",), 2, "net.pickle is a pickle, which may run any code"),
        (("net.h5",), 2, "'net.h5' has an unknown ending; choose one of .onnx"),
        (("none.onnx",), 3, "cannot read none.onnx: the file or its folder does not exist"),
        (("net.onnx", "--classes", "a,b,c"), 3, "3 different classes are named, but the model"),
        (("net.pt.safetensors", *DESCRIBED[2:], "--layers", "2,4,2"), 3, "correct its layers"),
    ],
    ids=str,
)
def test_wrong_imports(
    call: Call, network: TrainedNetwork, arguments: tuple[str, ...], code: int, message: str
):
    found = call("import", *arguments)
    assert (found.code, found.out) == (code, "")
    assert message in found.err
