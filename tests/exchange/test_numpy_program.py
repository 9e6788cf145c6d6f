"""The NumPy program of a model predicts the same numbers, for everything in the tables."""

import sys
from typing import Any

import numpy as np
import pytest

from chainrule import ACTIVATIONS, LOSSES, TableModel, data
from chainrule.exchange.numpy_program import FORMULAS, numpy_program
from tests.models.tables import SETTINGS, mixed
from tests.rows import few_rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
CLASSES = tuple(name for name in LOSSES if name != "poisson")


def network_of(model: TableModel) -> Any:
    """Return the function of the program that predicts inputs."""
    space: dict[str, Any] = {"__name__": "program"}
    exec(numpy_program(model.preparation, model.estimator), space)  # noqa: S102 (our own text)
    return space


def check(model: TableModel) -> None:
    """Compare the program's predictions with the model's."""
    X = model.inputs(mixed(seed=4, gaps=False))
    expected = model.estimator.network_.predict(model.estimator.theta_, X)
    assert np.allclose(network_of(model)["network"](X), expected, rtol=1e-10, atol=1e-12)


def test_every_activation_has_a_formula():
    assert set(FORMULAS) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", few_rows(FORMULAS, "gelu", "selu"))
def test_activations(name: str):
    settings = {**SETTINGS, "activation": name, "max_iter": 2, "impute": "median"}
    check(TableModel.train(mixed(), "renewal", **settings))


@pytest.mark.parametrize("name", few_rows(CLASSES, "softmax-squared-error"))
def test_losses_of_classes(name: str):
    settings = {**SETTINGS, "loss": name, "max_iter": 2, "impute": "median"}
    check(
        TableModel.train(mixed(gaps=False), "city", **settings)
        if name.startswith("softmax")
        else TableModel.train(mixed(), "renewal", **settings)
    )


def test_layers_that_are_not_dense():
    settings = {**SETTINGS, "layer_norm": True, "dropout": 0.2, "max_iter": 2, "impute": "median"}
    check(TableModel.train(mixed(), "spent", **settings))


@pytest.mark.parametrize("name", ['"""\nraise SystemExit(1)\n"""', "\\", "a'b\"c"])
def test_names_of_columns_are_no_code(name: str):
    table = data.read({"x": [1.0, 2.0, 3.0], name: ["u", "v", "u"]})
    model = TableModel.train(table, name, max_iter=1, engine="reference", hidden_layer_sizes=())
    space = network_of(model)
    assert space["inputs"]({"x": "2.0"}) == model.inputs(table)[1].tolist()
    assert "program" not in sys.modules
