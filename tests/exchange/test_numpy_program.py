"""The NumPy program of a model predicts the same numbers, for everything in the tables."""

import csv
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import ACTIVATIONS, LOSSES, TableModel, data, export
from chainrule.exchange.numpy_program import FORMULAS, numpy_program
from tests.models.tables import SETTINGS, mixed
from tests.rows import few_rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
CLASSES = tuple(name for name in LOSSES if name != "poisson")  # which is for counts
TARGETS = ("renewal", "city")  # of two and of three classes


def network_of(model: TableModel) -> Any:
    """Return the function of the program that predicts inputs."""
    space: dict[str, Any] = {"__name__": "program"}
    exec(numpy_program(model.preparation, model.estimator), space)  # noqa: S102 (our own text)
    return space


def check(model: TableModel, folder: Path) -> None:
    """Compare what the program prints for a file with the model's predictions for it."""
    gaps = all(one["fill"] is not None for one in model.preparation.to_dict()["columns"])
    rows = mixed(seed=4, gaps=gaps)
    (folder / "rows.csv").write_text(csv_of(rows))
    export(model, folder / "program.py")
    command = [sys.executable, "program.py", "rows.csv"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    header, *listed = csv.reader(done.stdout.splitlines())
    if not model.classes:
        assert header == ["prediction"]
        expected = model.predict(rows)
        np.testing.assert_allclose([float(one) for (one,) in listed], expected, rtol=1e-10)
        return
    assert header == ["prediction", *(f"probability_{name}" for name in model.classes)]
    p, expected = [[*map(float, row[1:])] for row in listed], model.predict_proba(rows)
    np.testing.assert_allclose(p, expected, rtol=1e-10, atol=1e-12)
    assert [row[0] for row in listed] == list(map(str, model.predict(rows)))


def csv_of(table: data.Table) -> str:
    """Return a table as the text of a CSV file."""
    columns = [table[name].values.to_pylist() for name in table.names]
    written = io.StringIO()
    csv.writer(written).writerows([table.names, *zip(*columns, strict=True)])
    return written.getvalue()


def test_every_activation_has_a_formula():
    assert set(FORMULAS) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", few_rows(FORMULAS, "gelu", "selu"))
def test_activations(name: str, tmp_path: Path):
    settings = {**SETTINGS, "activation": name, "max_iter": 2, "impute": "median"}
    check(TableModel.train(mixed(), "renewal", **settings), tmp_path)


@pytest.mark.every_value(name=CLASSES, target=TARGETS)
def test_losses_of_classes(name: str, target: str, tmp_path: Path):
    settings = {**SETTINGS, "loss": name, "max_iter": 2, "impute": "median"}
    gaps = target != "city"  # a target must not be missing
    check(TableModel.train(mixed(gaps=gaps), target, **settings), tmp_path)


def test_layers_that_are_not_dense(tmp_path: Path):
    settings = {**SETTINGS, "layer_norm": True, "dropout": 0.2, "max_iter": 2, "impute": "median"}
    check(TableModel.train(mixed(), "spent", **settings), tmp_path)


@pytest.mark.parametrize("name", ['"""\nraise SystemExit(1)\n"""', "\\", "a'b\"c"])
def test_names_of_columns_are_no_code(name: str):
    table = data.read({"x": [1.0, 2.0, 3.0], name: ["u", "v", "u"]})
    model = TableModel.train(table, name, max_iter=1, engine="reference", hidden_layer_sizes=())
    space = network_of(model)
    assert space["inputs"]({"x": "2.0"}) == model.inputs(table)[1].tolist()
    assert "program" not in sys.modules
