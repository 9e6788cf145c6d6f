"""Models take data frames as they take tables, and empty tables."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from chainrule import InputError, TableModel, load, save
from chainrule.data import Preparation, Table, read
from tests.models.tables import SETTINGS, mixed

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TABLE = mixed(gaps=False)


@pytest.fixture(scope="module")
def model() -> TableModel:
    """A model of a table."""
    return TableModel.train(TABLE, "renewal", **SETTINGS)


@pytest.mark.parametrize(
    "frame",
    [TABLE.to_arrow(), TABLE.to_arrow().to_pandas(), pl.from_arrow(TABLE.to_arrow())],
    ids=["arrow", "pandas", "polars"],
)
def test_data_frames_are_tables(model: TableModel, frame: Any):
    other = TableModel.train(frame, "renewal", validation=frame[:20], **{**SETTINGS, "max_iter": 1})
    assert other.classes == model.classes
    assert model.predict(frame).tolist() == model.predict(TABLE).tolist()
    np.testing.assert_array_equal(model.predict_proba(frame), model.predict_proba(TABLE))
    assert model.evaluate(frame)["accuracy"] == model.evaluate(TABLE)["accuracy"]


def test_a_path_is_not_a_table(model: TableModel):
    with pytest.raises(InputError, match=r"'rows\.csv' is a path; give its table: chainrule\.data"):
        model.predict("rows.csv")


@pytest.mark.parametrize("target", ["renewal", "spent"])
def test_no_rows_have_no_predictions(target: str):
    other = TableModel.train(TABLE, target, **{**SETTINGS, "max_iter": 1})
    empty = TABLE.slice(0, 0)
    full = other.predict(TABLE)
    assert other.predict(empty).shape == (0,)
    assert other.predict(empty).dtype.kind == full.dtype.kind
    if other.classes:
        assert other.predict_proba(empty).shape == (0, 2)


@pytest.mark.parametrize("row", [1.5, True, -1])
def test_rows_are_whole_numbers(model: TableModel, row: Any):
    with pytest.raises(InputError, match="must be an integer of at least 0"):
        model.explain(TABLE, row)


@pytest.mark.parametrize("name", ["drop", "columns", "categories"])
def test_a_text_is_not_a_list(name: str):
    settings: Any = {name: "age"}
    with pytest.raises(InputError, match=rf"{name}='age' is one text; give a list: {name}=\['age'"):
        Preparation.learn(TABLE, "renewal", **settings)


def test_numbers_too_large_for_single_precision_are_refused():
    prepared = Preparation.learn(read({"a": [1.0, 2.0, 3.0]}), dtype="float32")
    with pytest.raises(InputError, match=r"a number in 'a', row 1, is too large for dtype='float"):
        prepared.transform(read({"a": [1.0, 1e60]}))


@pytest.mark.parametrize(
    ("numbers", "noted"),
    [
        ([10, 11, 14, 17, 20, 30], True),
        ([10, 11, 14, 17], False),
        ([10, 11, 9, 17, 20, 30], False),
        ([0.5, 1, 2, 3, 4, 5], False),
    ],
)
def test_numbers_of_rows_are_noted(numbers: list[float], noted: bool):
    remarks = Preparation.learn(read({"id": numbers})).remarks
    assert any("id: numbers the rows, from 10 to 30" in one for one in remarks) == noted


def test_arrays_of_other_types_are_read():
    masked = np.ma.array([1.0, 2.0], mask=[True, False])
    assert read({"a": masked})["a"].values.to_pylist() == [None, 2.0]
    for dtype in (">f8", ">i2", np.longdouble):
        assert read({"a": np.array([1, 2], dtype)})["a"].values.to_pylist() == [1, 2]
    with pytest.raises(InputError, match="column 'a' is 3; give a list of values"):
        read({"a": 3})


@pytest.mark.parametrize("rows", [[-1], [0, 120]])
def test_rows_that_are_not_there(rows: list[int]):
    with pytest.raises(InputError, match="has rows from 0 to 119"):
        TABLE.take(rows)
    assert isinstance(TABLE.take([]), Table)


def test_paths_are_checked(model: TableModel):
    nothing: Any = None
    with pytest.raises(InputError, match="path=None: give the name of a file"):
        load(nothing)
    with pytest.raises(InputError, match="path=None: give the name of a file"):
        save(model, nothing)
    with pytest.raises(InputError, match=r"functions=\[\]: give a mapping"):
        load("model.safetensors", functions=[])  # pyright: ignore[reportArgumentType] (wrong)
