"""What a preparation learns from a table, and how it transforms others."""

import json
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule import data
from chainrule.data import Preparation
from chainrule.errors import InputError, UnknownNameError
from tests.data.files import Write, raises

ROWS: dict[str, list[Any]] = {
    "age": [31, None, 58, 20, 45],
    "city": ["Oslo", "Rome", None, "Oslo", "Oslo"],
    "member": [True, None, False, True, True],
    "y": ["no", "yes", "no", "no", "yes"],
}


def learn(rows: dict[str, Any], target: str | None = None, **options: Any) -> Preparation:
    return Preparation.learn(data.read(rows), target, **options)


def transform(preparation: Preparation, columns: dict[str, Any]) -> Any:
    return preparation.transform(data.read(columns))


# ---- numbers, categories, booleans ----


@pytest.mark.parametrize("strategy", ["median", "mean"])
def test_inputs_are_those_of_scikit_learn(strategy: str):
    preparation = learn(ROWS, "y", impute=strategy)
    ages = np.array([[31, np.nan, 58, 20, 45]]).T
    filled = SimpleImputer(strategy=strategy).fit_transform(ages)
    words = np.array([["Oslo", "Rome", "Oslo", "Oslo", "Oslo"]]).T
    expected = np.hstack(
        [
            StandardScaler().fit_transform(filled),
            OneHotEncoder(sparse_output=False).fit_transform(words),
            [[1], [1], [0], [1], [1]],
        ]
    )
    np.testing.assert_allclose(transform(preparation, ROWS), expected, rtol=1e-14, atol=1e-15)
    assert preparation.feature_names == ("age", "city=Oslo", "city=Rome", "member")
    assert [f.column for f in preparation.features] == ["age", "city", "city", "member"]
    assert [f.category for f in preparation.features] == [None, "Oslo", "Rome", None]


def test_it_is_learned_from_the_given_rows_alone():
    table = data.read({"x": [0.0, 2.0, 100.0], "y": [0, 1, 1]})
    preparation = Preparation.learn(table.take([0, 1]), "y")
    assert preparation.transform(table)[:, 0].tolist() == [-1.0, 1.0, 99.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype(dtype: str):
    X = transform(learn({"x": [1, 2], "y": [0, 1]}, "y", dtype=dtype), {"x": [3]})
    assert X.dtype == dtype
    assert X.flags.c_contiguous
    with raises(UnknownNameError, "dtype 'float16'"):
        learn({"x": [1, 2]}, dtype="float16")


def test_columns_in_any_order_and_others():
    preparation = learn({"a": [1, 2], "b": ["u", "v"], "y": [0, 1]}, "y")
    X = transform(preparation, {"b": ["v"], "other": [9], "a": [1]})
    assert X.tolist() == [[-1.0, 0.0, 1.0]]
    with raises(InputError, "has no column 'a'", "its columns are 'b'"):
        transform(preparation, {"b": ["v"]})


def test_numbers_can_be_categories():
    preparation = learn({"zip": [10, 20, 10], "y": [0, 1, 1]}, "y", categories=["zip"])
    assert preparation.feature_names == ("zip=10", "zip=20")
    assert transform(preparation, {"zip": [20.0]}).tolist() == [[0.0, 1.0]]  # as from a gap
    assert transform(preparation, {"zip": ["10"]}).tolist() == [[1.0, 0.0]]


def test_constant_columns_say_nothing():
    preparation = learn({"a": [7, 7], "c": ["u", "u"], "y": [0, 1]}, "y")
    assert transform(preparation, {"a": [7, 9], "c": ["u", "u"]}).tolist() == [[0, 1], [2, 1]]
    assert "a: always 7; it says nothing" in preparation.remarks
    assert any(remark.startswith("c: a single category") for remark in preparation.remarks)


def test_columns_that_count_are_remarked_on():
    numbered = learn({"id": [1, 2, 3, 4], "x": [1, 2, 4, 3], "y": [0, 1, 0, 1]}, "y")
    assert [remark[:2] for remark in numbered.remarks] == ["id", "ta"]


def test_choice_of_columns():
    columns = {"a": [1, 2], "b": [1, 3], "c": [5, 2], "y": [0, 1]}
    assert learn(columns, "y", columns=["b", "a"]).feature_names == ("b", "a")
    assert learn(columns, "y", drop=["b"]).feature_names == ("a", "c")
    with raises(InputError, "columns has the target 'y'"):
        learn(columns, "y", columns=["a", "y"])
    with raises(UnknownNameError, "'bb'"):
        learn(columns, "y", drop=["bb"])


# ---- what cannot be an input ----

MANY = [f"n{i}" for i in range(30)]
REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "missing": (
        {"a": [1, None], "b": [None, None], "c": [None, "u"]},
        ("no values in column 'b'", "drop=['b']"),
    ),
    "gaps": (
        {"a": [1, None, 2], "c": [None, "u", None]},
        (
            "'a' in 1 of the 3 rows to learn from, first in row 1",
            "'c' in 2 of the 3 rows to learn from",
            "impute='median'",
        ),
    ),
    "identifier": (
        {"name": MANY},
        ("'name' (an identifier: all 30 values are different, such as 'n0')", "drop=['name']"),
    ),
    "text": ({"t": [*MANY, "n0"]}, ("30 different values in 31 rows", "categories=[")),
    "dates": (
        {"d": np.array(["2024-01-01", "2024-01-02"], "M8[us]")},
        ("dates cannot be inputs: column 'd'", "such as the month"),
    ),
    "infinite": ({"a": [1.0, np.inf]}, ("column 'a', row 1, is infinite",)),
    "too far": ({"a": [1e300, -1e300]}, ("from -1e+300 to 1e+300", "logarithms")),
    "too many categories": (
        {"c": [str(i // 3) for i in range(3300)]},
        ("'c' has 1,100 categories", "at most 1,000"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_columns_that_are_refused(name: str):
    columns, parts = REFUSED[name]
    n = len(next(iter(columns.values())))
    with raises(InputError, *parts):
        learn({**columns, "y": [0, 1] * (n // 2) + [0] * (n % 2)}, "y")


def test_numbers_with_a_word_among_them(write: Write):
    rows = "".join(f"{i % 9},{'xy'[i % 2]}\n" for i in range(30))
    table = data.read(write(f"age,y\n{rows}oops,x\n"))
    parts = (
        "column 'age'",
        "'oops' in row 30",
        "30 of 31",
        "missing=['oops']",
        "categories=['age']",
    )
    with raises(InputError, *parts):
        Preparation.learn(table, "y")
    assert "age=oops" in Preparation.learn(table, "y", categories=["age"]).feature_names


def test_rows_have_lines(write: Write):
    table = data.read(write("age,y\n1,u\n2,v\n\nNA,u\n"))
    with raises(InputError, "first in row 2 (line 5)"):
        Preparation.learn(table, "y")
    known = Preparation.learn(table.without_missing(), "y")
    with raises(InputError, "first in row 2 (line 5)", "table.without_missing"):
        known.transform(table.take([2]))


# ---- missing values ----


def test_each_column_may_have_its_own_way():
    impute = {"age": 40, "city": "nowhere", "member": "constant"}
    preparation = learn(ROWS, "y", impute=impute)
    assert preparation.feature_names[1:4] == ("city=Oslo", "city=Rome", "city=nowhere")
    fills: list[Any] = [column.fill for column in preparation.columns]  # type: ignore[attr-defined]
    assert fills == [40.0, "nowhere", False]
    assert preparation.remarks == (
        "age: missing values (1) are replaced by 40",
        "city: missing values (1) are replaced by 'nowhere'",
        "member: missing values (1) are replaced by False",
    )


FILLS: dict[str, tuple[Any, list[Any]]] = {
    "median": ("median", [38.0, "Oslo", True]),
    "mean": ("mean", [38.5, "Oslo", True]),
    "most-frequent": ("most-frequent", [20.0, "Oslo", True]),
    "constant": ("constant", [0.0, "missing", False]),
}


@pytest.mark.parametrize("name", FILLS)
def test_strategies(name: str):
    impute, fills = FILLS[name]
    preparation = learn(ROWS, "y", impute=impute)
    assert [column.fill for column in preparation.columns] == fills  # type: ignore[attr-defined]
    nothing = {"age": [None], "city": [None], "member": [None]}
    filled = {"age": fills[:1], "city": fills[1:2], "member": fills[2:]}
    np.testing.assert_array_equal(transform(preparation, nothing), transform(preparation, filled))


def test_wrong_ways_to_impute():
    with raises(UnknownNameError, "strategy to impute 'medain'", "did you mean 'median'?"):
        learn(ROWS, "y", impute="medain")
    with raises(UnknownNameError, "column to impute 'agee'"):
        learn(ROWS, "y", impute={"agee": 1})
    with raises(InputError, "impute={'age': 'x'}: the column holds numbers"):
        learn(ROWS, "y", impute={"age": "x", "city": "x", "member": False})
    with raises(InputError, "impute={'member': 'x'}: give True or False"):
        learn(ROWS, "y", impute={"age": 1, "city": "x", "member": "x"})


def test_a_column_without_values_has_none_that_could_replace_missing_ones():
    columns = {"a": np.full(3, np.nan), "b": [1, 2, 4], "y": [0, 1, 0]}
    with raises(InputError, "no values in column 'a'", "leave it out with drop=['a']"):
        learn(columns, "y", impute="median")
    assert learn(columns, "y", impute={"a": 1}).columns[0].fill == 1.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("values", [[1, 1 + 2.3e-16, 1], [1e-300, 2e-300, 0]])
def test_numbers_that_differ_by_rounding_only_are_a_constant(values: list[float]):
    preparation = learn({"a": values, "y": [0, 1, 0]}, "y")
    assert preparation.columns[0].scale == 1.0  # type: ignore[attr-defined]
    assert "it says nothing" in preparation.remarks[0]


def test_gaps_in_other_rows_are_refused():
    preparation = learn({"a": [1, 2], "y": [0, 1]}, "y")
    with raises(InputError, "'a' in 2 of 3 rows, first in row 0"):
        transform(preparation, {"a": [None, 1, None]})
    with raises(InputError, "column 'a', row 1, is inf"):
        transform(preparation, {"a": [1.0, np.inf]})


# ---- other rows ----


def test_unknown_categories_are_zeros_and_said():
    preparation = learn({"c": ["u", "v"], "y": [0, 1]}, "y")
    rows = {"c": ["u", "w", "w", "x"]}
    with pytest.warns(data.UnknownCategoryWarning) as caught:
        X = transform(preparation, rows)
    (warning,) = caught
    text = str(warning.message)
    assert "column 'c'" in text
    assert "'w' (2), 'x' (1), first in row 1" in text
    assert X.tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet = preparation.transform(data.read(rows), unknown_categories="ignore")
    np.testing.assert_array_equal(quiet, X)
    with raises(InputError, "'w' (2)"):
        preparation.transform(data.read(rows), unknown_categories="error")
    with raises(UnknownNameError, "'loud'"):
        preparation.transform(data.read(rows), unknown_categories="loud")


@pytest.mark.parametrize(
    ("columns", "part"),
    [
        ({"a": ["x"], "b": [True]}, "column 'a', row 0, is 'x'"),
        ({"a": [1], "b": [3]}, "column 'b', row 0, is 3"),
    ],
)
def test_other_kinds_are_refused(columns: dict[str, Any], part: str):
    preparation = learn({"a": [1, 2], "b": [True, False], "y": [0, 1]}, "y")
    with raises(InputError, part, "give the column as it was then"):
        transform(preparation, columns)


def test_no_rows():
    with raises(InputError, "no rows"):
        learn({"a": [], "y": []}, "y")
    preparation = learn({"a": [1, 2], "y": [0, 1]}, "y")
    assert preparation.transform(data.read({"a": [1]}).take([])).shape == (0, 1)


# ---- targets ----

TARGETS: dict[str, tuple[list[Any], str, tuple[Any, ...]]] = {
    "words": (["u", "v", "u"], "classification", ("u", "v")),
    "booleans": ([True, False, True], "classification", (False, True)),
    "few whole numbers": ([3, 1, 3], "classification", (1, 3)),
    "fractions": ([0.5, 1.0, 2.5], "regression", ()),
    "whole fractions": ([0.0, 1.0, 1.0], "regression", ()),
}


@pytest.mark.parametrize("name", TARGETS)
def test_kinds_of_targets(name: str):
    values, task, classes = TARGETS[name]
    columns = {"x": [1, 2, 4], "y": values}
    preparation = learn(columns, "y")
    target = preparation.known_target
    assert (target.task, target.classes) == (task, classes)
    y = preparation.targets(data.read(columns))
    if task == "classification":
        assert y.tolist() == values
        assert target.restore(y).tolist() == values
    else:
        assert (abs(y.mean()) < 1e-15, y.std()) == (True, pytest.approx(1))
        np.testing.assert_allclose(target.restore(y), values)


def test_large_class_numbers_are_exact():
    columns = {"x": [1, 2, 4], "y": [2**60, 2**60 + 1, 2**60]}
    preparation = learn(columns, "y")
    assert preparation.known_target.classes == (2**60, 2**60 + 1)
    assert preparation.targets(data.read(columns)).tolist() == columns["y"]


def test_many_whole_numbers_are_a_quantity_unless_it_is_said():
    columns = {"x": list(range(42)), "y": [i // 2 for i in range(42)]}
    assert learn(columns, "y").known_target.task == "regression"
    assert any("21 different numbers" in remark for remark in learn(columns, "y").remarks)
    classes = learn(columns, "y", task="classification").known_target
    assert classes.classes == tuple(range(21))
    few = {"x": [1, 2, 3], "y": [1, 2, 3]}
    assert learn(few, "y", task="regression").known_target.task == "regression"
    assert any("3 classes" in remark for remark in learn(few, "y").remarks)


def test_numbers_to_predict_can_keep_their_unit():
    preparation = learn({"x": [1, 2], "y": [0.5, 1.5]}, "y", standardize_target=False)
    assert preparation.targets(data.read({"y": [0.5]})).tolist() == [0.5]


REFUSED_TARGETS: dict[str, tuple[list[Any], dict[str, Any], tuple[str, ...]]] = {
    "missing": (
        [1, None],
        {},
        ("'y' in 1 of the 2 rows to learn from", "table.without_missing('y')"),
    ),
    "one class": (["u", "u"], {}, ("always 'u'",)),
    "one number": ([1.5, 1.5], {}, ("always 1.5",)),
    "dates": (list(np.array([1, 2], "M8[us]")), {}, ("holds dates",)),
    "words": (["u", "v"], {"task": "regression"}, ("holds words",)),
    "fractions": ([0.5, 1.5], {"task": "classification"}, ("has numbers like 0.5",)),
    "infinite": ([0.5, np.inf], {}, ("row 1, is infinite",)),
    "too far": ([1e200, -1e200, 1.5], {}, ("to 1e+200, which is too far to standardize",)),
    "too near": ([1e-200, 2e-200, 1e-200], {}, ("which is too near to standardize",)),
    "identifier": ([f"n{i}" for i in range(30)], {}, ("30 classes in 30 rows",)),
}


@pytest.mark.parametrize("name", REFUSED_TARGETS)
def test_targets_that_are_refused(name: str):
    values, options, parts = REFUSED_TARGETS[name]
    with raises(InputError, "y", *parts):
        learn({"x": list(range(len(values))), "y": values}, "y", **options)


def test_targets_of_other_rows():
    whole = learn({"x": [1, 2], "y": [0, 1]}, "y")
    with raises(InputError, "column 'y', row 0, is 0.5"):
        whole.targets(data.read({"y": [0.5]}))
    with raises(InputError, "'y' in 1 of 2 rows"):
        whole.targets(data.read({"y": [None, 1]}))
    with raises(InputError, "no target"):
        learn({"x": [1, 2]}).targets(data.read({"y": [1]}))
    number = learn({"x": [1, 2], "y": [0.5, 1]}, "y")
    with raises(InputError, "predicts numbers"):
        number.targets(data.read({"y": ["u"]}))
    with raises(UnknownNameError, "task 'cluster'"):
        learn({"x": [1, 2], "y": [0, 1]}, "y", task="cluster")


# ---- as JSON ----


@pytest.mark.parametrize("target", [None, "y", "age"])
def test_json_keeps_everything(target: str | None):
    table = data.read({**ROWS, "age": [1.5, 2, 3, 4, 5.25]})
    preparation = Preparation.learn(table, target, impute="median", dtype="float32")
    again = Preparation.from_dict(json.loads(json.dumps(preparation.to_dict())))
    assert again == preparation
    assert again.transform(table).tobytes() == preparation.transform(table).tobytes()


def changed(*path: Any, value: Any) -> dict[str, Any]:
    content = learn(ROWS, "y", impute="median").to_dict()
    place: Any = content
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return content


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "version": (changed("version", value=99), "version 99 is not known"),
    "missing field": (changed("dtype", value=None), "missing fields ['dtype']"),
    "unknown field": (changed("code", value="x"), "unknown fields ['code']"),
    "dtype": (changed("dtype", value="object"), "'dtype' has the wrong value 'object'"),
    "kind": (changed("columns", 0, "kind", value="picture"), "kind of input 'picture'"),
    "scale": (changed("columns", 0, "scale", value=0), "'scale' has the wrong value 0"),
    "nan": (changed("columns", 0, "mean", value=float("nan")), "'mean' has the wrong value"),
    "unsorted": (changed("columns", 1, "categories", value=["b", "a"]), "not sorted"),
    "classes": (changed("target", "classes", value=["a"]), "with 1 classes"),
    "mixed classes": (changed("target", "classes", value=["a", 1]), "several types"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_json_is_refused(name: str):
    content, part = WRONG[name]
    with raises(InputError if name != "kind" else UnknownNameError, part):
        Preparation.from_dict(content)
