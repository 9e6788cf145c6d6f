"""Values and descriptions in files: everything that is registered comes back, and nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import Custom, CustomLoss, InputError, Network
from chainrule.files import engine_types, read, values_of, write
from chainrule.files.values import function_names
from tests.laws.test_round_trip import CUSTOM, PRINTED, equal
from tests.rows import rows

SHARED = np.arange(3.0)
VALUES: dict[str, Any] = {
    "nothing": None,
    "numbers": [0, -1, 2**200, 0.1, -0.0, 5e-324, True],
    "not finite": [float("inf"), float("-inf"), 1.0, "inf"],
    "texts": ["", "é", '"\\\n', "\x1b", "\ud800"],
    "tuples": ((), (1, (2.0,)), [(), []]),
    "dictionaries": {"a": {}, "b": {2: "x", (1, 2): None, True: 0.5}, "type": 1},
    "numbers of NumPy": [np.float32(0.1), np.int8(-3), np.True_, np.str_("x")],
    "labels": np.array(["b", "ää", ""]),
    "labels as bytes": np.array([b"a\xff", b"b"]),
    "labels of several types": np.array([1, "a", None, 2.5], object),
    "two axes of labels": np.array([["a", "b"], ["c", "d"], ["e", "f"]]),
    "dates": np.array(["2026-01-01", "NaT"], "M8[D]"),
    "durations": np.array([1, 2], "m8[ns]"),
    "no labels": np.array([], "U4"),
}


def there_and_back(value: Any, folder: Path, functions: Any = None) -> Any:
    write(folder / "file", "network", {"value": value}, engine_types())
    content = read(folder / "file")
    return values_of(content.body, content.arrays, engine_types(), functions)["value"]


def alike(a: Any, b: Any) -> bool:
    """Return whether two values have the same types and contents."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(alike, a.values(), b.values()))
    if isinstance(a, np.ndarray):
        same = a.dtype == b.dtype and a.shape == b.shape
        return same and (alike(a.tolist(), b.tolist()) if a.dtype == object else repr(a) == repr(b))
    return repr(a) == repr(b)


@pytest.mark.parametrize("name", VALUES)
def test_values_come_back(name: str, tmp_path: Path):
    assert alike(there_and_back(VALUES[name], tmp_path), VALUES[name])


def test_nan_comes_back(tmp_path: Path):
    found = there_and_back([float("nan"), "x"], tmp_path)
    assert np.isnan(found[0])


def test_one_array_in_two_places_is_stored_once(tmp_path: Path):
    equal_one = SHARED.copy()
    found = there_and_back({"a": SHARED, "b": [SHARED], "c": equal_one}, tmp_path)
    assert found["a"] is found["b"][0]
    assert found["a"] is not found["c"]
    assert len(read(tmp_path / "file").arrays) == 2


def test_a_random_state_goes_on(tmp_path: Path):
    state = np.random.RandomState(3)
    state.normal(size=7)  # an odd number: one normal number is kept for the next call
    found = there_and_back(state, tmp_path)
    assert np.array_equal(found.normal(size=9), state.normal(size=9))


IN_MODELS = [name for name in PRINTED if type(PRINTED[name]).__name__ in engine_types()]
# Few of them in every run; the law of pickling has all.
ALL = rows(IN_MODELS, *(name for i, name in enumerate(IN_MODELS) if i % 5))


@pytest.mark.parametrize("name", ALL)
def test_descriptions_come_back(name: str, tmp_path: Path):
    value = PRINTED[name]
    found = there_and_back(value, tmp_path)
    assert equal(found, value)
    assert repr(found) == repr(value)


def functions_in(value: Any) -> dict[str, Any]:
    """Return the functions of a description by the names that they have in its file."""
    if isinstance(value, Custom):
        listed = (value.f, value.df)
    else:
        listed = (value.term, value.dterm) if isinstance(value, CustomLoss) else ()
    return {f.__name__: f for f in listed if f is not None}


def has_names(value: Any) -> bool:
    """Return whether the functions of a description have different names."""
    listed = [one for one in vars(value).values() if callable(one)]
    return 0 < len(listed) == len(functions_in(value))


NAMED = [
    name for name, value in CUSTOM.items() if not isinstance(value, Network) and has_names(value)
]


def test_there_are_descriptions_with_functions():
    assert {"custom custom", "custom custom with df", "custom custom with dterm"} <= {*NAMED}


@pytest.mark.parametrize("name", NAMED)
def test_functions_have_to_be_given(name: str, tmp_path: Path):
    value = CUSTOM[name]
    given = functions_in(value)
    with pytest.raises(InputError, match=r"it needs the functions .*, since files contain no code"):
        there_and_back(value, tmp_path)
    found = there_and_back(value, tmp_path, given)
    assert equal(found, value)


def test_functions_of_the_same_name_are_numbered(tmp_path: Path):
    value = [lambda: 1, lambda: 2]
    with pytest.raises(InputError, match=r"load.path, functions={'<lambda>': …, '<lambda> 2': …}"):
        there_and_back([value, value[0]], tmp_path)
    given = dict(zip(("<lambda>", "<lambda> 2"), value, strict=True))
    found = there_and_back([value, value[0]], tmp_path, given)
    assert found == [value, value[0]]
    assert function_names(read(tmp_path / "file").body) != []


def test_a_function_that_no_file_names_is_an_error(tmp_path: Path):
    with pytest.raises(InputError, match="functions has 'print', but the file names no function"):
        there_and_back(1, tmp_path, {"print": print})


def test_what_is_given_must_be_callable(tmp_path: Path):
    with pytest.raises(InputError, match=r"functions\['print'\] is 3, give a function"):
        there_and_back(print, tmp_path, {"print": 3})


@pytest.mark.parametrize(
    "value",
    [object(), 1j, np.array([1j]), np.ma.array([1.0]), {1, 2}, Path("x"), np.void(b"a")],
    ids=lambda value: type(value).__name__,
)
def test_other_values_are_refused_with_their_place(value: Any, tmp_path: Path):
    with pytest.raises(InputError, match=r"(?s)value\.1\.a is .*, which a file cannot hold"):
        there_and_back([0, {"a": value}], tmp_path)
    assert list(tmp_path.iterdir()) == []
