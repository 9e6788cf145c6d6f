"""Messages between a sandbox and its child: valid ones are unchanged, forged ones are refused."""

import base64
import math
from typing import Any

import numpy as np
import pytest

from chainrule.submission import Failure, Layout, Reading
from chainrule.submission.process import messages

LAYOUT = Layout("function", "(W, b, x, t)", details={"a": (1, [2.5, None]), "b": {1: "x"}})
READING = Reading(
    "step",
    LAYOUT,
    ({"W1_new": np.eye(2), "loss": np.array(np.nan)},),
    0.5,
    {"mu": 0.9},
    ("x",),
    ("r",),
)


def test_readings_are_unchanged():
    line = messages.pack([messages.from_reading(READING)])
    back = messages.to_readings(messages.unpack(line))[0]
    assert back.layout == LAYOUT
    assert (back.kind, back.rate, back.own, back.changed, back.remarks) == (
        "step",
        0.5,
        {"mu": 0.9},
        ("x",),
        ("r",),
    )
    np.testing.assert_array_equal(back.answers[0]["W1_new"], np.eye(2))
    assert math.isnan(back.answers[0]["loss"])
    assert back.answers[0]["W1_new"].flags.writeable


@pytest.mark.parametrize("dtype", messages.DTYPES)
def test_arrays_are_unchanged(dtype: str):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    for one in (
        array,
        array.T,
        array.astype(array.dtype.newbyteorder(">")),
        array[:0],
        array[0, 0],
    ):
        back = messages.to_array(messages.unpack(messages.pack(messages.from_array(one))))
        assert (back.dtype, back.shape) == (np.dtype(dtype), np.shape(one))
        np.testing.assert_array_equal(back, one)


def test_arrays_of_other_objects_are_refused():
    with pytest.raises(messages.MessageError):
        messages.from_array(np.array(["a"]))
    assert messages.from_array(np.array([1, 2.5], object))["dtype"] == "float64"


EIGHT_BYTES = base64.b64encode(bytes(8)).decode()
SIXTEEN_BYTES = base64.b64encode(bytes(16)).decode()
GOOD = {"shape": [2], "dtype": "float64", "data": SIXTEEN_BYTES}


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [3]},
        {"shape": [-2]},
        {"shape": [True, 2]},
        {"shape": [2.0]},
        {"shape": [1] * 9, "data": EIGHT_BYTES},
        {"shape": [-1, -2]},
        {"shape": [1, True, 2]},
        {"shape": [2**28, 2**28, 2**28]},
        {"shape": [0, 10**30], "data": ""},
        {"shape": [0, 2**28 + 1], "data": ""},
        {"shape": "2"},
        {"dtype": "object"},
        {"dtype": "U8"},
        {"dtype": ["float64"]},
        {"data": "!!!!"},
        {"data": "!" + SIXTEEN_BYTES},
        {"data": SIXTEEN_BYTES + "AAAA"},
        {"data": "é"},
        {"data": None},
        {"more": 1},
    ],
)
def test_forged_arrays_are_refused(change: dict[str, Any]):
    with pytest.raises(messages.MessageError):
        messages.to_array({**GOOD, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "train"},
        {"kind": ["step"]},
        {"layout": None},
        {"answers": {"W1": 1}},
        {"answers": [[1]]},
        {"rate": "1"},
        {"own": {"a": "b"}},
        {"changed": [1]},
        {"remarks": "text"},
        {"extra": 1},
    ],
)
def test_forged_readings_are_refused(change: dict[str, Any]):
    with pytest.raises(messages.MessageError):
        messages.to_readings([{**messages.from_reading(READING), **change}])


@pytest.mark.parametrize("line", [b"", b"{", b"[" * 100_000, b"\xff", b"1" * 5000 + b"\n"])
def test_lines_that_are_not_json_are_refused(line: bytes):
    with pytest.raises(messages.MessageError):
        messages.unpack(line)


@pytest.mark.parametrize(
    "value",
    [{"set": []}, {"dict": [[1]]}, {"dict": [[[1], 2]]}, {"tuple": 1}, {}, {"array": 1, "b": 2}],
)
def test_forged_plain_values_are_refused(value: Any):
    with pytest.raises(messages.MessageError):
        messages.to_plain(value)


def test_texts_cannot_manipulate_a_terminal():
    assert messages.text("a\x1b[31mb\nc\u202ed") == "a[U+001B][31mb\nc[U+202E]d"
    for character in "\0\a\b\r\x7f\x80\x9b\x9f\ud800\udfff\u202a\u202e\u2066\u2069":
        assert messages.text(character) == f"[U+{ord(character):04X}]"
    for text in ("\n\t ~\xa0é", "中😀"):
        assert messages.text(text) == text
    assert len(messages.text("x" * 10**6)) == messages.MOST_TEXT


def test_arrays_of_most_axes_are_accepted():
    array = messages.to_array({**GOOD, "shape": [1] * 8, "data": EIGHT_BYTES})
    assert array.shape == (1,) * 8
    assert messages.to_array({**GOOD, "shape": [0, 2**28], "data": ""}).shape == (0, 2**28)


def test_sizes_of_arrays_are_limited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(messages, "MOST_BYTES", 16)
    assert messages.to_array(GOOD).nbytes == 16
    monkeypatch.setattr(messages, "MOST_BYTES", 15)
    with pytest.raises(messages.MessageError, match="16 bytes"):
        messages.to_array(GOOD)


def test_missing_fields_are_refused():
    with pytest.raises(messages.MessageError, match="fields"):
        messages.to_array({"shape": [2], "dtype": "float64"})
    with pytest.raises(messages.MessageError, match="list"):
        messages.to_array([])


def test_numbers_of_items_are_limited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(messages, "MOST_ITEMS", 3)
    assert messages.texts(["a", "b", "c"]) == ("a", "b", "c")
    with pytest.raises(messages.MessageError, match="too many items"):
        messages.texts(["a", "b", "c", "d"])


@pytest.mark.parametrize("value", [True, "1", None, [1]])
def test_values_that_are_not_numbers_are_refused(value: Any):
    with pytest.raises(messages.MessageError):
        messages.number(value)


def test_huge_integers_are_infinite():
    assert messages.number(10**400) == math.inf


@pytest.mark.parametrize("widths", [[0], [-1], [True], [2**28 + 1], [1.0], "12", 3])
def test_forged_widths_are_refused(widths: Any):
    with pytest.raises(messages.MessageError):
        messages.to_widths(widths)


def test_widths_and_layers_are_unchanged():
    assert messages.to_widths([3, 2**28]) == (3, 2**28)
    assert messages.to_widths(None) is None
    assert messages.to_layers(2) == 2
    assert messages.to_layers(None) is None
    with pytest.raises(messages.MessageError):
        messages.to_layers(0)


FAILURE = Failure("endless", "it hangs", "line 1")


def test_failures_are_unchanged():
    assert messages.to_failure(messages.from_failure(FAILURE)) == FAILURE


@pytest.mark.parametrize(
    "change", [{"fault": "other"}, {"fault": []}, {"text": 1}, {"detail": None}, {"more": 1}]
)
def test_forged_failures_are_refused(change: dict[str, Any]):
    with pytest.raises(messages.MessageError):
        messages.to_failure({**messages.from_failure(FAILURE), **change})


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", 1j])
def test_other_objects_are_not_sent(value: Any):
    with pytest.raises(messages.MessageError):
        messages.from_plain([value])


@pytest.mark.parametrize(
    "value", [{"a": [1, (2.5, None)], 3: True}, [np.float64(0.5)], "x", {"b": np.eye(2)}]
)
def test_plain_values_are_unchanged(value: Any):
    back = messages.to_plain(messages.unpack(messages.pack(messages.from_plain(value))))
    np.testing.assert_equal(back, value)


def test_dictionaries_with_other_keys_are_refused():
    with pytest.raises(messages.MessageError):
        messages.with_string_keys({1: 2}, "details")
    with pytest.raises(messages.MessageError):
        messages.with_string_keys([], "details")
