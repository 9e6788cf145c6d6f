"""Models as ONNX files, which take what the model takes and predict what it predicts."""

import json
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.elementwise import where
from chainrule.estimators import Labels
from chainrule.exchange.onnx_columns import columns_of, input_dtype, record_inputs
from chainrule.exchange.onnx_network import DOMAIN, OPSET, record_prediction
from chainrule.exchange.onnx_recording import Recorder, Value
from chainrule.exchange.parts import LABEL, PREDICTION, PROBABILITIES, Parts
from chainrule.losses import Loss

Array: TypeAlias = NDArray[Any]

FORMAT = 9  # the version of ONNX's file format, which onnxruntime reads since 1.17
X = "x"  # the input of a model without a table


def onnx_model(parts: Parts) -> Any:
    """Return a model as an ``onnx.ModelProto``.

    Parameters
    ----------
    parts : Parts

    Returns
    -------
    onnx.ModelProto
        It takes the columns of the table, each (n, 1), or the inputs ``x``, (n, inputs). Its
        outputs are ``label`` (n,) and ``probabilities`` (n, classes), or ``prediction``.

    Raises
    ------
    InputError
        If a layer, an activation or a column cannot be converted.
    MissingPackageError
        If onnx is not installed.
    """
    own = Recorder(parts.theta.dtype)
    for name in () if parts.preparation is None else parts.preparation.columns:
        own.value(name.name)  # so that no constant gets the name of a column
    x = own.value(X) if parts.preparation is None else record_inputs(own, parts.preparation)
    p = record_prediction(parts.network, parts.theta, x)
    outputs = record_outputs(parts, p)
    return assembled(own, inputs_of(own, parts), outputs, parts)


# ---- outputs ------------------------------------------------------------------------------------


def record_outputs(parts: Parts, p: Value) -> list[Any]:
    """Add the outputs of a model, and return their descriptions."""
    own = p.recorder
    if parts.labels is None:
        return [record_number(parts, p)]
    chosen = record_probabilities(parts.labels, parts.network.loss, p)
    label, dtype, shape = record_label(parts, chosen)
    probabilities = own.node("Identity", chosen, to=own.unique(PROBABILITIES))
    width = [None, len(parts.labels.classes)]
    return [
        described(own, label.name, dtype, shape),
        described(own, probabilities.name, own.dtype, width),
    ]


def record_number(parts: Parts, p: Value) -> Any:
    """Add the number that is predicted, in the unit of the target."""
    own, preparation = p.recorder, parts.preparation
    if preparation is not None:
        target = preparation.known_target
        p = p * target.scale + target.mean
    shape: list[int | None] = [None, parts.network.outputs]
    if hasattr(parts.model, "get_params") or preparation is not None:  # predicts (n,)
        shape = shape if parts.network.outputs > 1 else [None]
    if len(shape) == 1:
        p = own.node("Squeeze", p, own.constant([1], dtype=np.int64))
    number = own.node("Identity", p, to=own.unique(PREDICTION))
    return described(own, number.name, own.dtype, shape)


def record_probabilities(labels: Labels, loss: Loss, p: Value) -> Value:
    """Add what `Labels.probabilities` computes."""
    own = p.recorder
    if labels.kind == "binary" and not loss.classes:
        return own.node("Concat", 1 - p, p, attributes={"axis": 1})
    if labels.kind == "multilabel" or loss.classes:
        return p
    count = len(labels.classes)
    total = own.node("MatMul", p, own.constant(np.ones((count, 1))))  # (n, 1)
    return where(total > 0, p / where(total > 0, total, 1.0), 1 / count)


def record_label(parts: Parts, p: Value) -> tuple[Value, np.dtype[Any], list[int | None]]:
    """Add the label of each row, or rows of 0 and 1; return it with its dtype and shape."""
    own, labels = p.recorder, parts.labels
    classes = np.asarray(() if labels is None else labels.classes)
    to = own.unique(LABEL)
    if labels is not None and labels.kind == "multilabel":
        whole = {"to": own.kind(np.int64)}
        return (
            own.node("Cast", p > 0.5, to=to, attributes=whole),
            np.dtype(int),
            [None, len(classes)],
        )
    known = classes if len(classes) > 1 else np.repeat(classes, 2)
    place = own.node("ArgMax", p, attributes={"axis": 1, "keepdims": 0})  # (n,)
    dtype = label_dtype(known)
    values = known.astype(str).astype(object) if dtype.kind == "O" else known
    label = own.node("Gather", own.constant(values, "classes", dtype), place, to=to)
    return label, dtype, [None]


def label_dtype(classes: Array) -> np.dtype[Any]:
    """Return the dtype of labels in the graph; object stands for strings."""
    return np.dtype(
        {"b": np.bool_, "f": np.float64, "i": np.int64, "u": np.int64}.get(
            classes.dtype.kind, object
        )
    )


# ---- the file -----------------------------------------------------------------------------------


def described(own: Recorder, name: str, dtype: Any, shape: list[Any]) -> Any:
    """Return the description of an input or output; None in a shape is any number of rows."""
    rows = ["n" if size is None else size for size in shape]
    return own.onnx.helper.make_tensor_value_info(name, own.kind(dtype), rows)


def inputs_of(own: Recorder, parts: Parts) -> list[Any]:
    """Return the descriptions of the inputs, in the order of the columns."""
    if parts.preparation is None:
        return [described(own, X, own.dtype, [None, parts.network.inputs])]
    return [
        described(own, column.name, input_dtype(column), [None, 1])
        for column in parts.preparation.columns
    ]


def assembled(own: Recorder, inputs: list[Any], outputs: list[Any], parts: Parts) -> Any:
    """Return the model of what was recorded."""
    make = own.onnx.helper
    graph = make.make_graph(own.nodes, "chainrule", inputs, outputs, own.initializers)
    domains = [make.make_opsetid("", OPSET)]
    domains += [make.make_opsetid(DOMAIN, 1)] if own.functions else []
    model = make.make_model(
        graph,
        producer_name="chainrule",
        opset_imports=domains,
        functions=list(own.functions.values()),
        ir_version=FORMAT,
    )
    notes = {"network": repr(parts.network), "feature_names": json.dumps(parts.feature_names)}
    make.set_model_props(model, notes)
    own.onnx.checker.check_model(model)
    return model


def feeds(parts: Parts, rows: Any) -> dict[str, Array]:
    """Return rows as the inputs of the ONNX model, by name."""
    if parts.preparation is None:
        return {X: np.ascontiguousarray(parts.inputs(rows))}
    return columns_of(parts.preparation, rows)
