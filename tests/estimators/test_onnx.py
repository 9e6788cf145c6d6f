"""Estimators converted by skl2onnx predict the same numbers, computed by ONNX's own evaluator."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import ACTIVATIONS, LOSSES, Custom, MLPRegressor, Poisson
from chainrule.activations import tanh_
from tests.estimators.data import BINARY, CLASSES, NUMBERS, TARGETS, X, quick

pytest.importorskip("skl2onnx", reason="pip install 'chainrule[files]'")


def outputs(model: Any, X: Any, **options: Any) -> list[Any]:
    """Return what a converted model gives."""
    evaluator: Any = import_module("onnx.reference").ReferenceEvaluator
    graph = import_module("skl2onnx").to_onnx(model, X[:1], **options)
    return evaluator(graph).run(None, {graph.graph.input[0].name: X})


LAYERS: dict[str, dict[str, Any]] = {
    "one": {},
    "several": {"layer_norm": True, "dropout": 0.2, "hidden_layer_sizes": (5, 4)},
    "none": {"hidden_layer_sizes": ()},
    "loss": {"loss": "squared_error"},
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("kind", TARGETS)
def test_the_same_numbers(kind: str, layers: str, dtype: Any):
    rows = X.astype(dtype)
    fitted = quick(kind, **LAYERS[layers], max_iter=40).fit(rows, TARGETS[kind])
    close = 1e-5 if dtype == np.float32 else 1e-12
    if kind in ("one", "many"):
        (found,) = outputs(fitted, rows)
        np.testing.assert_allclose(
            found, fitted.predict(rows).reshape(60, -1), rtol=close, atol=close
        )
        return
    labels, probabilities = outputs(fitted, rows, options={"zipmap": False})
    np.testing.assert_allclose(probabilities, fitted.predict_proba(rows), rtol=close, atol=close)
    assert np.array_equal(labels, fitted.predict(rows))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(name: str):
    fitted = MLPRegressor(hidden_layer_sizes=(5,), activation=name, max_iter=9).fit(X, NUMBERS)
    np.testing.assert_allclose(outputs(fitted, X)[0][:, 0], fitted.predict(X), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name: str):
    kind = "classes" if LOSSES[name].classes and "softmax" in name else "one"
    y = np.abs(NUMBERS) / 10 if isinstance(LOSSES[name], Poisson) or "cross" in name else NUMBERS
    fitted = quick(kind, loss=name).fit(X, CLASSES if kind == "classes" else np.clip(y, -1, 1))
    expected = fitted.predict_proba(X) if kind == "classes" else fitted.predict(X)[:, None]
    options = {"options": {"zipmap": False}} if kind == "classes" else {}
    np.testing.assert_allclose(outputs(fitted, X, **options)[-1], expected, rtol=1e-9)


def test_the_output_activation_that_was_set():
    fitted = quick("one", output_activation="tanh").fit(X, NUMBERS)
    np.testing.assert_allclose(outputs(fitted, X)[0][:, 0], fitted.predict(X), rtol=1e-9)
    fitted.out_activation_ = "logistic"
    np.testing.assert_allclose(outputs(fitted, X)[0][:, 0], fitted.predict(X), rtol=1e-9)


def test_a_pipeline():
    piped = make_pipeline(StandardScaler(), quick("binary")).fit(X, BINARY)
    labels, found = outputs(piped, X, options={"zipmap": False})
    assert np.array_equal(labels, piped.predict(X))
    np.testing.assert_allclose(found, piped.predict_proba(X), rtol=1e-9)


@pytest.mark.filterwarnings("ignore:there is one class only")
def test_one_class():
    fitted = quick("binary").fit(X, np.repeat([7], 60))
    assert np.array_equal(outputs(fitted, X, options={"zipmap": False})[0], np.repeat([7], 60))


def test_an_activation_of_ones_own_has_no_operator():
    own = Custom("own", tanh_)
    fitted = quick("one", activation=own, engine="reference").fit(X, NUMBERS)
    with pytest.raises(
        ValueError, match="the activation 'own' cannot be converted to ONNX; choose"
    ):
        outputs(fitted, X)
