"""ONNX files come back as the network that was exported; other operators are named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import (
    ACTIVATIONS,
    LOSSES,
    Custom,
    Dense,
    LayerNorm,
    MLPClassifier,
    MLPRegressor,
    Network,
    TableModel,
    TrainedNetwork,
    data,
    export,
    from_onnx,
)
from chainrule.activations import tanh_
from chainrule.exchange.onnx_models import onnx_model
from chainrule.exchange.parts import parts_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
onnx: Any = pytest.importorskip("onnx", reason="pip install 'chainrule[exchange]'")
pytest.importorskip("onnxruntime", reason="pip install 'chainrule[exchange]'")


def again(network: Network, dtype: str = "float64") -> tuple[TrainedNetwork, TrainedNetwork]:
    """Return a network with parameters, and what its ONNX form is read as."""
    model = TrainedNetwork(network, network.initialize(0, dtype))
    return model, from_onnx(onnx_model(parts_of(model)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_comes_back(name: str, dtype: str):
    layers = (Dense(4, name), LayerNorm(1e-3), Dense(2, "identity", bias=False))
    model, read = again(Network(3, layers, "squared-error"), dtype)
    assert read.network == model.network
    assert read.theta.tobytes() == model.theta.tobytes()
    assert read.theta.dtype == dtype


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.owns_link])
def test_every_link_comes_back(name: str):
    model, read = again(Network(3, (Dense(2, "identity"),), name))
    rows = np.random.default_rng(0).normal(size=(5, 3))
    assert read.predict(rows).tobytes() == model.predict(rows).tobytes()


def test_the_probabilities_of_two_classes_come_back(tmp_path: Path):
    model = MLPClassifier.from_weights([[[1.0, 2.0]], [[0.5], [1.0]]], [[0.0, 1.0], [2.0]])
    export(model, tmp_path / "m.onnx")
    p, q = from_onnx(tmp_path / "m.onnx").predict([[0.3]]), np.asarray(model.predict_proba([[0.3]]))
    assert p[0, 0] == q[0, 1]


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_regressor_comes_back(outputs: int):
    model = MLPRegressor.from_weights([[[2.0] * outputs]], [[1.0, 3.0][:outputs]])
    read, rows = from_onnx(onnx_model(parts_of(model))), [[3.0], [-1.0]]
    assert read.predict(rows).reshape(np.shape(model.predict(rows))).tolist() == (
        model.predict(rows).tolist()
    )


def graph(*nodes: Any, **arrays: Any) -> Any:
    """Return a model of these nodes, each with its attributes if it has some, from x to y."""
    make = onnx.helper
    made = [
        make.make_node(kind, inputs, [to], name=f"the_{kind}", **(own[0] if own else {}))
        for kind, inputs, to, *own in nodes
    ]
    values = {name: np.asarray(value, np.float32) for name, value in arrays.items()}
    constants = [onnx.numpy_helper.from_array(value, name) for name, value in values.items()]
    ends = [make.make_tensor_value_info(name, 1, [None, None]) for name in "xy"]
    return make.make_model(make.make_graph(made, "g", ends[:1], ends[1:], constants))


def test_products_and_sums_are_a_layer():
    nodes = [("MatMul", ["x", "W"], "z"), ("Add", ["b", "z"], "u"), ("Sigmoid", ["u"], "s")]
    made = graph(*nodes, ("Mul", ["u", "s"], "y"), W=[[1.0, 2.0]], b=[[3.0, 4.0]])
    read = from_onnx(made)
    assert read.network.layers == (Dense(2, "silu"),)
    assert read.theta.tolist() == [1.0, 2.0, 3.0, 4.0]


W, LAYER = [[1.0, 2.0]], ("MatMul", ["x", "W"], "z")
ERRORS = [
    (graph(("Conv", ["x", "W"], "y"), W=W), "the node 'the_Conv' is Conv, which cannot be read"),
    (graph(("Add", ["x", "W"], "y"), W=W), "'the_Add' is Add, which cannot be read: only the"),
    (graph(("Add", ["x", "x"], "y")), "only the biases behind a MatMul"),
    (graph(("Relu", ["x"], "y")), "the graph has no weights"),
    (graph(("Softmax", ["x"], "z"), ("MatMul", ["z", "W"], "y"), W=W), "must be the last"),
    (graph(("MatMul", ["x", "W"], "z"), ("Mul", ["z", "c"], "y"), W=W, c=[2.0]), "z · Sigmoid"),
    (graph(("MatMul", ["x", "x"], "y")), "must be a constant, on the right"),
    (graph(("Gemm", ["W", "x"], "y"), W=W), "must be a constant, on the right"),
    (graph(("MatMul", ["W", "x"], "y"), W=W), "must be a constant, on the right"),
    (graph(("Gemm", ["x", "W", "b"], "y"), W=W, b=[1.0]), "it adds 1 numbers to 2 units"),
    (graph(LAYER, ("Cast", ["z"], "y", {"to": 7}), W=W), "rounds to another type"),
    (graph(LAYER, ("Flatten", ["z"], "y", {"axis": 0}), W=W), "its axis must be 1"),
    (graph(LAYER, ("Selu", ["z"], "y", {"alpha": 1.0}), W=W), "Selu with alpha=1 and gamma=1.05"),
    (graph(LAYER, ("Squeeze", ["z"], "u"), ("Relu", ["u"], "y"), W=W), "it follows Squeeze"),
    (graph(LAYER, ("Squeeze", ["z"], "y"), W=W), "ends in a Squeeze of 2 outputs"),
]


@pytest.mark.parametrize(("made", "words"), ERRORS, ids=range(len(ERRORS)))
def test_errors_name_the_node(made: Any, words: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are compared below)
        from_onnx(made)
    assert words in str(caught.value)


def test_the_preparation_of_a_table_is_refused_by_name(tmp_path: Path):
    table = data.read({"x": [1.0, 2.0, 3.0], "w": ["a", "b", "a"], "y": [1.0, 2.5, 2.0]})
    model = TableModel.train(table, "y", max_iter=1, hidden_layer_sizes=())
    export(model, tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=r"the node '\w+' is \w+, which cannot be read"):
        from_onnx(tmp_path / "m.onnx")


def test_a_function_of_the_user_is_refused_by_name():
    network = Network(1, (Dense(1, Custom("own", tanh_)),), "squared-error")
    with pytest.raises(ValueError, match=r"is chainrule.Custom_own, .* a function of the user"):
        again(network)


def test_half_precision_is_read_as_single():
    made = graph(LAYER, ("Selu", ["z"], "y"), W=W)
    made.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(np.asarray(W, np.float16), "W"))
    assert from_onnx(made).theta.dtype == np.float32
    assert from_onnx(made).network.layers == (Dense(2, "selu", bias=False),)


def test_files_that_are_no_onnx(tmp_path: Path):
    (tmp_path / "m.onnx").touch()
    with pytest.raises(ValueError, match="the graph has no output; give a complete ONNX file"):
        from_onnx(tmp_path / "m.onnx")
    (tmp_path / "m.onnx").write_bytes(b"no protobuf")
    with pytest.raises(ValueError, match="is not an ONNX file"):
        from_onnx(tmp_path / "m.onnx")
    with pytest.raises(OSError, match="does not exist"):
        from_onnx(tmp_path / "absent.onnx")
