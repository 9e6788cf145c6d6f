"""Reported numbers: all file formats give the same numbers, with the rounding of their digits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import InputError
from chainrule.explanation import explain, explain_problem
from chainrule.multilayer import mlp
from chainrule.optimizers import Adam
from chainrule.problems import problem
from chainrule.submission.numbers.names import resolve_names
from chainrule.submission.numbers.reported_numbers import ReportedNumbers, read_numbers
from chainrule.submission.numbers.rounded_number import (
    NotANumberError,
    from_array,
    from_float,
    from_text,
)

MAZUR = problem("mazur")
NET = mlp(3, 2, 1, activation="tanh", loss="squared-error")  # no square array
NAN = np.nan


def one(source: Any) -> tuple[float, float]:
    """Return the value of the only number in a source, and half a unit of its last digit."""
    ((_, array),) = read_numbers(source).quantities.items()
    return array.values.item(), array.half_unit.item()


# ---- digits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "half_unit"),
    [
        (".1498", 0.1498, 5e-5),
        ("0.149817638561", 0.149817638561, 5e-13),
        ("-0.10", -0.1, 5e-3),
        ("−1.5e-3", -1.5e-3, 5e-5),
        ("+12.50", 12.5, 5e-3),
        ("1.498E2", 149.8, 5e-2),
        ("0.14981763856115082", 0.14981763856115082, 1.4981763856115082e-13),
        ("1", 1.0, 5e-4),  # integers count as having at least 4 digits
        ("1.0", 1.0, 5e-4),
        ("12345", 12345.0, 0.5),
        ("0", 0.0, 5e-5),
        ("0.0", 0.0, 5e-5),
        ("0.00", 0.0, 5e-3),
        ("0.000000", 0.0, 5e-7),
    ],
)
def test_half_unit_follows_typed_digits(text: str, value: float, half_unit: float):
    number = from_text(text)
    assert (number.value, number.half_unit) == (value, pytest.approx(half_unit, rel=1e-12))


@given(st.floats(-1e6, 1e6), st.integers(4, 14))
def test_rounding_error_is_at_most_half_a_unit(value: float, digits: int):
    for text in (f"{value:.{digits}g}", f"{value:.{digits - 1}e}", f"{value:.{digits}f}"):
        number = from_text(text)
        is_rounded_to_0 = number.value == 0 and value != 0  # 0 counts as 0.0000
        limit = number.half_unit * (1 + 1e-6) + 1e-12 * abs(value)
        assert is_rounded_to_0 or abs(number.value - value) <= limit
        number = from_float(round(value, digits))
        limit = max(number.half_unit, 0.5 * 10.0**-digits) * (1 + 1e-6) + 1e-9
        assert abs(number.value - value) <= limit


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "is not a number"),
        ("", "is not a number"),
        ("nan", "not a finite number"),
        ("-Infinity", "not a finite number"),
        ("0.5x", "has other characters after the number 0.5"),
        ("0.5 0.6", "other characters after"),
        ("0,5", "decimal comma"),
        ("1e400", "too large"),
        ("1e99999", "other characters after"),
        ("0x1p3", "other characters after"),
        ("1_000", "other characters after"),
        ("__import__('os')", "not a number"),
    ],
)
def test_texts_that_are_not_numbers(text: str, message: str):
    with pytest.raises(NotANumberError, match=message):
        from_text(text)


def test_decimal_comma_can_be_allowed():
    assert from_text("0,1498", comma=True) == from_text("0.1498")


def test_python_floats():
    assert from_float(0.15).half_unit == pytest.approx(5e-5)  # at least 4 digits
    assert from_float(0.149817).half_unit == pytest.approx(5e-7)
    assert from_float(0.1 + 0.2).half_unit == pytest.approx(3e-13)
    assert from_float(np.float64(0.25)).half_unit == pytest.approx(5e-5)


def test_arrays():
    assert from_array(np.array([0.1498, 0.15, 0.0]))[1].tolist() == [5e-5] * 3
    assert from_array(np.array([0.1498, 1 / 3, 0.0]))[1] == pytest.approx(
        [1.498e-13, 3.33e-13, 0], 0.1
    )
    assert from_array(np.array([0, 1]))[1].tolist() == [5e-5, 5e-4]
    single = from_array(np.array([0.1, 0.2], np.float32))[1]
    assert np.all((single > 1e-7 * 0.1) & (single < 1e-6))
    widened = from_array(np.array([0.1, 0.2], np.float32).astype(float))[1]
    np.testing.assert_allclose(widened, single, rtol=1e-6)


# ---- file formats -------------------------------------------------------------------------------

CELLS = {"dW1[0,0]": ".1", "dW1[1,2]": "0.25", "loss": "0.2984", "z2[0]": "-1.50"}
SOURCES = {
    "mapping": CELLS,
    "json": json.dumps({"dW1": {"[0,0]": 0.1, "1,2": 0.25}, "loss": 0.2984, "z2[0]": "-1.50"}),
    "nested": {
        "dW1": [[".1", None, None], [None, None, "0.25"]],
        "loss": "0.2984",
        "z2": ["-1.50"],
    },
    "rows": json.dumps(
        [
            {"quantity": "dW", "layer": 1, "to": 0, "from": 0, "value": 0.1},
            {"quantity": "dW", "layer": "1", "to": 1, "from": 2, "value": "0.25"},
            {"key": "loss", "value": 0.2984},
            {"quantity": "z", "layer": 2, "sample": 0, "unit": 0, "value": "-1.50", "step": 1},
        ]
    ),
    "csv": "dW1[0,0],.1\ndW1[1,2],0.25\n\n# by hand\nloss,0.2984\nz2[0],-1.50\n",
    "header": 'key,value\n"dW1[0,0]",.1\ndW1[1][2],0.25\nloss, 0.2984\nz2[0],-1.50\nW1[0,0],\n',
    "tab": "dW1[0,0]\t.1\ndW1[1,2]\t0.25\nloss\t0.2984\nz2[0]\t-1.50\n",
    "comma": "dW1[0,0];,1\ndW1[1,2];0,25\nloss;0,2984\nz2[0];−1,50\n",
    "columns": "quantity,layer,to,from,sample,unit,value\ndW,1,0,0,,,.1\ndW,1,1,2,,,0.25\n"
    "loss,,,,,,0.2984\nz,2,,,0,0,-1.50\n",
    "key column": 'key,note,value,step\ndW1[0,0],,.1,1\ndW1[1,2],"a, b",0.25,1\n'
    "loss,,0.2984,1\nz2[0],,-1.50,1\n",
}


@pytest.mark.parametrize("source", SOURCES)
def test_all_formats_give_the_same_numbers(source: str, tmp_path: Path):
    sources: list[Any] = [SOURCES[source]]
    if isinstance(SOURCES[source], str):
        file = tmp_path / "numbers.txt"
        file.write_text(SOURCES[source], encoding="utf-8-sig")
        sources += [file, str(file)]
    for each in sources:
        found = resolve_names(read_numbers(each), NET).quantities
        assert list(found) == ["dW1", "loss", "z2"]
        np.testing.assert_array_equal(found["dW1"].values, [[0.1, NAN, NAN], [NAN, NAN, 0.25]])
        np.testing.assert_allclose(found["dW1"].half_unit, [[0.05, NAN, NAN], [NAN, NAN, 5e-3]])
        np.testing.assert_array_equal(found["z2"].values, [[-1.5]])
        assert found["loss"].half_unit == pytest.approx(5e-5)
        assert found["dW1"].is_given.sum() == 2


def test_json_numbers_keep_their_digits():
    assert one('{"loss": 0.2980}') == (0.298, pytest.approx(5e-5))
    assert one('{"loss": 0.29837110876000272}') == (0.29837110876000272, pytest.approx(3e-13, 0.1))
    assert one('{"loss": 2.980e-1}') == (0.298, pytest.approx(5e-5))


def test_one_unrounded_number_makes_its_array_unrounded():
    array = read_numbers('{"dW1": [0.3333333333333333, 0.5, 0]}').quantities["dW1"]
    np.testing.assert_allclose(array.half_unit, [1e-12 / 3, 5e-13, 0])
    array = read_numbers('{"dW1[0]": 0.3333333333333333, "dW1[1]": "0.5"}').quantities["dW1"]
    np.testing.assert_allclose(array.half_unit, [1e-12 / 3, 0.05])
    single = json.dumps({"p": np.array([0.1, 0.5], np.float32).tolist()})
    assert np.all(read_numbers(single).quantities["p"].half_unit > 1e-7)


def test_python_values_of_all_types():
    found = read_numbers(
        {
            "dW1": np.ones((2, 3)) / 3,
            "loss": np.float32(0.1),
            "db1": (np.float64(0.5), 1),
            "step": 3,
        }
    )
    assert list(found.steps) == [3]
    assert found.quantities["dW1"].step == 3
    assert found.quantities["loss"].half_unit > 1e-7
    assert found.remarks == (
        "numbers with few digits were taken as rounded to those digits, to at least 4 digits",
    )


def test_several_steps():
    found = read_numbers([{"loss": ".3"}, {"loss": ".29"}].__repr__().replace("'", '"'))
    assert [found.steps[s]["loss"].values.item() for s in (1, 2)] == [0.3, 0.29]
    found = read_numbers("key,value,step\nloss,.3,1\nloss,.2,10\n")
    assert list(found.steps) == [1, 10]


# ---- a whole worked example ---------------------------------------------------------------------


@pytest.mark.parametrize("level", ["scalars", "matrices"])
@pytest.mark.parametrize("notation", ["mazur", "rumelhart"])
def test_worked_example_is_read_completely(level: Any, notation: str):
    document = explain_problem(MAZUR, steps=2, level=level, notation=notation)
    found = resolve_names(read_numbers(document.to_json()), MAZUR.network, 1, notation)
    assert list(found.steps) == [1, 2]
    right = MAZUR.network.trace(MAZUR.theta(), *MAZUR.data()[:2])
    views = MAZUR.network.views(right.gradient)
    for name in ("dW1", "dW2"):
        np.testing.assert_array_equal(found.quantities[name].values, views[name[1:]])
        assert np.nanmax(found.quantities[name].half_unit) < 1e-12
    np.testing.assert_array_equal(found.quantities["W1"].values, [[0.15, 0.2], [0.25, 0.3]])
    assert found.quantities["W1_new"].values[0, 0] == pytest.approx(0.149780716)


def test_worked_example_with_two_samples_and_optimizer_state():
    x, t = np.eye(2, 3), np.ones((2, 1))
    document = explain(NET, NET.initialize(0), x, t, Adam(0.1))
    found = resolve_names(read_numbers(document.to_dict()), NET, 2, optimizer="adam")
    assert found.quantities["m_W1_new"].values.shape == (2, 3)
    assert found.quantities["z1"].values.shape == (2, 2)
    assert found.quantities["loss"].values.shape == ()
    assert all(array.is_given.all() for name, array in found.quantities.items() if name[:2] == "dW")


# ---- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "notation", "key", "sign"),
    [
        ("w5", "mazur", "W2_new[0,0]", 1),
        ("w5⁺", "mazur", "W2_new[0,0]", 1),
        ("w5+", "mazur", "W2_new[0,0]", 1),
        ("∂E/∂w5", "mazur", "dW2[0,0]", 1),
        ("dE_total/dw5", "mazur", "dW2[0,0]", 1),
        ("∂E_total/∂w5", "mazur", "dW2[0,0]", 1),
        ("net_o1", "mazur", "z2[0,0]", 1),
        ("out_h2", "mazur", "a1[0,1]", 1),
        ("delta_o1", "mazur", "delta2[0,0]", 1),
        ("E_total", "mazur", "loss", 1),
        ("E_o1", "mazur", "error[0,0]", 1),
        ("dE/db_o1", "mazur", "db2[0]", 1),
        ("δ5", "rumelhart", "delta2[0,0]", -1),
        ("Delta5", "russell-norvig", "delta2[0,0]", -1),
        ("w^3_12", "nielsen", "W2_new[0,1]", 1),
        ("w_5,4", "rumelhart", "W2_new[0,1]", 1),
        ("dW2[0,0]", "mazur", "dW2[0,0]", 1),
        ("E", "plain", "loss", 1),
        ("da1[0]", "plain", "da1[0,0]", 1),
        ("slope2[1]", "plain", "slope2[0,1]", 1),
    ],
)
def test_names_in_notations(name: str, notation: str, key: str, sign: int):
    found = resolve_names(read_numbers(f"{name},.25\n"), MAZUR.network, 1, notation)
    name_of_array, _, index = key.partition("[")
    indices = tuple(int(i) for i in index.rstrip("]").split(",") if i)
    assert list(found.quantities) == [name_of_array]
    array = found.quantities[name_of_array]
    assert array.values[indices] == sign * 0.25
    assert array.is_given.sum() == 1


def bare(text: str) -> ReportedNumbers:
    return resolve_names(read_numbers(text), MAZUR.network, 1, "mazur", theta=MAZUR.theta())


def test_bare_names_are_new_parameters_if_one_has_changed():
    assert list(bare("w1,.15\nw5,.3589\n").quantities) == ["W1_new", "W2_new"]
    assert list(bare("w1,.15\nw5,.40\n").quantities) == ["W1", "W2"]
    assert list(bare("w1,.1498\nw1+,.1498\n").quantities) == ["W1", "W1_new"]
    assert list(bare('{"W1": [[0.15, 0.2], [0.25, 0.3]], "dW1[0,0]": 1}').quantities) == [
        "W1",
        "dW1",
    ]


# ---- shapes -------------------------------------------------------------------------------------


def test_transposed_arrays_are_recognized():
    arrays = {"dW1": np.arange(6).reshape(3, 2) / 7, "z1": np.ones((2, 5)) / 3}
    found = resolve_names(
        read_numbers({**arrays, "db1": [[0.1], [0.2]], "dW2": np.ones((2, 1))}), NET, 5
    )
    assert (found.weights, found.samples) == ("(in, out)", "columns")
    np.testing.assert_array_equal(found.quantities["dW1"].values, np.arange(6).reshape(3, 2).T / 7)
    assert found.quantities["z1"].values.shape == (5, 2)
    assert found.quantities["db1"].values.shape == (2,)


def test_square_arrays_follow_the_other_arrays():
    net = mlp(3, 2, 2, activation="tanh", loss="squared-error")
    square = [[0.1, 0.2], [0.3, 0.4]]
    transposed = resolve_names(read_numbers({"dW1": np.ones((3, 2)), "dW2": square}), net)
    np.testing.assert_array_equal(transposed.quantities["dW2"].values, np.transpose(square))
    standard = resolve_names(read_numbers({"dW1": np.ones((2, 3)), "dW2": square}), net)
    np.testing.assert_array_equal(standard.quantities["dW2"].values, square)
    alone = resolve_names(read_numbers({"dW2": square}), net)
    assert alone.weights == "(out, in)"
    with pytest.raises(InputError, match="dW1"):
        resolve_names(read_numbers({"dW1": np.ones((3, 2)), "W1_new": np.ones((2, 3))}), net)


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "the file is empty"),
        ("\n", "the file is empty"),
        ("# nothing\n", "no lines with numbers"),
        ("{}", "has no numbers"),
        ("[]", "has no numbers"),
        ("key,value\n", "has no numbers"),
        ("loss,abc\n", r"line 1 \(loss\): 'abc' is not a number"),
        ("loss,.3\n\ndW1[0,0],0.1 m\n", r"line 3 \(dW1\[0,0\]\): .* other characters after"),
        ("loss\n", "line 1 has 1 columns instead of 2"),
        ("loss;0,3;4\n", "line 1 has 3 columns instead of 2"),
        ("note,value\nx,1\n", r"line 1: no column names the quantities \(found note\)"),
        ("loss,nan\n", "not a finite number"),
        ('{"loss": NaN}', "not a finite number"),
        ({"loss": float("inf")}, "not a finite number"),
        ({"dW1": [[1, float("nan")]]}, "key 'dW1': nan is not a finite"),
        ({"dW1": [[1, 2], [3]]}, "rows have different lengths"),
        ({"dW1": []}, "the list is empty"),
        ({"loss": True}, "bool is not a number"),
        ({"loss": 1j}, "complex is not a number"),
        ({"loss": object()}, "object is not a number"),
        ({"dW1[0,0]": [1, 2]}, "given for a single entry"),
        ({3: 1}, "key 3 is not a string"),
        ({"loss": 1, "step": 0}, "step '0'"),
        ("loss,.3\nloss,.3\n", "line 2 .*given twice"),
        ('{"loss": 1, "loss": 2}', "'loss' is given twice"),
        ({"dW1[0,0]": 1, "dW1": [[1, 2]]}, "given twice"),
        ('{"loss": 1', "invalid JSON in line 1, column 11"),
        ("[" * 100_000, "nested too deeply"),
        ("[1, 2]", "item 1 is not a row"),
        ('{"schema": "other/1"}', "schema 'other/1'"),
        ('[{"key": "loss"}]', "row 1 has no value"),
        (
            '[{"quantity": "dW", "layer": 1, "to": -1, "from": 0, "value": 1}]',
            "integers from 0",
        ),
        ({"dW1[0,0]": 1, "dW1[0]": 1}, "another number of indices"),
        ({"dW1[999999,999999]": 1}, "index of dW1 is too large"),
        (3, "numbers cannot be read from int"),
        ("none.json", "the file 'none.json' does not exist"),
    ],
)
def test_invalid_numbers_raise_errors(source: Any, message: str):
    with pytest.raises(InputError, match=message):
        read_numbers(source)


def test_unreadable_files_raise_errors(tmp_path: Path):
    with pytest.raises(InputError, match="is a folder"):
        read_numbers(tmp_path)
    file = tmp_path / "numbers.csv"
    file.write_bytes(b"loss,\xe4")
    with pytest.raises(InputError, match="UTF-8"):
        read_numbers(file)
    file.write_text("loss,0.25\n", encoding="utf-16")
    assert one(file)[0] == 0.25


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("dW9,1\n", "line 1 .*unknown quantity 'dW9'; did you mean 'dW"),
        ("w5,1\n", "unknown quantity 'w5'"),
        ("dW1[2,0]\t1\n", r"dW1\[2,0\] does not exist; dW1 has the shape \(2, 3\) \(to, from\)"),
        ("dW1[0]\t1\n", r"dW1\[0\] does not exist"),
        ("z1[0]\t1\n", r"z1\[0\] does not exist; z1 has the shape \(5, 2\) \(sample, unit\)"),
        ("loss[0]\t1\n", r"loss\[0\] does not exist"),
        ({"dW1": [1, 2]}, r"dW1 has the shape \(2, 3\), but an array of shape \(2,\) was given"),
        ({"db1": [1, 2, 3]}, r"db1 has the shape \(2,\), but .* \(3,\) was given; .*db1\[0\]"),
        ("dW1[0,0],0,5\n", "unknown quantity 'dW1.0,0.,0'"),
    ],
)
def test_numbers_that_do_not_fit_the_network_raise_errors(source: Any, message: str):
    with pytest.raises(InputError, match=message):
        resolve_names(read_numbers(source), NET, 5)


def test_a_number_with_two_names_is_given_twice():
    with pytest.raises(InputError, match="given twice"):
        resolve_names(read_numbers("dE/dw5,.3\ndW2[0,0],.3\n"), MAZUR.network, 1, "mazur")
